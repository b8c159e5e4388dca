//! The store's calls about ACLs of objects.
//!
//! The service knows none of the gateway's users: an ACL goes there by its name, and one that has
//! none does not go. What comes back says the service's own users, of whom the owner is the account
//! that the gateway's key belongs to.

use async_trait::async_trait;
use aws_sdk_s3::operation::get_object_acl::GetObjectAclOutput;
use aws_sdk_s3::types::ObjectCannedAcl;

use super::answer::Fault;
use super::error::is_denial;
use super::operation::Operation;
use super::{UpstreamStore, version_text};
use crate::object::{Acl, Grant, Grantee, Group, Owner, Permission, PortableAcl, VersionId};
use crate::store::{Acls, ObjectPath, Result, StoreError};

#[async_trait]
impl Acls for UpstreamStore {
    /// A service that has no ACLs, or does not show them to the gateway's key, cannot tell.
    async fn object_acl(&self, at: &ObjectPath, version: Option<VersionId>) -> Result<Option<Acl>> {
        let asked = self.asked_about(Operation::GetObjectAcl, at)?;
        let call = self
            .clients
            .plain
            .get_object_acl()
            .bucket(&asked.bucket)
            .key(asked.key(at))
            .set_version_id(version_text(version));
        match call.send().await.map_err(Fault::from) {
            Ok(out) => Ok(told(&out).filter(|acl| !acl.is_private())),
            Err(fault) if hides_acls(&fault) => Err(self.no_acls()),
            Err(fault) => Err(self.refuse_described(&asked, version, fault)),
        }
    }

    async fn set_object_acl(
        &self,
        at: &ObjectPath,
        version: Option<VersionId>,
        acl: Option<Acl>,
    ) -> Result<()> {
        let canned = self.canned(acl.as_ref())?;
        let canned = canned.unwrap_or(ObjectCannedAcl::Private);
        let asked = self.asked_about(Operation::PutObjectAcl, at)?;
        let call = self
            .clients
            .plain
            .put_object_acl()
            .bucket(&asked.bucket)
            .key(asked.key(at))
            .set_version_id(version_text(version))
            .acl(canned);
        let out = call.send().await;
        out.map(|_| ()).map_err(|error| self.refuse_described(&asked, version, error))
    }
}

impl UpstreamStore {
    /// The ACL of a new object as it goes to the service; nothing is said of one that is the
    /// owner's alone.
    pub(super) fn canned(&self, acl: Option<&Acl>) -> Result<Option<ObjectCannedAcl>> {
        let Some(acl) = acl else { return Ok(None) };
        match acl.portable(&acl.owner.id) {
            Some(PortableAcl::Private) => Ok(None),
            Some(portable) => Ok(Some(portable.as_str().into())),
            None => {
                let name = &self.options.name;
                let what = format!("an ACL that names single users, in upstream {name},");
                Err(StoreError::Unsupported { what })
            }
        }
    }

    fn no_acls(&self) -> StoreError {
        let what = format!("the ACL of an object in upstream {}", self.options.name);
        StoreError::Unsupported { what }
    }
}

/// Whether the service has no ACLs, or keeps them from the gateway's key. One that knows no
/// `?acl` may answer with the object.
fn hides_acls(fault: &Fault) -> bool {
    matches!(fault, Fault::Garbled { .. })
        || fault.is(405)
        || fault.has_code("AccessControlListNotSupported")
        || fault.answer().and_then(|it| it.code.as_deref()).is_some_and(is_denial)
}

/// What the service says. Grants that S3 does not know give nothing.
fn told(out: &GetObjectAclOutput) -> Option<Acl> {
    let owner = |id: Option<&str>, name: Option<&str>| Owner {
        id: id.unwrap_or_default().to_owned(),
        display_name: name.unwrap_or_default().to_owned(),
    };
    let mut acl =
        Acl { owner: out.owner().map(|it| owner(it.id(), it.display_name()))?, grants: Vec::new() };
    for grant in out.grants() {
        let permission = grant.permission().and_then(|it| Permission::named(it.as_str()));
        let grantee = grant.grantee().and_then(|it| match it.uri() {
            Some(uri) => Group::of(uri).map(Grantee::Group),
            None => Some(Grantee::User(owner(it.id(), it.display_name()))),
        });
        acl.grants.extend(
            permission.zip(grantee).map(|(permission, grantee)| Grant { grantee, permission }),
        );
    }
    Some(acl)
}

#[cfg(test)]
mod tests {
    use aws_sdk_s3::types as sdk;

    use super::*;

    fn grant(grantee: sdk::builders::GranteeBuilder, permission: sdk::Permission) -> sdk::Grant {
        let kind = sdk::Type::CanonicalUser;
        let grantee = grantee.r#type(kind).build().unwrap();
        sdk::Grant::builder().grantee(grantee).permission(permission).build()
    }

    #[test]
    fn what_the_service_says_is_an_acl() {
        let owner = sdk::Owner::builder().id("account").build();
        let all = Group::AllUsers.uri();
        let out = GetObjectAclOutput::builder()
            .owner(owner)
            .grants(grant(sdk::Grantee::builder().id("account"), sdk::Permission::FullControl))
            .grants(grant(sdk::Grantee::builder().uri(all), sdk::Permission::Read))
            .grants(grant(sdk::Grantee::builder().uri("urn:other"), sdk::Permission::Read))
            .grants(grant(sdk::Grantee::builder().id("account"), "SING".into()))
            .build();
        let account = Owner { id: "account".to_owned(), display_name: String::new() };
        assert_eq!(told(&out), Some(PortableAcl::PublicRead.of(account)));
        assert_eq!(told(&GetObjectAclOutput::builder().build()), None);
    }
}
