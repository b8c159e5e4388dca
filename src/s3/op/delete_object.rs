//! DeleteObject.

use http::header::HeaderName;

use super::Execute;
use crate::auth::Sealed;
use crate::s3::context::Context;
use crate::s3::error::S3Error;
use crate::s3::header::{Head, write_condition};
use crate::s3::object_reply;
use crate::s3::reply::Reply;
use crate::store::{DeleteRequest, ObjectPath};

/// Conditions of directory buckets, which there are none of here.
const DIRECTORY_CONDITIONS: [&str; 2] =
    ["x-amz-if-match-last-modified-time", "x-amz-if-match-size"];

/// The removal of one object or version. That there is none is no error.
pub(super) struct DeleteObject {
    at: ObjectPath,
    request: DeleteRequest,
}

impl Execute for DeleteObject {
    fn parse(head: &Head) -> Result<Self, S3Error> {
        if let Some(name) = DIRECTORY_CONDITIONS.into_iter().find(|name| head.has_header(name)) {
            return Err(S3Error::not_implemented(name));
        }
        if head.has_header("if-none-match") {
            return Err(S3Error::not_implemented("If-None-Match on a delete"));
        }
        let request = DeleteRequest { version: head.version()?, condition: write_condition(head)? };
        Ok(Self { at: head.object()?, request })
    }

    async fn run(self, ctx: &Context, _body: Sealed) -> Result<Reply, S3Error> {
        let deleted = ctx.store.delete_object(&self.at, &self.request).await?;
        let reply = Reply::no_content().optional(
            HeaderName::from_static("x-amz-version-id"),
            object_reply::version(deleted.version),
        );
        Ok(if deleted.delete_marker { reply.amz("x-amz-delete-marker", "true") } else { reply })
    }
}
