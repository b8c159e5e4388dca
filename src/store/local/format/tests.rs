//! Everything that is written reads back, and nothing that is read can do harm.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::checkpoint::{Checkpoint, Position, SegmentRow, SettingRow, Usage, UsageKey};
use super::counts::{Amount, Claimed, Counted, Counts};
use super::entry::{self, BucketEntry, ObjectEntry};
use super::hint::{FRAME_HEADER_LEN, FrameBuilder, FrameHeader, SealFooter};
use super::meta::{
    Assembly, At, CompleteUpload, CreateUpload, Described, KeepCompleted, KeepUpload, ManifestPart,
    Meta, MoveManifest, PutObject, Replaces, Tag,
};
use super::place::{BlobId, Body, BucketId, Carried, Dead, RecordRef};
use super::record::{Frame, Header, Record, block_crcs, record_len};
use super::seal::{BodyId, Holder, Seal, Sealing};
use super::segment::SegmentHeader;
use super::store_file::{CleanStop, Compatibility, Feature, KeysInUse, StoreFormat};
use super::{Identity, StoreId};
use crate::object::{
    Acl, ChecksumChoice, ETag, Month, ObjectMetadata, Owner, PortableAcl, TagSet, Timestamp,
    VersionId,
};

const IDENTITY: Identity = Identity { store: StoreId([7; 16]), segment: 3 };
const ELSEWHERE: Identity = Identity { store: StoreId([7; 16]), segment: 4 };

fn record(lsn: u64) -> RecordRef {
    RecordRef { lsn, segment: 3, offset: 4096 * lsn, len: 200 }
}

fn put(key: &str, size: u64) -> Meta {
    Meta::PutObject(PutObject {
        at: At { bucket: BucketId(9), key: key.to_owned() },
        object: Described {
            version: VersionId::Null,
            size,
            modified: Timestamp(1_700_000_000_000),
            tag: Tag::Md5([5; 16]),
            checksum: None,
            parts_count: None,
            metadata: ObjectMetadata::default(),
            tags: TagSet::default(),
            sealing: None,
            acl: None,
        },
        carried: Carried::Blob(BlobId::from_u128(77)),
        replaces: Replaces {
            size: Some(4),
            dead: Dead::of(record(2), Body::Blob(BlobId::from_u128(78))),
        },
    })
}

fn encoded(meta: &Meta, data: &[u8], lsn: u64) -> Vec<u8> {
    let crcs = block_crcs(data);
    let (format, bytes) = meta.encode(&Counts::default());
    let frame = Frame {
        kind: meta.kind(),
        lsn,
        durable: lsn - 1,
        subject: meta.subject(),
        format,
        meta: &bytes,
        data,
        data_crcs: &crcs,
    };
    let mut out = Vec::new();
    let len = frame.encode(&IDENTITY, &mut out);
    assert_eq!((len, len % 8), (out.len(), 0));
    assert_eq!(len, record_len(bytes.len(), data.len()));
    out
}

#[test]
fn tags_are_kept_whatever_they_look_like() {
    let md5 = "0123456789abcdef0123456789abcdef";
    for text in [
        md5.to_owned(),
        format!("{md5}-3"),
        format!("{md5}-03"),
        format!("{md5}-"),
        md5.to_uppercase(),
        "anything".to_owned(),
        String::new(),
    ] {
        let etag = ETag::parse(&text);
        assert_eq!(Tag::from(&etag).etag(), etag, "{text}");
    }
}

#[test]
fn what_is_counted_reads_back_and_older_records_do_not_say_it() {
    let amount = |size| Amount { size, month: Month::from_number(24_300) };
    let counts = Counts {
        before: Some(Counted { away: true, amount: amount(u64::MAX) }),
        after: Some(Counted { away: false, amount: amount(4096) }),
        claimed: Some(Claimed::Here(Some(amount(0)))),
    };
    let (_, bytes) = put("key", 3).encode(&counts);
    assert_eq!(Meta::decode_counted(1, 2, &bytes), Ok((put("key", 3), Some(counts))));
    let (_, alone) = put("key", 3).encode(&Counts::default());
    let older = &alone[..alone.len() - 3];
    assert_eq!(Meta::decode_counted(1, 1, older), Ok((put("key", 3), None)));
    for (format, bytes) in [(1, alone.as_slice()), (2, older), (3, alone.as_slice())] {
        Meta::decode(1, format, bytes).unwrap_err();
    }
}

