//! Access control lists: who was given which of five permissions (S3 User Guide, "Access control
//! list (ACL) overview"). What a list allows is decided elsewhere.

use serde::{Deserialize, Serialize};

use super::Owner;

/// The ACL of a bucket or an object. It is kept in the local store's records as it is here: fields
/// and variants are never reordered or removed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Acl {
    /// Whose it is, who may always read and write the ACL itself.
    pub owner: Owner,
    /// What was given, in the order in which it was said.
    pub grants: Vec<Grant>,
}

/// One permission for one grantee.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grant {
    /// Who.
    pub grantee: Grantee,
    /// What.
    pub permission: Permission,
}

/// Who is given something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Grantee {
    /// An owner.
    User(Owner),
    /// Many.
    Group(Group),
}

/// S3's groups.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Group {
    /// Everyone.
    AllUsers,
    /// Everyone with a key.
    AuthenticatedUsers,
    /// What writes access logs.
    LogDelivery,
}

/// What can be given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Permission {
    /// All of the others.
    FullControl,
    /// A bucket's listing, an object's content.
    Read,
    /// New objects in a bucket.
    Write,
    /// Reading the ACL.
    ReadAcp,
    /// Writing the ACL.
    WriteAcp,
}

/// An object's ACL that says the same in every service, since it names nobody but the owner and
/// groups.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PortableAcl {
    /// `private`
    Private,
    /// `public-read`
    PublicRead,
    /// `public-read-write`
    PublicReadWrite,
    /// `authenticated-read`
    AuthenticatedRead,
}

impl Group {
    const ALL: [Self; 3] = [Self::AllUsers, Self::AuthenticatedUsers, Self::LogDelivery];

    /// The URI.
    pub fn uri(self) -> &'static str {
        match self {
            Self::AllUsers => "http://acs.amazonaws.com/groups/global/AllUsers",
            Self::AuthenticatedUsers => "http://acs.amazonaws.com/groups/global/AuthenticatedUsers",
            Self::LogDelivery => "http://acs.amazonaws.com/groups/s3/LogDelivery",
        }
    }

    /// The group of that URI.
    pub fn of(uri: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|group| group.uri() == uri)
    }

    /// Whether strangers are in it.
    pub fn is_public(self) -> bool {
        self != Self::LogDelivery
    }
}

impl Permission {
    const ALL: [Self; 5] =
        [Self::FullControl, Self::Read, Self::Write, Self::ReadAcp, Self::WriteAcp];

    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::FullControl => "FULL_CONTROL",
            Self::Read => "READ",
            Self::Write => "WRITE",
            Self::ReadAcp => "READ_ACP",
            Self::WriteAcp => "WRITE_ACP",
        }
    }

    /// The permission of that word.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|permission| permission.as_str() == name)
    }
}

impl Acl {
    /// The one that everything has at first: its owner may everything.
    pub fn private(owner: Owner) -> Self {
        let grantee = Grantee::User(owner.clone());
        Self { owner, grants: vec![Grant { grantee, permission: Permission::FullControl }] }
    }

    /// Whether it is the initial one, so that nobody but the owner has anything.
    pub fn is_private(&self) -> bool {
        match self.grants.as_slice() {
            [Grant { grantee: Grantee::User(user), permission: Permission::FullControl }] => {
                user.id == self.owner.id
            }
            _ => false,
        }
    }

    /// Whether it gives something to strangers.
    pub fn is_public(&self) -> bool {
        self.grants
            .iter()
            .any(|grant| matches!(grant.grantee, Grantee::Group(group) if group.is_public()))
    }

    /// What is kept with an object: nothing where it is the bucket owner's alone, as every object
    /// is of which nothing is kept.
    pub fn kept(self, bucket_owner: &Owner) -> Option<Self> {
        (self.owner.id != bucket_owner.id || !self.is_private()).then_some(self)
    }

    /// The same where the owner's place is `owner`'s, in the grants too.
    #[must_use]
    pub fn handed_to(mut self, owner: &Owner) -> Self {
        let before = std::mem::replace(&mut self.owner, owner.clone());
        for grant in &mut self.grants {
            if let Grantee::User(user) = &mut grant.grantee
                && user.id == before.id
            {
                user.clone_from(owner);
            }
        }
        self
    }

