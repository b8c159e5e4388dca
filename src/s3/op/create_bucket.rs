//! CreateBucket.

use http::header::LOCATION;

use super::Execute;
use crate::auth::Sealed;
use crate::object::{BucketName, Owner, TagError, TagSet};
use crate::s3::context::Context;
use crate::s3::document::{self, Digest};
use crate::s3::error::{Code, S3Error};
use crate::s3::header::{Head, Integrity, names_other_acl};
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
    other_acl: bool,
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
        check_ownership(head)?;
        let integrity = Integrity::parse(head)?;
        Ok(Self { name, other_acl: names_other_acl(head), integrity })
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
        if self.other_acl {
            return Err(self.refuse_acl(ctx).await);
        }
        match ctx.store.create_bucket(&self.name, owner).await {
            Ok(()) if tags.is_empty() => Ok(()),
            Ok(()) => Ok(ctx.store.set_bucket_tags(&self.name, Some(tags)).await?),
            Err(StoreError::BucketExists { owner: other }) if other.id == owner.id => {
                match &*ctx.region {
                    LEGACY_REGION => Ok(()),
                    _ => Err(S3Error::new(Code::BucketAlreadyOwnedByYou)),
                }
            }
            Err(error) => Err(error.into()),
        }
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

/// The one ownership that means 'no ACLs' is what every bucket has.
fn check_ownership(head: &Head) -> Result<(), S3Error> {
    let Some(ownership) = head.header("x-amz-object-ownership") else { return Ok(()) };
    match ownership.as_ref() {
        "BucketOwnerEnforced" => Ok(()),
        "BucketOwnerPreferred" | "ObjectWriter" => {
            Err(S3Error::not_implemented("x-amz-object-ownership"))
        }
        other => Err(S3Error::invalid_argument(
            "x-amz-object-ownership",
            other,
            "Invalid x-amz-object-ownership header",
        )),
    }
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
        assert_eq!(code("x-amz-object-ownership", "ObjectWriter"), Some(Code::NotImplemented));
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
