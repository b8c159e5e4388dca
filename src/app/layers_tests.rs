//! What stands between S3 and the disk, by what is configured and recorded.

use bytes::Bytes;

use super::*;
use crate::config::{Env, Flags};
use crate::object::{ManualClock, ObjectKey, Owner, Timestamp};
use crate::placement::Mode;
use crate::store::{
    Buckets as _, GetRequest, Ledger as _, MemoryStore, ObjectPath, Objects as _, StoreError,
};

const LOCAL: &[(&str, &str)] = &[("USE_CLOUD_STORAGE", "false"), ("AWS_BUCKET_NAME", "uploads")];
const CLOUD: &[(&str, &str)] = &[
    ("USE_CLOUD_STORAGE", "true"),
    ("AWS_BUCKET_NAME", "uploads"),
    ("AWS_ACCESS_KEY_ID", "AKIA"),
    ("AWS_SECRET_ACCESS_KEY", "0123456789"),
    // Nobody listens on the discard port.
    ("S3_ENDPOINT_URL", "http://127.0.0.1:9"),
];

fn name(text: &str) -> BucketName {
    BucketName::parse(text).expect("a good name")
}

async fn home() -> Arc<MemoryStore> {
    let clock = Arc::new(ManualClock::new(Timestamp(1_000)));
    let home = Arc::new(MemoryStore::new(clock));
    let owner = Owner { id: "id".into(), display_name: "name".into() };
    home.create_bucket(&name("uploads"), &owner).await.expect("made");
    home
}

async fn build(variables: &[(&str, &str)], home: &Arc<MemoryStore>) -> Layers {
    let env = Env::of(variables.iter().copied());
    let config = Config::load(&Flags::default(), &env).expect("a good configuration");
    let clock: Arc<dyn Clock> = Arc::new(ManualClock::new(Timestamp(1_000)));
    let upstreams = Upstreams::connect(&config, &clock).await.expect("good upstreams");
    Layers::build(&config, upstreams, Arc::clone(home) as _, &clock).await
}

#[tokio::test]
async fn without_any_upstream_nothing_stands_between() {
    let home = home().await;
    let layers = build(LOCAL, &home).await;
    assert!(layers.spool.is_none() && layers.views().is_empty());
    let served = Arc::as_ptr(&layers.store()).cast::<()>();
    assert_eq!(served, Arc::as_ptr(&home).cast::<()>());
}

#[tokio::test]
async fn an_upstream_is_there_for_its_bucket_alone() {
    let layers = build(CLOUD, &home().await).await;
    let route = layers.routes.of(&name("uploads"));
    assert_eq!((route.mode, route.configured), (Mode::Fallback, true));
    let upstream = route.upstream.as_ref().expect("an upstream");
    assert_eq!((upstream.target)(&name("uploads")), ("uploads".to_owned(), String::new()));
    let other = layers.routes.of(&name("other"));
    assert!(other.upstream.is_none() && !other.configured && other.mode == Mode::Local);
    let views = layers.views();
    assert_eq!(views[0].endpoint.as_deref(), Some("http://127.0.0.1:9"));
    assert_eq!(views[0].access_key.as_deref(), Some("AKIA"));
    assert!(layers.spool.is_some());
}

#[tokio::test]
async fn with_the_cloud_off_its_upstream_is_known_and_not_in_use() {
    let off: Vec<_> = CLOUD
        .iter()
        .map(|(name, value)| (*name, if *name == "USE_CLOUD_STORAGE" { "false" } else { *value }))
        .collect();
    for (variables, in_use) in [(CLOUD, true), (&off, false)] {
        let layers = build(variables, &home().await).await;
        assert_eq!(layers.upstreams.len(), 1);
        assert_eq!(layers.upstreams[0].0.in_use, in_use);
    }
}

#[tokio::test]
async fn an_object_recorded_at_an_upstream_that_is_configured_no_more_is_503_and_not_404() {
    let home = home().await;
    let at = ObjectPath { bucket: name("uploads"), key: ObjectKey::parse("key").expect("good") };
    let tag = crate::object::ETag::parse("0123456789abcdef0123456789abcdef");
    let remote = crate::placement::location::Remote {
        bucket: "uploads".into(),
        key: "key".into(),
        etag: tag.clone(),
        upstream_etag: tag,
        size: 7,
        last_modified: Timestamp(1_000),
        asked: false,
    };
    let record = crate::placement::Location {
        truth: crate::placement::location::Truth::Remote,
        todo: None,
        remote: Some(remote),
        updated_at: Timestamp(1_000),
        kept: false,
    };
    let record: Bytes = record.encode().expect("encoded");
    home.set_entry(&at, Some(record)).await.expect("recorded");
    for variables in [LOCAL, &[]] {
        let layers = build(variables, &home).await;
        let read = layers.store().head_object(&at, &GetRequest::default()).await;
        assert!(matches!(read, Err(StoreError::Unavailable { .. })), "{read:?}");
        let other = ObjectPath { key: ObjectKey::parse("other").expect("good"), ..at.clone() };
        let read = layers.store().head_object(&other, &GetRequest::default()).await;
        assert!(matches!(read, Err(StoreError::NoSuchKey)), "{read:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn draining_does_not_wait_for_an_upstream_that_is_away() {
    let layers = build(CLOUD, &home().await).await;
    let at = ObjectPath { bucket: name("uploads"), key: ObjectKey::parse("key").expect("good") };
    let record = crate::placement::Location {
        truth: crate::placement::location::Truth::Gone,
        todo: Some(crate::placement::location::Todo::new(
            crate::placement::location::Task::Delete,
            Timestamp(1_000),
        )),
        remote: None,
        updated_at: Timestamp(1_000),
        kept: false,
    };
    layers.spool.as_ref().expect("a spool").noted(&at, &record, 0);
    let (start, limit) = (tokio::time::Instant::now(), Duration::from_secs(9));
    layers.drain(limit).await;
    assert_eq!(start.elapsed(), limit, "the upstream may be there still");
    let guard = Arc::clone(&layers.upstreams[0].0.guard);
    for _ in 0..20 {
        let _ = guard.head_object(&at, &GetRequest::default()).await;
    }
    assert!(guard.is_open());
    let start = tokio::time::Instant::now();
    layers.drain(limit).await;
    assert_eq!(start.elapsed(), Duration::ZERO);
}
