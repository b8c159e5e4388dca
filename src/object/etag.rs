//! Entity tags.

use std::fmt;

use md5::{Digest, Md5};

/// An object's or part's entity tag, without the quotes that headers and XML put around it.
#[derive(Clone, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub struct ETag(String);

impl ETag {
    /// Takes a tag as it is on the wire: quotes and a weak prefix are dropped.
    pub fn parse(text: &str) -> Self {
        let text = text.trim();
        let text = text.strip_prefix("W/").unwrap_or(text);
        Self(text.strip_prefix('"').and_then(|t| t.strip_suffix('"')).unwrap_or(text).to_owned())
    }

    /// The tag of an object stored by one PUT: the MD5 of its content in hexadecimal.
    pub fn from_md5(md5: [u8; 16]) -> Self {
        Self(hex::encode(md5))
    }

    /// The tag of an object completed from parts: the MD5 over the parts' MD5s, a dash, and how
    /// many parts there are.
    pub fn multipart(digests: impl IntoIterator<Item = [u8; 16]>) -> Self {
        let mut whole = Md5::new();
        let mut count = 0usize;
        for digest in digests {
            whole.update(digest);
            count += 1;
        }
        Self(format!("{}-{count}", hex::encode(whole.finalize())))
    }

    /// The tag without quotes.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The tag as headers and XML carry it.
    pub fn quoted(&self) -> String {
        format!("\"{}\"", self.0)
    }

    /// The MD5 that the tag states, where it has the form of one.
    pub fn md5(&self) -> Option<[u8; 16]> {
        let mut md5 = [0; 16];
        hex::decode_to_slice(&self.0, &mut md5).ok()?;
        Some(md5)
    }
}

impl fmt::Debug for ETag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ETag({})", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wire_forms_become_one() {
        for text in ["abc", "\"abc\"", "W/\"abc\"", " \"abc\" "] {
            assert_eq!(ETag::parse(text).as_str(), "abc", "{text}");
        }
        assert_eq!(ETag::parse("abc").quoted(), "\"abc\"");
    }

    #[test]
    fn multipart_form() {
        let md5: [u8; 16] = Md5::digest(b"hello").into();
        let both = Md5::digest([md5, md5].concat());
        let etag = ETag::multipart([md5, md5]);
        assert_eq!(etag.as_str(), format!("{}-2", hex::encode(both)));
        assert_eq!(etag.md5(), None);
        assert_eq!(ETag::from_md5(md5).md5(), Some(md5));
    }
}
