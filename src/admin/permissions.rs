//! `GET /storage/test-s3`: each permission at each upstream, tried now.

use futures_util::future::join_all;
use http::{Response, StatusCode};
use serde_json::{Value, json};

use super::reply;
use super::view::{UpstreamView, Views};
use crate::body::Payload;
use crate::store::upstream::{Check, Trial};

/// Tries everything; 200 only where every upstream does all that it should.
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
pub(super) fn is_good(trials: &[Trial]) -> bool {
    !trials.is_empty() && trials.iter().all(Trial::ok)
}

fn shown(upstream: &UpstreamView, trials: &[Trial]) -> Value {
    json!({
        "name": &*upstream.name,
        "ok": is_good(trials),
        "endpoint": upstream.endpoint.as_deref().unwrap_or("AWS"),
        "region": upstream.region,
        "faults": faults(trials),
        "buckets": trials.iter().map(bucket).collect::<Vec<_>>(),
    })
}

/// Each thing that is wrong once, with what cannot be done because of it.
pub(super) fn faults(trials: &[Trial]) -> Vec<String> {
    let faults = trials.iter().flat_map(|trial| &trial.faults);
    faults.map(|fault| format!("{} [{}]", fault.what, fault.names())).collect()
}

/// A trial as JSON.
pub(super) fn bucket(trial: &Trial) -> Value {
    let (permissions, features): (Vec<&Check>, Vec<&Check>) =
        trial.checks.iter().partition(|check| check.ability.is_permission());
    let shown = |name: &str, checks: &[&Check]| {
        checks.iter().map(|tried| check(name, tried)).collect::<Vec<_>>()
    };
    json!({
        "s3_bucket": trial.bucket,
        "s3_prefix": trial.prefix,
        "ok": trial.ok(),
        "permissions": shown("permission", &permissions),
        "features": shown("feature", &features),
    })
}

fn check(kind: &str, check: &Check) -> Value {
    let micros = u64::try_from(check.latency.as_micros()).unwrap_or(u64::MAX);
    json!({
        kind: check.ability.name(),
        "ok": check.ok,
        "latency_ms": millis(micros),
        "verdict": check.verdict,
        "error": (!check.ok).then_some(&check.verdict),
        "left_behind": check.left_behind,
    })
}

/// Milliseconds with a fraction; exact far beyond any latency.
#[allow(clippy::cast_precision_loss, reason = "a latency has few digits")]
fn millis(micros: u64) -> f64 {
    micros as f64 / 1000.0
}
