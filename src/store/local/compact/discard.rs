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

/// What is to be removed, once the reads have ended that began before.
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

    /// The segments before `first` are to be removed: no new read can come to them.
    pub(crate) fn add(&mut self, core: &Core, first: u64, reply: Option<Freed>) {
        self.0.push_back(Discard { first, before: core.garbage.barrier(), reply });
    }

    /// Removes what nobody reads any more.
    pub(crate) fn go_on(&mut self, core: &Core) {
        let Some(next) = self.0.front() else { return };
        if !core.garbage.has_passed(next.before) {
            return;
        }
        let Some(Discard { first, reply, .. }) = self.0.pop_front() else { return };
        let done = discard(core, first);
        if let Err(error) = &done {
            // The next compaction or start removes them.
            tracing::warn!(%error, "old segments of the log are not removed");
        }
        if let Some(reply) = reply {
            // Who does not wait any more needs no answer.
            let _ = reply.send(done);
        }
    }
}

/// Removes the files of the segments before `first`, and says how many and of how many bytes.
///
/// A start reads the log from a checkpoint on, and what it reads there may name records of before.
/// So both checkpoints are written anew first: whichever of them a start finds, it needs nothing of
/// what goes here, and knows that it is gone.
fn discard(core: &Core, first: u64) -> Result<(u64, u64)> {
    let ids: Vec<u64> = segment_ids(&*core.vfs)?.into_iter().filter(|id| *id < first).collect();
    if ids.is_empty() {
        return Ok((0, 0));
    }
    may_remove(core, first)?;
    core.catalog()?.forget_completed(|completed| completed.head.segment < first)?;
    for _ in 0..2 {
        write_checkpoint(core).inspect_err(|error| {
            if !matches!(error, StoreError::StorageFull) {
                core.make_read_only(format!("a checkpoint failed: {error}"));
            }
        })?;
    }
    may_remove(core, first)?;
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
