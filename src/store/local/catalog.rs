//! The index in the store's own words: entries in, entries out, keys hidden.

use std::ops::{Bound, ControlFlow};
use std::sync::Arc;

use serde::de::DeserializeOwned;

use super::effects::Change;
use super::format::StoreId;
use super::format::checkpoint::SettingRow;
use super::format::entry::{
    self, BucketEntry, CompletedEntry, DeadEntry, LedgerEntry, ObjectEntry, PartEntry,
    SettingEntry, UploadEntry,
};
use super::format::meta::At;
use super::format::place::{BlobId, BucketId, RecordRef};
use super::index::{Index, IndexError, Span, TreeId, Visit, key};
use crate::object::Timestamp;
use crate::store::StoreError;

/// Settings of buckets stand before the buckets: no bucket's name begins with a zero.
const SETTING: u8 = 0;
const APPLIED: &[u8] = b"applied";
const DEAD: u8 = b'd';

type Result<T> = std::result::Result<T, StoreError>;

/// An open index.
#[derive(Clone)]
pub(crate) struct Catalog {
    index: Arc<dyn Index>,
}

/// What the index says about itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) struct Applied {
    /// Of which store it is.
    pub(crate) store: StoreId,
    /// How keys and values are made.
    pub(crate) schema: u32,
    /// It has everything up to this record.
    pub(crate) lsn: u64,
}

impl From<IndexError> for StoreError {
    fn from(error: IndexError) -> Self {
        match error {
            IndexError::Vfs(error) => error.into(),
            // Whatever the index knew, the log knows: nothing is gone, but nothing can be said.
            IndexError::Lost(_) => Self::Rebuilding,
            IndexError::ValueTooLong(_) => {
                Self::Damaged { what: format!("the index refuses an entry: {error}") }
            }
        }
    }
}

/// The part of a tree whose keys begin with `prefix`.
fn scan_prefix(
    index: &dyn Index,
    tree: TreeId,
    prefix: &[u8],
    visit: &mut Visit<'_>,
) -> Result<()> {
    let end = key::successor(prefix);
    let to = end.as_deref().map_or(Bound::Unbounded, Bound::Excluded);
    Ok(index.scan(tree, Span { from: Bound::Included(prefix), to }, visit)?)
}

/// An entry of the index, decoded.
pub(crate) fn decoded<T: DeserializeOwned>(value: &[u8]) -> Result<T> {
    entry::decode(value).map_err(|flaw| StoreError::Damaged { what: flaw.0.to_owned() })
}

fn foreign_key() -> StoreError {
    StoreError::Damaged { what: "the index has a key that is none".to_owned() }
}

impl Catalog {
    /// Of an open index.
    pub(crate) fn new(index: Arc<dyn Index>) -> Self {
        Self { index }
    }

    /// The index itself, for listings.
    pub(crate) fn index(&self) -> &dyn Index {
        &*self.index
    }

    /// Gives the index back for closing.
    pub(crate) fn into_index(self) -> Arc<dyn Index> {
        self.index
    }

    fn get<T: DeserializeOwned>(&self, tree: TreeId, key: &[u8]) -> Result<Option<T>> {
        self.index.get(tree, key)?.map(|value| decoded(&value)).transpose()
    }

    /// The object of a key.
    pub(crate) fn object(&self, bucket: BucketId, key: &str) -> Result<Option<ObjectEntry>> {
        self.get(TreeId::Cur, &key::current(bucket, key))
    }

    /// Whether a bucket has any object.
    pub(crate) fn has_objects(&self, bucket: BucketId) -> Result<bool> {
        let mut any = false;
        scan_prefix(&*self.index, TreeId::Cur, &key::bucket_head(bucket), &mut |_, _| {
            any = true;
            ControlFlow::Break(())
        })?;
        Ok(any)
    }

    /// An upload under way.
    pub(crate) fn upload(
        &self,
        bucket: BucketId,
        key: &str,
        id: u128,
    ) -> Result<Option<UploadEntry>> {
        self.get(TreeId::Mpu, &key::upload_by_key(bucket, key, id))
    }

    /// An upload that was completed not long ago.
    pub(crate) fn completed(&self, id: u128) -> Result<Option<CompletedEntry>> {
        self.get(TreeId::Mpu, &key::upload(id))
    }

    /// A part.
    pub(crate) fn part(&self, upload: u128, number: u16) -> Result<Option<PartEntry>> {
        self.get(TreeId::Mpu, &key::part(upload, number))
    }

