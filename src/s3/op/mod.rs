//! The operations, a file each: parse the head, then run.

mod abort_multipart_upload;
mod bucket_acl;
mod bucket_policy;
mod bucket_tagging;
mod complete_multipart_upload;
mod configurations;
mod copy_object;
mod create_bucket;
mod create_multipart_upload;
mod delete_bucket;
mod delete_object;
mod delete_objects;
mod get_bucket_location;
mod get_object;
mod get_object_attributes;
mod head_bucket;
mod head_object;
mod lifecycle;
mod list_buckets;
mod list_multipart_uploads;
mod list_object_versions;
mod list_objects;
mod list_objects_v2;
mod list_parts;
mod object_acl;
mod object_read;
mod object_tagging;
mod post_object;
mod preflight;
mod public_access;
mod put_object;
mod settings;
mod upload_part;
mod upload_part_copy;

use abort_multipart_upload::AbortMultipartUpload;
use bucket_tagging::{DeleteBucketTagging, GetBucketTagging, PutBucketTagging};
use complete_multipart_upload::CompleteMultipartUpload;
use copy_object::CopyObject;
use create_bucket::CreateBucket;
use create_multipart_upload::CreateMultipartUpload;
use delete_bucket::DeleteBucket;
use delete_object::DeleteObject;
use delete_objects::DeleteObjects;
use get_bucket_location::GetBucketLocation;
use get_object::GetObject;
use get_object_attributes::GetObjectAttributes;
use head_bucket::HeadBucket;
use head_object::HeadObject;
use list_buckets::ListBuckets;
use list_multipart_uploads::ListMultipartUploads;
use list_object_versions::ListObjectVersions;
use list_objects::ListObjects;
use list_objects_v2::ListObjectsV2;
use list_parts::ListParts;
use object_acl::{GetObjectAcl, PutObjectAcl};
use object_tagging::{DeleteObjectTagging, GetObjectTagging, PutObjectTagging};
use post_object::PostObject;
use put_object::PutObject;
use settings::{GetObjectLock, GetObjectTorrent};
use upload_part::UploadPart;
use upload_part_copy::UploadPartCopy;

use super::context::Context;
use super::error::S3Error;
use super::header::Head;
use super::operation::Operation;
use super::reply::Reply;
use crate::auth::Sealed;

pub(super) use preflight::answer as preflight;

/// An operation.
trait Execute: Sized {
    /// Reads what the request's head says. Touches nothing and asks nobody.
    fn parse(head: &Head) -> Result<Self, S3Error>;

    /// Does it. The body may be left unread.
    fn run(
        self,
        ctx: &Context,
        body: Sealed,
    ) -> impl Future<Output = Result<Reply, S3Error>> + Send;
}

/// Runs an operation for a caller who may.
pub(super) async fn run(
    operation: Operation,
    head: &Head,
    ctx: &Context,
    body: Sealed,
) -> Result<Reply, S3Error> {
    match operation {
        Operation::AbortMultipartUpload => execute::<AbortMultipartUpload>(head, ctx, body).await,
        Operation::CompleteMultipartUpload => {
            execute::<CompleteMultipartUpload>(head, ctx, body).await
        }
        Operation::CopyObject => execute::<CopyObject>(head, ctx, body).await,
        Operation::CreateBucket => execute::<CreateBucket>(head, ctx, body).await,
        Operation::CreateMultipartUpload => execute::<CreateMultipartUpload>(head, ctx, body).await,
        Operation::DeleteBucket => execute::<DeleteBucket>(head, ctx, body).await,
        Operation::DeleteBucketTagging => execute::<DeleteBucketTagging>(head, ctx, body).await,
        Operation::DeleteObject => execute::<DeleteObject>(head, ctx, body).await,
        Operation::DeleteObjectTagging => execute::<DeleteObjectTagging>(head, ctx, body).await,
        Operation::DeleteObjects => execute::<DeleteObjects>(head, ctx, body).await,
        Operation::DeleteConfiguration(which) => configurations::delete(which, head, ctx).await,
        Operation::DeleteSetting(setting) => settings::delete(setting, head, ctx).await,
        Operation::PutSetting(setting) => settings::put(setting, head, ctx, body).await,
        Operation::GetBucketLocation => execute::<GetBucketLocation>(head, ctx, body).await,
        Operation::GetBucketTagging => execute::<GetBucketTagging>(head, ctx, body).await,
        Operation::GetObject => execute::<GetObject>(head, ctx, body).await,
        Operation::GetObjectAcl => execute::<GetObjectAcl>(head, ctx, body).await,
        Operation::GetObjectAttributes => execute::<GetObjectAttributes>(head, ctx, body).await,
        Operation::GetObjectLegalHold | Operation::GetObjectRetention => {
            execute::<GetObjectLock>(head, ctx, body).await
        }
        Operation::GetObjectTagging => execute::<GetObjectTagging>(head, ctx, body).await,
        Operation::GetObjectTorrent => execute::<GetObjectTorrent>(head, ctx, body).await,
        Operation::GetConfiguration(which) => configurations::get(which, head, ctx).await,
        Operation::GetSetting(setting) => settings::get(setting, head, ctx).await,
        Operation::HeadBucket => execute::<HeadBucket>(head, ctx, body).await,
        Operation::HeadObject => execute::<HeadObject>(head, ctx, body).await,
        Operation::ListBuckets => execute::<ListBuckets>(head, ctx, body).await,
        Operation::ListMultipartUploads => execute::<ListMultipartUploads>(head, ctx, body).await,
        Operation::ListObjectVersions => execute::<ListObjectVersions>(head, ctx, body).await,
        Operation::ListObjects => execute::<ListObjects>(head, ctx, body).await,
        Operation::ListObjectsV2 => execute::<ListObjectsV2>(head, ctx, body).await,
        Operation::ListParts => execute::<ListParts>(head, ctx, body).await,
        Operation::PostObject => execute::<PostObject>(head, ctx, body).await,
        Operation::Preflight => preflight(head, &*ctx.store, &ctx.configured).await,
        Operation::PutBucketTagging => execute::<PutBucketTagging>(head, ctx, body).await,
        Operation::PutConfiguration(which) => configurations::put(which, head, ctx, body).await,
        Operation::PutObject => execute::<PutObject>(head, ctx, body).await,
        Operation::PutObjectAcl => execute::<PutObjectAcl>(head, ctx, body).await,
        Operation::PutObjectTagging => execute::<PutObjectTagging>(head, ctx, body).await,
        Operation::UploadPart => execute::<UploadPart>(head, ctx, body).await,
        Operation::UploadPartCopy => execute::<UploadPartCopy>(head, ctx, body).await,
        Operation::Unserved(name) => Err(S3Error::not_implemented(name)),
    }
}

/// Reads an object for whoever visits a website: GET or HEAD, as the head says.
pub(super) async fn read_page(head: &Head, ctx: &Context) -> Result<Reply, S3Error> {
    if *head.method() == http::Method::HEAD {
        HeadObject::parse(head)?.answer(ctx).await
    } else {
        GetObject::parse(head)?.answer(ctx).await
    }
}

async fn execute<T: Execute>(head: &Head, ctx: &Context, body: Sealed) -> Result<Reply, S3Error> {
    T::parse(head)?.run(ctx, body).await
}

#[cfg(test)]
mod tests;
