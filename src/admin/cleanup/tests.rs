//! Clean-ups step by step: what is noted when, what is found, and what an end of the process or of
//! the job leaves.

use std::io;
use std::sync::Mutex;

use async_trait::async_trait;
use serde_json::Value;

use super::journal::{Entry, What};
use super::report::Row;
use super::*;
use crate::admin::job::Jobs;
use crate::admin::tests::{FakeTrials, START, World, name, owner, path};
use crate::background::{Next, Worker as _};
use crate::migrate::Shelf;
use crate::object::{
    Algorithm, ChecksumChoice, ChecksumKind, ListQuery, ObjectMetadata, TagSet, UploadsQuery,
};
use crate::placement::Location;
use crate::placement::location::{Remote, Truth};
use crate::store::{
    GetRequest, Ledger as _, Multipart as _, NewObject, NewUpload, Objects as _, UploadPath,
};

/// Files that remember what was durable.
struct Witness {
    files: Arc<dyn Shelf>,
    durable: Mutex<Vec<u8>>,
    unsafe_yet: Mutex<Vec<u8>>,
}

#[async_trait]
impl Shelf for Witness {
    async fn append(&self, name: &str, bytes: Vec<u8>, durable: bool) -> io::Result<()> {
        {
            let mut waiting = self.unsafe_yet.lock().expect("unpoisoned");
            waiting.extend(&bytes);
            if durable {
                self.durable.lock().expect("unpoisoned").append(&mut waiting);
            }
        }
        self.files.append(name, bytes, durable).await
    }

    async fn read(&self, name: &str, offset: u64, limit: usize) -> io::Result<Vec<u8>> {
        self.files.read(name, offset, limit).await
    }

    async fn list(&self) -> io::Result<Vec<String>> {
        self.files.list().await
    }

    async fn cut(&self, name: &str, length: u64) -> io::Result<()> {
        self.files.cut(name, length).await
    }

    async fn remove(&self, name: &str) -> io::Result<()> {
        self.files.remove(name).await
    }
}

async fn put(world: &World, bucket: &str, key: &str) {
    let body = Payload::from_bytes("12345");
    let body = crate::body::digesting(body, crate::body::Expected::default());
    world.home.put_object(&path(bucket, key), NewObject::default(), body).await.expect("put");
}

async fn keys(world: &World, bucket: &str) -> usize {
    let query = ListQuery { limit: 1000, ..ListQuery::default() };
    world.home.list_objects(&name(bucket), &query).await.expect("listed").entries.len()
}

/// A gateway whose bucket `plain` has objects `k0` and so on, an hour and more ago.
async fn filled(count: usize) -> (World, Views) {
    let world = World::new().await;
    for number in 0..count {
        put(&world, "plain", &format!("k{number}")).await;
    }
    world.clock.advance(7_200_000);
    let views = world.views(FakeTrials::without(&[]));
    (world, views)
}

async fn begun(views: &Views, query: &str, manifest: Option<&'static str>) -> String {
    let parameters = Parameters::parse(Some(query), PARAMETERS, &[]).expect("known");
    let manifest = manifest.map(Payload::from_bytes);
    begin(views, &parameters, manifest).await.expect("begun");
    views.jobs.all(KIND).remove(0).id
}

async fn to_the_end(views: &Views) {
    let mut worker = views.jobs.worker();
    while worker.step().await == Next::Now {}
}

async fn rows(views: &Views, id: &str) -> Vec<Row> {
    let over = views.jobs.find(KIND, id).expect("known").is_over();
    let mut report = Report::of(views.cleanups.entries(id), over);
    let mut rows = Vec::new();
    while let Some(row) = report.row().await.expect("readable") {
        rows.push(row);
    }
    rows
}

fn told(views: &Views, id: &str) -> Value {
    views.jobs.find(KIND, id).expect("known").json()
}

