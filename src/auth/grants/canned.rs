//! Canned ACLs (S3 User Guide, "Canned ACL").

use crate::object::{Acl, Grant, Grantee, Group, Owner, Permission};

/// The canonical user id by which EC2 reads images.
const EC2: &str = "6aa5a366c34c1cbe25dc49211496e913e0351eb0e8c37aa3477e40942ec6b97c";

/// An ACL by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CannedAcl {
    /// `private`
    Private,
    /// `public-read`
    PublicRead,
    /// `public-read-write`
    PublicReadWrite,
    /// `authenticated-read`
    AuthenticatedRead,
    /// `aws-exec-read`
    AwsExecRead,
    /// `bucket-owner-read`
    BucketOwnerRead,
    /// `bucket-owner-full-control`
    BucketOwnerFullControl,
    /// `log-delivery-write`
    LogDeliveryWrite,
}

impl CannedAcl {
    /// The ACL of that name.
    pub fn named(name: &str) -> Option<Self> {
        Some(match name {
            "private" => Self::Private,
            "public-read" => Self::PublicRead,
            "public-read-write" => Self::PublicReadWrite,
            "authenticated-read" => Self::AuthenticatedRead,
            "aws-exec-read" => Self::AwsExecRead,
            "bucket-owner-read" => Self::BucketOwnerRead,
            "bucket-owner-full-control" => Self::BucketOwnerFullControl,
            "log-delivery-write" => Self::LogDeliveryWrite,
            _ => return None,
        })
    }

    /// As the ACL of a bucket, where those about the bucket's owner give nothing more.
    pub fn of_bucket(self, owner: Owner) -> Acl {
        let bucket_owner = owner.clone();
        self.expand(owner, &bucket_owner)
    }

    /// As the ACL of an object. Log delivery is a bucket's matter.
    pub fn of_object(self, owner: Owner, bucket_owner: &Owner) -> Acl {
        match self {
            Self::LogDeliveryWrite => Acl::private(owner),
            other => other.expand(owner, bucket_owner),
        }
    }

    fn expand(self, owner: Owner, bucket_owner: &Owner) -> Acl {
        let other = *bucket_owner != owner;
        let mut acl = Acl::private(owner);
        let mut give =
            |grantee: Grantee, permission| acl.grants.push(Grant { grantee, permission });
        let to_owner = || Grantee::User(bucket_owner.clone());
        match self {
            Self::PublicRead => give(Grantee::Group(Group::AllUsers), Permission::Read),
            Self::PublicReadWrite => {
                give(Grantee::Group(Group::AllUsers), Permission::Read);
                give(Grantee::Group(Group::AllUsers), Permission::Write);
            }
            Self::AuthenticatedRead => {
                give(Grantee::Group(Group::AuthenticatedUsers), Permission::Read);
            }
            Self::AwsExecRead => {
                let ec2 = Owner { id: EC2.to_owned(), display_name: "za-team".to_owned() };
                give(Grantee::User(ec2), Permission::Read);
            }
            Self::BucketOwnerRead if other => give(to_owner(), Permission::Read),
            Self::BucketOwnerFullControl if other => give(to_owner(), Permission::FullControl),
            // What the owner has already.
            Self::Private | Self::BucketOwnerRead | Self::BucketOwnerFullControl => {}
            Self::LogDeliveryWrite => {
                give(Grantee::Group(Group::LogDelivery), Permission::Write);
                give(Grantee::Group(Group::LogDelivery), Permission::ReadAcp);
            }
        }
        acl
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owner(id: &str) -> Owner {
        Owner { id: id.to_owned(), display_name: id.to_owned() }
    }

    fn given(acl: &Acl) -> Vec<(String, Permission)> {
        let name = |grantee: &Grantee| match grantee {
            Grantee::User(owner) => owner.display_name.clone(),
            Grantee::Group(group) => format!("{group:?}"),
        };
        acl.grants.iter().skip(1).map(|it| (name(&it.grantee), it.permission)).collect()
    }

    #[test]
    fn each_name_gives_what_the_guide_says() {
        let on_bucket = |name: &str| given(&CannedAcl::named(name).unwrap().of_bucket(owner("me")));
        let on_object = |name: &str| {
            given(&CannedAcl::named(name).unwrap().of_object(owner("writer"), &owner("me")))
        };
        let one = |who: &str, permission| vec![(who.to_owned(), permission)];
        for canned in [on_bucket, on_object as fn(&str) -> _] {
            assert_eq!(canned("private"), []);
            assert_eq!(canned("public-read"), one("AllUsers", Permission::Read));
            let both = [one("AllUsers", Permission::Read), one("AllUsers", Permission::Write)];
            assert_eq!(canned("public-read-write"), both.concat());
            let signed = one("AuthenticatedUsers", Permission::Read);
            assert_eq!(canned("authenticated-read"), signed);
            assert_eq!(canned("aws-exec-read"), one("za-team", Permission::Read));
        }
        assert_eq!(on_bucket("bucket-owner-read"), []);
        assert_eq!(on_object("bucket-owner-read"), one("me", Permission::Read));
        assert_eq!(on_object("bucket-owner-full-control"), one("me", Permission::FullControl));
        assert_eq!(on_object("log-delivery-write"), []);
        assert_eq!(on_bucket("log-delivery-write").len(), 2);
        assert_eq!(CannedAcl::named("Private"), None);
    }
}
