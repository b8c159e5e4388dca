//! `GET /storage/test-s3`: each permission at each upstream, tried now.

use futures_util::future::join_all;
use http::{Response, StatusCode};
use serde_json::{Value, json};

use super::reply;
use super::view::{Permission, Trial, UpstreamView, Views};
use crate::body::Payload;

/// Tries everything; 200 only where every permission of every upstream is there.
pub(super) async fn answer(views: &Views) -> Response<Payload> {
    if views.upstreams.is_empty() {
        let message = "no bucket has an upstream, so nothing was tried";
        let nothing = json!({ "ok": false, "message": message, "upstreams": [] });
        return reply::json(StatusCode::SERVICE_UNAVAILABLE, &nothing);
    }
    let tried = join_all(views.upstreams.iter().map(async |upstream| {
        let trials = upstream.trials.run().await;
        (is_good(&trials), shown(upstream, &trials))
    }));
    let (good, upstreams): (Vec<bool>, Vec<Value>) = tried.await.into_iter().unzip();
    let good = good.into_iter().all(|good| good);
    let status = if good { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    reply::json(status, &json!({ "ok": good, "upstreams": upstreams }))
}

/// Nothing tried is nothing shown to work.
fn is_good(trials: &[Trial]) -> bool {
    !trials.is_empty() && trials.iter().all(Trial::is_good)
}

fn shown(upstream: &UpstreamView, trials: &[Trial]) -> Value {
    json!({
        "name": &*upstream.name,
        "ok": is_good(trials),
        "endpoint": upstream.endpoint.as_deref().unwrap_or("AWS"),
        "region": upstream.region,
        "buckets": trials.iter().map(bucket).collect::<Vec<_>>(),
    })
}

/// A trial as JSON.
pub(super) fn bucket(trial: &Trial) -> Value {
    json!({
        "s3_bucket": trial.bucket,
        "s3_prefix": trial.prefix,
        "ok": trial.is_good(),
        "permissions": trial.permissions.iter().map(permission).collect::<Vec<_>>(),
    })
}

fn permission(permission: &Permission) -> Value {
    let micros = u64::try_from(permission.latency.as_micros()).unwrap_or(u64::MAX);
    json!({
        "permission": permission.name,
        "ok": permission.fault.is_none(),
        "latency_ms": millis(micros),
        "error": permission.fault,
    })
}

/// Milliseconds with a fraction; exact far beyond any latency.
#[allow(clippy::cast_precision_loss, reason = "a latency has few digits")]
fn millis(micros: u64) -> f64 {
    micros as f64 / 1000.0
}
