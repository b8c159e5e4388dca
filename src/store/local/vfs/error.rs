//! What can go wrong with a file.

use std::io;

use crate::store::StoreError;

/// A call of the file system failed.
#[derive(Debug, thiserror::Error)]
#[error("{doing}: {source}")]
pub(crate) struct VfsError {
    /// What was being done, with the full path.
    pub(crate) doing: String,
    /// The system's own words.
    pub(crate) source: io::Error,
}

/// A lock was not to be had.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LockError {
    /// Another process has it.
    #[error("another process holds the lock: {by}")]
    Held {
        /// What the holder wrote into the file.
        by: String,
    },
    /// The file system failed.
    #[error(transparent)]
    Vfs(#[from] VfsError),
}

impl VfsError {
    /// An error at `doing`, which names the full path.
    pub(crate) fn new(doing: impl Into<String>, source: impl Into<io::Error>) -> Self {
        Self { doing: doing.into(), source: source.into() }
    }

    /// Whether the disk, or this process's share of it, is full.
    pub(crate) fn is_full(&self) -> bool {
        matches!(self.source.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
    }

    /// Whether there is no such file or directory.
    pub(crate) fn is_not_found(&self) -> bool {
        self.source.kind() == io::ErrorKind::NotFound
    }

    /// Whether the file ended within what was to be read.
    pub(crate) fn is_past_end(&self) -> bool {
        self.source.kind() == io::ErrorKind::UnexpectedEof
    }
}

impl From<VfsError> for StoreError {
    fn from(error: VfsError) -> Self {
        if error.is_full() {
            return Self::StorageFull;
        }
        Self::Io { doing: error.doing, source: error.source }
    }
}
