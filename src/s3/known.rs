//! What was made of the documents of one setting, kept for the buckets in use.
//!
//! There are two generations: what is asked for is in the younger, and once that has filled its half
//! of the room, the older goes and the younger becomes the older. So what is in use stays, and what
//! is not goes, however many buckets there are and however long their documents.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use super::configured::Configuration;
use super::error::S3Error;
use crate::object::{BucketName, SettingDocument};
use crate::store::{Store, StoreError};

/// How many bytes all of one kind take, by [`Configuration::GROWTH`].
const ROOM: usize = 64 << 20;

/// What an entry takes beside what it grows by.
const ENTRY: usize = 512;

/// What was made of the documents of one setting.
pub(super) struct Known<T>(RwLock<Generations<T>>);

struct Generations<T> {
    younger: HashMap<BucketName, Entry<T>>,
    older: HashMap<BucketName, Entry<T>>,
    /// What the younger take.
    size: usize,
}

struct Entry<T> {
    document: SettingDocument,
    read: Arc<T>,
}

impl<T> Default for Known<T> {
    fn default() -> Self {
        let (younger, older) = (HashMap::new(), HashMap::new());
        Self(RwLock::new(Generations { younger, older, size: 0 }))
    }
}

impl<T: Configuration> Known<T> {
    /// What a bucket has.
    pub(super) async fn of(
        &self,
        store: &dyn Store,
        bucket: &BucketName,
    ) -> Result<Option<Arc<T>>, S3Error> {
        let document = match store.bucket_setting(bucket, T::SETTING).await {
            Ok(document) => document,
            Err(error) => {
                if matches!(error, StoreError::NoSuchBucket) {
                    self.forget(bucket);
                }
                return Err(error.into());
            }
        };
        let Some(document) = document else {
            self.forget(bucket);
            return Ok(None);
        };
        if let Some(known) = self.known(bucket, &document) {
            return Ok(Some(known));
        }
        let read = T::read(document.bytes()).map_err(|error| {
            let (setting, text) = (T::SETTING.name(), error.text());
            S3Error::internal(format!("the {setting} setting of {}: {text}", bucket.as_str()))
        })?;
        let entry = Entry { document, read: Arc::new(read) };
        let read = Arc::clone(&entry.read);
        self.write().keep(bucket.clone(), entry);
        Ok(Some(read))
    }

    /// What is known, if it was made of that very document. What is among the older is among the
    /// younger from then on.
    fn known(&self, bucket: &BucketName, document: &SettingDocument) -> Option<Arc<T>> {
        let fits = |entry: &&Entry<T>| entry.document.same(document);
        let (read, is_old) = {
            let known = self.read();
            let younger = known.younger.get(bucket).filter(fits);
            let entry = younger.or_else(|| known.older.get(bucket).filter(fits))?;
            (Arc::clone(&entry.read), younger.is_none())
        };
        if is_old {
            let mut known = self.write();
            if let Some(entry) = known.older.remove(bucket) {
                known.keep(bucket.clone(), entry);
            }
        }
        Some(read)
    }

    fn forget(&self, bucket: &BucketName) {
        let is_known = {
            let known = self.read();
            known.younger.contains_key(bucket) || known.older.contains_key(bucket)
        };
        if is_known {
            self.write().forget(bucket);
        }
    }
}

impl<T> Known<T> {
    fn read(&self) -> RwLockReadGuard<'_, Generations<T>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Generations<T>> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T: Configuration> Generations<T> {
    fn keep(&mut self, bucket: BucketName, entry: Entry<T>) {
        self.forget(&bucket);
        let size = size_of(&entry);
        if self.size + size > ROOM / 2 {
            self.older = std::mem::take(&mut self.younger);
            self.size = 0;
        }
        self.size += size;
        self.younger.insert(bucket, entry);
    }

    fn forget(&mut self, bucket: &BucketName) {
        if let Some(entry) = self.younger.remove(bucket) {
            self.size = self.size.saturating_sub(size_of(&entry));
        }
        self.older.remove(bucket);
    }
}

