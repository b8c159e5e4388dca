//! `/storage/verify`: counters against what there is, bodies against their checksums, and what is
//! recorded upstream against what the upstream has. Counters are repaired; nothing else is changed.

use std::collections::VecDeque;
use std::sync::Arc;

use async_trait::async_trait;
use http::Response;
use serde_json::{Value, json};

use super::job::{self, Job, JobState};
use super::query::Parameters;
use super::reply::Fault;
use super::view::{Disk, Views};
use super::{buckets, usage};
use crate::body::{BodyError, Expected, Payload, digesting};
use crate::object::{
    BucketName, ChecksumKind, ListEntry, ListQuery, ObjectInfo, ObjectKey, Timestamp,
};
use crate::placement::location::{Remote, Truth};
use crate::placement::{Location, Routes};
use crate::store::local::{BucketUsage, Recounted, UsageRow};
use crate::store::{GetRequest, Home, LedgerQuery, ObjectPath, StoreError};

/// The parameters of the call.
pub(super) const PARAMETERS: &[&str] = &["bucket", "prefix", "content", "upstream"];

/// The kind of the jobs.
pub(super) const KIND: &str = "verify";
/// How many keys are looked up at once.
const PAGE: usize = 100;
/// How many findings are told; the rest is counted.
const TOLD: usize = 1000;

/// `POST /storage/verify`.
pub(super) async fn begin(
    views: &Views,
    parameters: &Parameters,
) -> Result<Response<Payload>, Fault> {
    let content = parameters.flag("content")?.unwrap_or(true);
    let upstream = parameters.flag("upstream")?.unwrap_or(true);
    let names = match parameters.bucket("bucket")? {
        Some(bucket) => vec![buckets::known(views, &bucket).await?],
        None => buckets::names(views).await?,
    };
    let prefix = parameters.get("prefix").unwrap_or_default().to_owned();
    let job = Verification {
        prefix,
        disk: Arc::clone(&views.disk),
        home: Arc::clone(&views.home),
        routes: Arc::clone(&views.routes),
        content,
        upstream,
        left: names.into(),
        stage: Stage::Next,
        found: Found::default(),
    };
    Ok(job::begun(&views.jobs.begin(KIND, Box::new(job))?))
}

struct Verification {
    /// Only keys that begin so; counters are of whole buckets.
    prefix: String,
    disk: Arc<dyn Disk>,
    home: Arc<dyn Home>,
    routes: Arc<Routes>,
    content: bool,
    upstream: bool,
    left: VecDeque<BucketName>,
    stage: Stage,
    found: Found,
}

/// What is looked at.
enum Stage {
    /// The next bucket's counters.
    Next,
    /// The objects here behind a key.
    Objects { bucket: BucketName, query: ListQuery, keys: VecDeque<ObjectKey>, more: bool },
    /// The records behind a key.
    Records { bucket: BucketName, query: LedgerQuery },
}

/// What was found so far.
#[derive(Default)]
struct Found {
    buckets: Vec<Value>,
    repaired: u64,
    objects: u64,
    bytes: u64,
    records: u64,
    asked: u64,
    problems: u64,
    findings: Vec<Value>,
}

impl Found {
    fn problem(&mut self, bucket: &BucketName, key: &str, what: &str, detail: &str) {
        self.problems += 1;
        if self.findings.len() < TOLD {
            self.findings.push(json!({
                "bucket": bucket.as_str(),
                "key": key,
                "what": what,
                "detail": detail,
            }));
        }
    }

    fn counters(&mut self, bucket: &BucketName, recounted: &Recounted) {
        let Recounted { keys, counted, found, compared, wrong } = recounted;
        let repaired = counted != found || !wrong.is_empty();
        self.repaired += u64::from(repaired);
        self.buckets.push(json!({
            "name": bucket.as_str(),
            "keys": keys,
            "local_counted": figures(counted),
            "local_found": figures(found),
            "compared": compared,
            "repaired": repaired,
            "wrong": wrong.iter().map(|(row, found)| wrong_row(row, found)).collect::<Vec<_>>(),
        }));
    }
}

fn figures(usage: &BucketUsage) -> Value {
    json!({ "objects": usage.objects, "bytes": usage.bytes })
}

fn wrong_row(row: &UsageRow, found: &BucketUsage) -> Value {
    json!({
        "company": row.company,
        "type": row.kind,
        "storage_backend": usage::backend(row.away),
        "month": row.month.to_string(),
        "counted": figures(&row.usage),
        "found": figures(found),
    })
}

