//! Opening and closing a store, and the threads it has in between.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread::JoinHandle;
use std::time::Duration;

use super::apply;
use super::blob::Blobs;
use super::commit::{Committer, Submitter};
use super::core::{Core, Phase};
use super::features::Features;
use super::format::StoreId;
use super::format::store_file::{Compatibility, StoreFormat};
use super::index::{IndexHome, SledHome};
use super::keeper::{self, Keeper, Task};
use super::keyring::{Keyring, KeyringError};
use super::log::LOG_DIR;
use super::options::LocalOptions;
use super::recover::{self, CLEAN, Started};
use super::sweep;
use super::vfs::{self, FsKind, Lock, LockError, RealVfs, Vfs, VfsError};
use crate::object::{Clock, EncryptionDefaults, KeyTemplates, MasterKeys};
use crate::store::StoreError;

pub(super) const FORMAT: &str = "FORMAT";
const LOCK: &str = "LOCK";
const INDEX: &str = "index";
/// Where blobs go that no record names.
pub(super) const QUARANTINE: &str = "quarantine";
/// No FORMAT is longer.
const MAX_FORMAT: usize = 1 << 16;
/// How long opening waits for a store that is ready in no time, so that the first request after
/// the start of a small store need not be turned away.
const GRACE: Duration = Duration::from_millis(200);
/// How many batches may wait for the index.
const BATCHES_AHEAD: usize = 1;

/// Why a directory could not be opened as a store.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process has it open.
    #[error("{path} is in use by another process: {by}")]
    Locked {
        /// The directory.
        path: String,
        /// What that process says about itself.
        by: String,
    },
    /// It is on a file system across a network.
    #[error(
        "{path} is on {kind}, a network file system, whose locks and syncs are not to be trusted"
    )]
    Network {
        /// The directory.
        path: String,
        /// Which file system.
        kind: &'static str,
    },
    /// It is no store, or one of a later version.
    #[error("{path}: {why}")]
    Format {
        /// The file.
        path: String,
        /// What is wrong with it.
        why: String,
    },
    /// The file system failed.
    #[error("{doing}: {source}")]
    Io {
        /// What was being done.
        doing: String,
        /// The system's own words.
        source: std::io::Error,
    },
}

/// Objects in a directory of the local disk.
///
/// Opening returns at once; what must be read first is read by a thread, and calls are answered
/// with [`StoreError::Rebuilding`] until then. Dropping it stops its threads and waits for the work
/// of calls that were cut off; only [`LocalStore::close`] makes the next opening quick.
pub struct LocalStore {
    pub(super) core: Arc<Core>,
    pub(super) submitter: Submitter,
    pub(super) keeper: Keeper,
    home: Arc<dyn IndexHome>,
    threads: Mutex<Vec<JoinHandle<()>>>,
    lock: Mutex<Option<Box<dyn Lock>>>,
}

/// Where the threads of a store get their work from.
struct Queues {
    commands: mpsc::Receiver<super::commit::Request>,
    tasks: mpsc::Receiver<Task>,
}

impl From<VfsError> for OpenError {
    fn from(error: VfsError) -> Self {
        Self::Io { doing: error.doing, source: error.source }
    }
}

