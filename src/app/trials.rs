//! Finds out which permissions there are at an upstream, with a probe object that is removed
//! again. Goes past the upstream's guard: what the breaker says is no answer.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use futures_util::future::{join, join_all};
use tokio::time::Instant;

use crate::admin::{Permission, Trial, Trials};
use crate::background::{Next, Worker};
use crate::body::{Expected, Payload, digesting};
use crate::object::{
    Algorithm, BucketName, BucketsQuery, ChecksumChoice, ChecksumKind, Clock, ListQuery, ObjectKey,
    ObjectMetadata, Owner, TagSet, Timestamp,
};
use crate::placement::Routes;
use crate::store::upstream::PROBE;
use crate::store::{
    Buckets, DeleteRequest, GetRequest, NewObject, NewUpload, ObjectPath, Store, StoreError,
    UploadPath,
};

/// What the probe object holds.
const CONTENT: &str = "Stowgate tries its permissions here. This may be deleted.\n";
/// How many buckets of an upstream are tried.
const BUCKETS: usize = 20;

/// What is known of a permission: none where it is there.
type Verdict = Result<(), String>;

/// What is tried.
pub(super) struct Tried {
    pub(super) upstream: Arc<str>,
    pub(super) store: Arc<dyn Store>,
    /// How long one answer may take.
    pub(super) budget: Duration,
    /// Who has the buckets that are there without a name in the configuration.
    pub(super) home: Arc<dyn Buckets>,
    pub(super) routes: Arc<Routes>,
    pub(super) owner: Owner,
    pub(super) clock: Arc<dyn Clock>,
}

/// What was found, and when.
type Found = Option<(Timestamp, Vec<Trial>)>;

/// The trials of one upstream. Clones share what the last one found.
#[derive(Clone)]
pub(super) struct PermissionTrials {
    tried: Arc<Tried>,
    last: Arc<Mutex<Found>>,
    /// One at a time.
    turn: Arc<tokio::sync::Mutex<()>>,
}

impl PermissionTrials {
    pub(super) fn new(tried: Tried) -> Self {
        Self { tried: Arc::new(tried), last: Arc::default(), turn: Arc::default() }
    }

    async fn make(self) -> Vec<Trial> {
        let _turn = self.turn.lock().await;
        let buckets = self.tried.buckets().await;
        let trials = join_all(buckets.iter().map(|bucket| self.tried.try_bucket(bucket))).await;
        self.tried.log(&trials);
        let found = Some((self.tried.clock.now(), trials.clone()));
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = found;
        trials
    }
}

#[async_trait]
impl Trials for PermissionTrials {
    /// A caller that goes away does not stop it, or the probe would be left behind.
    async fn run(&self) -> Vec<Trial> {
        tokio::spawn(self.clone().make()).await.unwrap_or_default()
    }

    fn last(&self) -> Option<(Timestamp, Vec<Trial>)> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// The trial at the start.
#[async_trait]
impl Worker for PermissionTrials {
    fn name(&self) -> &'static str {
        "permission trial"
    }

    async fn step(&mut self) -> Next {
        self.run().await;
        Next::Done
    }
}

impl Tried {
    /// The buckets that lie in the upstream.
    async fn buckets(&self) -> Vec<BucketName> {
        let leads_here = |name: &BucketName| {
            let upstream = self.routes.of(name).upstream.as_ref();
            upstream.is_some_and(|upstream| upstream.name == self.upstream)
        };
        let mut names: Vec<_> =
            self.routes.named.keys().filter(|name| leads_here(name)).cloned().collect();
        names.sort_unstable();
        let query = BucketsQuery { limit: 1000, ..BucketsQuery::default() };
        // While nothing is known of the others, those of the configuration are tried alone.
        if let Ok(page) = self.home.list_buckets(&query).await {
            let others = page.buckets.into_iter().map(|bucket| bucket.name);
            let others = others.filter(|name| leads_here(name) && !names.contains(name));
            names.extend(others.collect::<Vec<_>>());
        }
        names.truncate(BUCKETS);
        names
    }

    async fn try_bucket(&self, bucket: &BucketName) -> Trial {
        let target = self.routes.of(bucket).upstream.as_ref().map(|it| (it.target)(bucket));
        let (there, prefix) = target.unwrap_or_default();
        let head = self.timed("head", self.head(bucket));
        let list = self.timed("list", self.list(bucket));
        let (head, list) = join(head, list).await;
        // Where nobody answers at all, the rest would only take as long again.
        let silent = head.latency >= self.budget && list.latency >= self.budget;
        let rest = match (probe(bucket), silent) {
            (Ok(at), false) => {
                let (objects, multipart) = join(self.objects(&at), self.multipart(&at)).await;
                objects.into_iter().chain([multipart]).collect()
            }
            (Ok(_), true) => untried(head.fault.as_deref().unwrap_or_default()),
            (Err(fault), _) => untried(&fault),
        };
        let permissions = [head, list].into_iter().chain(rest).collect();
        Trial { bucket: there, prefix, permissions }
    }

