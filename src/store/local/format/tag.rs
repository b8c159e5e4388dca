//! Entity tags as records and entries keep them.

use serde::{Deserialize, Serialize};

use crate::object::ETag;

/// An entity tag in few bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Tag {
    /// The MD5 of the content.
    Md5([u8; 16]),
    /// The MD5 of the parts' MD5s, and how many parts.
    Parts([u8; 16], u32),
    /// Anything else.
    Text(String),
}

impl From<&ETag> for Tag {
    fn from(etag: &ETag) -> Self {
        if let Some(md5) = etag.md5().filter(|md5| ETag::from_md5(*md5) == *etag) {
            return Self::Md5(md5);
        }
        let parts = etag.as_str().split_once('-').and_then(|(md5, parts)| {
            let tag = Self::Parts(ETag::parse(md5).md5()?, parts.parse().ok()?);
            (tag.etag() == *etag).then_some(tag)
        });
        parts.unwrap_or_else(|| Self::Text(etag.as_str().to_owned()))
    }
}

impl Tag {
    /// The entity tag.
    pub(crate) fn etag(&self) -> ETag {
        match self {
            Self::Md5(md5) => ETag::from_md5(*md5),
            Self::Parts(md5, parts) => ETag::parse(&format!("{}-{parts}", hex::encode(md5))),
            Self::Text(text) => ETag::parse(text),
        }
    }
}
