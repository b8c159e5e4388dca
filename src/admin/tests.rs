//! Paths, methods and parameters, and what the answers hold.

mod fakes;

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Duration;

use async_trait::async_trait;
use serde_json::{Value, json};

pub(super) use fakes::FakeTrials;
use fakes::{FakeDisk, FakeUrls};

use super::*;
use crate::auth::{AuthSettings, Keyring};
use crate::body::digesting;
use crate::migrate::{Folder, Shelf};
use crate::object::{BucketName, Clock as _, ETag, ManualClock, ObjectKey, Owner, Timestamp};
use crate::placement::guard::{GuardOptions, Guarded};
use crate::placement::location::{Location, Remote, Task, Todo, Truth};
use crate::placement::locks::KeyLocks;
use crate::placement::spool::{Spool, SpoolOptions};
use crate::placement::{Mode, Route, Routes, Upstream};
use crate::store::local::{Compacted, Compaction, KeysInUse, LogUsage, Recounted, SplitUsage};
use crate::store::upstream::{Ability, Check, Complaint, Trial};
use crate::store::{
    Buckets as _, Call, FaultStore, GetRequest, Home, Ledger as _, MemoryStore, NewObject,
    ObjectPath, Objects as _, StoreError,
};

/// 2024-01-01T00:00:00Z.
pub(super) const START: Timestamp = Timestamp(1_704_067_200_000);

pub(super) fn owner() -> Owner {
    Owner { id: "id".into(), display_name: "name".into() }
}

pub(super) fn name(text: &str) -> BucketName {
    BucketName::parse(text).expect("a good name")
}

pub(super) fn path(bucket: &str, key: &str) -> ObjectPath {
    ObjectPath { bucket: name(bucket), key: ObjectKey::parse(key).expect("a good key") }
}

/// A gateway's inside: bucket `cloud` in fallback, `plain` without an upstream.
pub(super) struct World {
    pub(super) clock: Arc<ManualClock>,
    pub(super) home: Arc<MemoryStore>,
    pub(super) fault: Arc<FaultStore<MemoryStore>>,
    pub(super) guard: Arc<Guarded>,
    pub(super) routes: Arc<Routes>,
    pub(super) spool: Arc<Spool>,
    pub(super) shelf: Arc<dyn Shelf>,
    _dir: tempfile::TempDir,
}

impl World {
    pub(super) async fn new() -> Self {
        let clock = Arc::new(ManualClock::new(START));
        let home = Arc::new(MemoryStore::new(Arc::clone(&clock) as _));
        let far = Arc::new(MemoryStore::new(Arc::clone(&clock) as _));
        for bucket in ["cloud", "plain"] {
            home.create_bucket(&name(bucket), &owner()).await.expect("made");
        }
        far.create_bucket(&name("cloud"), &owner()).await.expect("made");
        let fault = Arc::new(FaultStore::new(far));
        let guard = Guarded::new("main", Arc::clone(&fault) as _, GuardOptions::default());
        let guard = Arc::new(guard);
        let routes = Arc::new(routes(&guard));
        let (locks, options) = (KeyLocks::default(), SpoolOptions::default());
        let spool = Spool::new(
            Arc::clone(&home) as Arc<dyn Home>,
            Arc::clone(&routes),
            locks,
            options,
            Arc::clone(&clock) as _,
        );
        let dir = tempfile::tempdir().expect("a directory");
        let shelf = Arc::new(Folder::at(dir.path()));
        Self { clock, home, fault, guard, routes, spool, shelf, _dir: dir }
    }

    pub(super) fn views(&self, trials: Arc<dyn Trials>) -> Views {
        let upstream = UpstreamView {
            name: "main".into(),
            endpoint: Some("http://127.0.0.1:5000".to_owned()),
            region: "us-east-1".to_owned(),
            access_key: Some("AKUP".to_owned()),
            guard: Arc::clone(&self.guard),
            trials,
            presigner: Arc::new(FakeUrls),
        };
        Views {
            clock: Arc::clone(&self.clock) as _,
            started: START,
            disk: Arc::new(FakeDisk(DiskState::Ready)),
            home: Arc::clone(&self.home) as _,
            store: Arc::clone(&self.home) as _,
            counting: Counting::default(),
            jobs: Arc::new(Jobs::new(Arc::clone(&self.clock) as _)),
            cleanups: Cleanups::new(Arc::clone(&self.shelf), Arc::clone(&self.clock) as _),
            upload_expiry: Duration::from_hours(168),
            metrics: Arc::default(),
            surveys: Arc::default(),
            routes: Arc::clone(&self.routes),
            upstreams: vec![upstream],
            spool: Some(Arc::clone(&self.spool)),
            migrations: None,
        }
    }

