//! Buckets: those that home has.
//!
//! Where a bucket's objects go upstream and the configuration doesn't name it, the upstream's
//! bucket is made before home's, and goes before it: a crash in between is mended by trying again.

use super::location::{Location, Truth};
use super::plan;
use super::route::{Route, Upstream};
use super::{Placement, answered, carried};
use crate::object::{BucketName, ListQuery, ObjectKey, Owner};
use crate::store::{DeleteRequest, GetRequest, LedgerQuery, ObjectPath, Result, StoreError};

/// How many records are looked at at once.
const PAGE: usize = 1000;

impl Placement {
    /// Makes a bucket.
    pub(super) async fn make_bucket(&self, name: &BucketName, owner: &Owner) -> Result<()> {
        match self.home.head_bucket(name).await {
            Ok(bucket) => return Err(StoreError::BucketExists { owner: bucket.owner }),
            Err(StoreError::NoSuchBucket) => {}
            Err(error) => return Err(error),
        }
        if let Some(upstream) = shared(self.routes.of(name)) {
            match upstream.store.create_bucket(name, owner).await {
                // One that can be used is as good as a new one, be it from an attempt before.
                Err(StoreError::BucketExists { .. }) => {
                    answered(upstream, upstream.store.head_bucket(name).await)?;
                }
                made => made?,
            }
        }
        self.home.create_bucket(name, owner).await
    }

    /// Removes an empty bucket.
    ///
    /// What the upstream has to be told of deleted keys it is told now: after that no record would
    /// know of them, and a later bucket of the same name would show them.
    pub(super) async fn remove_bucket(&self, name: &BucketName) -> Result<()> {
        let bucket = self.home.head_bucket(name).await?;
        let route = self.routes.of(name);
        let Some(upstream) = &route.upstream else { return self.home.delete_bucket(name).await };
        if self.has_objects(name).await? {
            return Err(StoreError::BucketNotEmpty);
        }
        carried::begun().await;
        self.end_records(name, route, upstream).await?;
        let shared = shared(route);
        if let Some(upstream) = shared {
            match upstream.store.delete_bucket(name).await {
                Err(StoreError::NoSuchBucket) => {}
                removed => removed?,
            }
        }
        if let Err(error) = self.home.delete_bucket(name).await {
            // An object came meanwhile, and has to go upstream.
            if let (Some(upstream), StoreError::BucketNotEmpty) = (shared, &error) {
                upstream.store.create_bucket(name, &bucket.owner).await?;
            }
            return Err(error);
        }
        self.locations.forget(name);
        Ok(())
    }

    async fn has_objects(&self, name: &BucketName) -> Result<bool> {
        let query = ListQuery { limit: 1, ..ListQuery::default() };
        match self.list(name, &query).await {
            Ok(page) => Ok(!page.entries.is_empty()),
            // The upstream's bucket may have gone in an attempt before.
            Err(StoreError::Unavailable { .. }) if self.is_gone_upstream(name).await => {
                let page = self.home.list_objects(name, &query).await?;
                Ok(!page.entries.is_empty())
            }
            Err(error) => Err(error),
        }
    }

    async fn is_gone_upstream(&self, name: &BucketName) -> bool {
        let Some(upstream) = shared(self.routes.of(name)) else { return false };
        matches!(upstream.store.head_bucket(name).await, Err(StoreError::NoSuchBucket))
    }

    /// Carries out every delete that waits, and ends all records.
    async fn end_records(
        &self,
        name: &BucketName,
        route: &Route,
        upstream: &Upstream,
    ) -> Result<()> {
        let mut query = LedgerQuery { limit: PAGE, ..LedgerQuery::default() };
        loop {
            let (records, more) = self.locations.page(name, query.clone()).await?;
            query.after = records.last().map(|(key, _)| key.as_str().as_bytes().to_vec());
            for (key, _) in records {
                self.end_record(name, key, route, upstream).await?;
            }
            if !more {
                return Ok(());
            }
        }
    }

    async fn end_record(
        &self,
        name: &BucketName,
        key: ObjectKey,
        route: &Route,
        upstream: &Upstream,
    ) -> Result<()> {
        let at = ObjectPath { bucket: name.clone(), key };
        let mut locked = self.locked(route, upstream, &at, true).await?;
        match locked.record.as_ref().map(|record| record.truth) {
            Some(Truth::Gone) => {
                let record = locked.record.clone();
                delete_upstream(upstream, &at, record.as_ref()).await?;
                locked.clear_home().await?;
                locked.set(None, 0).await
            }
            // Unfinished, or of an object that the upstream no longer has.
            Some(Truth::Local | Truth::Remote) if locked.at_home.is_none() => {
                locked.set(None, 0).await
            }
            Some(Truth::Remote) => {
                locked.clear_home().await?;
                locked.set(None, 0).await
            }
            Some(Truth::Local) => Err(StoreError::BucketNotEmpty),
            None => Ok(()),
        }
    }
}

/// Removes what a deleted key has upstream, unless that is something that nobody here deleted.
async fn delete_upstream(
    upstream: &Upstream,
    at: &ObjectPath,
    record: Option<&Location>,
) -> Result<()> {
    let record = record.cloned();
    let remote = record.as_ref().and_then(|record| record.remote.as_ref());
    let unsure = record.as_ref().and_then(|record| record.todo.as_ref());
    let found = upstream.store.head_object(at, &GetRequest::default()).await;
    let etag = match found {
        Ok(head) => head.object.etag,
        Err(StoreError::NoSuchKey | StoreError::NoSuchBucket) => return Ok(()),
        Err(error) => return Err(error),
    };
    let ours = remote.is_none_or(|remote| remote.upstream_etag == etag)
        || unsure.is_some_and(|todo| todo.unsure.contains(&etag));
    if !ours {
        return Err(StoreError::BucketNotEmpty);
    }
    let deleted = upstream.store.delete_object(at, &DeleteRequest::default()).await;
    answered(upstream, deleted).map(|_| ())
}

/// The upstream that a bucket comes and goes with.
fn shared(route: &Route) -> Option<&Upstream> {
    route.upstream.as_ref().filter(|_| plan::shares_buckets(route.mode, route.configured))
}
