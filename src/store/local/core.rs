//! What the threads of an open store share.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, RwLock, RwLockReadGuard};

use tokio::sync::watch;

use super::blob::{Blobs, Published};
use super::catalog::Catalog;
use super::compact::Turns;
use super::features::Features;
use super::format::StoreId;
use super::format::checkpoint::{Damage, Position, Usage};
use super::format::entry::BucketEntry;
use super::format::place::{BlobId, BucketId};
use super::format::subject;
use super::garbage::Garbage;
use super::keyring::Keyring;
use super::log::LogReader;
use super::options::LocalOptions;
use super::reserve::Reserve;
use super::room::Room;
use super::settings::Settings;
use super::tally::Tally;
use super::vfs::Vfs;
use crate::object::{BucketName, Clock, KeyTemplate, KeyTemplates, Timestamp};
use crate::store::StoreError;

/// How far the start of a store is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Phase {
    /// The log's end is read and the index is opened; nothing can be answered yet.
    Opening,
    /// The index is made anew: what is found can be read, all else is not known yet.
    Rebuilding {
        /// Segments that are done.
        done: u64,
        /// Segments there are.
        total: u64,
    },
    /// Everything works.
    Ready,
    /// The store could not be opened; the text is for the operator.
    Failed(String),
}

/// The shared state of a store.
pub(crate) struct Core {
    /// Its files.
    pub(crate) vfs: Arc<dyn Vfs>,
    /// Its larger bodies.
    pub(crate) blobs: Blobs,
    /// Its id.
    pub(crate) store: StoreId,
    /// Its settings.
    pub(crate) options: LocalOptions,
    /// Its time.
    pub(crate) clock: Arc<dyn Clock>,
    /// Its master keys.
    pub(crate) keyring: Keyring,
    /// What its FORMAT says.
    pub(crate) features: Arc<Features>,
    /// Its records.
    pub(crate) log: LogReader,
    /// Its dead files and its readers.
    pub(crate) garbage: Arc<Garbage>,
    /// Its ballast.
    pub(crate) reserve: Reserve,
    /// What is known of the room that is left.
    pub(crate) room: Room,
    /// Its buckets' settings.
    pub(crate) settings: Settings,
    /// Whose turn it is to compact its log.
    pub(crate) turns: Turns,
    /// How far its start is.
    pub(crate) phase: watch::Sender<Phase>,
    catalog: RwLock<Option<Catalog>>,
    buckets: RwLock<BTreeMap<String, BucketEntry>>,
    progress: Mutex<Progress>,
    /// Held while a batch is applied, from the first change of the index to the counters.
    applying: Mutex<()>,
    templates: RwLock<KeyTemplates>,
    applied: AtomicU64,
    damage: RwLock<Vec<Damage>>,
    read_only: OnceLock<String>,
    closing: AtomicBool,
    /// Shared by the work that goes on for callers; held alone to wait for its end.
    work: RwLock<()>,
}

/// How far the index is, and what is counted up to there. Always changed together.
#[derive(Debug, Clone, Default)]
pub(crate) struct Progress {
    /// The last record that is applied.
    pub(crate) applied: u64,
    /// Where the next one starts.
    pub(crate) position: Position,
    /// The counters.
    pub(crate) tally: Tally,
    /// The segment that the log begins with; those before it, as far as they are there, are about
    /// to be removed.
    pub(crate) first: u64,
    /// Records applied since the last checkpoint.
    pub(crate) records: u64,
    /// Their bytes.
    pub(crate) bytes: u64,
}

/// A blob that is there and that no record names yet. Dropped so, it is removed.
pub(crate) struct PendingBlob {
    garbage: Arc<Garbage>,
    published: Published,
    keep: AtomicBool,
}

impl Core {
    /// The state of a store that is about to be opened.
    pub(crate) fn new(
        vfs: Arc<dyn Vfs>,
        blobs: Blobs,
        (store, keyring, features): (StoreId, Keyring, Arc<Features>),
        options: LocalOptions,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self {
            log: LogReader::new(Arc::clone(&vfs), store),
            vfs,
            blobs,
            store,
            options,
            clock,
            keyring,
            features,
            garbage: Arc::default(),
            reserve: Reserve::default(),
            room: Room::default(),
            settings: Settings::default(),
            turns: Turns::default(),
            phase: watch::Sender::new(Phase::Opening),
            catalog: RwLock::default(),
            buckets: RwLock::default(),
            progress: Mutex::default(),
            applying: Mutex::default(),
            templates: RwLock::default(),
            applied: AtomicU64::new(0),
            damage: RwLock::default(),
            read_only: OnceLock::new(),
            closing: AtomicBool::new(false),
            work: RwLock::default(),
        }
    }

