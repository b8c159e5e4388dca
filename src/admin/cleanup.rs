//! `/storage/cleanup`: removes what nothing refers to.
//!
//! On the disk: files that no record names, which the store set aside when it was opened after a
//! crash; uploads that nobody finished; copies whose objects are upstream. In both layers: uploads
//! that a migration left. With a manifest of the keys that an application still refers to: its
//! bucket's objects that are not in it, here or upstream. Upstream only what our own records and
//! journals say counts, never what others put there.
//!
//! Objects are all looked through before the first one is deleted; what is written meanwhile stays.
//! Whatever goes is noted durably before it does, and what came of it afterwards: see
//! [`Cleanups`]. Keeps off the objects of migrations, and them off its own.

mod history;
mod journal;
mod journals;
mod removal;
mod report;
mod sources;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use http::{Response, StatusCode};
use serde_json::{Value, json};

pub(super) use history::history;
pub use journals::{CleanupKeeper, Cleanups};

use self::journal::{Found, Order};
use self::removal::Cleanup;
use self::report::Report;
use self::sources::{Copies, Files, Here, Objects, Position, Source, There, Uploads};
use super::job::Told;
use super::manifest::Manifest;
use super::query::Parameters;
use super::reply::{self, Fault};
use super::usage::backend;
use super::view::Views;
use super::{buckets, job, migrations, stream};
use crate::body::Payload;
use crate::migrate::{Claim, Filter};
use crate::object::{BucketName, Timestamp};

/// The parameters of the call.
pub(super) const PARAMETERS: &[&str] =
    &["storage_backend", "bucket", "dry_run", "max_deletes", "min_age", "upload_min_age"];
/// The parameters of a report.
pub(super) const REPORT: &[&str] = &["format"];

/// The kind of the jobs.
pub(super) const KIND: &str = "cleanup";
/// How many keys are told with a job; its report has all of them.
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
    let bucket = match parameters.bucket("bucket")? {
        Some(bucket) => Some(buckets::known(views, &bucket).await?),
        None => None,
    };
    let order = order(views, parameters, bucket.as_ref(), manifest.is_some())?;
    let manifest = match manifest {
        Some(body) => Manifest::read(body).await?,
        None => None,
    };
    let order = Order { manifest: manifest.is_some(), ..order };
    let objects = bucket.clone().zip(manifest).map(|(bucket, manifest)| Objects {
        home: Arc::clone(&views.home),
        store: Arc::clone(&views.store),
        bucket,
        manifest: Arc::new(manifest),
        away: order.away,
        before: order.before,
        position: Position::default(),
    });
    views.jobs.check_none(KIND)?;
    let id = job::new_id();
    let claim = claim(views, &id, &order).await?;
    let orphans = orphans(views, &order, bucket).await?;
    let noted = views.cleanups.begin(&id, &order, views.clock.now()).await;
    let (journal, since) = noted.map_err(|error| unwritten(&error))?;
    let cleanup = Cleanup::new(order, journal, Arc::clone(&views.clock), orphans, objects, claim);
    match views.jobs.begin_noted(KIND, id.clone(), since, Box::new(cleanup)) {
        Ok(told) => {
            views.cleanups.prune(&views.jobs).await;
            Ok(job::begun(&told))
        }
        Err(fault) => {
            views.cleanups.forget(&id).await;
            Err(fault)
        }
    }
}

/// `GET /storage/cleanup/{id}`: with the first keys that go, or went.
pub(super) async fn one(views: &Views, id: &str) -> Result<Response<Payload>, Fault> {
    let told = views.jobs.find(KIND, id)?;
    let mut report = Report::of(views.cleanups.entries(id), told.is_over());
    let keys = report.keys(TOLD).await.map_err(|error| unread(&error))?;
    let mut value = told.json();
    if let Some(fields) = value.as_object_mut() {
        fields.insert("keys".to_owned(), json!(keys));
    }
    Ok(reply::json(StatusCode::OK, &value))
}

/// `GET /storage/cleanup/{id}/report`.
pub(super) fn report(
    views: &Views,
    id: &str,
    given: &Parameters,
) -> Result<Response<Payload>, Fault> {
    let format = stream::format(given)?;
    let told = views.jobs.find(KIND, id)?;
    let report = Report::of(views.cleanups.entries(id), told.is_over()).in_format(format);
    Ok(stream::report(report, format))
}

