//! The index's thread: what is durable becomes visible, then whoever waits is answered.

use std::sync::mpsc::Receiver;

use super::commit::Batch;
use super::core::{Core, Progress};
use super::effects::{Change, Effects, LedgerDelta};
use super::format::meta::Assembly;
use super::format::place::{BlobId, Dead};
use super::keeper::{Keeper, Task};
use super::split::Split;
use crate::store::StoreError;

/// Applies batches in order until there are no more to come.
pub(crate) fn run(core: &Core, batches: &Receiver<Batch>, keeper: &Keeper) {
    let mut failed = None;
    while let Ok(mut batch) = batches.recv() {
        if failed.is_none() {
            failed = apply_batch(core, &mut batch, keeper).err().map(|error| {
                // The records are durable; a restart brings the index up to them.
                let reason = format!("the index failed, a restart repairs it: {error}");
                core.make_read_only(reason.clone());
                reason
            });
        }
        // From here on whoever looks for what needs a key finds it in the index.
        drop(batch.keys);
        for (to, answer) in batch.answers {
            let answer = match &failed {
                None => answer,
                Some(reason) => Err(StoreError::ReadOnly { reason: reason.clone() }),
            };
            // Who does not wait any more needs no answer.
            let _ = to.send(answer);
        }
        if checkpoint_is_due(core) {
            keeper.wake();
        }
    }
}

pub(crate) fn checkpoint_is_due(core: &Core) -> bool {
    let progress = core.progress();
    progress.records >= core.options.checkpoint_records
        || progress.bytes >= core.options.checkpoint_bytes
}

fn apply_batch(core: &Core, batch: &mut Batch, keeper: &Keeper) -> Result<(), StoreError> {
    let _applying = core.stand_still();
    for effects in &mut batch.effects {
        apply_record(core, effects)?;
        if let Some(LedgerDelta::Gone(bucket)) = effects.ledger {
            keeper.tell(Task::ClearLedger(bucket));
        }
    }
    let mut progress = core.progress();
    if let Some((segment, first_lsn)) = batch.begins {
        progress.tally.begin_segment(segment, first_lsn);
    }
    for effects in &batch.effects {
        progress.add(core, effects);
    }
    progress.position = batch.position;
    let applied = progress.applied;
    drop(progress);
    core.set_applied(applied);
    Ok(())
}

/// Applies one record to the index and to what readers see. The counters follow separately, all
/// of a batch at once, so that a checkpoint never has half of them.
///
/// Dead manifests are resolved here: their parts join the record's dead.
pub(crate) fn apply_record(core: &Core, effects: &mut Effects) -> Result<(), StoreError> {
    let catalog = core.catalog()?;
    resolve_manifests(core, &mut effects.dead);
    // Noted before anything stops leading to them, so that no file is ever in neither state.
    let now = core.clock.now();
    for blob in &effects.dead.blobs {
        catalog.add_dead(*blob, now)?;
    }
    for change in &effects.changes {
        catalog.apply(change)?;
        match change {
            Change::Bucket(name, bucket) => {
                let (name, bucket) = (name.clone(), bucket.clone());
                core.with_buckets(|buckets| buckets.insert(name, bucket));
            }
            Change::BucketGone(name, id) => {
                core.with_buckets(|buckets| buckets.remove(name));
                core.settings.forget(*id);
            }
            Change::Setting(bucket, name, setting) => {
                core.settings.set(*bucket, name, setting.as_ref().map(|setting| setting.head));
            }
            _ => {}
        }
    }
    for blob in &effects.dead.blobs {
        core.garbage.retire(*blob, now);
    }
    Ok(())
}

/// Adds the parts of dead manifests to the dead.
pub(crate) fn resolve_manifests(core: &Core, dead: &mut Dead) {
    for manifest in std::mem::take(&mut dead.manifests) {
        let parts = core.log.read(manifest).map_err(|error| error.to_string()).and_then(|record| {
            let assembly = Assembly::decode(&record.data());
            assembly.map(|assembly| assembly.parts_dead()).map_err(|flaw| flaw.to_string())
        });
        match parts {
            Ok(parts) => dead.extend(parts),
            // Its parts stay on the disk until a check finds that nothing leads to them.
            Err(error) => tracing::warn!(%error, "a removed object's list of parts is unreadable"),
        }
    }
}

/// Removes a dead file and what the index notes of it.
pub(crate) fn remove_blob(core: &Core, blob: BlobId, noted: bool) -> Result<(), StoreError> {
    core.blobs.unlink(blob)?;
    if noted {
        core.catalog()?.remove_dead(blob)?;
    }
    Ok(())
}

impl Progress {
    /// Counts a record that was applied.
    pub(crate) fn add(&mut self, core: &Core, effects: &Effects) {
        for change in &effects.changes {
            if let Change::Bucket(name, bucket) = change {
                self.tally.set_split(bucket.id, Split::empty(core.template(name)));
            }
        }
        self.tally.apply(effects);
        self.first = self.first.max(effects.trims.unwrap_or_default());
        self.applied = effects.record.lsn;
        self.records += 1;
        self.bytes += u64::from(effects.record.len);
    }
}
