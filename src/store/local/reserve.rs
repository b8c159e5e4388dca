//! Ballast: room on the disk that is given up when it is full, so that deletes can be logged.

use std::path::Path;
use std::sync::{Mutex, PoisonError};

use super::vfs::{self, Allocation, Vfs};

const FILE: &str = "reserve";

/// Whether the ballast is there. Held while it is made, so that one in the making is given up as
/// well.
#[derive(Debug, Default)]
pub(crate) struct Reserve(Mutex<bool>);

impl Reserve {
    /// Makes the ballast of `len` bytes where it is missing or too small.
    pub(crate) fn make(&self, vfs: &dyn Vfs, len: u64) -> vfs::Result<()> {
        let mut there = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if len == 0 || *there {
            return Ok(());
        }
        let path = Path::new(FILE);
        let stat = vfs.stat(path)?;
        if stat.is_none_or(|stat| stat.len < len) {
            vfs.unlink(path)?;
            let made = vfs.create(path).and_then(|file| file.allocate(0, len, Allocation::Extend));
            if let Err(error) = made {
                // Half a ballast helps nobody; the next attempt starts from nothing.
                let _ = vfs.unlink(path);
                return Err(error);
            }
        }
        *there = true;
        Ok(())
    }

    /// Gives it up; `false` where it was not there.
    pub(crate) fn give_up(&self, vfs: &dyn Vfs) -> bool {
        let mut there = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !std::mem::take(&mut *there) {
            return false;
        }
        tracing::warn!("the disk is full: the reserve is given up for deletes");
        vfs.unlink(Path::new(FILE)).unwrap_or(false)
    }
}
