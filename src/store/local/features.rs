//! What FORMAT says that an open store makes use of.
//!
//! A feature is noted durably before the first record is written that needs it, so that no program
//! that does not know the feature takes such a record for damage.

use std::path::Path;
use std::sync::{Mutex, PoisonError};

use super::format::store_file::StoreFormat;
use super::store::FORMAT;
use super::vfs::{self, Vfs};
use crate::store::StoreError;

/// The features of a store.
#[derive(Debug)]
pub(crate) struct Features(Mutex<StoreFormat>);

impl Features {
    /// As FORMAT has them.
    pub(crate) fn new(format: StoreFormat) -> Self {
        Self(Mutex::new(format))
    }

    /// Whether something may be encrypted already.
    pub(crate) fn are_sealed(&self) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).is_sealed()
    }

    /// Something may be encrypted from now on. Blocks.
    pub(crate) fn note_sealed(&self, vfs: &dyn Vfs) -> Result<(), StoreError> {
        self.note(vfs, StoreFormat::is_sealed, StoreFormat::sealed)
    }

    /// Whether objects may have ACLs already.
    pub(crate) fn have_acls(&self) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).has_acls()
    }

    /// Objects may have ACLs from now on. Blocks.
    pub(crate) fn note_acls(&self, vfs: &dyn Vfs) -> Result<(), StoreError> {
        self.note(vfs, StoreFormat::has_acls, StoreFormat::with_acls)
    }

    fn note(
        &self,
        vfs: &dyn Vfs,
        has: fn(&StoreFormat) -> bool,
        with: fn(StoreFormat) -> StoreFormat,
    ) -> Result<(), StoreError> {
        let mut format = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if has(&format) {
            return Ok(());
        }
        let next = with(format.clone());
        vfs::replace_file(vfs, Path::new(FORMAT), &next.encode())?;
        *format = next;
        Ok(())
    }
}
