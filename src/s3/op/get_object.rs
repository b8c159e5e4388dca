//! GetObject.

use super::Execute;
use super::object_read::ObjectRead;
use crate::auth::Sealed;
use crate::s3::context::Context;
use crate::s3::error::S3Error;
use crate::s3::header::Head;
use crate::s3::lifecycle;
use crate::s3::reply::Reply;
use crate::store::{Got, StoreError};

/// An object's content, or a part of it.
pub(super) struct GetObject(ObjectRead);

impl Execute for GetObject {
    fn parse(head: &Head) -> Result<Self, S3Error> {
        ObjectRead::parse(head).map(Self)
    }

    async fn run(self, ctx: &Context, _body: Sealed) -> Result<Reply, S3Error> {
        self.answer(ctx).await
    }
}

impl GetObject {
    /// The object, or why not.
    pub(super) async fn answer(self, ctx: &Context) -> Result<Reply, S3Error> {
        match self.get(ctx).await {
            Ok(got) => {
                let expiration = self.0.expiration(ctx, &got.head).await;
                let reply = self.0.reply(&got.head).body(got.body);
                Ok(lifecycle::tell_expiration(reply, expiration))
            }
            Err(error) => self.0.refuse(error),
        }
    }

    /// The object as it is in one moment: where `If-Range` was meant for another state of it, all
    /// of it is read anew.
    async fn get(&self, ctx: &Context) -> Result<Got, StoreError> {
        let read = &self.0;
        match ctx.store.get_object(&read.at, &read.request).await {
            Ok(got) if !read.wants_whole(&got.head.object) => Ok(got),
            Err(error) if read.may_ignore_range(&error) => {
                let whole = ctx.store.get_object(&read.at, &read.whole()).await?;
                if read.wants_whole(&whole.head.object) { Ok(whole) } else { Err(error) }
            }
            Err(error) => Err(error),
            Ok(_) => ctx.store.get_object(&read.at, &read.whole()).await,
        }
    }
}