    /// The index, once it is open, wholly built or not.
    pub(crate) fn catalog(&self) -> Result<Catalog, StoreError> {
        let catalog = self.catalog.read().unwrap_or_else(PoisonError::into_inner);
        catalog.clone().ok_or(StoreError::Rebuilding)
    }

    /// The index, once it knows everything.
    pub(crate) fn whole_catalog(&self) -> Result<Catalog, StoreError> {
        if *self.phase.borrow() == Phase::Ready {
            self.catalog()
        } else {
            Err(StoreError::Rebuilding)
        }
    }

    /// Opens or takes away the index.
    pub(crate) fn set_catalog(&self, catalog: Option<Catalog>) {
        *self.catalog.write().unwrap_or_else(PoisonError::into_inner) = catalog;
    }

    /// A bucket.
    pub(crate) fn bucket(&self, name: &BucketName) -> Result<BucketEntry, StoreError> {
        self.catalog()?;
        let buckets = self.buckets.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(bucket) = buckets.get(name.as_str()) {
            return Ok(bucket.clone());
        }
        // What made it may be among what is lost.
        self.believe(|| subject(0, name.as_str()), 0)?;
        Err(StoreError::NoSuchBucket)
    }

    /// A bucket, for readers: buckets are known as soon as anything is.
    pub(crate) fn readable_bucket(&self, name: &BucketName) -> Result<BucketEntry, StoreError> {
        match *self.phase.borrow() {
            Phase::Ready | Phase::Rebuilding { .. } => self.bucket(name),
            Phase::Opening | Phase::Failed(_) => Err(StoreError::Rebuilding),
        }
    }

