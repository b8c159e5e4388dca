//! The operations, a file each: parse the head, then run.

mod create_bucket;
mod delete_bucket;
mod delete_object;
mod get_bucket_location;
mod get_object;
mod head_bucket;
mod head_object;
mod list_buckets;
mod object_read;
mod preflight;
mod put_object;
mod settings;

use super::context::Context;
use super::error::S3Error;
use super::header::Head;
use super::operation::Operation;
use super::reply::Reply;
use crate::auth::Sealed;

use create_bucket::CreateBucket;
use delete_bucket::DeleteBucket;
use delete_object::DeleteObject;
use get_bucket_location::GetBucketLocation;
use get_object::GetObject;
use head_bucket::HeadBucket;
use head_object::HeadObject;
use list_buckets::ListBuckets;
use put_object::PutObject;
use settings::{GetObjectAcl, GetObjectLock, GetObjectTorrent};

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
        Operation::CreateBucket => execute::<CreateBucket>(head, ctx, body).await,
        Operation::DeleteBucket => execute::<DeleteBucket>(head, ctx, body).await,
        Operation::DeleteObject => execute::<DeleteObject>(head, ctx, body).await,
        Operation::DeleteSetting(_) => Ok(settings::delete()),
        Operation::GetBucketLocation => execute::<GetBucketLocation>(head, ctx, body).await,
        Operation::GetObject => execute::<GetObject>(head, ctx, body).await,
        Operation::GetObjectAcl => execute::<GetObjectAcl>(head, ctx, body).await,
        Operation::GetObjectLegalHold | Operation::GetObjectRetention => {
            execute::<GetObjectLock>(head, ctx, body).await
        }
        Operation::GetObjectTorrent => execute::<GetObjectTorrent>(head, ctx, body).await,
        Operation::GetSetting(setting) => settings::get(setting, ctx),
        Operation::HeadBucket => execute::<HeadBucket>(head, ctx, body).await,
        Operation::HeadObject => execute::<HeadObject>(head, ctx, body).await,
        Operation::ListBuckets => execute::<ListBuckets>(head, ctx, body).await,
        Operation::Preflight => preflight(head),
        Operation::PutObject => execute::<PutObject>(head, ctx, body).await,
        Operation::AbortMultipartUpload
        | Operation::CompleteMultipartUpload
        | Operation::CopyObject
        | Operation::CreateMultipartUpload
        | Operation::DeleteBucketTagging
        | Operation::DeleteObjectTagging
        | Operation::DeleteObjects
        | Operation::GetBucketTagging
        | Operation::GetObjectAttributes
        | Operation::GetObjectTagging
        | Operation::ListMultipartUploads
        | Operation::ListObjectVersions
        | Operation::ListObjects
        | Operation::ListObjectsV2
        | Operation::ListParts
        | Operation::PutBucketTagging
        | Operation::PutObjectTagging
        | Operation::UploadPart
        | Operation::UploadPartCopy => Err(S3Error::not_implemented(operation.name())),
        Operation::Unserved(name) => Err(S3Error::not_implemented(name)),
    }
}

async fn execute<T: Execute>(head: &Head, ctx: &Context, body: Sealed) -> Result<Reply, S3Error> {
    T::parse(head)?.run(ctx, body).await
}
