//! Tags of objects and buckets.

use std::collections::BTreeMap;

use super::percent::{self, Plus};

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

/// The most tags that an object may have.
pub const MAX_OBJECT_TAGS: usize = 10;
/// The most tags that a bucket may have.
pub const MAX_BUCKET_TAGS: usize = 50;
const MAX_KEY_CHARS: usize = 128;
const MAX_VALUE_CHARS: usize = 256;

impl TagSet {
    /// The tags of an object, from pairs of key and value.
    pub fn for_object(pairs: impl IntoIterator<Item = (String, String)>) -> Result<Self, TagError> {
        Self::checked(pairs, MAX_OBJECT_TAGS)
    }

    /// The tags of a bucket, from pairs of key and value.
    pub fn for_bucket(pairs: impl IntoIterator<Item = (String, String)>) -> Result<Self, TagError> {
        Self::checked(pairs, MAX_BUCKET_TAGS)
    }

    /// The tags of an object from the header `x-amz-tagging`: `key=value` joined by `&`, both
    /// URL encoded by form rules (a plus is a space). A key alone has an empty value.
    pub fn from_query(header: &str) -> Result<Self, TagError> {
        let pairs: Result<Vec<_>, _> = header
            .split('&')
            .filter(|pair| !pair.is_empty())
            .map(|pair| {
                let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
                Ok((form_decoded(key)?, form_decoded(value)?))
            })
            .collect();
        Self::for_object(pairs?)
    }

    /// The tags as pairs, in the order of their keys.
    pub fn to_pairs(&self) -> Vec<(String, String)> {
        self.0.iter().map(|(key, value)| (key.clone(), value.clone())).collect()
    }

    fn checked(
        pairs: impl IntoIterator<Item = (String, String)>,
        limit: usize,
    ) -> Result<Self, TagError> {
        let pairs: Vec<_> = pairs.into_iter().collect();
        if pairs.len() > limit {
            return Err(TagError::TooMany { count: pairs.len(), limit });
        }
        let mut set = BTreeMap::new();
        for (key, value) in pairs {
            check_key(&key)?;
            check_value(&value)?;
            if set.contains_key(&key) {
                return Err(TagError::Duplicate(key));
            }
            set.insert(key, value);
        }
        Ok(Self(set))
    }

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

fn check_key(key: &str) -> Result<(), TagError> {
    let reserved = key.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("aws:"));
    let why = match key.chars().count() {
        0 => "a tag key has at least one character".to_owned(),
        n if n > MAX_KEY_CHARS => {
            format!("a tag key has {n} characters, at most {MAX_KEY_CHARS} are allowed")
        }
        _ if reserved => "tag keys that start with aws: are reserved".to_owned(),
        _ if !key.chars().all(allowed) => "a tag key has a character not allowed".to_owned(),
        _ => return Ok(()),
    };
    Err(TagError::Invalid(why))
}

fn check_value(value: &str) -> Result<(), TagError> {
    let why = match value.chars().count() {
        n if n > MAX_VALUE_CHARS => {
            format!("a tag value has {n} characters, at most {MAX_VALUE_CHARS} are allowed")
        }
        _ if !value.chars().all(allowed) => "a tag value has a character not allowed".to_owned(),
        _ => return Ok(()),
    };
    Err(TagError::Invalid(why))
}

/// Letters, numbers and spaces of any script, and `+ - = . _ : / @`.
fn allowed(c: char) -> bool {
    let space = c.is_whitespace() && !c.is_control();
    c.is_alphanumeric() || space || is_mark(c) || "+-=._:/@".contains(c)
}

/// Combining marks, without which many scripts cannot be written: whatever lies above ASCII and
/// is neither a control nor punctuation cannot be told apart without tables, so that the common
/// blocks of marks are named here.
fn is_mark(c: char) -> bool {
    matches!(c, '\u{300}'..='\u{36f}' | '\u{900}'..='\u{dff}' | '\u{e31}'..='\u{e4e}'
        | '\u{200c}' | '\u{200d}' | '\u{3099}' | '\u{309a}')
}

fn form_decoded(text: &str) -> Result<String, TagError> {
    percent::decode(text, Plus::Space).map_err(|percent::Malformed| TagError::Encoding)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn pairs(list: &[(&str, &str)]) -> Vec<(String, String)> {
        list.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect()
    }

    #[test]
    fn queries() {
        for (header, expected) in [
            ("", &[] as &[(&str, &str)]),
            ("a=b", &[("a", "b")]),
            ("foo=bar&bar", &[("bar", ""), ("foo", "bar")]),
            ("a=", &[("a", "")]),
            ("a=b+c&d%20e=%C3%A9", &[("a", "b c"), ("d e", "é")]),
            ("a=b%3Dc&e=f=g", &[("a", "b=c"), ("e", "f=g")]),
        ] {
            assert_eq!(TagSet::from_query(header).unwrap().to_pairs(), pairs(expected), "{header}");
        }
        for header in ["a=%", "a=%4", "a=%zz", "a=%ff", "%+1=a"] {
            assert_eq!(TagSet::from_query(header), Err(TagError::Encoding), "{header}");
        }
        assert_eq!(TagSet::from_query("a=1&a=2"), Err(TagError::Duplicate("a".into())));
        assert!(matches!(TagSet::from_query("=x"), Err(TagError::Invalid(_))));
        assert!(matches!(TagSet::from_query("a=%26"), Err(TagError::Invalid(_))));
    }

    #[test]
    fn limits() {
        let many = |n: usize| (0..n).map(|i| (format!("k{i}"), String::new()));
        assert_eq!(TagSet::for_object(many(10)).unwrap().len(), 10);
        let error = TagSet::for_object(many(11)).unwrap_err();
        assert_eq!(error, TagError::TooMany { count: 11, limit: 10 });
        assert_eq!(TagSet::for_bucket(many(50)).unwrap().len(), 50);
        assert!(matches!(TagSet::for_bucket(many(51)), Err(TagError::TooMany { limit: 50, .. })));

        let (key, value) = ("ä".repeat(128), "ä".repeat(256));
        assert!(TagSet::for_object([(key.clone(), value.clone())]).is_ok());
        for (key, value) in [(format!("{key}x"), value.clone()), (key, format!("{value}x"))] {
            assert!(matches!(TagSet::for_object([(key, value)]), Err(TagError::Invalid(_))));
        }
    }

    #[test]
    fn characters() {
        for text in ["a b", "+-=._:/@", "日本", "Ünï", "хлеб", "हिन्दी"] {
            assert!(TagSet::for_object(pairs(&[(text, text)])).is_ok(), "{text}");
        }
        for text in ["a&b", "<x>", "a\nb", "a\0", "q?", "100%", "😀", "a;b", "a\tb"] {
            assert!(TagSet::for_object(pairs(&[(text, "v")])).is_err(), "{text}");
            assert!(TagSet::for_object(pairs(&[("k", text)])).is_err(), "{text}");
        }
        for key in ["aws:x", "AWS:x", "aws:"] {
            assert!(TagSet::for_object(pairs(&[(key, "v")])).is_err(), "{key}");
        }
        assert!(TagSet::for_object(pairs(&[("awsx", "aws:v")])).is_ok());
    }

    proptest! {
        #[test]
        fn queries_never_panic(header in "\\PC{0,60}") {
            let _ = TagSet::from_query(&header);
        }
    }
}
