//! GetObjectTagging, PutObjectTagging and DeleteObjectTagging: `/bucket/key?tagging`.

use super::Execute;
use crate::auth::Sealed;
use crate::object::{TagSet, VersionId};
use crate::s3::context::Context;
use crate::s3::document::{self, Digest};
use crate::s3::error::S3Error;
use crate::s3::header::{Head, Integrity};
use crate::s3::reply::Reply;
use crate::s3::tagging;
use crate::store::ObjectPath;

/// GET.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct GetObjectTagging(Tagged);

/// PUT.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct PutObjectTagging {
    tagged: Tagged,
    integrity: Integrity,
}

/// DELETE.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct DeleteObjectTagging(Tagged);

/// What has the tags.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Tagged {
    object: ObjectPath,
    version: Option<VersionId>,
}

impl Tagged {
    fn parse(head: &Head) -> Result<Self, S3Error> {
        Ok(Self { object: head.object()?, version: head.version()? })
    }

    async fn set(&self, ctx: &Context, tags: TagSet) -> Result<(), S3Error> {
        Ok(ctx.store.set_object_tags(&self.object, self.version, tags).await?)
    }
}

impl Execute for GetObjectTagging {
    fn parse(head: &Head) -> Result<Self, S3Error> {
        Tagged::parse(head).map(Self)
    }

    async fn run(self, ctx: &Context, _: Sealed) -> Result<Reply, S3Error> {
        let tags = ctx.store.object_tags(&self.0.object, self.0.version).await?;
        Ok(Reply::xml("Tagging", |w| tagging::write_tags(w, &tags)))
    }
}

impl Execute for PutObjectTagging {
    fn parse(head: &Head) -> Result<Self, S3Error> {
        Ok(Self { tagged: Tagged::parse(head)?, integrity: Integrity::parse(head)? })
    }

    async fn run(self, ctx: &Context, body: Sealed) -> Result<Reply, S3Error> {
        let body = document::read(body, self.integrity, Digest::Required).await?;
        let tags = tagging::parse_tags(&body, TagSet::for_object)?;
        let (bucket, Tagged { object, version }) = (ctx.own_bucket()?, &self.tagged);
        ctx.gate.check_new_tags(bucket, &object.key, *version, &tags).await?;
        self.tagged.set(ctx, tags).await?;
        Ok(Reply::ok())
    }
}

impl Execute for DeleteObjectTagging {
    fn parse(head: &Head) -> Result<Self, S3Error> {
        Tagged::parse(head).map(Self)
    }

    async fn run(self, ctx: &Context, _: Sealed) -> Result<Reply, S3Error> {
        self.0.set(ctx, TagSet::default()).await?;
        Ok(Reply::no_content())
    }
}
