//! Modes that change from one start to the next, and what an earlier mode left.

use std::sync::Arc;

use super::World;
use super::flaky::{Fate, Flaky};
use super::world::{content, path, place};
use crate::object::Replication;
use crate::placement::Mode;
use crate::placement::location::{Location, Task, Todo, Truth};
use crate::store::{Call, DeleteRequest, GetRequest, MemoryStore, Objects as _, StoreError};

async fn has(store: &MemoryStore, key: &str) -> bool {
    store.head_object(&path(key), &GetRequest::default()).await.is_ok()
}

/// An object that was recorded elsewhere than where its bucket is mapped to now is not known to be
/// missing.
#[tokio::test]
async fn what_is_recorded_elsewhere_is_503_and_not_404() {
    let world = World::new(Mode::Fallback).await;
    world.put("a", &content("a")).await.unwrap();
    let mut record = world.record("a").await.unwrap();
    record.remote.as_mut().unwrap().bucket = "former-bucket".to_owned();
    world.set_record("a", &record).await;
    // It was moved along with the configuration.
    assert_eq!(world.read("a").await.unwrap(), content("a"));
    world.there.delete_object(&path("a"), &DeleteRequest::default()).await.unwrap();
    let read = world.read("a").await;
    let Err(StoreError::Unavailable { what }) = read else { panic!("{read:?}") };
    assert!(what.contains("former-bucket/prefix/a"), "{what}");
    // Whoever deletes or replaces it knows what it is to be.
    world.put("a", &content("new")).await.unwrap();
    assert_eq!(world.read("a").await.unwrap(), content("new"));
    world.delete("a").await.unwrap();
    assert!(matches!(world.read("a").await, Err(StoreError::NoSuchKey)));
}

#[tokio::test]
async fn objects_of_the_previous_backend_stay_readable_and_listed() {
    let mut world = World::new(Mode::Local).await;
    world.put("local", &content("1")).await.unwrap();
    for (mode, key) in
        [(Mode::Upstream, "upstream"), (Mode::Fallback, "fallback"), (Mode::Local, "again")]
    {
        world.restart(mode).await;
        world.put(key, &content(key)).await.unwrap();
    }
    let mut keys = vec!["again", "fallback", "local", "upstream"];
    keys.sort_unstable();
    for mode in [Mode::Local, Mode::Upstream, Mode::Fallback, Mode::Local] {
        world.restart(mode).await;
        assert_eq!(world.listed().await.unwrap(), keys, "{mode:?}");
        assert_eq!(world.read("local").await.unwrap(), content("1"), "{mode:?}");
        for key in ["upstream", "fallback", "again"] {
            assert_eq!(world.read(key).await.unwrap(), content(key), "{mode:?}");
        }
    }
}

#[tokio::test]
async fn local_mode_calls_the_upstream_for_what_is_recorded_there_alone() {
    let mut world = World::new(Mode::Upstream).await;
    world.put("there", &content("there")).await.unwrap();
    World::plant(&world.there, "unknown", &content("x")).await;
    world.restart(Mode::Local).await;
    let calls = |world: &World| Call::ALL.iter().map(|call| world.faults.count(*call)).sum();
    let before: usize = calls(&world);
    world.put("here", &content("here")).await.unwrap();
    assert_eq!(world.read("here").await.unwrap(), content("here"));
    assert_eq!(world.listed().await.unwrap(), ["here", "there"]);
    assert!(matches!(world.read("unknown").await, Err(StoreError::NoSuchKey)));
    world.delete("here").await.unwrap();
    assert_eq!(calls(&world), before, "the upstream was called");
    assert_eq!(world.read("there").await.unwrap(), content("there"));
    world.go_away();
    let away = world.read("there").await;
    assert!(matches!(away, Err(StoreError::Unavailable { .. })), "{away:?}");
    assert_eq!(world.listed().await.unwrap(), ["there"]);
}

#[tokio::test]
async fn what_local_mode_overwrites_or_deletes_goes_upstream_later() {
    let mut world = World::new(Mode::Fallback).await;
    for key in ["overwritten", "deleted", "both"] {
        world.put(key, &content("old")).await.unwrap();
    }
    world.restart(Mode::Local).await;
    world.go_away();
    let stored = world.put("overwritten", &content("new")).await.unwrap();
    assert_eq!(stored.object.replication, None);
    world.delete("deleted").await.unwrap();
    world.put("both", &content("new")).await.unwrap();
    world.delete("both").await.unwrap();
    for restarts in 0..2 {
        assert_eq!(world.listed().await.unwrap(), ["overwritten"]);
        assert_eq!(world.read("overwritten").await.unwrap(), content("new"));
        for key in ["deleted", "both"] {
            assert!(matches!(world.read(key).await, Err(StoreError::NoSuchKey)), "{restarts}");
        }
        world.restart(Mode::Local).await;
    }
    let todo = world.record("overwritten").await.unwrap().todo.unwrap();
    assert_eq!(todo.task, Task::Delete, "what is local stays local");
    world.come_back();
    world.forward().await;
    for key in ["overwritten", "deleted", "both"] {
        assert!(!has(&world.there, key).await, "{key}");
        assert_eq!(world.record(key).await, None, "{key}");
    }
    world.restart(Mode::Fallback).await;
    assert_eq!(world.listed().await.unwrap(), ["overwritten"]);
}

