//! The location records of keys: read, replaced, and which keys of a bucket are deleted.
//!
//! Knows nothing of modes, nor of where objects are. Whoever changes a record holds the key's lock
//! from the look at the old one on; reading needs none.

use std::collections::{BTreeSet, HashMap};
use std::fmt;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::OnceCell;

use super::location::{Location, Truth};
use super::locks::{KeyGuard, KeyLocks};
use crate::object::{BucketName, Clock, ObjectInfo, ObjectKey, Timestamp};
use crate::store::{Home, LedgerQuery, ObjectPath, Result};

/// How many records are read at once.
const PAGE: usize = 1000;
/// How many are read where it isn't known whether any is of use.
const GLANCE: usize = 16;

/// Keys in the order of their bytes.
pub(super) type Keys = BTreeSet<ObjectKey>;

/// The records of all keys.
pub struct Locations {
    home: Arc<dyn Home>,
    locks: KeyLocks,
    clock: Arc<dyn Clock>,
    last: AtomicI64,
    gone: Mutex<HashMap<BucketName, Arc<GoneKeys>>>,
}

/// A bucket's deleted keys of which the upstream doesn't know yet. After it has been loaded, none
/// is missing here; one may be here for a moment that is none any more.
#[derive(Default)]
struct GoneKeys {
    loaded: OnceCell<()>,
    keys: Mutex<Arc<Keys>>,
}

impl GoneKeys {
    fn keys(&self) -> MutexGuard<'_, Arc<Keys>> {
        self.keys.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn add(&self, key: &ObjectKey) {
        Arc::make_mut(&mut *self.keys()).insert(key.clone());
    }

    fn remove(&self, key: &ObjectKey) {
        let mut keys = self.keys();
        if keys.contains(key) {
            Arc::make_mut(&mut *keys).remove(key);
        }
    }
}

impl Locations {
    /// The records that `home` keeps, changed under `locks`.
    pub fn new(home: Arc<dyn Home>, locks: KeyLocks, clock: Arc<dyn Clock>) -> Self {
        Self { home, locks, clock, last: AtomicI64::new(i64::MIN), gone: Mutex::default() }
    }

    /// Waits for a key's lock.
    pub async fn lock(&self, at: &ObjectPath) -> KeyGuard {
        self.locks.lock(at).await
    }

    /// A key's record.
    pub async fn of(&self, at: &ObjectPath) -> Result<Option<Location>> {
        let entry = self.home.entry(at).await?;
        entry.as_deref().map(Location::decode).transpose()
    }

    /// A key's record and its local object.
    pub(super) async fn with_object(
        &self,
        at: &ObjectPath,
    ) -> Result<(Option<Location>, Option<ObjectInfo>)> {
        let (entry, object) = self.home.entry_and_object(at).await?;
        Ok((entry.as_deref().map(Location::decode).transpose()?, object))
    }

    /// Replaces the record of the locked key; `None` removes it.
    pub async fn set(&self, held: &KeyGuard, location: Option<Location>) -> Result<()> {
        if let Some(location) = location {
            return self.replace(held, location).await.map(drop);
        }
        let at = held.at();
        self.home.set_entry(at, None).await?;
        self.gone_keys(&at.bucket).remove(&at.key);
        Ok(())
    }

    /// Replaces the record of the locked key, and gives the new one: its `updated_at` is a time
    /// that no other record was ever given, so that a record that was replaced is never taken for
    /// an unchanged one.
    pub(super) async fn replace(
        &self,
        held: &KeyGuard,
        mut location: Location,
    ) -> Result<Location> {
        let at = held.at();
        let gone = self.gone_keys(&at.bucket);
        location.updated_at = self.stamp();
        // Before the record, that nobody who sees the record misses the key.
        if location.truth == Truth::Gone {
            gone.add(&at.key);
        }
        let set = self.home.set_entry(at, Some(location.encode()?)).await;
        // A record that could not be made does not hide the key, unless it is there all the same.
        let truth = match &set {
            Ok(()) => Some(location.truth),
            Err(_) => self.of(at).await?.map(|location| location.truth),
        };
        if truth != Some(Truth::Gone) {
            gone.remove(&at.key);
        }
        set.map(|()| location)
    }

    /// The present, but later than every time that this gave before.
    pub fn stamp(&self) -> Timestamp {
        let now = self.clock.now().0;
        let later = |last: i64| Some(now.max(last.saturating_add(1)));
        let last = self.last.fetch_update(Ordering::SeqCst, Ordering::SeqCst, later);
        Timestamp(last.unwrap_or(now).saturating_add(1).max(now))
    }

    /// The keys that are deleted although the upstream may have them: all that are so when the
    /// call starts.
    pub(super) async fn gone(&self, bucket: &BucketName) -> Result<Arc<Keys>> {
        if !self.home.has_entries(bucket).await? {
            return Ok(Arc::default());
        }
        let gone = self.gone_keys(bucket);
        gone.loaded.get_or_try_init(|| self.load(bucket, &gone)).await?;
        let keys = Arc::clone(&gone.keys());
        Ok(keys)
    }

