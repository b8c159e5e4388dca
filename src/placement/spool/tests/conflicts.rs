//! Writes behind the gateway's back, and refusals.

use super::*;
use crate::store::{Call, FaultStore};

async fn dead_letter(world: &World, at: &ObjectPath) -> String {
    world.drain(5000).await;
    let letters = world.spool.dead_letters(10);
    assert_eq!(letters.len(), 1);
    assert_eq!(letters[0].at, *at);
    let todo = world.record(at).await.unwrap().todo.unwrap();
    assert_eq!(todo.failed.as_ref(), Some(&letters[0].reason));
    letters[0].reason.clone()
}

#[tokio::test(start_paused = true)]
async fn what_somebody_else_wrote_is_reported_and_never_overwritten() {
    for delete in [false, true] {
        let mut world = World::new().await;
        let at = path("a");
        world.settled(&at, &"old".into(), 1).await;
        if delete {
            world.delete(&at).await.unwrap();
        } else {
            world.put(&at, &"ours".into(), numbered(2)).await.unwrap();
        }
        let seen = world.view(&at).await;
        world.upstream.put_object(&at, numbered(3), body(&"foreign".into())).await.unwrap();
        let reason = dead_letter(&world, &at).await;
        assert!(reason.contains("behind the gateway's back"), "{reason}");
        let foreign = Some((Bytes::from("foreign"), 3));
        assert_eq!(read(&world.upstream, &at).await, foreign);
        assert_eq!(world.view(&at).await, seen, "clients go on seeing their own");

        world.restart();
        world.resume().await;
        assert_eq!(dead_letter(&world, &at).await, reason, "found again after a restart");
        assert_eq!(world.spool.retry_dead().await.unwrap(), 1);
        assert_eq!(dead_letter(&world, &at).await, reason, "and still one");
        assert_eq!(read(&world.upstream, &at).await, foreign);

        // Someone looked, and moved it away.
        world.upstream.delete_object(&at, &DeleteRequest::default()).await.unwrap();
        assert!(world.spool.retry(&at).await.unwrap());
        assert!(!world.spool.retry(&at).await.unwrap());
        world.drain(10).await;
        world.assert_forwarded(&at, &seen).await;
    }
}

#[tokio::test(start_paused = true)]
async fn without_a_record_the_time_tells_who_was_first() {
    let world = World::new().await;
    let (older, newer) = (path("older"), path("newer"));
    world.upstream.put_object(&older, numbered(1), body(&"there".into())).await.unwrap();
    world.clock.advance(5000);
    for at in [&older, &newer] {
        world.put(at, &"ours".into(), numbered(2)).await.unwrap();
    }
    world.clock.advance(5000);
    world.upstream.put_object(&newer, numbered(3), body(&"foreign".into())).await.unwrap();
    dead_letter(&world, &newer).await;
    world.assert_forwarded(&older, &Some(("ours".into(), 2))).await;
    assert_eq!(read(&world.upstream, &newer).await, Some(("foreign".into(), 3)));
}

#[tokio::test(start_paused = true)]
async fn a_write_between_the_look_and_the_send_is_noticed() {
    let mut faults = None;
    let world = World::through(Mode::Fallback, SpoolOptions::default(), 1, |store| {
        let store = Arc::new(FaultStore::new(store));
        faults = Some(store.clone());
        store
    })
    .await;
    let at = path("a");
    world.settled(&at, &"old".into(), 1).await;
    world.put(&at, &"ours".into(), numbered(2)).await.unwrap();
    let header = crate::object::ConditionHeader::IfMatch;
    faults.unwrap().fail_next(Call::PutObject, StoreError::PreconditionFailed(header));
    world.drain(1).await;
    assert_eq!(world.record(&at).await.unwrap().todo.unwrap().attempts, 1);
    world.upstream.put_object(&at, numbered(3), body(&"foreign".into())).await.unwrap();
    dead_letter(&world, &at).await;
    assert_eq!(read(&world.upstream, &at).await, Some(("foreign".into(), 3)));
}

#[tokio::test(start_paused = true)]
async fn what_is_refused_again_and_again_becomes_a_dead_letter() {
    let mut faults = None;
    let world = World::through(Mode::Fallback, SpoolOptions::default(), 1, |store| {
        let store = Arc::new(FaultStore::new(store));
        faults = Some(store.clone());
        store
    })
    .await;
    let faults = faults.unwrap();
    faults.fail_always(Call::PutObject, || StoreError::Refused {
        code: "InvalidStorageClass".to_owned(),
        message: "no such class".to_owned(),
    });
    let at = path("a");
    world.put(&at, &"ours".into(), numbered(1)).await.unwrap();
    let reason = dead_letter(&world, &at).await;
    assert_eq!(reason, "InvalidStorageClass: no such class");
    assert_eq!(faults.count(Call::PutObject), 8);
    assert_eq!(world.view(&at).await, Some(("ours".into(), 1)));
    // A client writes it again: that is another object, and tried anew.
    faults.heal();
    world.put(&at, &"better".into(), numbered(2)).await.unwrap();
    world.drain(10).await;
    world.assert_forwarded(&at, &Some(("better".into(), 2))).await;
}

#[tokio::test(start_paused = true)]
async fn an_upstream_that_fails_makes_no_dead_letters() {
    let mut faults = None;
    let world = World::through(Mode::Fallback, SpoolOptions::default(), 1, |store| {
        let store = Arc::new(FaultStore::new(store));
        faults = Some(store.clone());
        store
    })
    .await;
    let faults = faults.unwrap();
    faults.fail_always(Call::HeadObject, || StoreError::NoSuchBucket);
    let at = path("a");
    world.put(&at, &"ours".into(), numbered(1)).await.unwrap();
    world.drain(500).await;
    assert!(faults.count(Call::HeadObject) > 20);
    let todo = world.record(&at).await.unwrap().todo.unwrap();
    assert_eq!((todo.attempts, todo.failed), (0, None));
    faults.heal();
    world.drain(100).await;
    world.assert_forwarded(&at, &Some(("ours".into(), 1))).await;
}
