//! ACLs of objects.

use async_trait::async_trait;

use super::{MemoryStore, Result};
use crate::object::{Acl, VersionId};
use crate::store::{Acls, ObjectPath};

#[async_trait]
impl Acls for MemoryStore {
    async fn object_acl(&self, at: &ObjectPath, version: Option<VersionId>) -> Result<Option<Acl>> {
        Ok(self.state().object(at, version)?.acl.clone())
    }

    async fn set_object_acl(
        &self,
        at: &ObjectPath,
        version: Option<VersionId>,
        acl: Option<Acl>,
    ) -> Result<()> {
        self.state().object_mut(at, version)?.acl = acl;
        Ok(())
    }
}
