//! PutObject.

use http::header::{ETAG, HeaderName};

use super::Execute;
use crate::auth::Sealed;
use crate::body::Payload;
use crate::object::{Algorithm, TagSet};
use crate::s3::context::Context;
use crate::s3::error::S3Error;
use crate::s3::header::{
    Head, Integrity, check_acl, object_metadata, refuse_unserved, tags, write_condition,
};
use crate::s3::object_reply;
use crate::s3::reply::Reply;
use crate::s3::upload;
use crate::store::{NewObject, ObjectPath, Stored};

/// A whole object in one request.
pub(super) struct PutObject {
    at: ObjectPath,
    new: NewObject,
    integrity: Integrity,
}

impl Execute for PutObject {
    fn parse(head: &Head) -> Result<Self, S3Error> {
        refuse_unserved(head)?;
        check_acl(head)?;
        Ok(Self {
            at: head.object()?,
            new: NewObject {
                metadata: object_metadata(head)?,
                tags: tags(head)?,
                condition: write_condition(head)?,
                original: None,
            },
            integrity: Integrity::parse(head)?,
        })
    }

    async fn run(self, ctx: &Context, body: Sealed) -> Result<Reply, S3Error> {
        self.admit(ctx, body.content_length())?;
        let payload = upload::open(body, self.integrity.clone(), Some(Algorithm::Crc64Nvme))?;
        let stored = self.store(ctx, payload).await?;
        Ok(Self::described(Reply::ok().header(ETAG, stored.object.etag.quoted()), &stored))
    }
}

impl PutObject {
    /// Which object it will be.
    pub(super) fn at(&self) -> &ObjectPath {
        &self.at
    }

    /// The same with these tags.
    pub(super) fn with_tags(mut self, tags: TagSet) -> Self {
        self.new.tags = tags;
        self
    }

    /// Stores the file of a form, whose length nobody has told.
    pub(super) async fn store_form(self, ctx: &Context, file: Sealed) -> Result<Stored, S3Error> {
        self.admit(ctx, None)?;
        let compute = Some(Algorithm::Crc64Nvme);
        let payload = upload::open_unmeasured(file, self.integrity.clone(), compute);
        self.store(ctx, payload).await
    }

    /// Judges what the upload rules can say before the body comes.
    fn admit(&self, ctx: &Context, length: Option<u64>) -> Result<(), S3Error> {
        let ObjectPath { bucket, key } = &self.at;
        Ok(ctx.rules.of(bucket, key.as_str()).admit(key, self.declared(), length)?)
    }

    fn declared(&self) -> Option<&str> {
        self.new.metadata.headers.content_type.as_deref()
    }

    async fn store(self, ctx: &Context, payload: Payload) -> Result<Stored, S3Error> {
        let ObjectPath { bucket, key } = &self.at;
        let rules = ctx.rules.of(bucket, key.as_str());
        let payload = rules.guard(payload, key, self.declared());
        if let Some(condition) = &self.new.condition {
            // Before the first byte is asked for: a hopeless upload fails while it is cheap.
            ctx.store.check_condition(&self.at, condition).await?;
        }
        Ok(ctx.store.put_object(&self.at, self.new, payload).await?)
    }

    /// The answer with the version and checksum of what was stored.
    pub(super) fn described(reply: Reply, stored: &Stored) -> Reply {
        let reply = reply.optional(
            HeaderName::from_static("x-amz-version-id"),
            object_reply::version(stored.version),
        );
        match &stored.object.checksum {
            Some(checksum) => object_reply::checksum(reply, checksum),
            None => reply,
        }
    }
}
