//! `GET /storage/metrics`: how the gateway does, for Prometheus.

mod requests;
mod text;

use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderValue, Response};

pub use requests::{EndedRequest, LifeCycleCounts, Metrics};

use self::text::Text;
use super::buckets;
use super::reply::Fault;
use super::usage::backend;
use super::view::{DiskState, UpstreamView, Views};
use crate::body::Payload;
use crate::migrate::Total;
use crate::placement::breaker::State;
use crate::placement::transfer::Direction;

/// The type of the answer.
pub(super) const TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Everything that is measured.
pub(super) async fn answer(views: &Views) -> Result<Response<Payload>, Fault> {
    let mut text = Text::default();
    process(&mut text, views);
    requests(&mut text, &views.metrics);
    upstreams(&mut text, &views.upstreams);
    spool(&mut text, views);
    migrations(&mut text, views);
    life_cycles(&mut text, &views.metrics);
    usage(&mut text, views).await?;
    disk(&mut text, views);
    log(&mut text, views).await;
    let mut response = Response::new(Payload::from_bytes(text.finish()));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(TYPE));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

fn process(text: &mut Text, views: &Views) {
    text.gauge("stowgate_build_info", "The version that runs; always 1.")
        .sample(&[("version", env!("CARGO_PKG_VERSION"))], 1);
    text.gauge("stowgate_start_time_seconds", "When it started, since the epoch.")
        .sample(&[], views.started.seconds());
    let reloads = views.metrics.reloads();
    let mut family = text.counter(
        "stowgate_config_reloads_total",
        "Times that the configuration was read again, by what came of it.",
    );
    family.sample(&[("result", "taken_over")], reloads.good);
    family.sample(&[("result", "refused")], reloads.refused);
    text.gauge(
        "stowgate_config_last_reload_successful",
        "Whether the last configuration that was read was taken over.",
    )
    .sample(&[], u8::from(!reloads.last_failed));
    text.gauge(
        "stowgate_config_last_reload_success_timestamp_seconds",
        "When a configuration was last taken over, since the epoch.",
    )
    .sample(&[], reloads.last_good.unwrap_or(views.started).seconds());
}

fn requests(text: &mut Text, metrics: &Metrics) {
    let operations = metrics.operations();
    let mut family =
        text.counter("stowgate_requests_total", "Requests, by operation and status of the answer.");
    for (operation, figures) in &operations {
        for (status, count) in &figures.by_status {
            let status = status.to_string();
            family.sample(&[("operation", operation), ("status", &status)], count);
        }
    }
    let mut family = text.histogram(
        "stowgate_request_duration_seconds",
        "How long requests took from their head to the last byte of the answer.",
    );
    for (operation, figures) in &operations {
        family.latency(&[("operation", operation)], &figures.latency);
    }
    let mut family =
        text.counter("stowgate_request_body_bytes_total", "Bytes of bodies of requests.");
    for (operation, figures) in &operations {
        family.sample(&[("operation", operation)], figures.received);
    }
    let mut family =
        text.counter("stowgate_response_body_bytes_total", "Bytes of bodies of answers.");
    for (operation, figures) in &operations {
        family.sample(&[("operation", operation)], figures.sent);
    }
}

fn upstreams(text: &mut Text, upstreams: &[UpstreamView]) {
    let mut family = text.counter(
        "stowgate_upstream_requests_total",
        "Calls of upstreams, by operation and outcome: answered, failed, or not made because the \
         upstream is left alone.",
    );
    let figures: Vec<_> =
        upstreams.iter().map(|upstream| (&*upstream.name, upstream.guard.calls())).collect();
    let each = || {
        figures.iter().flat_map(|(name, calls)| {
            calls.iter().map(move |(operation, figures)| (*name, *operation, figures))
        })
    };
    for (upstream, operation, figures) in each() {
        for (outcome, count) in [
            ("answered", figures.answered),
            ("failed", figures.failed),
            ("refused", figures.refused),
        ] {
            let labels = [("upstream", upstream), ("operation", operation), ("outcome", outcome)];
            family.sample(&labels, count);
        }
    }
    let mut family = text.histogram(
        "stowgate_upstream_request_duration_seconds",
        "How long calls of upstreams took, bodies that clients send included.",
    );
    for (upstream, operation, figures) in each() {
        let labels = [("upstream", upstream), ("operation", operation)];
        family.latency(&labels, &figures.latency);
    }
    let mut family = text.gauge(
        "stowgate_upstream_breaker_state",
        "Whether an upstream is called (closed), left alone (open) or tried (half-open).",
    );
    for upstream in upstreams {
        let now = upstream.guard.snapshot().state;
        for (state, name) in
            [(State::Closed, "closed"), (State::Open, "open"), (State::HalfOpen, "half-open")]
        {
            let labels = [("upstream", &*upstream.name), ("state", name)];
            family.sample(&labels, u8::from(now == state));
        }
    }
}

fn spool(text: &mut Text, views: &Views) {
    let snapshot = views.spool.as_ref().map(|spool| spool.snapshot()).unwrap_or_default();
    let now = views.clock.now();
    let age = snapshot.oldest.map_or(0, |since| now.0.saturating_sub(since.0).max(0) / 1000);
    for (name, help, value) in [
        (
            "stowgate_spool_objects",
            "Keys that wait to be forwarded.",
            snapshot.total.waiting as u64,
        ),
        ("stowgate_spool_bytes", "Their bytes.", snapshot.total.bytes),
        ("stowgate_spool_dead_letters", "Keys that were given up.", snapshot.total.dead as u64),
        (
            "stowgate_spool_oldest_age_seconds",
            "How long the oldest key has been waiting; 0 where none waits.",
            u64::try_from(age).unwrap_or_default(),
        ),
    ] {
        text.gauge(name, help).sample(&[], value);
    }
}

