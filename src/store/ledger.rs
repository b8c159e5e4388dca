//! Small records beside a bucket's objects, one a key.

use async_trait::async_trait;
use bytes::Bytes;

use super::{ObjectPath, Result};
use crate::object::{BucketName, ObjectInfo, ObjectKey, Timestamp};

/// Which records of a bucket.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LedgerQuery {
    /// Only of keys that begin with this.
    pub prefix: String,
    /// Only of keys whose bytes are greater than these.
    pub after: Option<Vec<u8>>,
    /// At most so many.
    pub limit: usize,
}

/// Records, in the order of their keys' bytes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LedgerPage {
    /// The records.
    pub entries: Vec<(ObjectKey, Bytes)>,
    /// Whether there are more behind the last.
    pub more: bool,
}

/// An object somewhere else, as far as it is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kept {
    /// Its size in bytes.
    pub size: u64,
    /// Its Last-Modified.
    pub modified: Timestamp,
}

/// What a record says of where its key's object is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Claim {
    /// In the store, as without a record. Where the store has none, `otherwise` is somewhere else.
    Here {
        /// That other object.
        otherwise: Option<Kept>,
    },
    /// Somewhere else, whatever the store has.
    There(Kept),
    /// Nowhere, whatever the store has.
    Gone,
}

/// How records are understood by whoever counts objects: the only thing that a store knows of what
/// its records mean.
#[derive(Debug, Clone, Copy)]
pub struct ClaimReader(pub fn(&[u8]) -> Claim);

impl Default for ClaimReader {
    /// Records that say nothing.
    fn default() -> Self {
        Self(|_| Claim::Here { otherwise: None })
    }
}

impl PartialEq for ClaimReader {
    fn eq(&self, other: &Self) -> bool {
        std::ptr::fn_addr_eq(self.0, other.0)
    }
}

impl Eq for ClaimReader {}

/// A record of at most a few KiB for every key of a bucket, whether or not there is an object.
///
/// Durable and ordered as every write of the store is; what the record means is its writer's.
/// Records end with their bucket. A bucket that holds records but no object is empty.
#[async_trait]
pub trait Ledger: Send + Sync {
    /// A key's record.
    async fn entry(&self, at: &ObjectPath) -> Result<Option<Bytes>>;

    /// A key's record and its current object, read in one go. They belong together where nobody
    /// writes the key meanwhile.
    async fn entry_and_object(
        &self,
        at: &ObjectPath,
    ) -> Result<(Option<Bytes>, Option<ObjectInfo>)>;

    /// Replaces a key's record; `None` removes it.
    async fn set_entry(&self, at: &ObjectPath, entry: Option<Bytes>) -> Result<()>;

    /// Whether a bucket may have any record, without looking at records: `false` only where it
    /// surely has none. Knows of every `set_entry` that has returned.
    async fn has_entries(&self, bucket: &BucketName) -> Result<bool>;

    /// A page of a bucket's records.
    async fn entries(&self, bucket: &BucketName, query: &LedgerQuery) -> Result<LedgerPage>;
}
