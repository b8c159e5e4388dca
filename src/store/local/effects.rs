//! What a record does to index, counters and garbage: a pure function of the record.
//!
//! The committer, the replay after a crash and the check all go through here, so that they cannot
//! disagree.

use sha2::{Digest, Sha256};

use super::format::counts::Counts;
use super::format::entry::{
    BucketEntry, CompletedEntry, LedgerEntry, ObjectEntry, PartEntry, SettingEntry, UploadEntry,
};
use super::format::meta::{
    Assembly, At, KeepBucket, KeepCompleted, KeepUpload, Meta, MoveManifest,
};
use super::format::place::{Body, BucketId, Dead, RecordRef};
use super::format::{Flaw, StoreId};
use super::split::Shift;

/// One change of the index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Change {
    /// The key has this object.
    Object(At, Box<ObjectEntry>),
    /// The key has no object.
    ObjectGone(At),
    /// There is this upload.
    Upload(At, u128, Box<UploadEntry>),
    /// The upload has this part.
    Part(u128, u16, Box<PartEntry>),
    /// There is no such upload, and none of its parts.
    UploadGone(At, u128),
    /// The upload was completed.
    Completed(u128, CompletedEntry),
    /// There is this bucket.
    Bucket(String, BucketEntry),
    /// There still is this bucket: nothing changes, but who reads only the log learns of it.
    BucketKept(String, BucketEntry),
    /// There is no such bucket, and none of its settings. Its ledger is not seen any more, and
    /// cleared some time after.
    BucketGone(String, BucketId),
    /// The bucket's setting is this, or nothing.
    Setting(BucketId, String, Option<SettingEntry>),
    /// The key's ledger record is this, or nothing.
    Entry(At, Option<LedgerEntry>),
}

/// A change of a bucket's counters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct UsageDelta {
    /// Which bucket.
    pub(crate) bucket: BucketId,
    /// The size of the object that comes.
    pub(crate) added: Option<u64>,
    /// The size of the object that goes.
    pub(crate) removed: Option<u64>,
}

/// A change of what a bucket's ledger consists of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LedgerDelta {
    /// One key's.
    Entry {
        /// Which bucket.
        bucket: BucketId,
        /// The record that holds it from now on.
        added: Option<RecordRef>,
        /// The record that held it.
        removed: Option<RecordRef>,
    },
    /// All of a bucket's die.
    Gone(BucketId),
}

/// All that a record does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Effects {
    /// The record.
    pub(crate) record: RecordRef,
    /// Changes of the index, in order.
    pub(crate) changes: Vec<Change>,
    /// Whether something refers to the record afterwards.
    pub(crate) lives: bool,
    /// Other records that something refers to from now on.
    pub(crate) raised: Vec<RecordRef>,
    /// What nothing refers to any more.
    pub(crate) dead: Dead,
    /// The segment that the log begins with from now on.
    pub(crate) trims: Option<u64>,
    /// What to count.
    pub(crate) usage: Option<UsageDelta>,
    /// What to count of a ledger.
    pub(crate) ledger: Option<LedgerDelta>,
    /// What to count by class.
    pub(crate) shift: ShiftDelta,
}

/// A change of a bucket's counters by class.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ShiftDelta {
    /// None.
    Nothing,
    /// The key of the record, as that of the changed object or ledger record.
    Key(Shift),
    /// The record is about a key, but does not say what to count.
    Unknown,
}

/// The id of the upload that the record with that LSN started: the LSN, so that ids order by
/// start, and behind it digits that nobody can guess without the store's id.
pub(crate) fn upload_id(store: StoreId, lsn: u64) -> u128 {
    let mut hash = Sha256::new();
    hash.update(b"stowgate upload id");
    hash.update(store.0);
    hash.update(lsn.to_be_bytes());
    let hash: [u8; 32] = hash.finalize().into();
    let tail = hash.first_chunk::<8>().copied().map(u64::from_be_bytes).unwrap_or_default();
    (u128::from(lsn) << 64) | u128::from(tail)
}

/// The LSN in an upload's id.
#[allow(clippy::cast_possible_truncation, reason = "the shift leaves 64 bits")]
pub(crate) fn upload_lsn(id: u128) -> u64 {
    (id >> 64) as u64
}

impl Effects {
    /// What a record does. `data` is needed only of the kinds that carry lists in it.
    pub(crate) fn of(
        store: StoreId,
        record: RecordRef,
        (meta, counts): (Meta, Option<Counts>),
        data: &[u8],
    ) -> Result<Self, Flaw> {
        let mut effects = Self {
            record,
            changes: Vec::new(),
            lives: true,
            raised: Vec::new(),
            dead: Dead::default(),
            trims: None,
            usage: None,
            ledger: None,
            shift: match counts {
                Some(Counts { before, after, .. }) => ShiftDelta::Key(Shift { before, after }),
                None => ShiftDelta::Unknown,
            },
        };
        effects.fill(store, meta, counts.unwrap_or_default(), data)?;
        if effects.key().is_none() {
            effects.shift = ShiftDelta::Nothing;
        }
        Ok(effects)
    }

    /// The key whose object or ledger record changes.
    pub(crate) fn key(&self) -> Option<&At> {
        self.changes.iter().find_map(|change| match change {
            Change::Object(at, _) | Change::ObjectGone(at) | Change::Entry(at, _) => Some(at),
            _ => None,
        })
    }

