//! GetBucketCors, PutBucketCors, DeleteBucketCors, and the same of encryption, life cycle and website:
//! documents that are checked, kept, and shown as they are kept.

use http::header::CONTENT_TYPE;

use super::lifecycle;
use crate::auth::Sealed;
use crate::body::Payload;
use crate::object::{BucketSetting, Lifecycle, SettingDocument};
use crate::s3::bucket_encryption::BucketEncryption;
use crate::s3::configured::Configuration;
use crate::s3::context::Context;
use crate::s3::cors::Cors;
use crate::s3::document::{self, Digest};
use crate::s3::error::{Code, S3Error};
use crate::s3::header::{Head, Integrity};
use crate::s3::operation::Configured;
use crate::s3::reply::Reply;
use crate::s3::website::Website;

/// GET.
pub(super) async fn get(which: Configured, head: &Head, ctx: &Context) -> Result<Reply, S3Error> {
    if which == Configured::Lifecycle {
        return lifecycle::get(head, ctx).await;
    }
    let bucket = head.bucket()?;
    let document = match ctx.store.bucket_setting(bucket, setting(which)).await? {
        Some(document) => document.bytes().clone(),
        // The gateway's configuration stands for the document that the bucket does not have.
        None if which == Configured::Encryption && ctx.store.encrypts_by_default(bucket) => {
            BucketEncryption::aes256_document()
        }
        None => return Err(S3Error::new(absent(which))),
    };
    let body = Payload::from_bytes(document);
    Ok(Reply::ok().header(CONTENT_TYPE, "application/xml").body(body))
}

/// PUT.
pub(super) async fn put(
    which: Configured,
    head: &Head,
    ctx: &Context,
    body: Sealed,
) -> Result<Reply, S3Error> {
    if which == Configured::Lifecycle {
        return lifecycle::put(head, ctx, body).await;
    }
    let (bucket, integrity) = (head.bucket()?, Integrity::parse(head)?);
    let body = document::read(body, integrity, Digest::Required).await?;
    let checked = match which {
        Configured::Cors => Cors::check(&body),
        Configured::Encryption => BucketEncryption::check(&body),
        Configured::Lifecycle => Lifecycle::check(&body),
        Configured::Website => Website::check(&body),
    }?;
    let document = SettingDocument::new(checked)?;
    ctx.store.set_bucket_setting(bucket, setting(which), Some(document)).await?;
    Ok(Reply::ok())
}

/// DELETE.
pub(super) async fn delete(
    which: Configured,
    head: &Head,
    ctx: &Context,
) -> Result<Reply, S3Error> {
    ctx.store.set_bucket_setting(head.bucket()?, setting(which), None).await?;
    Ok(Reply::no_content())
}

fn setting(which: Configured) -> BucketSetting {
    match which {
        Configured::Cors => Cors::SETTING,
        Configured::Encryption => BucketEncryption::SETTING,
        Configured::Lifecycle => Lifecycle::SETTING,
        Configured::Website => Website::SETTING,
    }
}

/// The error that there is none.
fn absent(which: Configured) -> Code {
    match which {
        Configured::Cors => Code::NoSuchCORSConfiguration,
        Configured::Encryption => Code::ServerSideEncryptionConfigurationNotFoundError,
        Configured::Lifecycle => Code::NoSuchLifecycleConfiguration,
        Configured::Website => Code::NoSuchWebsiteConfiguration,
    }
}
