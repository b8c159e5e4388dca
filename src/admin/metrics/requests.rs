//! What is counted of requests, of reloads of the configuration, and of life-cycle rules.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::object::{Latency, Timestamp};

/// A request that has ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EndedRequest {
    /// The operation; one of a bounded number of names.
    pub operation: Cow<'static, str>,
    /// The answer's status; 0 where none went out.
    pub status: u16,
    /// From its head to its last byte.
    pub took: Duration,
    /// The bytes of its body.
    pub received: u64,
    /// The bytes of the answer's body.
    pub sent: u64,
}

/// Counts requests.
#[derive(Debug, Default)]
pub struct Metrics(Mutex<Counted>);

#[derive(Debug, Default)]
struct Counted {
    operations: HashMap<Cow<'static, str>, Figures>,
    reloads: Reloads,
    life_cycle: LifeCycleCounts,
    life_cycle_done: Option<Timestamp>,
}

/// What life-cycle rules came to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LifeCycleCounts {
    /// Objects that were deleted ...
    pub deleted: u64,
    /// ... and their bytes.
    pub deleted_bytes: u64,
    /// Unfinished uploads that were dropped.
    pub aborted: u64,
    /// What was changed by a client before it could go.
    pub kept: u64,
    /// What could not be deleted or dropped.
    pub failed: u64,
}

impl std::ops::AddAssign for LifeCycleCounts {
    fn add_assign(&mut self, other: Self) {
        self.deleted += other.deleted;
        self.deleted_bytes = self.deleted_bytes.saturating_add(other.deleted_bytes);
        self.aborted += other.aborted;
        self.kept += other.kept;
        self.failed += other.failed;
    }
}

/// What was counted of an operation.
#[derive(Debug, Clone, Default)]
pub(super) struct Figures {
    pub(super) by_status: BTreeMap<u16, u64>,
    pub(super) latency: Latency,
    pub(super) received: u64,
    pub(super) sent: u64,
}

/// What came of reloads.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Reloads {
    pub(super) good: u64,
    pub(super) refused: u64,
    pub(super) last_failed: bool,
    pub(super) last_good: Option<Timestamp>,
}

impl Metrics {
    /// A request has ended.
    pub fn request(&self, ended: EndedRequest) {
        let mut counted = self.counted();
        let figures = counted.operations.entry(ended.operation).or_default();
        *figures.by_status.entry(ended.status).or_default() += 1;
        figures.latency.observe(ended.took);
        figures.received = figures.received.saturating_add(ended.received);
        figures.sent = figures.sent.saturating_add(ended.sent);
    }

    /// The configuration was read again at that time: taken over, or refused.
    pub fn reload(&self, taken_over: bool, now: Timestamp) {
        let reloads = &mut self.counted().reloads;
        reloads.last_failed = !taken_over;
        if taken_over {
            reloads.good += 1;
            reloads.last_good = Some(now);
        } else {
            reloads.refused += 1;
        }
    }

    /// Life-cycle rules were carried out, in a bucket.
    pub fn life_cycle(&self, counts: LifeCycleCounts) {
        self.counted().life_cycle += counts;
    }

    /// Every bucket has been gone through for its life-cycle rules.
    pub fn life_cycle_done(&self, now: Timestamp) {
        self.counted().life_cycle_done = Some(now);
    }

    /// What life-cycle rules came to since the start, and when all were last carried out.
    pub fn life_cycles(&self) -> (LifeCycleCounts, Option<Timestamp>) {
        let counted = self.counted();
        (counted.life_cycle, counted.life_cycle_done)
    }

    pub(super) fn operations(&self) -> BTreeMap<String, Figures> {
        let counted = self.counted();
        let copied = |(name, figures): (&Cow<'static, str>, &Figures)| {
            (name.clone().into_owned(), figures.clone())
        };
        counted.operations.iter().map(copied).collect()
    }

    pub(super) fn reloads(&self) -> Reloads {
        self.counted().reloads
    }

    fn counted(&self) -> MutexGuard<'_, Counted> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
