//! The configurations of buckets as operations use them: read from the store's documents once, and
//! kept for as long as the documents stay the same.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use bytes::Bytes;

use super::bucket_encryption::BucketEncryption;
use super::cors::Cors;
use super::error::{Code, S3Error};
use super::guards;
use super::website::Website;
use crate::auth::grants::{Ownership, OwnershipDefaults, Policy};
use crate::object::{BucketName, BucketSetting, Lifecycle, SettingDocument, SettingTooLong};
use crate::store::{Store, StoreError};

/// Of how many buckets each kind is kept. With more than that in use, all are read anew.
const KEPT: usize = 10_000;

/// A configuration that is kept as a document.
pub(super) trait Configuration: Sized {
    /// Which one.
    const SETTING: BucketSetting;

    /// Checks what a client sent; gives what is stored, which is what is shown to clients.
    fn check(bytes: &[u8]) -> Result<Bytes, S3Error>;

    /// Reads what was stored.
    fn read(bytes: &[u8]) -> Result<Self, S3Error>;
}

/// The configurations of all buckets.
#[derive(Default)]
pub(super) struct Configured {
    cors: Known<Cors>,
    encryption: Known<BucketEncryption>,
    lifecycle: Known<Lifecycle>,
    policy: Known<Policy>,
    website: Known<Website>,
    ownerships: OwnershipDefaults,
}

impl Configured {
    /// Nothing is known yet but whose the objects of buckets are that do not say so.
    pub(super) fn new(ownerships: OwnershipDefaults) -> Self {
        Self { ownerships, ..Self::default() }
    }

    /// Whose the objects of a bucket are, and whether ACLs count in it.
    pub(super) async fn ownership(
        &self,
        store: &dyn Store,
        bucket: &BucketName,
    ) -> Result<Ownership, S3Error> {
        let own = guards::ownership(store, bucket).await?;
        Ok(own.unwrap_or_else(|| self.new_ownership(bucket)))
    }

    /// The same of a bucket that is being made.
    pub(super) fn new_ownership(&self, bucket: &BucketName) -> Ownership {
        self.ownerships.of(bucket)
    }

    /// A bucket's rules for pages from elsewhere.
    pub(super) async fn cors(
        &self,
        store: &dyn Store,
        bucket: &BucketName,
    ) -> Result<Option<Arc<Cors>>, S3Error> {
        self.cors.of(store, bucket).await
    }

    /// How objects of a bucket are encrypted where the request does not say.
    pub(super) async fn encryption(
        &self,
        store: &dyn Store,
        bucket: &BucketName,
    ) -> Result<Option<Arc<BucketEncryption>>, S3Error> {
        self.encryption.of(store, bucket).await
    }

    /// Which of a bucket's objects and uploads go, and when.
    pub(super) async fn lifecycle(
        &self,
        store: &dyn Store,
        bucket: &BucketName,
    ) -> Result<Option<Arc<Lifecycle>>, S3Error> {
        self.lifecycle.of(store, bucket).await
    }

    /// What a bucket's policy allows and denies.
    pub(super) async fn policy(
        &self,
        store: &dyn Store,
        bucket: &BucketName,
    ) -> Result<Option<Arc<Policy>>, S3Error> {
        self.policy.of(store, bucket).await
    }

    /// How a bucket is served as a website.
    pub(super) async fn website(
        &self,
        store: &dyn Store,
        bucket: &BucketName,
    ) -> Result<Option<Arc<Website>>, S3Error> {
        self.website.of(store, bucket).await
    }
}

/// What was made of the documents of one setting.
pub(super) struct Known<T>(RwLock<HashMap<BucketName, (SettingDocument, Arc<T>)>>);

impl<T> Default for Known<T> {
    fn default() -> Self {
        Self(RwLock::default())
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
        let read = Arc::new(read);
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= KEPT {
            known.clear();
        }
        known.insert(bucket.clone(), (document, Arc::clone(&read)));
        Ok(Some(read))
    }

    fn known(&self, bucket: &BucketName, document: &SettingDocument) -> Option<Arc<T>> {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let (of, read) = known.get(bucket)?;
        of.same(document).then(|| Arc::clone(read))
    }

    fn forget(&self, bucket: &BucketName) {
        let is_known = {
            let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
            known.contains_key(bucket)
        };
        if is_known {
            self.0.write().unwrap_or_else(PoisonError::into_inner).remove(bucket);
        }
    }
}

impl From<SettingTooLong> for S3Error {
    fn from(_: SettingTooLong) -> Self {
        Self::new(Code::MaxMessageLengthExceeded)
            .with("MaxMessageLengthBytes", crate::object::MAX_SETTING_BYTES.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::object::{ManualClock, Owner, Timestamp};
    use crate::store::{Buckets, MemoryStore};

    const RULES: &str = "<CORSConfiguration><CORSRule><AllowedOrigin>ORIGIN</AllowedOrigin>\
                         <AllowedMethod>GET</AllowedMethod></CORSRule></CORSConfiguration>";

    #[tokio::test]
    async fn documents_are_read_once_and_anew_when_they_change() {
        let store = MemoryStore::new(Arc::new(ManualClock::new(Timestamp(0))));
        let name = BucketName::parse("b12").unwrap();
        let owner = Owner { id: "id".to_owned(), display_name: String::new() };
        let configured = Configured::default();
        let missing = configured.cors(&store, &name).await.unwrap_err();
        assert_eq!(missing.code(), Code::NoSuchBucket);
        store.create_bucket(&name, &owner).await.unwrap();
        assert_eq!(configured.cors(&store, &name).await.unwrap(), None);
        let set = async |text: &str| {
            let document = SettingDocument::new(text.to_owned()).unwrap();
            store.set_bucket_setting(&name, BucketSetting::Cors, Some(document)).await.unwrap();
        };
        set(&RULES.replace("ORIGIN", "http://a")).await;
        let first = configured.cors(&store, &name).await.unwrap().unwrap();
        let again = configured.cors(&store, &name).await.unwrap().unwrap();
        assert!(Arc::ptr_eq(&first, &again));
        set(&RULES.replace("ORIGIN", "http://b")).await;
        assert_ne!(configured.cors(&store, &name).await.unwrap().unwrap(), first);
        set("<Other/>").await;
        let broken = configured.cors(&store, &name).await.unwrap_err();
        assert_eq!(broken.code(), Code::InternalError);
        store.set_bucket_setting(&name, BucketSetting::Cors, None).await.unwrap();
        assert_eq!(configured.cors(&store, &name).await.unwrap(), None);
        assert!(configured.cors.0.read().unwrap().is_empty());
    }
}
