//! `/storage/cleanup`: removes what nothing refers to.
//!
//! On the disk: files that no record names, which the store set aside when it was opened after a
//! crash. With a manifest of the keys that an application still refers to: its bucket's objects that
//! are not in it, here or upstream. Upstream only what is recorded counts, never what others put
//! there. Everything is looked through before anything is deleted; what is written meanwhile stays.

use std::sync::Arc;

use async_trait::async_trait;
use http::header::{HeaderValue, LOCATION};
use http::{Response, StatusCode};
use serde_json::{Value, json};

use super::buckets;
use super::job::{Job, Told};
use super::manifest::Manifest;
use super::query::Parameters;
use super::reply::{self, Fault};
use super::usage::backend;
use super::view::{Disk, Views};
use crate::body::Payload;
use crate::object::{
    BucketName, ETag, ETagMatch, ListEntry, ListQuery, ObjectKey, Timestamp, WriteCondition,
};
use crate::placement::Location;
use crate::placement::location::Truth;
use crate::store::{DeleteRequest, Home, LedgerQuery, ObjectPath, Store, StoreError};

/// The parameters of the call.
pub(super) const PARAMETERS: &[&str] =
    &["storage_backend", "bucket", "dry_run", "max_deletes", "min_age"];

/// The kind of the jobs.
const KIND: &str = "cleanup";
/// How many keys are looked at in one step.
const PAGE: usize = 100;
/// How many keys are told.
const TOLD: usize = 1000;
/// The most objects that are deleted where nothing else is said, and at all.
const DEFAULT_DELETES: u64 = 1000;
const MOST_DELETES: u64 = 1_000_000_000;
/// How old an object must be to be deleted where nothing else is said, and the oldest that can be
/// asked for, in seconds.
const DEFAULT_AGE: u64 = 3600;
const MOST_AGE: u64 = 315_360_000;

/// `POST /storage/cleanup`.
pub(super) async fn begin(
    views: &Views,
    parameters: &Parameters,
    manifest: Option<Payload>,
) -> Result<Response<Payload>, Fault> {
    let away = parameters.away()?;
    let away = away.ok_or_else(|| Fault::parameter("storage_backend is missing: local or s3"))?;
    let dry_run = parameters.flag("dry_run")?.unwrap_or(false);
    let most = parameters.number("max_deletes", 0..=MOST_DELETES)?.unwrap_or(DEFAULT_DELETES);
    let age = parameters.number("min_age", 0..=MOST_AGE)?.unwrap_or(DEFAULT_AGE);
    let bucket = match parameters.bucket("bucket")? {
        Some(bucket) => Some(buckets::known(views, &bucket).await?),
        None => None,
    };
    let manifest = match manifest {
        Some(body) => Manifest::read(body).await?,
        None => None,
    };
    let references = match (bucket.clone(), manifest) {
        (Some(bucket), Some(manifest)) => Some((bucket, manifest)),
        (None, Some(_)) => {
            return Err(Fault::parameter("a manifest is of one bucket: bucket is missing"));
        }
        (_, None) => None,
    };
    let age = i64::try_from(age).unwrap_or_default().saturating_mul(1000);
    let job = Cleanup {
        disk: Arc::clone(&views.disk),
        home: Arc::clone(&views.home),
        store: Arc::clone(&views.store),
        away,
        dry_run,
        most,
        before: Timestamp(views.clock.now().0.saturating_sub(age)),
        bucket,
        references,
        stage: if away { Stage::Counting(None) } else { Stage::Files },
        found: Found::default(),
    };
    let told = views.jobs.begin(KIND, Box::new(job))?;
    let mut response = reply::json(StatusCode::ACCEPTED, &told.json());
    if let Ok(location) = HeaderValue::from_str(&format!("/storage/cleanup/{}", told.id())) {
        response.headers_mut().insert(LOCATION, location);
    }
    Ok(response)
}

