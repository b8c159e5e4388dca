//! How the parts of an upload become one object: pure, the same for every store.

use super::{Checksum, ChecksumChoice, ChecksumKind, ChecksumValue, ETag, PartNumber, Timestamp};

/// The least size of every part but the last, in bytes.
pub const MIN_PART_SIZE: u64 = 5 * 1024 * 1024;

/// A stored part of an upload under way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartSummary {
    /// Its number.
    pub number: PartNumber,
    /// Its size in bytes.
    pub size: u64,
    /// Its entity tag: the MD5 of its content.
    pub etag: ETag,
    /// When it was stored, as a whole second.
    pub last_modified: Timestamp,
    /// Its checksum: the client's, or the one that the upload's choice has the store compute.
    pub checksum: Option<ChecksumValue>,
}

/// A part as the client lists it in `CompleteMultipartUpload`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CompletedPart {
    /// Its number.
    pub number: PartNumber,
    /// Its entity tag.
    pub etag: ETag,
    /// Its checksum, where given.
    pub checksum: Option<ChecksumValue>,
}

/// What the client asks of the whole.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Completion {
    /// The parts in the client's order.
    pub parts: Vec<CompletedPart>,
    /// The whole object's checksum that the client expects.
    pub checksum: Option<ChecksumValue>,
    /// `x-amz-checksum-type`.
    pub checksum_kind: Option<ChecksumKind>,
    /// `x-amz-mp-object-size`.
    pub object_size: Option<u64>,
}

/// Why the parts do not make an object. The variants carry what S3's error shows.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CompletionError {
    /// No part is listed: `MalformedXML`.
    #[error("the list of parts is empty")]
    Empty,
    /// Numbers do not ascend, or (composite) are not 1, 2, 3 …: `InvalidPartOrder`.
    #[error("the list of parts was not in ascending order")]
    Order,
    /// No such part, or another tag or checksum: `InvalidPart`.
    #[error("part {number} was not found or its ETag or checksum differs")]
    Part {
        /// The part's number.
        number: u16,
        /// The tag that the client gave.
        etag: ETag,
    },
    /// A part but the last is under 5 MiB: `EntityTooSmall`.
    #[error("part {number} has {size} bytes; every part but the last has at least 5 MiB")]
    TooSmall {
        /// The part's number.
        number: u16,
        /// Its size.
        size: u64,
        /// Its tag.
        etag: ETag,
    },
    /// A part lacks the checksum that a composite one needs: `InvalidRequest`.
    #[error("part {0} has no checksum, which the upload's composite checksum needs")]
    MissingChecksum(u16),
    /// The kind differs from the upload's: `InvalidRequest`.
    #[error("the checksum type differs from the one that the upload was created with")]
    Kind,
    /// The whole's checksum differs: `BadDigest`.
    #[error("the checksum of the assembled object differs from the one given")]
    Checksum,
    /// `x-amz-mp-object-size` differs: `InvalidRequest`.
    #[error("the parts come to {actual} bytes, not to the {expected} given")]
    Size {
        /// What the client gave.
        expected: u64,
        /// What the parts come to.
        actual: u64,
    },
}

/// The object that the parts come to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assembled {
    /// The listed parts, in the object's order.
    pub parts: Vec<PartSummary>,
    /// MD5 over the parts' MD5s, a dash, and their number.
    pub etag: ETag,
    /// The whole's checksum, by the upload's choice.
    pub checksum: Option<Checksum>,
    /// Size in bytes.
    pub size: u64,
}

/// Checks `wanted` against the stored parts and says what the object will be.
///
/// `stored` are the upload's parts by ascending number. Part tags are compared without quotes.
pub fn plan_completion(
    choice: ChecksumChoice,
    stored: &[PartSummary],
    wanted: &Completion,
) -> Result<Assembled, CompletionError> {
    let _ = (choice, stored, wanted);
    Err(CompletionError::Empty)
}
