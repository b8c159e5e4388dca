//! The ACLs of objects as the bucket's settings let them be: what a new object gets, and what an
//! existing one may be given.

use super::acl::Asked;
use super::context::Context;
use super::error::{Code, S3Error};
use super::guards;
use crate::auth::Caller;
use crate::auth::grants::{Acl, CannedAcl, Ownership};
use crate::object::{Bucket, Owner};

/// The canonical user id by which S3 names the owner of what nobody has signed for.
const ANONYMOUS: &str = "65a011a29cdf8ec533ec3d1ccaae921c";

/// The ACL of a new object in the bucket, as it is kept with it. `None` is that of an object that
/// is the bucket owner's alone, as all are while ACLs are off.
pub(super) async fn of_new(
    ctx: &Context,
    bucket: &Bucket,
    asked: Option<&Asked>,
) -> Result<Option<Acl>, S3Error> {
    let ownership = ctx.configured.ownership(&*ctx.store, &bucket.name).await?;
    let full_control = Asked::Canned(CannedAcl::BucketOwnerFullControl);
    if !ownership.has_acls() {
        return match asked {
            None | Some(Asked::Canned(CannedAcl::Private)) => Ok(None),
            Some(asked) if *asked == full_control => Ok(None),
            Some(_) => Err(S3Error::new(Code::AccessControlListNotSupported)),
        };
    }
    let handed_over =
        ownership == Ownership::BucketOwnerPreferred && asked.is_some_and(|it| *it == full_control);
    let owner = if handed_over { bucket.owner.clone() } else { writer(ctx) };
    let acl = match asked {
        None => return Ok(Acl::private(owner).kept(&bucket.owner)),
        Some(asked) => asked.of_object(owner, &bucket.owner, &ctx.auth.keys())?,
    };
    check_public(ctx, bucket, &acl).await?;
    Ok(acl.kept(&bucket.owner))
}

/// Refuses an ACL that an existing object may not be given.
pub(super) async fn check(ctx: &Context, bucket: &Bucket, acl: &Acl) -> Result<(), S3Error> {
    let ownership = ctx.configured.ownership(&*ctx.store, &bucket.name).await?;
    if !ownership.has_acls() && acl.clone().kept(&bucket.owner).is_some() {
        return Err(S3Error::new(Code::AccessControlListNotSupported));
    }
    check_public(ctx, bucket, acl).await
}

async fn check_public(ctx: &Context, bucket: &Bucket, acl: &Acl) -> Result<(), S3Error> {
    if !acl.is_public() {
        return Ok(());
    }
    let block = guards::block(&*ctx.store, &bucket.name).await?.unwrap_or_default();
    if block.block_public_acls {
        return Err(S3Error::new(Code::AccessDenied)
            .known_cause("the ACL is public, which the public access block refuses"));
    }
    Ok(())
}

/// Whose a new object is, unless it is handed over.
fn writer(ctx: &Context) -> Owner {
    match &ctx.caller {
        Caller::Key(identity) => identity.owner.clone(),
        Caller::Anonymous => {
            Owner { id: ANONYMOUS.to_owned(), display_name: "anonymous".to_owned() }
        }
    }
}
