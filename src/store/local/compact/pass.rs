//! One pass over the oldest segments, a step at a time.

use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::future::join_all;
use tokio::sync::{OwnedMutexGuard, oneshot};

use super::super::LocalStore;
use super::super::commit::{Command, Move, Moved, Outcome};
use super::super::core::Core;
use super::super::format::store_file::Feature;
use super::super::keeper::Task;
use super::super::read::blocking;
use super::discard::leftovers;
use super::living::{Job, ManifestJob, look};
use super::proof::Proof;
use super::sizes::{LogUsage, measure};
use super::victim::{Line, Victim};
use super::{Compacted, Compaction, CompactionFigures};
use crate::store::{Result, StoreError};

/// How many segments are cleaned before the first of them is removed, where there is room.
const BATCH: u64 = 8;
/// How long a step waits for what others do.
const PATIENCE: Duration = Duration::from_millis(50);
/// What may be needed beside the bytes that are written anew.
const SLACK: u64 = 1 << 20;

/// What is under way.
pub(super) struct Pass {
    _turn: OwnedMutexGuard<()>,
    /// The last segment that is to be cleaned.
    last: u64,
    /// Those before this one are clean.
    clean: u64,
    /// How many of them are not removed.
    kept: u64,
    /// The segment that was last waited for to be sealed.
    awaited: u64,
    stage: Stage,
}

enum Stage {
    /// The next segment.
    Next,
    /// It is being sealed, if it can be.
    Sealing(oneshot::Receiver<()>),
    /// Its records, one after the other.
    Cleaning { victim: Box<Victim>, frees: bool },
    /// Nothing leads to the clean ones.
    Proving(Proof),
    /// The keeper removes them.
    Removing(oneshot::Receiver<Result<(u64, u64)>>),
}

/// What comes next, as the state of the log has it.
enum Next {
    Clean {
        victim: Box<Victim>,
        frees: bool,
    },
    /// This one with that last record is not sealed.
    Seal(u64, u64),
    Prove,
    End,
}

impl LocalStore {
    /// Looks for what is worth it.
    pub(super) async fn begin_pass(
        &self,
        work: &mut Compaction,
        turn: OwnedMutexGuard<()>,
    ) -> Result<Compacted> {
        let (sizes, first) = blocking(&self.core, |core| {
            let sizes = measure(core)?;
            let first = core.progress().first;
            Ok((sizes, (!leftovers(core, first)?.is_empty()).then_some(first)))
        })
        .await?;
        let usage = LogUsage::of(&sizes);
        work.figures.before.get_or_insert(usage);
        work.figures.now = Some(usage);
        let clean = sizes.first().map_or(0, |segment| segment.id);
        // What was to be removed before and is still there goes first.
        let stage = first.map_or(Stage::Next, |first| self.discard(first));
        let pass = |last| Pass { _turn: turn, last, clean, kept: 0, awaited: 0, stage };
        let Some(mut last) = work.goal(&self.core.options).last(&sizes) else {
            if first.is_some() {
                work.pass = Some(pass(0));
                return Ok(Compacted::More);
            }
            return Ok(Compacted::Done);
        };
        blocking(&self.core, |core| note_feature(core)).await?;
        if let Some(open) = sizes.last().filter(|open| open.id == last) {
            let before = sizes.iter().rev().nth(1).unwrap_or(open);
            match self.submitter.submit(Command::Roll).await {
                // There is no room for a segment more, but there may be some for what lives in
                // those that are full.
                Err(StoreError::StorageFull) if before.id < last => last = before.id,
                rolled => rolled.map(|_| ())?,
            }
        }
        let count = sizes.iter().filter(|segment| segment.id <= last).count() as u64;
        work.figures.segments += count;
        tracing::info!(segments = count, ?usage, "the log is compacted");
        work.pass = Some(pass(last));
        Ok(Compacted::More)
    }

    /// Does one thing more; without a pass, all is done that was to be done.
    pub(super) async fn go_on(
        &self,
        mut pass: Pass,
        figures: &mut CompactionFigures,
    ) -> Result<(Option<Pass>, Compacted)> {
        let mut compacted = Compacted::More;
        pass.stage = match pass.stage {
            Stage::Next => {
                let at = pass.at();
                match blocking(&self.core, move |core| next(core, at)).await? {
                    Next::Seal(segment, last_lsn) => {
                        // Hints save reading the bodies of what is dead; and until it is sealed or
                        // cannot be, the end of the file may move under its reader.
                        pass.awaited = segment;
                        let (done, sealed) = oneshot::channel();
                        self.keeper.tell(Task::Seal { segment, last_lsn, done: Some(done) });
                        Stage::Sealing(sealed)
                    }
                    Next::Clean { victim, frees } => Stage::Cleaning { victim, frees },
                    Next::Prove => Stage::Proving(Proof::new(pass.clean)),
                    Next::End => return Ok((None, Compacted::Done)),
                }
            }
            Stage::Sealing(mut sealed) => {
                if tokio::time::timeout(PATIENCE, &mut sealed).await.is_ok() {
                    Stage::Next
                } else {
                    compacted = Compacted::Wait;
                    Stage::Sealing(sealed)
                }
            }
            Stage::Cleaning { mut victim, frees } => {
                let (mut victim, portion) = blocking(&self.core, move |core| {
                    let _reading = core.garbage.enter();
                    let portion = look(core, &mut victim, frees)?;
                    Ok((victim, portion))
                })
                .await?;
                figures.records += portion.looked_at;
                let again = self.carry_out(portion.jobs, figures).await?;
                let done = portion.is_last && again.is_empty();
                again.into_iter().rev().for_each(|line| victim.again(line));
                if done {
                    (pass.clean, pass.kept) = (victim.id + 1, pass.kept + 1);
                    figures.cleaned += 1;
                    Stage::Next
                } else {
                    Stage::Cleaning { victim, frees }
                }
            }
            Stage::Proving(mut proof) => {
                let (proof, proven) = blocking(&self.core, move |core| {
                    let proven = proof.go_on(core)?;
                    Ok((proof, proven))
                })
                .await?;
                if proven { self.remove(proof.first).await? } else { Stage::Proving(proof) }
            }
            Stage::Removing(mut freed) => match tokio::time::timeout(PATIENCE, &mut freed).await {
                Err(_) => {
                    compacted = Compacted::Wait;
                    Stage::Removing(freed)
                }
                Ok(Err(_)) => return Err(StoreError::Closing),
                Ok(Ok(removed)) => {
                    let (removed, freed) = removed?;
                    figures.removed += removed;
                    figures.freed += freed;
                    pass.kept = 0;
                    Stage::Next
                }
            },
        };
        Ok((Some(pass), compacted))
    }

