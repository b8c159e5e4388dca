//! The only code that touches the store's files.
//!
//! Paths are relative to the data directory. Calls block: they belong on blocking threads. What
//! is durable when:
//! - content and length of a file: after [`VfsFile::sync_data`];
//! - names (made, renamed, removed): after [`Vfs::sync_dir`] of the directory that holds them;
//! - after any failed write or sync nothing is known about that file any more: never repeat the
//!   call and trust the answer, the kernel forgets the pages that it could not write.
//!
//! Knows nothing of what the files hold.

#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "this is where the store's files are touched"
)]

mod error;
mod publish;
mod real;
#[cfg(test)]
pub(crate) mod sim;
#[cfg(test)]
mod tests;

use std::ffi::OsString;
use std::path::Path;
use std::sync::Arc;

pub(crate) use error::{LockError, VfsError};
pub(crate) use publish::{read_whole, replace_file, replace_private_file};
pub(crate) use real::RealVfs;

/// The result of every call.
pub(crate) type Result<T> = std::result::Result<T, VfsError>;

/// A tree of files. Its root exists and is synced.
pub(crate) trait Vfs: Send + Sync {
    /// Makes a directory, whose parent exists; `false` where it was there already.
    fn create_dir(&self, path: &Path) -> Result<bool>;

    /// Opens a file that exists.
    fn open(&self, path: &Path, access: Access) -> Result<Arc<dyn VfsFile>>;

    /// Makes a file for reading and writing; one of that name must not exist.
    fn create(&self, path: &Path) -> Result<Arc<dyn VfsFile>>;

    /// The same, readable by its owner alone.
    fn create_private(&self, path: &Path) -> Result<Arc<dyn VfsFile>>;

    /// Makes a file in the directory that has no name until it is published; dropped before, it
    /// is gone.
    fn create_unnamed(&self, dir: &Path) -> Result<Box<dyn UnnamedFile>>;

    /// Removes what a crash left of files that were never published. Only for the process that
    /// holds the store's lock, before it makes any.
    fn clear_unnamed(&self) -> Result<()>;

    /// Renames within the tree, over a file of the new name if there is one.
    fn rename(&self, from: &Path, to: &Path) -> Result<()>;

    /// Removes a file's name; what has the file open reads on. `false` where there was none.
    fn unlink(&self, path: &Path) -> Result<bool>;

    /// Removes a directory and everything in it; nothing where there is none.
    fn remove_tree(&self, path: &Path) -> Result<()>;

    /// What a directory holds, in no order.
    fn list(&self, dir: &Path) -> Result<Vec<DirEntry>>;

    /// Makes the names in a directory durable. The root is the empty path.
    fn sync_dir(&self, dir: &Path) -> Result<()>;

    /// What has that name; `None` where nothing has.
    fn stat(&self, path: &Path) -> Result<Option<Stat>>;

    /// Takes the lock of a file, which is made where it is missing, and writes `holder` into it
    /// for whoever comes second. Released when dropped or when the process ends.
    fn lock(&self, path: &Path, holder: &str) -> std::result::Result<Box<dyn Lock>, LockError>;

    /// How much room is left.
    fn space(&self) -> Result<Space>;

    /// What kind of file system this is.
    fn kind(&self) -> Result<FsKind>;

    /// Which start of the machine this is: differs after a crash of the machine, stays the same
    /// after one of the process.
    fn boot_id(&self) -> Result<String>;

    /// Where a path is, in words for the operator.
    fn describe(&self, path: &Path) -> String;
}

/// An open file. Offsets and lengths are in bytes.
pub(crate) trait VfsFile: Send + Sync {
    /// Fills `buf`; an end of file within it is an error of kind `UnexpectedEof`.
    fn read_exact_at(&self, buf: &mut [u8], offset: u64) -> Result<()>;

    /// Writes all of it.
    fn write_at(&self, bytes: &[u8], offset: u64) -> Result<()>;

    /// Cuts or extends with zeros.
    fn set_len(&self, len: u64) -> Result<()>;

    /// Reserves room on the disk, so that writing there cannot meet a full one. Does nothing
    /// where the file system has no such call.
    fn allocate(&self, offset: u64, len: u64, size: Allocation) -> Result<()>;

    /// Makes content and length durable.
    fn sync_data(&self) -> Result<()>;

    /// Forgets what the system has cached of the range, so that the next read asks the disk.
    fn drop_cached(&self, offset: u64, len: u64) -> Result<()>;

    /// Says that reads will go from front to back.
    fn expect_sequential(&self) -> Result<()>;

    /// The file's length.
    fn len(&self) -> Result<u64>;

    /// The file, in words for the operator.
    fn describe(&self) -> String;
}

/// A file that has no name yet.
pub(crate) trait UnnamedFile: Send + Sync {
    /// The file, for writing its content.
    fn file(&self) -> &dyn VfsFile;

    /// Makes the content durable and then gives it the name, which must be free. The one order in
    /// which no crash can leave the name with half the content. The name itself is durable after
    /// [`Vfs::sync_dir`].
    fn publish(self: Box<Self>, path: &Path) -> Result<()>;
}

/// Keeps a lock until dropped.
pub(crate) trait Lock: Send + Sync {}

/// How a file is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    /// For reading.
    Read,
    /// For reading and writing.
    Write,
}

/// What reserving room does to the file's length.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Allocation {
    /// It stays.
    KeepLength,
    /// It grows to the end of the reserved range, reading as zeros.
    Extend,
}

/// One name in a directory.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct DirEntry {
    /// The name, without the directory's.
    pub(crate) name: OsString,
    /// Whether it is a directory.
    pub(crate) is_dir: bool,
}

/// What a name stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stat {
    /// Whether it is a directory.
    pub(crate) is_dir: bool,
    /// A file's length.
    pub(crate) len: u64,
}

/// Room on the disk, as far as this process may use it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Space {
    /// Bytes of the file system.
    pub(crate) total_bytes: u64,
    /// Bytes that are free.
    pub(crate) free_bytes: u64,
    /// Files that the file system can hold; 0 where it has no such limit.
    pub(crate) total_files: u64,
    /// Files that can still be made.
    pub(crate) free_files: u64,
}

/// What kind of file system holds the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FsKind {
    /// One whose locks and syncs are known to mean what they say.
    Local(&'static str),
    /// One in memory: fine for tests, nothing survives the machine.
    Memory(&'static str),
    /// One across a network, whose locks and syncs are not to be trusted.
    Network(&'static str),
    /// One that isn't known here; the number is the kernel's.
    Unknown(u64),
}
