//! The additional checksums of S3 (User Guide, "Checking object integrity").

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use crc_fast::CrcAlgorithm;
use serde::{Deserialize, Serialize};
use sha1::Sha1;
use sha2::{Digest, Sha256};

use super::crc::Combiner;

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

    /// The name in `x-amz-checksum-algorithm` and XML.
    pub fn wire_name(self) -> &'static str {
        match self {
            Self::Crc32 => "CRC32",
            Self::Crc32c => "CRC32C",
            Self::Crc64Nvme => "CRC64NVME",
            Self::Sha1 => "SHA1",
            Self::Sha256 => "SHA256",
        }
    }

    /// Reads a wire name in any case; `None` for algorithms that this gateway doesn't compute.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|a| a.wire_name().eq_ignore_ascii_case(name))
    }

    /// The header, and trailer, that carries a value.
    pub fn header_name(self) -> &'static str {
        match self {
            Self::Crc32 => "x-amz-checksum-crc32",
            Self::Crc32c => "x-amz-checksum-crc32c",
            Self::Crc64Nvme => "x-amz-checksum-crc64nvme",
            Self::Sha1 => "x-amz-checksum-sha1",
            Self::Sha256 => "x-amz-checksum-sha256",
        }
    }

    /// How many bytes a digest has.
    pub fn digest_length(self) -> usize {
        match self {
            Self::Crc32 | Self::Crc32c => 4,
            Self::Crc64Nvme => 8,
            Self::Sha1 => 20,
            Self::Sha256 => 32,
        }
    }

    /// Whether a multipart object may have a checksum of this kind (row of the User Guide's
    /// table "full object and composite checksums").
    pub fn allows(self, kind: ChecksumKind) -> bool {
        match self {
            Self::Crc32 | Self::Crc32c => true,
            Self::Crc64Nvme => kind == ChecksumKind::FullObject,
            Self::Sha1 | Self::Sha256 => kind == ChecksumKind::Composite,
        }
    }

    /// The kind that an upload has whose creation names the algorithm alone.
    pub fn default_kind(self) -> ChecksumKind {
        match self {
            Self::Crc64Nvme => ChecksumKind::FullObject,
            _ => ChecksumKind::Composite,
        }
    }

    /// The digest of bytes that are at hand.
    pub fn digest(self, bytes: &[u8]) -> ChecksumValue {
        let digest = match (self, self.crc()) {
            (_, Some(crc)) => self.crc_bytes(crc_fast::checksum(crc, bytes)),
            (Self::Sha1, _) => Sha1::digest(bytes).to_vec(),
            (_, None) => Sha256::digest(bytes).to_vec(),
        };
        ChecksumValue { algorithm: self, digest }
    }

    pub(super) fn crc(self) -> Option<CrcAlgorithm> {
        match self {
            Self::Crc32 => Some(CrcAlgorithm::Crc32IsoHdlc),
            Self::Crc32c => Some(CrcAlgorithm::Crc32Iscsi),
            Self::Crc64Nvme => Some(CrcAlgorithm::Crc64Nvme),
            Self::Sha1 | Self::Sha256 => None,
        }
    }

    fn crc_bytes(self, crc: u64) -> Vec<u8> {
        let bytes = crc.to_be_bytes();
        bytes.iter().skip(bytes.len() - self.digest_length()).copied().collect()
    }
}

impl ChecksumKind {
    /// The name in `x-amz-checksum-type` and XML.
    pub fn wire(self) -> &'static str {
        match self {
            Self::FullObject => "FULL_OBJECT",
            Self::Composite => "COMPOSITE",
        }
    }

    /// Reads a wire name in any case.
    pub fn parse(name: &str) -> Option<Self> {
        [Self::FullObject, Self::Composite]
            .into_iter()
            .find(|kind| kind.wire().eq_ignore_ascii_case(name))
    }
}

impl ChecksumValue {
    /// Reads the base64 form.
    pub fn parse(algorithm: Algorithm, base64: &str) -> Result<Self, ChecksumError> {
        let digest = BASE64_STANDARD.decode(base64).map_err(|_| ChecksumError::Malformed)?;
        if digest.len() != algorithm.digest_length() {
            return Err(ChecksumError::Malformed);
        }
        Ok(Self { algorithm, digest })
    }

    /// Reads the value of a whole object, which for a composite one ends in `-N`: the value and
    /// the N.
    pub fn parse_whole(
        algorithm: Algorithm,
        text: &str,
    ) -> Result<(Self, Option<u32>), ChecksumError> {
        // Standard base64 has no dash, so the first one ends the digest.
        match text.split_once('-') {
            None => Ok((Self::parse(algorithm, text)?, None)),
            Some((digest, parts)) => {
                let parts = parts.parse().map_err(|_| ChecksumError::Malformed)?;
                Ok((Self::parse(algorithm, digest)?, Some(parts)))
            }
        }
    }

    /// The form in headers and XML.
    pub fn to_base64(&self) -> String {
        BASE64_STANDARD.encode(&self.digest)
    }