fn migrations(text: &mut Text, views: &Views) {
    let Some(migrations) = &views.migrations else { return };
    let mut family =
        text.gauge("stowgate_migrations", "Migrations and plans that are kept, by state.");
    for (state, count) in migrations.states() {
        family.sample(&[("state", &state.to_string())], count);
    }
    text.gauge("stowgate_migration_objects_in_flight", "Objects that migrations are moving.")
        .sample(&[], migrations.in_flight());
    let totals = migrations.totals();
    let labels = |total: &Total| {
        let direction = match total.direction {
            Direction::ToS3 => "to-s3",
            Direction::ToLocal => "to-local",
        };
        [("direction", direction), ("phase", if total.back { "rollback" } else { "migrate" })]
    };
    let mut family = text.counter(
        "stowgate_migration_objects_total",
        "Objects that migrations have seen to since the start, by what came of them.",
    );
    for total in &totals {
        let (counts, [direction, phase]) = (total.counts, labels(total));
        for (outcome, count) in [
            ("moved", counts.moved),
            ("skipped", counts.skipped),
            ("conflict", counts.conflicts),
            ("failed", counts.failed),
        ] {
            family.sample(&[direction, phase, ("outcome", outcome)], count);
        }
    }
    let mut family = text.counter(
        "stowgate_migration_bytes_total",
        "Bytes of the objects that migrations have moved since the start.",
    );
    for total in &totals {
        family.sample(&labels(total), total.counts.moved_bytes);
    }
}

fn life_cycles(text: &mut Text, metrics: &Metrics) {
    let (counts, done) = metrics.life_cycles();
    let mut family = text.counter(
        "stowgate_lifecycle_actions_total",
        "What was due by life-cycle rules since the start, by what came of it: an object that was \
         deleted, an upload that was dropped, one that a client changed before, or a failure.",
    );
    for (outcome, count) in [
        ("deleted", counts.deleted),
        ("aborted", counts.aborted),
        ("kept", counts.kept),
        ("failed", counts.failed),
    ] {
        family.sample(&[("outcome", outcome)], count);
    }
    text.counter("stowgate_lifecycle_deleted_bytes_total", "The bytes of the deleted objects.")
        .sample(&[], counts.deleted_bytes);
    if let Some(done) = done {
        text.gauge(
            "stowgate_lifecycle_last_pass_timestamp_seconds",
            "When the rules of all buckets were last carried out, since the epoch.",
        )
        .sample(&[], done.seconds());
    }
}

async fn usage(text: &mut Text, views: &Views) -> Result<(), Fault> {
    let mut rows = Vec::new();
    // While the index is rebuilt, nothing is known of any bucket.
    let names = match views.disk.state() {
        DiskState::Rebuilding => Vec::new(),
        DiskState::Ready | DiskState::ReadOnly(_) => buckets::names(views).await?,
    };
    for name in names {
        let Some(split) = views.disk.split(&name) else { continue };
        for away in [false, true] {
            let all = split.rows.iter().filter(|row| row.away == away);
            let (objects, bytes) = all.fold((0_u64, 0_u64), |(objects, bytes), row| {
                let usage = row.usage;
                (objects.saturating_add(usage.objects), bytes.saturating_add(usage.bytes))
            });
            rows.push((name.clone(), backend(away), objects, bytes));
        }
    }
    let mut family = text.gauge("stowgate_objects", "Objects, by bucket and where they are.");
    for (bucket, backend, objects, _) in &rows {
        family.sample(&[("bucket", bucket.as_str()), ("storage_backend", *backend)], objects);
    }
    let mut family = text.gauge("stowgate_objects_bytes", "The bytes of their content.");
    for (bucket, backend, _, bytes) in &rows {
        family.sample(&[("bucket", bucket.as_str()), ("storage_backend", *backend)], bytes);
    }
    Ok(())
}

async fn log(text: &mut Text, views: &Views) {
    let Some(log) = views.disk.log().await else { return };
    for (name, help, value) in [
        ("stowgate_store_log_segments", "Files of the store's log.", log.segments),
        ("stowgate_store_log_bytes", "The bytes of these files.", log.bytes),
        ("stowgate_store_log_record_bytes", "The bytes of the records in them.", log.records),
        (
            "stowgate_store_log_living_bytes",
            "The bytes of those records that something refers to; compaction gives back the rest.",
            log.living,
        ),
    ] {
        text.gauge(name, help).sample(&[], value);
    }
}

fn disk(text: &mut Text, views: &Views) {
    let state = views.disk.state();
    text.gauge("stowgate_store_ready", "Whether the store knows all it holds.")
        .sample(&[], u8::from(state != DiskState::Rebuilding));
    let read_only = matches!(state, DiskState::ReadOnly(_));
    text.gauge("stowgate_store_read_only", "Whether the store takes no writes.")
        .sample(&[], u8::from(read_only));
    let Some(space) = views.disk.space() else { return };
    text.gauge("stowgate_disk_free_bytes", "Room that is left on the disk of the store.")
        .sample(&[], space.free);
    text.gauge("stowgate_disk_size_bytes", "The size of that disk.").sample(&[], space.total);
}
