//! Public access block and ownership controls: `/bucket?publicAccessBlock` and
//! `/bucket?ownershipControls`.

use crate::auth::Sealed;
use crate::auth::grants::{Ownership, PublicAccessBlock};
use crate::object::BucketSetting;
use crate::s3::context::Context;
use crate::s3::document::{self, Digest};
use crate::s3::error::{Code, S3Error};
use crate::s3::guards;
use crate::s3::header::{Head, Integrity};
use crate::s3::reply::Reply;
use crate::s3::xml::{PublicAccessBlockDocument, parse_ownership};

/// GetPublicAccessBlock.
pub(super) async fn get_block(head: &Head, ctx: &Context) -> Result<Reply, S3Error> {
    let block = guards::block(&*ctx.store, head.bucket()?).await?;
    let block = block.ok_or_else(|| S3Error::new(Code::NoSuchPublicAccessBlockConfiguration))?;
    Ok(Reply::xml("PublicAccessBlockConfiguration", |writer| {
        writer.value("BlockPublicAcls", block.block_public_acls);
        writer.value("IgnorePublicAcls", block.ignore_public_acls);
        writer.value("BlockPublicPolicy", block.block_public_policy);
        writer.value("RestrictPublicBuckets", block.restrict_public_buckets);
    }))
}

/// PutPublicAccessBlock.
pub(super) async fn put_block(head: &Head, ctx: &Context, body: Sealed) -> Result<Reply, S3Error> {
    let integrity = Integrity::parse(head)?;
    let body = document::read(body, integrity, Digest::Optional).await?;
    let document = PublicAccessBlockDocument::parse(&body)?;
    let block = PublicAccessBlock {
        block_public_acls: document.block_public_acls,
        ignore_public_acls: document.ignore_public_acls,
        block_public_policy: document.block_public_policy,
        restrict_public_buckets: document.restrict_public_buckets,
    };
    let setting = BucketSetting::PublicAccessBlock;
    guards::set(&*ctx.store, head.bucket()?, setting, Some(&block)).await?;
    Ok(Reply::ok())
}

/// GetBucketOwnershipControls.
pub(super) async fn get_ownership(head: &Head, ctx: &Context) -> Result<Reply, S3Error> {
    let ownership = guards::ownership(&*ctx.store, head.bucket()?).await?;
    let ownership = ownership.ok_or_else(|| S3Error::new(Code::OwnershipControlsNotFoundError))?;
    Ok(Reply::xml("OwnershipControls", |writer| {
        writer.element("Rule", |writer| writer.text("ObjectOwnership", ownership.as_str()));
    }))
}

/// PutBucketOwnershipControls. ACLs can only be turned off where none gives anything.
pub(super) async fn put_ownership(
    head: &Head,
    ctx: &Context,
    body: Sealed,
) -> Result<Reply, S3Error> {
    let (bucket, integrity) = (head.bucket()?, Integrity::parse(head)?);
    let body = document::read(body, integrity, Digest::Optional).await?;
    let ownership = Ownership::named(&parse_ownership(&body)?)
        .ok_or_else(|| S3Error::new(Code::MalformedXML))?;
    if !ownership.has_acls() && guards::acl(&*ctx.store, bucket).await?.is_some() {
        return Err(S3Error::new(Code::InvalidBucketAclWithObjectOwnership));
    }
    let setting = BucketSetting::OwnershipControls;
    guards::set(&*ctx.store, bucket, setting, Some(&ownership)).await?;
    Ok(Reply::ok())
}

/// DeletePublicAccessBlock and DeleteBucketOwnershipControls.
pub(super) async fn delete(
    setting: BucketSetting,
    head: &Head,
    ctx: &Context,
) -> Result<Reply, S3Error> {
    ctx.store.set_bucket_setting(head.bucket()?, setting, None).await?;
    Ok(Reply::no_content())
}
