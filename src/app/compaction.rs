//! Gives back the room of deleted small objects, by itself and behind everything else.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tokio::time::Instant;

use crate::background::{Next, Worker};
use crate::store::StoreError;
use crate::store::local::{Compacted, Compaction, LocalStore};

/// How often it is looked whether there is enough to give back.
const LOOK: Duration = Duration::from_mins(1);
/// How soon it is looked again whether what was waited for is over.
const SOON: Duration = Duration::from_millis(200);
/// When it is tried again after a failure.
const AGAIN: Duration = Duration::from_mins(30);
/// How much longer it rests than it works: where the disk is busy, both take longer.
const REST: u32 = 3;

/// Compacts the log where that gives back at least as much as it writes.
pub(super) struct LogCompaction {
    store: Arc<LocalStore>,
    work: Compaction,
    /// How many bytes are written anew in a second, at most.
    rate: u64,
}

impl LogCompaction {
    /// Of this store's log.
    pub(super) fn new(store: Arc<LocalStore>, rate: u64) -> Self {
        Self { store, work: Compaction::own(), rate: rate.max(1) }
    }

    /// The rest after a step that took so long and wrote so many bytes.
    fn rest(&self, took: Duration, wrote: u64) -> Duration {
        let micros = wrote.saturating_mul(1_000_000) / self.rate;
        (took * REST).max(Duration::from_micros(micros).saturating_sub(took))
    }

    fn begin_anew(&mut self) -> Compaction {
        std::mem::replace(&mut self.work, Compaction::own())
    }
}

#[async_trait]
impl Worker for LogCompaction {
    fn name(&self) -> &'static str {
        "compaction of the log"
    }

    async fn step(&mut self) -> Next {
        let (began, before) = (Instant::now(), self.work.figures.moved_bytes);
        match self.store.compact(&mut self.work).await {
            Ok(Compacted::More) => {
                let wrote = self.work.figures.moved_bytes.saturating_sub(before);
                Next::After(self.rest(began.elapsed(), wrote))
            }
            Ok(Compacted::Wait) | Err(StoreError::Rebuilding) => Next::After(SOON),
            Ok(Compacted::Done) => {
                let done = self.begin_anew().figures;
                if done.removed > 0 {
                    let (segments, freed, moved) = (done.removed, done.freed, done.moved_bytes);
                    tracing::info!(segments, freed, moved, "the log is compacted");
                }
                Next::After(LOOK)
            }
            Err(error) => {
                self.begin_anew();
                // Why a store takes no writes is logged where that is found out.
                if !matches!(error, StoreError::ReadOnly { .. } | StoreError::Closing) {
                    tracing::warn!(%error, "the log is not compacted");
                }
                Next::After(AGAIN)
            }
        }
    }
}
