//! The configurations of buckets as operations use them: read from the store's documents once, and
//! kept for as long as the documents stay the same.

use std::sync::Arc;

use bytes::Bytes;

use super::bucket_encryption::BucketEncryption;
use super::cors::Cors;
use super::error::{Code, S3Error};
use super::guards;
use super::known::Known;
use super::website::Website;
use crate::auth::grants::{Ownership, OwnershipDefaults, Policy};
use crate::object::{BucketName, BucketSetting, Lifecycle, SettingTooLong};
use crate::store::Store;

/// A configuration that is kept as a document.
pub(super) trait Configuration: Sized {
    /// Which one.
    const SETTING: BucketSetting;

    /// How many bytes what is read takes at most for each byte of its document.
    const GROWTH: usize = 10;

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

impl From<SettingTooLong> for S3Error {
    fn from(_: SettingTooLong) -> Self {
        Self::new(Code::MaxMessageLengthExceeded)
            .with("MaxMessageLengthBytes", crate::object::MAX_SETTING_BYTES.to_string())
    }
}
