//! The store's calls about buckets.
//!
//! A bucket that is only a prefix of one of the service's is neither made nor removed there.

use async_trait::async_trait;
use aws_sdk_s3::types::{BucketLocationConstraint, CreateBucketConfiguration};

use super::answer::Fault;
use super::operation::{Asked, Operation};
use super::{UpstreamStore, timestamp};
use crate::object::{
    Bucket, BucketName, BucketSetting, BucketsPage, BucketsQuery, ListQuery, Owner,
    SettingDocument, Timestamp,
};
use crate::store::{Buckets, Result, StoreError};

/// The region whose buckets are made without naming it.
const DEFAULT_REGION: &str = "us-east-1";

#[async_trait]
impl Buckets for UpstreamStore {
    /// Services of the default region take a second creation by the same owner for a success, so
    /// that the bucket is looked for first.
    async fn create_bucket(&self, name: &BucketName, _: &Owner) -> Result<()> {
        let asked = self.asked(Operation::CreateBucket, name);
        if !asked.prefix.is_empty() {
            return match self.head_bucket(name).await {
                Ok(bucket) => Err(StoreError::BucketExists { owner: bucket.owner }),
                Err(StoreError::NoSuchBucket) => Err(self.no_bucket(&asked)),
                Err(error) => Err(error),
            };
        }
        if self.clients.plain.head_bucket().bucket(&asked.bucket).send().await.is_ok() {
            return Err(StoreError::BucketExists { owner: self.options.owner.clone() });
        }
        let region = Some(self.options.region.as_str()).filter(|region| *region != DEFAULT_REGION);
        let configuration = region.map(|region| {
            let location = BucketLocationConstraint::from(region);
            CreateBucketConfiguration::builder().location_constraint(location).build()
        });
        let call = self.clients.once.create_bucket().bucket(&asked.bucket);
        let call = call.set_create_bucket_configuration(configuration);
        match call.send().await.map_err(Fault::from) {
            Ok(_) => Ok(()),
            Err(fault)
                if fault.has_code("BucketAlreadyOwnedByYou")
                    || fault.has_code("BucketAlreadyExists") =>
            {
                Err(StoreError::BucketExists { owner: self.options.owner.clone() })
            }
            Err(fault) => Err(self.refuse(&asked, fault)),
        }
    }

    /// The time of its making is not told: it is the beginning of time.
    async fn head_bucket(&self, name: &BucketName) -> Result<Bucket> {
        let asked = self.asked(Operation::HeadBucket, name);
        let call = self.clients.plain.head_bucket().bucket(&asked.bucket);
        match call.send().await.map_err(Fault::from) {
            Ok(_) => Ok(self.bucket(name.clone(), Timestamp(0))),
            Err(fault) if fault.is(404) => Err(StoreError::NoSuchBucket),
            Err(fault) => Err(self.refuse(&asked, fault)),
        }
    }

    async fn delete_bucket(&self, name: &BucketName) -> Result<()> {
        let asked = self.asked(Operation::DeleteBucket, name);
        if !asked.prefix.is_empty() {
            let any = ListQuery { limit: 1, ..ListQuery::default() };
            if !self.list(name, &any).await?.entries.is_empty() {
                return Err(StoreError::BucketNotEmpty);
            }
            let what = format!("removing a prefix of a bucket of upstream {}", self.options.name);
            return Err(StoreError::Unsupported { what });
        }
        let call = self.clients.once.delete_bucket().bucket(&asked.bucket);
        match call.send().await.map_err(Fault::from) {
            Ok(_) => {
                self.choices.forget_bucket(name);
                Ok(())
            }
            Err(fault) if fault.has_code("BucketNotEmpty") => Err(StoreError::BucketNotEmpty),
            Err(fault) if fault.has_code("NoSuchBucket") => Err(StoreError::NoSuchBucket),
            Err(fault) => Err(self.refuse(&asked, fault)),
        }
    }

    async fn list_buckets(&self, query: &BucketsQuery) -> Result<BucketsPage> {
        let other = query.owner.as_ref().is_some_and(|owner| *owner != self.options.owner.id);
        if query.limit == 0 || other {
            return Ok(BucketsPage::default());
        }
        let mut buckets = self.all_buckets().await?;
        buckets.retain(|bucket| {
            let name = bucket.name.as_str();
            name.starts_with(&query.prefix)
                && query.after.as_deref().is_none_or(|after| name > after)
        });
        buckets.sort_by(|one, other| one.name.cmp(&other.name));
        let more = buckets.len() > query.limit;
        buckets.truncate(query.limit);
        let next = buckets.last().filter(|_| more).map(|last| last.name.as_str().to_owned());
        Ok(BucketsPage { buckets, next })
    }

    fn encrypts_by_default(&self, _: &BucketName) -> bool {
        false
    }

    /// The gateway's settings are its own: the upstream's would hold for other callers than those
    /// they are meant for.
    async fn bucket_setting(
        &self,
        _: &BucketName,
        setting: BucketSetting,
    ) -> Result<Option<SettingDocument>> {
        Err(self.keeps_none(setting))
    }

    async fn set_bucket_setting(
        &self,
        _: &BucketName,
        setting: BucketSetting,
        _: Option<SettingDocument>,
    ) -> Result<()> {
        Err(self.keeps_none(setting))
    }
}

impl UpstreamStore {
    fn keeps_none(&self, setting: BucketSetting) -> StoreError {
        let what = format!("the {} setting by upstream {}", setting.name(), self.options.name);
        StoreError::Unsupported { what }
    }

    fn bucket(&self, name: BucketName, created: Timestamp) -> Bucket {
        Bucket { name, owner: self.options.owner.clone(), created }
    }

    /// The service's buckets under the gateway's names. One that others are mapped to is not
    /// shown under its own.
    async fn all_buckets(&self) -> Result<Vec<Bucket>> {
        let asked = Asked {
            operation: Operation::ListBuckets,
            bucket: "*".to_owned(),
            prefix: String::new(),
        };
        let mut found = Vec::new();
        let mut token = None;
        loop {
            let call = self.clients.plain.list_buckets().set_continuation_token(token);
            let out = call.send().await.map_err(|error| self.refuse(&asked, error))?;
            for bucket in out.buckets() {
                let created = bucket.creation_date().map_or(Timestamp(0), timestamp);
                let names = bucket.name().map(|name| self.names_of(name)).unwrap_or_default();
                found.extend(names.into_iter().map(|name| self.bucket(name, created)));
            }
            token = out.continuation_token().filter(|token| !token.is_empty()).map(str::to_owned);
            if token.is_none() {
                return Ok(found);
            }
        }
    }

    /// The gateway's names of one of the service's buckets.
    fn names_of(&self, theirs: &str) -> Vec<BucketName> {
        let mapped = self.options.buckets.iter().filter(|(_, target)| target.bucket == theirs);
        let mut names: Vec<BucketName> = mapped.map(|(name, _)| name.clone()).collect();
        let own = BucketName::parse(theirs).ok().filter(|_| names.is_empty());
        // A name that is mapped elsewhere does not name this bucket.
        names.extend(own.filter(|name| !self.options.buckets.contains_key(name)));
        names
    }
}
