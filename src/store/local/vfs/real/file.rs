//! An open file of the machine.

use std::fs::File;
use std::io;
use std::num::NonZeroU64;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::{Advice, FallocateFlags};
use rustix::io::Errno;

use super::super::{Allocation, Result, VfsError, VfsFile};

/// The largest page of any machine.
const MAX_PAGE: u64 = 64 << 10;

pub(super) struct RealFile {
    file: File,
    path: PathBuf,
}

impl RealFile {
    pub(super) fn new(file: File, path: &Path) -> Self {
        Self { file, path: path.to_owned() }
    }

    pub(super) fn inner(&self) -> &File {
        &self.file
    }

    pub(super) fn renamed(&mut self, path: &Path) {
        path.clone_into(&mut self.path);
    }

    pub(super) fn failed(&self, verb: &str, source: impl Into<io::Error>) -> VfsError {
        VfsError::new(format!("{verb} {}", self.path.display()), source)
    }
}

impl VfsFile for RealFile {
    fn read_exact_at(&self, buf: &mut [u8], offset: u64) -> Result<()> {
        self.file.read_exact_at(buf, offset).map_err(|e| self.failed("read", e))
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> Result<()> {
        self.file.write_all_at(bytes, offset).map_err(|e| self.failed("write", e))
    }

    fn set_len(&self, len: u64) -> Result<()> {
        self.file.set_len(len).map_err(|e| self.failed("set the length of", e))
    }

    fn allocate(&self, offset: u64, len: u64, size: Allocation) -> Result<()> {
        if len == 0 {
            return Ok(());
        }
        let flags = match size {
            Allocation::KeepLength => FallocateFlags::KEEP_SIZE,
            Allocation::Extend => FallocateFlags::empty(),
        };
        loop {
            return match rustix::fs::fallocate(&self.file, flags, offset, len) {
                Err(Errno::INTR) => continue,
                Ok(()) => Ok(()),
                Err(Errno::OPNOTSUPP | Errno::NOSYS) => match size {
                    Allocation::KeepLength => Ok(()),
                    Allocation::Extend => {
                        let end = offset.saturating_add(len);
                        if self.len()? < end { self.set_len(end) } else { Ok(()) }
                    }
                },
                Err(error) => Err(self.failed("reserve room in", error)),
            };
        }
    }

    fn sync_data(&self) -> Result<()> {
        self.file.sync_data().map_err(|e| self.failed("sync", e))
    }

    fn drop_cached(&self, offset: u64, len: u64) -> Result<()> {
        // Only whole pages are dropped, and no machine's are larger than this.
        let before = offset % MAX_PAGE;
        let Some(len) = NonZeroU64::new(len.saturating_add(before)) else { return Ok(()) };
        rustix::fs::fadvise(&self.file, offset - before, Some(len), Advice::DontNeed)
            .map_err(|e| self.failed("drop the cache of", e))
    }

    fn expect_sequential(&self) -> Result<()> {
        rustix::fs::fadvise(&self.file, 0, None, Advice::Sequential)
            .map_err(|e| self.failed("advise on", e))
    }

    fn len(&self) -> Result<u64> {
        self.file.metadata().map(|found| found.len()).map_err(|e| self.failed("look at", e))
    }

    fn describe(&self) -> String {
        self.path.display().to_string()
    }
}
