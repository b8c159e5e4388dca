//! What was decided, and why: for the operator's log, never for the client.

use std::fmt;
use std::sync::Arc;

use crate::object::Permission;

/// What was decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// It may be done.
    Allowed(Source),
    /// It may not.
    Refused(Refusal),
}

/// What allows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// The role `admin`.
    Admin,
    /// Another role.
    Role,
    /// Being the root of the bucket's owner, about the bucket's own policy.
    BucketOwner,
    /// A statement of the identity's policy.
    IdentityPolicy(Title),
    /// A statement of the bucket's policy.
    BucketPolicy(Title),
    /// A grant of an ACL.
    Acl(Permission),
}

/// Why it may not be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// It is outside the company that the identity is bound to.
    Company,
    /// A statement of the identity's policy denies it.
    IdentityPolicy(Title),
    /// A statement of the session's policy denies it.
    SessionPolicy(Title),
    /// A statement of the bucket's policy denies it.
    BucketPolicy(Title),
    /// Neither role nor policy of the identity allows it.
    NoIdentityGrant,
    /// The policy of the session does not allow it.
    SessionLimit,
    /// The resource is another's, who does not allow it.
    NoResourceGrant,
    /// What allows it is public, and the public access block takes that away.
    PublicAccessBlock,
    /// The bucket's policy is its own account's to read and set.
    PolicyOfAnother,
    /// To decide it would take more work than one request may make.
    TooMuchWork,
}

/// Which statement of a policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Title {
    /// Its place, from 0.
    pub index: usize,
    /// Its `Sid`.
    pub sid: Option<Arc<str>>,
}

impl Decision {
    /// Whether it may be done.
    pub fn is_allowed(&self) -> bool {
        matches!(self, Self::Allowed(_))
    }
}

impl Refusal {
    /// Whether something forbids it, rather than nothing allows it.
    pub(super) fn is_denial(&self) -> bool {
        match self {
            Self::Company
            | Self::IdentityPolicy(_)
            | Self::SessionPolicy(_)
            | Self::BucketPolicy(_)
            | Self::TooMuchWork => true,
            Self::NoIdentityGrant
            | Self::SessionLimit
            | Self::NoResourceGrant
            | Self::PublicAccessBlock
            | Self::PolicyOfAnother => false,
        }
    }
}

impl fmt::Display for Decision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Allowed(source) => write!(f, "allowed by {source}"),
            Self::Refused(refusal) => write!(f, "refused: {refusal}"),
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Admin => f.write_str("the role admin"),
            Self::Role => f.write_str("the key's role"),
            Self::BucketOwner => f.write_str("being the bucket's owner"),
            Self::IdentityPolicy(title) => write!(f, "the key's policy, {title}"),
            Self::BucketPolicy(title) => write!(f, "the bucket's policy, {title}"),
            Self::Acl(permission) => write!(f, "the ACL's {}", permission.as_str()),
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Company => f.write_str("outside the key's company"),
            Self::IdentityPolicy(title) => write!(f, "the key's policy denies it, {title}"),
            Self::SessionPolicy(title) => write!(f, "the session's policy denies it, {title}"),
            Self::BucketPolicy(title) => write!(f, "the bucket's policy denies it, {title}"),
            Self::NoIdentityGrant => f.write_str("nothing of the key's allows it"),
            Self::SessionLimit => f.write_str("the session's policy does not allow it"),
            Self::NoResourceGrant => {
                f.write_str("neither the bucket's policy nor an ACL allows it")
            }
            Self::PublicAccessBlock => f.write_str("the public access block is on"),
            Self::PolicyOfAnother => f.write_str("the policy is of a bucket of another account"),
            Self::TooMuchWork => f.write_str("the policies take too long to compare"),
        }
    }
}

impl fmt::Display for Title {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.sid {
            Some(sid) => write!(f, "statement {sid:?}"),
            None => write!(f, "statement {}", self.index + 1),
        }
    }
}
