//! Whose an upload under way is: who began it may look at its parts and drop it, whoever else may.

use super::context::Context;
use super::error::S3Error;
use super::header::Head;
use super::multipart;
use super::operation::Operation;
use crate::auth::grants::{Directory, Ownership};
use crate::object::{BucketName, Owner, PartsQuery, Upload};
use crate::store::{Store, StoreError};

/// Whether the operation is about an upload that `account` began, and is one that needs no more than
/// that (S3 User Guide, "Multipart upload API and permissions"). An upload that is not there was
/// begun by nobody.
pub(super) async fn began(
    store: &dyn Store,
    account: Option<&str>,
    operation: Operation,
    head: &Head,
) -> Result<bool, S3Error> {
    let own = matches!(operation, Operation::AbortMultipartUpload | Operation::ListParts);
    let Some(account) = account.filter(|_| own) else { return Ok(false) };
    let upload = multipart::upload_path(head)?;
    match store.list_parts(&upload, &PartsQuery { after: 0, limit: 1 }).await {
        Ok(page) => Ok(page.upload.initiator.id == account),
        Err(StoreError::NoSuchUpload) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// Whose the object will be: the bucket owner's, and where objects are their writers' that of who
/// began the upload. Where they may be handed over, the ACL of the request says so, which uploads are
/// not listed with: they are shown as the bucket owner's. Those whom only an upstream knows own
/// nothing here.
pub(super) async fn owner(
    ctx: &Context,
    bucket: &BucketName,
) -> Result<impl Fn(&Upload) -> Owner, S3Error> {
    let ownership = ctx.configured.ownership(&*ctx.store, bucket).await?;
    let counts = ownership == Ownership::ObjectWriter;
    let (of_bucket, known) = (ctx.bucket_owner()?.clone(), ctx.auth.keys());
    Ok(move |upload: &Upload| {
        let initiator = known.by_id(&upload.initiator.id).filter(|_| counts);
        initiator.unwrap_or_else(|| of_bucket.clone())
    })
}
