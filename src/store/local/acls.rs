//! ACLs of objects.

use async_trait::async_trait;

use super::LocalStore;
use super::format::entry::EntryAcl;
use super::format::store_file::Feature;
use super::read::{blocking, describe, find};
use crate::object::{Acl, VersionId};
use crate::store::{Acls, ObjectPath, Result};

#[async_trait]
impl Acls for LocalStore {
    async fn object_acl(&self, at: &ObjectPath, version: Option<VersionId>) -> Result<Option<Acl>> {
        let at = at.clone();
        blocking(&self.core, move |core| {
            let found = find(core, &at, version)?;
            match found.entry.acl {
                EntryAcl::None => Ok(None),
                EntryAcl::Here(acl) => Ok(Some(acl)),
                EntryAcl::Record => Ok(describe(core, found.entry.head)?.acl),
            }
        })
        .await
    }

    async fn set_object_acl(
        &self,
        at: &ObjectPath,
        version: Option<VersionId>,
        acl: Option<Acl>,
    ) -> Result<()> {
        self.core.writable()?;
        self.may_have_acl(acl.as_ref()).await?;
        self.redescribe(at, version, move |object| object.acl.clone_from(&acl)).await
    }
}

impl LocalStore {
    /// Makes sure, where something is to have an ACL, that the store says so.
    pub(super) async fn may_have_acl(&self, acl: Option<&Acl>) -> Result<()> {
        if acl.is_none() || self.core.features.has(Feature::Acls) {
            return Ok(());
        }
        blocking(&self.core, |core| Ok(core.features.note(&*core.vfs, Feature::Acls)?)).await
    }
}