#[tokio::test]
async fn left_overs_come_first_in_upstream_mode_and_go_with_the_next_write() {
    let mut world = World::new(Mode::Fallback).await;
    world.put("deleted", &content("old")).await.unwrap();
    world.go_away();
    world.put("put", &content("left over")).await.unwrap();
    world.delete("deleted").await.unwrap();
    World::plant(&world.home, "plain", &content("of local mode")).await;
    world.restart(Mode::Upstream).await;
    assert_eq!(world.read("put").await.unwrap(), content("left over"));
    let got = world.got("put").await.unwrap();
    assert_eq!(got.head.object.replication, Some(Replication::Pending));
    assert!(matches!(world.read("deleted").await, Err(StoreError::NoSuchKey)));
    assert_eq!(world.read("plain").await.unwrap(), content("of local mode"));
    // Nothing is acknowledged that the upstream did not acknowledge, and nothing is lost.
    for key in ["put", "deleted", "plain", "new"] {
        let put = world.put(key, &content("newer")).await;
        assert!(matches!(put, Err(StoreError::Unavailable { .. })), "{key} {put:?}");
        let deleted = world.delete(key).await;
        assert!(matches!(deleted, Err(StoreError::Unavailable { .. })), "{key} {deleted:?}");
    }
    assert_eq!(world.read("put").await.unwrap(), content("left over"));
    assert_eq!(world.read("plain").await.unwrap(), content("of local mode"));
    world.come_back();
    assert_eq!(world.listed().await.unwrap(), ["plain", "put"]);
    for key in ["put", "deleted", "plain"] {
        world.put(key, &content("newer")).await.unwrap();
        assert!(!has(&world.home, key).await, "{key}");
        let record = world.record(key).await.unwrap();
        assert_eq!((record.truth, record.todo), (Truth::Remote, None), "{key}");
        assert_eq!(world.read(key).await.unwrap(), content("newer"));
        world.delete(key).await.unwrap();
        assert!(matches!(world.read(key).await, Err(StoreError::NoSuchKey)));
        assert_eq!(world.record(key).await, None);
    }
    world.forward().await;
    assert!(world.listed().await.unwrap().is_empty());
}

#[tokio::test]
async fn what_a_crash_left_of_a_write_is_no_object() {
    for mode in [Mode::Local, Mode::Upstream, Mode::Fallback] {
        let mut world = World::new(mode).await;
        World::plant(&world.there, "a", &content("there")).await;
        let todo = Some(Todo::new(Task::Put, super::world::START));
        let updated_at = super::world::START;
        let record = Location { truth: Truth::Local, todo, remote: None, updated_at, kept: false };
        world.set_record("a", &record).await;
        match mode {
            Mode::Local => {
                assert!(matches!(world.read("a").await, Err(StoreError::NoSuchKey)));
                assert!(world.listed().await.unwrap().is_empty());
            }
            Mode::Upstream | Mode::Fallback => {
                assert_eq!(world.read("a").await.unwrap(), content("there"));
                assert_eq!(world.listed().await.unwrap(), ["a"]);
            }
        }
        // An older copy under a record that says otherwise never comes to light.
        World::plant(&world.home, "a", &content("stale")).await;
        let record = Location { truth: Truth::Gone, ..record };
        world.set_record("a", &record).await;
        world.restart(mode).await;
        assert!(matches!(world.read("a").await, Err(StoreError::NoSuchKey)), "{mode:?}");
        assert!(world.listed().await.unwrap().is_empty(), "{mode:?}");
    }
}

/// The upstream stored what it was sent, but its answer was lost, and the mode is another before
/// anyone found out.
#[tokio::test]
async fn a_write_that_was_never_heard_of_is_not_forgotten() {
    let mut world = World::new(Mode::Upstream).await;
    let net = Arc::new(Flaky::new(Arc::clone(&world.there), Fate::open()));
    let home = Arc::clone(&world.home);
    (world.placement, world.spool) =
        place(Mode::Upstream, home, Arc::clone(&net) as _, world.clock.clone());
    net.set_deaf(true);
    for key in ["found", "deleted", "overwritten"] {
        let put = world.put(key, &content(key)).await;
        assert!(matches!(put, Err(StoreError::Unavailable { .. })), "{put:?}");
        assert!(has(&world.there, key).await);
    }
    world.restart(Mode::Local).await;
    assert_eq!(world.read("found").await.unwrap(), content("found"));
    world.delete("deleted").await.unwrap();
    world.put("overwritten", &content("new")).await.unwrap();
    world.forward().await;
    for mode in [Mode::Local, Mode::Upstream, Mode::Fallback] {
        world.restart(mode).await;
        assert_eq!(world.listed().await.unwrap(), ["found", "overwritten"], "{mode:?}");
        assert_eq!(world.read("overwritten").await.unwrap(), content("new"));
        assert!(matches!(world.read("deleted").await, Err(StoreError::NoSuchKey)), "{mode:?}");
    }
    assert!(!has(&world.there, "deleted").await);
}
