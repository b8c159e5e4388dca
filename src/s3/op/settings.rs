//! Reading and removing settings that cannot be set yet: answered as S3 does for a bucket on which
//! they never were.

use super::Execute;
use crate::auth::Sealed;
use crate::object::Owner;
use crate::s3::context::Context;
use crate::s3::error::{Code, S3Error};
use crate::s3::header::Head;
use crate::s3::operation::Setting;
use crate::s3::reply::Reply;
use crate::s3::xml::Writer;
use crate::store::{GetRequest, ObjectPath};

const XSI: &str = "http://www.w3.org/2001/XMLSchema-instance";

/// A bucket's setting as it is everywhere: absent, or S3's initial value.
pub(super) fn get(setting: Setting, ctx: &Context) -> Result<Reply, S3Error> {
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
        Setting::Acl => Ok(owner_has_all(ctx.bucket_owner()?)),
        Setting::Lifecycle => absent(Code::NoSuchLifecycleConfiguration),
        Setting::ObjectLock => absent(Code::ObjectLockConfigurationNotFoundError),
        Setting::OwnershipControls => absent(Code::OwnershipControlsNotFoundError),
        Setting::Policy | Setting::PolicyStatus => absent(Code::NoSuchBucketPolicy),
        Setting::PublicAccessBlock => absent(Code::NoSuchPublicAccessBlockConfiguration),
        Setting::Replication => absent(Code::ReplicationConfigurationNotFoundError),
    }
}

/// Removing what isn't there succeeds.
pub(super) fn delete() -> Reply {
    Reply::no_content()
}

/// GetObjectAcl.
pub(super) struct GetObjectAcl(ObjectOf);

/// GetObjectTorrent: no object has a torrent, which S3 says as if there were no object.
pub(super) struct GetObjectTorrent;

/// GetObjectRetention and GetObjectLegalHold: no bucket has object lock.
pub(super) struct GetObjectLock(ObjectOf);

/// An object that must be there before anything is said of it.
struct ObjectOf {
    at: ObjectPath,
    request: GetRequest,
}

impl Execute for GetObjectAcl {
    fn parse(head: &Head) -> Result<Self, S3Error> {
        ObjectOf::parse(head).map(Self)
    }

    async fn run(self, ctx: &Context, _body: Sealed) -> Result<Reply, S3Error> {
        self.0.exists(ctx).await?;
        Ok(owner_has_all(ctx.bucket_owner()?))
    }
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

/// The ACL of everything while ACLs are off.
fn owner_has_all(owner: &Owner) -> Reply {
    let identify = |writer: &mut Writer| {
        writer.text("ID", &owner.id);
        writer.text("DisplayName", &owner.display_name);
    };
    let grantee = [("xmlns:xsi", XSI), ("xsi:type", "CanonicalUser")];
    Reply::xml("AccessControlPolicy", |writer| {
        writer.element("Owner", identify);
        writer.element("AccessControlList", |writer| {
            writer.element("Grant", |writer| {
                writer.element_with("Grantee", &grantee, identify);
                writer.text("Permission", "FULL_CONTROL");
            });
        });
    })
}
