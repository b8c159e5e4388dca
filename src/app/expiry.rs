//! Drops multipart uploads that nobody finished.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use crate::background::{Next, Worker};
use crate::object::{Clock, Timestamp};
use crate::store::{Store, StoreError};

/// How many uploads are dropped in one step.
const BATCH: usize = 100;
/// How often to look, at most and at least; between them a sixteenth of the expiry.
pub(super) const OFTEN: Duration = Duration::from_secs(10);
pub(super) const SELDOM: Duration = Duration::from_hours(1);

/// Drops uploads older than the configured time.
pub(super) struct UploadExpiry {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    expiry: Duration,
}

impl UploadExpiry {
    /// Drops the uploads of `store` once they are older than `expiry`.
    pub(super) fn new(store: Arc<dyn Store>, clock: Arc<dyn Clock>, expiry: Duration) -> Self {
        Self { store, clock, expiry }
    }

    fn deadline(&self) -> Timestamp {
        let expiry = i64::try_from(self.expiry.as_millis()).unwrap_or(i64::MAX);
        Timestamp(self.clock.now().0.saturating_sub(expiry))
    }

    fn pause(&self) -> Next {
        Next::After((self.expiry / 16).clamp(OFTEN, SELDOM))
    }
}

#[async_trait]
impl Worker for UploadExpiry {
    fn name(&self) -> &'static str {
        "upload expiry"
    }

    async fn step(&mut self) -> Next {
        match self.store.expire_uploads(self.deadline(), BATCH).await {
            Ok(0) => self.pause(),
            Ok(dropped) => {
                tracing::info!(dropped, "dropped multipart uploads that nobody finished");
                if dropped < BATCH { self.pause() } else { Next::Now }
            }
            Err(StoreError::Rebuilding) => Next::After(OFTEN),
            // Why the upstream fails is logged where its calls are watched.
            Err(error @ StoreError::Unavailable { .. }) => {
                tracing::debug!(%error, "old multipart uploads could not be dropped");
                self.pause()
            }
            Err(error) => {
                tracing::warn!(%error, "old multipart uploads could not be dropped");
                self.pause()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicI64, Ordering};

    use super::*;
    use crate::object::{
        Algorithm, BucketName, ChecksumChoice, ChecksumKind, ObjectKey, ObjectMetadata, Owner,
        TagSet, UploadsQuery,
    };
    use crate::store::{MemoryStore, NewUpload, ObjectPath};

    struct Dial(AtomicI64);

    impl Clock for Dial {
        fn now(&self) -> Timestamp {
            Timestamp(self.0.load(Ordering::SeqCst))
        }
    }

    #[tokio::test]
    async fn an_upload_is_dropped_once_it_is_old_enough() {
        let clock = Arc::new(Dial(AtomicI64::new(1_000_000)));
        let store: Arc<dyn Store> = Arc::new(MemoryStore::new(Arc::clone(&clock) as _));
        let owner = Owner { id: "id".into(), display_name: "name".into() };
        let bucket = BucketName::parse("bucket").expect("a good name");
        store.create_bucket(&bucket, &owner).await.expect("made");
        let at = ObjectPath { bucket: bucket.clone(), key: ObjectKey::parse("key").expect("good") };
        let checksum = ChecksumChoice {
            algorithm: Algorithm::Crc64Nvme,
            kind: ChecksumKind::FullObject,
            explicit: false,
        };
        let (metadata, tags) = (ObjectMetadata::default(), TagSet::default());
        let new =
            NewUpload { metadata, tags, checksum, initiator: owner, encryption: None, acl: None };
        store.create_upload(&at, new).await.expect("started");

        let expiry = Duration::from_hours(168);
        let mut worker = UploadExpiry::new(Arc::clone(&store), Arc::clone(&clock) as _, expiry);
        let uploads = async || {
            let query = UploadsQuery { limit: 10, ..UploadsQuery::default() };
            store.list_uploads(&bucket, &query).await.expect("listed").entries.len()
        };
        assert_eq!(worker.step().await, Next::After(SELDOM));
        assert_eq!(uploads().await, 1);
        clock.0.fetch_add(169 * 3_600_000, Ordering::SeqCst);
        worker.step().await;
        assert_eq!(uploads().await, 0);
    }
}
