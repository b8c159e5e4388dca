//! What is written but not applied to the index yet.

use std::collections::{HashMap, HashSet, VecDeque};
use std::hash::Hash;

use super::super::catalog::Catalog;
use super::super::effects::{Change, Effects};
use super::super::format::entry::{BucketEntry, LedgerEntry, ObjectEntry, PartEntry, UploadEntry};
use super::super::format::meta::At;
use super::super::format::place::{BucketId, RecordRef};
use crate::store::Result;

/// The state after the last record written: the index, and over it what it has not got yet.
pub(super) struct View {
    catalog: Catalog,
    buckets: HashMap<String, BucketEntry>,
    objects: HashMap<At, (u64, Option<Box<ObjectEntry>>)>,
    entries: HashMap<At, (u64, Option<LedgerEntry>)>,
    /// The buckets that had a ledger record at any time since the start: of others none is looked
    /// for.
    ledgers: HashSet<BucketId>,
    settings: HashMap<(BucketId, String), (u64, Option<RecordRef>)>,
    uploads: HashMap<u128, (u64, Option<Upload>)>,
    parts: HashMap<(u128, u16), (u64, Box<PartEntry>)>,
    /// What to take out again, once the index is at that record.
    pending: VecDeque<(u64, Pending)>,
    /// The last record about a bucket or upload, as long as this process runs: tells whether
    /// anything happened since a caller looked.
    touched_buckets: HashMap<BucketId, u64>,
    touched_uploads: HashMap<u128, u64>,
    /// Whoever looked when the index was not this far yet has to look again.
    forgotten: u64,
}

type Upload = (At, Box<UploadEntry>);

enum Pending {
    Object(At),
    Entry(At),
    Setting(BucketId, String),
    Upload(u128),
    Part(u128, u16),
}

impl View {
    /// The state of the index, with nothing pending; `ledgers` are the buckets with ledger records.
    pub(super) fn new(
        catalog: Catalog,
        buckets: impl IntoIterator<Item = (String, BucketEntry)>,
        ledgers: impl IntoIterator<Item = BucketId>,
    ) -> Self {
        Self {
            catalog,
            ledgers: ledgers.into_iter().collect(),
            buckets: buckets.into_iter().collect(),
            objects: HashMap::new(),
            entries: HashMap::new(),
            settings: HashMap::new(),
            uploads: HashMap::new(),
            parts: HashMap::new(),
            pending: VecDeque::new(),
            touched_buckets: HashMap::new(),
            touched_uploads: HashMap::new(),
            forgotten: 0,
        }
    }

    /// Takes a failed batch back: the index, which has everything up to `lsn`, is all there is.
    pub(super) fn reset(
        &mut self,
        buckets: impl IntoIterator<Item = (String, BucketEntry)>,
        lsn: u64,
    ) {
        self.buckets = buckets.into_iter().collect();
        self.objects.clear();
        self.entries.clear();
        self.settings.clear();
        self.uploads.clear();
        self.parts.clear();
        self.pending.clear();
        // What the failed batch took out of these was in the index all the same.
        self.touched_buckets.clear();
        self.touched_uploads.clear();
        self.forgotten = lsn;
    }

    /// Forgets what the index has by now.
    pub(super) fn prune(&mut self, applied: u64) {
        while let Some((lsn, _)) = self.pending.front().filter(|(lsn, _)| *lsn <= applied) {
            let lsn = *lsn;
            let Some((_, pending)) = self.pending.pop_front() else { break };
            self.forget(&pending, lsn);
        }
    }

    /// Forgets what a record did, unless a later one did more.
    fn forget(&mut self, pending: &Pending, lsn: u64) {
        match pending {
            Pending::Object(at) => forget_up_to(&mut self.objects, at, lsn),
            Pending::Entry(at) => forget_up_to(&mut self.entries, at, lsn),
            Pending::Setting(bucket, name) => {
                forget_up_to(&mut self.settings, &(*bucket, name.clone()), lsn);
            }
            Pending::Upload(id) => forget_up_to(&mut self.uploads, id, lsn),
            Pending::Part(id, number) => forget_up_to(&mut self.parts, &(*id, *number), lsn),
        }
    }

