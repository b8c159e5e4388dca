//! GetBucketLifecycleConfiguration and PutBucketLifecycleConfiguration. One header belongs to the
//! configuration, which its document does not show.

use http::header::CONTENT_TYPE;

use crate::auth::Sealed;
use crate::body::Payload;
use crate::object::{BucketSetting, SettingDocument};
use crate::s3::context::Context;
use crate::s3::document::{self, Digest};
use crate::s3::error::{Code, S3Error};
use crate::s3::header::{Head, Integrity};
use crate::s3::lifecycle;
use crate::s3::reply::Reply;
use crate::s3::xml::{self, LifecycleDocument};

/// GET.
pub(super) async fn get(head: &Head, ctx: &Context) -> Result<Reply, S3Error> {
    let kept = ctx.store.bucket_setting(head.bucket()?, BucketSetting::Lifecycle).await?;
    let kept = kept.ok_or_else(|| S3Error::new(Code::NoSuchLifecycleConfiguration))?;
    let document = LifecycleDocument::parse(kept.bytes())
        .map_err(|error| S3Error::internal(format!("the lifecycle setting: {error}")))?;
    let body = xml::document(LifecycleDocument::ROOT, |writer| document.write(writer));
    let reply = Reply::ok().header(CONTENT_TYPE, "application/xml");
    Ok(lifecycle::tell_minimum(reply, &document).body(Payload::from_bytes(body)))
}

/// PUT.
pub(super) async fn put(head: &Head, ctx: &Context, body: Sealed) -> Result<Reply, S3Error> {
    let (bucket, integrity) = (head.bucket()?, Integrity::parse(head)?);
    let minimum = head.header("x-amz-transition-default-minimum-object-size");
    let body = document::read(body, integrity, Digest::Required).await?;
    let document = lifecycle::checked(&body, minimum.as_deref())?;
    let kept = SettingDocument::new(lifecycle::kept(&document))?;
    ctx.store.set_bucket_setting(bucket, BucketSetting::Lifecycle, Some(kept)).await?;
    Ok(lifecycle::tell_minimum(Reply::ok(), &document))
}
