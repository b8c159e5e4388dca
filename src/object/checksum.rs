//! The additional checksums of S3 (User Guide, "Checking object integrity").

use serde::{Deserialize, Serialize};

/// A checksum algorithm that this gateway computes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Algorithm {
    /// CRC-32 (ISO-HDLC), 4 bytes.
    Crc32,
    /// CRC-32C (iSCSI), 4 bytes.
    Crc32c,
    /// CRC-64/NVME, 8 bytes.
    Crc64Nvme,
    /// SHA-1, 20 bytes.
    Sha1,
    /// SHA-256, 32 bytes.
    Sha256,
}

/// Over what a checksum runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum ChecksumKind {
    /// Over the whole content.
    FullObject,
    /// Over the parts' raw digests, one after the other.
    Composite,
}

/// A raw digest; big-endian for the CRCs, as S3 encodes them.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ChecksumValue {
    /// By which algorithm.
    pub algorithm: Algorithm,
    /// As many bytes as the algorithm gives.
    pub digest: Vec<u8>,
}

/// An object's checksum.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checksum {
    /// Algorithm and digest.
    pub value: ChecksumValue,
    /// Over the content or over the parts.
    pub kind: ChecksumKind,
    /// The number of parts, for a composite one: the wire form ends in `-N`.
    pub parts: Option<u32>,
}

/// Why a checksum header is not one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ChecksumError {
    /// Not base64, or not as long as the algorithm's digest.
    #[error("the value is not the base64 form of a digest of that algorithm")]
    Malformed,
}

impl Algorithm {
    /// Every algorithm, in the order S3 documents them.
    pub const ALL: [Self; 5] =
        [Self::Crc32, Self::Crc32c, Self::Crc64Nvme, Self::Sha1, Self::Sha256];
}
