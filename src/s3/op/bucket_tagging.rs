//! GetBucketTagging, PutBucketTagging and DeleteBucketTagging: `/bucket?tagging`.

use crate::auth::Sealed;
use crate::object::{BucketName, TagSet};
use crate::s3::context::Context;
use crate::s3::document::{self, Digest};
use crate::s3::error::{Code, S3Error};
use crate::s3::header::{Head, Integrity};
use crate::s3::reply::Reply;
use crate::s3::tagging;

/// GET.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::s3) struct GetBucketTagging(BucketName);

/// PUT.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::s3) struct PutBucketTagging {
    bucket: BucketName,
    integrity: Integrity,
}

/// DELETE.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::s3) struct DeleteBucketTagging(BucketName);

impl GetBucketTagging {
    /// Reads the head.
    pub(in crate::s3) fn parse(head: &Head) -> Result<Self, S3Error> {
        head.bucket().cloned().map(Self)
    }

    /// Shows the tags. Unlike an object's, tags that were never set are an error.
    pub(in crate::s3) async fn run(self, ctx: &Context, _: Sealed) -> Result<Reply, S3Error> {
        let tags = ctx.store.bucket_tags(&self.0).await?.filter(|tags| !tags.is_empty());
        let tags = tags.ok_or_else(|| S3Error::new(Code::NoSuchTagSet))?;
        Ok(Reply::xml("Tagging", |w| tagging::write_tags(w, &tags)))
    }
}

impl PutBucketTagging {
    /// Reads the head.
    pub(in crate::s3) fn parse(head: &Head) -> Result<Self, S3Error> {
        Ok(Self { bucket: head.bucket()?.clone(), integrity: Integrity::parse(head)? })
    }

    /// Replaces the tags.
    pub(in crate::s3) async fn run(self, ctx: &Context, body: Sealed) -> Result<Reply, S3Error> {
        let body = document::read(body, self.integrity, Digest::Required).await?;
        let tags = tagging::parse_tags(&body, TagSet::for_bucket)?;
        ctx.store.set_bucket_tags(&self.bucket, Some(tags)).await?;
        Ok(Reply::no_content())
    }
}

impl DeleteBucketTagging {
    /// Reads the head.
    pub(in crate::s3) fn parse(head: &Head) -> Result<Self, S3Error> {
        head.bucket().cloned().map(Self)
    }

    /// Removes the tags.
    pub(in crate::s3) async fn run(self, ctx: &Context, _: Sealed) -> Result<Reply, S3Error> {
        ctx.store.set_bucket_tags(&self.0, None).await?;
        Ok(Reply::no_content())
    }
}