/// What another process would tell.
async fn after_a_restart(world: &World, views: Views) -> Views {
    drop(views);
    let views = world.views(FakeTrials::without(&[]));
    views.cleanups.recall(&views.jobs).await;
    views
}

fn outcomes(rows: &[Row]) -> Vec<(&str, &str)> {
    rows.iter().map(|row| (row.key.as_str(), row.outcome)).collect()
}

const ALL: &str = "storage_backend=local&bucket=plain";

#[tokio::test]
async fn what_goes_is_noted_durably_before_and_its_outcome_afterwards() {
    let (world, views) = filled(3).await;
    let witness = Arc::new(Witness {
        files: Arc::clone(&world.shelf),
        durable: Mutex::default(),
        unsafe_yet: Mutex::default(),
    });
    let cleanups = Cleanups::new(Arc::clone(&witness) as _, Arc::clone(&views.clock));
    let views = Views { cleanups, ..views };
    let id = begun(&views, ALL, Some("k1\n")).await;
    let durable = || {
        let bytes = witness.durable.lock().expect("unpoisoned").clone();
        String::from_utf8(bytes).expect("text")
    };
    assert!(durable().contains("begun"));
    let mut worker = views.jobs.worker();
    while keys(&world, "plain").await == 3 {
        let noted = durable();
        worker.step().await;
        if keys(&world, "plain").await == 2 {
            for part in ["k0", "k2", "\"size\":5", "827ccb0eea8a706c4c34a16891f84e7b"] {
                assert!(noted.contains(part), "{part} in {noted}");
            }
        }
    }
    assert_eq!(outcomes(&rows(&views, &id).await), [("k0", "deleted"), ("k2", "pending")]);
    to_the_end(&views).await;
    assert!(durable().contains("ended"), "all of it is durable in the end");
    let rows = rows(&views, &id).await;
    assert_eq!(outcomes(&rows), [("k0", "deleted"), ("k2", "deleted")]);
    assert_eq!((rows[0].what, rows[0].size, rows[0].bucket.as_str()), ("object", 5, "plain"));
    assert_eq!(rows[0].last_modified, Some(START.iso8601()));
    let job = told(&views, &id);
    assert_eq!((&job["state"], &job["deleted"]), (&json!("done"), &json!(2)));
}

#[tokio::test]
async fn a_restart_tells_of_what_was_over_as_before() {
    let (world, views) = filled(3).await;
    let id = begun(&views, ALL, Some("k1\n")).await;
    to_the_end(&views).await;
    let (before, rows_before) = (told(&views, &id), rows(&views, &id).await);
    let views = after_a_restart(&world, views).await;
    assert_eq!(told(&views, &id), before);
    assert_eq!(rows(&views, &id).await, rows_before);
    let answer = one(&views, &id).await.expect("known");
    let body = answer.into_body().collect(1 << 20).await.expect("a body");
    let shown: Value = serde_json::from_slice(&body).expect("JSON");
    assert_eq!(shown["keys"], json!(["k0", "k2"]));
}

#[tokio::test]
async fn one_that_the_process_end_cut_off_is_interrupted_and_not_taken_up() {
    let (world, views) = filled(5).await;
    let id = begun(&views, ALL, Some("other\n")).await;
    let mut worker = views.jobs.worker();
    while keys(&world, "plain").await > 3 {
        worker.step().await;
    }
    let views = after_a_restart(&world, views).await;
    let job = told(&views, &id);
    assert_eq!((&job["state"], &job["finished_at"]), (&json!("interrupted"), &Value::Null));
    assert_eq!((&job["found"], &job["deleted"]), (&json!(5), &json!(2)));
    let rows = rows(&views, &id).await;
    let words: Vec<_> = rows.iter().map(|row| row.outcome).collect();
    assert_eq!(words, ["deleted", "deleted", "unknown", "unknown", "unknown"]);
    to_the_end(&views).await;
    assert_eq!(keys(&world, "plain").await, 3);
    assert!(views.jobs.cancel(KIND, &id).is_err(), "it is over");
    // Another one goes on.
    begun(&views, ALL, Some("other\n")).await;
    to_the_end(&views).await;
    assert_eq!(keys(&world, "plain").await, 0);
}

