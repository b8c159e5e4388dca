//! HeadObject.

use super::Execute;
use super::object_read::ObjectRead;
use crate::auth::Sealed;
use crate::s3::context::Context;
use crate::s3::error::S3Error;
use crate::s3::header::Head;
use crate::s3::lifecycle;
use crate::s3::reply::Reply;
use crate::store::{self, StoreError};

/// What GetObject would answer, without the content.
pub(super) struct HeadObject(ObjectRead);

impl Execute for HeadObject {
    fn parse(head: &Head) -> Result<Self, S3Error> {
        ObjectRead::parse(head).map(Self)
    }

    async fn run(self, ctx: &Context, _body: Sealed) -> Result<Reply, S3Error> {
        self.answer(ctx).await
    }
}

impl HeadObject {
    /// The object, or why not.
    pub(super) async fn answer(self, ctx: &Context) -> Result<Reply, S3Error> {
        match self.head(ctx).await {
            Ok(head) => {
                self.0.may_tell(&head)?;
                let expiration = self.0.expiration(ctx, &head).await;
                Ok(lifecycle::tell_expiration(self.0.reply(&head), expiration))
            }
            Err(error) => self.0.refuse(error),
        }
    }

    async fn head(&self, ctx: &Context) -> Result<store::Head, StoreError> {
        let read = &self.0;
        match ctx.store.head_object(&read.at, &read.request).await {
            Ok(head) if !read.wants_whole(&head.object) => Ok(head),
            Err(error) if read.may_ignore_range(&error) => {
                let whole = ctx.store.head_object(&read.at, &read.whole()).await?;
                if read.wants_whole(&whole.object) { Ok(whole) } else { Err(error) }
            }
            Err(error) => Err(error),
            Ok(_) => ctx.store.head_object(&read.at, &read.whole()).await,
        }
    }
}
