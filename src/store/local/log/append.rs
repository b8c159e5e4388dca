//! The end of the log: where batches are written.

use std::path::Path;
use std::sync::Arc;

use super::super::format::Identity;
use super::super::format::StoreId;
use super::super::format::checkpoint::Position;
use super::super::format::segment::SegmentHeader;
use super::super::vfs::{self, Access, Allocation, Vfs, VfsError, VfsFile};
use super::{FIRST_OFFSET, LOG_DIR, segment_path};
use crate::object::Timestamp;

/// How much room is reserved ahead of the end.
const STEP: u64 = 16 << 20;

/// Why a batch is not in the log.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AppendError {
    /// The disk is full. Nothing of the batch was written, or what was is cut off again.
    #[error("the disk is full")]
    Full,
    /// A write or sync failed: nothing is known about the end of the log any more.
    #[error(transparent)]
    Failed(VfsError),
}

/// Makes the end of the log durable, as a process left it that died: the segment's content, and
/// its name, which may be known to nothing but the cache.
pub(crate) fn sync_end(vfs: &dyn Vfs, segment: u64) -> vfs::Result<()> {
    match vfs.open(&segment_path(segment), Access::Write) {
        // The log is damaged, and nothing will be written to it.
        Err(error) if error.is_not_found() => return Ok(()),
        opened => opened?.sync_data()?,
    }
    vfs.sync_dir(Path::new(LOG_DIR))
}

/// The segment that is being written. One thread has it.
pub(crate) struct Appender {
    vfs: Arc<dyn Vfs>,
    store: StoreId,
    segment_size: u64,
    segment: u64,
    file: Arc<dyn VfsFile>,
    /// Where the next record goes; everything before it is durable.
    offset: u64,
    allocated: u64,
}

impl Appender {
    /// Makes the segment `id`, empty and durable, and writes there from now on.
    pub(crate) fn create(
        vfs: Arc<dyn Vfs>,
        store: StoreId,
        segment_size: u64,
        id: u64,
        first_lsn: u64,
        created: Timestamp,
    ) -> vfs::Result<Self> {
        let identity = Identity { store, segment: id };
        let header = SegmentHeader { identity, first_lsn, created };
        let path = segment_path(id);
        let file = vfs.create(&path)?;
        let made = file
            .write_at(&header.encode(), 0)
            .and_then(|()| file.sync_data())
            .and_then(|()| vfs.sync_dir(Path::new(LOG_DIR)));
        if let Err(error) = made {
            // The name must be free for the next attempt; a header alone misleads nobody.
            let _ = vfs.unlink(&path);
            return Err(error);
        }
        let (offset, allocated) = (FIRST_OFFSET, FIRST_OFFSET);
        Ok(Self { vfs, store, segment_size, segment: id, file, offset, allocated })
    }

    /// Goes on writing at `position`. What lies behind it is cut off.
    pub(crate) fn resume(
        vfs: Arc<dyn Vfs>,
        store: StoreId,
        segment_size: u64,
        position: Position,
    ) -> vfs::Result<Self> {
        let file = vfs.open(&segment_path(position.segment), Access::Write)?;
        file.set_len(position.offset)?;
        file.sync_data()?;
        let Position { segment, offset } = position;
        Ok(Self { vfs, store, segment_size, segment, file, offset, allocated: offset })
    }

    /// Where the next record goes.
    pub(crate) fn position(&self) -> Position {
        Position { segment: self.segment, offset: self.offset }
    }

    /// The identity of the records that go into this segment.
    pub(crate) fn identity(&self) -> Identity {
        Identity { store: self.store, segment: self.segment }
    }

    /// Whether the segment has reached its size.
    pub(crate) fn is_full(&self) -> bool {
        self.offset >= self.segment_size
    }

    /// Whether it has no record yet.
    pub(crate) fn is_empty(&self) -> bool {
        self.offset <= FIRST_OFFSET
    }

    /// Starts the next segment and gives the id of the one that is to be sealed.
    pub(crate) fn roll(&mut self, first_lsn: u64, now: Timestamp) -> Result<u64, AppendError> {
        let vfs = Arc::clone(&self.vfs);
        let next =
            Self::create(vfs, self.store, self.segment_size, self.segment + 1, first_lsn, now);
        let full = std::mem::replace(self, next.map_err(AppendError::of)?);
        Ok(full.segment)
    }

    /// Writes records and makes them durable.
    pub(crate) fn append(&mut self, records: &[u8]) -> Result<(), AppendError> {
        self.reserve(records.len() as u64)?;
        if let Err(error) = self.file.write_at(records, self.offset) {
            return Err(self.undo(error));
        }
        self.file.sync_data().map_err(AppendError::Failed)?;
        self.offset += records.len() as u64;
        self.allocated = self.allocated.max(self.offset);
        Ok(())
    }

    /// Room for `len` more bytes. Tries the usual step first, then just as much as is needed.
    fn reserve(&mut self, len: u64) -> Result<(), AppendError> {
        let end = self.offset.saturating_add(len);
        if end <= self.allocated {
            return Ok(());
        }
        let step = STEP.min(self.segment_size);
        let ahead = end.saturating_add(step).min(self.segment_size.max(end));
        match self.extend_to(ahead) {
            Err(error) if error.is_full() => match self.extend_to(end) {
                Err(error) => Err(self.undo(error)),
                Ok(()) => Ok(()),
            },
            Err(error) => Err(AppendError::Failed(error)),
            Ok(()) => Ok(()),
        }
    }

    fn extend_to(&mut self, end: u64) -> vfs::Result<()> {
        let from = self.allocated;
        self.file.allocate(from, end.saturating_sub(from), Allocation::Extend)?;
        self.allocated = end;
        Ok(())
    }

    /// After a failure before any sync: on a full disk the log is cut back to what is durable and
    /// goes on; anything else is final.
    fn undo(&mut self, error: VfsError) -> AppendError {
        if !error.is_full() {
            return AppendError::Failed(error);
        }
        // Synced, because the blobs of refused records go: a crash must not bring the records back.
        match self.file.set_len(self.offset).and_then(|()| self.file.sync_data()) {
            Ok(()) => {
                self.allocated = self.offset;
                AppendError::Full
            }
            Err(error) => AppendError::Failed(error),
        }
    }
}

impl AppendError {
    fn of(error: VfsError) -> Self {
        if error.is_full() { Self::Full } else { Self::Failed(error) }
    }
}