#[tokio::test]
async fn what_a_cancelled_one_did_not_get_to_is_left() {
    let (world, views) = filled(5).await;
    let id = begun(&views, ALL, Some("other\n")).await;
    let mut worker = views.jobs.worker();
    while keys(&world, "plain").await > 3 {
        worker.step().await;
    }
    views.jobs.cancel(KIND, &id).expect("it goes on");
    to_the_end(&views).await;
    assert_eq!(
        (keys(&world, "plain").await, &told(&views, &id)["state"]),
        (3, &json!("cancelled"))
    );
    let views = after_a_restart(&world, views).await;
    assert_eq!(told(&views, &id)["state"], "cancelled");
    let rows = rows(&views, &id).await;
    let words: Vec<_> = rows.iter().map(|row| row.outcome).collect();
    assert_eq!(words, ["deleted", "deleted", "left", "left", "left"]);
}

#[tokio::test]
async fn what_a_client_writes_meanwhile_is_kept_and_a_dry_run_only_tells() {
    let (world, views) = filled(2).await;
    let look = begun(&views, &format!("{ALL}&dry_run=true"), Some("other\n")).await;
    to_the_end(&views).await;
    assert_eq!(outcomes(&rows(&views, &look).await), [("k0", "found"), ("k1", "found")]);
    assert_eq!(keys(&world, "plain").await, 2);
    let id = begun(&views, ALL, Some("other\n")).await;
    let mut worker = views.jobs.worker();
    while rows(&views, &id).await.is_empty() {
        worker.step().await;
    }
    let body = Payload::from_bytes("newer");
    let body = crate::body::digesting(body, crate::body::Expected::default());
    world.home.put_object(&path("plain", "k1"), NewObject::default(), body).await.expect("put");
    to_the_end(&views).await;
    let rows = rows(&views, &id).await;
    assert_eq!(outcomes(&rows), [("k0", "deleted"), ("k1", "kept")]);
    assert_eq!(rows[1].reason, "a client was there first");
    assert_eq!(told(&views, &id)["kept_newer"], 1);
}

fn new_upload() -> NewUpload {
    let checksum = ChecksumChoice {
        algorithm: Algorithm::Crc64Nvme,
        kind: ChecksumKind::FullObject,
        explicit: false,
    };
    let (metadata, tags) = (ObjectMetadata::default(), TagSet::default());
    NewUpload { metadata, tags, checksum, initiator: owner(), encryption: None, acl: None }
}

#[tokio::test]
async fn uploads_that_nobody_finished_go_and_young_ones_stay() {
    let world = World::new().await;
    let old = path("plain", "old");
    let id = world.home.create_upload(&old, new_upload()).await.expect("begun");
    world.clock.advance(8 * 86_400_000);
    world.home.create_upload(&path("plain", "young"), new_upload()).await.expect("begun");
    let views = world.views(FakeTrials::without(&[]));
    let cleanup = begun(&views, "storage_backend=local", None).await;
    to_the_end(&views).await;
    let rows = rows(&views, &cleanup).await;
    assert_eq!(outcomes(&rows), [("old", "deleted")]);
    assert_eq!((rows[0].what, rows[0].upload_id.as_deref()), ("upload", Some(id.as_str())));
    let job = told(&views, &cleanup);
    assert_eq!((&job["orphan_uploads"], &job["orphans_removed"]), (&json!(1), &json!(1)));
    let query = UploadsQuery { limit: 10, ..UploadsQuery::default() };
    let left = world.home.list_uploads(&name("plain"), &query).await.expect("listed");
    assert_eq!(left.entries.len(), 1);
    let gone = UploadPath { object: old, id };
    assert!(world.home.abort_upload(&gone).await.is_err());
    begun(&views, "storage_backend=local&upload_min_age=0", None).await;
    world.clock.advance(1000);
    to_the_end(&views).await;
    let left = world.home.list_uploads(&name("plain"), &query).await.expect("listed");
    assert_eq!(left.entries.len(), 1, "begun in the very moment that is asked for");
}