    /// The ACL as every service understands it, in a bucket of `bucket_owner`, to whom the object
    /// is handed; `None` where it gives something to one user, whom only this gateway knows.
    pub fn portable(&self, bucket_owner: &str) -> Option<PortableAcl> {
        let mut groups = Vec::new();
        for Grant { grantee, permission } in &self.grants {
            match grantee {
                Grantee::User(user) if user.id == self.owner.id || user.id == bucket_owner => {}
                Grantee::User(_) => return None,
                Grantee::Group(group) => groups.push((*group, *permission)),
            }
        }
        PortableAcl::ALL.into_iter().find(|acl| {
            let given = acl.given();
            given.len() == groups.len() && given.iter().all(|it| groups.contains(it))
        })
    }
}

impl PortableAcl {
    const ALL: [Self; 4] =
        [Self::Private, Self::PublicRead, Self::PublicReadWrite, Self::AuthenticatedRead];

    /// The name as a canned ACL.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Private => "private",
            Self::PublicRead => "public-read",
            Self::PublicReadWrite => "public-read-write",
            Self::AuthenticatedRead => "authenticated-read",
        }
    }

    /// The ACL of an object of that owner.
    pub fn of(self, owner: Owner) -> Acl {
        let mut acl = Acl::private(owner);
        let grant = |(group, permission): &(Group, Permission)| Grant {
            grantee: Grantee::Group(*group),
            permission: *permission,
        };
        acl.grants.extend(self.given().iter().map(grant));
        acl
    }

    fn given(self) -> &'static [(Group, Permission)] {
        match self {
            Self::Private => &[],
            Self::PublicRead => &[(Group::AllUsers, Permission::Read)],
            Self::PublicReadWrite => {
                &[(Group::AllUsers, Permission::Read), (Group::AllUsers, Permission::Write)]
            }
            Self::AuthenticatedRead => &[(Group::AuthenticatedUsers, Permission::Read)],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owner(id: &str) -> Owner {
        Owner { id: id.to_owned(), display_name: format!("the {id}") }
    }

    fn user(id: &str, permission: Permission) -> Grant {
        Grant { grantee: Grantee::User(owner(id)), permission }
    }

    #[test]
    fn what_is_private_needs_not_be_kept() {
        let acl = Acl::private(owner("me"));
        assert!(acl.is_private() && !acl.is_public());
        assert_eq!(acl.clone().kept(&owner("me")), None);
        assert_eq!(acl.clone().kept(&owner("other")), Some(acl));
        let public = PortableAcl::PublicRead.of(owner("me"));
        assert!(public.is_public() && !public.is_private());
        assert_eq!(public.clone().kept(&owner("me")), Some(public));
        let none = Acl { owner: owner("me"), grants: Vec::new() };
        assert!(!none.is_private());
    }

    #[test]
    fn portable_ones_name_nobody_but_the_owners() {
        for acl in PortableAcl::ALL {
            assert_eq!(acl.of(owner("me")).portable("bucket"), Some(acl));
        }
        let mut acl = PortableAcl::PublicRead.of(owner("me"));
        acl.grants.push(user("bucket", Permission::Read));
        assert_eq!(acl.portable("bucket"), Some(PortableAcl::PublicRead));
        assert_eq!(acl.portable("me"), None);
        let group = Grantee::Group(Group::AllUsers);
        acl.grants = vec![Grant { grantee: group, permission: Permission::FullControl }];
        assert_eq!(acl.portable("bucket"), None);
    }

    #[test]
    fn an_owner_takes_the_place_of_another() {
        let mut acl = PortableAcl::PublicRead.of(owner("there"));
        acl.grants.push(user("third", Permission::Read));
        let mut expected = PortableAcl::PublicRead.of(owner("here"));
        expected.grants.push(user("third", Permission::Read));
        assert_eq!(acl.handed_to(&owner("here")), expected);
    }
}
