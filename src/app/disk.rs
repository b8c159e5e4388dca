//! The disk under the local store, as the side API sees it.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;

use crate::admin::{Disk, DiskState, Space, Usage};
use crate::object::BucketName;
use crate::store::StoreError;
use crate::store::local::{
    Compacted, Compaction, KeysInUse, LocalStore, LogUsage, Phase, Recounted, SplitUsage,
};

/// The store and the directory it lies in.
pub(super) struct LocalDisk {
    pub(super) store: Arc<LocalStore>,
    pub(super) dir: PathBuf,
    /// Whether all configured buckets exist.
    pub(super) buckets_made: Arc<AtomicBool>,
}

#[async_trait]
impl Disk for LocalDisk {
    fn state(&self) -> DiskState {
        match (self.store.read_only_reason(), self.store.phase()) {
            (Some(reason), _) | (None, Phase::Failed(reason)) => DiskState::ReadOnly(reason),
            (None, Phase::Ready) if self.buckets_made.load(Ordering::SeqCst) => DiskState::Ready,
            (None, _) => DiskState::Rebuilding,
        }
    }

    fn space(&self) -> Option<Space> {
        let found = rustix::fs::statvfs(&self.dir).ok()?;
        let bytes = |blocks: u64| blocks.saturating_mul(found.f_frsize);
        Some(Space { free: bytes(found.f_bavail), total: bytes(found.f_blocks) })
    }

    fn usage(&self, bucket: &BucketName) -> Option<Usage> {
        let counted = self.store.usage(bucket).ok()?;
        Some(Usage { objects: counted.objects, bytes: counted.bytes })
    }

    fn split(&self, bucket: &BucketName) -> Option<SplitUsage> {
        self.store.split_usage(bucket).ok()
    }

    async fn recount(&self, bucket: &BucketName) -> Result<Recounted, StoreError> {
        self.store.recount(bucket).await
    }

    async fn set_aside(&self) -> Result<Vec<(String, u64)>, StoreError> {
        self.store.set_aside().await
    }

    async fn remove_set_aside(&self, name: &str) -> Result<bool, StoreError> {
        self.store.remove_set_aside(name).await
    }

    fn master_keys(&self) -> KeysInUse {
        self.store.master_keys()
    }

    async fn log(&self) -> Option<LogUsage> {
        self.store.log_usage().await.ok()
    }

    async fn compact(&self, work: &mut Compaction) -> Result<Compacted, StoreError> {
        self.store.compact(work).await
    }

    fn has(&self, bucket: &BucketName) -> Option<bool> {
        match self.store.usage(bucket) {
            Ok(_) => Some(true),
            Err(StoreError::NoSuchBucket) => Some(false),
            Err(_) => None,
        }
    }
}
