//! Records that hold on to what a segment has that is about to be removed, where a record of the
//! usual kinds could not say it; and the one that says that segments were removed.
//!
//! Written only by a compaction. What has no identity of its own (objects, parts of uploads under
//! way, ledger records, settings) is written anew as what it is.

use serde::{Deserialize, Serialize};

use super::meta::{At, CompleteUpload, CreateBucket, CreateUpload};
use super::place::{BucketId, RecordRef};

/// Kind 12: the data is the bytes of a part of an object. Nothing refers to it before the
/// [`MoveManifest`] that follows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct MovePart {
    /// Which key's object.
    pub(crate) at: At,
}

/// Kind 16: a bucket, with the id that its first record gave it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct KeepBucket {
    /// Its id.
    pub(crate) id: BucketId,
    /// What its first record said.
    pub(crate) made: CreateBucket,
}

/// Kind 17: an upload under way, with the id that its first record gave it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct KeepUpload {
    /// The LSN of its first record.
    pub(crate) lsn: u64,
    /// The record that held it before.
    pub(crate) replaces: RecordRef,
    /// What its first record said.
    pub(crate) upload: Box<CreateUpload>,
}

/// Kind 18: the same object with some of its parts in other places. The data is an
/// [`Assembly`](super::assembly::Assembly).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct MoveManifest {
    /// What the completion said, with the object as it is described now; what it replaces is the
    /// description and the list of before, and the records whose bytes are elsewhere now.
    pub(crate) complete: Box<CompleteUpload>,
    /// The [`MovePart`] records that the object has its bytes in from now on.
    pub(crate) raised: Vec<RecordRef>,
}

/// Kind 20: an upload that was completed not long ago, and whose object has gone or is another by
/// now: completing it again still gives the same answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct KeepCompleted {
    /// What the completion said. It replaces nothing, and has no ACL.
    pub(crate) complete: Box<CompleteUpload>,
}

/// Kind 19: nothing refers to any record of a segment before this one, and those segments are
/// removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct TrimLog {
    /// The segment that the log begins with.
    pub(crate) first: u64,
}

impl MovePart {
    /// The kind's number.
    pub(crate) const KIND: u8 = 12;
}
