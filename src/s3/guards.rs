//! What buckets give to whom: read from their documents once, and kept while those stay the same.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use super::error::S3Error;
use crate::auth::grants::{Acl, Ownership, Policy, PublicAccessBlock};
use crate::object::{BucketName, BucketSetting, SettingDocument};
use crate::store::Store;

/// Of how many buckets policies are kept. With more than that in use, all are read anew.
const KEPT: usize = 10_000;

/// What all buckets give to whom.
#[derive(Default)]
pub(super) struct Guards {
    policies: RwLock<HashMap<BucketName, (SettingDocument, Arc<Policy>)>>,
}

/// What a bucket gives by ACL, and what is taken away again.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Guard {
    pub(super) acl: Option<Acl>,
    pub(super) block: PublicAccessBlock,
    pub(super) ownership: Ownership,
}

impl Guards {
    /// The policy of a bucket.
    pub(super) async fn policy(
        &self,
        store: &dyn Store,
        bucket: &BucketName,
    ) -> Result<Option<Arc<Policy>>, S3Error> {
        let Some(document) = store.bucket_setting(bucket, BucketSetting::Policy).await? else {
            return Ok(None);
        };
        if let Some(known) = self.known(bucket, &document) {
            return Ok(Some(known));
        }
        let policy = Policy::for_bucket(document.bytes(), bucket.as_str())
            .map_err(|fault| unreadable(bucket, BucketSetting::Policy, &fault.to_string()))?;
        let policy = Arc::new(policy);
        let mut policies = self.policies.write().unwrap_or_else(PoisonError::into_inner);
        if policies.len() >= KEPT {
            policies.clear();
        }
        policies.insert(bucket.clone(), (document, Arc::clone(&policy)));
        Ok(Some(policy))
    }

    fn known(&self, bucket: &BucketName, document: &SettingDocument) -> Option<Arc<Policy>> {
        let policies = self.policies.read().unwrap_or_else(PoisonError::into_inner);
        let (of, policy) = policies.get(bucket)?;
        of.same(document).then(|| Arc::clone(policy))
    }
}

impl Guard {
    /// Of that bucket.
    pub(super) async fn of(store: &dyn Store, bucket: &BucketName) -> Result<Self, S3Error> {
        Ok(Self {
            acl: acl(store, bucket).await?,
            block: block(store, bucket).await?.unwrap_or_default(),
            ownership: ownership(store, bucket).await?.unwrap_or_default(),
        })
    }
}

/// The ACL, where it is not the initial one.
pub(super) async fn acl(store: &dyn Store, bucket: &BucketName) -> Result<Option<Acl>, S3Error> {
    read(store, bucket, BucketSetting::Acl).await
}

/// The public access block.
pub(super) async fn block(
    store: &dyn Store,
    bucket: &BucketName,
) -> Result<Option<PublicAccessBlock>, S3Error> {
    read(store, bucket, BucketSetting::PublicAccessBlock).await
}

/// The ownership controls.
pub(super) async fn ownership(
    store: &dyn Store,
    bucket: &BucketName,
) -> Result<Option<Ownership>, S3Error> {
    read(store, bucket, BucketSetting::OwnershipControls).await
}

/// Sets one of the three, or removes it.
pub(super) async fn set<T: serde::Serialize>(
    store: &dyn Store,
    bucket: &BucketName,
    setting: BucketSetting,
    value: Option<&T>,
) -> Result<(), S3Error> {
    let document = value.map(|value| {
        let bytes = serde_json::to_vec(value).map_err(|error| S3Error::internal(error.to_string()));
        SettingDocument::new(bytes?).map_err(|error| S3Error::invalid_request(error.to_string()))
    });
    Ok(store.set_bucket_setting(bucket, setting, document.transpose()?).await?)
}

async fn read<T: serde::de::DeserializeOwned>(
    store: &dyn Store,
    bucket: &BucketName,
    setting: BucketSetting,
) -> Result<Option<T>, S3Error> {
    let Some(document) = store.bucket_setting(bucket, setting).await? else { return Ok(None) };
    let value = serde_json::from_slice(document.bytes());
    value.map(Some).map_err(|error| unreadable(bucket, setting, &error.to_string()))
}

/// A document that cannot be read protects: nobody is let in by what is left.
fn unreadable(bucket: &BucketName, setting: BucketSetting, fault: &str) -> S3Error {
    S3Error::internal(format!("the {} setting of {}: {fault}", setting.name(), bucket.as_str()))
}
