//! The settings of buckets as readers see them: in memory, because they are asked for with every
//! request.
//!
//! Which record holds which setting is known as soon as the buckets are, before the index is
//! whole. The document itself is read when it is asked for the first time.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, OnceLock, PoisonError, RwLock};

use bytes::Bytes;

use super::LocalStore;
use super::commit::Command;
use super::core::Core;
use super::format::checkpoint::SettingRow;
use super::format::place::{BucketId, RecordRef};
use super::format::subject;
use super::read::blocking;
use crate::object::BucketName;
use crate::store::{Result, StoreError};

/// The settings of all buckets.
#[derive(Default)]
pub(crate) struct Settings(RwLock<Option<Shown>>);

type Shown = HashMap<BucketId, BTreeMap<String, Arc<Slot>>>;

/// A setting, and what is known of it.
pub(crate) struct Slot {
    head: RecordRef,
    document: OnceLock<Bytes>,
}

impl Slot {
    fn of(head: RecordRef) -> Self {
        Self { head, document: OnceLock::new() }
    }

    /// The document, from its record unless that was read before.
    fn read(&self, core: &Core) -> Result<Bytes> {
        if let Some(document) = self.document.get() {
            return Ok(document.clone());
        }
        let data = Bytes::copy_from_slice(&core.log.read(self.head)?.data());
        Ok(self.document.get_or_init(|| data).clone())
    }
}

impl Settings {
    /// Readers see these from here on, and no others.
    pub(crate) fn show(&self, rows: impl IntoIterator<Item = SettingRow>) {
        let mut shown = Shown::new();
        for SettingRow { bucket, name, head } in rows {
            shown.entry(bucket).or_default().insert(name, Arc::new(Slot::of(head)));
        }
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Some(shown);
    }

    /// A bucket's setting is held by this record, or is nothing. While the settings are not known,
    /// a change of one does not make them so.
    pub(crate) fn set(&self, bucket: BucketId, name: &str, head: Option<RecordRef>) {
        let mut shown = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let Some(shown) = shown.as_mut() else { return };
        match head {
            Some(head) => {
                let slot = Arc::new(Slot::of(head));
                shown.entry(bucket).or_default().insert(name.to_owned(), slot);
            }
            None => {
                if let Some(of) = shown.get_mut(&bucket) {
                    of.remove(name);
                }
            }
        }
    }

    /// The bucket is gone, and its settings with it.
    pub(crate) fn forget(&self, bucket: BucketId) {
        let mut shown = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(shown) = shown.as_mut() {
            shown.remove(&bucket);
        }
    }

    /// Which record holds which setting; `None` where that is not known yet.
    pub(crate) fn rows(&self) -> Option<Vec<SettingRow>> {
        let shown = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let rows = shown.as_ref()?.iter().flat_map(|(bucket, settings)| {
            settings.iter().map(|(name, slot)| SettingRow {
                bucket: *bucket,
                name: name.clone(),
                head: slot.head,
            })
        });
        Some(rows.collect())
    }

    fn find(&self, bucket: BucketId, name: &str) -> Result<Option<Arc<Slot>>> {
        let shown = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let shown = shown.as_ref().ok_or(StoreError::Rebuilding)?;
        Ok(shown.get(&bucket).and_then(|settings| settings.get(name)).cloned())
    }
}

impl LocalStore {
    /// What a bucket has under a name.
    pub(super) async fn setting(&self, bucket: &BucketName, name: &str) -> Result<Option<Bytes>> {
        let reading = self.core.garbage.enter();
        let bucket = self.core.readable_bucket(bucket)?.id;
        let slot = self.core.settings.find(bucket, name)?;
        let lsn = slot.as_ref().map_or(0, |slot| slot.head.lsn);
        self.core.believe(|| subject(bucket.0, ""), lsn)?;
        let Some(slot) = slot else { return Ok(None) };
        if let Some(document) = slot.document.get() {
            return Ok(Some(document.clone()));
        }
        blocking(&self.core, move |core| {
            let _reading = reading;
            slot.read(core).map(Some)
        })
        .await
    }

    /// Puts something under a name of a bucket, or nothing.
    pub(super) async fn set_setting(
        &self,
        bucket: &BucketName,
        name: &'static str,
        value: Option<Bytes>,
    ) -> Result<()> {
        self.core.writable()?;
        let bucket = bucket.as_str().to_owned();
        let command = Command::SetSetting { bucket, setting: name, value };
        self.submitter.submit(command).await.map(|_| ())
    }
}
