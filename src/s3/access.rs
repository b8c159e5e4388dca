//! Who may do what: a bucket belongs to whoever made it, admins may everything.
//!
//! A bucket that does not exist is `NoSuchBucket` to everyone, as on S3.

use super::context::Context;
use super::error::{Code, S3Error};
use super::header::Head;
use super::operation::{Access, Operation};
use crate::auth::{Caller, Identity, Role};
use crate::object::{Bucket, BucketName, Owner};
use crate::store::Store;

/// The parameters that replace headers of a response.
const OVERRIDES: [&str; 6] = [
    "response-cache-control",
    "response-content-disposition",
    "response-content-encoding",
    "response-content-language",
    "response-content-type",
    "response-expires",
];

/// Decides whether the caller may run the operation; gives the bucket it is about, where there is
/// one already.
pub(super) async fn authorize(
    store: &dyn Store,
    caller: &Caller,
    operation: Operation,
    head: &Head,
) -> Result<Option<Bucket>, S3Error> {
    if *caller == Caller::Anonymous && operation.takes_overrides() {
        refuse_overrides(head)?;
    }
    match operation.access() {
        Access::Anyone => Ok(None),
        Access::Service => signed(caller).map(|_| None),
        Access::NewBucket => may_write(signed(caller)?).map(|()| None),
        access @ (Access::Read | Access::Write) => {
            let bucket = bucket(store, caller, head.bucket()?, access).await?;
            expected_owner(head, "x-amz-expected-bucket-owner", &bucket.owner)?;
            Ok(Some(bucket))
        }
    }
}

/// The bucket, where the caller may have it so: for the request's own and for the source of a
/// copy.
pub(super) async fn bucket(
    store: &dyn Store,
    caller: &Caller,
    name: &BucketName,
    access: Access,
) -> Result<Bucket, S3Error> {
    let bucket = store.head_bucket(name).await?;
    let identity = signed(caller)?;
    if identity.role != Role::Admin && identity.owner.id != bucket.owner.id {
        return Err(denied());
    }
    if access == Access::Write {
        may_write(identity)?;
    }
    Ok(bucket)
}

/// Whether anybody may read the object through its bucket's website: where the gateway's own
/// configuration says so of the whole bucket, or else wherever anybody may read it at all.
pub(super) async fn anyone_reads(ctx: &Context, head: &Head) -> Result<(), S3Error> {
    if ctx.public_sites.contains(head.bucket()?) {
        return Ok(());
    }
    authorize(&*ctx.store, &Caller::Anonymous, Operation::GetObject, head).await.map(|_| ())
}

/// Refuses where the header names another owner than the bucket's.
pub(super) fn expected_owner(head: &Head, header: &str, owner: &Owner) -> Result<(), S3Error> {
    match head.header(header) {
        Some(expected) if expected != owner.id.as_str() => Err(denied()),
        _ => Ok(()),
    }
}

/// Only who has signed a request may say what its response says (S3 API Reference, GetObject).
fn refuse_overrides(head: &Head) -> Result<(), S3Error> {
    if OVERRIDES.iter().any(|name| head.query().has(name)) {
        return Err(S3Error::invalid_request(
            "Request specific response headers cannot be used for anonymous GET requests.",
        ));
    }
    Ok(())
}

fn signed(caller: &Caller) -> Result<&Identity, S3Error> {
    match caller {
        Caller::Anonymous => Err(denied()),
        Caller::Key(identity) => Ok(identity),
    }
}

fn may_write(identity: &Identity) -> Result<(), S3Error> {
    match identity.role {
        Role::Admin | Role::ReadWrite => Ok(()),
        Role::ReadOnly => Err(denied()),
    }
}

fn denied() -> S3Error {
    S3Error::new(Code::AccessDenied)
}
