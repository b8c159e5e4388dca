//! Removing the segments that the log does not begin with any more. Runs in the keeper's thread,
//! which also seals and writes checkpoints.

use std::collections::VecDeque;
use std::path::Path;

use tokio::sync::oneshot;

use super::super::core::Core;
use super::super::garbage::Barrier;
use super::super::keeper::write_checkpoint;
use super::super::log::{LOG_DIR, segment_ids, segment_path};
use crate::store::{Result, StoreError};

/// Where it is told how many segments were removed, and how many bytes that gave back.
pub(crate) type Freed = oneshot::Sender<Result<(u64, u64)>>;

/// What is to be removed, once no read that began before can come to it.
#[derive(Default)]
pub(crate) struct Discards(VecDeque<Discard>);

struct Discard {
    first: u64,
    before: Barrier,
    reply: Option<Freed>,
}

impl Discards {
    /// Whether nothing is to be removed.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The segments before `first` are to be removed, where there are any: no new read can come to
    /// them.
    pub(crate) fn add(&mut self, core: &Core, first: u64, reply: Option<Freed>) {
        match prepare(core, first) {
            Ok(true) => {
                let before = core.garbage.barrier();
                self.0.push_back(Discard { first, before, reply });
            }
            Ok(false) => answer(reply, Ok((0, 0))),
            Err(error) => answer(reply, Err(error)),
        }
    }

    /// Removes what nobody reads any more.
    pub(crate) fn go_on(&mut self, core: &Core) {
        let Some(next) = self.0.front() else { return };
        if !core.garbage.has_passed(next.before) {
            return;
        }
        let Some(Discard { first, reply, .. }) = self.0.pop_front() else { return };
        answer(reply, discard(core, first));
    }
}

fn answer(reply: Option<Freed>, done: Result<(u64, u64)>) {
    if let Err(error) = &done {
        // The next compaction or start removes them.
        tracing::warn!(%error, "old segments of the log are not removed");
    }
    if let Some(reply) = reply {
        // Who does not wait any more needs no answer.
        let _ = reply.send(done);
    }
}

/// The segments before `first` that are there, the oldest first.
pub(super) fn leftovers(core: &Core, first: u64) -> Result<Vec<u64>> {
    Ok(segment_ids(&*core.vfs)?.into_iter().filter(|id| *id < first).collect())
}

/// Makes sure that who begins to read from here on is not led to segments before `first`. Says
/// whether there are any.
fn prepare(core: &Core, first: u64) -> Result<bool> {
    if leftovers(core, first)?.is_empty() {
        return Ok(false);
    }
    may_remove(core, first)?;
    core.catalog()?.forget_completed(|completed| completed.head.segment < first)?;
    Ok(true)
}

/// Removes the files of the segments before `first`, and says how many and of how many bytes.
///
/// A start reads the log from a checkpoint on, and what it reads there may name records of before.
/// So both checkpoints are written anew first: whichever of them a start finds, it needs nothing of
/// what goes here, and knows that it is gone.
fn discard(core: &Core, first: u64) -> Result<(u64, u64)> {
    may_remove(core, first)?;
    for _ in 0..2 {
        checkpoint(core)?;
    }
    may_remove(core, first)?;
    let ids = leftovers(core, first)?;
    core.log.forget(first);
    let (mut removed, mut freed) = (0, 0);
    for id in ids {
        let path = segment_path(id);
        let len = core.vfs.stat(&path)?.map_or(0, |stat| stat.len);
        core.vfs.unlink(&path)?;
        // One after the other, so that no crash leaves an older one where a newer one is gone.
        core.vfs.sync_dir(Path::new(LOG_DIR)).inspect_err(|error| {
            core.make_read_only(error.to_string());
        })?;
        (removed, freed) = (removed + 1, freed + len);
    }
    tracing::info!(removed, freed, "old segments of the log are removed");
    Ok((removed, freed))
}

/// A checkpoint that makes room: it may use what is kept in reserve.
fn checkpoint(core: &Core) -> Result<()> {
    let written = match write_checkpoint(core) {
        Err(StoreError::StorageFull) if core.reserve.give_up(&*core.vfs) => write_checkpoint(core),
        written => written,
    };
    written.inspect_err(|error| {
        if !matches!(error, StoreError::StorageFull) {
            core.make_read_only(format!("a checkpoint failed: {error}"));
        }
    })
}

/// Nothing is removed from a log that has lost something, nor while what was written is not known.
fn may_remove(core: &Core, first: u64) -> Result<()> {
    if let Some(reason) = core.read_only() {
        return Err(StoreError::ReadOnly { reason: reason.to_owned() });
    }
    core.believe_all()?;
    let begins = core.progress().first;
    if begins < first {
        let what = format!("the log begins with segment {begins}, not with {first}");
        return Err(StoreError::Damaged { what });
    }
    Ok(())
}