#[test]
fn a_key_is_counted_where_readers_find_it() {
    let amount = |size| Amount { size, month: Month::from_number(1) };
    let here = Some(Counted { away: false, amount: amount(1) });
    let there = Some(Counted { away: true, amount: amount(2) });
    for (object, claimed, counted) in [
        (None, None, None),
        (Some(amount(1)), None, here),
        (Some(amount(1)), Some(Claimed::Here(Some(amount(2)))), here),
        (None, Some(Claimed::Here(Some(amount(2)))), there),
        (None, Some(Claimed::Here(None)), None),
        (Some(amount(1)), Some(Claimed::There(amount(2))), there),
        (Some(amount(1)), Some(Claimed::Gone), None),
    ] {
        assert_eq!(Counted::of(object, claimed), counted, "{object:?} {claimed:?}");
    }
}

#[test]
fn a_record_belongs_to_one_place() {
    let bytes = encoded(&put("key", 3), b"abc", 5);
    Record::decode(&IDENTITY, &bytes).unwrap();
    Record::decode(&ELSEWHERE, &bytes).unwrap_err();
}

/// No flipped bit anywhere in a record goes unnoticed.
#[test]
fn every_flipped_bit_is_noticed() {
    let bytes = encoded(&put("key", 3), b"abcdefghi", 5);
    for at in 0..bytes.len() * 8 {
        let mut flipped = bytes.clone();
        flipped[at / 8] ^= 1 << (at % 8);
        assert!(Record::decode(&IDENTITY, &flipped).is_err(), "bit {at}");
    }
}

#[test]
fn a_cut_record_is_none() {
    let bytes = encoded(&put("key", 3), b"abcdefghi", 5);
    for len in 0..bytes.len() {
        assert!(Record::decode(&IDENTITY, &bytes[..len]).is_err(), "{len} bytes");
    }
}

#[test]
fn segments_and_hints_read_back() {
    let header = SegmentHeader { identity: IDENTITY, first_lsn: 12, created: Timestamp(-5) };
    assert_eq!(SegmentHeader::decode(&header.encode()), Ok(header));
    let mut frame = FrameBuilder::default();
    let metas = ["a", "b"].map(|key| put(key, 1).encode(&Counts::default()).1);
    for (offset, meta) in (0..).zip(&metas) {
        let bytes = encoded(&put("ab", 1), b"", 8);
        let header = Header::decode(&IDENTITY, &bytes).unwrap();
        frame.push(offset, &header, meta);
    }
    let bytes = frame.finish(&IDENTITY);
    assert!(frame.is_empty());
    let header = FrameHeader::decode(&bytes).unwrap();
    let entries = header.entries(&IDENTITY, &bytes[FRAME_HEADER_LEN..]).unwrap();
    let read: Vec<_> = entries.iter().map(|entry| (entry.offset, entry.meta)).collect();
    assert_eq!(read, [(0, metas[0].as_slice()), (1, metas[1].as_slice())]);
    header.entries(&ELSEWHERE, &bytes[FRAME_HEADER_LEN..]).unwrap_err();
    let footer = SealFooter {
        records_end: 1,
        table_at: 2,
        frames: 3,
        records: 4,
        first_lsn: 5,
        last_lsn: 6,
        table_crc: 7,
    };
    assert_eq!(SealFooter::decode(&IDENTITY, &footer.encode(&IDENTITY)), Ok(footer));
    SealFooter::decode(&ELSEWHERE, &footer.encode(&IDENTITY)).unwrap_err();
}

