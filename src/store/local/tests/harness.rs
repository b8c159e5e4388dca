//! A store on a simulated machine, operations at random, and a model of what may be there.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use super::encryption::encrypt;
pub(super) use super::operations::{Operation, Version, acl_of, carry_out, read, upload};
use super::operations::{show, shows};
use super::usage::{DAY, assert_right, claim, templates};
use crate::object::{BucketName, ListQuery, ManualClock, MasterKeys, ObjectKey, Owner};
use crate::store::conformance::{Subject, content};
use crate::store::local::check::{CheckOptions, check_prepared};
use crate::store::local::index::{Hostile, MemoryHome};
use crate::store::local::recover::recount;
use crate::store::local::store::prepare;
use crate::store::local::vfs::sim::Sim;
use crate::store::local::{LocalOptions, LocalStore};
use crate::store::{
    Buckets, ClaimReader, Ledger, LedgerQuery, ObjectPath, Objects, Result, StoreError,
};

/// Sizes on both sides of everything that decides where bytes go.
const SIZES: [usize; 8] = [0, 1, 100, 2047, 2048, 2049, 9000, 70_000];
pub(super) const KEYS: u64 = 12;

pub(super) struct Random(pub(super) u64);

impl Random {
    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(super) fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }
}

/// What an operation leaves.
enum Outcome {
    /// One of these: more than one where it is not known what there was.
    Object(u64, Vec<Option<Version>>),
    Note(u64, Option<Bytes>),
    Setting(u64, Option<Bytes>),
    Nothing,
}

/// A machine with a store that is opened many times.
pub(super) struct Machine {
    pub(super) sim: Sim,
    pub(super) home: MemoryHome,
    pub(super) clock: Arc<ManualClock>,
    pub(super) random: Random,
    pub(super) options: LocalOptions,
    /// What each key may have: one thing where that is known.
    pub(super) may: BTreeMap<u64, Vec<Option<Version>>>,
    /// The same of its ledger record.
    pub(super) notes: BTreeMap<u64, Vec<Option<Bytes>>>,
    /// The same of the bucket's settings.
    pub(super) settings: BTreeMap<u64, Vec<Option<Bytes>>>,
    made: u64,
    /// By which template objects are counted from the next opening on.
    pub(super) template: u64,
    /// Whether everything is encrypted from the next opening on.
    pub(super) encrypts: bool,
    /// The master keys from the next opening on; without any the store makes its own.
    pub(super) keys: MasterKeys,
}

pub(super) fn options() -> LocalOptions {
    LocalOptions {
        pack_limit: 2048,
        segment_size: 64 << 10,
        checkpoint_interval: Duration::from_millis(7),
        checkpoint_records: 9,
        free_space_watermark: 0,
        garbage_grace: Duration::ZERO,
        reserve: 0,
        claims: ClaimReader(claim),
        ..LocalOptions::default()
    }
}

pub(super) fn bucket() -> BucketName {
    BucketName::parse("bucket").unwrap()
}

pub(super) fn at(key: u64) -> ObjectPath {
    // Keys that are prefixes of others, and one that is long.
    let text = match key {
        0 => "a".repeat(1000),
        key if key % 3 == 0 => format!("dir/{key}"),
        key => "k".repeat(usize::try_from(key).unwrap()),
    };
    ObjectPath { bucket: bucket(), key: ObjectKey::parse(&text).unwrap() }
}

pub(super) fn owner() -> Owner {
    Owner { id: "id".to_owned(), display_name: "name".to_owned() }
}

impl Machine {
    pub(super) fn new(seed: u64) -> Self {
        Self {
            sim: Sim::new(),
            home: MemoryHome::default(),
            clock: Subject::clock(),
            random: Random(seed),
            options: options(),
            may: (0..KEYS).map(|key| (key, vec![None])).collect(),
            notes: (0..KEYS).map(|key| (key, vec![None])).collect(),
            settings: (0..KEYS).map(|key| (key, vec![None])).collect(),
            made: seed << 32,
            template: 0,
            encrypts: seed % 2 == 1,
            keys: MasterKeys::default(),
        }
    }

    /// Opens the store and waits until it is ready, or says why it can't be.
    pub(super) async fn try_open(&self) -> std::result::Result<LocalStore, String> {
        let (vfs, home) = (self.sim.vfs(), Arc::new(self.home.clone()));
        let templates = templates(self.template);
        let store = LocalStore::open_on(vfs, home, self.options, templates, self.clock.clone())
            .map_err(|error| error.to_string())?;
        encrypt(&store, self.keys.clone(), self.encrypts).map_err(|error| error.to_string())?;
        store.ready().await.map_err(|error| error.to_string())?;
        Ok(store)
    }

