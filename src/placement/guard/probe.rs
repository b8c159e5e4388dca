//! Finding out when a failed upstream is back.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use async_trait::async_trait;

use super::Watch;
use crate::background::{Next, Worker};
use crate::object::{BucketName, BucketsQuery, ListQuery};
use crate::placement::breaker::Admission;
use crate::store::{Result, Store, StoreError};

/// How often it looks whether anything is to be tried.
const LOOK: Duration = Duration::from_millis(500);

/// Tries buckets that are left alone, each by a listing of one key.
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

    async fn attempt(&self, bucket: Option<&BucketName>) {
        // A trial under way holds the breaker half open: dropped, it is given back.
        let trial = Trial { watch: &self.watch, bucket, undecided: true };
        let answer = tokio::time::timeout(self.budget, self.ask(bucket)).await;
        match answer {
            Err(_) => trial.failed(&self.watch.silence()),
            Ok(Err(StoreError::Unavailable { what })) => trial.failed(&what),
            Ok(_) => trial.succeeded(),
        }
    }

    async fn ask(&self, bucket: Option<&BucketName>) -> Result<()> {
        if let Some(bucket) = bucket {
            let query = ListQuery { limit: 1, ..ListQuery::default() };
            return self.inner.list_objects(bucket, &query).await.map(|_| ());
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
        match self.watch.next_trial() {
            None => Next::After(LOOK),
            Some((_, wait)) if !wait.is_zero() => Next::After(wait.min(LOOK)),
            Some((bucket, _)) => {
                if self.watch.try_again(bucket.as_ref()) {
                    self.attempt(bucket.as_ref()).await;
                }
                Next::Now
            }
        }
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
    bucket: Option<&'a BucketName>,
    undecided: bool,
}

impl Trial<'_> {
    fn failed(mut self, cause: &str) {
        self.undecided = false;
        self.watch.failed(self.bucket, Admission::Trial, cause);
    }

    fn succeeded(mut self) {
        self.undecided = false;
        self.watch.succeeded(self.bucket, Admission::Trial);
    }
}

impl Drop for Trial<'_> {
    fn drop(&mut self) {
        if self.undecided {
            self.watch.abandoned(self.bucket, Admission::Trial);
        }
    }
}
