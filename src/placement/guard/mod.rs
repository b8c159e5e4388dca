//! An upstream layer behind circuit breakers, one for each bucket: slow counts as failed, and while
//! a bucket fails every call about it is answered at once.
//!
//! Owns budgets and the counting of outcomes; knows nothing of modes, records or the spool. Only
//! [`StoreError::Unavailable`] counts as a failure: every other error is an answer.

mod calls;
mod probe;
mod store;
mod told;
mod turn;
mod watch;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

pub use calls::CallFigures;
pub use probe::Prober;

use self::turn::{Arriving, Turn};
use self::watch::Watch;
use super::breaker::{Admission, BreakerOptions, Snapshot};
use crate::body::Payload;
use crate::object::BucketName;
use crate::store::{Result, Store, StoreError};

/// How long an upstream may take, and when it is left alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GuardOptions {
    /// When the breaker opens.
    pub breaker: BreakerOptions,
    /// How long an answer may take, and a body may stand still. The time in which the upstream
    /// waits for the rest of a client's body does not count.
    pub answer: Duration,
    /// The same for completions and copies, which move bytes on their side.
    pub long: Duration,
    /// How long the trial of a failed upstream may take.
    pub trial: Duration,
}

impl Default for GuardOptions {
    fn default() -> Self {
        Self {
            breaker: BreakerOptions::default(),
            answer: Duration::from_secs(10),
            long: Duration::from_mins(2),
            trial: Duration::from_secs(2),
        }
    }
}

/// A store whose calls fail at once while it is known to fail.
pub struct Guarded {
    inner: Arc<dyn Store>,
    options: GuardOptions,
    watch: Arc<Watch>,
}

impl Guarded {
    /// Guards `inner`, which is called `name` in messages.
    pub fn new(name: impl Into<Arc<str>>, inner: Arc<dyn Store>, options: GuardOptions) -> Self {
        let watch = Watch::new(name.into(), options.breaker.clone());
        Self { inner, options, watch: Arc::new(watch) }
    }

    /// The upstream's name.
    pub fn name(&self) -> &str {
        &self.watch.name
    }

    /// How the upstream does: as the bucket that does worst.
    pub fn snapshot(&self) -> Snapshot {
        self.watch.snapshot()
    }

    /// What came of the calls so far, by operation.
    pub fn calls(&self) -> BTreeMap<&'static str, CallFigures> {
        self.watch.calls.figures()
    }

    /// Whether calls about any bucket are answered without being made.
    pub fn is_open(&self) -> bool {
        self.watch.is_open()
    }

    /// Whether calls about this bucket are.
    pub fn is_open_for(&self, bucket: &BucketName) -> bool {
        self.watch.is_open_for(bucket)
    }

    /// Logs what is wrong with the upstream, but for what the log has said already. `cannot` is
    /// what cannot be done because of it.
    pub fn complain(&self, cause: &str, cannot: &str) {
        if self.watch.told().failed(cause, Instant::now()) {
            let upstream = &*self.watch.name;
            tracing::warn!(upstream, cause, cannot, "an upstream fails");
        }
    }

    /// Everything works: whatever fails from now on is logged, whether or not it did before.
    pub fn all_is_well(&self) {
        self.watch.told().well();
    }

    /// The worker that finds out when a failed upstream is back. While there is one, no request
    /// is used to find out.
    pub fn prober(&self) -> Prober {
        Prober::new(Arc::clone(&self.inner), self.options.trial, Arc::clone(&self.watch))
    }

    /// Makes a call that is to be answered within `budget`.
    async fn call<T>(
        &self,
        doing: &'static str,
        bucket: Option<&BucketName>,
        budget: Duration,
        call: impl Future<Output = Result<T>>,
    ) -> Result<T> {
        let permit = self.watch.enter(doing, bucket, budget)?;
        permit.judge(tokio::time::timeout(budget, call).await.ok())
    }

    /// Makes a call that sends a body: it may last as long as the body moves.
    async fn send<T, F: Future<Output = Result<T>>>(
        &self,
        doing: &'static str,
        bucket: &BucketName,
        body: Payload,
        call: impl FnOnce(Payload) -> F,
    ) -> Result<T> {
        let budget = self.options.answer;
        let permit = self.watch.enter(doing, Some(bucket), budget)?;
        let body = turn::leaving(body, Arc::clone(&permit.turn));
        let answer = tokio::select! {
            answer = call(body) => Some(answer),
            () = permit.turn.used_up(budget) => None,
        };
        permit.judge(answer)
    }

    /// Watches a body that comes from the upstream.
    fn arriving(&self, doing: &'static str, bucket: &BucketName, body: Payload) -> Payload {
        let length = body.length();
        let watch = Arc::clone(&self.watch);
        let (bucket, budget) = (bucket.clone(), self.options.answer);
        let failed = move |cause: &str| {
            watch.failed(Some(&bucket), Admission::Call, &format!("{doing}: {cause}"));
        };
        Payload::new(length, Arriving::new(body, budget, failed))
    }
}

/// A call under way.
struct Permit {
    watch: Arc<Watch>,
    admission: Admission,
    doing: &'static str,
    bucket: Option<BucketName>,
    budget: Duration,
    turn: Arc<Turn>,
    since: Instant,
    judged: bool,
}

impl Permit {
    /// Counts the answer; none means that the budget is used up.
    fn judge<T>(mut self, answer: Option<Result<T>>) -> Result<T> {
        match &answer {
            None => {
                self.judged = true;
                self.ended(false);
                let what = self.watch.silence();
                let (doing, budget) = (self.doing, self.budget);
                tracing::debug!(upstream = &*self.watch.name, doing, ?budget, "no answer");
                self.watch.failed(self.bucket.as_ref(), self.admission, &what);
                return Err(StoreError::Unavailable { what });
            }
            Some(Err(StoreError::Unavailable { what })) => {
                self.judged = true;
                self.ended(false);
                self.watch.failed(self.bucket.as_ref(), self.admission, what);
            }
            // The sender's body failed, or this side closes: nothing is known of the upstream.
            Some(Err(StoreError::Body(_) | StoreError::Closing)) => {}
            Some(_) => {
                self.judged = true;
                self.ended(true);
                self.watch.succeeded(self.bucket.as_ref(), self.admission);
            }
        }
        answer.unwrap_or(Err(StoreError::Closing))
    }

    fn ended(&self, answered: bool) {
        self.watch.calls.ended(self.doing, answered, self.since.elapsed());
    }
}

impl Drop for Permit {
    /// Its caller gave up. One who waited long had a reason.
    fn drop(&mut self) {
        if self.judged {
            return;
        }
        match self.turn.lasting() {
            Some(waited) if waited >= self.budget / 2 => {
                let what = self.watch.silence();
                let doing = self.doing;
                tracing::debug!(upstream = &*self.watch.name, doing, ?waited, "given up");
                self.watch.failed(self.bucket.as_ref(), self.admission, &what);
            }
            _ => self.watch.abandoned(self.bucket.as_ref(), self.admission),
        }
    }
}

impl fmt::Debug for Guarded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Guarded").field("name", &self.name()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
