//! The keeper's thread: checkpoints, sealing, garbage, and an eye on the room that is left.

use std::collections::{HashSet, VecDeque};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use super::apply::checkpoint_is_due;
use super::catalog::Applied;
use super::compact::{Discards, Freed};
use super::core::Core;
use super::format::checkpoint::Checkpoint;
use super::format::entry::SCHEMA;
use super::format::place::{BlobId, BucketId};
use super::log;
use super::recount::{Recounts, Reply};
use super::sweep;
use super::vfs::{self, Access, Vfs};
use crate::store::StoreError;

/// The two checkpoints.
const CHECKPOINTS: [&str; 2] = ["CHECKPOINT.a", "CHECKPOINT.b"];
/// How large one may be.
const MAX_CHECKPOINT: usize = 1 << 30;
/// How often the room that is left is looked at.
const TICK: Duration = Duration::from_secs(1);

/// How many ledger records of a bucket that is gone are cleared before other work is looked at.
const CLEARED_AT_ONCE: usize = 1000;

/// How long others may write between two portions of a recount.
const RECOUNT_PAUSE: Duration = Duration::from_millis(1);

/// How soon it is looked again whether older reads are still at the log.
const READERS_PAUSE: Duration = Duration::from_millis(5);

/// What the keeper is told.
pub(crate) enum Task {
    /// Seal a segment that is written no more.
    Seal {
        /// Which.
        segment: u64,
        /// Its last record.
        last_lsn: u64,
        /// Dropped when that is done, or cannot be.
        done: Option<oneshot::Sender<()>>,
    },
    /// Remove the segments before this one, which the log does not begin with any more.
    Discard {
        /// The segment that it begins with.
        first: u64,
        /// Who wants to know, if anybody does.
        reply: Option<Freed>,
    },
    /// Put these files into quarantine if nothing leads to them.
    Sweep(Vec<BlobId>),
    /// Clear the ledger of a bucket that is gone.
    ClearLedger(BucketId),
    /// Clear what a stop left of the ledgers of buckets that are gone.
    ClearLedgers,
    /// Count a bucket anew.
    Recount(BucketId, Reply),
    /// Count anew whatever is not counted as it should be.
    Compare,
    /// See whether a checkpoint is due.
    Wake,
    /// End.
    Stop,
}

/// Where tasks for the keeper are put.
#[derive(Clone)]
pub(crate) struct Keeper(Sender<Task>);

impl Keeper {
    /// Puts tasks into `queue`.
    pub(crate) fn new(queue: Sender<Task>) -> Self {
        Self(queue)
    }

    /// Gives the keeper something to do.
    pub(crate) fn tell(&self, task: Task) {
        // A keeper that has ended has nothing to do any more.
        let _ = self.0.send(task);
    }

    /// A checkpoint is due.
    pub(crate) fn wake(&self) {
        self.tell(Task::Wake);
    }
}

/// Works until it is told to stop.
pub(crate) fn run(core: &Core, tasks: &Receiver<Task>) {
    let interval = core.options.checkpoint_interval;
    let tick = TICK.min(interval);
    let mut since_checkpoint = Duration::ZERO;
    let mut ticked = Instant::now();
    let mut gone = VecDeque::new();
    let mut recounts = Recounts::default();
    let mut discards = Discards::default();
    loop {
        let left = tick.saturating_sub(ticked.elapsed());
        let wait = match (gone.is_empty(), recounts.is_empty()) {
            (false, _) => Duration::ZERO,
            (true, false) => RECOUNT_PAUSE,
            (true, true) if discards.is_empty() => left,
            (true, true) => left.min(READERS_PAUSE),
        };
        match tasks.recv_timeout(wait) {
            Ok(Task::Stop) | Err(RecvTimeoutError::Disconnected) => return,
            Ok(Task::Seal { segment, last_lsn, done }) => {
                seal(core, segment, last_lsn);
                drop(done);
            }
            Ok(Task::Discard { first, reply }) => discards.add(core, first, reply),
            Ok(Task::Sweep(orphans)) => sweep(core, orphans),
            Ok(Task::ClearLedger(bucket)) => gone.push_back(bucket),
            Ok(Task::ClearLedgers) => gone.extend(ledgers_left(core)),
            Ok(Task::Recount(bucket, reply)) => recounts.add(core, bucket, Some(reply)),
            Ok(Task::Compare) => recounts.compare(core),
            Ok(Task::Wake) | Err(RecvTimeoutError::Timeout) => {}
        }
        clear_some(core, &mut gone);
        recounts.go_on(core);
        discards.go_on(core);
        let passed = ticked.elapsed();
        if passed >= tick {
            (ticked, since_checkpoint) = (Instant::now(), since_checkpoint + passed);
            core.collect_garbage();
            core.look_at_room();
        }
        if checkpoint_is_due(core) || since_checkpoint >= interval {
            since_checkpoint = Duration::ZERO;
            forget_completed(core);
            match checkpoint(core) {
                Ok(()) => {}
                // The next one may find room again; until then the log to replay grows.
                Err(StoreError::StorageFull) => tracing::warn!("no room for a checkpoint"),
                Err(error) => core.make_read_only(format!("a checkpoint failed: {error}")),
            }
        }
    }
}