#[test]
fn checkpoints_and_small_files_read_back() {
    let owner = Owner { id: "i".to_owned(), display_name: "d".to_owned() };
    let checkpoint = Checkpoint {
        store: IDENTITY.store,
        sequence: 4,
        boot_id: "boot".to_owned(),
        applied: 9,
        position: Position { segment: 3, offset: 4096 },
        segments: vec![SegmentRow { id: 3, first_lsn: 1, live: 50 }],
        usage: vec![(
            UsageKey { bucket: BucketId(1), class: String::new() },
            Usage { objects: 1, bytes: 2 },
        )],
        buckets: vec![(
            "b".to_owned(),
            BucketEntry { id: BucketId(1), owner, created: Timestamp(5) },
        )],
        damage: Vec::new(),
        settings: Some(vec![SettingRow {
            bucket: BucketId(1),
            name: "cors".to_owned(),
            head: RecordRef { segment: 3, offset: 4096, len: 200, lsn: 8 },
        }]),
    };
    for settings in [Some(Vec::new()), None] {
        let other = Checkpoint { settings, ..checkpoint.clone() };
        assert_eq!(Checkpoint::decode(&other.encode()), Ok(other));
    }
    let bytes = checkpoint.encode();
    assert_eq!(Checkpoint::decode(&bytes), Ok(checkpoint));
    for at in 0..bytes.len() {
        let mut flipped = bytes.clone();
        flipped[at] ^= 0x20;
        assert!(Checkpoint::decode(&flipped).is_err(), "byte {at}");
    }
    let format = StoreFormat::new(IDENTITY.store);
    assert_eq!(StoreFormat::decode(&format.encode()), Ok(format.clone()));
    assert_eq!(format.store(), Ok(IDENTITY.store));
    assert_eq!(format.compatibility(), Compatibility::Full);
    let future = StoreFormat { incompat: vec!["other".to_owned()], ..format.clone() };
    assert!(matches!(future.compatibility(), Compatibility::Refused(_)));
    let future = StoreFormat { read_only_compat: vec!["other".to_owned()], ..format.clone() };
    assert!(matches!(future.compatibility(), Compatibility::ReadOnly(_)));
    let future = StoreFormat { compat: vec!["other".to_owned()], ..format };
    assert_eq!(future.compatibility(), Compatibility::Full);
    let clean = CleanStop {
        store_id: "s".to_owned(),
        boot_id: "b".to_owned(),
        last_lsn: 1,
        segment: 2,
        offset: 3,
    };
    let text = String::from_utf8(clean.encode()).unwrap();
    assert_eq!(CleanStop::decode(text.as_bytes()), Ok(clean));
    CleanStop::decode(text.replace("\"last_lsn\": 1", "\"last_lsn\": 2").as_bytes()).unwrap_err();
}

#[test]
fn entries_stay_small_and_read_back() {
    let Meta::PutObject(put) = put("key", 12) else { panic!() };
    let entry = ObjectEntry::new(record(5), Body::Packed(record(5)), &put.object);
    let bytes = entry::encode(&entry);
    assert!(bytes.len() < 100, "{}", bytes.len());
    assert_eq!(entry::decode::<ObjectEntry>(&bytes), Ok(entry));
    let mut object = put.object;
    object.metadata.headers.content_type = Some("x".repeat(300));
    object.metadata.storage_class = Some("GLACIER".to_owned());
    let entry = ObjectEntry::new(record(5), Body::Empty, &object);
    assert_eq!(entry.whole_metadata(), None);
    assert!(entry::encode(&entry).len() < 200);
    object.metadata.headers.content_type = Some("text/plain".to_owned());
    let entry = ObjectEntry::new(record(5), Body::Empty, &object);
    assert_eq!(entry.whole_metadata(), Some(object.metadata));
}

fn sealing() -> Sealing {
    let holder = Holder::Master { id: "2026-11".to_owned(), asked: true };
    let seal = Seal { holder, salt: [1; 16], wrapped: [2; 32], tag: [3; 16] };
    Sealing { seal: Some(seal), body: Some(BodyId([4; 16])) }
}

/// What says how bytes are encrypted stands behind all else, in records of format 3 alone.
#[test]
fn encrypted_records_say_so() {
    let Meta::PutObject(plain) = put("key", 3) else { panic!() };
    let mut sealed = plain.clone();
    sealed.object.sealing = Some(sealing());
    let counts = Counts::default();
    let (format, clear) = Meta::PutObject(plain).encode(&counts);
    assert_eq!(format, 2);
    let sealed = Meta::PutObject(sealed);
    let (format, bytes) = sealed.encode(&counts);
    assert_eq!(format, 3);
    assert!(bytes.starts_with(&clear), "a plain record is what it was before");
    assert_eq!(Meta::decode_counted(1, 3, &bytes), Ok((sealed, Some(counts))));
    for (format, bytes) in [(2, bytes.as_slice()), (3, clear.as_slice())] {
        Meta::decode(1, format, bytes).unwrap_err();
    }
    let (_, gone) = Meta::DeleteBucket(super::meta::DeleteBucket {
        bucket: BucketId(1),
        name: "b".to_owned(),
        time: Timestamp(0),
    })
    .encode(&counts);
    let tail = postcard::to_stdvec(&sealing()).unwrap();
    Meta::decode(5, 3, &[gone, tail].concat()).unwrap_err();
}

