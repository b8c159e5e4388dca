//! `GET /storage/info`: what the gateway is, and how everything in it does.

use http::{Response, StatusCode};
use serde_json::{Value, json};

use super::reply::{self, Fault};
use super::view::{Disk, DiskState, UpstreamView, Usage, Views};
use super::{buckets, permissions, spool};
use crate::body::Payload;
use crate::object::BucketName;
use crate::placement::breaker::State;
use crate::placement::location::Truth;
use crate::placement::{Location, Mode, Route};
use crate::store::LedgerQuery;
use crate::store::local::{Accuracy, KeysInUse};

/// How many records are counted in all before the rest is left uncounted.
const RECORDS: usize = 50_000;
const PAGE: usize = 1000;

/// What is counted of a bucket's upstream objects.
#[derive(Debug, Clone, Copy, Default)]
struct Counted {
    usage: Usage,
    /// Whether there are more.
    more: bool,
}

/// Everything that is shown.
pub(super) async fn answer(views: &Views) -> Result<Response<Payload>, Fault> {
    let now = views.clock.now();
    let (mut shown, mut local, mut remote) = (Vec::new(), Usage::default(), Counted::default());
    let mut budget = RECORDS;
    for name in buckets::names(views).await? {
        let route = views.routes.of(&name);
        let here = views.disk.usage(&name);
        let there = match route.upstream {
            Some(_) => Some(count_remote(views, &name, &mut budget).await),
            None => None,
        };
        add(&mut local, here.unwrap_or_default());
        if let Some(there) = there {
            add(&mut remote.usage, there.usage);
            remote.more |= there.more;
        }
        shown.push(bucket(views, &name, route, here, there));
    }
    let uptime = now.0.saturating_sub(views.started.0).max(0) / 1000;
    Ok(reply::json(
        StatusCode::OK,
        &json!({
            "version": env!("CARGO_PKG_VERSION"),
            "started_at": views.started.iso8601(),
            "uptime_seconds": uptime,
            "state": store_state(&views.disk.state()),
            "buckets": shown,
            "other_buckets": {
                "mode": mode(views.routes.default.mode),
                "upstream": views.routes.default.upstream.as_ref().map(|it| &*it.name),
            },
            "by_backend": { "local": usage(local), "s3": counted(remote) },
            "upstreams": views.upstreams.iter().map(upstream).collect::<Vec<_>>(),
            "spool": spool::summary(views),
            "disk": disk(&*views.disk),
            "encryption": encryption(&*views.disk),
        }),
    ))
}

/// What is recorded upstream of a bucket: by the counters, or, where they are not exact, counted
/// as far as the budget goes.
async fn count_remote(views: &Views, bucket: &BucketName, budget: &mut usize) -> Counted {
    let mut counted = Counted::default();
    if let Some(split) = views.disk.split(bucket).filter(|it| it.accuracy == Accuracy::Exact) {
        for row in split.rows.iter().filter(|row| row.away) {
            add(&mut counted.usage, Usage { objects: row.usage.objects, bytes: row.usage.bytes });
        }
        return counted;
    }
    let mut query = LedgerQuery::default();
    loop {
        query.limit = PAGE.min(*budget);
        let Ok(page) = views.home.entries(bucket, &query).await else {
            return Counted { more: true, ..counted };
        };
        *budget -= page.entries.len().min(*budget);
        for (_, record) in &page.entries {
            let Ok(record) = Location::decode(record) else { continue };
            if let (Truth::Remote, Some(remote)) = (record.truth, record.remote) {
                add(&mut counted.usage, Usage { objects: 1, bytes: remote.size });
            }
        }
        let last = page.entries.last().map(|(key, _)| key.as_str().as_bytes().to_vec());
        if !page.more && query.limit > 0 {
            return counted;
        }
        if *budget == 0 || last.is_none() {
            return Counted { more: true, ..counted };
        }
        query.after = last;
    }
}

/// The master keys: what new objects use, what is there, and what something is encrypted under.
fn encryption(disk: &dyn Disk) -> Value {
    let KeysInUse { active, known, in_use } = disk.master_keys();
    json!({ "active": active, "known": known, "in_use": in_use })
}

fn add(sum: &mut Usage, more: Usage) {
    sum.objects = sum.objects.saturating_add(more.objects);
    sum.bytes = sum.bytes.saturating_add(more.bytes);
}

fn bucket(
    views: &Views,
    name: &BucketName,
    route: &Route,
    here: Option<Usage>,
    there: Option<Counted>,
) -> Value {
    let target = route.upstream.as_ref().map(|upstream| (upstream.target)(name));
    let (s3_bucket, s3_prefix) = target.unzip();
    json!({
        "name": name.as_str(),
        "mode": mode(route.mode),
        "state": sentence(views, name, route, s3_bucket.as_deref()),
        "upstream": route.upstream.as_ref().map(|upstream| &*upstream.name),
        "s3_bucket": s3_bucket,
        "s3_prefix": s3_prefix,
        "by_backend": { "local": here.map(usage), "s3": there.map(counted) },
    })
}

