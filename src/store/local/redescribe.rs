//! An object described anew, with the same bytes: its tags, its ACL.

use super::LocalStore;
use super::buckets::TRIES;
use super::commit::{Command, Outcome};
use super::format::meta::Described;
use super::read::{blocking, describe, find};
use crate::object::VersionId;
use crate::store::{ObjectPath, Result, StoreError};

impl LocalStore {
    /// Changes the description of an object. Where it was replaced or described anew meanwhile, it is
    /// looked up again; `Conflict` where that happens every time.
    pub(super) async fn redescribe(
        &self,
        at: &ObjectPath,
        version: Option<VersionId>,
        change: impl Fn(&mut Described) + Clone + Send + 'static,
    ) -> Result<()> {
        for _ in 0..TRIES {
            let (path, change) = (at.clone(), change.clone());
            let command = blocking(&self.core, move |core| {
                let found = find(core, &path, version)?;
                let mut object = describe(core, found.entry.head)?;
                change(&mut object);
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
