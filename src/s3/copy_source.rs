//! `x-amz-copy-source` and `x-amz-copy-source-range`.
//!
//! The source is parsed once; access decisions and the copy itself use the same result.

use std::borrow::Cow;

use http::HeaderName;

use super::context::Context;
use super::error::{Code, S3Error};
use super::header::Head;
use crate::auth::grants::Action;
use crate::object::percent::{self, Plus};
use crate::object::{Bucket, BucketName, ObjectKey, ReadConditions, VersionId};
use crate::store::{ObjectPath, StoreError};

/// Where a copy comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct CopySource {
    /// The object.
    pub(super) object: ObjectPath,
    /// The version, where the header names one.
    pub(super) version: Option<VersionId>,
    /// The owner that the client believes the source's bucket to have.
    expected_owner: Option<String>,
    /// Whether the caller may not know that there is no such source.
    veiled: bool,
}

/// Why a header is not a copy source: `InvalidArgument`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(super) struct InvalidCopySource(
    /// What is wrong.
    pub(super) &'static str,
);

const HEADER: &str = "x-amz-copy-source";

/// The header that says which version was copied.
pub(super) const SOURCE_VERSION_ID: HeaderName =
    HeaderName::from_static("x-amz-copy-source-version-id");

/// The most bytes that one request copies (S3 User Guide, "Copying, moving, and renaming
/// objects").
pub(super) const MAX_COPY_SIZE: u64 = 5 * 1024 * 1024 * 1024;

/// The source that the request names.
pub(super) fn of(head: &Head) -> Result<CopySource, S3Error> {
    let text = head.header(HEADER).unwrap_or_default();
    let mut source = CopySource::parse(&text)
        .map_err(|InvalidCopySource(why)| S3Error::invalid_argument(HEADER, text, why))?;
    let owner = head.header("x-amz-source-expected-bucket-owner");
    source.expected_owner = owner.map(Cow::into_owned);
    Ok(source)
}

impl CopySource {
    /// Whether the source is the current object that would be written.
    pub(super) fn is(&self, target: &ObjectPath) -> bool {
        self.version.is_none() && self.object == *target
    }

    /// Refuses callers who may not read the source; gives its bucket.
    pub(super) async fn authorize(&mut self, ctx: &Context) -> Result<Bucket, S3Error> {
        let bucket = ctx.gate.bucket(&self.object.bucket).await;
        let bucket = bucket.map_err(|error| self.named(error))?;
        let key = &self.object.key;
        let action = match self.version {
            Some(_) => Action::GetObjectVersion,
            None => Action::GetObject,
        };
        ctx.gate.check_object(&bucket, key, self.version, action).await?;
        if let Some(expected) = &self.expected_owner
            && *expected != bucket.owner.id
        {
            return Err(S3Error::new(Code::AccessDenied));
        }
        self.veiled = !ctx.gate.may_know(&bucket, key).await?;
        Ok(bucket)
    }

    /// Refuses to copy tags that the caller may not read at the source or give to the target;
    /// where there are none, nothing is needed.
    pub(super) async fn authorize_tags(
        &self,
        ctx: &Context,
        bucket: &Bucket,
        target: &ObjectPath,
    ) -> Result<(), S3Error> {
        let read = match self.version {
            Some(_) => Action::GetObjectVersionTagging,
            None => Action::GetObjectTagging,
        };
        let (gate, key) = (&ctx.gate, &self.object.key);
        let readable = gate.check_object(bucket, key, self.version, read).await;
        let write = Action::PutObjectTagging;
        let writable = gate.check_object(ctx.own_bucket()?, &target.key, None, write).await;
        let Err(refusal) = readable.and(writable) else { return Ok(()) };
        match ctx.store.object_tags(&self.object, self.version).await {
            Ok(tags) if tags.is_empty() => Ok(()),
            Ok(_) => Err(refusal),
            Err(error) => Err(self.named(error.into())),
        }
    }

    /// What a store says of the source, in the source's names: the request's own are the target's.
    pub(super) fn fault(&self, error: StoreError, conditions: &ReadConditions) -> S3Error {
        match error {
            StoreError::PreconditionFailed(header) if conditions.has(header) => {
                let name = header.name();
                S3Error::new(Code::PreconditionFailed)
                    .with("Condition", format!("x-amz-copy-source-{name}"))
            }
            other => self.named(other.into()),
        }
    }

    fn named(&self, error: S3Error) -> S3Error {
        match error.code() {
            Code::NoSuchBucket => error.with("BucketName", self.object.bucket.as_str()),
            Code::NoSuchKey | Code::NoSuchVersion if self.veiled => {
                S3Error::new(Code::AccessDenied)
            }
            Code::NoSuchKey | Code::NoSuchVersion => error.with("Key", self.object.key.as_str()),
            _ => error,
        }
    }

