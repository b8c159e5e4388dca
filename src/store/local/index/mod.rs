//! The index of the log: ordered trees of small entries, disposable at any time.
//!
//! Nothing here is the truth. What an index answers after [`Index::flush`] returned survives a
//! crash of the machine; later changes may be lost, wholly or in part. After any error the index
//! is lost: drop it, [`IndexHome::discard`] it and rebuild it from the log.
//!
//! Knows keys and opaque values, nothing of the log or of what the values say.

#![allow(clippy::disallowed_types, reason = "this is where sled is named")]

mod error;
pub(crate) mod key;
pub(crate) mod list;
#[cfg(test)]
mod memory;
mod sled;
#[cfg(test)]
mod tests;

use std::ops::{Bound, ControlFlow};
use std::sync::Arc;

pub(crate) use error::IndexError;
#[cfg(test)]
pub(crate) use memory::{Hostile, MemoryHome};
pub(crate) use sled::SledHome;

/// The result of every call.
pub(crate) type Result<T> = std::result::Result<T, IndexError>;

/// The longest value. Longer ones would spill into files that the engine never syncs.
pub(crate) const MAX_VALUE_BYTES: usize = 4096;

/// Which tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum TreeId {
    /// The newest object of each key.
    Cur,
    /// Uploads under way and their parts.
    Mpu,
    /// The ledger record of each key.
    Ledger,
    /// Buckets by name.
    Bucket,
    /// The index about itself: schema, applied sequence number.
    Meta,
}

impl TreeId {
    /// Every tree.
    pub(crate) const ALL: [Self; 5] =
        [Self::Cur, Self::Mpu, Self::Ledger, Self::Bucket, Self::Meta];

    fn name(self) -> &'static str {
        match self {
            Self::Cur => "cur",
            Self::Mpu => "mpu",
            Self::Ledger => "ledger",
            Self::Bucket => "bucket",
            Self::Meta => "meta",
        }
    }
}

/// A part of a tree, by its keys' bytes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Span<'a> {
    /// Where it begins.
    pub(crate) from: Bound<&'a [u8]>,
    /// Where it ends.
    pub(crate) to: Bound<&'a [u8]>,
}

impl Span<'_> {
    /// The whole tree.
    #[cfg(test)]
    pub(crate) const ALL: Self = Self { from: Bound::Unbounded, to: Bound::Unbounded };

    /// Whether no key can lie in it.
    fn is_empty(&self) -> bool {
        match (self.from, self.to) {
            (Bound::Unbounded, _) | (_, Bound::Unbounded) => false,
            (Bound::Included(from), Bound::Included(to)) => from > to,
            (Bound::Excluded(from) | Bound::Included(from), Bound::Excluded(to))
            | (Bound::Excluded(from), Bound::Included(to)) => from >= to,
        }
    }
}

/// What a scan does with an entry; `Break` ends it.
pub(crate) type Visit<'a> = dyn FnMut(&[u8], &[u8]) -> ControlFlow<()> + 'a;

/// An index that is open.
///
/// Calls block for microseconds where the entries are cached, for a disk read where not. Each
/// call is atomic for itself; scans see any mixture of what is written meanwhile. One thread
/// writes and flushes, any number reads.
pub(crate) trait Index: Send + Sync {
    /// The value of a key.
    fn get(&self, tree: TreeId, key: &[u8]) -> Result<Option<Vec<u8>>>;

    /// Sets the value of a key, at most [`MAX_VALUE_BYTES`] long.
    fn insert(&self, tree: TreeId, key: &[u8], value: &[u8]) -> Result<()>;

    /// Removes a key, whether or not it is there.
    fn remove(&self, tree: TreeId, key: &[u8]) -> Result<()>;

    /// Visits entries in ascending order until `visit` breaks.
    fn scan(&self, tree: TreeId, span: Span<'_>, visit: &mut Visit<'_>) -> Result<()>;

    /// Makes everything written before durable.
    fn flush(&self) -> Result<()>;

    /// Whether an error made this index useless; every call answers [`IndexError::Lost`] then.
    fn is_lost(&self) -> bool;
}

/// Where an index lives while it isn't open. At most one index of a home is open at a time.
pub(crate) trait IndexHome: Send + Sync {
    /// Opens the index that is there, or an empty one.
    fn open(&self) -> Result<Arc<dyn Index>>;

    /// Flushes and closes so that the next opening is quick. `index` must be the last reference;
    /// where it isn't, this only flushes.
    fn close(&self, index: Arc<dyn Index>) -> Result<()>;

    /// Removes what is there, whatever state it is in. Nothing of it may be open.
    fn discard(&self) -> Result<()>;
}