/// An ACL stands behind all else, in records of format 4 alone, encrypted or not.
#[test]
fn records_with_acls_say_so() {
    let Meta::PutObject(plain) = put("key", 3) else { panic!() };
    let counts = Counts::default();
    let (_, clear) = Meta::PutObject(plain.clone()).encode(&counts);
    let me = Owner { id: "me".to_owned(), display_name: "Me".to_owned() };
    for sealing in [None, Some(sealing())] {
        let mut listed = plain.clone();
        listed.object.acl = Some(PortableAcl::PublicRead.of(me.clone()));
        listed.object.sealing = sealing;
        let listed = Meta::PutObject(listed);
        let (format, bytes) = listed.encode(&counts);
        assert_eq!(format, 4);
        assert!(bytes.starts_with(&clear), "a plain record is what it was before");
        assert_eq!(Meta::decode_counted(1, 4, &bytes), Ok((listed, Some(counts))));
        for (format, bytes) in [(2, bytes.as_slice()), (3, &bytes), (4, &clear)] {
            Meta::decode(1, format, bytes).unwrap_err();
        }
    }
    let upload = Meta::CreateUpload(CreateUpload {
        at: At { bucket: BucketId(9), key: "key".to_owned() },
        initiated: Timestamp(0),
        initiator: me.clone(),
        checksum: ChecksumChoice::like(None),
        metadata: ObjectMetadata::default(),
        tags: TagSet::default(),
        seal: None,
        acl: Some(Acl::private(me)),
    });
    let (format, bytes) = upload.encode(&counts);
    assert_eq!(Meta::decode(7, format, &bytes).as_ref(), Ok(&upload));
}

/// What a compaction writes anew has all that the record had, whatever stands behind its meta.
#[test]
fn moved_records_keep_seals_and_acls() {
    let me = Owner { id: "me".to_owned(), display_name: "Me".to_owned() };
    let Meta::PutObject(PutObject { at, object, replaces, .. }) = put("key", 3) else { panic!() };
    let acls = [None, Some(Acl::private(me.clone()))];
    for (sealing, acl) in [None, Some(sealing())]
        .into_iter()
        .zip(&acls)
        .chain([(Some(sealing()), &acls[0]), (None, &acls[1])])
    {
        let seal = sealing.as_ref().and_then(|sealing| sealing.seal.clone());
        let upload = Box::new(CreateUpload {
            at: at.clone(),
            initiated: Timestamp(5),
            initiator: me.clone(),
            checksum: ChecksumChoice::like(None),
            metadata: ObjectMetadata::default(),
            tags: TagSet::default(),
            seal,
            acl: acl.clone(),
        });
        let complete = Box::new(CompleteUpload {
            at: at.clone(),
            upload: 4,
            object: Described { sealing, acl: acl.clone(), ..object.clone() },
            request: [3; 16],
            time: Timestamp(6),
            replaces: replaces.clone(),
        });
        let mut unlisted = complete.clone();
        unlisted.object.acl = None;
        for meta in [
            Meta::KeepUpload(KeepUpload { lsn: 3, replaces: record(3), upload }),
            Meta::MoveManifest(MoveManifest { complete, raised: vec![record(8), record(9)] }),
            Meta::KeepCompleted(KeepCompleted { complete: unlisted }),
        ] {
            let (format, bytes) = meta.encode(&Counts::default());
            assert_eq!(Meta::decode(meta.kind(), format, &bytes).as_ref(), Ok(&meta));
            assert_eq!(meta.subject(), put("key", 3).subject());
        }
    }
}

/// ACLs of stores that are there lie in this form: it never changes.
#[test]
fn acls_lie_as_they_always_did() {
    let me = Owner { id: "me".to_owned(), display_name: String::new() };
    let bytes = postcard::to_stdvec(&PortableAcl::PublicReadWrite.of(me)).unwrap();
    let expected = b"\x02me\0\x03\0\x02me\0\0\x01\0\x01\x01\0\x02";
    assert_eq!(bytes, expected);
}

