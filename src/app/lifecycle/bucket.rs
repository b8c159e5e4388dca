//! One bucket of a pass: what is due is found a page at a time, and removed one by one.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

use super::Parts;
use super::candidates::{Candidate, Cursor, What};
use crate::admin::{LifeCycleCounts, Metrics};
use crate::object::{BucketName, BucketSetting, Lifecycle, SettingDocument, WriteCondition};
use crate::s3;
use crate::store::{DeleteRequest, ObjectPath, StoreError, UploadPath};

/// For how long at most one removal after the other is begun in a step.
const STEP: Duration = Duration::from_secs(1);
/// How many removals a step has, at most.
const BATCH: u32 = 100;

/// A bucket that is gone through.
pub(super) struct BucketPass {
    bucket: BucketName,
    /// The document that the rules were read from, and they, where they could be.
    rules: Option<(SettingDocument, Lifecycle)>,
    cursor: Cursor,
    queue: VecDeque<Candidate>,
    counts: LifeCycleCounts,
}

/// What became of a step.
pub(super) enum Progress {
    /// There is more to do; so many removals were tried.
    More { removed: u32 },
    /// The bucket has been gone through.
    Over,
}

/// What became of a candidate.
enum Outcome {
    Removed,
    /// It is not what was judged, or not due by the rules as they are now.
    Kept,
    NotDue,
    /// It failed, and so will every other of its kind.
    Stuck(StoreError),
    Failed(StoreError),
}

impl BucketPass {
    pub(super) fn new(bucket: BucketName) -> Self {
        Self {
            bucket,
            rules: None,
            cursor: Cursor::default(),
            queue: VecDeque::new(),
            counts: LifeCycleCounts::default(),
        }
    }

    /// Does a step's work. An error is one after which the step is to be tried again.
    pub(super) async fn advance(&mut self, parts: &Parts) -> Result<Progress, StoreError> {
        match self.read_rules(parts).await {
            Ok(true) => {}
            Ok(false) => return Ok(Progress::Over),
            Err(error) => return self.given_up(error),
        }
        let Some((_, rules)) = &self.rules else { return Ok(Progress::Over) };
        if !self.queue.is_empty() {
            let removed = self.remove(parts).await?;
            return Ok(Progress::More { removed });
        }
        let bucket = &self.bucket;
        let page = match self.cursor.page(parts, bucket, rules).await {
            Ok(page) => page,
            Err(error) => return self.given_up(error),
        };
        let Some(page) = page else { return Ok(Progress::Over) };
        self.queue = page.into();
        Ok(Progress::More { removed: 0 })
    }

    /// A bucket that cannot be read keeps no other waiting.
    fn given_up(&self, error: StoreError) -> Result<Progress, StoreError> {
        if has_to_wait(&error) {
            return Err(error);
        }
        if !matches!(error, StoreError::NoSuchBucket) {
            let bucket = self.bucket.as_str();
            tracing::error!(bucket, %error, "life-cycle rules could not be carried out");
        }
        Ok(Progress::Over)
    }

    /// Says what became of the bucket.
    pub(super) fn report(&self, metrics: &Metrics) {
        let LifeCycleCounts { deleted, deleted_bytes, aborted, kept, failed } = self.counts;
        if self.counts == LifeCycleCounts::default() {
            return;
        }
        metrics.life_cycle(self.counts);
        tracing::info!(
            bucket = self.bucket.as_str(),
            deleted,
            deleted_bytes,
            aborted,
            kept,
            failed,
            "life-cycle rules were carried out"
        );
    }

    /// The rules as they are now. They may be changed or removed while a bucket is gone through,
    /// and nothing is removed by rules that no longer hold.
    async fn read_rules(&mut self, parts: &Parts) -> Result<bool, StoreError> {
        let document = parts.home.bucket_setting(&self.bucket, BucketSetting::Lifecycle).await?;
        let Some(document) = document else { return Ok(false) };
        if self.rules.as_ref().is_some_and(|(read, _)| read.same(&document)) {
            return Ok(true);
        }
        match s3::lifecycle_rules(document.bytes()) {
            Ok(rules) => {
                self.rules = Some((document, rules));
                Ok(true)
            }
            Err(error) => {
                let bucket = self.bucket.as_str();
                tracing::error!(bucket, error, "the life-cycle configuration cannot be read");
                Ok(false)
            }
        }
    }