fn forget_completed(core: &Core) {
    let deadline = core.remembered_since();
    let forgotten = core
        .catalog()
        .and_then(|catalog| catalog.forget_completed(|completed| completed.time < deadline));
    if let Err(error) = forgotten {
        tracing::warn!(%error, "completed uploads are not forgotten");
    }
}

/// The buckets that are gone and of which there are ledger records.
fn ledgers_left(core: &Core) -> Vec<BucketId> {
    let ledgers = match core.catalog().and_then(|catalog| catalog.ledgers()) {
        Ok(ledgers) => ledgers,
        Err(error) => {
            tracing::warn!(%error, "ledgers of removed buckets are not looked for");
            return Vec::new();
        }
    };
    // Looked up later than the ledgers: no bucket has a record before it is there.
    let alive: HashSet<BucketId> = core.buckets().values().map(|bucket| bucket.id).collect();
    ledgers.into_iter().filter(|bucket| !alive.contains(bucket)).collect()
}

/// Clears the ledgers of buckets that are gone a little further. What a stop leaves of them is
/// found by the next start.
fn clear_some(core: &Core, gone: &mut VecDeque<BucketId>) {
    let Some(bucket) = gone.front() else { return };
    if core.read_only().is_some() {
        gone.clear();
        return;
    }
    let cleared =
        core.catalog().and_then(|catalog| catalog.clear_entries(*bucket, CLEARED_AT_ONCE));
    match cleared {
        Ok(true) => {}
        Ok(false) => {
            gone.pop_front();
        }
        Err(error) => {
            tracing::warn!(%error, "the ledger of a removed bucket is not cleared");
            gone.pop_front();
        }
    }
}

fn sweep(core: &Core, candidates: Vec<BlobId>) {
    match sweep::quarantine(core, candidates) {
        Ok(0) => {}
        Ok(moved) => tracing::warn!(moved, "files that no record names are in quarantine now"),
        Err(error) => tracing::warn!(%error, "files that no record names are not looked for"),
    }
}

fn seal(core: &Core, segment: u64, last_lsn: u64) {
    // One that is about to be removed, or is removed, needs it no more.
    if core.read_only().is_some() || segment < core.progress().first {
        return;
    }
    if let Err(error) = log::seal(&*core.vfs, core.store, segment, last_lsn) {
        // An unsealed segment is read record by record: slower, nothing else.
        tracing::warn!(segment, %error, "a segment is not sealed");
        if !error.is_full() && error.source.kind() != std::io::ErrorKind::InvalidData {
            core.make_read_only(error.to_string());
        }
    }
}

/// Makes the index durable and notes how far it is, where there is anything new.
pub(crate) fn checkpoint(core: &Core) -> Result<(), StoreError> {
    if core.progress().records == 0 {
        return Ok(());
    }
    write_checkpoint(core)
}

/// Makes the index durable and notes how far it is.
pub(crate) fn write_checkpoint(core: &Core) -> Result<(), StoreError> {
    let catalog = core.catalog()?;
    let (progress, buckets, settings) = {
        let mut progress = core.progress();
        let taken = progress.clone();
        (progress.records, progress.bytes) = (0, 0);
        (taken, core.buckets(), core.settings.rows())
    };
    let lsn = progress.applied;
    catalog.set_applied(Applied { store: core.store, schema: SCHEMA, lsn })?;
    catalog.index().flush()?;
    let last = read_checkpoints(&*core.vfs)?;
    let sequence = last.as_ref().map_or(1, |(_, checkpoint)| checkpoint.sequence + 1);
    let place = last.map_or(0, |(place, _)| 1 - place.min(1));
    let checkpoint = Checkpoint {
        store: core.store,
        sequence,
        boot_id: core.vfs.boot_id()?,
        applied: lsn,
        position: progress.position,
        segments: progress.tally.segment_rows(),
        usage: progress.tally.usage_rows(),
        buckets: buckets.into_iter().collect(),
        damage: core.damage(),
        settings,
    };
    let name = CHECKPOINTS.get(place).copied().unwrap_or("CHECKPOINT.a");
    Ok(overwrite(&*core.vfs, Path::new(name), &checkpoint.encode())?)
}

/// Writes a file in place: what it loses in a crash, the other checkpoint has.
fn overwrite(vfs: &dyn Vfs, path: &Path, content: &[u8]) -> vfs::Result<()> {
    let (file, is_new) = match vfs.open(path, Access::Write) {
        Err(error) if error.is_not_found() => (vfs.create(path)?, true),
        opened => (opened?, false),
    };
    file.write_at(content, 0)?;
    file.set_len(content.len() as u64)?;
    file.sync_data()?;
    if is_new { vfs.sync_dir(Path::new("")) } else { Ok(()) }
}

/// The newer of the checkpoints that can be read, and which it is.
pub(crate) fn read_checkpoints(vfs: &dyn Vfs) -> vfs::Result<Option<(usize, Checkpoint)>> {
    let mut newest: Option<(usize, Checkpoint)> = None;
    for (place, name) in CHECKPOINTS.into_iter().enumerate() {
        let content = vfs::read_whole(vfs, &PathBuf::from(name), MAX_CHECKPOINT)?;
        let Some(Ok(checkpoint)) = content.map(|content| Checkpoint::decode(&content)) else {
            continue;
        };
        if newest.as_ref().is_none_or(|(_, other)| other.sequence < checkpoint.sequence) {
            newest = Some((place, checkpoint));
        }
    }
    Ok(newest)
}
