//! Blobs on the simulated file system and on the machine's.

mod crash;
mod damage;
mod streaming;

use std::path::Path;
use std::sync::{Arc, LazyLock};

use proptest::prelude::*;

use super::format::PER_PAGE;
use super::{BLOCK, BlobDir, BlobFooter, BlobId, Blobs, ExtentError, PartOf};
use crate::object::{
    Algorithm, Checksum, ChecksumKind, ChecksumValue, ETag, ObjectMetadata, TagSet, Timestamp,
    VersionId,
};
use crate::store::local::format::seal::{BodyId, Holder, Seal, Sealing};
use crate::store::local::vfs::sim::Sim;
use crate::store::local::vfs::{RealVfs, Vfs};

const ID: BlobId = BlobId(0xabc0_0000_0000_4000_8000_0000_0000_0001);

fn footer() -> BlobFooter {
    let mut metadata = ObjectMetadata::default();
    metadata.headers.content_type = Some("text/plain".to_owned());
    metadata.user.0.insert("colour".to_owned(), "grün".to_owned());
    BlobFooter {
        bucket: "bucket".to_owned(),
        key: "some/key".to_owned(),
        version: Some(VersionId::Null),
        part: Some(PartOf { upload: "upload".to_owned(), number: 3 }),
        etag: ETag::from_md5([5; 16]),
        checksum: Some(Checksum {
            value: ChecksumValue { algorithm: Algorithm::Crc32c, digest: vec![1, 2, 3, 4] },
            kind: ChecksumKind::FullObject,
            parts: None,
        }),
        metadata,
        tags: TagSet::default(),
        created: Timestamp(1_700_000_000_000),
        sealing: None,
    }
}

/// Bytes that differ from block to block.
fn data(len: usize) -> Vec<u8> {
    static BASE: LazyLock<Vec<u8>> = LazyLock::new(|| (0..251).cycle().take(BLOCK + 251).collect());
    let mut out = Vec::with_capacity(len);
    for block in 0..len.div_ceil(BLOCK) {
        let from = block % 251;
        out.extend_from_slice(&BASE[from..from + BLOCK.min(len - out.len())]);
    }
    out
}

fn store(blobs: &Blobs, id: BlobId, content: &[u8]) {
    let mut writer = blobs.create(id, Some(content.len() as u64)).unwrap();
    writer.write(content).unwrap();
    let published = writer.finish(&footer()).unwrap();
    assert_eq!((published.id, published.size), (id, content.len() as u64));
    blobs.sync_dirs([published.dir]).unwrap();
}

fn on_each(test: impl Fn(&Blobs)) {
    test(&Blobs::open(Sim::new().vfs()).unwrap());
    let dir = tempfile::tempdir().unwrap();
    test(&Blobs::open(Arc::new(RealVfs::open(dir.path()).unwrap())).unwrap());
}

#[test]
fn what_is_written_is_read_and_describes_itself() {
    on_each(|blobs| {
        let sizes = [0, 1, BLOCK - 1, BLOCK, BLOCK + 1, 3 * BLOCK, 5 * BLOCK + 77];
        for (number, size) in (0u128..).zip(sizes) {
            let id = BlobId(number << 116);
            let content = data(size);
            store(blobs, id, &content);
            let reader = blobs.read(id).unwrap();
            assert_eq!(reader.size(), size as u64);
            assert_eq!(reader.read(0, size).unwrap(), content);
            assert_eq!(reader.verify().unwrap(), footer());
            assert!(matches!(reader.read(0, size + 1), Err(ExtentError::Damaged { .. })));
            assert!(matches!(reader.read(u64::MAX, 2), Err(ExtentError::Damaged { .. })));
        }
    });
}