    /// Removes what is in the queue, as far as the time of a step goes.
    async fn remove(&mut self, parts: &Parts) -> Result<u32, StoreError> {
        let (begun, most) = (Instant::now(), BATCH.min(parts.options.rate));
        let mut tried = 0;
        while tried < most && begun.elapsed() < STEP {
            let (Some((_, rules)), Some(candidate)) = (&self.rules, self.queue.front()) else {
                break;
            };
            let outcome = judge_and_remove(parts, &self.bucket, rules, candidate).await;
            // It stays where it is, for the next step.
            let outcome = match outcome {
                Outcome::Failed(error) if has_to_wait(&error) => return Err(error),
                outcome => outcome,
            };
            tried += u32::from(!matches!(outcome, Outcome::NotDue));
            let Some(candidate) = self.queue.pop_front() else { break };
            self.count(&candidate, outcome);
        }
        Ok(tried)
    }

    fn count(&mut self, candidate: &Candidate, outcome: Outcome) {
        let counts = &mut self.counts;
        let (bucket, key) = (self.bucket.as_str(), candidate.key.as_str());
        match (outcome, &candidate.what) {
            (Outcome::Removed, What::Object { size, .. }) => {
                counts.deleted += 1;
                counts.deleted_bytes = counts.deleted_bytes.saturating_add(*size);
            }
            (Outcome::Removed, What::Upload { .. }) => counts.aborted += 1,
            (Outcome::Kept, _) => counts.kept += 1,
            (Outcome::NotDue, _) => {}
            (Outcome::Failed(error), _) => {
                counts.failed += 1;
                tracing::debug!(bucket, key, %error, "what is due could not be removed");
            }
            (Outcome::Stuck(error), _) => {
                counts.failed += 1;
                self.queue.clear();
                self.cursor.leave();
                tracing::warn!(bucket, %error, "life-cycle rules wait for the next pass");
            }
        }
    }
}

/// What no candidate would fare better with, and what passes.
fn has_to_wait(error: &StoreError) -> bool {
    matches!(
        error,
        StoreError::Rebuilding
            | StoreError::Closing
            | StoreError::ReadOnly { .. }
            | StoreError::Busy { .. }
    )
}

async fn judge_and_remove(
    parts: &Parts,
    bucket: &BucketName,
    rules: &Lifecycle,
    candidate: &Candidate,
) -> Outcome {
    let now = parts.clock.now();
    let at = ObjectPath { bucket: bucket.clone(), key: candidate.key.clone() };
    let key = candidate.key.as_str();
    let removed = match &candidate.what {
        What::Upload { id, initiated } => {
            if rules.abortion(key, *initiated).is_none_or(|due| due.at > now) {
                return Outcome::NotDue;
            }
            parts.store.abort_upload(&UploadPath { object: at, id: id.clone() }).await
        }
        What::Object { size, etag, stored } => {
            let tags = if rules.awaits_tags(key, *size, *stored, now) {
                match parts.store.object_tags(&at, None).await {
                    Ok(tags) => Some(tags),
                    Err(error) => return Outcome::of(error),
                }
            } else {
                None
            };
            let due = rules.expiry(key, *size, *stored, tags.as_ref());
            if due.is_none_or(|due| due.at > now) {
                return Outcome::NotDue;
            }
            let condition = Some(WriteCondition::Unchanged(etag.clone(), *stored));
            let request = DeleteRequest { version: None, condition };
            parts.store.delete_object(&at, &request).await.map(|_| ())
        }
    };
    removed.map_or_else(Outcome::of, |()| Outcome::Removed)
}

impl Outcome {
    fn of(error: StoreError) -> Self {
        match error {
            StoreError::PreconditionFailed(_)
            | StoreError::Conflict
            | StoreError::NoSuchKey
            | StoreError::NoSuchUpload
            | StoreError::NoSuchBucket => Self::Kept,
            StoreError::Unavailable { .. } | StoreError::Unsupported { .. } => Self::Stuck(error),
            other => Self::Failed(other),
        }
    }
}
