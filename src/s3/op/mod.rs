//! The operations, a file each: parse the head, then run.

mod abort_multipart_upload;
mod bucket_tagging;
mod complete_multipart_upload;
mod copy_object;
mod create_multipart_upload;
mod delete_objects;
mod get_object_attributes;
mod list_multipart_uploads;
mod list_object_versions;
mod list_objects;
mod list_objects_v2;
mod list_parts;
mod object_tagging;
mod preflight;
mod upload_part;
mod upload_part_copy;

use abort_multipart_upload::AbortMultipartUpload;
use bucket_tagging::{DeleteBucketTagging, GetBucketTagging, PutBucketTagging};
use complete_multipart_upload::CompleteMultipartUpload;
use copy_object::CopyObject;
use create_multipart_upload::CreateMultipartUpload;
use delete_objects::DeleteObjects;
use get_object_attributes::GetObjectAttributes;
use list_multipart_uploads::ListMultipartUploads;
use list_object_versions::ListObjectVersions;
use list_objects::ListObjects;
use list_objects_v2::ListObjectsV2;
use list_parts::ListParts;
use object_tagging::{DeleteObjectTagging, GetObjectTagging, PutObjectTagging};
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
        Operation::Preflight => preflight(head),
        Operation::AbortMultipartUpload => execute::<AbortMultipartUpload>(head, ctx, body).await,
        Operation::CompleteMultipartUpload => {
            execute::<CompleteMultipartUpload>(head, ctx, body).await
        }
        Operation::CopyObject => execute::<CopyObject>(head, ctx, body).await,
        Operation::CreateMultipartUpload => execute::<CreateMultipartUpload>(head, ctx, body).await,
        Operation::DeleteBucketTagging => execute::<DeleteBucketTagging>(head, ctx, body).await,
        Operation::DeleteObjectTagging => execute::<DeleteObjectTagging>(head, ctx, body).await,
        Operation::DeleteObjects => execute::<DeleteObjects>(head, ctx, body).await,
        Operation::GetBucketTagging => execute::<GetBucketTagging>(head, ctx, body).await,
        Operation::GetObjectAttributes => execute::<GetObjectAttributes>(head, ctx, body).await,
        Operation::GetObjectTagging => execute::<GetObjectTagging>(head, ctx, body).await,
        Operation::ListMultipartUploads => execute::<ListMultipartUploads>(head, ctx, body).await,
        Operation::ListObjectVersions => execute::<ListObjectVersions>(head, ctx, body).await,
        Operation::ListObjects => execute::<ListObjects>(head, ctx, body).await,
        Operation::ListObjectsV2 => execute::<ListObjectsV2>(head, ctx, body).await,
        Operation::ListParts => execute::<ListParts>(head, ctx, body).await,
        Operation::PutBucketTagging => execute::<PutBucketTagging>(head, ctx, body).await,
        Operation::PutObjectTagging => execute::<PutObjectTagging>(head, ctx, body).await,
        Operation::UploadPart => execute::<UploadPart>(head, ctx, body).await,
        Operation::UploadPartCopy => execute::<UploadPartCopy>(head, ctx, body).await,
        Operation::CreateBucket
        | Operation::DeleteBucket
        | Operation::DeleteObject
        | Operation::GetBucketLocation
        | Operation::GetObject
        | Operation::GetObjectAcl
        | Operation::GetObjectLegalHold
        | Operation::GetObjectRetention
        | Operation::GetObjectTorrent
        | Operation::HeadBucket
        | Operation::HeadObject
        | Operation::ListBuckets
        | Operation::PutObject
        | Operation::GetSetting(_)
        | Operation::DeleteSetting(_) => Err(S3Error::not_implemented(operation.name())),
        Operation::Unserved(name) => Err(S3Error::not_implemented(name)),
    }
}

async fn execute<T: Execute>(head: &Head, ctx: &Context, body: Sealed) -> Result<Reply, S3Error> {
    T::parse(head)?.run(ctx, body).await
}
