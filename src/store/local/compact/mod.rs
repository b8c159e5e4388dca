//! Giving back the room of what is dead in the log.
//!
//! The log is cleaned from its front: what lives in its oldest segments is written anew at its end,
//! by commands that write nothing where it was replaced meanwhile; then those segments are removed.
//! As only the oldest ever go, no record that took something back goes before what it took back, and
//! nothing that was deleted can return, wherever a crash comes.
//!
//! | step | done by |
//! | --- | --- |
//! | which segments are worth it | `sizes` |
//! | their records, one by one | `victim` |
//! | what refers to a record, and how it is written anew | `living` |
//! | that nothing in the index leads there any more | `proof` |
//! | the record that the log begins later | the committer |
//! | two checkpoints, no older read at the log, the files removed | `discard`, in the keeper's thread |

mod discard;
mod living;
mod pass;
mod proof;
mod sizes;
mod victim;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

pub(crate) use discard::{Discards, Freed};
pub use sizes::LogUsage;

use super::LocalStore;
use super::options::LocalOptions;
use super::read::blocking;
use crate::store::Result;
use pass::Pass;
use sizes::{Goal, Sizes};

/// Who compacts the log: one at a time, and who was asked to before who does so by itself.
#[derive(Default)]
pub(crate) struct Turns {
    turn: Arc<tokio::sync::Mutex<()>>,
    asked: Arc<AtomicUsize>,
    sizes: Sizes,
}

/// A compaction under way. Dropped, it ends; what it has done stays done.
pub struct Compaction {
    /// Of how much of what is read has to be dead, in percent, where somebody asked.
    percent: Option<u8>,
    /// Counts this one among those that were asked for.
    asked: Option<Asked>,
    pass: Option<Pass>,
    /// What it has done.
    pub figures: CompactionFigures,
}

/// What a compaction has done so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CompactionFigures {
    /// The log when it began; `None` before that.
    pub before: Option<LogUsage>,
    /// The log when it was last looked at.
    pub now: Option<LogUsage>,
    /// Segments that it has to go through.
    pub segments: u64,
    /// Segments in which nothing lives any more.
    pub cleaned: u64,
    /// Records that it looked at.
    pub records: u64,
    /// Records that it wrote anew.
    pub moved: u64,
    /// The bytes of these.
    pub moved_bytes: u64,
    /// Segments that it removed.
    pub removed: u64,
    /// Bytes of the disk that this gave back.
    pub freed: u64,
}

/// What a step of a compaction came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compacted {
    /// There is more to do.
    More,
    /// Something else has to end first: another compaction, or reads of what is to be removed.
    Wait,
    /// There is nothing more that would be worth it.
    Done,
}

/// One that was asked for, while it lives.
struct Asked(Arc<AtomicUsize>);

impl Asked {
    fn new(asked: &Arc<AtomicUsize>) -> Self {
        asked.fetch_add(1, Ordering::AcqRel);
        Self(Arc::clone(asked))
    }
}

impl Drop for Asked {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

impl Compaction {
    /// One that somebody asked for: of the oldest part of the log of which at least `percent` is
    /// dead.
    pub fn asked(percent: u8) -> Self {
        Self { percent: Some(percent), ..Self::own() }
    }

    /// One that nobody asked for: only where it gives back at least as much as it writes, and more
    /// than a little.
    pub fn own() -> Self {
        Self { percent: None, asked: None, pass: None, figures: CompactionFigures::default() }
    }

    fn goal(&self, options: &LocalOptions) -> Goal {
        match self.percent {
            Some(percent) => Goal::asked(options, percent),
            None => Goal::own(options),
        }
    }
}

impl LocalStore {
    /// Goes on with a compaction a little. After an error it may be gone on with: it begins anew.
    pub async fn compact(&self, work: &mut Compaction) -> Result<Compacted> {
        self.core.writable()?;
        self.core.believe_all()?;
        let turns = &self.core.turns;
        if work.percent.is_some() {
            work.asked.get_or_insert_with(|| Asked::new(&turns.asked));
        } else if turns.asked.load(Ordering::Acquire) > 0 {
            work.pass = None;
            return Ok(Compacted::Wait);
        }
        let Some(pass) = work.pass.take() else {
            let Ok(turn) = Arc::clone(&turns.turn).try_lock_owned() else {
                return Ok(Compacted::Wait);
            };
            return self.begin_pass(work, turn).await;
        };
        let (pass, compacted) = self.go_on(pass, &mut work.figures).await?;
        work.pass = pass;
        if work.pass.is_none() {
            work.figures.now = Some(self.log_usage().await?);
        }
        Ok(compacted)
    }

    /// How large the log is, and how much of it lives.
    pub async fn log_usage(&self) -> Result<LogUsage> {
        blocking(&self.core, |core| {
            core.whole_catalog()?;
            Ok(LogUsage::of(&sizes::measure(core)?))
        })
        .await
    }
}
