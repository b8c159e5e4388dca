//! What an object carries beside its content.

use std::borrow::Cow;
use std::collections::BTreeMap;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde::{Deserialize, Serialize};

/// The standard headers that are stored with an object and returned verbatim.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContentHeaders {
    /// `Content-Type`; absent means `binary/octet-stream`.
    pub content_type: Option<String>,
    /// `Content-Encoding`, without the token `aws-chunked`.
    pub content_encoding: Option<String>,
    /// `Content-Language`.
    pub content_language: Option<String>,
    /// `Content-Disposition`.
    pub content_disposition: Option<String>,
    /// `Cache-Control`.
    pub cache_control: Option<String>,
    /// `Expires`: any text, S3 does not check it.
    pub expires: Option<String>,
    /// `x-amz-website-redirect-location`.
    pub website_redirect_location: Option<String>,
}

/// What a cache asks of an object that it has already (RFC 9110 section 15.4.5).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Caching {
    /// `Cache-Control`.
    pub cache_control: Option<String>,
    /// `Expires`.
    pub expires: Option<String>,
}

impl ContentHeaders {
    /// What of them a cache asks for.
    pub fn caching(&self) -> Caching {
        Caching { cache_control: self.cache_control.clone(), expires: self.expires.clone() }
    }
}

/// The most bytes that names and values of user metadata may have together.
pub const MAX_USER_METADATA_BYTES: usize = 2048;

/// `x-amz-meta-*`: lower-case names without the prefix, each with its value as text.
///
/// Values that came as UTF-8 are kept as such, others are read as Latin-1.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserMetadata(pub BTreeMap<String, String>);

/// All of it together; each PUT replaces it as a whole.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ObjectMetadata {
    /// The standard headers.
    pub headers: ContentHeaders,
    /// The user's own.
    pub user: UserMetadata,
    /// `x-amz-storage-class`, where the client named another than `STANDARD`.
    pub storage_class: Option<String>,
}

impl UserMetadata {
    /// Adds a header by its name without `x-amz-meta-`. A name that is there already, in any
    /// case, keeps one entry with the values joined by commas.
    pub fn add(&mut self, name: &str, value: &str) {
        self.0
            .entry(name.to_ascii_lowercase())
            .and_modify(|joined| {
                joined.push(',');
                joined.push_str(value);
            })
            .or_insert_with(|| value.to_owned());
    }

    /// How many bytes of UTF-8 names and values have together; more than
    /// [`MAX_USER_METADATA_BYTES`] is `MetadataTooLarge`.
    pub fn size(&self) -> usize {
        self.0.iter().map(|(name, value)| name.len() + value.len()).sum()
    }
}

/// Reads a header's value: UTF-8, and Latin-1 where it isn't that.
pub fn decode_header_value(bytes: &[u8]) -> String {
    std::str::from_utf8(bytes)
        .map_or_else(|_| bytes.iter().copied().map(char::from).collect(), str::to_owned)
}

/// The form in which a value goes into a header: printable ASCII as it is, everything else as
/// encoded words of RFC 2047 (UTF-8, base64).
pub fn encode_header_value(value: &str) -> Cow<'_, str> {
    if value.bytes().all(|b| matches!(b, b'\t' | b' '..=b'~')) {
        return Cow::Borrowed(value);
    }
    let words: Vec<String> = word_pieces(value)
        .into_iter()
        .map(|piece| format!("=?UTF-8?B?{}?=", BASE64_STANDARD.encode(piece)))
        .collect();
    Cow::Owned(words.join(" "))
}

/// An encoded word has at most 75 characters, which leaves room for 45 bytes, and never splits a
/// character (RFC 2047 sections 2 and 5).
fn word_pieces(value: &str) -> Vec<String> {
    const MOST: usize = 45;
    let mut pieces = Vec::new();
    let mut piece = String::new();
    for c in value.chars() {
        if piece.len() + c.len_utf8() > MOST {
            pieces.push(std::mem::take(&mut piece));
        }
        piece.push(c);
    }
    pieces.push(piece);
    pieces
}

/// `Content-Encoding` as it is stored: without the token `aws-chunked` wherever it stands, which
/// describes the request and not the object. `None` where nothing is left.
pub fn stored_content_encoding(header: &str) -> Option<String> {
    let ours = |token: &&str| !token.trim().eq_ignore_ascii_case("aws-chunked");
    // What stays is returned as it came, blanks between the tokens and all.
    let stored = header.split(',').filter(ours).collect::<Vec<_>>().join(",");
    Some(stored.trim()).filter(|text| !text.is_empty()).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_merge_and_count() {
        let mut user = UserMetadata::default();
        user.add("Color", "red");
        user.add("color", "blue");
        user.add("ü", "é");
        assert_eq!(user.0.get("color").map(String::as_str), Some("red,blue"));
        assert_eq!(user.size(), "color".len() + "red,blue".len() + 4);
    }

    #[test]
    fn values_on_the_way_in() {
        assert_eq!(decode_header_value("Grüße".as_bytes()), "Grüße");
        assert_eq!(decode_header_value(b"Gr\xfc\xdfe"), "Grüße");
        assert_eq!(decode_header_value(b"a  b"), "a  b");
    }

    #[test]
    fn values_on_the_way_out() {
        for verbatim in ["", "plain", "a  b\tc", "=?UTF-8?B?R3LDvMOfZQ==?="] {
            assert_eq!(encode_header_value(verbatim), verbatim);
        }
        assert_eq!(encode_header_value("Grüße"), "=?UTF-8?B?R3LDvMOfZQ==?=");
        assert_eq!(encode_header_value("a\nb"), "=?UTF-8?B?YQpi?=");
    }

    #[test]
    fn content_encodings() {
        for (header, stored) in [
            ("gzip", Some("gzip")),
            ("gzip, br", Some("gzip, br")),
            ("aws-chunked", None),
            ("AWS-Chunked,aws-chunked", None),
            ("aws-chunked,gzip", Some("gzip")),
            ("gzip, aws-chunked", Some("gzip")),
            ("deflate, aws-chunked, gzip", Some("deflate, gzip")),
            ("aws-chunked,", None),
            ("", None),
        ] {
            assert_eq!(stored_content_encoding(header).as_deref(), stored, "{header}");
        }
    }

    proptest! {
        #[test]
        fn encoded_words_are_short_and_whole(value in "\\PC{0,80}") {
            let encoded = encode_header_value(&value);
            if encoded != value {
                let mut decoded = Vec::new();
                for word in encoded.split(' ') {
                    prop_assert!(word.len() <= 75);
                    let base64 = word.strip_prefix("=?UTF-8?B?").unwrap();
                    let piece = BASE64_STANDARD.decode(base64.strip_suffix("?=").unwrap()).unwrap();
                    prop_assert!(std::str::from_utf8(&piece).is_ok());
                    decoded.extend(piece);
                }
                prop_assert_eq!(decoded, value.as_bytes());
            }
        }
    }
}
