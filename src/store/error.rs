//! What a store can answer instead of a result.

use crate::body::BodyError;
use crate::object::{Caching, CompletionError, ConditionHeader, ETag, KeyFault, Owner, Timestamp};

/// Why a store did not do it. Converted to S3's codes in one place of the protocol.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// There is no such bucket.
    #[error("no such bucket")]
    NoSuchBucket,
    /// There is a bucket of that name already.
    #[error("the bucket exists and belongs to {}", owner.id)]
    BucketExists {
        /// Whose it is.
        owner: Owner,
    },
    /// The bucket holds objects or versions.
    #[error("the bucket is not empty")]
    BucketNotEmpty,
    /// There is no such key.
    #[error("no such key")]
    NoSuchKey,
    /// There is no such version of the key.
    #[error("no such version")]
    NoSuchVersion,
    /// There is no such upload of that key.
    #[error("no such upload")]
    NoSuchUpload,
    /// A read's conditions say that the client has it already.
    #[error("not modified")]
    NotModified {
        /// The current tag.
        etag: ETag,
        /// The current time stamp.
        last_modified: Timestamp,
        /// For how long the client may keep what it has.
        caching: Box<Caching>,
    },
    /// A condition does not hold.
    #[error("the condition {0:?} does not hold")]
    PreconditionFailed(ConditionHeader),
    /// A competing write came between: the client may try again.
    #[error("a competing operation changed the key")]
    Conflict,
    /// No byte of the range lies in the object.
    #[error("the range lies outside the object's {size} bytes")]
    InvalidRange {
        /// The object's size.
        size: u64,
    },
    /// The object has no part of that number.
    #[error("the object has {count} parts")]
    InvalidPartNumber {
        /// How many it has.
        count: u32,
    },
    /// A part copy's range is not wholly inside the source.
    #[error("the range is not inside the source's {size} bytes")]
    SourceRange {
        /// The source's size.
        size: u64,
    },
    /// The source is larger than a copy may be.
    #[error("the source has {size} bytes, more than the {limit} that can be copied at once")]
    SourceTooLarge {
        /// The source's size, or the range's.
        size: u64,
        /// The most allowed.
        limit: u64,
    },
    /// The parts do not make the object asked for.
    #[error(transparent)]
    Completion(#[from] CompletionError),
    /// The body was not what its sender promised.
    #[error(transparent)]
    Body(#[from] BodyError),
    /// There is no room for new bodies: 507. Reads and deletes go on.
    #[error("the disk is full")]
    StorageFull,
    /// A write or sync failed earlier: the store takes no writes until it is restarted.
    #[error("the store is read-only after a disk error: {reason}")]
    ReadOnly {
        /// What failed, for the operator.
        reason: String,
    },
    /// The index is being rebuilt and does not know this yet: 503, never 404.
    #[error("the store does not know yet: its index is being rebuilt")]
    Rebuilding,
    /// The stored bytes fail their checksum.
    #[error("the stored object is damaged: {what}")]
    Damaged {
        /// Which file and where, for the operator.
        what: String,
    },
    /// The file system failed.
    #[error("{doing}: {source}")]
    Io {
        /// What was being done, with the path, for the operator.
        doing: String,
        /// The system's own words.
        source: std::io::Error,
    },
    /// Whatever holds the answer cannot be reached now, or does not do as it should: 503, never
    /// 404 and never an empty list.
    #[error("{what}")]
    Unavailable {
        /// What failed and what to do about it, for the operator.
        what: String,
    },
    /// Nothing can be taken in before others have been forwarded: 503 `SlowDown`.
    #[error("{what}")]
    Busy {
        /// Which bound is reached, for the operator.
        what: String,
        /// When to come again: `Retry-After`.
        retry_after: std::time::Duration,
    },
    /// A store behind this one does not do that: 501.
    #[error("{what} is not served here")]
    Unsupported {
        /// What was asked for.
        what: String,
    },
    /// A store behind this one found a fault of the client's that has no variant of its own here.
    #[error("{code}: {message}")]
    Refused {
        /// S3's code, as it was given.
        code: String,
        /// Its message.
        message: String,
    },
    /// A customer's key is missing, not wanted, or not the right one.
    #[error(transparent)]
    CustomerKey(#[from] KeyFault),
    /// The same of the source of a copy.
    #[error("of the source: {0}")]
    SourceKey(KeyFault),
    /// What the object is encrypted with is not at hand: 503, and nothing of it is lost.
    #[error("{what}")]
    KeyUnavailable {
        /// Which key, for the operator.
        what: String,
    },
    /// The store is shutting down.
    #[error("the store is closing")]
    Closing,
}