    /// The log begins later, and the keeper is told to remove what lies before.
    async fn remove(&self, first: u64) -> Result<Stage> {
        self.core.believe_all()?;
        self.submitter.submit(Command::Trim { first }).await?;
        Ok(self.discard(first))
    }

    fn discard(&self, first: u64) -> Stage {
        let (reply, freed) = oneshot::channel();
        self.keeper.tell(Task::Discard { first, reply: Some(reply) });
        Stage::Removing(freed)
    }

    /// Writes anew what is there; gives those records back whose ground moved.
    async fn carry_out(
        &self,
        jobs: Vec<(Line, Job)>,
        figures: &mut CompactionFigures,
    ) -> Result<Vec<Line>> {
        let (lines, jobs): (Vec<Line>, Vec<Job>) = jobs.into_iter().unzip();
        let done = join_all(jobs.into_iter().map(|job| self.carry_out_one(job))).await;
        let mut again = Vec::new();
        let mut failed = None;
        for (line, done) in lines.into_iter().zip(done) {
            match done {
                Ok(true) => {
                    figures.moved += 1;
                    figures.moved_bytes += u64::from(line.0.len);
                }
                Ok(false) => again.push(line),
                Err(error) => failed = Some(error),
            }
        }
        failed.map_or(Ok(again), Err)
    }

    /// Says whether it was written.
    async fn carry_out_one(&self, job: Job) -> Result<bool> {
        let wanted = match job {
            Job::Move(wanted) => wanted,
            Job::Manifest(job) => match self.place(*job).await? {
                Some(wanted) => Box::new(wanted),
                None => return Ok(false),
            },
        };
        let outcome = self.submitter.submit(Command::Move(wanted)).await?;
        Ok(matches!(outcome, Outcome::Done(_)))
    }

    /// Writes the bytes of parts, and says which record makes the object have them.
    async fn place(&self, job: ManifestJob) -> Result<Option<Move>> {
        let part = |bytes: &bytes::Bytes| {
            let what = Moved::Part(job.at().clone(), bytes.clone());
            let wanted = Move { bucket: job.bucket.clone(), what, frees: job.frees };
            self.submitter.submit(Command::Move(Box::new(wanted)))
        };
        let placed = join_all(job.parts.iter().map(|(_, _, bytes)| part(bytes))).await;
        let mut records = BTreeMap::new();
        for ((place, ..), outcome) in job.parts.iter().zip(placed) {
            match outcome? {
                Outcome::Placed(record) => records.insert(*place, record),
                _ => return Ok(None),
            };
        }
        Ok(Some(job.finish(&records)))
    }
}

/// Older versions have to keep off from here on.
fn note_feature(core: &Core) -> Result<()> {
    let note = || core.features.note(&*core.vfs, Feature::Compacted);
    match note() {
        Err(error) if error.is_full() && core.reserve.give_up(&*core.vfs) => Ok(note()?),
        noted => Ok(noted?),
    }
}

/// How far a pass is.
#[derive(Clone, Copy)]
struct At {
    last: u64,
    clean: u64,
    kept: u64,
    awaited: u64,
}

impl Pass {
    fn at(&self) -> At {
        let Self { last, clean, kept, awaited, .. } = *self;
        At { last, clean, kept, awaited }
    }
}

/// What comes after the segments that are clean.
fn next(core: &Core, At { last, clean, kept, awaited }: At) -> Result<Next> {
    let rows = core.progress().tally.segment_rows();
    let at = rows.iter().position(|row| row.id >= clean && row.id <= last);
    let space = core.vfs.space()?;
    let scarce = space.free_bytes < core.options.segment_size.saturating_mul(BATCH / 2);
    if kept > 0 && (at.is_none() || kept >= BATCH || scarce) {
        return Ok(Next::Prove);
    }
    let Some(row) = at.and_then(|at| rows.get(at)) else { return Ok(Next::End) };
    let Some(behind) = rows.iter().find(|behind| behind.id > row.id) else {
        return Ok(Next::End);
    };
    // What it takes is less than what it gives back, and leaves enough for deletes.
    let frees = row.live <= core.options.reserve / 2;
    if space.free_bytes < row.live.saturating_add(SLACK) && !frees {
        return Err(StoreError::StorageFull);
    }
    let last_lsn = behind.first_lsn.saturating_sub(1);
    if awaited != row.id && !Victim::is_sealed(core, row.id)? {
        return Ok(Next::Seal(row.id, last_lsn));
    }
    let victim = Victim::open(core, row.id, row.first_lsn, last_lsn)?;
    Ok(Next::Clean { victim: Box::new(victim), frees })
}