    /// The same with the bucket in it.
    pub(super) async fn open(&self) -> std::result::Result<LocalStore, String> {
        let store = self.try_open().await?;
        match store.create_bucket(&bucket(), &owner()).await {
            Ok(()) | Err(StoreError::BucketExists { .. }) => Ok(store),
            Err(error) => Err(error.to_string()),
        }
    }

    /// One that there was not before.
    pub(super) fn version(&mut self) -> Version {
        self.made += 1;
        let size = SIZES[usize::try_from(self.random.below(SIZES.len() as u64)).unwrap()];
        let tag = (self.random.below(3) == 0).then(|| self.made.to_string());
        Version { content: content(self.made, size), tag }
    }

    pub(super) fn operation(&mut self) -> Operation {
        let key = self.random.below(KEYS);
        let version = self.version();
        let size = version.content.len();
        match self.random.below(16) {
            0..5 => Operation::Put(key, version),
            5..7 => Operation::Delete(key),
            7 => Operation::Tag(key, self.made.to_string()),
            8 => Operation::Upload(key, version),
            9 => Operation::Abort(key),
            10 => Operation::Note(key, None),
            11..13 => Operation::Note(key, Some(content(self.made, size.min(3000)))),
            13 => Operation::Compact(key),
            _ => Operation::Set(key, (size != 1).then(|| content(self.made, size))),
        }
    }

    /// What the operation leaves if it is carried out.
    fn outcome(&self, operation: &Operation) -> Outcome {
        match operation {
            Operation::Put(key, version) | Operation::Upload(key, version) => {
                Outcome::Object(*key, vec![Some(version.clone())])
            }
            Operation::Delete(key) => Outcome::Object(*key, vec![None]),
            Operation::Tag(key, tag) => {
                let tagged = |old: &Version| Version { tag: Some(tag.clone()), ..old.clone() };
                let there = self.may[key].iter().flatten();
                let versions: Vec<_> = there.map(|old| Some(tagged(old))).collect();
                if versions.is_empty() { Outcome::Nothing } else { Outcome::Object(*key, versions) }
            }
            Operation::Note(key, note) => Outcome::Note(*key, note.clone()),
            Operation::Set(key, value) => Outcome::Setting(*key, value.clone()),
            Operation::Abort(_) | Operation::Compact(_) => Outcome::Nothing,
        }
    }

    /// Carries operations on different keys out at once; says whether all were acknowledged.
    pub(super) async fn run(&mut self, store: &LocalStore, operations: Vec<Operation>) -> bool {
        let all = operations.iter().map(|operation| carry_out(store, operation));
        let all = futures_util::future::join_all(all);
        let results = if self.random.below(3) == 0 {
            let bucket = bucket();
            let (results, recounted) = tokio::join!(all, store.recount(&bucket));
            recounted.iter().for_each(assert_right);
            results
        } else {
            all.await
        };
        let mut fine = true;
        for (operation, result) in operations.iter().zip(results) {
            fine &= self.judge(operation, result.map(|()| true));
        }
        fine
    }

    /// Notes what the result of an operation says about what may be there: done, perhaps done
    /// (`false`), or failed. Says whether it did not fail.
    pub(super) fn judge(&mut self, operation: &Operation, result: Result<bool>) -> bool {
        let outcome = self.outcome(operation);
        match result {
            Ok(true) => match outcome {
                Outcome::Object(key, versions) => {
                    self.may.insert(key, versions);
                }
                Outcome::Note(key, note) => {
                    self.notes.insert(key, vec![note]);
                }
                Outcome::Setting(key, value) => {
                    self.settings.insert(key, vec![value]);
                }
                Outcome::Nothing => {}
            },
            Err(StoreError::NoSuchKey) => assert!(matches!(operation, Operation::Tag(..))),
            Ok(false) => self.may_also(outcome),
            Err(error) => {
                let expected = matches!(
                    error,
                    StoreError::Io { .. }
                        | StoreError::ReadOnly { .. }
                        | StoreError::StorageFull
                        | StoreError::Closing
                        | StoreError::Rebuilding
                );
                assert!(expected, "{operation:?}: {error:?}");
                self.may_also(outcome);
                return false;
            }
        }
        true
    }

    fn may_also(&mut self, outcome: Outcome) {
        match outcome {
            Outcome::Object(key, versions) => self.may.get_mut(&key).unwrap().extend(versions),
            Outcome::Note(key, note) => self.notes.get_mut(&key).unwrap().push(note),
            Outcome::Setting(key, value) => self.settings.get_mut(&key).unwrap().push(value),
            Outcome::Nothing => {}
        }
    }

    /// A few operations at a time, on keys that differ.
    pub(super) fn group(&mut self) -> Vec<Operation> {
        let size = 1 + self.random.below(4);
        if self.random.below(4) == 0 {
            self.clock.advance(20 * DAY);
        }
        let mut group: BTreeMap<u64, Operation> = BTreeMap::new();
        for _ in 0..size {
            let operation = self.operation();
            group.insert(operation.key(), operation);
        }
        group.into_values().collect()
    }

