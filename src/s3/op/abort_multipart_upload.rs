//! AbortMultipartUpload: `DELETE /bucket/key?uploadId=`.

use super::Execute;
use crate::auth::Sealed;
use crate::s3::context::Context;
use crate::s3::error::S3Error;
use crate::s3::header::Head;
use crate::s3::multipart;
use crate::s3::reply::Reply;
use crate::store::UploadPath;

/// A request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct AbortMultipartUpload {
    upload: UploadPath,
}

impl Execute for AbortMultipartUpload {
    fn parse(head: &Head) -> Result<Self, S3Error> {
        Ok(Self { upload: multipart::upload_path(head)? })
    }

    async fn run(self, ctx: &Context, _: Sealed) -> Result<Reply, S3Error> {
        ctx.store.abort_upload(&self.upload).await?;
        Ok(Reply::no_content())
    }
}