#[test]
fn stores_say_which_features_they_use() {
    let format = StoreFormat::new(IDENTITY.store);
    let mut more = format.clone();
    for feature in [Feature::Sealed, Feature::Acls, Feature::Compacted] {
        assert!(!format.has(feature));
        more.add(feature);
        more.add(feature);
        assert!(more.has(feature) && more.compatibility() == Compatibility::Full);
    }
    assert_eq!(more.incompat.len(), format.incompat.len() + 3);
    assert_eq!(StoreFormat::decode(&more.encode()), Ok(more));
    let keys = ["a", "b"].map(str::to_owned).into();
    let mut in_use = KeysInUse { store_id: "s".to_owned(), keys, checks: BTreeMap::new() };
    let bare = in_use.encode();
    assert_eq!(KeysInUse::decode(&bare), Ok(in_use.clone()));
    in_use.checks.insert("a".to_owned(), ["00".to_owned()].into());
    assert_eq!(KeysInUse::decode(&in_use.encode()), Ok(in_use));
    // As it was written when there were no check values.
    let old = r#"{"store_id":"s","keys":["a","b"],"crc32c":"CRC"}"#;
    let crc = String::from_utf8(bare).unwrap();
    let crc = crc.split("\"crc32c\": \"").nth(1).unwrap().split('"').next().unwrap();
    let old = KeysInUse::decode(old.replace("CRC", crc).as_bytes()).unwrap();
    assert!(old.checks.is_empty() && old.keys.len() == 2);
}

#[test]
fn manifests_read_back() {
    let assembly = Assembly {
        parts: vec![
            ManifestPart { size: 1, checksum: None, body: Body::Packed(record(1)), sealed: None },
            ManifestPart {
                size: 2,
                checksum: None,
                body: Body::Blob(BlobId::from_u128(4)),
                sealed: None,
            },
        ],
        dead: Dead { records: vec![record(3)], ..Dead::default() },
    };
    assert_eq!(Assembly::decode(&assembly.encode()), Ok(assembly.clone()));
    let mut sealed = assembly.clone();
    sealed.parts[1].sealed = Some(BodyId([4; 16]));
    assert!(sealed.encode().starts_with(&assembly.encode()));
    assert_eq!(Assembly::decode(&sealed.encode()), Ok(sealed.clone()));
    sealed.parts.pop();
    let ids = postcard::to_stdvec(&vec![Some(BodyId([4; 16])); 2]).unwrap();
    Assembly::decode(&[sealed.encode(), ids].concat()).unwrap_err();
    let dead = assembly.parts_dead();
    assert_eq!((dead.records, dead.blobs), (vec![record(1)], vec![BlobId::from_u128(4)]));
}

proptest! {
    #[test]
    fn records_read_back(key in ".{1,40}", data in proptest::collection::vec(any::<u8>(), 0..200_000)) {
        let meta = put(&key, data.len() as u64);
        let bytes = encoded(&meta, &data, 17);
        let read = Record::decode(&IDENTITY, &bytes).unwrap();
        prop_assert_eq!(read.data, data.as_slice());
        prop_assert_eq!(read.header.subject, meta.subject());
        let decoded = Meta::decode(read.header.kind, read.header.format, read.meta);
        prop_assert_eq!(decoded, Ok(meta));
    }

    #[test]
    fn no_bytes_do_harm(bytes in proptest::collection::vec(any::<u8>(), 0..600), kind in 0_u8..24) {
        let _ = Record::decode(&IDENTITY, &bytes);
        let _ = Header::decode(&IDENTITY, &bytes);
        let _ = Meta::decode(kind, 1, &bytes);
        let _ = Meta::decode_counted(kind, 2, &bytes);
        let _ = Meta::decode_counted(kind, 3, &bytes);
        let _ = Meta::decode_counted(kind, 4, &bytes);
        let _ = KeysInUse::decode(&bytes);
        let _ = Assembly::decode(&bytes);
        let _ = Dead::decode(&bytes);
        let _ = SegmentHeader::decode(&bytes);
        let _ = SealFooter::decode(&IDENTITY, &bytes);
        let _ = FrameHeader::decode(&bytes).map(|header| header.entries(&IDENTITY, &bytes).is_ok());
        let _ = Checkpoint::decode(&bytes);
        let _ = StoreFormat::decode(&bytes);
        let _ = CleanStop::decode(&bytes);
        let _ = entry::decode::<ObjectEntry>(&bytes);
    }
}
