//! Fallback: an upstream that is away, dies in the middle, or loses its answer.

use std::sync::Arc;

use super::World;
use super::world::{bucket, content, failing, path, place_with};
use crate::background::Worker as _;
use crate::body::BodyError;
use crate::object::{
    ConditionHeader, ETagMatch, ListQuery, ReadConditions, Replication, TagSet, WriteCondition,
};
use crate::placement::Mode;
use crate::placement::location::{Task, Truth};
use crate::placement::spool::SpoolOptions;
use crate::store::conformance::{self, body};
use crate::store::{
    Call, DeleteRequest, Deleted, GetRequest, NewObject, Objects as _, Store, StoreError, Tags as _,
};

async fn world() -> World {
    World::new(Mode::Fallback).await
}

fn unavailable() -> StoreError {
    StoreError::Unavailable { what: "on purpose".to_owned() }
}

macro_rules! is_unavailable {
    ($call:expr) => {
        let answer = $call;
        assert!(matches!(answer, Err(StoreError::Unavailable { .. })), "{answer:?}");
    };
}

async fn at_home(world: &World, key: &str) -> bool {
    world.home.head_object(&path(key), &GetRequest::default()).await.is_ok()
}

async fn upstream(world: &World, key: &str) -> bool {
    world.there.head_object(&path(key), &GetRequest::default()).await.is_ok()
}

#[tokio::test]
async fn while_the_upstream_works_objects_are_there_and_nowhere_else() {
    let world = world().await;
    let stored = world.put("a", &content("one")).await.unwrap();
    assert_eq!(stored.object.replication, Some(Replication::Completed));
    assert!(upstream(&world, "a").await && !at_home(&world, "a").await);
    let record = world.record("a").await.unwrap();
    let remote = record.remote.unwrap();
    assert_eq!((record.truth, record.todo), (Truth::Remote, None));
    assert_eq!((remote.bucket.as_str(), remote.key.as_str()), ("real-bucket", "prefix/a"));
    assert_eq!((&remote.etag, remote.size), (&stored.object.etag, 3));
    assert_eq!(world.got("a").await.unwrap().head.object, stored.object);
    world.delete("a").await.unwrap();
    assert!(!upstream(&world, "a").await);
    assert_eq!(world.record("a").await, None);
}

#[tokio::test]
async fn what_is_written_meanwhile_is_read_at_once_and_forwarded_as_it_was() {
    let world = world().await;
    world.put("a", &content("before")).await.unwrap();
    world.go_away();
    let stored = world.put("a", &content("meanwhile")).await.unwrap().object;
    assert_eq!(stored.replication, Some(Replication::Pending));
    assert_eq!(world.read("a").await.unwrap(), content("meanwhile"));
    assert_eq!(world.got("a").await.unwrap().head.object, stored);
    is_unavailable!(world.read("unknown").await);
    world.clock.advance(60_000);
    world.come_back();
    assert_eq!(world.listed().await.unwrap(), ["a"]);
    world.forward().await;
    assert!(upstream(&world, "a").await && !at_home(&world, "a").await);
    let got = world.got("a").await.unwrap().head.object;
    assert_eq!((got.etag, got.last_modified), (stored.etag, stored.last_modified));
    assert_eq!(got.replication, Some(Replication::Completed));
    let page = world.list(&ListQuery { limit: 1, ..ListQuery::default() }).await.unwrap();
    let crate::object::ListEntry::Object { last_modified, .. } = &page.entries[0] else {
        panic!("an object")
    };
    assert_eq!(*last_modified, stored.last_modified, "the list shows when clients stored it");
}

#[tokio::test]
async fn deletes_are_journalled() {
    let world = world().await;
    world.put("a", &content("a")).await.unwrap();
    world.go_away();
    assert_eq!(world.delete("a").await.unwrap(), Deleted::default());
    assert!(matches!(world.read("a").await, Err(StoreError::NoSuchKey)));
    world.delete("a").await.unwrap();
    // Nothing is known of it, which is no reason to refuse.
    world.delete("unknown").await.unwrap();
    assert!(matches!(world.read("unknown").await, Err(StoreError::NoSuchKey)));
    world.come_back();
    assert!(matches!(world.read("a").await, Err(StoreError::NoSuchKey)));
    assert!(world.listed().await.unwrap().is_empty());
    world.put("a", &content("again")).await.unwrap();
    let todo = world.record("a").await.unwrap().todo;
    assert_eq!(todo.unwrap().task, Task::Put, "it is forwarded in its turn");
    world.forward().await;
    assert_eq!(world.listed().await.unwrap(), ["a"]);
    assert_eq!(world.read("a").await.unwrap(), content("again"));
    assert!(upstream(&world, "a").await && !at_home(&world, "a").await);
}

