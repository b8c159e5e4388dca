//! Keys come back as they went in, and in the order they stand for.

use proptest::prelude::*;

use super::super::key::{self, BucketId};

/// Keys that collide, share beginnings, and hold the bytes that escaping is about.
pub(super) fn object_key() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("\0"),
        Just("\u{1}"),
        Just("a"),
        Just("b"),
        Just("/"),
        Just("é"),
        Just("\u{10ffff}"),
    ];
    prop::collection::vec(piece, 0..6).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn keys_come_back(bucket: u64, text in object_key(), id: u128, number: u16) {
        let bucket = BucketId(bucket);
        let current = key::current(bucket, &text);
        prop_assert_eq!(key::parse_current(&current), Some((bucket, text.as_str())));
        let upload = key::upload_by_key(bucket, &text, id);
        prop_assert!(upload.starts_with(&key::uploads_in(bucket)));
        prop_assert_eq!(key::parse_upload_by_key(&upload), Some((bucket, text, id)));
        prop_assert!(key::upload(id).starts_with(key::UPLOADS));
        let part = key::part(id, number);
        prop_assert!(part.starts_with(&key::parts_of(id)));
        prop_assert_eq!(key::parse_part(&part), Some((id, number)));
    }

    #[test]
    fn the_order_of_bytes_is_the_order_meant(
        a in (0..2u64, object_key(), any::<u64>()),
        b in (0..2u64, object_key(), any::<u64>()),
    ) {
        let (one, other) = (BucketId(a.0), BucketId(b.0));
        prop_assert_eq!(
            key::current(one, &a.1).cmp(&key::current(other, &b.1)),
            (a.0, a.1.as_bytes()).cmp(&(b.0, b.1.as_bytes()))
        );
        prop_assert_eq!(
            key::upload_by_key(one, &a.1, a.2.into()).cmp(&key::upload_by_key(other, &b.1, b.2.into())),
            (a.0, a.1.as_bytes(), a.2).cmp(&(b.0, b.1.as_bytes(), b.2))
        );
    }

    #[test]
    fn a_successor_ends_what_begins_alike(prefix: Vec<u8>, rest: Vec<u8>, other: Vec<u8>) {
        let inside = [prefix.clone(), rest].concat();
        match key::successor(&prefix) {
            None => prop_assert!(prefix.iter().all(|byte| *byte == 0xff)),
            Some(end) => {
                prop_assert!(inside < end);
                let between = other >= prefix && other < end;
                prop_assert_eq!(between, other.starts_with(&prefix));
            }
        }
    }

    #[test]
    fn strange_bytes_are_refused(bytes: Vec<u8>) {
        let _ = key::parse_current(&bytes);
        if let Some((bucket, text, id)) = key::parse_upload_by_key(&bytes) {
            prop_assert_eq!(key::upload_by_key(bucket, &text, id), bytes.clone());
        }
        let _ = key::parse_part(&bytes);
    }
}