#[async_trait]
impl Job for Verification {
    async fn step(&mut self) -> Result<bool, String> {
        match std::mem::replace(&mut self.stage, Stage::Next) {
            Stage::Next => {
                let Some(bucket) = self.left.pop_front() else { return Ok(false) };
                let recounted = if self.prefix.is_empty() {
                    self.disk.recount(&bucket).await.map(Some)
                } else {
                    Ok(None)
                };
                match recounted {
                    Ok(None) => {}
                    Ok(Some(recounted)) => self.found.counters(&bucket, &recounted),
                    // Deleted since.
                    Err(StoreError::NoSuchBucket) => return Ok(true),
                    Err(error) => return Err(error.to_string()),
                }
                let prefix = self.prefix.clone();
                let query = ListQuery { prefix, limit: PAGE, ..ListQuery::default() };
                let keys = VecDeque::new();
                self.stage = Stage::Objects { bucket, query, keys, more: true };
            }
            Stage::Objects { bucket, query, keys, more } => {
                self.stage = self.objects(bucket, query, keys, more).await?;
            }
            Stage::Records { bucket, query } => {
                self.stage = self.records(bucket, query).await?;
            }
        }
        Ok(true)
    }

    fn shown(&self) -> Value {
        let (stage, bucket) = match &self.stage {
            Stage::Next => ("counters", self.left.front()),
            Stage::Objects { bucket, .. } => ("objects", Some(bucket)),
            Stage::Records { bucket, .. } => ("records", Some(bucket)),
        };
        json!({
            "stage": bucket.map(|_| stage),
            "bucket": bucket.map(BucketName::as_str),
            "buckets_left": self.left.len(),
            "prefix": self.prefix,
            "content": self.content,
            "upstream": self.upstream,
            "counters": self.found.buckets,
            "counters_repaired": self.found.repaired,
            "objects_checked": self.found.objects,
            "bytes_checked": self.found.bytes,
            "records_checked": self.found.records,
            "upstream_checked": self.found.asked,
            "problems": self.found.problems,
            "findings": self.found.findings,
        })
    }

    async fn ended(&mut self, _: JobState, _: Option<&str>, _: Timestamp) {}
}

impl Verification {
    async fn objects(
        &mut self,
        bucket: BucketName,
        mut query: ListQuery,
        mut keys: VecDeque<ObjectKey>,
        mut more: bool,
    ) -> Result<Stage, String> {
        let Some(key) = keys.pop_front() else {
            if !more {
                let prefix = self.prefix.clone();
                let query = LedgerQuery { prefix, limit: PAGE, ..LedgerQuery::default() };
                return Ok(Stage::Records { bucket, query });
            }
            let page = match self.home.list_objects(&bucket, &query).await {
                Err(StoreError::NoSuchBucket) => return Ok(Stage::Next),
                page => page.map_err(|error| error.to_string())?,
            };
            keys.extend(page.entries.into_iter().filter_map(|entry| match entry {
                ListEntry::Object { key, .. } => Some(key),
                ListEntry::CommonPrefix(_) => None,
            }));
            more = page.next.is_some();
            query.after = page.next;
            return Ok(Stage::Objects { bucket, query, keys, more });
        };
        let at = ObjectPath { bucket: bucket.clone(), key };
        match self.read(&at).await {
            Ok(Some(bytes)) => {
                self.found.objects += 1;
                self.found.bytes += bytes;
            }
            // Deleted since it was listed.
            Ok(None) => {}
            Err((what, detail)) => {
                self.found.objects += 1;
                self.found.problem(&bucket, at.key.as_str(), what, &detail);
            }
        }
        Ok(Stage::Objects { bucket, query, keys, more })
    }

    /// Reads an object, or only its head; says how many bytes of content were checked.
    async fn read(&self, at: &ObjectPath) -> Result<Option<u64>, (&'static str, String)> {
        let request = GetRequest::default();
        let unreadable = |error: StoreError| match error {
            StoreError::NoSuchKey | StoreError::NoSuchBucket => Ok(None),
            // Nobody but the customer can read it; what is stored of it, the offline check does.
            StoreError::CustomerKey(_) => Ok(Some(0)),
            error @ StoreError::Damaged { .. } => Err(("damaged", error.to_string())),
            error => Err(("unreadable", error.to_string())),
        };
        if !self.content {
            let head = self.home.head_object(at, &request).await;
            return head.map_or_else(unreadable, |_| Ok(Some(0)));
        }
        let got = match self.home.get_object(at, &request).await {
            Ok(got) => got,
            Err(error) => return unreadable(error),
        };
        let mut body = digesting(got.body, expected(&got.head.object));
        let mut read = 0;
        while let Some(chunk) = body.next().await {
            match chunk {
                Ok(chunk) => read += chunk.len() as u64,
                Err(error @ BodyError::Store(_)) => return Err(("damaged", error.to_string())),
                Err(error) => return Err(("mismatch", error.to_string())),
            }
        }
        if read != got.head.object.size {
            let size = got.head.object.size;
            return Err(("mismatch", format!("it has {read} bytes, not {size}")));
        }
        Ok(Some(read))
    }

