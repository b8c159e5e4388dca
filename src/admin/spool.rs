//! `/storage/spool`: what waits to be forwarded, dead letters, and what an operator does about
//! them.

use std::sync::Arc;
use std::time::Duration;

use http::{Response, StatusCode};
use serde_json::{Value, json};

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

/// `POST /storage/spool/retry`: lets dead letters be tried again, all of them or the one of
/// `bucket` and `key`.
pub(super) async fn retry(
    views: &Views,
    parameters: &Parameters,
) -> Result<Response<Payload>, Fault> {
    let one = letter_named(parameters)?;
    let Some(spool) = &views.spool else { return Ok(retried(0)) };
    match one {
        None => spool.retry_dead().await.map(retried).map_err(|error| failed(&error)),
        Some(at) => retry_one(spool, &at).await,
    }
}

async fn retry_one(spool: &Arc<Spool>, at: &ObjectPath) -> Result<Response<Payload>, Fault> {
    if spool.retry(at).await.map_err(|error| failed(&error))? {
        return Ok(retried(1));
    }
    let message = "the key is no dead letter";
    Err(Fault::new(StatusCode::NOT_FOUND, "NoSuchDeadLetter", message))
}

fn letter_named(parameters: &Parameters) -> Result<Option<ObjectPath>, Fault> {
    let fault =
        |name: &str, why: &dyn std::fmt::Display| Fault::parameter(format!("{name}: {why}"));
    match (parameters.get("bucket"), parameters.get("key")) {
        (None, None) => Ok(None),
        (Some(bucket), Some(key)) => Ok(Some(ObjectPath {
            bucket: BucketName::parse(bucket).map_err(|why| fault("bucket", &why))?,
            key: ObjectKey::parse(key).map_err(|why| fault("key", &why))?,
        })),
        _ => Err(Fault::parameter("bucket and key come together, or neither of them")),
    }
}

fn retried(count: usize) -> Response<Payload> {
    reply::json(StatusCode::OK, &json!({ "retried": count }))
}

fn failed(error: &StoreError) -> Fault {
    tracing::warn!(%error, "dead letters could not be tried again");
    let message = "the local store could not do it; the log says why";
    Fault::new(StatusCode::SERVICE_UNAVAILABLE, "ServiceUnavailable", message)
}