    async fn timed(&self, name: &'static str, call: impl Future<Output = Verdict>) -> Permission {
        let start = Instant::now();
        let fault = match tokio::time::timeout(self.budget, call).await {
            Ok(verdict) => verdict.err(),
            Err(_) => {
                Some(format!("upstream {} did not answer in {:?}", self.upstream, self.budget))
            }
        };
        Permission { name, latency: start.elapsed(), fault }
    }

    async fn head(&self, bucket: &BucketName) -> Verdict {
        self.store.head_bucket(bucket).await.map(drop).map_err(|error| words(&error))
    }

    async fn list(&self, bucket: &BucketName) -> Verdict {
        let query = ListQuery { limit: 1, ..ListQuery::default() };
        self.store.list_objects(bucket, &query).await.map(drop).map_err(|error| words(&error))
    }

    /// Puts the probe, reads it and deletes it, which is tried in every case: a put without an
    /// answer may have been done.
    async fn objects(&self, at: &ObjectPath) -> [Permission; 3] {
        let put = self.timed("put", self.put(at)).await;
        let get = self.timed("get", self.get(at, put.fault.is_none())).await;
        let delete = self.timed("delete", self.delete(at)).await;
        [put, get, delete]
    }

    async fn put(&self, at: &ObjectPath) -> Verdict {
        let body = digesting(Payload::from_bytes(CONTENT), Expected::default());
        let new = NewObject::default();
        self.store.put_object(at, new, body).await.map(drop).map_err(|error| words(&error))
    }

    /// Without an object the answer that there is none shows the permission as well.
    async fn get(&self, at: &ObjectPath, there: bool) -> Verdict {
        let got = match self.store.get_object(at, &GetRequest::default()).await {
            Err(StoreError::NoSuchKey) if !there => return Ok(()),
            got => got.map_err(|error| words(&error))?,
        };
        match got.body.collect(CONTENT.len()).await {
            Ok(content) if content == CONTENT => Ok(()),
            Ok(_) => Err("what was put was read as something else".to_owned()),
            Err(error) => Err(format!("what was put could not be read: {error}")),
        }
    }

    async fn delete(&self, at: &ObjectPath) -> Verdict {
        let deleted = self.store.delete_object(at, &DeleteRequest::default()).await;
        let left = |error| format!("{}; the object {} stays there", words(&error), at.key);
        deleted.map(drop).map_err(left)
    }

    async fn multipart(&self, at: &ObjectPath) -> Permission {
        let checksum = ChecksumChoice {
            algorithm: Algorithm::Crc64Nvme,
            kind: ChecksumKind::FullObject,
            explicit: false,
        };
        let new = NewUpload {
            metadata: ObjectMetadata::default(),
            tags: TagSet::default(),
            checksum,
            initiator: self.owner.clone(),
        };
        let call = async {
            let id = self.store.create_upload(at, new).await.map_err(|error| words(&error))?;
            let upload = UploadPath { object: at.clone(), id };
            self.store.abort_upload(&upload).await.map_err(|error| words(&error))
        };
        self.timed("multipart", call).await
    }

    /// The verdict in one line.
    fn log(&self, trials: &[Trial]) {
        let upstream = &*self.upstream;
        let faults = faults(trials);
        if !faults.is_empty() {
            let faults = faults.join("; ");
            tracing::warn!(upstream, faults, "the upstream does not do all that it should");
        } else if !trials.is_empty() {
            tracing::info!(upstream, "the upstream does all that it should");
        }
    }
}

/// Every fault once, with the permissions that it concerns.
fn faults(trials: &[Trial]) -> Vec<String> {
    let mut faults: Vec<(&str, Vec<&str>)> = Vec::new();
    for permission in trials.iter().flat_map(|trial| &trial.permissions) {
        let Some(fault) = permission.fault.as_deref() else { continue };
        match faults.iter_mut().find(|(known, _)| *known == fault) {
            Some((_, names)) if names.contains(&permission.name) => {}
            Some((_, names)) => names.push(permission.name),
            None => faults.push((fault, vec![permission.name])),
        }
    }
    faults.into_iter().map(|(fault, names)| format!("{}: {fault}", names.join(", "))).collect()
}

fn words(error: &StoreError) -> String {
    error.to_string()
}

fn untried(fault: &str) -> Vec<Permission> {
    let permission =
        |name| Permission { name, latency: Duration::ZERO, fault: Some(fault.to_owned()) };
    ["put", "get", "delete", "multipart"].map(permission).to_vec()
}

/// An object that nobody else has.
fn probe(bucket: &BucketName) -> Result<ObjectPath, String> {
    let key = format!("{PROBE}{}", uuid::Uuid::new_v4().simple());
    let key = ObjectKey::parse(&key).map_err(|error| error.to_string())?;
    Ok(ObjectPath { bucket: bucket.clone(), key })
}

#[cfg(test)]
#[path = "trials_tests.rs"]
mod tests;
