//! An upstream layer behind its circuit breaker: slow counts as failed, and while it fails every
//! call is answered at once.
//!
//! Owns budgets and the counting of outcomes; knows nothing of modes, records or the spool. Only
//! [`StoreError::Unavailable`] counts as a failure: every other error is an answer.

mod probe;
mod store;
mod told;
mod turn;

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

pub use probe::Prober;

use self::told::Told;
use self::turn::{Arriving, Turn};
use super::breaker::{Admission, Breaker, BreakerOptions, Change, Snapshot, State};
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

/// What is known of the upstream.
struct Watch {
    name: Arc<str>,
    breaker: Mutex<Breaker>,
    /// Where the last failing call went, for the trial.
    bucket: Mutex<Option<BucketName>>,
    /// What the operator knows.
    told: Mutex<Told>,
    /// Whether a [`Prober`] makes the trials, so that no request has to be one.
    attended: AtomicBool,
}

impl Guarded {
    /// Guards `inner`, which is called `name` in messages.
    pub fn new(name: impl Into<Arc<str>>, inner: Arc<dyn Store>, options: GuardOptions) -> Self {
        let breaker = Breaker::new(options.breaker.clone(), Instant::now());
        let watch = Watch {
            name: name.into(),
            breaker: Mutex::new(breaker),
            bucket: Mutex::default(),
            told: Mutex::default(),
            attended: AtomicBool::new(false),
        };
        Self { inner, options, watch: Arc::new(watch) }
    }

    /// The upstream's name.
    pub fn name(&self) -> &str {
        &self.watch.name
    }

    /// How the upstream does.
    pub fn snapshot(&self) -> Snapshot {
        self.watch.breaker().snapshot(Instant::now())
    }

    /// Whether calls are answered without being made.
    pub fn is_open(&self) -> bool {
        self.watch.breaker().state() != State::Closed
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
            watch.failed(Admission::Call, &format!("{doing}: {cause}"), Some(&bucket));
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
    judged: bool,
}

impl Permit {
    /// Counts the answer; none means that the budget is used up.
    fn judge<T>(mut self, answer: Option<Result<T>>) -> Result<T> {
        match &answer {
            None => {
                self.judged = true;
                let what = self.watch.silence();
                let (doing, budget) = (self.doing, self.budget);
                tracing::debug!(upstream = &*self.watch.name, doing, ?budget, "no answer");
                self.watch.failed(self.admission, &what, self.bucket.as_ref());
                return Err(StoreError::Unavailable { what });
            }
            Some(Err(StoreError::Unavailable { what })) => {
                self.judged = true;
                self.watch.failed(self.admission, what, self.bucket.as_ref());
            }
            // The sender's body failed, or this side closes: nothing is known of the upstream.
            Some(Err(StoreError::Body(_) | StoreError::Closing)) => {}
            Some(_) => {
                self.judged = true;
                self.watch.succeeded(self.admission);
            }
        }
        answer.unwrap_or(Err(StoreError::Closing))
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
                self.watch.failed(self.admission, &what, self.bucket.as_ref());
            }
            _ => self.watch.breaker().abandoned(self.admission, Instant::now()),
        }
    }
}

impl Watch {
    fn enter(
        self: &Arc<Self>,
        doing: &'static str,
        bucket: Option<&BucketName>,
        budget: Duration,
    ) -> Result<Permit> {
        let mut breaker = self.breaker();
        let attended = self.attended.load(Ordering::SeqCst);
        let admission = match breaker.state() {
            State::Open | State::HalfOpen if attended => Admission::Refused,
            _ => breaker.admit(Instant::now()),
        };
        if admission == Admission::Refused {
            let (name, cause) = (&self.name, breaker.cause());
            let what = format!("upstream {name} is left alone because it fails: {cause}");
            return Err(StoreError::Unavailable { what });
        }
        Ok(Permit {
            watch: Arc::clone(self),
            admission,
            doing,
            bucket: bucket.cloned(),
            budget,
            turn: Arc::new(Turn::default()),
            judged: false,
        })
    }

    fn succeeded(&self, admission: Admission) {
        let change = self.breaker().succeeded(admission, Instant::now());
        if let Change::Closed(after) = change
            && self.told().closed(Instant::now())
        {
            tracing::info!(upstream = %self.name, after_ms = millis(after), "an upstream is back");
        }
    }

    fn failed(&self, admission: Admission, cause: &str, bucket: Option<&BucketName>) {
        if let Some(bucket) = bucket {
            let mut last = self.bucket.lock().unwrap_or_else(PoisonError::into_inner);
            *last = Some(bucket.clone());
        }
        let now = Instant::now();
        let opened = self.breaker().failed(admission, cause, now) == Change::Opened;
        let mut told = self.told();
        if opened && told.opened(cause, now) {
            tracing::warn!(upstream = %self.name, cause, "an upstream fails and is left alone");
        } else if told.failed(cause, now) {
            tracing::warn!(upstream = %self.name, cause, "an upstream fails");
        } else if opened {
            tracing::debug!(upstream = %self.name, cause, "an upstream is left alone");
        }
    }

    /// What is said of an upstream that takes too long, whatever it was asked.
    fn silence(&self) -> String {
        format!("upstream {} did not answer in time", self.name)
    }

    fn told(&self) -> MutexGuard<'_, Told> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn breaker(&self) -> MutexGuard<'_, Breaker> {
        self.breaker.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

impl fmt::Debug for Guarded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Guarded").field("name", &self.name()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
