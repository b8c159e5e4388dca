//! Finding out when a failed upstream is back.

use std::fmt;
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use tokio::time::Instant;

use super::Watch;
use crate::background::{Next, Worker};
use crate::object::{BucketsQuery, ListQuery};
use crate::placement::breaker::Admission;
use crate::store::{Result, Store, StoreError};

/// How often it looks whether anything is to be tried.
const LOOK: Duration = Duration::from_millis(500);

/// Tries an upstream that is left alone: a listing of one key where the last call failed.
pub struct Prober {
    inner: Arc<dyn Store>,
    budget: Duration,
    watch: Arc<Watch>,
}

impl Prober {
    pub(super) fn new(inner: Arc<dyn Store>, budget: Duration, watch: Arc<Watch>) -> Self {
        watch.attended.store(true, Ordering::SeqCst);
        Self { inner, budget, watch }
    }

    async fn attempt(&self) {
        // A trial under way holds the breaker half open: dropped, it is given back.
        let trial = Trial { watch: &self.watch, undecided: true };
        let answer = tokio::time::timeout(self.budget, self.ask()).await;
        match answer {
            Err(_) => trial.failed(&self.watch.silence()),
            Ok(Err(StoreError::Unavailable { what })) => trial.failed(&what),
            Ok(_) => trial.succeeded(),
        }
    }

    async fn ask(&self) -> Result<()> {
        let bucket = self.watch.bucket.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(bucket) = bucket {
            let query = ListQuery { limit: 1, ..ListQuery::default() };
            return self.inner.list_objects(&bucket, &query).await.map(|_| ());
        }
        let query = BucketsQuery { limit: 1, ..BucketsQuery::default() };
        self.inner.list_buckets(&query).await.map(|_| ())
    }
}

#[async_trait]
impl Worker for Prober {
    fn name(&self) -> &'static str {
        "upstream probe"
    }

    async fn step(&mut self) -> Next {
        let wait = self.watch.breaker().trial_in(Instant::now());
        if wait.is_none_or(|wait| !wait.is_zero()) {
            return Next::After(wait.unwrap_or(LOOK).min(LOOK));
        }
        let admission = self.watch.breaker().admit(Instant::now());
        if admission == Admission::Trial {
            self.attempt().await;
        }
        Next::Now
    }
}

impl Drop for Prober {
    fn drop(&mut self) {
        self.watch.attended.store(false, Ordering::SeqCst);
    }
}

impl fmt::Debug for Prober {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Prober").field("upstream", &self.watch.name).finish_non_exhaustive()
    }
}

struct Trial<'a> {
    watch: &'a Watch,
    undecided: bool,
}

impl Trial<'_> {
    fn failed(mut self, cause: &str) {
        self.undecided = false;
        self.watch.failed(Admission::Trial, cause, None);
    }

    fn succeeded(mut self) {
        self.undecided = false;
        self.watch.succeeded(Admission::Trial);
    }
}

impl Drop for Trial<'_> {
    fn drop(&mut self) {
        if self.undecided {
            self.watch.breaker().abandoned(Admission::Trial, Instant::now());
        }
    }
}