#[tokio::test]
async fn a_lost_answer_costs_the_client_nothing() {
    let world = world().await;
    world.put("a", &content("old")).await.unwrap();
    world.faults.fail_next(Call::PutObject, unavailable());
    let stored = world.put("a", &content("new")).await.unwrap();
    assert_eq!(stored.object.replication, Some(Replication::Pending));
    let todo = world.record("a").await.unwrap().todo.unwrap();
    assert_eq!(todo.task, Task::Put);
    // While it waits, everything else of the key waits too.
    world.put("a", &content("newer")).await.unwrap();
    assert_eq!(world.faults.count(Call::PutObject), 2);
    world.forward().await;
    assert_eq!(world.read("a").await.unwrap(), content("newer"));
    assert_eq!(world.record("a").await.unwrap().truth, Truth::Remote);
}

#[tokio::test]
async fn a_rejected_body_is_stored_nowhere() {
    let world = world().await;
    for away in [false, true] {
        if away {
            world.go_away();
        }
        let body = failing(&content("half of it"));
        let put = world.placement.put_object(&path("a"), NewObject::default(), body).await;
        assert!(matches!(put, Err(StoreError::Body(BodyError::Md5))), "{put:?}");
        assert!(!upstream(&world, "a").await && !at_home(&world, "a").await);
        assert_eq!(world.record("a").await, None);
    }
}

#[tokio::test]
async fn what_the_upstream_refuses_is_the_answer() {
    let world = world().await;
    let refusal = StoreError::Refused { code: "EntityTooLarge".into(), message: "no".into() };
    world.faults.fail_next(Call::PutObject, refusal);
    let put = world.put("a", &content("a")).await;
    assert!(matches!(put, Err(StoreError::Refused { .. })), "{put:?}");
    assert!(!at_home(&world, "a").await);
    assert_eq!(world.record("a").await, None);
    world.faults.fail_next(Call::PutObject, StoreError::NoSuchBucket);
    let stored = world.put("a", &content("a")).await.unwrap();
    assert_eq!(stored.object.replication, Some(Replication::Pending), "a bucket that is missing");
}

#[tokio::test]
async fn conditions_that_only_the_upstream_can_decide() {
    let world = world().await;
    let old = world.put("there", &content("old")).await.unwrap().object.etag;
    let same = |etag| Some(WriteCondition::Matches(ETagMatch::Tags(vec![etag])));
    world.go_away();
    for condition in [Some(WriteCondition::Absent), same(old.clone())] {
        for key in ["there", "unknown"] {
            is_unavailable!(world.put_if(key, &content("x"), condition.clone()).await);
            let condition = condition.as_ref().unwrap();
            is_unavailable!(world.placement.check_condition(&path(key), condition).await);
        }
    }
    let delete = DeleteRequest { version: None, condition: same(old) };
    is_unavailable!(world.placement.delete_object(&path("there"), &delete).await);
    assert!(!at_home(&world, "there").await && !at_home(&world, "unknown").await);

    // What is here, or is known to be gone, is decided here.
    let here = world.put("here", &content("1")).await.unwrap().object.etag;
    let exists = world.put_if("here", &content("2"), Some(WriteCondition::Absent)).await;
    let failed = StoreError::PreconditionFailed(ConditionHeader::IfNoneMatch).to_string();
    assert_eq!(exists.unwrap_err().to_string(), failed);
    let newer = world.put_if("here", &content("2"), same(here.clone())).await.unwrap();
    let stale = world.put_if("here", &content("3"), same(here)).await;
    assert!(matches!(stale, Err(StoreError::PreconditionFailed(ConditionHeader::IfMatch))));
    let delete = DeleteRequest { version: None, condition: same(newer.object.etag) };
    world.placement.delete_object(&path("here"), &delete).await.unwrap();
    let missing = world.put_if("here", &content("4"), same(crate::object::ETag::parse("x"))).await;
    assert!(matches!(missing, Err(StoreError::NoSuchKey)), "{missing:?}");
    world.put_if("here", &content("4"), Some(WriteCondition::Absent)).await.unwrap();
    assert_eq!(world.read("here").await.unwrap(), content("4"));
}

