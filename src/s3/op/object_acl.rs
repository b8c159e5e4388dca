//! GetObjectAcl and PutObjectAcl: `/bucket/key?acl`.

use super::Execute;
use crate::auth::Sealed;
use crate::auth::grants::Acl;
use crate::object::VersionId;
use crate::s3::acl::{self, Asked};
use crate::s3::context::Context;
use crate::s3::document::{self, Digest};
use crate::s3::error::{Code, S3Error};
use crate::s3::header::{Head, Integrity};
use crate::s3::object_acl;
use crate::s3::reply::Reply;
use crate::store::{GetRequest, ObjectPath};

/// GET. While ACLs are off, the bucket's owner has everything.
pub(super) struct GetObjectAcl {
    at: ObjectPath,
    version: Option<VersionId>,
}

/// PUT: by name, by grants in headers, or by a document; by one of them.
pub(super) struct PutObjectAcl {
    at: ObjectPath,
    version: Option<VersionId>,
    asked: Option<Asked>,
    integrity: Integrity,
}

impl Execute for GetObjectAcl {
    fn parse(head: &Head) -> Result<Self, S3Error> {
        Ok(Self { at: head.object()?, version: head.version()? })
    }

    async fn run(self, ctx: &Context, _: Sealed) -> Result<Reply, S3Error> {
        let acl = current(ctx, &self.at, self.version).await?;
        Ok(Reply::xml("AccessControlPolicy", |writer| acl::write(writer, &acl)))
    }
}

impl Execute for PutObjectAcl {
    fn parse(head: &Head) -> Result<Self, S3Error> {
        Ok(Self {
            at: head.object()?,
            version: head.version()?,
            asked: Asked::parse(head)?,
            integrity: Integrity::parse(head)?,
        })
    }

    async fn run(self, ctx: &Context, body: Sealed) -> Result<Reply, S3Error> {
        let body = document::read(body, self.integrity, Digest::Optional).await?;
        let (bucket, known) = (ctx.own_bucket()?, ctx.auth.keys());
        let owner = current(ctx, &self.at, self.version).await?.owner;
        let acl = match (self.asked, body.is_empty()) {
            (Some(_), false) => return Err(S3Error::new(Code::UnexpectedContent)),
            (Some(asked), true) => asked.of_object(owner, &bucket.owner, &known)?,
            (None, false) => acl::of_document(&body, &owner, &known)?,
            (None, true) => {
                return Err(S3Error::new(Code::MissingSecurityHeader)
                    .with("MissingHeaderName", "x-amz-acl"));
            }
        };
        object_acl::check(ctx, bucket, &acl).await?;
        let kept = acl.kept(&bucket.owner);
        ctx.store.set_object_acl(&self.at, self.version, kept).await?;
        Ok(Reply::ok())
    }
}

/// The object's ACL as it counts.
async fn current(
    ctx: &Context,
    at: &ObjectPath,
    version: Option<VersionId>,
) -> Result<Acl, S3Error> {
    let owner = ctx.bucket_owner()?;
    let ownership = ctx.configured.ownership(&*ctx.store, &at.bucket).await?;
    let own = if ownership.has_acls() {
        ctx.store.object_acl(at, version).await?
    } else {
        ctx.store.head_object(at, &GetRequest { version, ..GetRequest::default() }).await?;
        None
    };
    Ok(own.unwrap_or_else(|| Acl::private(owner.clone())))
}