/// `GET /storage/cleanup`: all of them, the newest first.
pub(super) fn all(views: &Views) -> Response<Payload> {
    let jobs: Vec<Value> = views.jobs.all(KIND).iter().map(Told::json).collect();
    reply::json(StatusCode::OK, &json!({ "jobs": jobs }))
}

/// `GET /storage/cleanup/{id}`.
pub(super) fn one(views: &Views, id: &str) -> Result<Response<Payload>, Fault> {
    Ok(reply::json(StatusCode::OK, &views.jobs.find(KIND, id)?.json()))
}

/// `POST /storage/cleanup/{id}/cancel`.
pub(super) fn cancel(views: &Views, id: &str) -> Result<Response<Payload>, Fault> {
    Ok(reply::json(StatusCode::ACCEPTED, &views.jobs.cancel(KIND, id)?.json()))
}

struct Cleanup {
    disk: Arc<dyn Disk>,
    home: Arc<dyn Home>,
    store: Arc<dyn Store>,
    away: bool,
    dry_run: bool,
    most: u64,
    /// Only what was last modified before this goes.
    before: Timestamp,
    bucket: Option<BucketName>,
    references: Option<(BucketName, Manifest)>,
    stage: Stage,
    found: Found,
}

/// What is being done; keys are those behind which it goes on.
#[derive(Debug, Clone)]
enum Stage {
    Files,
    Counting(Option<String>),
    Deleting(Option<String>),
}

/// What was found and done so far.
#[derive(Debug, Default)]
struct Found {
    objects: u64,
    bytes: u64,
    deleted: u64,
    deleted_bytes: u64,
    kept: u64,
    files: u64,
    file_bytes: u64,
    keys: Vec<String>,
}

/// An object of the backend.
struct Candidate {
    key: ObjectKey,
    etag: ETag,
    size: u64,
    modified: Timestamp,
}

#[async_trait]
impl Job for Cleanup {
    async fn step(&mut self) -> Result<bool, String> {
        match self.stage.clone() {
            Stage::Files => {
                let files = self.disk.set_aside(!self.dry_run).await;
                let (files, bytes) = files.map_err(|error| error.to_string())?;
                (self.found.files, self.found.file_bytes) = (files, bytes);
                self.stage = Stage::Counting(None);
                Ok(self.references.is_some())
            }
            Stage::Counting(after) => {
                let (candidates, next) = self.page(after).await?;
                for Candidate { key, size, .. } in candidates {
                    self.found.objects += 1;
                    self.found.bytes = self.found.bytes.saturating_add(size);
                    if self.dry_run && self.found.keys.len() < TOLD {
                        self.found.keys.push(key.as_str().to_owned());
                    }
                }
                if next.is_some() {
                    self.stage = Stage::Counting(next);
                    return Ok(true);
                }
                let (found, most) = (self.found.objects, self.most);
                if found > most && !self.dry_run {
                    return Err(format!(
                        "{found} objects would be deleted, max_deletes allows {most}: nothing is \
                         deleted"
                    ));
                }
                if self.dry_run || found == 0 {
                    return Ok(false);
                }
                self.found.kept = 0;
                self.stage = Stage::Deleting(None);
                Ok(true)
            }
            Stage::Deleting(after) => {
                let (candidates, next) = self.page(after).await?;
                for candidate in candidates {
                    self.delete(candidate).await?;
                }
                let more = next.is_some();
                self.stage = Stage::Deleting(next);
                Ok(more)
            }
        }
    }

    fn shown(&self) -> Value {
        json!({
            "storage_backend": backend(self.away),
            "dry_run": self.dry_run,
            "bucket": self.bucket.as_ref().map(BucketName::as_str),
            "max_deletes": self.most,
            "modified_before": self.before.iso8601(),
            "stage": match self.stage {
                Stage::Files => "files",
                Stage::Counting(_) => "counting",
                Stage::Deleting(_) => "deleting",
            },
            "found": self.found.objects,
            "found_bytes": self.found.bytes,
            "deleted": self.found.deleted,
            "deleted_bytes": self.found.deleted_bytes,
            "kept_newer": self.found.kept,
            "orphan_files": self.found.files,
            "orphan_files_bytes": self.found.file_bytes,
            "keys": self.found.keys,
        })
    }
}

