//! Records beside objects, in memory.

use async_trait::async_trait;
use bytes::Bytes;

use super::{MemoryStore, Result};
use crate::object::{BucketName, ObjectInfo};
use crate::store::{
    GetRequest, Ledger, LedgerPage, LedgerQuery, ObjectPath, Objects as _, StoreError,
};

#[async_trait]
impl Ledger for MemoryStore {
    async fn entry(&self, at: &ObjectPath) -> Result<Option<Bytes>> {
        let state = self.state();
        let bin = state.bin(&at.bucket)?;
        Ok(bin.records.get(&at.key).cloned())
    }

    async fn entry_and_object(
        &self,
        at: &ObjectPath,
    ) -> Result<(Option<Bytes>, Option<ObjectInfo>)> {
        let entry = self.entry(at).await?;
        match self.head_object(at, &GetRequest::default()).await {
            Ok(head) => Ok((entry, Some(head.object))),
            Err(StoreError::NoSuchKey) => Ok((entry, None)),
            Err(error) => Err(error),
        }
    }

    async fn set_entry(&self, at: &ObjectPath, entry: Option<Bytes>) -> Result<()> {
        let mut state = self.state();
        let bin = state.bin_mut(&at.bucket)?;
        match entry {
            Some(entry) => bin.records.insert(at.key.clone(), entry),
            None => bin.records.remove(&at.key),
        };
        Ok(())
    }

    async fn has_entries(&self, bucket: &BucketName) -> Result<bool> {
        Ok(!self.state().bin(bucket)?.records.is_empty())
    }

    async fn entries(&self, bucket: &BucketName, query: &LedgerQuery) -> Result<LedgerPage> {
        let state = self.state();
        let bin = state.bin(bucket)?;
        let after = query.after.as_deref();
        let mut wanted = bin
            .records
            .iter()
            .filter(|(key, _)| key.as_str().starts_with(&query.prefix))
            .filter(|(key, _)| after.is_none_or(|after| key.as_str().as_bytes() > after))
            .map(|(key, entry)| (key.clone(), entry.clone()));
        let entries: Vec<_> = wanted.by_ref().take(query.limit).collect();
        Ok(LedgerPage { entries, more: query.limit > 0 && wanted.next().is_some() })
    }
}