    async fn records(
        &mut self,
        bucket: BucketName,
        mut query: LedgerQuery,
    ) -> Result<Stage, String> {
        let page = match self.home.entries(&bucket, &query).await {
            Err(StoreError::NoSuchBucket) => return Ok(Stage::Next),
            page => page.map_err(|error| error.to_string())?,
        };
        query.after = page.entries.last().map(|(key, _)| key.as_str().as_bytes().to_vec());
        for (key, record) in page.entries {
            self.found.records += 1;
            let at = ObjectPath { bucket: bucket.clone(), key };
            match Location::decode(&record) {
                Ok(record) => self.record(&at, record).await,
                Err(error) => {
                    let detail = error.to_string();
                    self.found.problem(&bucket, at.key.as_str(), "record unreadable", &detail);
                }
            }
        }
        if page.more {
            return Ok(Stage::Records { bucket, query });
        }
        Ok(Stage::Next)
    }

    async fn record(&mut self, at: &ObjectPath, record: Location) {
        let Some(remote) = record.remote.filter(|_| record.truth == Truth::Remote) else { return };
        if record.kept
            && let Some((what, detail)) = self.kept(at, &remote).await
            && self.is_current(at, &remote).await
        {
            self.found.problem(&at.bucket, at.key.as_str(), what, &detail);
        }
        let route = self.routes.of(&at.bucket);
        let Some(upstream) = route.upstream.as_ref().filter(|_| self.upstream) else { return };
        self.found.asked += 1;
        let head = upstream.store.head_object(at, &GetRequest::default()).await;
        let Some((what, detail)) = judged(&remote, head.map(|head| head.object)) else { return };
        // Forwarded, replaced or deleted since it was looked at.
        if self.is_current(at, &remote).await {
            self.found.problem(&at.bucket, at.key.as_str(), what, &detail);
        }
    }

    /// What is wrong with the copy of an upstream object that a migration kept here.
    async fn kept(&self, at: &ObjectPath, remote: &Remote) -> Option<(&'static str, String)> {
        match self.home.head_object(at, &GetRequest::default()).await {
            Ok(head) if head.object.etag == remote.etag && head.object.size == remote.size => None,
            Ok(head) => {
                let (has, recorded) = (head.object.etag.as_str(), remote.etag.as_str());
                Some((
                    "kept copy differs",
                    format!("it has the ETag {has}, recorded is {recorded}"),
                ))
            }
            Err(error) => Some(("kept copy missing", error.to_string())),
        }
    }

    async fn is_current(&self, at: &ObjectPath, remote: &Remote) -> bool {
        let Ok(Some(entry)) = self.home.entry(at).await else { return false };
        let now = Location::decode(&entry).ok();
        now.is_some_and(|now| now.truth == Truth::Remote && now.remote.as_ref() == Some(remote))
    }
}

/// What an object's content must come to.
fn expected(object: &ObjectInfo) -> Expected {
    let whole = |kind: ChecksumKind| kind == ChecksumKind::FullObject;
    let checksum = object.checksum.as_ref().filter(|checksum| whole(checksum.kind));
    Expected {
        md5: object.etag.md5().filter(|_| object.parts_count.is_none()),
        checksum: checksum.map(|checksum| checksum.value.clone()),
        ..Expected::default()
    }
}

/// What is wrong with an upstream object, given what is recorded of it.
fn judged(
    remote: &Remote,
    found: Result<ObjectInfo, StoreError>,
) -> Option<(&'static str, String)> {
    match found {
        Ok(object) if object.etag != remote.upstream_etag => {
            let (has, recorded) = (object.etag.as_str(), remote.upstream_etag.as_str());
            Some(("upstream differs", format!("it has the ETag {has}, recorded is {recorded}")))
        }
        Ok(object) if object.size != remote.size => {
            let (has, recorded) = (object.size, remote.size);
            Some(("upstream differs", format!("it has {has} bytes, recorded are {recorded}")))
        }
        Ok(_) => None,
        Err(StoreError::NoSuchKey | StoreError::NoSuchBucket) => {
            Some(("upstream lacks it", "the upstream has no such object".to_owned()))
        }
        Err(error) => Some(("upstream not asked", error.to_string())),
    }
}