    /// Forgets what is known of a bucket that was deleted.
    pub(super) fn forget(&self, bucket: &BucketName) {
        self.buckets().remove(bucket);
    }

    /// The records of keys that are given in order, one for each, read by range.
    pub(super) async fn of_keys(
        &self,
        bucket: &BucketName,
        keys: &[&ObjectKey],
    ) -> Result<Vec<Option<Location>>> {
        let mut found = vec![None; keys.len()];
        if keys.is_empty() || !self.home.has_entries(bucket).await? {
            return Ok(found);
        }
        let mut wanted = keys.iter().zip(&mut found).peekable();
        let mut limit = keys.len().clamp(1, PAGE);
        while let Some((first, _)) = wanted.peek() {
            let after = Some(just_before(first.as_str()));
            let page =
                self.page(bucket, LedgerQuery { after, limit, ..Default::default() }).await?;
            let (read, more) = (page.0.len(), page.1);
            let mut used = 0;
            for (key, location) in page.0 {
                while wanted.next_if(|(wanted, _)| **wanted < &key).is_some() {}
                if let Some((_, place)) = wanted.next_if(|(wanted, _)| **wanted == &key) {
                    *place = Some(location);
                    used += 1;
                }
            }
            if !more {
                break;
            }
            // Many records between the keys: they are passed over by seeking.
            limit = if used * 2 < read { GLANCE } else { PAGE };
        }
        Ok(found)
    }

    /// Whether there is any record of a key that begins with a prefix, for prefixes that are given
    /// in order and none of which begins with another.
    pub(super) async fn any_below(
        &self,
        bucket: &BucketName,
        prefixes: &[&str],
    ) -> Result<Vec<bool>> {
        let mut found = vec![false; prefixes.len()];
        if prefixes.is_empty() || !self.home.has_entries(bucket).await? {
            return Ok(found);
        }
        let mut wanted = prefixes.iter().zip(&mut found).peekable();
        while let Some((first, _)) = wanted.peek() {
            let after = Some(just_before(first));
            let query = LedgerQuery { after, limit: GLANCE, ..LedgerQuery::default() };
            let page = self.home.entries(bucket, &query).await?;
            for (key, _) in page.entries {
                let key = key.as_str();
                let before = |prefix: &str| prefix < key && !key.starts_with(prefix);
                while wanted.next_if(|(prefix, _)| before(prefix)).is_some() {}
                if let Some((_, below)) = wanted.next_if(|(prefix, _)| key.starts_with(**prefix)) {
                    *below = true;
                }
            }
            if !page.more {
                break;
            }
        }
        Ok(found)
    }

    /// A page of records, and whether there are more.
    pub(super) async fn page(
        &self,
        bucket: &BucketName,
        query: LedgerQuery,
    ) -> Result<(Vec<(ObjectKey, Location)>, bool)> {
        let page = self.home.entries(bucket, &query).await?;
        let decoded = page.entries.into_iter().map(|(key, entry)| {
            let location = Location::decode(&entry)?;
            Ok((key, location))
        });
        Ok((decoded.collect::<Result<_>>()?, page.more))
    }

    async fn load(&self, bucket: &BucketName, gone: &GoneKeys) -> Result<()> {
        let mut query = LedgerQuery { limit: PAGE, ..LedgerQuery::default() };
        loop {
            let (records, more) = self.page(bucket, query.clone()).await?;
            query.after = records.last().map(|(key, _)| key.as_str().as_bytes().to_vec());
            let deleted = records.iter().filter(|(_, record)| record.truth == Truth::Gone);
            deleted.for_each(|(key, _)| gone.add(key));
            if !more {
                return Ok(());
            }
        }
    }

    fn gone_keys(&self, bucket: &BucketName) -> Arc<GoneKeys> {
        Arc::clone(self.buckets().entry(bucket.clone()).or_default())
    }

    fn buckets(&self) -> MutexGuard<'_, HashMap<BucketName, Arc<GoneKeys>>> {
        self.gone.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Locations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Locations").field("locks", &self.locks).finish_non_exhaustive()
    }
}

/// Bytes that are less than a text, with no other key between them and it.
fn just_before(text: &str) -> Vec<u8> {
    let mut bytes = text.as_bytes().to_vec();
    if let Some(less) = bytes.pop().and_then(|last| last.checked_sub(1)) {
        // No key has a byte of 0xFF, so that none that begins so is greater.
        bytes.extend([less, 0xff]);
    }
    bytes
}

/// Bytes greater than all keys that begin with a text, and less than all greater ones.
pub(super) fn just_behind(prefix: &str) -> Vec<u8> {
    let mut bytes = prefix.as_bytes().to_vec();
    bytes.push(0xff);
    bytes
}