    /// The checksum of the content of `pieces`, given as checksum and length of each, one after
    /// the other. `None` unless all are of one CRC; of no pieces, the CRC of nothing.
    pub fn combined<'a>(
        algorithm: Algorithm,
        pieces: impl IntoIterator<Item = (&'a Self, u64)>,
    ) -> Option<Self> {
        let combiner = Combiner::of(algorithm)?;
        let mut whole = 0;
        for (piece, length) in pieces {
            let crc = Some(piece).filter(|p| p.algorithm == algorithm)?.crc_value()?;
            whole = combiner.combine(whole, crc, length);
        }
        Some(Self { algorithm, digest: algorithm.crc_bytes(whole) })
    }

    fn crc_value(&self) -> Option<u64> {
        let right_length = self.digest.len() == self.algorithm.digest_length();
        (right_length && self.digest.len() <= 8)
            .then(|| self.digest.iter().fold(0, |crc, byte| crc << 8 | u64::from(*byte)))
    }
}

impl Checksum {
    /// A checksum over the content of one PUT or copy.
    pub fn full_object(value: ChecksumValue) -> Self {
        Self { value, kind: ChecksumKind::FullObject, parts: None }
    }

    /// The form in headers and XML: base64, and for a composite one `-N`.
    pub fn wire_value(&self) -> String {
        match (self.kind, self.parts) {
            (ChecksumKind::Composite, Some(parts)) => {
                format!("{}-{parts}", self.value.to_base64())
            }
            _ => self.value.to_base64(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The check values of the CRC catalogue, and of FIPS 180 by `sha1sum` and `sha256sum`.
    #[test]
    fn known_digests() {
        for (algorithm, base64) in [
            (Algorithm::Crc32, "y/Q5Jg=="),
            (Algorithm::Crc32c, "4waSgw=="),
            (Algorithm::Crc64Nvme, "rosUhgp5mIg="),
            (Algorithm::Sha1, "98O8HYCOBHMq32eZZczDTKeuNEE="),
            (Algorithm::Sha256, "FeKw08M4keuw8e9gnsQZQgwg4yDOlMZfvIwzEkSOsiU="),
        ] {
            let value = algorithm.digest(b"123456789");
            assert_eq!(value.digest.len(), algorithm.digest_length());
            assert_eq!(value.to_base64(), base64, "{algorithm:?}");
            assert_eq!(ChecksumValue::parse(algorithm, base64), Ok(value));
        }
    }

    #[test]
    fn names() {
        for algorithm in Algorithm::ALL {
            let name = algorithm.wire_name();
            assert_eq!(Algorithm::parse(name), Some(algorithm));
            assert_eq!(Algorithm::parse(&name.to_lowercase()), Some(algorithm));
            let header = format!("x-amz-checksum-{}", name.to_lowercase());
            assert_eq!(algorithm.header_name(), header);
            assert!(algorithm.allows(algorithm.default_kind()));
        }
        assert_eq!(Algorithm::parse("SHA512"), None);
        assert_eq!(ChecksumKind::parse("composite"), Some(ChecksumKind::Composite));
        assert_eq!(ChecksumKind::parse("FULL_OBJECT"), Some(ChecksumKind::FullObject));
        assert_eq!(ChecksumKind::parse(""), None);
    }

    #[test]
    fn malformed_values() {
        for text in ["", "y/Q5Jg", "y/Q5Jg=", "y_Q5Jg==", "AAAA", "not base64", "y/Q5Jg==-2"] {
            let got = ChecksumValue::parse(Algorithm::Crc32, text);
            assert_eq!(got, Err(ChecksumError::Malformed), "{text}");
        }
    }

    #[test]
    fn composite_forms() {
        let value = Algorithm::Crc32.digest(b"123456789");
        let text = "y/Q5Jg==-17";
        let composite =
            Checksum { value: value.clone(), kind: ChecksumKind::Composite, parts: Some(17) };
        assert_eq!(composite.wire_value(), text);
        assert_eq!(Checksum::full_object(value.clone()).wire_value(), "y/Q5Jg==");
        let whole = ChecksumValue::parse_whole(Algorithm::Crc32, text);
        assert_eq!(whole, Ok((value.clone(), Some(17))));
        assert_eq!(ChecksumValue::parse_whole(Algorithm::Crc32, "y/Q5Jg=="), Ok((value, None)));
        for text in ["y/Q5Jg==-", "y/Q5Jg==-x", "-1"] {
            assert!(ChecksumValue::parse_whole(Algorithm::Crc32, text).is_err(), "{text}");
        }
    }

    #[test]
    fn combined_over_many_pieces() {
        let content: Vec<u8> = (0..1000u32).map(|i| (i * 7 % 251) as u8).collect();
        for algorithm in [Algorithm::Crc32, Algorithm::Crc32c, Algorithm::Crc64Nvme] {
            let pieces: Vec<_> =
                content.chunks(77).map(|c| (algorithm.digest(c), c.len() as u64)).collect();
            let whole =
                ChecksumValue::combined(algorithm, pieces.iter().map(|(v, length)| (v, *length)));
            assert_eq!(whole, Some(algorithm.digest(&content)));
            assert_eq!(ChecksumValue::combined(algorithm, []), Some(algorithm.digest(b"")));
        }
        let sha = Algorithm::Sha1.digest(b"");
        assert_eq!(ChecksumValue::combined(Algorithm::Sha1, [(&sha, 0)]), None);
        assert_eq!(ChecksumValue::combined(Algorithm::Crc32, [(&sha, 0)]), None);
    }
}
