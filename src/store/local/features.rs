//! FORMAT of an open store: the features that it uses. Each is noted, durably, before the first
//! thing is written that a program without it could not read.

use std::path::Path;
use std::sync::{Mutex, PoisonError};

use super::format::store_file::{Feature, StoreFormat};
use super::store::FORMAT;
use super::vfs::{self, Vfs};

/// What FORMAT says.
#[derive(Debug)]
pub(crate) struct Features(Mutex<StoreFormat>);

impl Features {
    /// As it was read or written.
    pub(crate) fn new(format: StoreFormat) -> Self {
        Self(Mutex::new(format))
    }

    /// Whether FORMAT names the feature.
    pub(crate) fn has(&self, feature: Feature) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).has(feature)
    }

    /// Makes FORMAT name the feature, durably. Blocks.
    pub(crate) fn note(&self, vfs: &dyn Vfs, feature: Feature) -> vfs::Result<()> {
        let mut format = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if format.has(feature) {
            return Ok(());
        }
        let mut more = format.clone();
        more.add(feature);
        vfs::replace_file(vfs, Path::new(FORMAT), &more.encode())?;
        *format = more;
        Ok(())
    }
}
