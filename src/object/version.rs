//! Version ids.

use std::fmt;

/// Which version of a key: `null` while versioning isn't on, otherwise an opaque 128-bit id.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
pub enum VersionId {
    /// The version that objects have in a bucket without versioning.
    Null,
    /// A version of a bucket with versioning on.
    Id(u128),
}

impl VersionId {
    /// Parses what a client sent: `null`, or 32 hexadecimal digits.
    pub fn parse(text: &str) -> Option<Self> {
        if text == "null" {
            return Some(Self::Null);
        }
        let digits = text.len() == 32 && text.bytes().all(|b| b.is_ascii_hexdigit());
        digits.then(|| u128::from_str_radix(text, 16).ok().map(Self::Id))?
    }
}

impl fmt::Display for VersionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("null"),
            Self::Id(id) => write!(f, "{id:032x}"),
        }
    }
}
