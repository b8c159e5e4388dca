//! Large bodies: immutable files `blobs/<3 hex>/<id>.blob`, named by id and never by key.
//!
//! The data is at offset 0, so that ranges map one to one and `head -c` can rescue a file. Behind
//! it are the checksums of its 64 KiB blocks, a self-describing footer and a trailer (see
//! [`format`]). The footer is for salvage and scrubbing: what makes a blob part of an object is a
//! record in the log. A blob without one is an upload that was never acknowledged.
//!
//! Knows nothing of the log and of the index.

mod buffer;
mod error;
mod footer;
mod format;
mod read;
mod stream;
mod survey;
#[cfg(test)]
mod tests;
mod unpublished;
mod write;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use uuid::Uuid;

use super::vfs::{self, Vfs};

pub(crate) use buffer::{Buffer, ROOM};
pub(crate) use error::ExtentError;
pub(crate) use footer::{BlobFooter, PartOf};
pub(crate) use read::BlobReader;
pub(crate) use stream::{
    ExtentReader, Extents, Sink, StoredExtent, read_source, unsealed, write_payload,
};
pub(crate) use unpublished::Unpublished;
pub(crate) use write::{BlobWriter, Published};

/// What one checksum covers: a block of data, counted from the start of an extent.
pub(crate) const BLOCK: usize = 64 * 1024;

/// Where blobs are.
const ROOT: &str = "blobs";
/// The end of a blob's name.
const SUFFIX: &str = ".blob";
/// How many directories there are: one for each value of three hexadecimal digits.
const SHARDS: u16 = 1 << 12;

/// A blob's name. Random, so that blobs spread over the directories.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
pub(crate) struct BlobId(u128);

/// One of the directories that blobs are spread over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct BlobDir(u16);

/// All blobs of a store.
#[derive(Clone)]
pub(crate) struct Blobs {
    vfs: Arc<dyn Vfs>,
    /// Which directories exist durably. Held while one is made, so that no blob is published in
    /// a directory that a crash could take away.
    made: Arc<Mutex<Vec<bool>>>,
}

impl BlobId {
    /// A new one.
    pub(crate) fn random() -> Self {
        Self(Uuid::new_v4().as_u128())
    }

    /// One by its number.
    pub(crate) fn from_u128(id: u128) -> Self {
        Self(id)
    }

    /// Its number.
    pub(crate) fn as_u128(self) -> u128 {
        self.0
    }

    /// The directory that it is in.
    pub(crate) fn dir(self) -> BlobDir {
        // The top 12 bits.
        BlobDir(u16::try_from(self.0 >> 116).unwrap_or_default())
    }

    /// Its file, below the data directory.
    pub(crate) fn path(self) -> PathBuf {
        self.dir().path().join(format!("{self}{SUFFIX}"))
    }
}

impl fmt::Display for BlobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Uuid::from_u128(self.0).hyphenated().fmt(f)
    }
}

impl fmt::Debug for BlobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BlobId({self})")
    }
}

impl BlobDir {
    fn path(self) -> PathBuf {
        Path::new(ROOT).join(format!("{:03x}", self.0))
    }

    fn parse(name: &str) -> Option<Self> {
        let number = u16::from_str_radix(name, 16).ok().filter(|number| *number < SHARDS)?;
        (format!("{number:03x}") == name).then_some(Self(number))
    }
}

impl Blobs {
    /// The blobs of the tree.
    pub(crate) fn open(vfs: Arc<dyn Vfs>) -> vfs::Result<Self> {
        if vfs.create_dir(Path::new(ROOT))? {
            vfs.sync_dir(Path::new(""))?;
        }
        let mut made = vec![false; usize::from(SHARDS)];
        for entry in vfs.list(Path::new(ROOT))? {
            let dir = entry.name.to_str().and_then(BlobDir::parse).filter(|_| entry.is_dir);
            if let Some(found) = dir.and_then(|dir| made.get_mut(usize::from(dir.0))) {
                *found = true;
            }
        }
        // A directory that is there may still be one that only the cache knows.
        vfs.sync_dir(Path::new(ROOT))?;
        Ok(Self { vfs, made: Arc::new(Mutex::new(made)) })
    }

    /// Starts a blob; `length` is what it will probably have, for which room is reserved at once.
    pub(crate) fn create(&self, id: BlobId, length: Option<u64>) -> vfs::Result<BlobWriter> {
        self.make_dir(id.dir())?;
        BlobWriter::new(self.vfs.as_ref(), id, length)
    }

    /// Opens a blob.
    pub(crate) fn read(&self, id: BlobId) -> Result<BlobReader, ExtentError> {
        BlobReader::open(self.vfs.as_ref(), id)
    }

    /// Removes a blob; `false` where there was none. Who has it open reads on.
    pub(crate) fn unlink(&self, id: BlobId) -> vfs::Result<bool> {
        self.vfs.unlink(&id.path())
    }

    /// Makes the names in directories durable, each once.
    pub(crate) fn sync_dirs(&self, dirs: impl IntoIterator<Item = BlobDir>) -> vfs::Result<()> {
        let dirs: std::collections::BTreeSet<BlobDir> = dirs.into_iter().collect();
        dirs.into_iter().try_for_each(|dir| self.vfs.sync_dir(&dir.path()))
    }

    fn make_dir(&self, dir: BlobDir) -> vfs::Result<()> {
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(made) = made.get_mut(usize::from(dir.0)).filter(|made| !**made) else {
            return Ok(());
        };
        self.vfs.create_dir(&dir.path())?;
        self.vfs.sync_dir(Path::new(ROOT))?;
        *made = true;
        Ok(())
    }
}
