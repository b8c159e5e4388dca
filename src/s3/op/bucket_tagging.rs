//! GetBucketTagging, PutBucketTagging and DeleteBucketTagging: `/bucket?tagging`.

use super::Execute;
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
pub(super) struct GetBucketTagging(BucketName);

/// PUT.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct PutBucketTagging {
    bucket: BucketName,
    integrity: Integrity,
}

/// DELETE.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct DeleteBucketTagging(BucketName);

impl Execute for GetBucketTagging {
    fn parse(head: &Head) -> Result<Self, S3Error> {
        head.bucket().cloned().map(Self)
    }

    async fn run(self, ctx: &Context, _: Sealed) -> Result<Reply, S3Error> {
        let tags = ctx.store.bucket_tags(&self.0).await?.filter(|tags| !tags.is_empty());
        let tags = tags.ok_or_else(|| S3Error::new(Code::NoSuchTagSet))?;
        Ok(Reply::xml("Tagging", |w| tagging::write_tags(w, &tags)))
    }
}

impl Execute for PutBucketTagging {
    fn parse(head: &Head) -> Result<Self, S3Error> {
        Ok(Self { bucket: head.bucket()?.clone(), integrity: Integrity::parse(head)? })
    }

    async fn run(self, ctx: &Context, body: Sealed) -> Result<Reply, S3Error> {
        let body = document::read(body, self.integrity, Digest::Required).await?;
        let tags = tagging::parse_tags(&body, TagSet::for_bucket)?;
        ctx.store.set_bucket_tags(&self.bucket, Some(tags)).await?;
        Ok(Reply::no_content())
    }
}

impl Execute for DeleteBucketTagging {
    fn parse(head: &Head) -> Result<Self, S3Error> {
        head.bucket().cloned().map(Self)
    }

    async fn run(self, ctx: &Context, _: Sealed) -> Result<Reply, S3Error> {
        ctx.store.set_bucket_tags(&self.0, None).await?;
        Ok(Reply::no_content())
    }
}
