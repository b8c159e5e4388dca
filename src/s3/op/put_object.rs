//! PutObject.

use http::header::{ETAG, HeaderName};

use super::Execute;
use crate::auth::Sealed;
use crate::object::{Algorithm, Encryption};
use crate::s3::acl::Asked;
use crate::s3::context::Context;
use crate::s3::error::S3Error;
use crate::s3::header::{
    Head, Integrity, encryption, object_metadata, refuse_unserved, tags, tell_encryption,
    write_condition,
};
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
        let acl = object_acl::of_new(ctx, ctx.own_bucket()?, self.acl.as_ref()).await?;
        let payload = upload::open(body, self.integrity, Some(Algorithm::Crc64Nvme))?;
        if let Some(condition) = &self.new.condition {
            // Before the first byte is asked for: a hopeless upload fails while it is cheap.
            ctx.store.check_condition(&self.at, condition).await?;
        }
        let encryption = ctx.encryption(&self.at.bucket, self.new.encryption).await?;
        let new = NewObject { encryption: encryption.clone(), acl, ..self.new };
        let stored = ctx.store.put_object(&self.at, new, payload).await?;
        let key = encryption.as_ref().and_then(Encryption::customer_key);
        Ok(tell_encryption(reply(&stored), stored.object.encryption, key))
    }
}

fn reply(stored: &Stored) -> Reply {
    let reply = Reply::ok().header(ETAG, stored.object.etag.quoted()).optional(
        HeaderName::from_static("x-amz-version-id"),
        object_reply::version(stored.version),
    );
    match &stored.object.checksum {
        Some(checksum) => object_reply::checksum(reply, checksum),
        None => reply,
    }
}
