//! HeadBucket.

use super::Execute;
use crate::auth::Sealed;
use crate::s3::context::Context;
use crate::s3::error::S3Error;
use crate::s3::header::Head;
use crate::s3::reply::Reply;

/// Whether the bucket is there and the caller's: access has been decided when this runs.
pub(super) struct HeadBucket;

impl Execute for HeadBucket {
    fn parse(_head: &Head) -> Result<Self, S3Error> {
        Ok(Self)
    }

    async fn run(self, ctx: &Context, _body: Sealed) -> Result<Reply, S3Error> {
        Ok(Reply::ok()
            .amz("x-amz-bucket-region", ctx.region.as_bytes())
            .amz("x-amz-access-point-alias", "false"))
    }
}
