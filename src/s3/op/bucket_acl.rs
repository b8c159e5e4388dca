//! GetBucketAcl and PutBucketAcl: `/bucket?acl`.

use crate::auth::Sealed;
use crate::auth::grants::Acl;
use crate::object::BucketSetting;
use crate::s3::acl::{self, Asked};
use crate::s3::context::Context;
use crate::s3::document::{self, Digest};
use crate::s3::error::{Code, S3Error};
use crate::s3::guards::{self, Guard};
use crate::s3::header::{Head, Integrity};
use crate::s3::reply::Reply;

/// GET. While ACLs are off, the owner has everything.
pub(super) async fn get(head: &Head, ctx: &Context) -> Result<Reply, S3Error> {
    let guard = Guard::of(&*ctx.store, &ctx.configured, head.bucket()?).await?;
    let acl = guard.acl.filter(|_| guard.ownership.has_acls());
    let acl = match acl {
        Some(acl) => acl,
        None => Acl::private(ctx.bucket_owner()?.clone()),
    };
    Ok(Reply::xml("AccessControlPolicy", |writer| acl::write(writer, &acl)))
}

/// PUT: by name, by grants in headers, or by a document; by one of them.
pub(super) async fn put(head: &Head, ctx: &Context, body: Sealed) -> Result<Reply, S3Error> {
    let (bucket, integrity) = (head.bucket()?, Integrity::parse(head)?);
    let asked = Asked::parse(head)?;
    let body = document::read(body, integrity, Digest::Optional).await?;
    let (owner, known) = (ctx.bucket_owner()?, ctx.auth.keys());
    let acl = match (asked, body.is_empty()) {
        (Some(_), false) => return Err(S3Error::new(Code::UnexpectedContent)),
        (Some(asked), true) => asked.of_bucket(owner, &known)?,
        (None, false) => acl::of_document(&body, owner, &known)?,
        (None, true) => {
            return Err(
                S3Error::new(Code::MissingSecurityHeader).with("MissingHeaderName", "x-amz-acl")
            );
        }
    };
    check(&Guard::of(&*ctx.store, &ctx.configured, bucket).await?, &acl)?;
    let kept = Some(&acl).filter(|acl| !acl.is_private());
    guards::set(&*ctx.store, bucket, BucketSetting::Acl, kept).await?;
    Ok(Reply::ok())
}

/// Refuses what ownership controls or the public access block do not let anyone set.
pub(super) fn check(guard: &Guard, acl: &Acl) -> Result<(), S3Error> {
    if !guard.ownership.has_acls() && !acl.is_private() {
        return Err(S3Error::new(Code::AccessControlListNotSupported));
    }
    if guard.block.block_public_acls && acl.is_public() {
        return Err(S3Error::new(Code::AccessDenied)
            .known_cause("the ACL is public, which the public access block refuses"));
    }
    Ok(())
}
