//! Room on the disk: what new bodies need of it, and what is removed for them.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use super::apply::remove_blob;
use super::core::Core;
use super::read::blocking;
use super::vfs::Space;
use crate::store::{Result, StoreError};

/// Dead files are kept for their grace only while this part of the file system is free: a tenth.
const AMPLE: u64 = 10;
/// How many dead files are removed before others may go on.
const PORTION: usize = 64;

/// What is known of the room that is left.
#[derive(Debug, Default)]
pub(crate) struct Room {
    /// Whether it was too little when it was last looked at.
    full: AtomicBool,
    /// Held while some dead files are removed, so that whoever needs their room waits for it.
    collecting: Mutex<()>,
}

impl Core {
    /// Whether a new body may come: of `length` bytes, as far as that is known. Where there is too
    /// little room, what is dead is removed first.
    pub(crate) async fn admit(self: &Arc<Self>, length: Option<u64>) -> Result<()> {
        self.writable()?;
        let length = length.unwrap_or_default();
        self.within_quota(length)?;
        let is_full = self.room.full.load(Ordering::Acquire);
        if is_full || length > self.options.pack_limit {
            return match self.measure(length) {
                Err(StoreError::StorageFull) => {
                    blocking(self, move |core| core.make_room(length)).await
                }
                measured => measured,
            };
        }
        Ok(())
    }

    /// Whether the quota has room for so many bytes more. What comes at the same time is not known
    /// here: together it may go beyond.
    pub(crate) fn within_quota(&self, more: u64) -> Result<()> {
        match self.quota_left() {
            Some(left) if left < more => Err(StoreError::StorageFull),
            _ => Ok(()),
        }
    }

    /// How many bytes the quota leaves, where there is one.
    pub(crate) fn quota_left(&self) -> Option<u64> {
        let quota = self.options.quota?;
        Some(quota.saturating_sub(self.progress().tally.bytes()))
    }

    /// Sees to it that there is room beside `more` bytes that are about to come: where there is too
    /// little, dead files go, however short they have been dead, but none that a read that is
    /// under way may come to.
    pub(crate) fn make_room(&self, more: u64) -> Result<()> {
        loop {
            match self.measure(more) {
                Err(StoreError::StorageFull) => self.refusal()?,
                measured => return measured,
            }
            if self.remove_some(0) == 0 {
                return self.measure(more);
            }
        }
    }

    /// Removes the files that are dead for long enough, or all of them where room gets scarce.
    pub(crate) fn collect_garbage(&self) {
        let is_scarce = self.vfs.space().is_ok_and(|space| is_scarce(&space));
        let grace_ms = if is_scarce { 0 } else { self.options.grace_ms() };
        while self.read_only().is_none() && self.remove_some(grace_ms) > 0 {}
    }

    /// Refuses bodies from here on where there is little room, and makes the reserve where there is
    /// enough again.
    pub(crate) fn look_at_room(&self) {
        match self.measure(self.options.reserve) {
            Ok(()) => {
                if let Err(error) = self.reserve.make(&*self.vfs, self.options.reserve) {
                    tracing::debug!(%error, "there is no room for the reserve");
                }
            }
            Err(StoreError::StorageFull) => {}
            Err(error) => tracing::warn!(%error, "the free space is not known"),
        }
    }

    /// Removes some of the files that are dead for so many milliseconds, the oldest first, and says
    /// how many it took up.
    fn remove_some(&self, grace_ms: i64) -> usize {
        let _collecting = self.room.collecting.lock().unwrap_or_else(PoisonError::into_inner);
        let free = self.garbage.take_free(self.clock.now(), grace_ms, PORTION);
        for dead in &free {
            if let Err(error) = remove_blob(self, dead.blob, dead.noted) {
                // The index still knows that it is dead: the next start tries again.
                tracing::warn!(blob = %dead.blob, %error, "a dead file is not removed");
            }
        }
        free.len()
    }

    /// Looks how much room there is, beside `more` bytes that are about to come.
    fn measure(&self, more: u64) -> Result<()> {
        let space = self.vfs.space()?;
        let keep = self.options.free_space_watermark.min(space.total_bytes / 20);
        let low_on_files = is_low_on_files(&space, 100);
        self.room.full.store(space.free_bytes < keep || low_on_files, Ordering::Release);
        if space.free_bytes < keep.saturating_add(more) || low_on_files {
            return Err(StoreError::StorageFull);
        }
        Ok(())
    }
}

fn is_scarce(space: &Space) -> bool {
    space.free_bytes < space.total_bytes / AMPLE || is_low_on_files(space, AMPLE)
}

/// Whether less than one in `part` files is left, where the file system says so.
fn is_low_on_files(space: &Space, part: u64) -> bool {
    space.total_files > 0 && space.free_files < space.total_files / part
}