    /// The parts of an upload with numbers greater than `after`, until `visit` breaks.
    pub(crate) fn parts(
        &self,
        upload: u128,
        after: u16,
        mut visit: impl FnMut(u16, PartEntry) -> ControlFlow<()>,
    ) -> Result<()> {
        let from = key::part(upload, after);
        let to = key::part(upload, u16::MAX);
        let span = Span { from: Bound::Excluded(&from), to: Bound::Included(&to) };
        let mut failed = None;
        self.index.scan(TreeId::Mpu, span, &mut |key, value| {
            let Some((_, number)) = key::parse_part(key) else {
                failed = Some(foreign_key());
                return ControlFlow::Break(());
            };
            match decoded(value) {
                Ok(part) => visit(number, part),
                Err(error) => {
                    failed = Some(error);
                    ControlFlow::Break(())
                }
            }
        })?;
        failed.map_or(Ok(()), Err)
    }

    /// The uploads of a bucket, or of all, until `visit` breaks.
    pub(crate) fn uploads(
        &self,
        bucket: Option<BucketId>,
        mut visit: impl FnMut(At, u128, UploadEntry) -> ControlFlow<()>,
    ) -> Result<()> {
        let prefix = bucket.map_or_else(|| vec![key::UPLOAD_BY_KEY], key::uploads_in);
        let mut failed = None;
        scan_prefix(&*self.index, TreeId::Mpu, &prefix, &mut |bytes, value| match (
            key::parse_upload_by_key(bytes),
            decoded(value),
        ) {
            (Some((bucket, key, id)), Ok(upload)) => visit(At { bucket, key }, id, upload),
            (None, _) => {
                failed = Some(foreign_key());
                ControlFlow::Break(())
            }
            (_, Err(error)) => {
                failed = Some(error);
                ControlFlow::Break(())
            }
        })?;
        failed.map_or(Ok(()), Err)
    }

    /// All objects, until `visit` breaks.
    pub(crate) fn objects(
        &self,
        visit: impl FnMut(At, ObjectEntry) -> ControlFlow<()>,
    ) -> Result<()> {
        self.objects_after(None, visit)
    }

    /// The objects behind a key, until `visit` breaks.
    pub(crate) fn objects_after(
        &self,
        after: Option<&At>,
        visit: impl FnMut(At, ObjectEntry) -> ControlFlow<()>,
    ) -> Result<()> {
        let after = after.map(|at| key::current(at.bucket, &at.key));
        let from = after.as_deref().map_or(Bound::Unbounded, Bound::Excluded);
        self.keyed(TreeId::Cur, Span { from, to: Bound::Unbounded }, visit)
    }

    /// Entries of a tree whose keys are those of objects, until `visit` breaks.
    fn keyed<T: DeserializeOwned>(
        &self,
        tree: TreeId,
        span: Span<'_>,
        mut visit: impl FnMut(At, T) -> ControlFlow<()>,
    ) -> Result<()> {
        let mut failed = None;
        self.index.scan(tree, span, &mut |bytes, value| {
            match (key::parse_current(bytes), decoded(value)) {
                (Some((bucket, key)), Ok(entry)) => {
                    return visit(At { bucket, key: key.to_owned() }, entry);
                }
                (None, _) => failed = Some(foreign_key()),
                (_, Err(error)) => failed = Some(error),
            }
            ControlFlow::Break(())
        })?;
        failed.map_or(Ok(()), Err)
    }

    /// A key's ledger record.
    pub(crate) fn entry(&self, bucket: BucketId, key: &str) -> Result<Option<LedgerEntry>> {
        self.get(TreeId::Ledger, &key::current(bucket, key))
    }

    /// The ledger records of a bucket's keys that begin with `prefix` and whose bytes are greater
    /// than `after`, until `visit` breaks.
    pub(crate) fn entries(
        &self,
        bucket: BucketId,
        prefix: &str,
        after: Option<&[u8]>,
        visit: impl FnMut(At, LedgerEntry) -> ControlFlow<()>,
    ) -> Result<()> {
        let first = key::current(bucket, prefix);
        let behind = after.map(|after| [&key::bucket_head(bucket), after, &[0]].concat());
        let from = behind.as_ref().map_or(&first, |behind| behind.max(&first));
        let end = key::successor(&first);
        let to = end.as_deref().map_or(Bound::Unbounded, Bound::Excluded);
        self.keyed(TreeId::Ledger, Span { from: Bound::Included(from), to }, visit)
    }

    /// The ledger records of all buckets behind a key, until `visit` breaks. Among them may be
    /// some of buckets that are gone.
    pub(crate) fn entries_after(
        &self,
        after: Option<&At>,
        visit: impl FnMut(At, LedgerEntry) -> ControlFlow<()>,
    ) -> Result<()> {
        let after = after.map(|at| key::current(at.bucket, &at.key));
        let from = after.as_deref().map_or(Bound::Unbounded, Bound::Excluded);
        self.keyed(TreeId::Ledger, Span { from, to: Bound::Unbounded }, visit)
    }

