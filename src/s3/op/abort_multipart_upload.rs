//! AbortMultipartUpload: `DELETE /bucket/key?uploadId=`.

use crate::auth::Sealed;
use crate::s3::context::Context;
use crate::s3::error::S3Error;
use crate::s3::header::Head;
use crate::s3::multipart;
use crate::s3::reply::Reply;
use crate::store::UploadPath;

/// A request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::s3) struct AbortMultipartUpload {
    upload: UploadPath,
}

impl AbortMultipartUpload {
    /// Reads the head.
    pub(in crate::s3) fn parse(head: &Head) -> Result<Self, S3Error> {
        Ok(Self { upload: multipart::upload_path(head)? })
    }

    /// Drops the upload.
    pub(in crate::s3) async fn run(self, ctx: &Context, _: Sealed) -> Result<Reply, S3Error> {
        ctx.store.abort_upload(&self.upload).await?;
        Ok(Reply::no_content())
    }
}
