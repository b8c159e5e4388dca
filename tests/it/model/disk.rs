//! The store on disk, opened again and again on one directory.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use stowgate::object::{
    BucketsQuery, EncryptionDefaults, KeyTemplate, ListEntry, ListQuery, ManualClock, MasterKeys,
    Month,
};
use stowgate::store::local::{
    Accuracy, BucketUsage, CheckOptions, LocalOptions, LocalStore, check,
};
use stowgate::store::{Buckets, Objects, Store};
use tempfile::TempDir;

use super::outcome::{Outcome, same};
use super::step::{BUCKETS, Restart};

pub(super) struct Disk {
    // Dropped before the directory.
    store: Option<LocalStore>,
    dir: TempDir,
    clock: Arc<ManualClock>,
    /// How often it was opened: by turns the objects are counted by another template.
    opened: usize,
    encrypts: bool,
}

impl Disk {
    pub(super) async fn new(clock: Arc<ManualClock>, encrypts: bool) -> Self {
        let mut disk =
            Self { store: None, dir: TempDir::new().unwrap(), clock, opened: 0, encrypts };
        disk.open().await;
        disk
    }

    pub(super) fn store(&self) -> &dyn Store {
        self.store.as_ref().unwrap()
    }

    /// Stops the store, does to its files what the restart says, and opens it again.
    pub(super) async fn restart(&mut self, how: Restart) {
        let store = self.store.take().unwrap();
        let clean = matches!(how, Restart::Clean | Restart::IndexLost | Restart::IndexStale);
        let stop = move || if clean { store.close().unwrap() } else { drop(store) };
        tokio::task::spawn_blocking(stop).await.unwrap();
        self.meddle(how);
        self.open().await;
    }

    fn meddle(&self, how: Restart) {
        let root = self.root();
        let (index, earlier) = (root.join("index"), self.dir.path().join("earlier"));
        match how {
            Restart::Dirty | Restart::Clean => {
                let _ = fs::remove_dir_all(&earlier);
                copy_dir(&index, &earlier);
            }
            Restart::IndexLost => fs::remove_dir_all(&index).unwrap(),
            Restart::IndexStale => {
                fs::remove_dir_all(&index).unwrap();
                if earlier.exists() {
                    copy_dir(&earlier, &index);
                }
            }
            Restart::IndexDamaged => overwrite(&index),
            Restart::CheckpointLost => {
                for name in ["CHECKPOINT.a", "CHECKPOINT.b"] {
                    let _ = fs::remove_file(root.join(name));
                }
            }
        }
    }

    /// The store's own directory.
    fn root(&self) -> PathBuf {
        self.dir.path().join("store")
    }

    async fn open(&mut self) {
        self.opened += 1;
        let templates = self.template().map(|it| BUCKETS.map(|name| (name.to_owned(), it.clone())));
        let templates = templates.into_iter().flatten().collect();
        let store =
            LocalStore::open_counting(&self.root(), options(), templates, self.clock.clone());
        let store = store.unwrap();
        let everywhere = self.encrypts;
        let defaults = EncryptionDefaults { everywhere, ..EncryptionDefaults::default() };
        store.set_encryption(MasterKeys::default(), defaults, false).unwrap();
        store.ready().await.unwrap();
        assert_eq!(store.read_only_reason(), None);
        self.store = Some(store);
    }

    /// By which template objects are counted.
    fn template(&self) -> Option<KeyTemplate> {
        let text = [None, Some("{type}/{*}"), Some("{company}")][self.opened % 3];
        text.map(|text| KeyTemplate::parse(text).unwrap())
    }

    /// A check of the stopped store finds nothing, with the index that it has and with one made
    /// anew.
    pub(super) async fn check(mut self, what: &str) -> Outcome {
        let store = self.store.take().unwrap();
        let (root, clock) = (self.root(), self.clock.clone());
        let reports = move || {
            store.close().unwrap();
            drop(store);
            [false, true].map(|rebuild_index| {
                let how = CheckOptions { rebuild_index, ..CheckOptions::default() };
                check(&root, options(), how, clock.clone()).unwrap()
            })
        };
        for report in tokio::task::spawn_blocking(reports).await.unwrap() {
            same(&format!("{:#?}", report.problems), "[]", what)?;
        }
        Ok(())
    }

    /// The counters of every bucket are what a recount of its objects gives.
    pub(super) async fn check_counters(&self, what: &str) -> Outcome {
        let store = self.store.as_ref().unwrap();
        let query = BucketsQuery { limit: 1000, ..BucketsQuery::default() };
        for bucket in store.list_buckets(&query).await.unwrap().buckets {
            let query = ListQuery { limit: 1000, ..ListQuery::default() };
            let page = store.list_objects(&bucket.name, &query).await.unwrap();
            let mut recount = BucketUsage::default();
            let mut classes: BTreeMap<_, BucketUsage> = BTreeMap::new();
            let template = self.template();
            for entry in page.entries {
                let ListEntry::Object { key, size, last_modified, .. } = entry else {
                    panic!("no delimiter")
                };
                let labels = template.as_ref().and_then(|it| it.labels(key.as_str()));
                let labels = labels.unwrap_or_default();
                let label = |label: Option<&str>| label.map(str::to_owned);
                let month = Month::of(last_modified).to_string();
                let class = (label(labels.company), label(labels.kind), false, month);
                for counter in [&mut recount, classes.entry(class).or_default()] {
                    counter.objects += 1;
                    counter.bytes += size;
                }
            }
            let counted = store.usage(&bucket.name).unwrap();
            same(&format!("{counted:?}"), &format!("{recount:?}"), what)?;
            let split = loop {
                let split = store.split_usage(&bucket.name).unwrap();
                if split.accuracy == Accuracy::Exact && split.template == template {
                    break split;
                }
                tokio::task::yield_now().await;
            };
            let rows = split
                .rows
                .into_iter()
                .map(|row| ((row.company, row.kind, row.away, row.month.to_string()), row.usage));
            let rows: BTreeMap<_, _> = rows.collect();
            same(&format!("{rows:?}"), &format!("{classes:?}"), what)?;
            let recounted = store.recount(&bucket.name).await.unwrap();
            same(&format!("{:?}", recounted.wrong), "[]", what)?;
            same(&format!("{:?}", recounted.counted), &format!("{:?}", recounted.found), what)?;
        }
        Ok(())
    }
}

fn copy_dir(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy_dir(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// Puts noise into the middle of every file of a directory.
fn overwrite(dir: &Path) {
    for entry in fs::read_dir(dir).unwrap().map(Result::unwrap) {
        if entry.file_type().unwrap().is_dir() {
            overwrite(&entry.path());
        } else {
            let mut bytes = fs::read(entry.path()).unwrap();
            let length = bytes.len();
            for (at, byte) in bytes.iter_mut().enumerate() {
                if at > length / 8 && at % 3 == 0 {
                    *byte ^= 0x5a;
                }
            }
            fs::write(entry.path(), bytes).unwrap();
        }
    }
}

/// Small segments, so that a history fills several; nothing kept free, so that hundreds of stores
/// come and go quickly.
fn options() -> LocalOptions {
    LocalOptions {
        segment_size: 512 << 10,
        cache_bytes: 1 << 20,
        checkpoint_records: 10,
        free_space_watermark: 0,
        reserve: 0,
        garbage_grace: Duration::from_secs(1),
        ..LocalOptions::default()
    }
}
