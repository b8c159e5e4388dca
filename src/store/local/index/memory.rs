//! An index in memory: the model of the others, and in tests one that plays every trick that a
//! crash can play.

use std::collections::BTreeMap;
use std::hash::{BuildHasher as _, BuildHasherDefault, DefaultHasher};
use std::ops::ControlFlow;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use super::{Index, IndexError, IndexHome, MAX_VALUE_BYTES, Result, Span, TreeId, Visit};

type Trees = BTreeMap<TreeId, BTreeMap<Vec<u8>, Vec<u8>>>;

/// Keeps an index over its closing, but not over the end of the process.
#[derive(Clone, Default)]
pub(crate) struct MemoryHome {
    kept: Arc<Mutex<Kept>>,
}

#[derive(Default)]
struct Kept {
    live: Trees,
    flushed: Trees,
    open: Weak<MemoryIndex>,
    fails_to_open: bool,
    /// Whether it was opened and not closed since.
    in_use: bool,
}

/// What a crash leaves of an index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Hostile {
    /// Nothing.
    Empty,
    /// What the last flush made durable.
    Stale,
    /// All of it, also what the log may have lost.
    Ahead,
    /// Something that cannot be opened.
    Broken,
    /// Everything of the last flush, and a random part of what was written since.
    Partial(u64),
    /// What opens and says that it has everything, and lacks a random part. Only a crash of the
    /// machine can do that.
    Torn(u64),
}

impl MemoryHome {
    /// Whether it was opened and not closed since: what a crash can harm.
    pub(crate) fn is_in_use(&self) -> bool {
        lock(&self.kept).in_use
    }

    /// The index after a crash. What had it open knows only [`IndexError::Lost`] from here on.
    pub(crate) fn crash(&self, hostile: Hostile) {
        let mut kept = lock(&self.kept);
        if let Some(open) = kept.open.upgrade() {
            *lock(&open.lost) = true;
        }
        kept.in_use = false;
        match hostile {
            Hostile::Empty => kept.live = Trees::default(),
            Hostile::Stale => kept.live = kept.flushed.clone(),
            Hostile::Ahead => {}
            Hostile::Broken => kept.fails_to_open = true,
            Hostile::Partial(seed) => kept.live = mixed(&kept.flushed, &kept.live, seed),
            Hostile::Torn(seed) => {
                let meta = kept.live.remove(&TreeId::Meta);
                kept.live = mixed(&Trees::default(), &kept.live, seed);
                kept.live.extend(meta.map(|meta| (TreeId::Meta, meta)));
            }
        }
        kept.flushed = kept.live.clone();
    }
}

/// `old` with a random part of what makes it `new`.
fn mixed(old: &Trees, new: &Trees, seed: u64) -> Trees {
    let hasher = BuildHasherDefault::<DefaultHasher>::default();
    let mut out = Trees::default();
    for id in TreeId::ALL {
        let (old, new) = (old.get(&id), new.get(&id));
        let keys = old.into_iter().chain(new).flat_map(BTreeMap::keys);
        for key in keys {
            let is_new = hasher.hash_one((seed, id, key)) % 2 == 0;
            let from = if is_new { new } else { old };
            if let Some(value) = from.and_then(|tree| tree.get(key)) {
                out.entry(id).or_default().insert(key.clone(), value.clone());
            }
        }
    }
    out
}

impl IndexHome for MemoryHome {
    fn open(&self) -> Result<Arc<dyn Index>> {
        let mut kept = lock(&self.kept);
        if kept.fails_to_open {
            return Err(IndexError::Lost("it cannot be opened".to_owned()));
        }
        if kept.open.upgrade().is_some_and(|open| !*lock(&open.lost)) {
            return Err(IndexError::Lost("it is open already".to_owned()));
        }
        let kept_by = Arc::clone(&self.kept);
        let index = Arc::new(MemoryIndex { kept: kept_by, lost: Mutex::new(false) });
        kept.open = Arc::downgrade(&index);
        kept.in_use = true;
        Ok(index)
    }

    fn close(&self, index: Arc<dyn Index>) -> Result<()> {
        index.flush()?;
        if Arc::strong_count(&index) == 1 {
            drop(index);
            lock(&self.kept).in_use = false;
        }
        Ok(())
    }

    fn discard(&self) -> Result<()> {
        let mut kept = lock(&self.kept);
        *kept = Kept::default();
        Ok(())
    }
}

struct MemoryIndex {
    kept: Arc<Mutex<Kept>>,
    lost: Mutex<bool>,
}

impl MemoryIndex {
    fn kept(&self) -> Result<MutexGuard<'_, Kept>> {
        let kept = lock(&self.kept);
        // Asked under the lock: a call that waits for it may come after the crash.
        if *lock(&self.lost) {
            return Err(IndexError::Lost("there was a crash".to_owned()));
        }
        Ok(kept)
    }
}

impl Index for MemoryIndex {
    fn get(&self, tree: TreeId, key: &[u8]) -> Result<Option<Vec<u8>>> {
        Ok(self.kept()?.live.get(&tree).and_then(|tree| tree.get(key)).cloned())
    }

    fn insert(&self, tree: TreeId, key: &[u8], value: &[u8]) -> Result<()> {
        if value.len() > MAX_VALUE_BYTES {
            return Err(IndexError::ValueTooLong(value.len()));
        }
        self.kept()?.live.entry(tree).or_default().insert(key.to_vec(), value.to_vec());
        Ok(())
    }

    fn remove(&self, tree: TreeId, key: &[u8]) -> Result<()> {
        self.kept()?.live.entry(tree).or_default().remove(key);
        Ok(())
    }

    fn scan(&self, tree: TreeId, span: Span<'_>, visit: &mut Visit<'_>) -> Result<()> {
        let kept = self.kept()?;
        let Some(tree) = kept.live.get(&tree).filter(|_| !span.is_empty()) else { return Ok(()) };
        for (key, value) in tree.range::<[u8], _>((span.from, span.to)) {
            if let ControlFlow::Break(()) = visit(key, value) {
                break;
            }
        }
        Ok(())
    }

    fn flush(&self) -> Result<()> {
        let mut kept = self.kept()?;
        kept.flushed = kept.live.clone();
        Ok(())
    }

    fn is_lost(&self) -> bool {
        *lock(&self.lost)
    }
}

/// Every change under these locks is one step, so a panic elsewhere leaves nothing half done.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
