//! DeleteBucket.

use super::Execute;
use crate::auth::Sealed;
use crate::object::BucketName;
use crate::s3::context::Context;
use crate::s3::error::S3Error;
use crate::s3::header::Head;
use crate::s3::reply::Reply;

/// The removal of an empty bucket. Uploads under way and settings go with it.
pub(super) struct DeleteBucket(BucketName);

impl Execute for DeleteBucket {
    fn parse(head: &Head) -> Result<Self, S3Error> {
        head.bucket().cloned().map(Self)
    }

    async fn run(self, ctx: &Context, _body: Sealed) -> Result<Reply, S3Error> {
        ctx.store.delete_bucket(&self.0).await?;
        Ok(Reply::no_content())
    }
}