    /// A key whose local object waits to be put upstream.
    async fn spooled(&self, key: &str, failed: Option<&str>) {
        let at = path("cloud", key);
        let body = digesting(Payload::from_bytes("12345"), crate::body::Expected::default());
        self.home.put_object(&at, NewObject::default(), body).await.expect("put");
        let mut todo = Todo::new(Task::Put, self.clock.now());
        todo.failed = failed.map(str::to_owned);
        let record = Location {
            truth: Truth::Local,
            todo: Some(todo),
            remote: None,
            updated_at: self.clock.now(),
            kept: false,
        };
        let encoded = record.encode().expect("encoded");
        self.home.set_entry(&at, Some(encoded)).await.expect("recorded");
        self.spool.noted(&at, &record, 5);
    }

    pub(super) async fn recorded(&self, key: &str, size: u64) {
        let etag = ETag::parse("0123456789abcdef0123456789abcdef");
        let remote = Remote {
            bucket: "there".into(),
            key: format!("p/{key}"),
            etag: etag.clone(),
            upstream_etag: etag,
            size,
            last_modified: START,
            asked: false,
        };
        let record = Location {
            truth: Truth::Remote,
            todo: None,
            remote: Some(remote),
            updated_at: START,
            kept: false,
        };
        let encoded = record.encode().expect("encoded");
        self.home.set_entry(&path("cloud", key), Some(encoded)).await.expect("recorded");
    }
}

fn routes(guard: &Arc<Guarded>) -> Routes {
    let upstream = Upstream {
        name: "main".into(),
        store: Arc::clone(guard) as _,
        target: Arc::new(|_| ("there".to_owned(), "p/".to_owned())),
    };
    let cloud = Route { mode: Mode::Fallback, upstream: Some(upstream), configured: true };
    let default = Route { mode: Mode::Local, upstream: None, configured: false };
    Routes { named: HashMap::from([(name("cloud"), cloud)]), default }
}

pub(super) fn admin(views: Option<Views>) -> Admin {
    let region = "us-east-1".to_owned();
    let settings = AuthSettings { sigv2: true, region, strict_region: false };
    let clock = Arc::new(ManualClock::new(START));
    let authenticator = Arc::new(Authenticator::new(Keyring::default(), settings, clock));
    let rule = Rule { only_built_in_keys: true, ..Rule::default() };
    let domains = vec!["s3.localhost".to_owned(), "localhost".to_owned()];
    let admin = Admin::new(domains, rule, authenticator);
    if let Some(views) = views {
        admin.open(views);
    }
    admin
}

pub(super) async fn ask(admin: &Admin, method: &str, target: &str) -> (u16, Value) {
    let request = Request::builder().method(method).uri(target).header(HOST, "localhost:9000");
    let request = request.body(Payload::empty()).expect("a good request");
    assert_eq!(admin.owns(&request), Some(true), "{target}");
    let origin = Origin { address: [127, 0, 0, 1].into(), encrypted: false, host: None };
    let response = admin.handle(request, Some(origin)).await;
    let status = response.status().as_u16();
    let body = response.into_body().collect(1 << 20).await.expect("a body");
    (status, serde_json::from_slice(&body).expect("JSON"))
}

#[test]
fn the_side_api_is_on_the_service_host_only() {
    let admin = admin(None);
    let owns = |host: &str, path: &str| {
        let request = Request::builder().uri(path).header(HOST, host);
        admin.owns(&request.body(()).expect("a good request")) == Some(true)
    };
    for host in ["localhost:9000", "s3.localhost", "127.0.0.1:9000", "[::1]:9000", "gate.lan"] {
        assert!(owns(host, "/storage/info"), "{host}");
    }
    for host in ["bucket.localhost", "b.s3.localhost:9000", "B.S3.Localhost."] {
        assert!(!owns(host, "/storage/info"), "{host}");
    }
    for path in ["/storage", "/storage/", "/storage-room/info", "/", "/bucket/storage/info"] {
        assert!(!owns("localhost", path), "{path}");
    }
}

