//! Carries out the life-cycle rules of buckets: at the start, once a day after midnight, and as
//! often in between as it is configured.
//!
//! A pass goes through the buckets one by one, and through each page by page. What is due is deleted
//! as a client would delete it, on the condition that it is still what was judged. A pass that is
//! cut off by a restart begins anew: what it had deleted is no longer there.

mod bucket;
mod candidates;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tokio::time::Instant;

use super::expiry::OFTEN;
use crate::admin::Metrics;
use crate::background::{Next, Worker};
use crate::config;
use crate::object::{BucketName, BucketsQuery, Clock};
use crate::placement::{Mode, Routes};
use crate::s3;
use crate::store::{Home, Store, StoreError};

use bucket::{BucketPass, Progress};

/// How many buckets are looked up at once.
const BUCKETS: usize = 100;
const DAY_MILLIS: i64 = 24 * 60 * 60 * 1000;

/// What it works with.
#[derive(Clone)]
pub(super) struct Parts {
    /// The local layer with its records: what there is to be gone through.
    pub(super) home: Arc<dyn Home>,
    /// All buckets, each through its mode: where it is deleted.
    pub(super) store: Arc<dyn Store>,
    pub(super) routes: Arc<Routes>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) metrics: Arc<Metrics>,
    pub(super) options: config::Lifecycle,
}

/// Carries out the rules of all buckets.
pub(super) struct LifecycleWorker {
    parts: Parts,
    pass: Option<Pass>,
}

/// How far a pass has come.
#[derive(Default)]
struct Pass {
    buckets: VecDeque<BucketName>,
    /// After which name the next buckets are looked up; `None` before the first.
    after: Option<String>,
    looked_up_all: bool,
    at: Option<BucketPass>,
}

/// In which buckets rules are carried out as answers tell: in all but those that are an upstream's
/// own, whose objects that sees to itself.
pub(super) fn expiring(routes: &Routes) -> s3::Expiring {
    let is_own = |mode: Mode| mode != Mode::Upstream;
    let everywhere = is_own(routes.default.mode);
    let named: BTreeMap<_, _> = routes.named.iter().collect();
    let others = named.into_iter().filter(|(_, route)| is_own(route.mode) != everywhere);
    s3::Expiring { everywhere, others: others.map(|(name, _)| name.clone()).collect() }
}

impl LifecycleWorker {
    /// Begins its first pass when it is first called.
    pub(super) fn new(parts: Parts) -> Self {
        Self { parts, pass: None }
    }

    async fn advance(&mut self) -> Result<Next, StoreError> {
        let Self { parts, pass } = self;
        let now = pass.get_or_insert_default();
        if let Some(bucket) = &mut now.at {
            let begun = Instant::now();
            return Ok(match bucket.advance(parts).await? {
                Progress::More { removed } => pause(parts.options.rate, removed, begun),
                Progress::Over => {
                    bucket.report(&parts.metrics);
                    now.at = None;
                    Next::Now
                }
            });
        }
        if let Some(name) = now.buckets.pop_front() {
            now.at = Some(BucketPass::new(name));
            return Ok(Next::Now);
        }
        if !now.looked_up_all {
            now.look_up(&*parts.home).await?;
            return Ok(Next::Now);
        }
        *pass = None;
        parts.metrics.life_cycle_done(parts.clock.now());
        Ok(Next::After(until_next(parts)))
    }
}

impl Pass {
    async fn look_up(&mut self, home: &dyn Home) -> Result<(), StoreError> {
        let after = self.after.clone();
        let query = BucketsQuery { after, limit: BUCKETS, ..BucketsQuery::default() };
        let page = home.list_buckets(&query).await?;
        self.buckets.extend(page.buckets.into_iter().map(|bucket| bucket.name));
        self.looked_up_all = page.next.is_none();
        self.after = page.next;
        Ok(())
    }
}

/// Until the period is over, and no longer than until what is due at midnight is due.
fn until_next(parts: &Parts) -> Duration {
    let into_day = parts.clock.now().0.rem_euclid(DAY_MILLIS);
    let left = u64::try_from(DAY_MILLIS - into_day).unwrap_or_default();
    parts.options.period.min(Duration::from_millis(left))
}

/// Leaves room for as long as so many removals may take.
fn pause(rate: u32, removed: u32, begun: Instant) -> Next {
    let due = Duration::from_secs(removed.into()) / rate.max(1);
    let left = due.saturating_sub(begun.elapsed());
    if left.is_zero() { Next::Now } else { Next::After(left) }
}

#[async_trait]
impl Worker for LifecycleWorker {
    fn name(&self) -> &'static str {
        "life-cycle rules"
    }

    /// A pass that has to wait goes on where it is.
    async fn step(&mut self) -> Next {
        match self.advance().await {
            Ok(next) => next,
            Err(StoreError::Rebuilding | StoreError::Closing | StoreError::Busy { .. }) => {
                Next::After(OFTEN)
            }
            Err(error) => {
                tracing::warn!(%error, "life-cycle rules have to wait");
                Next::After(super::expiry::SELDOM)
            }
        }
    }
}
