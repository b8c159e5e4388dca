//! What can be wrong with a body.

use super::Refusal;
use crate::object::Algorithm;

/// A body that is not what it should be. Every variant but `Store` is the sender's fault.
#[derive(Debug, Clone, thiserror::Error)]
pub enum BodyError {
    /// Fewer or more bytes than announced, or the connection ended: `IncompleteBody`.
    #[error("the body ended early or is longer than announced")]
    Incomplete,
    /// No byte came for longer than allowed: `RequestTimeout`.
    #[error("the body stalled")]
    Stalled,
    /// Broken aws-chunked framing: `IncompleteBody`.
    #[error("the aws-chunked framing is broken: {0}")]
    Framing(&'static str),
    /// A chunk or trailer signature is wrong: `SignatureDoesNotMatch`.
    #[error("a chunk's signature does not match")]
    ChunkSignature,
    /// The announced trailer is missing or another came: `MalformedTrailerError`.
    #[error("the body's trailer is not the one announced")]
    Trailer,
    /// The literal `x-amz-content-sha256` differs: `XAmzContentSHA256Mismatch`.
    #[error("the body's SHA-256 is {actual}, not {expected}")]
    Sha256 {
        /// What the client signed.
        expected: String,
        /// What came.
        actual: String,
    },
    /// `Content-MD5` differs: `BadDigest`.
    #[error("the body's MD5 is not the one given")]
    Md5,
    /// A checksum differs: `BadDigest`.
    #[error("the body's {0:?} checksum is not the one given")]
    Checksum(Algorithm),
    /// A checksum in a trailer cannot be read: `InvalidRequest`.
    #[error("the trailer's checksum cannot be read")]
    ChecksumMalformed,
    /// More bytes than the operation allows: `EntityTooLarge`.
    #[error("the body is larger than {limit} bytes")]
    TooLarge {
        /// The most that is allowed.
        limit: u64,
    },
    /// Fewer bytes than the sender itself, or who let it, allows: `EntityTooSmall`.
    #[error("the body has {size} bytes, fewer than {least}")]
    TooSmall {
        /// How many it has.
        size: u64,
        /// The fewest that are allowed.
        least: u64,
    },
    /// It is no `multipart/form-data`: `MalformedPOSTRequest`.
    #[error("the form is not well-formed: {0}")]
    Form(&'static str),
    /// It is not wanted.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The store failed while reading an object out: the connection must break.
    #[error("reading the object failed: {0}")]
    Store(String),
}
