//! `/storage/compact`: gives back the room that deleted and replaced objects still take in the log
//! of the local store, now.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use http::{Response, StatusCode};
use serde_json::{Value, json};

use super::job::{self, Job, JobState};
use super::query::Parameters;
use super::reply::Fault;
use super::view::{Disk, DiskState, Views};
use crate::body::Payload;
use crate::object::Timestamp;
use crate::store::StoreError;
use crate::store::local::{Compacted, Compaction};

/// The parameters of the call.
pub(super) const PARAMETERS: &[&str] = &["dead"];

/// The kind of the jobs.
pub(super) const KIND: &str = "compact";
/// Which share of what is read has to be dead, where nothing is said, in percent.
const DEAD: u8 = 10;
/// How soon it is gone on where something else has to end first.
const PATIENCE: Duration = Duration::from_millis(50);

/// `POST /storage/compact`.
pub(super) fn begin(views: &Views, parameters: &Parameters) -> Result<Response<Payload>, Fault> {
    let dead = parameters.number("dead", 1..=100)?;
    let percent = dead.and_then(|dead| u8::try_from(dead).ok()).unwrap_or(DEAD);
    if let DiskState::ReadOnly(reason) = views.disk.state() {
        let message = format!("the store takes no writes: {reason}");
        return Err(Fault::new(StatusCode::SERVICE_UNAVAILABLE, "ReadOnly", message));
    }
    let disk = Arc::clone(&views.disk);
    let job = CompactJob { disk, percent, work: Compaction::asked(percent) };
    Ok(job::begun(&views.jobs.begin(KIND, Box::new(job))?))
}

struct CompactJob {
    disk: Arc<dyn Disk>,
    percent: u8,
    work: Compaction,
}

#[async_trait]
impl Job for CompactJob {
    async fn step(&mut self) -> Result<bool, String> {
        match self.disk.compact(&mut self.work).await {
            Ok(Compacted::More) => Ok(true),
            Ok(Compacted::Wait) | Err(StoreError::Rebuilding) => {
                tokio::time::sleep(PATIENCE).await;
                Ok(true)
            }
            Ok(Compacted::Done) => Ok(false),
            Err(error @ StoreError::StorageFull) => Err(format!(
                "{error}: what lives in the oldest segment of the log does not fit on the disk \
                 again; free some room first"
            )),
            Err(error) => Err(error.to_string()),
        }
    }

    fn shown(&self) -> Value {
        let figures = &self.work.figures;
        let (before, now) = (figures.before, figures.now);
        json!({
            "dead_percent": self.percent,
            "bytes_before": before.map(|log| log.bytes),
            "living_bytes_before": before.map(|log| log.living),
            "bytes": now.map(|log| log.bytes),
            "living_bytes": now.map(|log| log.living),
            "segments": figures.segments,
            "segments_cleaned": figures.cleaned,
            "segments_removed": figures.removed,
            "records_checked": figures.records,
            "records_moved": figures.moved,
            "bytes_moved": figures.moved_bytes,
            "bytes_freed": figures.freed,
        })
    }

    async fn ended(&mut self, _: JobState, _: Option<&str>, _: Timestamp) {}
}
