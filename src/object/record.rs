//! Buckets, objects, uploads and parts as the stores know them.

use std::fmt;

use super::{
    Algorithm, BucketName, Checksum, ChecksumKind, ChecksumValue, ETag, Encrypted, ObjectKey,
    ObjectMetadata, Owner, Timestamp, VersionId,
};

/// The highest part number.
pub const MAX_PART_NUMBER: u16 = 10_000;

/// A bucket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bucket {
    /// Its name.
    pub name: BucketName,
    /// Who made it.
    pub owner: Owner,
    /// When it was made.
    pub created: Timestamp,
}

/// An object's head: everything but its content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectInfo {
    /// Its key.
    pub key: ObjectKey,
    /// Its version.
    pub version: VersionId,
    /// Its size in bytes.
    pub size: u64,
    /// Its entity tag, the same wherever it is shown.
    pub etag: ETag,
    /// When it was stored: a whole second, never earlier than the start of its upload.
    pub last_modified: Timestamp,
    /// Headers and user metadata.
    pub metadata: ObjectMetadata,
    /// Its checksum, where there is one.
    pub checksum: Option<Checksum>,
    /// How many tags it has.
    pub tag_count: u32,
    /// How many parts it was completed from; absent for an object of one PUT or copy.
    pub parts_count: Option<u32>,
    /// How far it is on its way upstream; absent where it is not to go there.
    pub replication: Option<Replication>,
    /// How it is encrypted where it lies, as far as that is known.
    pub encryption: Option<Encrypted>,
}

/// What clients know an object by that comes from another layer: it keeps that, whatever the
/// layer that takes it in would give it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Original {
    /// Its entity tag.
    pub etag: ETag,
    /// When clients saw it stored.
    pub last_modified: Timestamp,
}

/// How far an object is on its way upstream: `x-amz-replication-status`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Replication {
    /// It waits to be forwarded.
    Pending,
    /// It is upstream.
    Completed,
    /// It was refused upstream, and waits for someone to look.
    Failed,
}

/// One part of a completed multipart object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectPart {
    /// Its number in the object, from 1 and consecutive, whatever the upload called it.
    pub number: u32,
    /// Its size in bytes.
    pub size: u64,
    /// Its checksum, where the upload had one.
    pub checksum: Option<ChecksumValue>,
}

/// A part's number in an upload: 1 to 10,000.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PartNumber(u16);

/// An upload's id: opaque and safe in a URL.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UploadId(String);

/// The checksum that an upload was created with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct ChecksumChoice {
    /// The algorithm.
    pub algorithm: Algorithm,
    /// Composite or full object.
    pub kind: ChecksumKind,
    /// Whether the client named the algorithm; otherwise it is S3's default (CRC64NVME, full
    /// object), parts may carry any algorithm, and nothing of it is asked of them.
    pub explicit: bool,
}

impl ChecksumChoice {
    /// What an upload is created with, so that its object has a checksum like this one; S3's default
    /// where there is none.
    pub fn like(checksum: Option<&Checksum>) -> Self {
        match checksum {
            Some(sum) => Self { algorithm: sum.value.algorithm, kind: sum.kind, explicit: true },
            None => Self {
                algorithm: Algorithm::Crc64Nvme,
                kind: ChecksumKind::FullObject,
                explicit: false,
            },
        }
    }
}

/// An upload under way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upload {
    /// The key it will have.
    pub key: ObjectKey,
    /// Its id.
    pub id: UploadId,
    /// When it was created.
    pub initiated: Timestamp,
    /// Who created it.
    pub initiator: Owner,
    /// Headers and user metadata that the object will have.
    pub metadata: ObjectMetadata,
    /// Which checksum the object will have.
    pub checksum: ChecksumChoice,
}

impl PartNumber {
    /// A part number, if it is one.
    pub fn new(number: u16) -> Option<Self> {
        (1..=MAX_PART_NUMBER).contains(&number).then_some(Self(number))
    }

    /// The number.
    pub fn get(self) -> u16 {
        self.0
    }
}

impl UploadId {
    /// An id made by a store. Texts that no store made simply name no upload.
    pub fn new(id: impl Into<String>) -> Self {
        Self(id.into())
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for UploadId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
