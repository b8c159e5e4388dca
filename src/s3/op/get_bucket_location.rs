//! GetBucketLocation.

use super::Execute;
use crate::auth::Sealed;
use crate::s3::context::Context;
use crate::s3::error::S3Error;
use crate::s3::header::Head;
use crate::s3::reply::Reply;

/// The region of a bucket. The first region has no name here (S3 API Reference).
pub(super) struct GetBucketLocation;

impl Execute for GetBucketLocation {
    fn parse(_head: &Head) -> Result<Self, S3Error> {
        Ok(Self)
    }

    async fn run(self, ctx: &Context, _body: Sealed) -> Result<Reply, S3Error> {
        Ok(Reply::xml("LocationConstraint", |writer| match &*ctx.region {
            "us-east-1" => {}
            region => writer.characters(region),
        }))
    }
}
