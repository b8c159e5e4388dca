//! When the upstreams' permissions are tried, and in which buckets: at the start and on demand.
//! Goes past an upstream's guard, as what the breaker says is no answer, and tells it of what is
//! found, so that the log says it once.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use futures_util::future::join_all;
use tokio::time::Instant;

use crate::admin::Trials;
use crate::background::{Next, Worker};
use crate::object::{BucketName, BucketsQuery, Clock, Timestamp};
use crate::placement::guard::Guarded;
use crate::placement::{Mode, Routes};
use crate::store::Buckets;
use crate::store::upstream::{Trial, UpstreamStore};

/// How often it looks whether anything was left behind.
const LOOK: Duration = Duration::from_secs(5);
/// How many buckets of an upstream are tried.
const BUCKETS: usize = 20;

/// What is tried.
pub(super) struct Tried {
    pub(super) upstream: Arc<str>,
    pub(super) store: Arc<UpstreamStore>,
    pub(super) guard: Arc<Guarded>,
    /// Who has the buckets that are there without a name in the configuration.
    pub(super) home: Arc<dyn Buckets>,
    pub(super) routes: Arc<Routes>,
    pub(super) clock: Arc<dyn Clock>,
}

/// What was found, and when.
struct Found {
    at: Timestamp,
    ended: Instant,
    trials: Vec<Trial>,
}

/// The trials of one upstream. Clones share what the last one found.
#[derive(Clone)]
pub(super) struct PermissionTrials {
    tried: Arc<Tried>,
    last: Arc<Mutex<Option<Found>>>,
    /// One at a time.
    turn: Arc<tokio::sync::Mutex<()>>,
}

impl PermissionTrials {
    pub(super) fn new(tried: Tried) -> Self {
        Self { tried: Arc::new(tried), last: Arc::default(), turn: Arc::default() }
    }

    /// Tries the buckets that `wanted` is for. Whoever had to wait for another trial is content
    /// with what it found.
    async fn make(self, wanted: fn(Mode) -> bool) -> Vec<Trial> {
        let asked = Instant::now();
        let _turn = self.turn.lock().await;
        if let Some(trials) = self.found_since(asked) {
            return trials;
        }
        let buckets = self.tried.buckets(wanted).await;
        let trials = buckets.iter().map(|bucket| self.tried.store.try_bucket(bucket, false));
        let trials = join_all(trials).await;
        let was_good = self.last().is_some_and(|(_, trials)| is_good(&trials));
        self.tried.log(&trials, was_good);
        let (at, ended) = (self.tried.clock.now(), Instant::now());
        let found = Found { at, ended, trials: trials.clone() };
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Some(found);
        trials
    }

    fn found_since(&self, asked: Instant) -> Option<Vec<Trial>> {
        let last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let found = last.as_ref().filter(|found| found.ended >= asked && !found.trials.is_empty());
        found.map(|found| found.trials.clone())
    }
}

#[async_trait]
impl Trials for PermissionTrials {
    /// A caller that goes away does not stop it, or the probe would be left behind.
    async fn run(&self) -> Vec<Trial> {
        tokio::spawn(self.clone().make(|_| true)).await.unwrap_or_default()
    }

    fn last(&self) -> Option<(Timestamp, Vec<Trial>)> {
        let last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        last.as_ref().map(|found| (found.at, found.trials.clone()))
    }
}

/// The trial at the start: of the buckets whose mode calls the upstream. Afterwards it removes what
/// trials had to leave behind when the upstream went away under them.
#[async_trait]
impl Worker for PermissionTrials {
    fn name(&self) -> &'static str {
        "permission trial"
    }

    async fn step(&mut self) -> Next {
        if self.last().is_none() {
            let _ = tokio::spawn(self.clone().make(|mode| mode != Mode::Local)).await;
        }
        self.tried.store.remove_leftovers().await;
        Next::After(LOOK)
    }
}

impl Tried {
    /// The buckets that lie in the upstream.
    async fn buckets(&self, wanted: fn(Mode) -> bool) -> Vec<BucketName> {
        let leads_here = |name: &BucketName| {
            let route = self.routes.of(name);
            let upstream = route.upstream.as_ref().filter(|_| wanted(route.mode));
            upstream.is_some_and(|upstream| upstream.name == self.upstream)
        };
        let mut names: Vec<_> =
            self.routes.named.keys().filter(|name| leads_here(name)).cloned().collect();
        names.sort_unstable();
        let query = BucketsQuery { limit: 1000, ..BucketsQuery::default() };
        // While nothing is known of the others, those of the configuration are tried alone.
        if let Ok(page) = self.home.list_buckets(&query).await {
            let others = page.buckets.into_iter().map(|bucket| bucket.name);
            let others = others.filter(|name| leads_here(name) && !names.contains(name));
            names.extend(others.collect::<Vec<_>>());
        }
        names.truncate(BUCKETS);
        names
    }

    /// One line for each thing that is wrong; that all is well is said once.
    fn log(&self, trials: &[Trial], was_good: bool) {
        for fault in trials.iter().flat_map(|trial| &trial.faults) {
            self.guard.complain(&fault.what, &fault.names());
        }
        if is_good(trials) {
            self.guard.all_is_well();
            if !was_good {
                tracing::info!(upstream = &*self.upstream, "the upstream does all that it should");
            }
        }
    }
}

/// Nothing tried is nothing shown to work.
fn is_good(trials: &[Trial]) -> bool {
    !trials.is_empty() && trials.iter().all(Trial::ok)
}

#[cfg(test)]
#[path = "trials_tests.rs"]
mod tests;