#[tokio::test]
async fn copies_of_what_is_upstream_go_unless_they_are_kept() {
    let world = World::new().await;
    for key in ["left", "kept", "mine"] {
        put(&world, "cloud", key).await;
    }
    for (key, kept) in [("left", false), ("kept", true)] {
        let etag = crate::object::ETag::parse("827ccb0eea8a706c4c34a16891f84e7b");
        let remote = Remote {
            bucket: "there".into(),
            key: format!("p/{key}"),
            etag: etag.clone(),
            upstream_etag: etag,
            size: 5,
            last_modified: START,
            asked: false,
        };
        let (truth, todo, remote) = (Truth::Remote, None, Some(remote));
        let record = Location { truth, todo, remote, updated_at: START, kept };
        let record = record.encode().expect("encoded");
        world.home.set_entry(&path("cloud", key), Some(record)).await.expect("recorded");
    }
    let views = world.views(FakeTrials::without(&[]));
    let id = begun(&views, "storage_backend=local&dry_run=true", None).await;
    to_the_end(&views).await;
    assert_eq!(outcomes(&rows(&views, &id).await), [("left", "found")]);
    let id = begun(&views, "storage_backend=local", None).await;
    to_the_end(&views).await;
    let rows = rows(&views, &id).await;
    assert_eq!(outcomes(&rows), [("left", "deleted")]);
    assert_eq!((rows[0].what, rows[0].size), ("copy", 5));
    for (key, there) in [("left", false), ("kept", true), ("mine", true)] {
        let head = world.home.head_object(&path("cloud", key), &GetRequest::default()).await;
        assert_eq!(head.is_ok(), there, "{key}");
    }
    assert!(world.home.entry(&path("cloud", "left")).await.expect("read").is_some());
}

#[tokio::test]
async fn journals_are_forgotten_beyond_their_number_and_damaged_ones_left_alone() {
    let (world, views) = filled(0).await;
    let mut ids = Vec::new();
    for _ in 0..crate::migrate::PLANS + 2 {
        ids.push(begun(&views, &format!("{ALL}&dry_run=true"), None).await);
        to_the_end(&views).await;
    }
    world
        .shelf
        .append("bad.journal", b"00000000 {}\n00000000 {}\n".to_vec(), true)
        .await
        .expect("ok");
    let views = after_a_restart(&world, views).await;
    let known: Vec<String> = views.jobs.all(KIND).into_iter().map(|told| told.id).collect();
    assert_eq!(known.len(), crate::migrate::PLANS);
    assert!(!known.contains(&ids[0]) && !known.contains(&ids[1]));
    let files = world.shelf.list().await.expect("listed");
    assert_eq!(files.len(), crate::migrate::PLANS + 1);
    assert!(files.contains(&"bad.journal".to_owned()));
    world.clock.advance(91 * 86_400_000);
    let jobs: Arc<Jobs> = Arc::clone(&views.jobs);
    views.cleanups.keeper(&jobs).step().await;
    assert!(views.jobs.all(KIND).is_empty());
}

#[test]
fn lines_of_earlier_versions_are_read() {
    let text = r#"{"going":{"number":3,"orphan":{"what":"object","bucket":"b","key":"k","size":1,
        "etag":"e","at":5,"upload":null,"why":"x"}}}"#;
    let Ok(Entry::Going { number, orphan }) = serde_json::from_str(text) else { panic!("no") };
    assert_eq!((number, orphan.what, orphan.at), (3, What::Object, Some(Timestamp(5))));
}
