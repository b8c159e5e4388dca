//! Bodies into blobs and out of them.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

use bytes::Bytes;
use proptest::prelude::*;

use super::super::{BLOCK, BlobId, Blobs, ExtentError, ExtentReader, Extents};
use super::super::{Sink, read_source, write_payload};
use super::{ID, data, footer, store};
use crate::body::{BodyError, Digests, Payload, Source};
use crate::object::ByteRange;
use crate::store::StoreError;
use crate::store::local::vfs::sim::{Fault, Op, Sim};

/// Chunks, then an end or an error.
struct Chunks(std::vec::IntoIter<Bytes>, bool);

impl Source for Chunks {
    fn poll_chunk(&mut self, _: &mut Context<'_>) -> Poll<Option<Result<Bytes, BodyError>>> {
        match self.0.next() {
            Some(chunk) => Poll::Ready(Some(Ok(chunk))),
            None if std::mem::take(&mut self.1) => Poll::Ready(Some(Err(BodyError::Incomplete))),
            None => Poll::Ready(None),
        }
    }

    fn digests(&self) -> Option<&Digests> {
        None
    }

    fn trailer(&self, _: &str) -> Option<&str> {
        None
    }
}

fn body(chunks: Vec<Bytes>, fails: bool) -> Payload {
    Payload::new(None, Chunks(chunks.into_iter(), fails))
}

fn chunks(content: &[u8], size: usize) -> Vec<Bytes> {
    content.chunks(size).map(Bytes::copy_from_slice).collect()
}

fn blobs() -> (Sim, Blobs) {
    let sim = Sim::new();
    let blobs = Blobs::open(sim.vfs()).unwrap();
    (sim, blobs)
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(1).build().unwrap()
}

fn whole(blobs: &Blobs, ids: &[BlobId]) -> (Arc<dyn Extents>, u64) {
    let extent = |id: &BlobId| Arc::new(blobs.read(*id).unwrap()) as Arc<dyn ExtentReader>;
    let extents: Vec<_> = ids.iter().map(extent).collect();
    let length = extents.iter().map(|extent| extent.len()).sum();
    (Arc::new(extents), length)
}

async fn read_all(mut payload: Payload) -> Result<Vec<u8>, BodyError> {
    let mut out = Vec::new();
    while let Some(chunk) = payload.next().await {
        let chunk = chunk?;
        assert!(!chunk.is_empty() && chunk.len() <= 512 * 1024);
        out.extend_from_slice(&chunk);
    }
    Ok(out)
}

#[tokio::test]
async fn a_body_becomes_a_blob_however_it_is_cut() {
    let (_sim, blobs) = blobs();
    let content = data(700_001);
    for (number, size) in (0u128..).zip([1000, 4096, 65_536, 262_144, 300_000, 1 << 20]) {
        let mut pieces = chunks(&content, size);
        let rest = pieces.split_off(1);
        let writer = Sink::new(blobs.create(BlobId(number), None).unwrap(), None);
        let writer = write_payload(writer, pieces, &mut body(rest, false)).await.unwrap();
        let published = writer.end().unwrap().finish(&footer()).unwrap();
        assert_eq!(published.size, 700_001);
        let reader = blobs.read(BlobId(number)).unwrap();
        assert_eq!(reader.read(0, 700_001).unwrap(), content);
    }
}

#[tokio::test]
async fn an_empty_body_becomes_an_empty_blob() {
    let (_sim, blobs) = blobs();
    let writer = Sink::new(blobs.create(ID, Some(0)).unwrap(), None);
    let writer = write_payload(writer, Vec::new(), &mut Payload::empty()).await.unwrap();
    assert_eq!(writer.end().unwrap().finish(&footer()).unwrap().size, 0);
    let (extents, _) = whole(&blobs, &[ID]);
    let payload = read_source(extents, ByteRange { offset: 0, length: 0 }).await.unwrap();
    assert_eq!(payload.length(), Some(0));
    assert_eq!(read_all(payload).await.unwrap(), b"");
}

#[tokio::test]
async fn a_body_that_fails_leaves_nothing() {
    let (sim, blobs) = blobs();
    let before = sim.files();
    let writer = Sink::new(blobs.create(ID, None).unwrap(), None);
    let mut body = body(chunks(&data(600_000), 1000), true);
    let failed = write_payload(writer, Vec::new(), &mut body).await;
    assert!(matches!(failed.map(|_| ()), Err(StoreError::Body(BodyError::Incomplete))));
    assert_eq!(sim.files(), before);
}

#[tokio::test]
async fn a_disk_that_fails_or_is_full_ends_the_upload() {
    for fault in [Fault::Eio, Fault::Short, Fault::Full] {
        let (sim, blobs) = blobs();
        sim.fail(Op::Write, 1, fault);
        let writer = Sink::new(blobs.create(ID, None).unwrap(), None);
        let mut body = body(chunks(&data(1 << 20), 10_000), false);
        let failed = write_payload(writer, Vec::new(), &mut body).await.map(|_| ()).unwrap_err();
        match fault {
            Fault::Full => assert!(matches!(failed, StoreError::StorageFull)),
            _ => assert!(matches!(failed, StoreError::Io { .. })),
        }
    }
}

