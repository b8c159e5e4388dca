//! The index in sled 0.34.7, by the rules under which it can be trusted.
//!
//! - Only `get`, `insert`, `remove` and `range`: transactions and batches take one lock of the
//!   whole process for ever after, `flush_async` can deadlock.
//! - Its `flush` is no sync; ours follows it with an `fdatasync` of its file through a descriptor
//!   of our own.
//! - It may panic on what a crash left, so opening is fenced; the first error anywhere makes the
//!   index lost, because sled's own errors stay for good.
//! - It summarises its log (a snapshot) only while it opens, and opening reads all of the log that
//!   was written since: up to 1 s for a million writes. So a clean close opens once more, after
//!   which the next opening takes a tenth of a second.

use std::ops::Bound;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use ::sled::{Db, IVec, Tree};

use super::super::vfs::{Access, RealVfs, Vfs, VfsFile};
use super::{Index, IndexError, IndexHome, MAX_VALUE_BYTES, Result, Span, TreeId, Visit};

/// sled's own name for its file.
const FILE: &str = "db";

/// How often sled writes out and reclaims by itself. Reclaiming happens nowhere else.
const BACKGROUND_MS: u64 = 500;

/// After fewer writes an opening is quick enough as it is.
const SUMMARY_FROM: u64 = 50_000;
/// After more, the summary at the end would hold up the stop for more than about 5 s.
const SUMMARY_TO: u64 = 5_000_000;

/// How often and how far apart opening is tried while the one before lets go of its lock, which
/// sled's own threads may hold a moment longer than its handle.
const LOCK_TRIES: u32 = 50;
const LOCK_PAUSE: Duration = Duration::from_millis(20);

/// A directory that holds a sled database.
pub(crate) struct SledHome {
    vfs: Arc<RealVfs>,
    dir: PathBuf,
    cache_bytes: u64,
    /// Writes since the last opening.
    writes: Arc<AtomicU64>,
}

impl SledHome {
    /// The database in `dir`, a directory directly or indirectly below the root whose parent
    /// exists. The cache is counted in sizes on disk: real memory is up to 1.6 times as much.
    pub(crate) fn new(vfs: Arc<RealVfs>, dir: impl Into<PathBuf>, cache_bytes: u64) -> Self {
        Self { vfs, dir: dir.into(), cache_bytes, writes: Arc::default() }
    }

    fn open_sled(&self) -> Result<SledIndex> {
        let is_new = self.vfs.stat(&self.dir.join(FILE))?.is_none();
        let (db, trees) = self.open_trees()?;
        let file = self.vfs.open(&self.dir.join(FILE), Access::Read)?;
        if is_new {
            self.sync_files()?;
        }
        self.writes.store(0, Ordering::Relaxed);
        let writes = Arc::clone(&self.writes);
        Ok(SledIndex { db, trees, file, writes, lost: AtomicBool::new(false) })
    }

    fn open_trees(&self) -> Result<(Db, Vec<Tree>)> {
        let config = ::sled::Config::new()
            .path(self.vfs.root().join(&self.dir))
            .cache_capacity(self.cache_bytes)
            .flush_every_ms(Some(BACKGROUND_MS));
        fenced(|| {
            let mut tries = 1;
            let db = loop {
                match config.open() {
                    Err(::sled::Error::Io(_)) if tries < LOCK_TRIES => {
                        tries += 1;
                        std::thread::sleep(LOCK_PAUSE);
                    }
                    opened => break opened?,
                }
            };
            let open = |id: TreeId| db.open_tree(id.name());
            let opened: ::sled::Result<Vec<Tree>> = TreeId::ALL.map(open).into_iter().collect();
            opened.map(|trees| (db, trees))
        })
    }

    /// Makes every file and name of the database durable.
    fn sync_files(&self) -> Result<()> {
        for entry in self.vfs.list(&self.dir)? {
            let path = self.dir.join(entry.name);
            if entry.is_dir {
                self.vfs.sync_dir(&path)?;
            } else {
                self.vfs.open(&path, Access::Read)?.sync_data()?;
            }
        }
        self.vfs.sync_dir(&self.dir)?;
        self.sync_parent()
    }