    /// Adds what a record does.
    pub(super) fn add(&mut self, effects: &Effects) {
        let lsn = effects.record.lsn;
        for change in &effects.changes {
            match change {
                Change::Object(at, object) => self.set_object(lsn, at, Some(object.clone())),
                Change::ObjectGone(at) => self.set_object(lsn, at, None),
                Change::Upload(at, id, upload) => {
                    self.uploads.insert(*id, (lsn, Some((at.clone(), upload.clone()))));
                    self.pending.push_back((lsn, Pending::Upload(*id)));
                    self.touched_buckets.insert(at.bucket, lsn);
                    // One that is only moved: whoever looked knows its record of before.
                    self.touched_uploads.insert(*id, lsn);
                }
                Change::Part(id, number, part) => {
                    self.parts.insert((*id, *number), (lsn, part.clone()));
                    self.pending.push_back((lsn, Pending::Part(*id, *number)));
                    self.touched_uploads.insert(*id, lsn);
                }
                Change::UploadGone(at, id) => {
                    self.uploads.insert(*id, (lsn, None));
                    self.pending.push_back((lsn, Pending::Upload(*id)));
                    self.touched_uploads.remove(id);
                    self.touched_buckets.insert(at.bucket, lsn);
                }
                Change::Bucket(name, bucket) | Change::BucketKept(name, bucket) => {
                    self.buckets.insert(name.clone(), bucket.clone());
                }
                Change::BucketGone(name, id) => {
                    self.buckets.remove(name);
                    self.touched_buckets.remove(id);
                    self.ledgers.remove(id);
                }
                Change::Entry(at, entry) => {
                    self.ledgers.insert(at.bucket);
                    self.entries.insert(at.clone(), (lsn, *entry));
                    self.pending.push_back((lsn, Pending::Entry(at.clone())));
                }
                Change::Setting(bucket, name, setting) => {
                    let head = setting.as_ref().map(|setting| setting.head);
                    self.settings.insert((*bucket, name.clone()), (lsn, head));
                    self.pending.push_back((lsn, Pending::Setting(*bucket, name.clone())));
                }
                Change::Completed(..) => {}
            }
        }
    }

    fn set_object(&mut self, lsn: u64, at: &At, object: Option<Box<ObjectEntry>>) {
        self.objects.insert(at.clone(), (lsn, object));
        self.pending.push_back((lsn, Pending::Object(at.clone())));
        self.touched_buckets.insert(at.bucket, lsn);
    }

    /// A part was added to an upload of this bucket.
    pub(super) fn touch_bucket(&mut self, bucket: BucketId, lsn: u64) {
        self.touched_buckets.insert(bucket, lsn);
    }

    /// A bucket.
    pub(super) fn bucket(&self, name: &str) -> Option<&BucketEntry> {
        self.buckets.get(name)
    }

    /// The object of a key.
    pub(super) fn object(&self, at: &At) -> Result<Option<ObjectEntry>> {
        match self.objects.get(at) {
            Some((_, object)) => Ok(object.as_deref().cloned()),
            None => self.catalog.object(at.bucket, &at.key),
        }
    }

    /// A key's ledger record.
    pub(super) fn entry(&self, at: &At) -> Result<Option<LedgerEntry>> {
        if !self.ledgers.contains(&at.bucket) {
            return Ok(None);
        }
        match self.entries.get(at) {
            Some((_, entry)) => Ok(*entry),
            None => self.catalog.entry(at.bucket, &at.key),
        }
    }

    /// The record that holds a setting of a bucket.
    pub(super) fn setting(&self, bucket: BucketId, name: &str) -> Result<Option<RecordRef>> {
        match self.settings.get(&(bucket, name.to_owned())) {
            Some((_, head)) => Ok(*head),
            None => self.catalog.setting(bucket, name),
        }
    }

    /// An upload, if it is one of that key.
    pub(super) fn upload(&self, at: &At, id: u128) -> Result<Option<UploadEntry>> {
        match self.uploads.get(&id) {
            Some((_, Some((of, upload)))) if of == at => Ok(Some((**upload).clone())),
            Some(_) => Ok(None),
            None => self.catalog.upload(at.bucket, &at.key, id),
        }
    }

    /// A part of an upload that is there.
    pub(super) fn part(&self, id: u128, number: u16) -> Result<Option<PartEntry>> {
        match self.parts.get(&(id, number)) {
            Some((_, part)) => Ok(Some((**part).clone())),
            None => self.catalog.part(id, number),
        }
    }

    /// Whether anything was written about the bucket after the index was at `as_of`.
    pub(super) fn bucket_changed(&self, bucket: BucketId, as_of: u64) -> bool {
        // One that was made since is not the one that was looked at.
        as_of < self.forgotten.max(bucket.0)
            || self.touched_buckets.get(&bucket).is_some_and(|lsn| *lsn > as_of)
    }

    /// Whether any part came to the upload after the index was at `as_of`.
    pub(super) fn upload_changed(&self, id: u128, as_of: u64) -> bool {
        as_of < self.forgotten || self.touched_uploads.get(&id).is_some_and(|lsn| *lsn > as_of)
    }
}

fn forget_up_to<K: Eq + Hash, V>(map: &mut HashMap<K, (u64, V)>, key: &K, lsn: u64) {
    if map.get(key).is_some_and(|(newest, _)| *newest <= lsn) {
        map.remove(key);
    }
}