#[tokio::test]
async fn the_alias_means_one_thing_and_nothing_while_that_is_not_known() {
    let owns = |admin: &Admin, host: &str, method: &str| {
        let request = Request::builder().method(method).uri(ALIAS).header(HOST, host);
        admin.owns(&request.body(()).expect("a good request"))
    };
    let world = World::new().await;
    let rebuilding = Views {
        disk: Arc::new(FakeDisk(DiskState::Rebuilding)),
        ..world.views(FakeTrials::without(&[]))
    };
    let ready = world.views(FakeTrials::without(&[]));
    for (views, known) in [(None, None), (Some(rebuilding), None), (Some(ready), Some(true))] {
        let admin = admin(views);
        for method in ["GET", "HEAD"] {
            assert_eq!(owns(&admin, "localhost:9000", method), known, "{method}");
        }
        assert_eq!(owns(&admin, "localhost:9000", "PUT"), Some(false));
        assert_eq!(owns(&admin, "bucket.localhost", "GET"), Some(false));
        assert_eq!(admin.undecided().status(), 503);
    }
    // It is a bucket that is named so, or whose objects are upstream; not any that has an upstream.
    for (mode, configured, known) in
        [(Mode::Local, false, true), (Mode::Local, true, false), (Mode::Fallback, false, false)]
    {
        let views = world.views(FakeTrials::without(&[]));
        let upstream = views.routes.of(&name("cloud")).upstream.clone();
        let route = Route { mode, upstream, configured };
        let named = HashMap::from([(name("attachments"), route)]);
        let routes = Arc::new(Routes { named, default: views.routes.default.clone() });
        let admin = admin(Some(Views { routes, ..views }));
        assert_eq!(owns(&admin, "localhost:9000", "GET"), Some(known), "{mode:?} {configured}");
    }
}

#[tokio::test]
async fn readiness_follows_the_store_and_health_answers_anyone() {
    let world = World::new().await;
    let rebuilding = Views {
        disk: Arc::new(FakeDisk(DiskState::Rebuilding)),
        ..world.views(FakeTrials::without(&[]))
    };
    let ready = world.views(FakeTrials::without(&[]));
    for (views, status) in [(None, 503), (Some(rebuilding), 503), (Some(ready), 200)] {
        let admin = admin(views);
        assert_eq!(ask(&admin, "GET", "/storage/health/live").await.0, 200);
        assert_eq!(ask(&admin, "HEAD", "/storage/health/ready").await.0, status);
        let request = Request::builder().uri("/storage/health/live").body(Payload::empty());
        let response = admin.handle(request.expect("good"), None).await;
        assert_eq!(response.status(), 200, "without any origin or Host");
    }
}

#[tokio::test]
async fn every_refusal_has_its_status_and_a_reason() {
    let world = World::new().await;
    let open = admin(Some(world.views(FakeTrials::without(&[]))));
    let cases = [
        ("PUT", "/storage/health/live", 405, "MethodNotAllowed"),
        ("POST", "/storage/info", 405, "MethodNotAllowed"),
        ("GET", "/storage/spool/flush", 405, "MethodNotAllowed"),
        ("GET", "/storage/nothing", 404, "NoSuchResource"),
        ("GET", "/storage/info/", 404, "NoSuchResource"),
        ("PUT", "/storage/compact", 405, "MethodNotAllowed"),
        ("GET", "/storage/info?verbose=1", 400, "InvalidArgument"),
        ("GET", "/storage/test-s3?bucket=x", 400, "InvalidArgument"),
        ("POST", "/storage/spool/flush?wait=long", 400, "InvalidArgument"),
        ("POST", "/storage/spool/flush?wait=11m", 400, "InvalidArgument"),
        ("POST", "/storage/cleanup", 400, "InvalidArgument"),
        ("POST", "/storage/cleanup?storage_backend=tape", 400, "InvalidArgument"),
        ("POST", "/storage/cleanup?storage_backend=s3&max_deletes=-1", 400, "InvalidArgument"),
        ("GET", "/storage/cleanup/7", 404, "NoSuchJob"),
        ("GET", "/storage/usage-by-company?bucket=absent", 404, "NoSuchBucket"),
        ("GET", "/storage/objects/plain/absent", 404, "NoSuchKey"),
        ("POST", "/storage/spool/retry?bucket=No&key=x", 400, "InvalidArgument"),
        ("POST", "/storage/spool/retry?bucket=cloud&key=x", 404, "NoSuchDeadLetter"),
    ];
    for (method, target, status, code) in cases {
        let (answer, body) = ask(&open, method, target).await;
        assert_eq!((answer, body["error"]["code"].as_str()), (status, Some(code)), "{target}");
        assert!(body["error"]["message"].is_string(), "{target}");
    }
    let (status, body) = ask(&admin(None), "GET", "/storage/info").await;
    assert_eq!((status, body["error"]["code"].as_str()), (503, Some("Starting")));

    let request = Request::builder().uri("/storage/info").header(HOST, "example.com");
    let request = request.body(Payload::empty()).expect("good");
    let origin = Origin { address: [127, 0, 0, 1].into(), encrypted: false, host: None };
    assert_eq!(
        open.handle(request, Some(origin.clone())).await.status(),
        403,
        "access comes first"
    );

    let request = Request::builder().method("POST").uri("/storage/spool/flush");
    let request = request.header(HOST, "localhost").body(Payload::from_bytes("wait=1s"));
    let response = open.handle(request.expect("good"), Some(origin)).await;
    assert_eq!(response.status(), 400, "a parameter in the body is not ignored");
}

