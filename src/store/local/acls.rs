//! ACLs of objects.

use async_trait::async_trait;

use super::LocalStore;
use super::buckets::TRIES;
use super::commit::{Command, Outcome};
use super::format::entry::EntryAcl;
use super::format::store_file::Feature;
use super::read::{blocking, describe, find};
use crate::object::{Acl, VersionId};
use crate::store::{Acls, ObjectPath, Result, StoreError};

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
        for _ in 0..TRIES {
            let (path, new) = (at.clone(), acl.clone());
            let command = blocking(&self.core, move |core| {
                let found = find(core, &path, version)?;
                let mut object = describe(core, found.entry.head)?;
                object.acl = new;
                let head = found.entry.head.lsn;
                Ok(Command::Change { at: path, head, object: Box::new(object) })
            });
            match self.submitter.submit(command.await?).await? {
                Outcome::Retry => {}
                _ => return Ok(()),
            }
        }
        Err(StoreError::Conflict)
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