    /// Parses `bucket/key` with an optional leading slash and an optional `?versionId=`.
    ///
    /// SDKs disagree on the encoding: boto3 encodes, JavaScript sends the key as it is. So what
    /// has percent escapes is decoded once, everything else (plus signs, spaces, UTF-8) stands
    /// for itself. The version is split off before decoding: an encoded `%3F` belongs to the key.
    pub(super) fn parse(text: &str) -> Result<Self, InvalidCopySource> {
        let (path, version) = match text.rsplit_once("?versionId=") {
            Some((path, version)) => (path, Some(version)),
            None => (text, None),
        };
        let path = decode(path)?;
        let path = path.strip_prefix('/').unwrap_or(&path);
        let (bucket, key) = path
            .split_once('/')
            .ok_or(InvalidCopySource("The copy source must be a bucket and key: bucket/key."))?;
        let bucket = BucketName::parse(bucket)
            .map_err(|_| InvalidCopySource("The copy source's bucket name is not valid."))?;
        let key = ObjectKey::parse(key)
            .map_err(|_| InvalidCopySource("The copy source's key is empty or too long."))?;
        let version = version.map(parse_version).transpose()?;
        Ok(Self {
            object: ObjectPath { bucket, key },
            version,
            expected_owner: None,
            veiled: false,
        })
    }
}

fn parse_version(text: &str) -> Result<VersionId, InvalidCopySource> {
    VersionId::parse(text).ok_or(InvalidCopySource("Invalid version id specified"))
}

fn decode(path: &str) -> Result<String, InvalidCopySource> {
    percent::decode(path, Plus::Literal)
        .map_err(|_| InvalidCopySource("The copy source has a broken percent escape."))
}

/// Parses `bytes=first-last`, the only form of a copied range; first and last are inclusive.
pub(super) fn parse_range(text: &str) -> Option<(u64, u64)> {
    let (first, last) = text.trim().strip_prefix("bytes=")?.split_once('-')?;
    let number = |digits: &str| {
        let plain = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
        plain.then(|| digits.parse::<u64>().ok())?
    };
    let (first, last) = (number(first)?, number(last)?);
    (first <= last).then_some((first, last))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(header: &str) -> (String, String, Option<VersionId>) {
        let source = CopySource::parse(header).unwrap();
        let ObjectPath { bucket, key } = source.object;
        (bucket.as_str().to_owned(), key.as_str().to_owned(), source.version)
    }

    fn key_of(header: &str) -> String {
        let (bucket, key, version) = parsed(header);
        assert_eq!((bucket.as_str(), version), ("bucket", None), "{header}");
        key
    }

    #[test]
    fn a_leading_slash_is_optional_and_only_one_is_dropped() {
        assert_eq!(key_of("bucket/key"), "key");
        assert_eq!(key_of("/bucket/key"), "key");
        assert_eq!(key_of("bucket//key"), "/key");
        assert_eq!(key_of("bucket/a/b"), "a/b");
    }

    #[test]
    fn encoded_and_raw_keys_are_the_same() {
        assert_eq!(key_of("bucket/a%20b%2Bc+d e"), "a b+c+d e");
        assert_eq!(key_of("bucket%2Fkey"), "key", "an encoded separator");
        assert_eq!(key_of("%2Fbucket%2Fkey"), "key");
        assert_eq!(key_of("bucket/%C3%A9é"), "éé");
        assert_eq!(key_of("bucket/%2525"), "%25", "decoded once");
    }

    #[test]
    fn a_literal_version_is_split_off_and_an_encoded_one_is_the_keys() {
        let (_, key, version) = parsed("bucket/key?versionId=null");
        assert_eq!((key.as_str(), version), ("key", Some(VersionId::Null)));
        assert!(CopySource::parse("bucket/key?versionId=nonsense").is_err());
        assert_eq!(key_of("bucket/key%3FversionId=null"), "key?versionId=null");
        assert_eq!(key_of("bucket/why?"), "why?");
    }

    #[test]
    fn what_names_no_object_is_refused() {
        let long = format!("bucket/{}", "k".repeat(1025));
        for header in [
            "",
            "/",
            "bucket",
            "bucket/",
            "/bucket/",
            "/key",
            "B/key",
            "bucket/%",
            "bucket/%zz",
            "bucket/%4",
            "bucket/%ff",
            "bucket/%+1",
            long.as_str(),
        ] {
            assert!(CopySource::parse(header).is_err(), "{header}");
        }
    }

    #[test]
    fn a_range_has_both_ends() {
        assert_eq!(parse_range("bytes=0-9"), Some((0, 9)));
        assert_eq!(parse_range("bytes=007-7"), Some((7, 7)));
        for text in [
            "",
            "0-9",
            "bytes=",
            "bytes=0-",
            "bytes=-9",
            "bytes=9-0",
            "bytes=0-9,11-12",
            "bytes=a-b",
            "bytes=+1-2",
            "bytes=0 - 9",
            "chars=0-9",
            "bytes=0-99999999999999999999",
        ] {
            assert_eq!(parse_range(text), None, "{text}");
        }
    }
}
