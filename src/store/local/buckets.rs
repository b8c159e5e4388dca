//! Buckets.

use std::ops::ControlFlow;
use std::sync::Arc;

use async_trait::async_trait;

use super::LocalStore;
use super::catalog::Catalog;
use super::commit::{Command, Outcome};
use super::core::Core;
use super::format::entry::BucketEntry;
use super::format::meta::At;
use super::format::place::Dead;
use super::read::blocking;
use crate::object::{
    Bucket, BucketName, BucketSetting, BucketsPage, BucketsQuery, Owner, SettingDocument,
};
use crate::store::{Buckets, Result, StoreError};

/// How often a change is tried whose ground moves under it.
pub(crate) const TRIES: usize = 64;

#[async_trait]
impl Buckets for LocalStore {
    async fn create_bucket(&self, name: &BucketName, owner: &Owner) -> Result<()> {
        self.core.writable()?;
        let command =
            Command::CreateBucket { name: name.as_str().to_owned(), owner: owner.clone() };
        self.submitter.submit(command).await.map(|_| ())
    }

    async fn head_bucket(&self, name: &BucketName) -> Result<Bucket> {
        let entry = self.bucket_now(name)?;
        Ok(Bucket { name: name.clone(), owner: entry.owner, created: entry.created })
    }

    async fn delete_bucket(&self, name: &BucketName) -> Result<()> {
        self.core.writable()?;
        for _ in 0..TRIES {
            let of = name.clone();
            let command = blocking(&self.core, move |core| deletion(core, &of)).await?;
            match self.submitter.submit(command).await? {
                Outcome::Retry => {}
                _ => return Ok(()),
            }
        }
        Err(StoreError::Conflict)
    }

    async fn list_buckets(&self, query: &BucketsQuery) -> Result<BucketsPage> {
        self.core.whole_catalog()?;
        self.core.believe_all()?;
        let all = self.core.buckets();
        let wanted = |(name, bucket): &(&String, &BucketEntry)| {
            query.owner.as_ref().is_none_or(|owner| bucket.owner.id == *owner)
                && name.starts_with(&query.prefix)
                && query.after.as_ref().is_none_or(|after| *name > after)
        };
        let mut found = all.iter().filter(wanted).filter_map(|(name, bucket)| {
            let name = BucketName::parse(name).ok()?;
            Some(Bucket { name, owner: bucket.owner.clone(), created: bucket.created })
        });
        let buckets: Vec<Bucket> = found.by_ref().take(query.limit).collect();
        let more = found.next().is_some();
        let next = buckets.last().filter(|_| more).map(|last| last.name.as_str().to_owned());
        Ok(BucketsPage { buckets, next })
    }

    fn encrypts_by_default(&self, bucket: &BucketName) -> bool {
        self.core.keyring.encrypts(bucket)
    }

    async fn bucket_setting(
        &self,
        bucket: &BucketName,
        setting: BucketSetting,
    ) -> Result<Option<SettingDocument>> {
        let Some(bytes) = self.setting(bucket, setting.name()).await? else { return Ok(None) };
        let document = SettingDocument::new(bytes).map_err(|error| StoreError::Damaged {
            what: format!("the {} setting of {}: {error}", setting.name(), bucket.as_str()),
        })?;
        Ok(Some(document))
    }

    async fn set_bucket_setting(
        &self,
        bucket: &BucketName,
        setting: BucketSetting,
        document: Option<SettingDocument>,
    ) -> Result<()> {
        let value = document.map(|document| document.bytes().clone());
        self.set_setting(bucket, setting.name(), value).await
    }
}

/// The deletion of a bucket, if it is empty.
fn deletion(core: &Arc<Core>, name: &BucketName) -> Result<Command> {
    // Before anything is looked up: what comes later makes the committer ask for another look.
    let as_of = core.applied();
    let catalog = core.whole_catalog()?;
    let bucket = core.bucket(name)?;
    core.believe_all()?;
    if catalog.has_objects(bucket.id)? {
        return Err(StoreError::BucketNotEmpty);
    }
    let mut uploads = Vec::new();
    catalog.uploads(Some(bucket.id), |at, id, upload| {
        uploads.push((at, id, upload.head));
        ControlFlow::Continue(())
    })?;
    let aborts = uploads
        .into_iter()
        .map(|(at, id, head)| Ok((at, id, upload_dead(&catalog, id, head)?)))
        .collect::<Result<Vec<(At, u128, Dead)>>>()?;
    Ok(Command::DeleteBucket { name: name.as_str().to_owned(), as_of, aborts })
}

/// What dies with an upload that is dropped.
pub(crate) fn upload_dead(
    catalog: &Catalog,
    id: u128,
    head: super::format::place::RecordRef,
) -> Result<Dead> {
    let mut dead = Dead { records: vec![head], ..Dead::default() };
    catalog.parts(id, 0, |_, part| {
        dead.extend(Dead::of(part.head, part.body));
        ControlFlow::Continue(())
    })?;
    Ok(dead)
}

impl LocalStore {
    /// A bucket, as far as it is known.
    pub(super) fn bucket_now(&self, name: &BucketName) -> Result<BucketEntry> {
        self.core.readable_bucket(name)
    }
}