#[tokio::test]
async fn a_conditional_write_whose_answer_is_lost_is_not_spooled() {
    let world = world().await;
    world.faults.fail_next(Call::PutObject, unavailable());
    is_unavailable!(world.put_if("a", &content("a"), Some(WriteCondition::Absent)).await);
    assert_eq!(world.record("a").await, None);
    assert!(!at_home(&world, "a").await);
    let old = world.put("a", &content("old")).await.unwrap().object.etag;
    world.faults.fail_next(Call::PutObject, unavailable());
    let same = Some(WriteCondition::Matches(ETagMatch::Tags(vec![old])));
    is_unavailable!(world.put_if("a", &content("new"), same.clone()).await);
    // What became of it is found out; nothing is sent.
    world.forward().await;
    assert_eq!(world.record("a").await.unwrap().todo, None);
    assert_eq!(world.read("a").await.unwrap(), content("old"));
    world.put_if("a", &content("new"), same).await.unwrap();
}

#[tokio::test]
async fn tags_of_what_waits_are_forwarded() {
    let world = world().await;
    let tags = |value: &str| TagSet::for_object([("k".to_owned(), value.to_owned())]).unwrap();
    world.put("there", &content("x")).await.unwrap();
    world.placement.set_object_tags(&path("there"), None, tags("1")).await.unwrap();
    world.go_away();
    is_unavailable!(world.placement.set_object_tags(&path("there"), None, tags("2")).await);
    world.put("here", &content("y")).await.unwrap();
    world.placement.set_object_tags(&path("here"), None, tags("3")).await.unwrap();
    assert_eq!(world.placement.object_tags(&path("here"), None).await.unwrap(), tags("3"));
    world.delete("there").await.unwrap();
    let tagged = world.placement.set_object_tags(&path("there"), None, tags("4")).await;
    assert!(matches!(tagged, Err(StoreError::NoSuchKey)), "{tagged:?}");
    world.come_back();
    world.forward().await;
    assert_eq!(world.there.object_tags(&path("here"), None).await.unwrap(), tags("3"));
    assert_eq!(world.placement.object_tags(&path("here"), None).await.unwrap(), tags("3"));
}

/// A spool that is full refuses, as soon as it is known that the upstream is away: what comes is
/// not read, and nothing changes.
#[tokio::test]
async fn a_full_spool_refuses() {
    let world = World::new(Mode::Fallback).await;
    let options = SpoolOptions { max_bytes: 10, ..SpoolOptions::default() };
    let there = Arc::clone(&world.faults) as Arc<dyn Store>;
    let (placement, spool) =
        place_with(options, Mode::Fallback, world.home.clone(), there, world.clock.clone());
    let put = async |key: &str, text: &str| {
        let body = body(&content(text), None);
        placement.put_object(&path(key), NewObject::default(), body).await
    };
    put("there", "more than ten bytes").await.unwrap();
    world.go_away();
    put("a", "12345").await.unwrap();
    let full = put("b", "1234567").await;
    assert!(matches!(full, Err(StoreError::Busy { .. })), "{full:?}");
    // Of a body that goes on for ever nothing more is waited for.
    let endless = conformance::abandoned(&content("more than ten bytes"));
    let full = placement.put_object(&path("c"), NewObject::default(), endless).await;
    assert!(matches!(full, Err(StoreError::Busy { .. })), "{full:?}");
    assert!(!at_home(&world, "b").await && !at_home(&world, "c").await);
    assert_eq!(spool.snapshot().total.waiting, 1);
    world.come_back();
    let mut forwarders = spool.forwarders();
    forwarders[0].step().await;
    put("b", "1234567").await.unwrap();
    assert!(upstream(&world, "b").await);
}

#[tokio::test]
async fn reads_on_conditions_while_it_waits() {
    let world = world().await;
    world.go_away();
    let etag = world.put("a", &content("a")).await.unwrap().object.etag;
    let known = ReadConditions {
        if_none_match: Some(ETagMatch::Tags(vec![etag])),
        ..ReadConditions::default()
    };
    let request = GetRequest { conditions: known, ..GetRequest::default() };
    for forwarded in [false, true] {
        if forwarded {
            world.come_back();
            world.forward().await;
        }
        let got = world.placement.get_object(&path("a"), &request).await;
        assert!(matches!(got, Err(StoreError::NotModified { .. })), "{got:?}");
    }
    assert!(world.placement.list_objects(&bucket(), &ListQuery::default()).await.is_ok());
}
