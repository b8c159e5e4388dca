//! Small records beside objects: in the log as everything is, found by a tree of their own.

use std::ops::ControlFlow;

use async_trait::async_trait;
use bytes::Bytes;

use super::LocalStore;
use super::commit::Command;
use super::core::{Core, Phase};
use super::format::ledger_subject;
use super::format::place::RecordRef;
use super::read::{blocking, head, readable};
use crate::object::{BucketName, ObjectInfo, ObjectKey};
use crate::store::{GetRequest, Ledger, LedgerPage, LedgerQuery, ObjectPath, Result, StoreError};

#[async_trait]
impl Ledger for LocalStore {
    async fn entry(&self, at: &ObjectPath) -> Result<Option<Bytes>> {
        let at = at.clone();
        blocking(&self.core, move |core| entry(core, &at)).await
    }

    async fn entry_and_object(
        &self,
        at: &ObjectPath,
    ) -> Result<(Option<Bytes>, Option<ObjectInfo>)> {
        let at = at.clone();
        blocking(&self.core, move |core| {
            let entry = entry(core, &at)?;
            match head(core, &at, &GetRequest::default()) {
                Ok(head) => Ok((entry, Some(head.object))),
                Err(StoreError::NoSuchKey) => Ok((entry, None)),
                Err(error) => Err(error),
            }
        })
        .await
    }

    async fn set_entry(&self, at: &ObjectPath, entry: Option<Bytes>) -> Result<()> {
        self.core.writable()?;
        let command = Command::SetEntry { at: at.clone(), value: entry };
        self.submitter.submit(command).await.map(|_| ())
    }

    async fn has_entries(&self, bucket: &BucketName) -> Result<bool> {
        let bucket = self.core.readable_bucket(bucket)?;
        // The counters come with the whole index, and do not know what the log has lost.
        let counted = *self.core.phase.borrow() == Phase::Ready && self.core.believe_all().is_ok();
        Ok(!counted || self.core.progress().tally.has_entries(bucket.id))
    }

    async fn entries(&self, bucket: &BucketName, query: &LedgerQuery) -> Result<LedgerPage> {
        let (bucket, query) = (bucket.clone(), query.clone());
        blocking(&self.core, move |core| page(core, &bucket, &query)).await
    }
}

fn entry(core: &Core, at: &ObjectPath) -> Result<Option<Bytes>> {
    let _reading = core.garbage.enter();
    find(core, at)?.map(|record| Ok(core.log.read(record)?.data())).transpose()
}

/// The record that holds a key's.
fn find(core: &Core, at: &ObjectPath) -> Result<Option<RecordRef>> {
    let (catalog, whole) = readable(core)?;
    let bucket = core.bucket(&at.bucket)?;
    let entry = catalog.entry(bucket.id, at.key.as_str())?;
    if entry.is_none() && !whole {
        return Err(StoreError::Rebuilding);
    }
    let lsn = entry.map_or(0, |entry| entry.head.lsn);
    core.believe(|| ledger_subject(bucket.id.0, at.key.as_str()), lsn)?;
    Ok(entry.map(|entry| entry.head))
}

fn page(core: &Core, bucket: &BucketName, query: &LedgerQuery) -> Result<LedgerPage> {
    let _reading = core.garbage.enter();
    let catalog = core.whole_catalog()?;
    let bucket = core.bucket(bucket)?;
    core.believe_all()?;
    if query.limit == 0 {
        return Ok(LedgerPage::default());
    }
    let (mut found, mut more) = (Vec::new(), false);
    catalog.entries(bucket.id, &query.prefix, query.after.as_deref(), |at, entry| {
        more = found.len() == query.limit;
        if more {
            return ControlFlow::Break(());
        }
        found.push((at.key, entry.head));
        ControlFlow::Continue(())
    })?;
    // Read only now: the index is not held while the disk is.
    let entry = |(key, record): (String, RecordRef)| {
        let key = ObjectKey::parse(&key).map_err(|error| StoreError::Damaged {
            what: format!("record {} is of no key: {error}", record.lsn),
        })?;
        Ok((key, core.log.read(record)?.data()))
    };
    Ok(LedgerPage { entries: found.into_iter().map(entry).collect::<Result<_>>()?, more })
}
