//! The operations, a file each: parse the head, then run.

mod preflight;

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
        Operation::AbortMultipartUpload
        | Operation::CompleteMultipartUpload
        | Operation::CopyObject
        | Operation::CreateBucket
        | Operation::CreateMultipartUpload
        | Operation::DeleteBucket
        | Operation::DeleteBucketTagging
        | Operation::DeleteObject
        | Operation::DeleteObjectTagging
        | Operation::DeleteObjects
        | Operation::GetBucketLocation
        | Operation::GetBucketTagging
        | Operation::GetObject
        | Operation::GetObjectAcl
        | Operation::GetObjectAttributes
        | Operation::GetObjectLegalHold
        | Operation::GetObjectRetention
        | Operation::GetObjectTagging
        | Operation::GetObjectTorrent
        | Operation::HeadBucket
        | Operation::HeadObject
        | Operation::ListBuckets
        | Operation::ListMultipartUploads
        | Operation::ListObjectVersions
        | Operation::ListObjects
        | Operation::ListObjectsV2
        | Operation::ListParts
        | Operation::PutBucketTagging
        | Operation::PutObject
        | Operation::PutObjectTagging
        | Operation::UploadPart
        | Operation::UploadPartCopy
        | Operation::GetSetting(_)
        | Operation::DeleteSetting(_) => Err(S3Error::not_implemented(operation.name())),
        Operation::Unserved(name) => Err(S3Error::not_implemented(name)),
    }
}

async fn execute<T: Execute>(head: &Head, ctx: &Context, body: Sealed) -> Result<Reply, S3Error> {
    T::parse(head)?.run(ctx, body).await
}