/// What is asked for.
fn order(
    views: &Views,
    parameters: &Parameters,
    bucket: Option<&BucketName>,
    manifest: bool,
) -> Result<Order, Fault> {
    let away = parameters.away()?;
    let away = away.ok_or_else(|| Fault::parameter("storage_backend is missing: local or s3"))?;
    if manifest && bucket.is_none() {
        return Err(Fault::parameter("a manifest is of one bucket: bucket is missing"));
    }
    let age = parameters.number("min_age", 0..=MOST_AGE)?.unwrap_or(DEFAULT_AGE);
    let upload_age = parameters.number("upload_min_age", 0..=MOST_AGE)?;
    let upload_age = upload_age.unwrap_or(views.upload_expiry.as_secs());
    let now = views.clock.now().0;
    let before = |seconds: u64| {
        let age = i64::try_from(seconds).unwrap_or(i64::MAX).saturating_mul(1000);
        Timestamp(now.saturating_sub(age))
    };
    Ok(Order {
        away,
        dry_run: parameters.flag("dry_run")?.unwrap_or(false),
        bucket: bucket.map(|bucket| bucket.as_str().to_owned()),
        manifest,
        most: parameters.number("max_deletes", 0..=MOST_DELETES)?.unwrap_or(DEFAULT_DELETES),
        before: before(age),
        uploads_before: before(upload_age),
    })
}

/// Keeps migrations off what may go, for as long as the claim is kept.
async fn claim(views: &Views, id: &str, order: &Order) -> Result<Option<Claim>, Fault> {
    let Some(migrations) = views.migrations.as_ref().filter(|_| !order.dry_run) else {
        return Ok(None);
    };
    let filter = Filter { bucket: order.bucket.clone(), ..Filter::default() };
    let claim = migrations.claim(format!("the clean-up {id}"), filter).await;
    claim.map(Some).map_err(migrations::refused)
}

/// Where orphans are looked for, whatever the manifest says.
async fn orphans(
    views: &Views,
    order: &Order,
    bucket: Option<BucketName>,
) -> Result<Vec<Box<dyn Source>>, Fault> {
    let names = match bucket {
        Some(bucket) => vec![bucket],
        None => buckets::names(views).await?,
    };
    let migrations = views.migrations.as_ref();
    if order.away {
        let layer = There(Arc::clone(&views.routes));
        return Ok(vec![Box::new(Uploads::of(layer, migrations, names))]);
    }
    let layer = Here { home: Arc::clone(&views.home), before: order.uploads_before };
    let mut all: Vec<Box<dyn Source>> = vec![
        Box::new(Files::on(&views.disk)),
        Box::new(Uploads::of(layer, migrations, names.clone())),
    ];
    if let Some(spool) = &views.spool {
        all.push(Box::new(Copies::of(&views.home, spool, names)));
    }
    Ok(all)
}

/// What a clean-up tells of itself.
fn shown(order: &Order, found: &Found, stage: &str) -> Value {
    json!({
        "storage_backend": backend(order.away),
        "dry_run": order.dry_run,
        "bucket": order.bucket,
        "max_deletes": order.most,
        "modified_before": order.before.iso8601(),
        "uploads_begun_before": order.uploads_before.iso8601(),
        "stage": stage,
        "found": found.objects,
        "found_bytes": found.bytes,
        "deleted": found.deleted,
        "deleted_bytes": found.deleted_bytes,
        "kept_newer": found.kept + found.young,
        "failed": found.failed,
        "orphan_files": found.files,
        "orphan_files_bytes": found.file_bytes,
        "orphan_uploads": found.uploads,
        "orphan_copies": found.copies,
        "orphan_copies_bytes": found.copy_bytes,
        "orphans_removed": found.orphans_removed,
    })
}

fn is_dry_run(told: &Told) -> bool {
    told.shown.get("dry_run").and_then(Value::as_bool).unwrap_or_default()
}

fn unwritten(error: &std::io::Error) -> Fault {
    tracing::error!(%error, "the journal of a clean-up cannot be written");
    let message = "the journal of the clean-up cannot be written, so nothing is removed; the log \
                   says why";
    Fault::new(StatusCode::INTERNAL_SERVER_ERROR, "InternalError", message)
}

fn unread(error: &std::io::Error) -> Fault {
    tracing::error!(%error, "the journal of a clean-up cannot be read");
    let message = "the journal of the clean-up cannot be read; the log says why";
    Fault::new(StatusCode::INTERNAL_SERVER_ERROR, "InternalError", message)
}