    fn sync_parent(&self) -> Result<()> {
        Ok(self.vfs.sync_dir(self.dir.parent().unwrap_or(Path::new("")))?)
    }
}

impl IndexHome for SledHome {
    fn open(&self) -> Result<Arc<dyn Index>> {
        Ok(Arc::new(self.open_sled()?))
    }

    fn close(&self, index: Arc<dyn Index>) -> Result<()> {
        index.flush()?;
        let is_last = Arc::strong_count(&index) == 1;
        let writes = self.writes.load(Ordering::Relaxed);
        drop(index);
        if !is_last {
            return Ok(());
        }
        if (SUMMARY_FROM..SUMMARY_TO).contains(&writes) {
            drop(self.open_trees()?);
        }
        self.sync_files()
    }

    fn discard(&self) -> Result<()> {
        self.vfs.remove_tree(&self.dir)?;
        self.sync_parent()
    }
}

struct SledIndex {
    db: Db,
    /// In the order of [`TreeId::ALL`].
    trees: Vec<Tree>,
    file: Arc<dyn VfsFile>,
    writes: Arc<AtomicU64>,
    lost: AtomicBool,
}

impl SledIndex {
    /// Runs a call of sled's unless the index is lost; any failure makes it so.
    fn run<T>(&self, tree: TreeId, call: impl FnOnce(&Tree) -> ::sled::Result<T>) -> Result<T> {
        if self.is_lost() {
            return Err(IndexError::Lost("an earlier call failed".to_owned()));
        }
        let place = TreeId::ALL.iter().position(|id| *id == tree);
        let tree = place.and_then(|place| self.trees.get(place));
        let tree = tree.ok_or_else(|| IndexError::Lost("a tree is missing".to_owned()))?;
        fenced(|| call(tree)).inspect_err(|_| self.lost.store(true, Ordering::Release))
    }
}

impl Index for SledIndex {
    fn get(&self, tree: TreeId, key: &[u8]) -> Result<Option<Vec<u8>>> {
        self.run(tree, |tree| Ok(tree.get(key)?.map(|value| value.to_vec())))
    }

    fn insert(&self, tree: TreeId, key: &[u8], value: &[u8]) -> Result<()> {
        if value.len() > MAX_VALUE_BYTES {
            return Err(IndexError::ValueTooLong(value.len()));
        }
        self.writes.fetch_add(1, Ordering::Relaxed);
        self.run(tree, |tree| tree.insert(key, value).map(|_| ()))
    }

    fn remove(&self, tree: TreeId, key: &[u8]) -> Result<()> {
        self.writes.fetch_add(1, Ordering::Relaxed);
        self.run(tree, |tree| tree.remove(key).map(|_| ()))
    }

    fn scan(&self, tree: TreeId, span: Span<'_>, visit: &mut Visit<'_>) -> Result<()> {
        let Some(bounds) = bounds(span) else { return Ok(()) };
        self.run(tree, |tree| {
            for entry in tree.range::<IVec, _>(bounds) {
                let (key, value) = entry?;
                if visit(&key, &value).is_break() {
                    break;
                }
            }
            Ok(())
        })
    }

    fn flush(&self) -> Result<()> {
        self.run(TreeId::Meta, |_| self.db.flush())?;
        self.file.sync_data().map_err(|error| {
            self.lost.store(true, Ordering::Release);
            IndexError::Vfs(error)
        })
    }

    fn is_lost(&self) -> bool {
        self.lost.load(Ordering::Acquire)
    }
}

/// sled's range panics on bounds that are the wrong way round.
fn bounds(span: Span<'_>) -> Option<(Bound<IVec>, Bound<IVec>)> {
    let owned = |bound: Bound<&[u8]>| bound.map(IVec::from);
    (!span.is_empty()).then(|| (owned(span.from), owned(span.to)))
}

/// A call into sled: its errors and panics alike come back as [`IndexError::Lost`].
fn fenced<T>(call: impl FnOnce() -> ::sled::Result<T>) -> Result<T> {
    match catch_unwind(AssertUnwindSafe(call)) {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(IndexError::Lost(error.to_string())),
        Err(panic) => {
            let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
            let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
            Err(IndexError::Lost(text.unwrap_or_else(|| "sled panicked".to_owned())))
        }
    }
}
