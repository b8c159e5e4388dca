//! Settings of a bucket: who may do what with it, and those that cannot be set yet, which are
//! answered as S3 does for a bucket on which they never were.

use super::{Execute, bucket_acl, bucket_policy, public_access};
use crate::auth::Sealed;
use crate::object::BucketSetting;
use crate::s3::context::Context;
use crate::s3::error::{Code, S3Error};
use crate::s3::header::Head;
use crate::s3::operation::{Operation, Setting};
use crate::s3::reply::Reply;
use crate::store::{GetRequest, ObjectPath};

/// A bucket's setting; of those that cannot be set what is so everywhere: absent, or S3's initial
/// value.
pub(super) async fn get(setting: Setting, head: &Head, ctx: &Context) -> Result<Reply, S3Error> {
    let absent = |code| Err(S3Error::new(code));
    let empty = |root| Ok(Reply::xml(root, |_| {}));
    match setting {
        Setting::Accelerate => empty("AccelerateConfiguration"),
        Setting::Logging => empty("BucketLoggingStatus"),
        Setting::Notification => empty("NotificationConfiguration"),
        Setting::Versioning => empty("VersioningConfiguration"),
        Setting::RequestPayment => Ok(Reply::xml("RequestPaymentConfiguration", |writer| {
            writer.text("Payer", "BucketOwner");
        })),
        Setting::Acl => bucket_acl::get(head, ctx).await,
        Setting::ObjectLock => absent(Code::ObjectLockConfigurationNotFoundError),
        Setting::OwnershipControls => public_access::get_ownership(head, ctx).await,
        Setting::Policy => bucket_policy::get(head, ctx).await,
        Setting::PolicyStatus => bucket_policy::status(head, ctx).await,
        Setting::PublicAccessBlock => public_access::get_block(head, ctx).await,
        Setting::Replication => absent(Code::ReplicationConfigurationNotFoundError),
    }
}

/// Sets who may do what.
pub(super) async fn put(
    setting: Setting,
    head: &Head,
    ctx: &Context,
    body: Sealed,
) -> Result<Reply, S3Error> {
    match setting {
        Setting::Acl => bucket_acl::put(head, ctx, body).await,
        Setting::OwnershipControls => public_access::put_ownership(head, ctx, body).await,
        Setting::Policy => bucket_policy::put(head, ctx, body).await,
        Setting::PublicAccessBlock => public_access::put_block(head, ctx, body).await,
        other => Err(S3Error::not_implemented(Operation::PutSetting(other).name())),
    }
}

/// Removing what isn't there succeeds.
pub(super) async fn delete(setting: Setting, head: &Head, ctx: &Context) -> Result<Reply, S3Error> {
    match setting {
        Setting::Policy => bucket_policy::delete(head, ctx).await,
        Setting::OwnershipControls => {
            public_access::delete(BucketSetting::OwnershipControls, head, ctx).await
        }
        Setting::PublicAccessBlock => {
            public_access::delete(BucketSetting::PublicAccessBlock, head, ctx).await
        }
        _ => Ok(Reply::no_content()),
    }
}

/// GetObjectTorrent: no object has a torrent, which S3 says as if there were no object.
pub(super) struct GetObjectTorrent;

/// GetObjectRetention and GetObjectLegalHold: no bucket has object lock.
pub(super) struct GetObjectLock(ObjectOf);

/// An object that must be there before anything is said of it.
struct ObjectOf {
    at: ObjectPath,
    request: GetRequest,
}

impl Execute for GetObjectTorrent {
    fn parse(_head: &Head) -> Result<Self, S3Error> {
        Ok(Self)
    }

    async fn run(self, _ctx: &Context, _body: Sealed) -> Result<Reply, S3Error> {
        Err(S3Error::new(Code::NoSuchKey))
    }
}

impl Execute for GetObjectLock {
    fn parse(head: &Head) -> Result<Self, S3Error> {
        ObjectOf::parse(head).map(Self)
    }

    async fn run(self, ctx: &Context, _body: Sealed) -> Result<Reply, S3Error> {
        self.0.exists(ctx).await?;
        Err(S3Error::invalid_request("Bucket is missing Object Lock Configuration"))
    }
}

impl ObjectOf {
    fn parse(head: &Head) -> Result<Self, S3Error> {
        let request = GetRequest { version: head.version()?, ..GetRequest::default() };
        Ok(Self { at: head.object()?, request })
    }

    async fn exists(&self, ctx: &Context) -> Result<(), S3Error> {
        ctx.store.head_object(&self.at, &self.request).await?;
        Ok(())
    }
}
