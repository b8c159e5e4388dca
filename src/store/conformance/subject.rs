//! The store under test and what every function needs of it.

use std::any::Any;
use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;

use crate::body::{BodyError, Digests, Expected, Payload, Source, digesting};
use crate::object::{
    Algorithm, BucketName, ChecksumChoice, ChecksumKind, CompletedPart, Completion, ManualClock,
    ObjectKey, ObjectMetadata, Owner, PartNumber, PartSummary, TagSet, Timestamp,
};
use crate::store::{
    CopyPartRequest, CopyRequest, GetRequest, NewObject, NewUpload, ObjectPath, Store, Stored,
    UploadPath,
};

/// An empty store and the clock that it goes by.
pub struct Subject {
    /// The store.
    pub store: Arc<dyn Store>,
    /// Its clock.
    pub clock: Arc<ManualClock>,
    /// Whether it drops old uploads: those of a service that others use too are not its to drop.
    pub expires: bool,
    guard: Option<Box<dyn Any + Send + Sync>>,
}

impl Subject {
    /// The time that a subject's clock shows at first: not a whole second.
    pub const START: Timestamp = Timestamp(1_700_000_000_250);

    /// A clock for a store to be.
    pub fn clock() -> Arc<ManualClock> {
        Arc::new(ManualClock::new(Self::START))
    }

    /// A store that goes by `clock`.
    pub fn new(store: Arc<dyn Store>, clock: Arc<ManualClock>) -> Self {
        Self { store, clock, expires: true, guard: None }
    }

    /// Keeps what the store needs, a directory for instance, until the test is over.
    #[must_use]
    pub fn keeping(mut self, guard: impl Any + Send + Sync) -> Self {
        self.guard = Some(Box::new(guard));
        self
    }

    /// Says that the store leaves old uploads alone.
    #[must_use]
    pub fn leaving_uploads(mut self) -> Self {
        self.expires = false;
        self
    }

    pub(super) async fn bucket(&self, name: &str) -> BucketName {
        let name = BucketName::parse(name).unwrap();
        self.store.create_bucket(&name, &owner("alice")).await.unwrap();
        name
    }

    pub(super) async fn put(&self, at: &ObjectPath, content: &Bytes) -> Stored {
        self.put_as(at, NewObject::default(), content).await
    }

    pub(super) async fn put_as(&self, at: &ObjectPath, new: NewObject, content: &Bytes) -> Stored {
        self.store.put_object(at, new, body(content, None)).await.unwrap()
    }

    /// The whole content of an object.
    pub(super) async fn got(&self, at: &ObjectPath) -> Bytes {
        self.got_part(at, GetRequest::default()).await
    }

    /// The selected content of an object.
    pub(super) async fn got_part(&self, at: &ObjectPath, request: GetRequest) -> Bytes {
        let got = self.store.get_object(at, &request).await.unwrap();
        let selected = got.head.range.map_or(got.head.object.size, |range| range.length);
        assert_eq!(got.body.length(), Some(selected), "the body's length is the selection's");
        got.body.collect(usize::MAX).await.unwrap()
    }

    pub(super) async fn upload(&self, at: &ObjectPath, checksum: ChecksumChoice) -> UploadPath {
        let new = NewUpload {
            metadata: ObjectMetadata::default(),
            tags: TagSet::default(),
            checksum,
            initiator: owner("bob"),
            encryption: None,
            acl: None,
        };
        let id = self.store.create_upload(at, new).await.unwrap();
        UploadPath { object: at.clone(), id }
    }

    /// Stores a part as the protocol does it: with the checksum that the upload asks for.
    pub(super) async fn part(&self, to: &UploadPath, number: u16, content: &Bytes) -> PartSummary {
        let choice = self.store.upload_choice(to).await.unwrap();
        let body = body(content, Some(choice.checksum.algorithm));
        self.store.put_part(to, part_number(number), body, None).await.unwrap()
    }
}

impl fmt::Debug for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subject").field("clock", &self.clock).finish_non_exhaustive()
    }
}