#[test]
fn data_comes_first_in_the_file() {
    let sim = Sim::new();
    let blobs = Blobs::open(sim.vfs()).unwrap();
    store(&blobs, ID, &data(100_000));
    let path = Path::new("blobs/abc/abc00000-0000-4000-8000-000000000001.blob");
    assert_eq!(ID.path(), path);
    let content = sim.content(path).unwrap();
    assert_eq!(content[..100_000], data(100_000));
    assert!(content.ends_with(b"SGBLOB\r\n"));
}

/// The bytes behind the data are on users' disks: this fails when an old blob would not be read.
#[test]
fn the_format_stays_as_it_is() {
    let sim = Sim::new();
    let blobs = Blobs::open(sim.vfs()).unwrap();
    store(&blobs, ID, b"data");
    let content = sim.content(&ID.path()).unwrap();
    assert_eq!(hex::encode(content), GOLDEN);
}

const GOLDEN: &str = "64617461d17dd8aeba1d29f2066275636b657408736f6d652f6b65790100010675706c6f6164032030353035303\
    53035303530353035303530353035303530353035303530353035010104010203040000010a746578742f706c61\
    696e0000000000000106636f6c6f7572056772c3bc6e000080a0abfef9626d0000000400000000000000d2e166a\
    f01000000fb8df5305347424c4f420d0a";

#[test]
fn an_encrypted_blob_says_how() {
    let sim = Sim::new();
    let blobs = Blobs::open(sim.vfs()).unwrap();
    let holder = Holder::Master { id: "id".to_owned(), asked: false };
    let seal = Seal { holder, salt: [1; 16], wrapped: [2; 32], tag: [3; 16] };
    let sealing = Some(Sealing { seal: Some(seal), body: Some(BodyId([4; 16])) });
    let sealed = BlobFooter { sealing, ..footer() };
    let mut writer = blobs.create(ID, None).unwrap();
    writer.write(b"data").unwrap();
    let published = writer.finish(&sealed).unwrap();
    blobs.sync_dirs([published.dir]).unwrap();
    assert_eq!(blobs.read(ID).unwrap().verify().unwrap(), sealed);
}

#[test]
fn a_large_blob_has_pages_of_checksums() {
    let dir = tempfile::tempdir().unwrap();
    let blobs = Blobs::open(Arc::new(RealVfs::open(dir.path()).unwrap())).unwrap();
    let piece = data(BLOCK);
    let mut writer = blobs.create(ID, None).unwrap();
    for _ in 0..PER_PAGE + 2 {
        writer.write(&piece).unwrap();
    }
    writer.write(b"the end").unwrap();
    let _ = writer.finish(&footer()).unwrap();
    let reader = blobs.read(ID).unwrap();
    let size = ((PER_PAGE + 2) * BLOCK) as u64 + 7;
    assert_eq!(reader.size(), size);
    assert_eq!(reader.read(size - 7, 7).unwrap(), &b"the end"[..]);
    let across = (PER_PAGE * BLOCK) as u64 - 5;
    assert_eq!(reader.read(across, 10).unwrap(), [&piece[BLOCK - 5..], &piece[..5]].concat());
    assert_eq!(reader.verify().unwrap(), footer());
}

#[test]
fn more_than_announced_or_less_is_stored_as_it_came() {
    on_each(|blobs| {
        for (number, announced) in (0u128..).zip([None, Some(0), Some(10), Some(1 << 20)]) {
            let id = BlobId(number);
            let mut writer = blobs.create(id, announced).unwrap();
            writer.write(&data(70_000)).unwrap();
            writer.write(b"").unwrap();
            writer.write(&data(5)).unwrap();
            assert_eq!(writer.finish(&footer()).unwrap().size, 70_005);
            let whole = [data(70_000), data(5)].concat();
            assert_eq!(blobs.read(id).unwrap().read(0, 70_005).unwrap(), whole);
            blobs.read(id).unwrap().verify().unwrap();
        }
    });
}

