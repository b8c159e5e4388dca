//! Which buckets of the upstream were seen lately.
//!
//! The answer to a HEAD has no body, so that a key that isn't there and a bucket that isn't there
//! look the same. Before a 404 is taken for a missing key, the bucket must have been seen.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// For how long a bucket that was seen is taken to be there.
const TRUSTED: Duration = Duration::from_secs(30);

/// Buckets and when they were seen.
#[derive(Debug, Default)]
pub(super) struct Existence(Mutex<HashMap<String, Instant>>);

impl Existence {
    /// Whether the bucket was seen lately.
    pub(super) fn is_known(&self, bucket: &str) -> bool {
        self.lock().get(bucket).is_some_and(|seen| seen.elapsed() < TRUSTED)
    }

    /// The bucket was seen.
    pub(super) fn saw(&self, bucket: &str) {
        self.lock().insert(bucket.to_owned(), Instant::now());
    }

    /// The bucket is gone, or was said to be.
    pub(super) fn forget(&self, bucket: &str) {
        self.lock().remove(bucket);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Instant>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn what_was_seen_is_trusted_for_a_while() {
        let existence = Existence::default();
        assert!(!existence.is_known("b"));
        existence.saw("b");
        assert!(existence.is_known("b") && !existence.is_known("c"));
        tokio::time::advance(TRUSTED).await;
        assert!(!existence.is_known("b"));
        existence.saw("b");
        existence.forget("b");
        assert!(!existence.is_known("b"));
    }
}
