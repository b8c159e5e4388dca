//! `/storage/spool`: what waits to be forwarded, dead letters, and what an operator does about
//! them.

use std::sync::Arc;
use std::time::Duration;

use http::{Response, StatusCode};
use serde_json::{Value, json};

use super::buckets;
use super::query::Parameters;
use super::reply::{self, Fault};
use super::view::Views;
use crate::body::Payload;
use crate::object::{BucketName, ObjectKey};
use crate::placement::spool::{DeadLetter, Spool};
use crate::store::{ObjectPath, StoreError};

/// The most dead letters in one answer.
const LETTERS: usize = 1000;
/// The longest wait of a flush, and what it is where nothing else is said.
const LONGEST_WAIT: Duration = Duration::from_mins(10);
const DEFAULT_WAIT: Duration = Duration::from_mins(1);

/// How much waits, in words that `/storage/info` uses too.
pub(super) fn summary(views: &Views) -> Value {
    let snapshot = views.spool.as_ref().map(|spool| spool.snapshot()).unwrap_or_default();
    let now = views.clock.now();
    let age = snapshot.oldest.map(|since| now.0.saturating_sub(since.0).max(0) / 1000);
    json!({
        "waiting": snapshot.total.waiting,
        "bytes": snapshot.total.bytes,
        "oldest_age_seconds": age,
        "oldest_since": snapshot.oldest.map(crate::object::Timestamp::iso8601),
        "dead_letters": snapshot.total.dead,
        "complete": views.spool.is_none() || snapshot.complete,
    })
}

/// `GET /storage/spool`.
pub(super) fn answer(views: &Views) -> Response<Payload> {
    let snapshot = views.spool.as_ref().map(|spool| spool.snapshot()).unwrap_or_default();
    let buckets = snapshot.buckets.iter().map(|(name, depth)| {
        json!({
            "name": name.as_str(),
            "waiting": depth.waiting,
            "bytes": depth.bytes,
            "dead_letters": depth.dead,
        })
    });
    let letters = views.spool.as_ref().map(|spool| spool.dead_letters(LETTERS));
    let letters = letters.unwrap_or_default();
    let value = json!({
        "summary": summary(views),
        "buckets": buckets.collect::<Vec<_>>(),
        "dead_letters": letters.iter().map(letter).collect::<Vec<_>>(),
    });
    reply::json(StatusCode::OK, &value)
}

fn letter(letter: &DeadLetter) -> Value {
    json!({
        "bucket": letter.at.bucket.as_str(),
        "key": letter.at.key.as_str(),
        "since": letter.since.iso8601(),
        "reason": letter.reason,
    })
}

/// `POST /storage/spool/flush`: 200 once what waited when it was called is upstream, 503 where it
/// is not after `wait`.
pub(super) async fn flush(
    views: &Views,
    parameters: &Parameters,
) -> Result<Response<Payload>, Fault> {
    let wait = parameters.period("wait", LONGEST_WAIT)?.unwrap_or(DEFAULT_WAIT);
    let Some(spool) = &views.spool else {
        let nothing = json!({ "flushed": true, "left": 0, "dead_letters": 0 });
        return Ok(reply::json(StatusCode::OK, &nothing));
    };
    let flushed = spool.flush(wait).await;
    let done = flushed.left == 0 && flushed.complete;
    let status = if done { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let value = json!({ "flushed": done, "left": flushed.left, "dead_letters": flushed.dead });
    Ok(reply::json(status, &value))
}

/// `POST /storage/spool/retry`: lets dead letters be tried again: all of them, those of `bucket`,
/// those of `key`, or the one of both.
pub(super) async fn retry(
    views: &Views,
    parameters: &Parameters,
) -> Result<Response<Payload>, Fault> {
    let bucket = match parameters.bucket("bucket")? {
        Some(bucket) => Some(buckets::known(views, &bucket).await?),
        None => None,
    };
    let key = parameters
        .get("key")
        .map(|text| ObjectKey::parse(text).map_err(|why| Fault::parameter(format!("key: {why}"))));
    let key = key.transpose()?;
    match (&views.spool, bucket, key) {
        (None, Some(_), Some(_)) => Err(no_letter()),
        (None, ..) => Ok(retried(0)),
        (Some(spool), None, None) => {
            spool.retry_dead().await.map(retried).map_err(|error| failed(&error))
        }
        (Some(spool), Some(bucket), Some(key)) => {
            let at = ObjectPath { bucket, key };
            if spool.retry(&at).await.map_err(|error| failed(&error))? {
                return Ok(retried(1));
            }
            Err(no_letter())
        }
        (Some(spool), bucket, key) => retry_some(spool, bucket.as_ref(), key.as_ref()).await,
    }
}

async fn retry_some(
    spool: &Arc<Spool>,
    bucket: Option<&BucketName>,
    key: Option<&ObjectKey>,
) -> Result<Response<Payload>, Fault> {
    let mut count = 0;
    for DeadLetter { at, .. } in spool.dead_letters(usize::MAX) {
        let wanted = bucket.is_none_or(|bucket| *bucket == at.bucket)
            && key.is_none_or(|key| *key == at.key);
        if wanted && spool.retry(&at).await.map_err(|error| failed(&error))? {
            count += 1;
        }
    }
    Ok(retried(count))
}

fn no_letter() -> Fault {
    Fault::new(StatusCode::NOT_FOUND, "NoSuchDeadLetter", "the key is no dead letter")
}

fn retried(count: usize) -> Response<Payload> {
    reply::json(StatusCode::OK, &json!({ "retried": count }))
}

fn failed(error: &StoreError) -> Fault {
    tracing::warn!(%error, "dead letters could not be tried again");
    let message = "the local store could not do it; the log says why";
    Fault::new(StatusCode::SERVICE_UNAVAILABLE, "ServiceUnavailable", message)
}