fn usage(usage: Usage) -> Value {
    json!({ "objects": usage.objects, "bytes": usage.bytes })
}

/// What the records say; `at_least` where not all of them were counted.
fn counted(Counted { usage: Usage { objects, bytes }, more }: Counted) -> Value {
    json!({ "objects": objects, "bytes": bytes, "at_least": more })
}

fn mode(mode: Mode) -> &'static str {
    match mode {
        Mode::Local => "local",
        Mode::Upstream => "upstream",
        Mode::Fallback => "fallback",
    }
}

/// A bucket's state in words: what its mode means, and what is not as it should be.
fn sentence(views: &Views, name: &BucketName, route: &Route, s3_bucket: Option<&str>) -> String {
    let Some(upstream) = &route.upstream else {
        return "Its objects are on this disk.".to_owned();
    };
    if !views.upstreams.iter().any(|view| view.name == upstream.name) {
        return "Its objects are on this disk, but for those that are recorded at an upstream that \
                is configured no more: they cannot be read."
            .to_owned();
    }
    let place = format!("bucket {} of upstream {}", s3_bucket.unwrap_or_default(), upstream.name);
    let text = match route.mode {
        Mode::Local => format!(
            "Its objects are on this disk, but for those that are recorded in {place}, which are \
             read there."
        ),
        Mode::Upstream => format!("Its objects are in {place}."),
        Mode::Fallback => format!(
            "Its objects are in {place}; while that is away, on this disk until they are forwarded."
        ),
    };
    let failing = failing(views, &upstream.name, &(upstream.target)(name));
    text + &waiting(views, name, route.mode) + &failing
}

/// What waits to be forwarded, as the end of a sentence about a bucket.
fn waiting(views: &Views, name: &BucketName, mode: Mode) -> String {
    let snapshot = views.spool.as_ref().map(|spool| spool.snapshot()).unwrap_or_default();
    let Some((_, depth)) = snapshot.buckets.iter().find(|(bucket, _)| bucket == name) else {
        return String::new();
    };
    let waiting = match depth.waiting {
        0 => String::new(),
        1 => " 1 key waits to be forwarded.".to_owned(),
        several => format!(" {several} keys wait to be forwarded."),
    };
    let dead = match depth.dead {
        0 => String::new(),
        dead => format!(" {dead} given up: see /storage/spool."),
    };
    let alone = match mode {
        Mode::Upstream => " Until then the bucket is not fit for several gateways.",
        Mode::Local | Mode::Fallback => "",
    };
    waiting + &dead + alone
}

/// What fails now; else what failed when the bucket there was last tried.
fn failing(views: &Views, upstream: &str, target: &(String, String)) -> String {
    let Some(view) = views.upstreams.iter().find(|view| *view.name == *upstream) else {
        return String::new();
    };
    if view.guard.is_open() {
        let cause = view.guard.snapshot().last_error.map(|(cause, _)| cause);
        let cause = cause.as_deref().unwrap_or("it is not known why");
        return format!(" The upstream fails now: {cause}.");
    }
    let Some((at, mut trials)) = view.trials.last() else { return String::new() };
    trials.retain(|trial| (&trial.bucket, &trial.prefix) == (&target.0, &target.1));
    match permissions::faults(&trials).as_slice() {
        [] => String::new(),
        faults => format!(" When it was tried at {}: {}.", at.iso8601(), faults.join("; ")),
    }
}

fn upstream(view: &UpstreamView) -> Value {
    let health = view.guard.snapshot();
    let last_error = health
        .last_error
        .map(|(message, ago)| json!({ "message": message, "seconds_ago": ago.as_secs() }));
    json!({
        "name": &*view.name,
        "endpoint": view.endpoint.as_deref().unwrap_or("AWS"),
        "region": view.region,
        "access_key": view.access_key,
        "breaker": match health.state {
            State::Closed => "closed",
            State::Open => "open",
            State::HalfOpen => "half-open",
        },
        "breaker_seconds": health.since.as_secs(),
        "last_error": last_error,
        "last_trial": view.trials.last().map(|(at, trials)| json!({
            "at": at.iso8601(),
            "ok": permissions::is_good(&trials),
            "faults": permissions::faults(&trials),
            "buckets": trials.iter().map(permissions::bucket).collect::<Vec<_>>(),
        })),
    })
}

fn store_state(state: &DiskState) -> &'static str {
    match state {
        DiskState::Ready => "ready",
        DiskState::Rebuilding => "rebuilding",
        DiskState::ReadOnly(_) => "read-only",
    }
}

fn disk(disk: &dyn Disk) -> Value {
    let fault = match disk.state() {
        DiskState::ReadOnly(reason) => Some(reason),
        DiskState::Ready | DiskState::Rebuilding => None,
    };
    let (free, total) = disk.space().map(|space| (space.free, space.total)).unzip();
    json!({ "free_bytes": free, "total_bytes": total, "error": fault })
}