impl Cleanup {
    /// The next objects that nothing refers to, and behind which key to go on.
    async fn page(
        &mut self,
        after: Option<String>,
    ) -> Result<(Vec<Candidate>, Option<String>), String> {
        let Some((bucket, manifest)) = &self.references else { return Ok((Vec::new(), None)) };
        let page = if self.away {
            recorded(&*self.home, bucket, after).await
        } else {
            at_home(&*self.home, bucket, after).await
        };
        let (mut candidates, next) = match page {
            Err(StoreError::NoSuchBucket) => return Ok((Vec::new(), None)),
            page => page.map_err(|error| error.to_string())?,
        };
        candidates.retain(|candidate| !manifest.contains(&candidate.key));
        let all = candidates.len();
        candidates.retain(|candidate| candidate.modified < self.before);
        self.found.kept += (all - candidates.len()) as u64;
        Ok((candidates, next))
    }

    async fn delete(&mut self, candidate: Candidate) -> Result<(), String> {
        let Some((bucket, _)) = &self.references else { return Ok(()) };
        let Candidate { key, etag, size, .. } = candidate;
        let at = ObjectPath { bucket: bucket.clone(), key };
        let condition = Some(WriteCondition::Matches(ETagMatch::Tags(vec![etag])));
        match self.store.delete_object(&at, &DeleteRequest { version: None, condition }).await {
            Ok(_) => {}
            // A client was there first: what it wrote stays.
            Err(
                StoreError::PreconditionFailed(_) | StoreError::NoSuchKey | StoreError::Conflict,
            ) => {
                self.found.kept += 1;
                return Ok(());
            }
            Err(error) => return Err(error.to_string()),
        }
        tracing::info!(
            target: "stowgate::cleanup",
            bucket = at.bucket.as_str(),
            key = at.key.as_str(),
            size,
            storage_backend = backend(self.away),
            "deleted an object that nothing refers to"
        );
        self.found.deleted += 1;
        self.found.deleted_bytes = self.found.deleted_bytes.saturating_add(size);
        if self.found.keys.len() < TOLD {
            self.found.keys.push(at.key.as_str().to_owned());
        }
        Ok(())
    }
}

type Page = Result<(Vec<Candidate>, Option<String>), StoreError>;

/// Objects that are here, and that no record says to be elsewhere.
async fn at_home(home: &dyn Home, bucket: &BucketName, after: Option<String>) -> Page {
    let query = ListQuery { after, limit: PAGE, ..ListQuery::default() };
    let page = home.list_objects(bucket, &query).await?;
    let mut candidates = Vec::new();
    for entry in page.entries {
        let ListEntry::Object { key, etag, size, last_modified: modified, .. } = entry else {
            continue;
        };
        let at = ObjectPath { bucket: bucket.clone(), key };
        let record = home.entry(&at).await?;
        let record = record.as_deref().map(Location::decode).transpose()?;
        if record.is_none_or(|record| record.truth == Truth::Local) {
            candidates.push(Candidate { key: at.key, etag, size, modified });
        }
    }
    Ok((candidates, page.next))
}

/// Objects that are recorded upstream.
async fn recorded(home: &dyn Home, bucket: &BucketName, after: Option<String>) -> Page {
    let after = after.map(String::into_bytes);
    let query = LedgerQuery { after, limit: PAGE, ..LedgerQuery::default() };
    let page = home.entries(bucket, &query).await?;
    let last = page.entries.last().map(|(key, _)| key.as_str().to_owned());
    let mut candidates = Vec::new();
    for (key, record) in page.entries {
        let record = Location::decode(&record)?;
        if let (Truth::Remote, Some(remote)) = (record.truth, record.remote) {
            let (etag, size, modified) = (remote.etag, remote.size, remote.last_modified);
            candidates.push(Candidate { key, etag, size, modified });
        }
    }
    Ok((candidates, last.filter(|_| page.more)))
}