#[test]
fn blobs_are_listed_and_removed() {
    on_each(|blobs| {
        let ids = [BlobId(1), BlobId(2), ID];
        for id in ids {
            store(blobs, id, b"x");
        }
        drop(blobs.create(BlobId(3), None).unwrap());
        for stranger in ["blobs/000/notes.txt", "blobs/000/1.blob", "blobs/README"] {
            blobs.vfs.create(Path::new(stranger)).unwrap();
        }
        let misplaced = "blobs/000/abc00000-0000-4000-8000-000000000001.blob";
        blobs.vfs.create(Path::new(misplaced)).unwrap();
        let all = |blobs: &Blobs| -> Vec<BlobId> {
            BlobDir::all().flat_map(|dir| blobs.ids_in(dir).unwrap()).collect()
        };
        assert_eq!(all(blobs), ids);
        let reader = blobs.read(ID).unwrap();
        assert!(blobs.unlink(ID).unwrap());
        assert!(!blobs.unlink(ID).unwrap());
        assert_eq!(reader.read(0, 1).unwrap(), &b"x"[..]);
        assert!(matches!(blobs.read(ID).map(|_| ()), Err(ExtentError::Missing { .. })));
        assert_eq!(all(&Blobs::open(Arc::clone(&blobs.vfs)).unwrap()), ids[..2]);
    });
}

#[test]
fn a_blob_is_never_replaced() {
    on_each(|blobs| {
        store(blobs, ID, b"first");
        let mut second = blobs.create(ID, None).unwrap();
        second.write(b"second").unwrap();
        let taken = second.finish(&footer()).unwrap_err();
        assert_eq!(taken.source.kind(), std::io::ErrorKind::AlreadyExists);
        assert_eq!(blobs.read(ID).unwrap().read(0, 5).unwrap(), &b"first"[..]);
    });
}

#[test]
fn random_ids_differ_and_have_one_name() {
    let (one, other) = (BlobId::random(), BlobId::random());
    assert_ne!(one, other);
    for id in [one, other, BlobId(0), BlobId(u128::MAX)] {
        let path = id.path();
        assert_eq!(BlobId::parse(path.file_name().unwrap().to_str().unwrap()), Some(id));
        assert_eq!(BlobId::from_u128(id.as_u128()), id);
        let dir = path.parent().unwrap().file_name().unwrap().to_str().unwrap();
        assert_eq!(BlobDir::parse(dir), Some(id.dir()));
    }
    for name in ["ABC00000-0000-4000-8000-000000000001.blob", "x", "abc.blob", ".blob"] {
        assert_eq!(BlobId::parse(name), None);
    }
    assert!(["+12", "1234", "ABC", "1", ""].into_iter().all(|name| BlobDir::parse(name).is_none()));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_range_of_any_writes_is_what_was_written(
        pieces in prop::collection::vec(0..100_000usize, 0..6),
        ranges in prop::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>()), 8),
    ) {
        let blobs = Blobs::open(Sim::new().vfs()).unwrap();
        let content = data(pieces.iter().sum());
        let mut writer = blobs.create(ID, None).unwrap();
        let mut rest = content.as_slice();
        for piece in pieces {
            let (now, later) = rest.split_at(piece);
            writer.write(now).unwrap();
            rest = later;
        }
        let _ = writer.finish(&footer()).unwrap();
        let reader = blobs.read(ID).unwrap();
        for (from, to) in ranges {
            let (from, to) = (from.index(content.len() + 1), to.index(content.len() + 1));
            let (from, to) = (from.min(to), from.max(to));
            prop_assert_eq!(reader.read(from as u64, to - from).unwrap(), &content[from..to]);
        }
    }
}

/// Puts bytes where a blob would be.
fn plant(vfs: &Arc<dyn Vfs>, id: BlobId, content: &[u8]) {
    vfs.create_dir(id.path().parent().unwrap()).unwrap();
    vfs.unlink(&id.path()).unwrap();
    vfs.create(&id.path()).unwrap().write_at(content, 0).unwrap();
}
