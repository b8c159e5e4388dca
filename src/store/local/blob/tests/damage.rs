//! Damaged blobs are never taken for sound ones.

use proptest::prelude::*;

use super::super::format::{TRAILER, Trailer};
use super::super::{BLOCK, BlobId, Blobs, ExtentError};
use super::{ID, data, footer, plant, store};
use crate::store::StoreError;
use crate::store::local::vfs::sim::{Fault, Op, Sim};

fn is_damage<T>(read: &Result<T, ExtentError>) -> bool {
    matches!(read, Err(ExtentError::Damaged { .. }))
}

#[test]
fn any_changed_byte_is_found() {
    let sim = Sim::new();
    let blobs = Blobs::open(sim.vfs()).unwrap();
    let content = data(BLOCK + 300);
    store(&blobs, ID, &content);
    let length = sim.content(&ID.path()).unwrap().len();
    let offsets = (0..length).filter(|at| *at >= content.len() || at % 1009 == 0);
    for at in offsets {
        sim.flip(&ID.path(), at, 1 << (at % 8));
        assert!(is_damage(&blobs.read(ID).and_then(|reader| reader.verify())), "byte {at}");
        if let Ok(reader) = blobs.read(ID) {
            for block in [0, 1] {
                let (from, to) = (block * BLOCK, content.len().min((block + 1) * BLOCK));
                match reader.read(from as u64, to - from) {
                    Ok(bytes) => assert_eq!(bytes, &content[from..to]),
                    Err(error) => assert!(matches!(error, ExtentError::Damaged { .. })),
                }
            }
        }
        sim.flip(&ID.path(), at, 1 << (at % 8));
    }
    blobs.read(ID).unwrap().verify().unwrap();
}

#[test]
fn the_message_names_file_and_block() {
    let sim = Sim::new();
    let blobs = Blobs::open(sim.vfs()).unwrap();
    store(&blobs, ID, &data(3 * BLOCK));
    sim.flip(&ID.path(), 2 * BLOCK + 5, 1);
    let reader = blobs.read(ID).unwrap();
    reader.read(0, 2 * BLOCK).unwrap();
    let StoreError::Damaged { what } = reader.read(2 * BLOCK as u64, 1).unwrap_err().into() else {
        panic!("not damage");
    };
    let name = "sim:/blobs/abc/abc00000-0000-4000-8000-000000000001.blob";
    assert_eq!(what, format!("{name} fails the checksum of block 2"));
}

#[test]
fn a_blob_under_anothers_name_or_cut_or_longer_is_none() {
    let sim = Sim::new();
    let blobs = Blobs::open(sim.vfs()).unwrap();
    store(&blobs, ID, &data(1000));
    let content = sim.content(&ID.path()).unwrap();
    let other = BlobId(9);
    plant(&sim.vfs(), other, &content);
    assert!(is_damage(&blobs.read(other)));
    for len in 0..content.len() {
        plant(&sim.vfs(), ID, &content[..len]);
        assert!(is_damage(&blobs.read(ID)));
    }
    plant(&sim.vfs(), ID, &[&content[..], b"x"].concat());
    assert!(is_damage(&blobs.read(ID)));
    plant(&sim.vfs(), ID, &content);
    let reader = blobs.read(ID).unwrap();
    let file = sim.vfs().open(&ID.path(), crate::store::local::vfs::Access::Write).unwrap();
    file.set_len(10).unwrap();
    assert!(is_damage(&reader.read(0, 1000)));
}

#[test]
fn a_failing_disk_is_no_damage() {
    let sim = Sim::new();
    let blobs = Blobs::open(sim.vfs()).unwrap();
    store(&blobs, ID, &data(1000));
    let reader = blobs.read(ID).unwrap();
    sim.fail(Op::Read, 0, Fault::Eio);
    let error = reader.read(0, 10).unwrap_err();
    assert!(matches!(StoreError::from(error), StoreError::Io { .. }));
    assert_eq!(reader.read(0, 10).unwrap(), &data(10)[..]);
}

proptest! {
    #[test]
    fn arbitrary_bytes_are_refused_without_a_panic(bytes: Vec<u8>) {
        let sim = Sim::new();
        let blobs = Blobs::open(sim.vfs()).unwrap();
        plant(&sim.vfs(), ID, &bytes);
        prop_assert!(is_damage(&blobs.read(ID)));
    }

    /// A trailer whose checksums are right but whose lengths are any.
    #[test]
    fn lengths_are_not_believed(
        before in prop::collection::vec(any::<u8>(), 0..300),
        size in prop_oneof![0..400u64, any::<u64>()],
        footer_len in prop_oneof![0..400u32, any::<u32>()],
        footer_crc: u32,
    ) {
        let sim = Sim::new();
        let blobs = Blobs::open(sim.vfs()).unwrap();
        let trailer = Trailer { size, footer_len, footer_crc, sealed: false }.encode(ID);
        prop_assert_eq!(trailer.len(), TRAILER);
        plant(&sim.vfs(), ID, &[before, trailer].concat());
        if let Ok(reader) = blobs.read(ID) {
            prop_assert!(reader.size() <= 300);
            prop_assert!(is_damage(&reader.verify()));
        }
    }

    #[test]
    fn footers_come_back_or_not_at_all(bytes: Vec<u8>) {
        if let Ok(read) = postcard::from_bytes::<super::BlobFooter>(&bytes) {
            let again = postcard::to_stdvec(&read).unwrap();
            prop_assert_eq!(postcard::from_bytes::<super::BlobFooter>(&again).unwrap(), read);
        }
    }
}

#[test]
fn a_footer_that_is_too_long_is_refused_before_anything_is_published() {
    let sim = Sim::new();
    let blobs = Blobs::open(sim.vfs()).unwrap();
    let mut long = footer();
    long.key = "k".repeat(super::super::footer::MAX_FOOTER);
    blobs.create(ID, None).unwrap().finish(&long).unwrap_err();
    assert!(matches!(blobs.read(ID).map(|_| ()), Err(ExtentError::Missing { .. })));
}