    /// The buckets, there or gone, of which there are ledger records.
    pub(crate) fn ledgers(&self) -> Result<Vec<BucketId>> {
        let mut found: Vec<BucketId> = Vec::new();
        loop {
            let behind = found.last().map(|bucket| key::successor(&key::bucket_head(*bucket)));
            let from = match &behind {
                None => Bound::Unbounded,
                Some(Some(behind)) => Bound::Included(behind.as_slice()),
                Some(None) => return Ok(found),
            };
            let mut next = None;
            self.keyed(
                TreeId::Ledger,
                Span { from, to: Bound::Unbounded },
                |at, _: LedgerEntry| {
                    next = Some(at.bucket);
                    ControlFlow::Break(())
                },
            )?;
            match next {
                Some(bucket) => found.push(bucket),
                None => return Ok(found),
            }
        }
    }

    /// Removes some ledger records of a bucket that is gone, at most `limit`; says whether there
    /// may be more.
    pub(crate) fn clear_entries(&self, bucket: BucketId, limit: usize) -> Result<bool> {
        let mut keys = Vec::new();
        scan_prefix(&*self.index, TreeId::Ledger, &key::bucket_head(bucket), &mut |key, _| {
            keys.push(key.to_vec());
            if keys.len() < limit { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        })?;
        keys.iter().try_for_each(|key| self.index.remove(TreeId::Ledger, key))?;
        Ok(keys.len() >= limit)
    }

    /// Forgets those completed uploads.
    pub(crate) fn forget_completed(&self, which: impl Fn(&CompletedEntry) -> bool) -> Result<()> {
        let mut old = Vec::new();
        scan_prefix(&*self.index, TreeId::Mpu, key::UPLOADS, &mut |key, value| {
            match decoded::<CompletedEntry>(value) {
                Ok(completed) if which(&completed) => old.push(key.to_vec()),
                Ok(_) => {}
                Err(_) => return ControlFlow::Break(()),
            }
            ControlFlow::Continue(())
        })?;
        for key in old {
            self.index.remove(TreeId::Mpu, &key)?;
        }
        Ok(())
    }

    /// All buckets.
    pub(crate) fn buckets(&self) -> Result<Vec<(String, BucketEntry)>> {
        let mut rows = Vec::new();
        let mut failed = None;
        let from: &[u8] = &[SETTING + 1];
        let span = Span { from: Bound::Included(from), to: Bound::Unbounded };
        self.index.scan(TreeId::Bucket, span, &mut |name, value| {
            match (std::str::from_utf8(name), decoded(value)) {
                (Ok(name), Ok(bucket)) => {
                    rows.push((name.to_owned(), bucket));
                    return ControlFlow::Continue(());
                }
                (_, Err(error)) => failed = Some(error),
                (Err(_), _) => {
                    let what = "the index has a bucket without a name".to_owned();
                    failed = Some(StoreError::Damaged { what });
                }
            }
            ControlFlow::Break(())
        })?;
        failed.map_or(Ok(rows), Err)
    }

    /// The settings of all buckets.
    pub(crate) fn settings(&self) -> Result<Vec<SettingRow>> {
        let mut rows = Vec::new();
        let mut failed = None;
        scan_prefix(&*self.index, TreeId::Bucket, &[SETTING], &mut |key, value| {
            match (parse_setting_key(key), decoded::<SettingEntry>(value)) {
                (Some((bucket, name)), Ok(SettingEntry { head })) => {
                    rows.push(SettingRow { bucket, name, head });
                    return ControlFlow::Continue(());
                }
                (_, Err(error)) => failed = Some(error),
                (None, _) => failed = Some(foreign_key()),
            }
            ControlFlow::Break(())
        })?;
        failed.map_or(Ok(rows), Err)
    }

    /// The record that holds a setting of a bucket.
    pub(crate) fn setting(&self, bucket: BucketId, name: &str) -> Result<Option<RecordRef>> {
        let found: Option<SettingEntry> = self.get(TreeId::Bucket, &setting_key(bucket, name))?;
        Ok(found.map(|setting| setting.head))
    }

    /// How far the index is; `None` where it is new or says nothing.
    pub(crate) fn applied(&self) -> Result<Option<Applied>> {
        self.get(TreeId::Meta, APPLIED)
    }

    /// Notes how far the index is.
    pub(crate) fn set_applied(&self, applied: Applied) -> Result<()> {
        Ok(self.index.insert(TreeId::Meta, APPLIED, &entry::encode(&applied))?)
    }

    /// Notes a dead file.
    pub(crate) fn add_dead(&self, blob: BlobId, since: Timestamp) -> Result<()> {
        let value = entry::encode(&DeadEntry { since });
        Ok(self.index.insert(TreeId::Meta, &dead_key(blob), &value)?)
    }

    /// Forgets a dead file, once it is removed.
    pub(crate) fn remove_dead(&self, blob: BlobId) -> Result<()> {
        Ok(self.index.remove(TreeId::Meta, &dead_key(blob))?)
    }

    /// The dead files.
    pub(crate) fn dead(&self) -> Result<Vec<(BlobId, Timestamp)>> {
        let mut rows = Vec::new();
        scan_prefix(&*self.index, TreeId::Meta, &[DEAD], &mut |key, value| {
            let id = key.split_first().and_then(|(_, id)| id.try_into().ok());
            if let (Some(id), Ok(DeadEntry { since })) = (id, decoded(value)) {
                rows.push((BlobId::from_u128(u128::from_be_bytes(id)), since));
            }
            ControlFlow::Continue(())
        })?;
        Ok(rows)
    }

    /// Carries out a change. Doing it again changes nothing.
    pub(crate) fn apply(&self, change: &Change) -> Result<()> {
        let index = &*self.index;
        match change {
            Change::Object(at, object) => {
                let key = key::current(at.bucket, &at.key);
                index.insert(TreeId::Cur, &key, &entry::encode(object))?;
            }
            Change::ObjectGone(at) => {
                index.remove(TreeId::Cur, &key::current(at.bucket, &at.key))?;
            }
            Change::Upload(at, id, upload) => {
                let key = key::upload_by_key(at.bucket, &at.key, *id);
                index.insert(TreeId::Mpu, &key, &entry::encode(upload))?;
            }
            Change::Part(upload, number, part) => {
                index.insert(TreeId::Mpu, &key::part(*upload, *number), &entry::encode(part))?;
            }
            Change::UploadGone(at, id) => {
                index.remove(TreeId::Mpu, &key::upload_by_key(at.bucket, &at.key, *id))?;
                self.clear(TreeId::Mpu, &key::parts_of(*id))?;
            }
            Change::Completed(id, completed) => {
                index.insert(TreeId::Mpu, &key::upload(*id), &entry::encode(completed))?;
            }
            Change::Bucket(name, bucket) | Change::BucketKept(name, bucket) => {
                index.insert(TreeId::Bucket, name.as_bytes(), &entry::encode(bucket))?;
            }
            Change::BucketGone(name, id) => {
                index.remove(TreeId::Bucket, name.as_bytes())?;
                self.clear(TreeId::Bucket, &setting_key(*id, ""))?;
            }
            Change::Setting(bucket, name, Some(setting)) => {
                let key = setting_key(*bucket, name);
                index.insert(TreeId::Bucket, &key, &entry::encode(setting))?;
            }
            Change::Setting(bucket, name, None) => {
                index.remove(TreeId::Bucket, &setting_key(*bucket, name))?;
            }
            Change::Entry(at, Some(entry)) => {
                let key = key::current(at.bucket, &at.key);
                index.insert(TreeId::Ledger, &key, &entry::encode(entry))?;
            }
            Change::Entry(at, None) => {
                index.remove(TreeId::Ledger, &key::current(at.bucket, &at.key))?;
            }
        }
        Ok(())
    }

    fn clear(&self, tree: TreeId, prefix: &[u8]) -> Result<()> {
        let mut keys = Vec::new();
        scan_prefix(&*self.index, tree, prefix, &mut |key, _| {
            keys.push(key.to_vec());
            ControlFlow::Continue(())
        })?;
        Ok(keys.iter().try_for_each(|key| self.index.remove(tree, key))?)
    }
}

fn setting_key(bucket: BucketId, name: &str) -> Vec<u8> {
    let mut key = vec![SETTING];
    key.extend_from_slice(&bucket.0.to_be_bytes());
    key.extend_from_slice(name.as_bytes());
    key
}

fn parse_setting_key(bytes: &[u8]) -> Option<(BucketId, String)> {
    let (bucket, name) = bytes.strip_prefix(&[SETTING])?.split_first_chunk::<8>()?;
    let name = std::str::from_utf8(name).ok()?.to_owned();
    Some((BucketId(u64::from_be_bytes(*bucket)), name))
}

fn dead_key(blob: BlobId) -> Vec<u8> {
    let mut key = vec![DEAD];
    key.extend_from_slice(&blob.as_u128().to_be_bytes());
    key
}