    fn fill(
        &mut self,
        store: StoreId,
        meta: Meta,
        counts: Counts,
        data: &[u8],
    ) -> Result<(), Flaw> {
        let record = self.record;
        match meta {
            Meta::PutObject(put) => {
                let body = put.carried.body(record);
                self.count(put.at.bucket, Some(put.object.size), put.replaces.size);
                self.dead = put.replaces.dead;
                let entry = ObjectEntry::new(record, body, &put.object);
                self.changes.push(Change::Object(put.at, Box::new(entry)));
            }
            Meta::ChangeObject(change) => {
                self.dead = change.replaces.dead;
                let entry = ObjectEntry::new(record, change.body, &change.object);
                self.changes.push(Change::Object(change.at, Box::new(entry)));
            }
            Meta::DeleteObject(delete) => {
                self.lives = false;
                self.count(delete.at.bucket, None, delete.replaces.size);
                self.dead = delete.replaces.dead;
                self.changes.push(Change::ObjectGone(delete.at));
            }
            Meta::CreateUpload(upload) => {
                let (at, id) = (upload.at.clone(), upload_id(store, record.lsn));
                let entry = UploadEntry::new(record, upload);
                self.changes.push(Change::Upload(at, id, Box::new(entry)));
            }
            Meta::UploadPart(part) => {
                self.dead = part.replaces.dead;
                let entry = PartEntry {
                    head: record,
                    body: part.carried.body(record),
                    size: part.size,
                    modified: part.modified,
                    tag: part.tag,
                    checksum: part.checksum,
                    sealed: part.sealed,
                };
                let id = upload_id(store, part.upload);
                self.changes.push(Change::Part(id, part.number, Box::new(entry)));
            }
            Meta::CompleteUpload(complete) => {
                let assembly = Assembly::decode(data)?;
                self.count(complete.at.bucket, Some(complete.object.size), complete.replaces.size);
                self.dead = complete.replaces.dead;
                self.dead.extend(assembly.dead);
                let id = upload_id(store, complete.upload);
                let body = Body::Manifest(record);
                let entry = ObjectEntry::new(record, body, &complete.object);
                let (request, time) = (complete.request, complete.time);
                let completed = CompletedEntry { head: record, request, time };
                self.changes.push(Change::Object(complete.at.clone(), Box::new(entry)));
                self.changes.push(Change::Completed(id, completed));
                self.changes.push(Change::UploadGone(complete.at, id));
            }
            Meta::AbortUpload(abort) => {
                self.lives = false;
                self.dead = Dead::decode(data)?;
                let id = upload_id(store, abort.upload);
                self.changes.push(Change::UploadGone(abort.at, id));
            }
            Meta::CreateBucket(bucket) => {
                // Buckets and settings are few and small: they do not count as living bytes.
                self.lives = false;
                let id = BucketId(record.lsn);
                let entry = BucketEntry { id, owner: bucket.owner, created: bucket.created };
                self.changes.push(Change::Bucket(bucket.name, entry));
            }
            Meta::DeleteBucket(bucket) => {
                self.lives = false;
                self.ledger = Some(LedgerDelta::Gone(bucket.bucket));
                self.changes.push(Change::BucketGone(bucket.name, bucket.bucket));
            }
            Meta::BucketSetting(setting) => {
                self.lives = false;
                let entry = setting.present.then_some(SettingEntry { head: record });
                self.changes.push(Change::Setting(setting.bucket, setting.setting, entry));
            }
            Meta::SetEntry(set) => {
                self.lives = set.present;
                self.dead.records.extend(set.replaces);
                let (bucket, added) = (set.at.bucket, set.present.then_some(record));
                self.ledger = Some(LedgerDelta::Entry { bucket, added, removed: set.replaces });
                let claimed = counts.claimed;
                let entry = added.map(|head| LedgerEntry { head, claimed });
                self.changes.push(Change::Entry(set.at, entry));
            }
            moved => self.fill_moved(store, moved),
        }
        Ok(())
    }

    /// What the records of compactions do.
    fn fill_moved(&mut self, store: StoreId, meta: Meta) {
        let record = self.record;
        match meta {
            Meta::MovePart(_) => self.lives = false,
            Meta::MoveManifest(MoveManifest { complete, raised }) => {
                self.count(complete.at.bucket, Some(complete.object.size), complete.replaces.size);
                (self.dead, self.raised) = (complete.replaces.dead, raised);
                let entry = ObjectEntry::new(record, Body::Manifest(record), &complete.object);
                let (request, time) = (complete.request, complete.time);
                let completed = CompletedEntry { head: record, request, time };
                let id = upload_id(store, complete.upload);
                self.changes.push(Change::Object(complete.at, Box::new(entry)));
                self.changes.push(Change::Completed(id, completed));
            }
            Meta::KeepCompleted(KeepCompleted { complete }) => {
                self.lives = false;
                let (request, time) = (complete.request, complete.time);
                let completed = CompletedEntry { head: record, request, time };
                self.changes.push(Change::Completed(upload_id(store, complete.upload), completed));
            }
            Meta::KeepUpload(KeepUpload { lsn, replaces, upload }) => {
                self.dead.records.push(replaces);
                let (at, id) = (upload.at.clone(), upload_id(store, lsn));
                let entry = UploadEntry::new(record, *upload);
                self.changes.push(Change::Upload(at, id, Box::new(entry)));
            }
            Meta::KeepBucket(KeepBucket { id, made }) => {
                self.lives = false;
                let entry = BucketEntry { id, owner: made.owner, created: made.created };
                self.changes.push(Change::BucketKept(made.name, entry));
            }
            Meta::TrimLog(trim) => {
                self.lives = false;
                self.trims = Some(trim.first);
            }
            _ => {}
        }
    }

    fn count(&mut self, bucket: BucketId, added: Option<u64>, removed: Option<u64>) {
        self.usage = Some(UsageDelta { bucket, added, removed });
    }
}
