//! What buckets give to whom, as the store's documents say it.

use bytes::Bytes;

use super::configured::{Configuration, Configured};
use super::error::S3Error;
use crate::auth::grants::{Acl, Ownership, Policy, PublicAccessBlock};
use crate::object::{BucketName, BucketSetting, SettingDocument};
use crate::store::Store;

/// What a bucket gives by ACL, and what is taken away again.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Guard {
    pub(super) acl: Option<Acl>,
    pub(super) block: PublicAccessBlock,
    pub(super) ownership: Ownership,
}

impl Configuration for Policy {
    const SETTING: BucketSetting = BucketSetting::Policy;

    /// Lists of names of one character each are the worst.
    const GROWTH: usize = 60;

    /// What is not a policy at all is refused; whether it may be the bucket's is seen by whoever
    /// sets it.
    fn check(bytes: &[u8]) -> Result<Bytes, S3Error> {
        Self::read(bytes).map(|_| Bytes::copy_from_slice(bytes))
    }

    fn read(bytes: &[u8]) -> Result<Self, S3Error> {
        Ok(Self::kept_by_bucket(bytes)?)
    }
}

impl Guard {
    /// Of that bucket.
    pub(super) async fn of(
        store: &dyn Store,
        configured: &Configured,
        bucket: &BucketName,
    ) -> Result<Self, S3Error> {
        Ok(Self {
            acl: acl(store, bucket).await?,
            block: block(store, bucket).await?.unwrap_or_default(),
            ownership: configured.ownership(store, bucket).await?,
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
