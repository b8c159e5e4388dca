//! Where bytes are: what records and index entries say about it.

use serde::{Deserialize, Serialize};

pub(crate) use super::super::blob::BlobId;
pub(crate) use super::super::index::key::BucketId;
use super::{Flaw, read, to_postcard};

/// A record in the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(crate) struct RecordRef {
    /// Its sequence number: the identity that survives relocation.
    pub(crate) lsn: u64,
    /// The segment.
    pub(crate) segment: u64,
    /// Where in the segment.
    pub(crate) offset: u64,
    /// How long it is.
    pub(crate) len: u32,
}

/// Where an object's or part's bytes are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Body {
    /// There are none.
    Empty,
    /// They are the data of this record.
    Packed(RecordRef),
    /// They are a file.
    Blob(BlobId),
    /// They are those of the parts that this record lists.
    Manifest(RecordRef),
}

/// Where a record says that the bytes are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Carried {
    /// There are none.
    Empty,
    /// The record's own data.
    Here,
    /// A file.
    Blob(BlobId),
}

/// What a record makes dead.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Dead {
    /// Records that nothing refers to any more.
    pub(crate) records: Vec<RecordRef>,
    /// Files that nothing refers to any more.
    pub(crate) blobs: Vec<BlobId>,
    /// Manifests whose parts go with them; each is among `records` too.
    pub(crate) manifests: Vec<RecordRef>,
}

impl Carried {
    /// The body, given the record that says so.
    pub(crate) fn body(self, record: RecordRef) -> Body {
        match self {
            Self::Empty => Body::Empty,
            Self::Here => Body::Packed(record),
            Self::Blob(blob) => Body::Blob(blob),
        }
    }
}

impl Dead {
    /// The bytes, as an [`AbortUpload`](super::meta::AbortUpload) carries them.
    pub(crate) fn encode(&self) -> Vec<u8> {
        to_postcard(self, Vec::new())
    }

    /// Reads the data of an [`AbortUpload`](super::meta::AbortUpload).
    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, Flaw> {
        read(bytes)
    }

    /// What dies with an entry that has this head and body.
    pub(crate) fn of(head: RecordRef, body: Body) -> Self {
        let mut dead = Self { records: vec![head], ..Self::default() };
        dead.add_body(head, body);
        dead
    }

    /// Adds another's.
    pub(crate) fn extend(&mut self, other: Self) {
        self.records.extend(other.records);
        self.blobs.extend(other.blobs);
        self.manifests.extend(other.manifests);
    }

    fn add_body(&mut self, head: RecordRef, body: Body) {
        match body {
            Body::Empty => {}
            Body::Blob(blob) => self.blobs.push(blob),
            Body::Packed(record) => {
                if record.lsn != head.lsn {
                    self.records.push(record);
                }
            }
            Body::Manifest(record) => {
                if record.lsn != head.lsn {
                    self.records.push(record);
                }
                self.manifests.push(record);
            }
        }
    }
}
