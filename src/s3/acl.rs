//! ACLs as requests say them and answers show them.

use super::error::{Code, S3Error};
use super::header::Head;
use super::xml::{AccessControlDocument, GranteeElement, MalformedXml, Writer};
use crate::auth::grants::{
    Acl, AclError, CannedAcl, Directory, Grant, Grantee, Permission, Sought, parse_grant_header,
};
use crate::object::Owner;

const XSI: &str = "http://www.w3.org/2001/XMLSchema-instance";
const CANNED: &str = "x-amz-acl";
const GRANTS: &str = "x-amz-grant-";

/// The ends of the headers that grant something, and what.
const GRANT_HEADERS: [(&str, Permission); 5] = [
    ("full-control", Permission::FullControl),
    ("read", Permission::Read),
    ("write", Permission::Write),
    ("read-acp", Permission::ReadAcp),
    ("write-acp", Permission::WriteAcp),
];

/// What a request's headers say of an ACL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Asked {
    /// `x-amz-acl`.
    Canned(CannedAcl),
    /// `x-amz-grant-*`.
    Grants(Vec<(Permission, Sought)>),
}

impl Asked {
    /// What the headers say, if they do.
    pub(super) fn parse(head: &Head) -> Result<Option<Self>, S3Error> {
        let canned = head.header(CANNED).filter(|name| !name.is_empty());
        let granted = head.headers_from(GRANTS).next().is_some();
        match canned {
            Some(_) if granted => Err(S3Error::invalid_request(
                "Specifying both Canned ACLs and Header Grants is not allowed",
            )),
            Some(name) => {
                let acl = CannedAcl::named(&name).ok_or_else(|| {
                    S3Error::invalid_argument(CANNED, name.clone(), "The canned ACL is not known.")
                })?;
                Ok(Some(Self::Canned(acl)))
            }
            None if granted => grants(head).map(|grants| Some(Self::Grants(grants))),
            None => Ok(None),
        }
    }

    /// Whether nobody but the bucket's owner, and who puts the object, is given anything.
    pub(super) fn is_only_for(&self, bucket_owner: &Owner) -> bool {
        match self {
            Self::Canned(acl) => matches!(
                acl,
                CannedAcl::Private | CannedAcl::BucketOwnerRead | CannedAcl::BucketOwnerFullControl
            ),
            Self::Grants(grants) => grants
                .iter()
                .all(|(_, sought)| matches!(sought, Sought::Id(id) if *id == bucket_owner.id)),
        }
    }

    /// The ACL of an object of `owner` in a bucket of `bucket_owner`.
    pub(super) fn of_object(
        &self,
        owner: Owner,
        bucket_owner: &Owner,
        known: &dyn Directory,
    ) -> Result<Acl, S3Error> {
        match self {
            Self::Canned(acl) => Ok(acl.of_object(owner, bucket_owner)),
            Self::Grants(grants) => resolved(&owner, grants, known),
        }
    }

    /// The ACL of a bucket of `owner`.
    pub(super) fn of_bucket(&self, owner: &Owner, known: &dyn Directory) -> Result<Acl, S3Error> {
        match self {
            Self::Canned(acl) => Ok(acl.of_bucket(owner.clone())),
            Self::Grants(grants) => resolved(owner, grants, known),
        }
    }
}

/// The ACL that a document describes.
pub(super) fn of_document(
    bytes: &[u8],
    owner: &Owner,
    known: &dyn Directory,
) -> Result<Acl, S3Error> {
    let document = AccessControlDocument::parse(bytes).map_err(|fault| malformed(&fault))?;
    if document.owner.as_deref().is_some_and(|id| id != owner.id) {
        return Err(S3Error::new(Code::AccessDenied));
    }
    let mut grants = Vec::with_capacity(document.grants.len());
    for grant in document.grants {
        let permission = Permission::named(&grant.permission)
            .ok_or_else(|| malformed(&MalformedXml("a permission is none of S3's")))?;
        let sought = match grant.grantee {
            GranteeElement::Id(id) => Sought::Id(id),
            GranteeElement::Email(email) => Sought::Email(email),
            GranteeElement::Uri(uri) => Sought::Uri(uri),
        };
        grants.push((permission, sought));
    }
    resolved(owner, &grants, known)
}

/// Writes the content of `AccessControlPolicy`: grants to groups, then those to users.
pub(super) fn write(writer: &mut Writer, acl: &Acl) {
    let identify = |writer: &mut Writer, owner: &Owner| {
        writer.text("ID", &owner.id);
        writer.text("DisplayName", &owner.display_name);
    };
    writer.element("Owner", |writer| identify(writer, &acl.owner));
    writer.element("AccessControlList", |writer| {
        let to_group = |grant: &&Grant| matches!(grant.grantee, Grantee::Group(_));
        let users = acl.grants.iter().filter(|grant| !to_group(grant));
        for Grant { grantee, permission } in acl.grants.iter().filter(to_group).chain(users) {
            writer.element("Grant", |writer| {
                let kind = match grantee {
                    Grantee::User(_) => "CanonicalUser",
                    Grantee::Group(_) => "Group",
                };
                let attributes = [("xmlns:xsi", XSI), ("xsi:type", kind)];
                writer.element_with("Grantee", &attributes, |writer| match grantee {
                    Grantee::User(owner) => identify(writer, owner),
                    Grantee::Group(group) => writer.text("URI", group.uri()),
                });
                writer.text("Permission", permission.as_str());
            });
        }
    });
}

fn grants(head: &Head) -> Result<Vec<(Permission, Sought)>, S3Error> {
    let mut all = Vec::new();
    for (name, value) in head.headers_from(GRANTS) {
        let permission = GRANT_HEADERS.iter().find(|(end, _)| *end == name);
        let Some((_, permission)) = permission else {
            return Err(S3Error::invalid_argument(GRANTS, name, "There is no such grant."));
        };
        let sought = parse_grant_header(&value)?;
        all.extend(sought.into_iter().map(|sought| (*permission, sought)));
    }
    Ok(all)
}

fn resolved(
    owner: &Owner,
    grants: &[(Permission, Sought)],
    known: &dyn Directory,
) -> Result<Acl, S3Error> {
    let grant = |(permission, sought): &(Permission, Sought)| {
        Grantee::find(sought, known).map(|grantee| Grant { grantee, permission: *permission })
    };
    let grants = grants.iter().map(grant).collect::<Result<_, _>>()?;
    Ok(Acl::new(owner.clone(), grants)?)
}

fn malformed(fault: &MalformedXml) -> S3Error {
    let error = S3Error::new(Code::MalformedACLError);
    let message = format!("{} ({fault})", error.text());
    error.message(message)
}

impl From<AclError> for S3Error {
    fn from(error: AclError) -> Self {
        let message = error.to_string();
        match error {
            AclError::UnknownId(id) => Self::invalid_argument("CanonicalUser/ID", id, message),
            AclError::UnknownGroup(uri) => Self::invalid_argument("Group/URI", uri, message),
            AclError::Header(value) => Self::invalid_argument(GRANTS, value, message),
            AclError::UnknownEmail(_) => Self::new(Code::UnresolvableGrantByEmailAddress),
            AclError::TooMany => Self::new(Code::MalformedACLError).message(message),
        }
    }
}
