//! CreateBucket.

use http::header::LOCATION;

use super::Execute;
use crate::auth::Sealed;
use crate::auth::grants::{Acl, Ownership};
use crate::object::{BucketName, BucketSetting, Owner, TagError, TagSet};
use crate::s3::acl::Asked;
use crate::s3::context::Context;
use crate::s3::document::{self, Digest};
use crate::s3::error::{Code, S3Error};
use crate::s3::guards;
use crate::s3::header::{Head, Integrity};
use crate::s3::reply::Reply;
use crate::s3::xml::CreateBucketConfiguration;
use crate::store::StoreError;

/// The path of everything that is not S3: no bucket may hide it.
const RESERVED: &str = "storage";

/// The region in which making one's own bucket again succeeds.
const LEGACY_REGION: &str = "us-east-1";

/// A new bucket.
pub(super) struct CreateBucket {
    name: BucketName,
    ownership: Option<Ownership>,
    acl: Option<Asked>,
    integrity: Integrity,
}

impl Execute for CreateBucket {
    fn parse(head: &Head) -> Result<Self, S3Error> {
        let name = head.bucket()?.clone();
        if name.as_str() == RESERVED {
            return Err(S3Error::new(Code::InvalidBucketName)
                .message("The bucket name 'storage' is reserved.")
                .with("BucketName", RESERVED));
        }
        if head.header("x-amz-bucket-object-lock-enabled").is_some_and(|lock| is_true(&lock)) {
            return Err(S3Error::not_implemented("x-amz-bucket-object-lock-enabled"));
        }
        Ok(Self {
            name,
            ownership: ownership(head)?,
            acl: Asked::parse(head)?,
            integrity: Integrity::parse(head)?,
        })
    }

    async fn run(self, ctx: &Context, body: Sealed) -> Result<Reply, S3Error> {
        let owner = &ctx.identity()?.owner;
        let document = document::read(body, self.integrity.clone(), Digest::Optional).await?;
        let wanted = CreateBucketConfiguration::parse(&document)?;
        check_location(wanted.location_constraint.as_deref(), &ctx.region)?;
        let tags = bucket_tags(wanted.tags)?;
        self.create(ctx, owner, tags).await?;
        Ok(Reply::ok().header(LOCATION, format!("/{}", self.name)))
    }
}

impl CreateBucket {
    async fn create(&self, ctx: &Context, owner: &Owner, tags: TagSet) -> Result<(), S3Error> {
        let acl = match &self.acl {
            Some(asked) => Some(asked.of_bucket(owner, &ctx.auth.keys())?),
            None => None,
        };
        let acl = acl.filter(|acl| !acl.is_private());
        let ownership = self.ownership;
        let has_acls =
            ownership.unwrap_or_else(|| ctx.configured.new_ownership(&self.name)).has_acls();
        if acl.is_some() && !has_acls {
            return Err(self.refuse_acl(ctx).await);
        }
        match ctx.store.create_bucket(&self.name, owner).await {
            Ok(()) => self.configure(ctx, tags, acl.as_ref()).await,
            // It is never given another ACL by making it again.
            Err(StoreError::BucketExists { .. }) if acl.is_some() => {
                Err(S3Error::new(Code::BucketAlreadyExists))
            }
            Err(StoreError::BucketExists { owner: other }) if other.id == owner.id => {
                if guards::acl(&*ctx.store, &self.name).await?.is_some() {
                    return Err(S3Error::new(Code::BucketAlreadyExists));
                }
                match &*ctx.region {
                    LEGACY_REGION => Ok(()),
                    _ => Err(S3Error::new(Code::BucketAlreadyOwnedByYou)),
                }
            }
            Err(error) => Err(error.into()),
        }
    }

    async fn configure(
        &self,
        ctx: &Context,
        tags: TagSet,
        acl: Option<&Acl>,
    ) -> Result<(), S3Error> {
        if let Some(ownership) = &self.ownership {
            let setting = BucketSetting::OwnershipControls;
            guards::set(&*ctx.store, &self.name, setting, Some(ownership)).await?;
        }
        if acl.is_some() {
            guards::set(&*ctx.store, &self.name, BucketSetting::Acl, acl).await?;
        }
        if !tags.is_empty() {
            ctx.store.set_bucket_tags(&self.name, Some(tags)).await?;
        }
        Ok(())
    }

    /// A bucket that exists is never given another ACL by making it again; a new one cannot have
    /// any while ACLs are off.
    async fn refuse_acl(&self, ctx: &Context) -> S3Error {
        match ctx.store.head_bucket(&self.name).await {
            Ok(_) => S3Error::new(Code::BucketAlreadyExists),
            Err(StoreError::NoSuchBucket) => {
                S3Error::new(Code::InvalidBucketAclWithObjectOwnership)
            }
            Err(error) => error.into(),
        }
    }
}

fn ownership(head: &Head) -> Result<Option<Ownership>, S3Error> {
    const NAME: &str = "x-amz-object-ownership";
    let Some(text) = head.header(NAME) else { return Ok(None) };
    Ownership::named(&text).map(Some).ok_or_else(|| {
        S3Error::invalid_argument(NAME, text, "Invalid x-amz-object-ownership header")
    })
}

fn check_location(wanted: Option<&str>, region: &str) -> Result<(), S3Error> {
    match wanted {
        Some(wanted) if wanted != region => {
            Err(S3Error::new(Code::InvalidLocationConstraint).with("LocationConstraint", wanted))
        }
        _ => Ok(()),
    }
}

fn bucket_tags(pairs: Vec<(String, String)>) -> Result<TagSet, S3Error> {
    TagSet::for_bucket(pairs).map_err(|error| {
        let code = match error {
            TagError::TooMany { .. } => Code::BadRequest,
            TagError::Invalid(_) | TagError::Duplicate(_) | TagError::Encoding => Code::InvalidTag,
        };
        S3Error::new(code).message(error.to_string())
    })
}

fn is_true(text: &str) -> bool {
    text.trim().eq_ignore_ascii_case("true")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::s3::header::tests::head;

    fn parse(target: &str, headers: &[(&str, &str)]) -> Result<CreateBucket, Code> {
        CreateBucket::parse(&head("PUT", target, headers)).map_err(|error| error.code())
    }

    #[test]
    fn the_reserved_name_object_lock_and_other_ownership_are_refused() {
        assert!(parse("/b12", &[("x-amz-object-ownership", "BucketOwnerEnforced")]).is_ok());
        assert!(parse("/b12", &[("x-amz-bucket-object-lock-enabled", "false")]).is_ok());
        assert_eq!(parse("/storage", &[]).err(), Some(Code::InvalidBucketName));
        let code = |name, value| parse("/b12", &[(name, value)]).err();
        let lock = code("x-amz-bucket-object-lock-enabled", "True");
        assert_eq!(lock, Some(Code::NotImplemented));
        assert_eq!(code("x-amz-object-ownership", "ObjectWriter"), None);
        assert_eq!(code("x-amz-object-ownership", "Mine"), Some(Code::InvalidArgument));
    }

    #[test]
    fn only_the_own_region_is_a_location() {
        assert!(check_location(None, "eu-west-1").is_ok());
        assert!(check_location(Some("us-east-1"), "us-east-1").is_ok());
        let foreign = check_location(Some("us-east-1"), "eu-west-1").unwrap_err();
        assert_eq!(foreign.code(), Code::InvalidLocationConstraint);
    }
}
