//! What access control lists allow, and who is meant by those that clients write (S3 User Guide,
//! "Access control list (ACL) overview").

use super::action::Action;
use super::principal::{Fit, Who};
use crate::object::{Acl, Grant, Grantee, Group, Owner, Permission};

/// The most grants of one ACL.
const MAX_GRANTS: usize = 100;

/// A grantee as a client names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sought {
    /// By canonical user id.
    Id(String),
    /// By mail address.
    Email(String),
    /// By a group's URI.
    Uri(String),
}

/// Who is known by which id and mail address.
pub trait Directory {
    /// The owner of that canonical user id.
    fn by_id(&self, id: &str) -> Option<Owner>;
    /// The owner of that mail address, in any case; not where several have it.
    fn by_email(&self, email: &str) -> Option<Owner>;
}

/// Why an ACL cannot be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AclError {
    /// No owner has that id.
    #[error("Invalid id")]
    UnknownId(String),
    /// No owner has that mail address, or several have.
    #[error("The email address you provided does not match any account on record.")]
    UnknownEmail(String),
    /// No group has that URI.
    #[error("Invalid group uri")]
    UnknownGroup(String),
    /// More grants than an ACL can have.
    #[error("An ACL has at most 100 grants")]
    TooMany,
    /// A header that names nobody.
    #[error("Argument format not recognized")]
    Header(String),
}

impl Permission {
    /// What an action needs of the ACL of the bucket or object that it is done to; of a new
    /// object that is its bucket's. `None` where no ACL can allow it.
    pub fn needed_for(action: Action) -> Option<Self> {
        use Action as A;
        match action {
            A::ListBucket | A::ListBucketVersions | A::ListBucketMultipartUploads => {
                Some(Self::Read)
            }
            A::PutObject | A::AbortMultipartUpload | A::ListMultipartUploadParts => {
                Some(Self::Write)
            }
            A::GetObject | A::GetObjectVersion => Some(Self::Read),
            A::GetBucketAcl | A::GetObjectAcl | A::GetObjectVersionAcl => Some(Self::ReadAcp),
            A::PutBucketAcl | A::PutObjectAcl | A::PutObjectVersionAcl => Some(Self::WriteAcp),
            _ => None,
        }
    }

    fn covers(self, needed: Self) -> bool {
        self == Self::FullControl || self == needed
    }
}

impl Grantee {
    /// Finds out who is meant.
    pub fn find(sought: &Sought, directory: &dyn Directory) -> Result<Self, AclError> {
        match sought {
            Sought::Id(id) => {
                directory.by_id(id).map(Self::User).ok_or_else(|| AclError::UnknownId(id.clone()))
            }
            Sought::Email(email) => directory
                .by_email(email)
                .map(Self::User)
                .ok_or_else(|| AclError::UnknownEmail(email.clone())),
            Sought::Uri(uri) => {
                Group::of(uri).map(Self::Group).ok_or_else(|| AclError::UnknownGroup(uri.clone()))
            }
        }
    }

    fn fit(&self, who: Who<'_>, ignore_public: bool) -> Fit {
        let group = |inside: bool| if inside && !ignore_public { Fit::Direct } else { Fit::None };
        match self {
            Self::User(owner) if who.account() == Some(&owner.id) => Fit::Account,
            Self::User(_) | Self::Group(Group::LogDelivery) => Fit::None,
            Self::Group(Group::AllUsers) => group(true),
            Self::Group(Group::AuthenticatedUsers) => group(who.identity().is_some()),
        }
    }
}

impl Acl {
    /// An ACL of these grants.
    pub fn new(owner: Owner, grants: Vec<Grant>) -> Result<Self, AclError> {
        if grants.len() > MAX_GRANTS { Err(AclError::TooMany) } else { Ok(Self { owner, grants }) }
    }

    /// The best fitting grant that allows what needs `needed`.
    pub(super) fn find(
        &self,
        needed: Permission,
        who: Who<'_>,
        ignore_public: bool,
    ) -> Option<(Fit, Permission)> {
        let owner = who.account() == Some(&self.owner.id);
        let acp = matches!(needed, Permission::ReadAcp | Permission::WriteAcp);
        let own = (owner && acp).then_some((Fit::Account, needed));
        let grants = self.grants.iter().filter(|grant| grant.permission.covers(needed));
        let given = grants
            .map(|grant| (grant.grantee.fit(who, ignore_public), grant.permission))
            .filter(|(fit, _)| *fit != Fit::None);
        given.chain(own).max_by_key(|(fit, _)| *fit)
    }
}
