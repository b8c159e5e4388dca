//! Names of buckets and objects.

use std::fmt;
use std::sync::Arc;

/// The longest object key, in bytes of UTF-8 (S3 User Guide, "Naming Amazon S3 objects").
pub const MAX_KEY_BYTES: usize = 1024;

/// A bucket's name, valid by the general purpose bucket naming rules of the S3 User Guide.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BucketName(Arc<str>);

/// The text breaks a bucket naming rule; the message names the rule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidBucketName(pub &'static str);

/// An object's key: 1 to 1024 bytes of UTF-8, otherwise any text. Never normalised.
///
/// Keys order by their UTF-8 bytes, which is the order of every listing.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectKey(Arc<str>);

/// Why a text is no object key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidKey {
    /// The key is empty.
    #[error("an object key has at least one byte")]
    Empty,
    /// The key has more than [`MAX_KEY_BYTES`] bytes; the field is its length.
    #[error("the key has {0} bytes, the longest allowed has 1024")]
    TooLong(usize),
}

impl BucketName {
    /// Checks `name` against the naming rules.
    pub fn parse(name: &str) -> Result<Self, InvalidBucketName> {
        check_bucket_name(name)?;
        Ok(Self(Arc::from(name)))
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl ObjectKey {
    /// Checks the length of `key`.
    pub fn parse(key: &str) -> Result<Self, InvalidKey> {
        match key.len() {
            0 => Err(InvalidKey::Empty),
            n if n > MAX_KEY_BYTES => Err(InvalidKey::TooLong(n)),
            _ => Ok(Self(Arc::from(key))),
        }
    }

    /// The key as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it would lead out of its bucket if it were a path: read from the left, it has more
    /// `..` segments than others. S3 itself does not take such keys (User Guide, "Naming Amazon S3
    /// objects"), and answers 400.
    pub fn leads_out(&self) -> bool {
        let mut depth = 0_usize;
        self.0.split('/').any(|segment| match segment {
            "" | "." => false,
            ".." if depth == 0 => true,
            ".." => {
                depth -= 1;
                false
            }
            _ => {
                depth += 1;
                false
            }
        })
    }
}

fn check_bucket_name(name: &str) -> Result<(), InvalidBucketName> {
    let bytes = name.as_bytes();
    let alphanumeric = |b: &u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    let rule = |ok: bool, why| if ok { Ok(()) } else { Err(InvalidBucketName(why)) };
    rule((3..=63).contains(&bytes.len()), "a bucket name has 3 to 63 characters")?;
    rule(
        bytes.iter().all(|b| alphanumeric(b) || matches!(b, b'.' | b'-')),
        "a bucket name holds only lower-case letters, digits, dots and hyphens",
    )?;
    rule(
        bytes.first().is_some_and(alphanumeric) && bytes.last().is_some_and(alphanumeric),
        "a bucket name starts and ends with a letter or digit",
    )?;
    rule(!name.contains(".."), "a bucket name has no two adjacent dots")?;
    rule(!name.contains(".-") && !name.contains("-."), "a bucket name has no dot beside a hyphen")?;
    rule(
        name.parse::<std::net::Ipv4Addr>().is_err(),
        "a bucket name is not formatted as an IPv4 address",
    )?;
    let reserved_prefix = ["xn--", "sthree-", "amzn-s3-demo-"];
    rule(
        !reserved_prefix.iter().any(|p| name.starts_with(p)),
        "a bucket name does not start with xn--, sthree- or amzn-s3-demo-",
    )?;
    let reserved_suffix = ["-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3"];
    rule(
        !reserved_suffix.iter().any(|s| name.ends_with(s)),
        "a bucket name does not end with -s3alias, --ol-s3, .mrap, --x-s3 or --table-s3",
    )
}

impl fmt::Debug for BucketName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&*self.0, f)
    }
}

impl fmt::Display for BucketName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for ObjectKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&*self.0, f)
    }
}

impl fmt::Display for ObjectKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_lead_out_where_they_go_up_further_than_down() {
        let leads_out = |key| ObjectKey::parse(key).unwrap().leads_out();
        for key in ["..", "../a", "a/../../b", "./../a", "//../a", "a//../../b", "a/../../a/b/c"] {
            assert!(leads_out(key), "{key}");
        }
        for key in
            ["a", "/", ".", "a/..", "a/../b", "a/b/../../c", "...", "..a/../b", "a/..b", "%2e%2e/a"]
        {
            assert!(!leads_out(key), "{key}");
        }
    }
}
