//! The store on disk, opened again and again on one directory.

use std::fs;
use std::sync::Arc;

use stowgate::object::{BucketsQuery, ListEntry, ListQuery, ManualClock};
use stowgate::store::local::{BucketUsage, LocalOptions, LocalStore};
use stowgate::store::{Buckets, Objects, Store};
use tempfile::TempDir;

use super::pair::{Outcome, same};
use super::step::Restart;

pub(super) struct Disk {
    // Dropped before the directory.
    store: Option<LocalStore>,
    dir: TempDir,
    clock: Arc<ManualClock>,
}

impl Disk {
    pub(super) async fn new(clock: Arc<ManualClock>) -> Self {
        let mut disk = Self { store: None, dir: TempDir::new().unwrap(), clock };
        disk.open().await;
        disk
    }

    pub(super) fn store(&self) -> &dyn Store {
        self.store.as_ref().unwrap()
    }

    pub(super) async fn restart(&mut self, how: Restart) {
        let store = self.store.take().unwrap();
        let clean = !matches!(how, Restart::Dirty);
        let stop = move || if clean { store.close().unwrap() } else { drop(store) };
        tokio::task::spawn_blocking(stop).await.unwrap();
        if matches!(how, Restart::IndexLost) {
            fs::remove_dir_all(self.dir.path().join("index")).unwrap();
        }
        self.open().await;
    }

    async fn open(&mut self) {
        // Small segments, so that a history fills several; nothing kept free, so that hundreds
        // of stores come and go quickly.
        let options = LocalOptions {
            segment_size: 512 << 10,
            cache_bytes: 1 << 20,
            checkpoint_records: 10,
            free_space_watermark: 0,
            reserve: 0,
            ..LocalOptions::default()
        };
        let store = LocalStore::open(self.dir.path(), options, self.clock.clone()).unwrap();
        store.ready().await.unwrap();
        assert_eq!(store.read_only_reason(), None);
        self.store = Some(store);
    }

    /// The counters of every bucket are what a recount of its objects gives.
    pub(super) async fn check_counters(&self, what: &str) -> Outcome {
        let store = self.store.as_ref().unwrap();
        let query = BucketsQuery { limit: 1000, ..BucketsQuery::default() };
        for bucket in store.list_buckets(&query).await.unwrap().buckets {
            let query = ListQuery { limit: 1000, ..ListQuery::default() };
            let page = store.list_objects(&bucket.name, &query).await.unwrap();
            let mut recount = BucketUsage::default();
            for entry in page.entries {
                let ListEntry::Object { size, .. } = entry else { panic!("no delimiter") };
                recount.objects += 1;
                recount.bytes += size;
            }
            same(&store.usage(&bucket.name).unwrap(), &recount, what)?;
        }
        Ok(())
    }
}