impl LocalStore {
    /// Opens the store in `dir`, or makes one where there is none.
    pub fn open(
        dir: &Path,
        options: LocalOptions,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, OpenError> {
        Self::open_counting(dir, options, KeyTemplates::default(), clock)
    }

    /// The same, where objects are counted by these templates from the first record on that is
    /// read.
    pub fn open_counting(
        dir: &Path,
        options: LocalOptions,
        templates: KeyTemplates,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, OpenError> {
        let vfs = Arc::new(RealVfs::open(dir)?);
        let home = Arc::new(sled_home(&vfs, &options));
        Self::open_on(vfs, home, options, templates, clock)
    }

    /// Opens the store on these files and with this index.
    pub(crate) fn open_on(
        vfs: Arc<dyn Vfs>,
        home: Arc<dyn IndexHome>,
        options: LocalOptions,
        templates: KeyTemplates,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, OpenError> {
        let Prepared { core, lock } = prepare(vfs, options, clock)?;
        core.set_templates(templates);
        let (commands, command_queue) = mpsc::channel();
        let (tasks, task_queue) = mpsc::channel();
        let queues = Queues { commands: command_queue, tasks: task_queue };
        let store = Self {
            core,
            submitter: Submitter::new(commands),
            keeper: Keeper::new(tasks),
            home,
            threads: Mutex::default(),
            lock: Mutex::new(Some(lock)),
        };
        store.launch(queues)?;
        Ok(store)
    }

    /// Starts the thread that starts all others.
    fn launch(&self, queues: Queues) -> Result<(), OpenError> {
        let (core, home) = (Arc::clone(&self.core), Arc::clone(&self.home));
        let keeper = self.keeper.clone();
        let (ready, is_ready) = mpsc::channel();
        self.spawn("store-log", move || {
            let learning = core.keyring.learning();
            let started = recover::start(&core, &*home).and_then(|started| {
                let files = core.read_only().is_none().then_some(&*core.vfs);
                learning.learn(files, &core.catalog()?)?;
                Ok(started)
            });
            let started = match started {
                Ok(started) => started,
                Err(error) => {
                    let reason = error.to_string();
                    core.make_read_only(reason.clone());
                    core.phase.send_replace(Phase::Failed(reason));
                    return;
                }
            };
            // Whoever opened the store may have stopped waiting.
            let announce = move || {
                let _ = ready.send(());
            };
            run_threads(&core, queues, &keeper, started, announce);
        })?;
        // Not ready yet is no failure, nor is having failed: both are the phase's to tell.
        let _ = is_ready.recv_timeout(GRACE);
        Ok(())
    }

    fn spawn(&self, name: &str, work: impl FnOnce() + Send + 'static) -> Result<(), OpenError> {
        let thread = spawn(name, work)?;
        self.threads.lock().unwrap_or_else(PoisonError::into_inner).push(thread);
        Ok(())
    }

    /// How far the start is.
    pub fn phase(&self) -> Phase {
        self.core.phase.borrow().clone()
    }

    /// Waits until the store is ready; an error where it cannot be.
    pub async fn ready(&self) -> Result<(), StoreError> {
        let mut phase = self.core.phase.subscribe();
        let settled = |phase: &Phase| matches!(phase, Phase::Ready | Phase::Failed(_));
        let failed = match phase.wait_for(settled).await.as_deref() {
            Ok(Phase::Failed(reason)) => Some(reason.clone()),
            Ok(_) => None,
            Err(_) => return Err(StoreError::Closing),
        };
        match failed {
            Some(what) => Err(StoreError::Damaged { what }),
            None => Ok(()),
        }
    }

    /// Takes over master keys, and which buckets encrypt what nobody asked to be encrypted. Without
    /// any key the store makes one of its own when the first is needed.
    ///
    /// Refused, and nothing changed, where objects are encrypted with a key that is not among them,
    /// unless `allow_missing` is set: they answer an error then. Refused as well where another key
    /// has the id of theirs. Blocks where nothing but the index knows which keys those are, until it
    /// has been made.
    pub fn set_encryption(
        &self,
        keys: MasterKeys,
        defaults: EncryptionDefaults,
        allow_missing: bool,
    ) -> Result<(), KeyringError> {
        self.core.keyring.set(keys, defaults, allow_missing)
    }

    /// Why the store takes no writes, if that is so.
    pub fn read_only_reason(&self) -> Option<String> {
        self.core.read_only().map(str::to_owned)
    }

    /// Stops the store so that the next opening is quick: writes what waits, makes the index
    /// durable and notes so. Blocks. Calls that come later are answered with
    /// [`StoreError::Closing`]; what earlier ones have begun has ended when this returns, so that
    /// whoever opens the directory next is alone with it.
    pub fn close(&self) -> Result<(), StoreError> {
        self.stop();
        let lock = self.lock.lock().unwrap_or_else(PoisonError::into_inner).take();
        let is_open = lock.is_some() && *self.core.phase.borrow() == Phase::Ready;
        let closed = if is_open { close_index(&self.core, &*self.home) } else { Ok(()) };
        // An open index writes by itself.
        self.core.set_catalog(None);
        drop(lock);
        closed
    }

    /// Ends the threads; they finish what they have.
    fn stop(&self) {
        self.core.begin_closing();
        self.submitter.stop();
        self.keeper.tell(Task::Stop);
        let threads =
            std::mem::take(&mut *self.threads.lock().unwrap_or_else(PoisonError::into_inner));
        for thread in threads {
            // A thread that panicked has said so already.
            let _ = thread.join();
        }
    }
}

impl Drop for LocalStore {
    fn drop(&mut self) {
        self.stop();
        self.core.set_catalog(None);
    }
}

impl fmt::Debug for LocalStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocalStore").field("phase", &self.phase()).finish_non_exhaustive()
    }
}

fn spawn(name: &str, work: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>, OpenError> {
    std::thread::Builder::new()
        .name(name.to_owned())
        .spawn(work)
        .map_err(|source| OpenError::Io { doing: format!("start the thread {name}"), source })
}

/// Runs the committer on this thread, the index and the keeper on threads of their own, until the
/// store is closed.
fn run_threads(
    core: &Arc<Core>,
    queues: Queues,
    keeper: &Keeper,
    started: Started,
    announce: impl FnOnce(),
) {
    let fail = |error: &dyn fmt::Display| {
        core.make_read_only(error.to_string());
        core.phase.send_replace(Phase::Failed(error.to_string()));
    };
    let (batches, batch_queue) = mpsc::sync_channel(BATCHES_AHEAD);
    let committer = started.log.map(|log| {
        let (core, keeper) = (Arc::clone(core), keeper.clone());
        Committer::new(core, queues.commands, batches, keeper, log, started.last)
    });
    let committer = match committer.transpose() {
        Ok(committer) => committer,
        Err(error) => return fail(&error),
    };
    let applier = {
        let (core, keeper) = (Arc::clone(core), keeper.clone());
        spawn("store-index", move || apply::run(&core, &batch_queue, &keeper))
    };
    let housekeeper = {
        let core = Arc::clone(core);
        spawn("store-keeper", move || keeper::run(&core, &queues.tasks))
    };
    let (applier, housekeeper) = match (applier, housekeeper) {
        (Ok(applier), Ok(housekeeper)) => (applier, housekeeper),
        (Err(error), _) | (_, Err(error)) => return fail(&error),
    };
    core.look_at_room();
    if started.crashed && core.read_only().is_none() {
        // What is there before the first new blob can be told from it.
        match sweep::candidates(core) {
            Ok(blobs) => keeper.tell(Task::Sweep(blobs)),
            Err(error) => tracing::warn!(%error, "the blobs cannot be listed"),
        }
    }
    keeper.tell(Task::ClearLedgers);
    keeper.tell(Task::Compare);
    keeper.tell(Task::Discard { first: started.first, reply: None });
    // What is sealed already costs one read of its end.
    for (segment, last_lsn) in started.full {
        keeper.tell(Task::Seal { segment, last_lsn, done: None });
    }
    core.phase.send_replace(Phase::Ready);
    announce();
    if let Some(committer) = committer {
        committer.run();
    }
    for thread in [applier, housekeeper] {
        // A thread that panicked has said so already.
        let _ = thread.join();
    }
}

/// Notes that everything is durable, and closes the index. Nothing may be written any more.
pub(super) fn close_index(core: &Core, home: &dyn IndexHome) -> Result<(), StoreError> {
    let catalog = core.catalog()?;
    let mut is_clean = core.read_only().is_none();
    if is_clean {
        core.collect_garbage();
        // What nothing tells of is found by the next start, if this was no clean end.
        is_clean = core.garbage.all_are_told_of();
        keeper::write_checkpoint(core)?;
    }
    core.set_catalog(None);
    let index = catalog.into_index();
    // While a reader still has it, it stays open, and it writes whenever it likes.
    is_clean &= Arc::strong_count(&index) == 1;
    home.close(index)?;
    if is_clean {
        // Last of all, because closing still writes to the index.
        recover::write_clean(core)?;
    }
    Ok(())
}

/// A directory that is locked and known to be a store.
pub(super) struct Prepared {
    pub(super) core: Arc<Core>,
    pub(super) lock: Box<dyn Lock>,
}

/// Everything of an opening that comes before the log is read.
pub(super) fn prepare(
    vfs: Arc<dyn Vfs>,
    options: LocalOptions,
    clock: Arc<dyn Clock>,
) -> Result<Prepared, OpenError> {
    let options = options.limited();
    let lock = lock(&*vfs)?;
    check_file_system(&*vfs, &options)?;
    vfs.clear_unnamed()?;
    let Found { store, read_only, features } = open_format(&*vfs)?;
    let keyring = Keyring::open(&*vfs, store, Arc::clone(&features))?;
    for dir in [LOG_DIR, QUARANTINE] {
        vfs.create_dir(Path::new(dir))?;
    }
    let blobs = Blobs::open(Arc::clone(&vfs))?;
    // Names that are there already may be known to nothing but the cache.
    vfs.sync_dir(Path::new(""))?;
    let core = Arc::new(Core::new(vfs, blobs, (store, keyring, features), options, clock));
    if let Some(feature) = read_only {
        core.make_read_only(format!("the store has the feature {feature}, unknown here"));
    }
    Ok(Prepared { core, lock })
}

/// The index of the store in a directory of the local disk.
pub(super) fn sled_home(vfs: &Arc<RealVfs>, options: &LocalOptions) -> SledHome {
    SledHome::new(Arc::clone(vfs), PathBuf::from(INDEX), options.cache_bytes)
}

fn lock(vfs: &dyn Vfs) -> Result<Box<dyn Lock>, OpenError> {
    let boot = vfs.boot_id()?;
    let holder = format!("process {} since boot {}", std::process::id(), boot.trim());
    vfs.lock(Path::new(LOCK), &holder).map_err(|error| match error {
        LockError::Held { by } => OpenError::Locked { path: vfs.describe(Path::new("")), by },
        LockError::Vfs(error) => error.into(),
    })
}

fn check_file_system(vfs: &dyn Vfs, options: &LocalOptions) -> Result<(), OpenError> {
    let path = vfs.describe(Path::new(""));
    match vfs.kind()? {
        FsKind::Network(kind) if !options.allow_network => Err(OpenError::Network { path, kind }),
        FsKind::Network(kind) => {
            tracing::warn!(path, kind, "the store is on a network file system");
            Ok(())
        }
        FsKind::Memory(kind) => {
            tracing::warn!(path, kind, "the store is in memory and will not survive the machine");
            Ok(())
        }
        FsKind::Unknown(number) => {
            tracing::warn!(path, number, "the store is on a file system that is not known");
            Ok(())
        }
        FsKind::Local(_) => Ok(()),
    }
}

/// What FORMAT says.
struct Found {
    store: StoreId,
    /// The feature that forbids writing, if there is one.
    read_only: Option<String>,
    features: Arc<Features>,
}

/// Reads FORMAT, or writes it in an empty directory.
fn open_format(vfs: &dyn Vfs) -> Result<Found, OpenError> {
    let path = Path::new(FORMAT);
    let refuse = |why: String| OpenError::Format { path: vfs.describe(path), why };
    let Some(content) = vfs::read_whole(vfs, path, MAX_FORMAT)? else {
        // Someone's other directory, or a store without its FORMAT, is nobody's to write into.
        if vfs.stat(Path::new(LOG_DIR))?.is_some() || vfs.stat(Path::new(CLEAN))?.is_some() {
            return Err(refuse("is missing, and the directory is not empty".to_owned()));
        }
        let store = StoreId(uuid::Uuid::new_v4().into_bytes());
        let format = StoreFormat::new(store);
        vfs::replace_file(vfs, path, &format.encode())?;
        return Ok(Found { store, read_only: None, features: Arc::new(Features::new(format)) });
    };
    let format = StoreFormat::decode(&content).map_err(|flaw| refuse(flaw.to_string()))?;
    let store = format.store().map_err(|flaw| refuse(flaw.to_string()))?;
    let read_only = match format.compatibility() {
        Compatibility::Full => None,
        Compatibility::ReadOnly(feature) => Some(feature),
        Compatibility::Refused(what) => {
            return Err(refuse(format!("the store has {what}, which this version does not know")));
        }
    };
    Ok(Found { store, read_only, features: Arc::new(Features::new(format)) })
}
