use proptest::prelude::*;

use super::*;
use crate::store::conformance::content;
use crate::store::local::format::seal::BodyId;
use crate::store::local::log::PackedExtent;
use crate::store::local::seal::{ObjectKey, Sealer};

/// Sizes on both sides of every border.
const SIZES: [usize; 12] = [
    0,
    1,
    100,
    PLAIN - 1,
    PLAIN,
    PLAIN + 1,
    SEGMENT,
    2 * PLAIN - 1,
    2 * PLAIN,
    2 * PLAIN + 1,
    5 * PLAIN,
    5 * PLAIN + 17,
];

struct Keyed {
    object: ObjectKey,
    id: BodyId,
}

impl Keyed {
    fn new() -> Self {
        Self { object: ObjectKey::random().unwrap(), id: BodyId::random().unwrap() }
    }

    fn key(&self) -> BodyKey {
        BodyKey::new(&self.object, self.id).unwrap()
    }

    /// The body encrypted, as it comes in pieces of `piece` bytes.
    fn seal(&self, plain: &[u8], piece: usize) -> Vec<u8> {
        let mut sealer = Sealer::new(self.key());
        let mut out = Vec::new();
        plain.chunks(piece).for_each(|chunk| sealer.push(chunk, &mut out).unwrap());
        sealer.finish(&mut out).unwrap();
        out
    }

    fn extent(&self, sealed: Vec<u8>, len: u64) -> Result<SealedExtent, ExtentError> {
        SealedExtent::new(Arc::new(PackedExtent(sealed.into())), self.key(), len)
    }

    fn whole(&self, sealed: Vec<u8>, len: usize) -> Result<Bytes, ExtentError> {
        joined(self.extent(sealed, len as u64)?.read(0, len))
    }
}

/// What was read, in one.
fn joined(read: Result<Vec<Bytes>, ExtentError>) -> Result<Bytes, ExtentError> {
    read.map(|chunks| chunks.concat().into())
}

#[test]
fn what_is_sealed_is_read_whole_and_holds_nothing_in_the_clear() {
    let keyed = Keyed::new();
    for size in SIZES {
        let plain = content(1, size);
        let sealed = keyed.seal(&plain, 1000);
        assert_eq!(sealed.len() as u64, sealed_len(size as u64), "{size}");
        for piece in [PLAIN - 1, PLAIN, 4 * SEGMENT] {
            assert_eq!(keyed.seal(&plain, piece), sealed, "{size} in {piece}");
        }
        if size >= 100 {
            assert!(!sealed.windows(32).any(|window| window == &plain[..32]), "{size}");
        }
        assert_eq!(keyed.whole(sealed, size).unwrap(), plain, "{size}");
    }
}

#[test]
fn a_flipped_bit_anywhere_is_an_error_and_elsewhere_harms_nothing() {
    let keyed = Keyed::new();
    let size = 2 * PLAIN + 100;
    let plain = content(1, size);
    let sealed = keyed.seal(&plain, size);
    let places = (0..sealed.len()).filter(|at| at % 997 == 0 || at % SEGMENT > SEGMENT - 18);
    for place in places.chain(sealed.len() - 130..sealed.len()) {
        let mut bad = sealed.clone();
        bad[place] ^= 1 << (place % 8);
        let extent = keyed.extent(bad, size as u64).unwrap();
        assert!(matches!(extent.read(0, size), Err(ExtentError::Damaged { .. })), "{place}");
        for segment in 0..3_usize {
            let (offset, len) = (segment * PLAIN, PLAIN.min(size - segment * PLAIN));
            let read = joined(extent.read(offset as u64, len));
            if place / SEGMENT == segment {
                assert!(read.is_err(), "{place}");
            } else {
                assert_eq!(read.unwrap(), plain.slice(offset..offset + len), "{place}");
            }
        }
    }
}

#[test]
fn cut_swapped_and_foreign_segments_are_errors() {
    let keyed = Keyed::new();
    let size = 3 * PLAIN;
    let sealed = keyed.seal(&content(1, size), size);
    // The last segment is missing, and the record says so too.
    let cut = sealed[..2 * SEGMENT].to_vec();
    assert!(keyed.whole(cut.clone(), size).is_err());
    assert!(keyed.whole(cut, 2 * PLAIN).is_err());
    // Two in the middle change places.
    let mut swapped = sealed.clone();
    swapped[..2 * SEGMENT].rotate_left(SEGMENT);
    assert!(keyed.whole(swapped, size).is_err());
    // The first comes again at the end.
    let mut repeated = sealed.clone();
    repeated.extend_from_slice(&sealed[..SEGMENT]);
    assert!(keyed.whole(repeated, size + PLAIN).is_err());
    // A segment of another body of the same object.
    let other = Keyed { object: keyed.object.clone(), id: BodyId::random().unwrap() };
    let mut mixed = sealed.clone();
    mixed[..SEGMENT].copy_from_slice(&other.seal(&content(1, size), size)[..SEGMENT]);
    assert!(keyed.whole(mixed, size).is_err());
    assert!(other.whole(sealed.clone(), size).is_err());
    // Another object's key.
    let stranger = Keyed { object: ObjectKey::random().unwrap(), id: keyed.id };
    assert!(stranger.whole(sealed, size).is_err());
}

#[test]
fn what_is_outside_is_damage() {
    let keyed = Keyed::new();
    let extent = keyed.extent(keyed.seal(b"12345", 5), 5).unwrap();
    assert_eq!(extent.read(2, 3).unwrap(), ["345"]);
    assert!(extent.read(5, 0).unwrap().is_empty());
    assert!(extent.read(3, 3).is_err());
    assert!(extent.read(u64::MAX, 1).is_err());
    assert!(keyed.extent(keyed.seal(b"12345", 5), 4).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn ranges_are_those_of_the_plain_body(
        border in 0_usize..4,
        around in 0_usize..40,
        piece in 1_usize..200_000,
        ranges in prop::collection::vec((any::<u64>(), any::<u64>()), 12),
    ) {
        let size = (border * PLAIN + around).saturating_sub(20);
        let (keyed, plain) = (Keyed::new(), content(7, size));
        let extent = keyed.extent(keyed.seal(&plain, piece), size as u64).unwrap();
        for (one, two) in ranges {
            let place = |at: u64| usize::try_from(at % (size as u64 + 1)).unwrap();
            let (from, to) = (place(one).min(place(two)), place(one).max(place(two)));
            let read = joined(extent.read(from as u64, to - from)).unwrap();
            prop_assert_eq!(read, plain.slice(from..to));
        }
    }
}