#[tokio::test]
async fn a_dropped_upload_leaves_nothing() {
    let (sim, blobs) = blobs();
    let before = sim.files();
    let mut stalled = Payload::new(None, Stalled(chunks(&data(600_000), 1000).into_iter()));
    let writer = Sink::new(blobs.create(ID, None).unwrap(), None);
    let upload = write_payload(writer, Vec::new(), &mut stalled);
    tokio::select! {
        biased;
        _ = upload => panic!("the body never ends"),
        () = tokio::task::yield_now() => {}
    }
    assert_eq!(sim.files(), before);
}

/// Chunks, and then never an end.
struct Stalled(std::vec::IntoIter<Bytes>);

impl Source for Stalled {
    fn poll_chunk(&mut self, _: &mut Context<'_>) -> Poll<Option<Result<Bytes, BodyError>>> {
        self.0.next().map_or(Poll::Pending, |chunk| Poll::Ready(Some(Ok(chunk))))
    }

    fn digests(&self) -> Option<&Digests> {
        None
    }

    fn trailer(&self, _: &str) -> Option<&str> {
        None
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn any_range_across_extents_is_what_was_written(
        sizes in prop::collection::vec(prop_oneof![0..3usize, 0..600_000usize, Just(BLOCK)], 1..5),
        from: prop::sample::Index,
        to: prop::sample::Index,
    ) {
        let (_sim, blobs) = blobs();
        let mut content = Vec::new();
        let mut ids = Vec::new();
        for (number, size) in (1u128..).zip(sizes) {
            store(&blobs, BlobId(number), &data(size));
            content.extend(data(size));
            ids.push(BlobId(number));
        }
        let (from, to) = (from.index(content.len() + 1), to.index(content.len() + 1));
        let (from, to) = (from.min(to), from.max(to));
        let range = ByteRange { offset: from as u64, length: (to - from) as u64 };
        let (extents, length) = whole(&blobs, &ids);
        prop_assert_eq!(length, content.len() as u64);
        let read = runtime().block_on(async {
            let payload = read_source(extents, range).await.unwrap();
            assert_eq!(payload.length(), Some(range.length));
            read_all(payload).await.unwrap()
        });
        prop_assert_eq!(read, &content[from..to]);
    }
}

#[tokio::test]
async fn damage_at_the_start_is_an_error_at_once_and_later_ends_the_body() {
    let (sim, blobs) = blobs();
    let content = data(2_000_000);
    store(&blobs, ID, &content);
    sim.flip(&ID.path(), 1_500_000, 1);
    let (extents, length) = whole(&blobs, &[ID]);
    let range = |offset| ByteRange { offset, length: length - offset };
    let mut payload = read_source(Arc::clone(&extents), range(0)).await.unwrap();
    let mut given = Vec::new();
    let error = loop {
        match payload.next().await.unwrap() {
            Ok(chunk) => given.extend_from_slice(&chunk),
            Err(error) => break error,
        }
    };
    assert!(matches!(error, BodyError::Store(text) if text.contains("checksum of block 22")));
    assert!(given.len() >= 1_000_000 && content.starts_with(&given));
    assert!(payload.next().await.is_none());
    let at_once = read_source(extents, range(1_450_000)).await;
    assert!(matches!(at_once.map(|_| ()), Err(StoreError::Damaged { .. })));
}

/// Opens extents of 1000 bytes on demand, and counts how often.
struct Lazy(Blobs, usize, AtomicUsize);

impl Extents for Lazy {
    fn count(&self) -> usize {
        self.1
    }

    fn length(&self, index: usize) -> u64 {
        if index < self.1 { 1000 } else { 0 }
    }

    fn open(&self, index: usize) -> Result<Arc<dyn ExtentReader>, ExtentError> {
        self.2.fetch_add(1, Ordering::Relaxed);
        Ok(Arc::new(self.0.read(BlobId(index as u128))?))
    }
}

#[tokio::test]
async fn extents_are_opened_when_their_turn_comes() {
    let (_sim, blobs) = blobs();
    for number in 0..5 {
        store(&blobs, BlobId(number), &data(if number == 4 { 999 } else { 1000 }));
    }
    let extents = Arc::new(Lazy(blobs, 4, AtomicUsize::new(0)));
    let range = ByteRange { offset: 1500, length: 2500 };
    let as_extents: Arc<dyn Extents> = extents.clone();
    let payload = read_source(as_extents, range).await.unwrap();
    assert_eq!(extents.2.load(Ordering::Relaxed), 1);
    assert_eq!(read_all(payload).await.unwrap().len(), 2500);
    assert_eq!(extents.2.load(Ordering::Relaxed), 3);
    let too_long = ByteRange { offset: 0, length: 4001 };
    let as_extents: Arc<dyn Extents> = extents.clone();
    let payload = read_source(as_extents, too_long).await.unwrap();
    assert!(matches!(read_all(payload).await, Err(BodyError::Store(_))));
    let other_size = Arc::new(Lazy(extents.0.clone(), 5, AtomicUsize::new(0)));
    let range = ByteRange { offset: 4000, length: 999 };
    let read = read_source(other_size, range).await.map(|_| ());
    assert!(
        matches!(read, Err(StoreError::Damaged { what }) if what.contains("999 bytes, not 1000"))
    );
}
