//! GetBucketPolicy, PutBucketPolicy, DeleteBucketPolicy and GetBucketPolicyStatus:
//! `/bucket?policy` and `/bucket?policyStatus`.

use http::header::CONTENT_TYPE;

use crate::auth::Sealed;
use crate::auth::grants::{Malformed, Policy};
use crate::body::Payload;
use crate::object::{BucketSetting, SettingDocument};
use crate::s3::context::Context;
use crate::s3::document::{self, Digest};
use crate::s3::error::{Code, S3Error};
use crate::s3::guards::{self, Guard};
use crate::s3::header::{Head, Integrity};
use crate::s3::reply::Reply;

/// GET: the document as it was sent.
pub(super) async fn get(head: &Head, ctx: &Context) -> Result<Reply, S3Error> {
    let bucket = head.bucket()?;
    let document = ctx.store.bucket_setting(bucket, BucketSetting::Policy).await?;
    let document = document.ok_or_else(|| absent(head))?;
    let body = Payload::from_bytes(document.bytes().clone());
    Ok(Reply::ok().header(CONTENT_TYPE, "application/json").body(body))
}

/// PUT.
pub(super) async fn put(head: &Head, ctx: &Context, body: Sealed) -> Result<Reply, S3Error> {
    let (bucket, integrity) = (head.bucket()?, Integrity::parse(head)?);
    let body = document::read(body, integrity, Digest::Optional).await?;
    let policy = Policy::for_bucket(&body, bucket.as_str())?;
    ctx.auth.check_principals(&policy)?;
    let block = guards::block(&*ctx.store, bucket).await?.unwrap_or_default();
    if block.block_public_policy && policy.is_public() {
        return Err(S3Error::new(Code::AccessDenied)
            .known_cause("the policy is public, which the public access block refuses"));
    }
    let document = Some(SettingDocument::new(body)?);
    ctx.store.set_bucket_setting(bucket, BucketSetting::Policy, document).await?;
    Ok(Reply::no_content())
}

/// DELETE.
pub(super) async fn delete(head: &Head, ctx: &Context) -> Result<Reply, S3Error> {
    ctx.store.set_bucket_setting(head.bucket()?, BucketSetting::Policy, None).await?;
    Ok(Reply::no_content())
}

/// Whether the bucket is public by its policy or by its ACL.
pub(super) async fn status(head: &Head, ctx: &Context) -> Result<Reply, S3Error> {
    let bucket = head.bucket()?;
    let policy = ctx.configured.policy(&*ctx.store, bucket).await?;
    let guard = Guard::of(&*ctx.store, &ctx.configured, bucket).await?;
    let by_acl = guard.ownership.has_acls() && guard.acl.is_some_and(|acl| acl.is_public());
    let is_public = match policy {
        None if !by_acl => return Err(absent(head)),
        None => true,
        Some(policy) => by_acl || policy.is_public(),
    };
    Ok(Reply::xml("PolicyStatus", |writer| {
        writer.value("IsPublic", is_public);
    }))
}

fn absent(head: &Head) -> S3Error {
    let name = head.bucket().map(|bucket| bucket.as_str().to_owned()).unwrap_or_default();
    S3Error::new(Code::NoSuchBucketPolicy).with("BucketName", name)
}

impl From<Malformed> for S3Error {
    fn from(fault: Malformed) -> Self {
        Self::new(Code::MalformedPolicy).message(fault.to_string())
    }
}
