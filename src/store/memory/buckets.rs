//! Buckets in memory.

use std::collections::btree_map::Entry;

use async_trait::async_trait;

use super::state::Bin;
use super::{MemoryStore, Result, StoreError};
use crate::object::{
    Bucket, BucketName, BucketSetting, BucketsPage, BucketsQuery, Owner, SettingDocument,
};
use crate::store::Buckets;

#[async_trait]
impl Buckets for MemoryStore {
    async fn create_bucket(&self, name: &BucketName, owner: &Owner) -> Result<()> {
        match self.state().buckets.entry(name.clone()) {
            Entry::Occupied(there) => {
                Err(StoreError::BucketExists { owner: there.get().bucket.owner.clone() })
            }
            Entry::Vacant(place) => {
                let created = self.clock.now();
                let bucket = Bucket { name: name.clone(), owner: owner.clone(), created };
                place.insert(Bin::new(bucket));
                Ok(())
            }
        }
    }

    async fn head_bucket(&self, name: &BucketName) -> Result<Bucket> {
        Ok(self.state().bin(name)?.bucket.clone())
    }

    async fn delete_bucket(&self, name: &BucketName) -> Result<()> {
        let mut state = self.state();
        if !state.bin(name)?.objects.is_empty() {
            return Err(StoreError::BucketNotEmpty);
        }
        state.buckets.remove(name);
        Ok(())
    }

    async fn list_buckets(&self, query: &BucketsQuery) -> Result<BucketsPage> {
        let state = self.state();
        let wanted = |bucket: &&Bucket| {
            let name = bucket.name.as_str();
            query.owner.as_ref().is_none_or(|owner| bucket.owner.id == *owner)
                && name.starts_with(&query.prefix)
                && query.after.as_deref().is_none_or(|after| name > after)
        };
        let mut found = state.buckets.values().map(|bin| &bin.bucket).filter(wanted);
        let buckets: Vec<Bucket> = found.by_ref().take(query.limit).cloned().collect();
        let more = found.next().is_some();
        let next = buckets.last().filter(|_| more).map(|last| last.name.as_str().to_owned());
        Ok(BucketsPage { buckets, next })
    }

    fn encrypts_by_default(&self, bucket: &BucketName) -> bool {
        self.defaults.of(bucket)
    }

    async fn bucket_setting(
        &self,
        bucket: &BucketName,
        setting: BucketSetting,
    ) -> Result<Option<SettingDocument>> {
        Ok(self.state().bin(bucket)?.settings.get(&setting).cloned())
    }

    async fn set_bucket_setting(
        &self,
        bucket: &BucketName,
        setting: BucketSetting,
        document: Option<SettingDocument>,
    ) -> Result<()> {
        let mut state = self.state();
        let settings = &mut state.bin_mut(bucket)?.settings;
        match document {
            Some(document) => settings.insert(setting, document),
            None => settings.remove(&setting),
        };
        Ok(())
    }
}
