//! PutObject.

use http::header::{ETAG, HeaderName};

use super::Execute;
use crate::auth::Sealed;
use crate::body::Payload;
use crate::object::{Algorithm, CustomerKey, Encryption, TagSet};
use crate::s3::acl::Asked;
use crate::s3::context::Context;
use crate::s3::error::S3Error;
use crate::s3::header::{
    Head, Integrity, encryption, object_metadata, refuse_unserved, tags, tell_encryption,
    write_condition,
};
use crate::s3::lifecycle;
use crate::s3::object_acl;
use crate::s3::object_reply;
use crate::s3::reply::Reply;
use crate::s3::upload;
use crate::store::{NewObject, ObjectPath, Stored};

/// A whole object in one request.
pub(super) struct PutObject {
    at: ObjectPath,
    new: NewObject,
    acl: Option<Asked>,
    integrity: Integrity,
}

/// What was stored, and the customer's key that it was encrypted with.
pub(super) struct Done {
    pub(super) stored: Stored,
    key: Option<CustomerKey>,
    expiration: Option<String>,
}

impl Execute for PutObject {
    fn parse(head: &Head) -> Result<Self, S3Error> {
        refuse_unserved(head)?;
        Ok(Self {
            at: head.object()?,
            new: NewObject {
                metadata: object_metadata(head)?,
                tags: tags(head)?,
                condition: write_condition(head)?,
                original: None,
                encryption: encryption(head)?,
                acl: None,
            },
            acl: Asked::parse(head)?,
            integrity: Integrity::parse(head)?,
        })
    }

    async fn run(self, ctx: &Context, body: Sealed) -> Result<Reply, S3Error> {
        self.admit(ctx, body.content_length())?;
        let payload = upload::open(body, self.integrity.clone(), Some(Algorithm::Crc64Nvme))?;
        let done = self.store(ctx, payload).await?;
        Ok(done.describe(Reply::ok().header(ETAG, done.stored.object.etag.quoted())))
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
    pub(super) async fn store_form(self, ctx: &Context, file: Sealed) -> Result<Done, S3Error> {
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

    async fn store(self, ctx: &Context, payload: Payload) -> Result<Done, S3Error> {
        let ObjectPath { bucket, key } = &self.at;
        let rules = ctx.rules.of(bucket, key.as_str());
        let payload = rules.guard(payload, key, self.declared());
        if let Some(condition) = &self.new.condition {
            // Before the first byte is asked for: a hopeless upload fails while it is cheap.
            ctx.store.check_condition(&self.at, condition).await?;
        }
        let encryption = ctx.encryption(&self.at.bucket, self.new.encryption).await?;
        let key = encryption.as_ref().and_then(Encryption::customer_key).cloned();
        let acl = object_acl::of_new(ctx, ctx.own_bucket()?, self.acl.as_ref()).await?;
        let new = NewObject { encryption, acl, ..self.new };
        let tags = new.tags.clone();
        let stored = ctx.store.put_object(&self.at, new, payload).await?;
        let expiration = lifecycle::expiration(ctx, &self.at, &stored.object, Some(&tags)).await;
        Ok(Done { stored, key, expiration })
    }
}

impl Done {
    /// The answer with the version, encryption and checksum of what was stored.
    pub(super) fn describe(&self, reply: Reply) -> Reply {
        let stored = &self.stored;
        let reply = reply.optional(
            HeaderName::from_static("x-amz-version-id"),
            object_reply::version(stored.version),
        );
        let reply = lifecycle::tell_expiration(reply, self.expiration.clone());
        let reply = tell_encryption(reply, stored.object.encryption, self.key.as_ref());
        match &stored.object.checksum {
            Some(checksum) => object_reply::checksum(reply, checksum),
            None => reply,
        }
    }
}
