//! Tags of objects and buckets.

use std::collections::BTreeMap;

/// A set of tags with unique keys, kept and shown in the order of their keys.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct TagSet(BTreeMap<String, String>);

/// Why tags were refused (S3 User Guide, "Categorizing your objects using tags").
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TagError {
    /// More tags than an object (10) or a bucket (50) may have: `BadRequest`.
    #[error("there are {count} tags, at most {limit} are allowed")]
    TooMany {
        /// How many there are.
        count: usize,
        /// How many may be.
        limit: usize,
    },
    /// A key or value breaks a rule of length or characters: `InvalidTag`.
    #[error("{0}")]
    Invalid(String),
    /// The same key twice: `InvalidTag` in XML, `InvalidArgument` in the header.
    #[error("the tag key '{0}' is there more than once")]
    Duplicate(String),
    /// The header's value is not URL-query encoded: `InvalidArgument`.
    #[error("the tags are not URL query parameters")]
    Encoding,
}

impl TagSet {
    /// The tags in the order of their keys.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(key, value)| (key.as_str(), value.as_str()))
    }

    /// How many tags there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