fn size_of<T: Configuration>(entry: &Entry<T>) -> usize {
    ENTRY + entry.document.bytes().len().saturating_mul(T::GROWTH)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::grants::Policy;
    use crate::object::{BucketSetting, ManualClock, Owner, Timestamp};
    use crate::s3::cors::Cors;
    use crate::s3::error::Code;
    use crate::store::{Buckets, MemoryStore};

    const RULES: &str = "<CORSConfiguration><CORSRule><AllowedOrigin>ORIGIN</AllowedOrigin>\
                         <AllowedMethod>GET</AllowedMethod></CORSRule></CORSConfiguration>";

    fn store() -> MemoryStore {
        MemoryStore::new(Arc::new(ManualClock::new(Timestamp(0))))
    }

    async fn bucket(store: &MemoryStore, name: &str) -> BucketName {
        let name = BucketName::parse(name).unwrap();
        let owner = Owner { id: "id".to_owned(), display_name: String::new() };
        store.create_bucket(&name, &owner).await.unwrap();
        name
    }

    async fn set(store: &MemoryStore, name: &BucketName, setting: BucketSetting, text: String) {
        let document = SettingDocument::new(text).unwrap();
        store.set_bucket_setting(name, setting, Some(document)).await.unwrap();
    }

    #[tokio::test]
    async fn documents_are_read_once_and_anew_when_they_change() {
        let (store, known) = (store(), Known::<Cors>::default());
        let none = BucketName::parse("b12").unwrap();
        assert_eq!(known.of(&store, &none).await.unwrap_err().code(), Code::NoSuchBucket);
        let name = bucket(&store, "b12").await;
        assert_eq!(known.of(&store, &name).await.unwrap(), None);
        let rules = |origin: &str| RULES.replace("ORIGIN", origin);
        set(&store, &name, BucketSetting::Cors, rules("http://a")).await;
        let first = known.of(&store, &name).await.unwrap().unwrap();
        let again = known.of(&store, &name).await.unwrap().unwrap();
        assert!(Arc::ptr_eq(&first, &again));
        set(&store, &name, BucketSetting::Cors, rules("http://b")).await;
        assert_ne!(known.of(&store, &name).await.unwrap().unwrap(), first);
        set(&store, &name, BucketSetting::Cors, "<Other/>".to_owned()).await;
        assert_eq!(known.of(&store, &name).await.unwrap_err().code(), Code::InternalError);
        store.set_bucket_setting(&name, BucketSetting::Cors, None).await.unwrap();
        assert_eq!(known.of(&store, &name).await.unwrap(), None);
        assert!(known.read().younger.is_empty());
        assert_eq!(known.read().size, 0);
    }

    /// A policy of almost the greatest length, though quickly read.
    fn long_policy() -> String {
        let policy =
            r#"{"Statement":{"Effect":"Allow","Principal":"*","Action":"s3:*","Resource":"*"}}"#;
        format!("{policy}{}", " ".repeat(19_000))
    }

    #[tokio::test]
    async fn they_take_no_more_than_their_room_and_those_in_use_stay() {
        let (store, known) = (store(), Known::<Policy>::default());
        let used = bucket(&store, "used").await;
        set(&store, &used, BucketSetting::Policy, long_policy()).await;
        let first = known.of(&store, &used).await.unwrap().unwrap();
        for number in 0..300 {
            let name = bucket(&store, &format!("bucket-{number}")).await;
            set(&store, &name, BucketSetting::Policy, long_policy()).await;
            known.of(&store, &name).await.unwrap();
            let again = known.of(&store, &used).await.unwrap().unwrap();
            assert!(Arc::ptr_eq(&first, &again), "after {number} others");
            let sizes = known.read();
            let all = sizes.younger.values().chain(sizes.older.values()).map(size_of);
            assert!(all.sum::<usize>() <= ROOM);
            let younger: usize = sizes.younger.values().map(size_of).sum();
            assert_eq!(sizes.size, younger);
        }
        let kept = known.read().younger.len() + known.read().older.len();
        assert!((20..70).contains(&kept), "{kept}");
    }
}
