//! Makes the configured buckets, so that they exist without CreateBucket.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;

use crate::background::{Next, Worker};
use crate::config::Config;
use crate::object::{BucketName, Owner};
use crate::store::{Home, StoreError};

const TRY_AGAIN: Duration = Duration::from_secs(1);
/// As long as the store does not know what it has.
const LOOK: Duration = Duration::from_millis(10);

/// Makes one bucket a step. While the store is rebuilding its index it can't tell which exist, so
/// this may take a while.
pub(super) struct ConfiguredBuckets {
    missing: Vec<BucketName>,
    owner: Owner,
    store: Arc<dyn Home>,
    made: Arc<AtomicBool>,
    complained: bool,
}

impl ConfiguredBuckets {
    /// The buckets of `config`.
    pub(super) fn new(config: &Config, store: Arc<dyn Home>) -> Self {
        let owner = config.keys.operator.clone();
        Self {
            missing: config.routes.named.keys().cloned().collect(),
            owner,
            store,
            made: Arc::default(),
            complained: false,
        }
    }

    /// Becomes true when all of them exist.
    pub(super) fn made(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.made)
    }
}

#[async_trait]
impl Worker for ConfiguredBuckets {
    fn name(&self) -> &'static str {
        "configured buckets"
    }

    async fn step(&mut self) -> Next {
        while let Some(name) = self.missing.last() {
            match self.store.create_bucket(name, &self.owner).await {
                Ok(()) => tracing::info!(bucket = name.as_str(), "made the configured bucket"),
                Err(StoreError::BucketExists { .. }) => {}
                Err(StoreError::Rebuilding) => return Next::After(LOOK),
                Err(error) => {
                    if !std::mem::replace(&mut self.complained, true) {
                        tracing::warn!(bucket = name.as_str(), %error, "a configured bucket has to wait");
                    }
                    return Next::After(TRY_AGAIN);
                }
            }
            self.missing.pop();
        }
        self.made.store(true, Ordering::SeqCst);
        Next::Done
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Env, Flags};
    use crate::object::SystemClock;
    use crate::store::MemoryStore;

    #[tokio::test]
    async fn the_configured_buckets_exist_after_one_step_and_belong_to_the_operator() {
        let env = Env::of([("S3_BUCKET", "psc-accounting")]);
        let config = Config::load(&Flags::default(), &env).expect("a good configuration");
        let store: Arc<dyn Home> = Arc::new(MemoryStore::new(Arc::new(SystemClock)));
        for _ in 0..2 {
            let mut worker = ConfiguredBuckets::new(&config, Arc::clone(&store));
            let made = worker.made();
            assert!(!made.load(Ordering::SeqCst));
            assert_eq!(worker.step().await, Next::Done);
            assert!(made.load(Ordering::SeqCst));
        }
        let name = BucketName::parse("psc-accounting").expect("a good name");
        let bucket = store.head_bucket(&name).await.expect("the bucket");
        assert_eq!(bucket.owner, config.keys.operator);
    }
}