    /// All buckets.
    pub(crate) fn buckets(&self) -> BTreeMap<String, BucketEntry> {
        self.buckets.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Changes the buckets that readers see.
    pub(crate) fn with_buckets<T>(
        &self,
        change: impl FnOnce(&mut BTreeMap<String, BucketEntry>) -> T,
    ) -> T {
        change(&mut self.buckets.write().unwrap_or_else(PoisonError::into_inner))
    }

    /// How far the index is. Every change under the lock is one step.
    pub(crate) fn progress(&self) -> MutexGuard<'_, Progress> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// While this is held, index and counters are of one record, and stay so.
    pub(crate) fn stand_still(&self) -> MutexGuard<'_, ()> {
        self.applying.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// By which template the keys of a bucket are to be counted: its own, or that of `*`.
    pub(crate) fn template(&self, bucket: &str) -> Option<KeyTemplate> {
        let templates = self.templates.read().unwrap_or_else(PoisonError::into_inner);
        templates.of(bucket).cloned()
    }

    /// Sets the templates of all buckets. What is counted by others is not counted anew by this.
    pub(crate) fn set_templates(&self, templates: KeyTemplates) {
        *self.templates.write().unwrap_or_else(PoisonError::into_inner) = templates;
    }

    /// Uploads that were completed since then are remembered.
    pub(crate) fn remembered_since(&self) -> Timestamp {
        let memory = i64::try_from(self.options.completion_memory.as_millis()).unwrap_or(i64::MAX);
        Timestamp(self.clock.now().0.saturating_sub(memory))
    }

    /// The last record whose effects every reader sees.
    pub(crate) fn applied(&self) -> u64 {
        self.applied.load(Ordering::Acquire)
    }

    /// Readers see everything up to this record.
    pub(crate) fn set_applied(&self, lsn: u64) {
        self.applied.store(lsn, Ordering::Release);
    }

    /// Objects and bytes of a bucket.
    pub(crate) fn usage(&self, bucket: BucketId) -> Usage {
        self.progress().tally.bucket(bucket)
    }

    /// What the log has lost.
    pub(crate) fn damage(&self) -> Vec<Damage> {
        self.damage.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The log has lost this. The same may be found more than once.
    pub(crate) fn add_damage(&self, damage: impl IntoIterator<Item = Damage>) {
        let mut known = self.damage.write().unwrap_or_else(PoisonError::into_inner);
        for damage in damage {
            if !known.iter().any(|other| other.lsn == damage.lsn) {
                tracing::error!(what = damage.what, "the log is damaged");
                known.push(damage);
            }
        }
    }

    /// Whether what the index says of a key can be believed, where records were lost: `lsn` is
    /// that of the entry found, 0 where there was none.
    pub(crate) fn believe(
        &self,
        subject: impl FnOnce() -> u64,
        lsn: u64,
    ) -> Result<(), StoreError> {
        let damage = self.damage.read().unwrap_or_else(PoisonError::into_inner);
        if damage.is_empty() {
            return Ok(());
        }
        let subject = subject();
        let concerns = |damage: &&Damage| {
            damage.lsn > lsn && damage.subject.is_none_or(|lost| lost == subject)
        };
        match damage.iter().find(concerns) {
            None => Ok(()),
            Some(damage) => Err(StoreError::Damaged { what: damage.what.clone() }),
        }
    }

    /// Whether the index can be believed to have everything.
    pub(crate) fn believe_all(&self) -> Result<(), StoreError> {
        let damage = self.damage.read().unwrap_or_else(PoisonError::into_inner);
        match damage.first() {
            None => Ok(()),
            Some(damage) => Err(StoreError::Damaged { what: damage.what.clone() }),
        }
    }

    /// From here on nothing is written. Called at the first failure of the disk; later reasons
    /// are only its consequences.
    pub(crate) fn make_read_only(&self, reason: impl Into<String>) {
        let reason = reason.into();
        if self.read_only.set(reason.clone()).is_ok() {
            tracing::error!(%reason, "the store takes no more writes");
        }
    }

    /// Why nothing is written any more, if that is so.
    pub(crate) fn read_only(&self) -> Option<&str> {
        self.read_only.get().map(String::as_str)
    }

    /// The answer to a write if none is taken any more.
    pub(crate) fn refusal(&self) -> Result<(), StoreError> {
        if self.closing.load(Ordering::Acquire) {
            return Err(StoreError::Closing);
        }
        match self.read_only() {
            Some(reason) => Err(StoreError::ReadOnly { reason: reason.to_owned() }),
            None => Ok(()),
        }
    }

    /// Whether a write may begin.
    pub(crate) fn writable(&self) -> Result<(), StoreError> {
        self.refusal()?;
        match *self.phase.borrow() {
            Phase::Ready => Ok(()),
            _ => Err(StoreError::Rebuilding),
        }
    }

    /// Begins work for a caller: the store does not let go of its directory before this is dropped.
    /// Not to be taken twice by one thread.
    pub(crate) fn work(&self) -> Result<RwLockReadGuard<'_, ()>, StoreError> {
        let is_closing = || self.closing.load(Ordering::Acquire);
        // Looked at twice, so that nobody waits here for the end of what is under way.
        if is_closing() {
            return Err(StoreError::Closing);
        }
        let work = self.work.read().unwrap_or_else(PoisonError::into_inner);
        if is_closing() { Err(StoreError::Closing) } else { Ok(work) }
    }

    /// No more work is taken, and what was begun has ended: whoever asked for it may have been cut
    /// off, and then nobody else waits for it. Blocks.
    pub(crate) fn begin_closing(&self) {
        self.closing.store(true, Ordering::Release);
        drop(self.work.write());
    }
}

impl PendingBlob {
    /// Of a blob that was just published.
    pub(crate) fn new(core: &Core, published: Published) -> Self {
        core.garbage.expect_record();
        Self { garbage: Arc::clone(&core.garbage), published, keep: AtomicBool::new(false) }
    }

    /// The blob.
    pub(crate) fn id(&self) -> BlobId {
        self.published.id
    }

    /// The blob, and the directory to sync.
    pub(crate) fn published(&self) -> Published {
        self.published
    }

    /// A record names it, or may name it: it stays.
    pub(crate) fn keep(&self) {
        self.keep.store(true, Ordering::Release);
    }

    /// No record names it after all.
    pub(crate) fn release(&self) {
        self.keep.store(false, Ordering::Release);
    }
}

impl Drop for PendingBlob {
    fn drop(&mut self) {
        if !self.keep.load(Ordering::Acquire) {
            self.garbage.discard(self.published.id);
        }
        self.garbage.end_expecting();
    }
}