/// `size` bytes that are different for every seed.
pub fn content(seed: u64, size: usize) -> Bytes {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut bytes = Vec::with_capacity(size + 8);
    while bytes.len() < size {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend_from_slice(&state.to_le_bytes());
    }
    bytes.truncate(size);
    bytes.into()
}

/// A body as stores get it: in chunks, with digests.
pub fn body(content: &Bytes, compute: Option<Algorithm>) -> Payload {
    let chunks = content.chunks(64 * 1024).map(|chunk| Ok(content.slice_ref(chunk))).collect();
    let source = Script { chunks, stalls: false };
    let whole = Payload::new(Some(content.len() as u64), source);
    digesting(whole, Expected { compute, ..Expected::default() })
}

/// The same of a body whose length nobody knows before its end.
pub fn unsized_body(content: &Bytes) -> Payload {
    let chunks = content.chunks(64 * 1024).map(|chunk| Ok(content.slice_ref(chunk))).collect();
    digesting(Payload::new(None, Script { chunks, stalls: false }), Expected::default())
}

/// A body that gives `content` and then fails.
pub fn failing(content: &Bytes, error: BodyError) -> Payload {
    let chunks = [Ok(content.clone()), Err(error)].into();
    let length = Some(content.len() as u64 + 1);
    digesting(Payload::new(length, Script { chunks, stalls: false }), Expected::default())
}

/// A body that gives `content` and then nothing for ever.
pub fn abandoned(content: &Bytes) -> Payload {
    let script = Script { chunks: [Ok(content.clone())].into(), stalls: true };
    digesting(Payload::new(Some(content.len() as u64 + 1), script), Expected::default())
}

struct Script {
    chunks: VecDeque<Result<Bytes, BodyError>>,
    stalls: bool,
}

impl Source for Script {
    fn poll_chunk(&mut self, _: &mut Context<'_>) -> Poll<Option<Result<Bytes, BodyError>>> {
        match self.chunks.pop_front() {
            None if self.stalls => Poll::Pending,
            next => Poll::Ready(next),
        }
    }

    fn digests(&self) -> Option<&Digests> {
        None
    }

    fn trailer(&self, _: &str) -> Option<&str> {
        None
    }
}

pub(super) fn owner(id: &str) -> Owner {
    Owner { id: id.to_owned(), display_name: format!("{id} the owner") }
}

pub(super) fn path(bucket: &BucketName, key: &str) -> ObjectPath {
    ObjectPath { bucket: bucket.clone(), key: ObjectKey::parse(key).unwrap() }
}

pub(super) fn part_number(number: u16) -> PartNumber {
    PartNumber::new(number).unwrap()
}

/// What an upload has whose creation names no algorithm.
pub(super) fn unnamed() -> ChecksumChoice {
    ChecksumChoice {
        algorithm: Algorithm::Crc64Nvme,
        kind: ChecksumKind::FullObject,
        explicit: false,
    }
}

/// The list of parts that a client sends back.
pub(super) fn listed(parts: &[PartSummary]) -> Completion {
    let parts = parts
        .iter()
        .map(|part| CompletedPart {
            number: part.number,
            etag: part.etag.clone(),
            checksum: part.checksum.clone(),
        })
        .collect();
    Completion { parts, ..Completion::default() }
}

/// A copy that keeps everything.
pub(super) fn plain_copy() -> CopyRequest {
    CopyRequest {
        source_version: None,
        source_conditions: crate::object::ReadConditions::default(),
        metadata: None,
        tags: None,
        checksum: None,
        condition: None,
        size_limit: u64::MAX,
        source_key: None,
        encryption: None,
        acl: None,
    }
}

/// A part copy of all or of the bytes from first to last.
pub(super) fn part_copy(range: Option<(u64, u64)>) -> CopyPartRequest {
    CopyPartRequest {
        source_version: None,
        source_conditions: crate::object::ReadConditions::default(),
        range,
        size_limit: u64::MAX,
        source_key: None,
        key: None,
    }
}
