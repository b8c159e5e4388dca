//! What is known of an upstream, bucket by bucket.
//!
//! A bucket that is missing there, or may not be used, says nothing of the others: each has a
//! breaker of its own, and so have calls about none.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::Permit;
use super::calls::Calls;
use super::told::Told;
use super::turn::Turn;
use crate::object::BucketName;
use crate::placement::breaker::{Admission, Breaker, BreakerOptions, Change, Snapshot, State};
use crate::store::{Result, StoreError};

/// The breakers of an upstream.
pub(super) struct Watch {
    pub(super) name: Arc<str>,
    /// What came of the calls.
    pub(super) calls: Calls,
    options: BreakerOptions,
    breakers: Mutex<BTreeMap<Option<BucketName>, Breaker>>,
    /// What the operator knows.
    told: Mutex<Told>,
    /// Whether a [`super::Prober`] makes the trials, so that no request has to be one.
    pub(super) attended: AtomicBool,
}

impl Watch {
    pub(super) fn new(name: Arc<str>, options: BreakerOptions) -> Self {
        Self {
            name,
            calls: Calls::default(),
            options,
            breakers: Mutex::default(),
            told: Mutex::default(),
            attended: AtomicBool::new(false),
        }
    }

    /// Lets a call through, or not.
    pub(super) fn enter(
        self: &Arc<Self>,
        doing: &'static str,
        bucket: Option<&BucketName>,
        budget: Duration,
    ) -> Result<Permit> {
        let attended = self.attended.load(Ordering::SeqCst);
        let name = &self.name;
        let admission = self.with(bucket, |breaker, now| {
            let admission = match breaker.state() {
                State::Open | State::HalfOpen if attended => Admission::Refused,
                _ => breaker.admit(now),
            };
            if admission == Admission::Refused {
                self.calls.refused(doing);
                let cause = breaker.cause();
                let what = format!("upstream {name} is left alone because it fails: {cause}");
                return Err(StoreError::Unavailable { what });
            }
            Ok(admission)
        })?;
        Ok(Permit {
            watch: Arc::clone(self),
            admission,
            doing,
            bucket: bucket.cloned(),
            budget,
            turn: Arc::new(Turn::default()),
            since: Instant::now(),
            judged: false,
        })
    }

    pub(super) fn succeeded(&self, bucket: Option<&BucketName>, admission: Admission) {
        let change = self.with(bucket, |breaker, now| breaker.succeeded(admission, now));
        if let Change::Closed(after) = change
            && self.told().closed(shown(bucket).unwrap_or_default(), Instant::now())
        {
            let (upstream, after_ms) = (&self.name, millis(after));
            tracing::info!(%upstream, bucket = shown(bucket), after_ms, "an upstream is back");
        }
    }

    pub(super) fn failed(&self, bucket: Option<&BucketName>, admission: Admission, cause: &str) {
        let change = self.with(bucket, |breaker, now| breaker.failed(admission, cause, now));
        let (upstream, bucket) = (&self.name, shown(bucket));
        let (opened, now, mut told) = (change == Change::Opened, Instant::now(), self.told());
        if opened && told.opened(bucket.unwrap_or_default(), cause, now) {
            tracing::warn!(%upstream, bucket, cause, "an upstream fails and is left alone");
        } else if told.failed(cause, now) {
            tracing::warn!(%upstream, bucket, cause, "an upstream fails");
        } else if opened {
            tracing::debug!(%upstream, bucket, cause, "an upstream is left alone");
        }
    }

    /// What is said of an upstream that takes too long, whatever it was asked.
    pub(super) fn silence(&self) -> String {
        format!("upstream {} did not answer in time", self.name)
    }

    pub(super) fn told(&self) -> MutexGuard<'_, Told> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn abandoned(&self, bucket: Option<&BucketName>, admission: Admission) {
        self.with(bucket, |breaker, now| breaker.abandoned(admission, now));
    }

    /// The bucket whose trial is due first, and how long it is until then.
    pub(super) fn next_trial(&self) -> Option<(Option<BucketName>, Duration)> {
        let now = Instant::now();
        let breakers = self.breakers();
        let due =
            breakers.iter().filter_map(|(bucket, breaker)| Some((bucket, breaker.trial_in(now)?)));
        due.min_by_key(|(_, wait)| *wait).map(|(bucket, wait)| (bucket.clone(), wait))
    }

    /// Begins a trial, if it is one that is to be made now.
    pub(super) fn try_again(&self, bucket: Option<&BucketName>) -> bool {
        self.with(bucket, |breaker, now| {
            breaker.state() == State::Open && breaker.admit(now) == Admission::Trial
        })
    }

    pub(super) fn is_open(&self) -> bool {
        self.breakers().values().any(|breaker| breaker.state() != State::Closed)
    }

    pub(super) fn is_open_for(&self, bucket: &BucketName) -> bool {
        let state = self.breakers().get(&Some(bucket.clone())).map(Breaker::state);
        state.is_some_and(|state| state != State::Closed)
    }

    /// Of the breaker that has been open for longest, or of the one that failed last.
    pub(super) fn snapshot(&self) -> Snapshot {
        let now = Instant::now();
        let breakers = self.breakers();
        let all = breakers.values().map(|breaker| breaker.snapshot(now));
        let worst = all.max_by_key(|snapshot| {
            let open = snapshot.state != State::Closed;
            let failed = snapshot.last_error.as_ref().map(|(_, ago)| std::cmp::Reverse(*ago));
            (open, open.then_some(snapshot.since), failed)
        });
        worst.unwrap_or_else(|| Breaker::new(self.options.clone(), now).snapshot(now))
    }

    fn with<R>(
        &self,
        bucket: Option<&BucketName>,
        look: impl FnOnce(&mut Breaker, Instant) -> R,
    ) -> R {
        let now = Instant::now();
        let mut breakers = self.breakers();
        let new = || Breaker::new(self.options.clone(), now);
        look(breakers.entry(bucket.cloned()).or_insert_with(new), now)
    }

    fn breakers(&self) -> MutexGuard<'_, BTreeMap<Option<BucketName>, Breaker>> {
        self.breakers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn shown(bucket: Option<&BucketName>) -> Option<&str> {
    bucket.map(BucketName::as_str)
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