    /// Everything that the store shows is something that may be there; from here on it is known.
    pub(super) async fn verify(&mut self, store: &LocalStore) {
        let mut there = Vec::new();
        for (key, may) in &mut self.may {
            let got = read(store, *key).await.unwrap();
            assert!(
                may.contains(&got),
                "key {key} has {}, may have {}",
                show(got.as_ref()),
                shows(may)
            );
            if got.is_some() {
                there.push(at(*key).key.as_str().to_owned());
            }
            *may = vec![got];
        }
        there.sort();
        let query = ListQuery { limit: 1000, ..ListQuery::default() };
        let page = store.list_objects(&bucket(), &query).await.unwrap();
        let listed: Vec<String> = page
            .entries
            .into_iter()
            .map(|entry| match entry {
                crate::object::ListEntry::Object { key, .. } => key.as_str().to_owned(),
                crate::object::ListEntry::CommonPrefix(prefix) => prefix,
            })
            .collect();
        assert_eq!(listed, there);
        self.verify_notes(store).await;
        self.verify_settings(store).await;
        self.settled(store).await;
        let kept = store.core.progress().tally.clone();
        let catalog = store.core.catalog().unwrap();
        let (counted, unreadable) = recount(&store.core, &catalog, &kept).unwrap();
        assert_eq!(unreadable, [""; 0]);
        assert_eq!(counted.usage_rows(), kept.usage_rows());
        for row in kept.segment_rows() {
            assert_eq!(counted.live(row.id), row.live, "segment {}", row.id);
        }
        assert_eq!(store.core.damage(), []);
        self.verify_usage(store).await;
    }

    /// Every ledger record is one that may be there, and found in every way.
    async fn verify_notes(&mut self, store: &LocalStore) {
        let mut there = BTreeMap::new();
        for (key, may) in &mut self.notes {
            let path = at(*key);
            let note = store.entry(&path).await.unwrap();
            assert!(may.contains(&note), "the record of {key} is none that it may have");
            if let Some(note) = &note {
                there.insert(path.key.as_str().as_bytes().to_vec(), (path.key, note.clone()));
            }
            *may = vec![note];
        }
        let query = LedgerQuery { limit: 1000, ..LedgerQuery::default() };
        let page = store.entries(&bucket(), &query).await.unwrap();
        assert_eq!(page.entries, there.into_values().collect::<Vec<_>>());
        assert!(!page.more);
        assert_eq!(store.has_entries(&bucket()).await.unwrap(), !page.entries.is_empty());
    }

    /// What every acknowledged key has can be read, whatever else failed.
    pub(super) async fn verify_reads(&self, store: &LocalStore) {
        for (key, may) in &self.may {
            let got = read(store, *key).await.unwrap();
            assert!(
                may.contains(&got),
                "key {key} has {}, may have {}",
                show(got.as_ref()),
                shows(may)
            );
        }
        for (key, may) in &self.notes {
            assert!(may.contains(&store.entry(&at(*key)).await.unwrap()), "the record of {key}");
        }
    }

    /// The power goes off.
    pub(super) fn crash(&mut self) {
        let seed = self.random.next();
        self.sim.crash(seed);
        self.lose_index(6);
    }

    /// The process is killed.
    pub(super) fn kill(&mut self) {
        self.sim.kill();
        self.lose_index(5);
    }

    /// After a clean stop the machine may have been stopped in the middle of it.
    pub(super) fn kill_nothing(&mut self) {
        if self.sim.is_stopped() {
            self.kill();
        } else {
            self.sim.kill();
        }
    }

    /// In one of so many ways, unless nothing had it open.
    fn lose_index(&mut self, ways: u64) {
        if !self.home.is_in_use() {
            return;
        }
        let how = match self.random.below(ways) {
            0 => Hostile::Empty,
            1 => Hostile::Stale,
            2 => Hostile::Ahead,
            3 => Hostile::Broken,
            4 => Hostile::Partial(self.random.next()),
            _ => Hostile::Torn(self.random.next()),
        };
        self.home.crash(how);
    }

    /// The check finds nothing wrong.
    pub(super) fn check(&self) {
        let prepared = prepare(self.sim.vfs(), self.options, self.clock.clone()).unwrap();
        let report = check_prepared(&prepared, &self.home, CheckOptions::default());
        assert!(report.is_clean(), "{report}");
    }

    /// No checkpoints but those that a test makes.
    pub(super) fn without_checkpoints(mut self) -> Self {
        self.options.checkpoint_interval = Duration::from_hours(1);
        self.options.checkpoint_records = u64::MAX;
        self
    }
}