#[tokio::test]
async fn info_shows_buckets_upstreams_spool_and_disk() {
    let world = World::new().await;
    world.recorded("a", 100).await;
    world.recorded("b", 23).await;
    world.spooled("c", None).await;
    world.spooled("d", Some("conflict")).await;
    let trials = FakeTrials::without(&["put"]);
    trials.run().await;
    let admin = admin(Some(world.views(trials)));
    world.clock.advance(5_000);
    let (status, info) = ask(&admin, "GET", "/storage/info").await;
    assert_eq!(status, 200);
    assert_eq!(info["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!((&info["uptime_seconds"], &info["state"]), (&json!(5), &json!("ready")));
    assert_eq!(info["other_buckets"], json!({ "mode": "local", "upstream": null }));

    let cloud = &info["buckets"][0];
    assert_eq!((&cloud["name"], &cloud["mode"]), (&json!("cloud"), &json!("fallback")));
    assert_eq!((&cloud["s3_bucket"], &cloud["s3_prefix"]), (&json!("there"), &json!("p/")));
    let state = cloud["state"].as_str().expect("a sentence");
    for part in ["bucket there of upstream main", " 1 key waits", "1 given up"] {
        assert!(state.contains(part), "{state}");
    }
    assert_eq!(cloud["by_backend"]["s3"], json!({ "objects": 2, "bytes": 123, "at_least": false }));
    assert_eq!(cloud["by_backend"]["local"], json!({ "objects": 2, "bytes": 10 }));
    let plain = &info["buckets"][1];
    assert_eq!(plain["state"], "Its objects are on this disk.");
    assert_eq!(plain["by_backend"], json!({ "local": null, "s3": null }));
    assert_eq!(info["by_backend"]["s3"], json!({ "objects": 2, "bytes": 123, "at_least": false }));

    let upstream = &info["upstreams"][0];
    assert_eq!((&upstream["breaker"], &upstream["last_error"]), (&json!("closed"), &Value::Null));
    assert_eq!(
        (&upstream["last_trial"]["ok"], &upstream["access_key"]),
        (&json!(false), &json!("AKUP"))
    );
    let fault = &upstream["last_trial"]["buckets"][0]["permissions"][2]["error"];
    assert_eq!(fault, "AccessDenied on put");
    assert_eq!(upstream["last_trial"]["faults"], json!(["AccessDenied on put [put]"]));
    assert!(state.contains("tried at 2024-01-01T00:00:00.000Z: AccessDenied on put"), "{state}");

    let spool = &info["spool"];
    assert_eq!((&spool["waiting"], &spool["dead_letters"]), (&json!(1), &json!(1)));
    assert_eq!((&spool["bytes"], &spool["oldest_age_seconds"]), (&json!(10), &json!(5)));
    let keys = json!(["2026-05", "2026-11"]);
    let encryption = json!({ "active": "2026-11", "known": keys, "in_use": keys });
    assert_eq!(info["encryption"], encryption);
    assert_eq!(info["disk"], json!({ "free_bytes": 40, "total_bytes": 100, "error": null }));
}

#[tokio::test]
async fn info_says_that_an_upstream_fails_and_why() {
    let world = World::new().await;
    let away = || StoreError::Unavailable { what: "connection refused by main".to_owned() };
    world.fault.fail_always(Call::HeadObject, away);
    for _ in 0..5 {
        let _ = world.guard.head_object(&path("cloud", "x"), &GetRequest::default()).await;
    }
    let admin = admin(Some(world.views(FakeTrials::without(&[]))));
    let (_, info) = ask(&admin, "GET", "/storage/info").await;
    let upstream = &info["upstreams"][0];
    assert_eq!((&upstream["breaker"], &upstream["last_trial"]), (&json!("open"), &Value::Null));
    let message = upstream["last_error"]["message"].as_str().expect("an error");
    assert!(message.contains("connection refused"), "{message}");
    let state = info["buckets"][0]["state"].as_str().expect("a sentence");
    assert!(state.contains("fails now: connection refused"), "{state}");
}

#[tokio::test]
async fn a_trial_is_good_only_where_every_permission_is_there() {
    let world = World::new().await;
    for (missing, status) in [(&[][..], 200), (&["list"][..], 503)] {
        let admin = admin(Some(world.views(FakeTrials::without(missing))));
        let (answer, body) = ask(&admin, "GET", "/storage/test-s3").await;
        assert_eq!((answer, &body["ok"]), (status, &json!(status == 200)));
        let permissions = &body["upstreams"][0]["buckets"][0]["permissions"];
        assert_eq!(permissions.as_array().map(Vec::len), Some(3));
        assert_eq!(permissions[1]["latency_ms"], 1.5);
        assert_eq!(permissions[1]["ok"], json!(missing.is_empty()));
        let denied = json!("AccessDenied on list");
        let error = if missing.is_empty() { &Value::Null } else { &denied };
        assert_eq!(&permissions[1]["error"], error);
        let features = &body["upstreams"][0]["buckets"][0]["features"];
        assert_eq!((&features[0]["feature"], &features[0]["ok"]), (&json!("tags"), &json!(true)));
        let faults = body["upstreams"][0]["faults"].as_array().map(Vec::len);
        assert_eq!(faults, Some(missing.len()));
    }
    let none = Views { upstreams: Vec::new(), ..world.views(FakeTrials::without(&[])) };
    let (status, body) = ask(&admin(Some(none)), "GET", "/storage/test-s3").await;
    assert_eq!((status, &body["ok"]), (503, &json!(false)));
    assert!(body["message"].is_string());
}

#[tokio::test(start_paused = true)]
async fn the_spool_is_shown_flushed_and_its_dead_letters_are_tried_again() {
    let world = World::new().await;
    world.spooled("waits", None).await;
    world.spooled("dead", Some("AccessDenied")).await;
    let shown = admin(Some(world.views(FakeTrials::without(&[]))));
    let (_, spool) = ask(&shown, "GET", "/storage/spool").await;
    assert_eq!(
        spool["buckets"],
        json!([{ "name": "cloud", "waiting": 1, "bytes": 10, "dead_letters": 1 }])
    );
    let letter = &spool["dead_letters"][0];
    assert_eq!((&letter["key"], &letter["reason"]), (&json!("dead"), &json!("AccessDenied")));

    // Nobody forwards here, so the wait is in vain.
    let (status, flushed) = ask(&shown, "POST", "/storage/spool/flush?wait=1s").await;
    assert_eq!((status, &flushed["flushed"], &flushed["left"]), (503, &json!(false), &json!(1)));

    let one = "/storage/spool/retry?bucket=cloud&key=dead";
    assert_eq!(ask(&shown, "POST", one).await, (200, json!({ "retried": 1 })));
    assert_eq!(ask(&shown, "POST", one).await.0, 404);
    let all = "/storage/spool/retry";
    assert_eq!(ask(&shown, "POST", all).await, (200, json!({ "retried": 0 })));
    let (_, spool) = ask(&shown, "GET", "/storage/spool").await;
    assert_eq!(
        (&spool["summary"]["waiting"], &spool["summary"]["dead_letters"]),
        (&json!(2), &json!(0))
    );

    let none = Views { spool: None, ..world.views(FakeTrials::without(&[])) };
    let flushing = admin(Some(none));
    let (status, flushed) = ask(&flushing, "POST", "/storage/spool/flush").await;
    assert_eq!((status, &flushed["flushed"]), (200, &json!(true)));
}
