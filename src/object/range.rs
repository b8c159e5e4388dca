//! Byte ranges (RFC 9110 section 14, as far as S3 follows it).

/// What a `Range` header asks for, before the object's size is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RangeSpec {
    /// `bytes=first-last`, both inclusive.
    Closed {
        /// First byte.
        first: u64,
        /// Last byte, inclusive.
        last: u64,
    },
    /// `bytes=first-`.
    From {
        /// First byte.
        first: u64,
    },
    /// `bytes=-length`.
    Suffix {
        /// How many of the last bytes.
        length: u64,
    },
}

/// The bytes that a range comes to on an object of known size: `offset..offset + length`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ByteRange {
    /// First byte.
    pub offset: u64,
    /// How many bytes, at least one except for the whole of an empty object.
    pub length: u64,
}

/// No byte of the range lies in the object: 416 `InvalidRange`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the range lies outside the object's {size} bytes")]
pub struct Unsatisfiable {
    /// The object's size.
    pub size: u64,
}
