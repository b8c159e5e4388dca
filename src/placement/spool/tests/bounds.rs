//! How much may wait.

use super::*;

async fn bounded() -> World {
    let options = SpoolOptions {
        max_bytes: 100,
        max_objects: 3,
        max_age: Duration::from_mins(1),
        retry_after: Duration::from_secs(7),
        ..SpoolOptions::default()
    };
    World::with(Mode::Fallback, options, 1).await
}

#[track_caller]
fn assert_busy(result: Result<Ticket>, word: &str) {
    match result {
        Err(StoreError::Busy { what, retry_after }) => {
            assert!(what.contains(word), "{what}");
            assert_eq!(retry_after, Duration::from_secs(7));
        }
        other => panic!("{other:?}"),
    }
}

fn bytes(length: usize) -> Bytes {
    Bytes::from(vec![b'x'; length])
}

#[tokio::test(start_paused = true)]
async fn bytes_are_bounded_with_what_is_on_its_way() {
    let world = bounded().await;
    let ticket = world.spool.admit(&path("a"), Some(60)).unwrap();
    assert_busy(world.spool.admit(&path("b"), Some(41)), "100 bytes");
    world.put(&path("a"), &bytes(60), numbered(1)).await.unwrap();
    drop(ticket);
    let ticket = world.spool.admit(&path("b"), Some(40)).unwrap();
    assert_busy(world.spool.admit(&path("b"), Some(1)), "100 bytes");
    drop(ticket);
    world.put(&path("b"), &bytes(40), numbered(2)).await.unwrap();
    assert_busy(world.spool.admit(&path("c"), Some(1)), "100 bytes");
    drop(world.spool.admit(&path("c"), Some(0)).expect("a delete takes no room"));
    world.drain(10).await;
    drop(world.spool.admit(&path("c"), Some(100)).unwrap());
}

#[tokio::test(start_paused = true)]
async fn keys_are_bounded_but_those_that_wait_already() {
    let world = bounded().await;
    for key in ["a", "b"] {
        world.put(&path(key), &bytes(1), numbered(1)).await.unwrap();
    }
    let _third = world.spool.admit(&path("c"), None).unwrap();
    assert_busy(world.spool.admit(&path("d"), None), "3 objects");
    drop(world.spool.admit(&path("a"), Some(1)).unwrap());
}

#[tokio::test(start_paused = true)]
async fn age_is_bounded_and_dead_letters_do_not_count() {
    let world = bounded().await;
    world.settled(&path("a"), &bytes(1), 1).await;
    world.put(&path("a"), &bytes(2), numbered(2)).await.unwrap();
    world.clock.advance(60_000);
    drop(world.spool.admit(&path("b"), Some(1)).unwrap());
    world.clock.advance(1);
    assert_busy(world.spool.admit(&path("b"), Some(1)), "60s");
    world.upstream.put_object(&path("a"), numbered(3), body(&bytes(3))).await.unwrap();
    world.drain(10).await;
    assert_eq!(world.spool.snapshot().total, Depth { waiting: 0, dead: 1, bytes: 2 });
    drop(world.spool.admit(&path("b"), Some(98)).unwrap());
    assert_busy(world.spool.admit(&path("b"), Some(99)), "100 bytes");
}

#[tokio::test(start_paused = true)]
async fn the_backlog_counts_once_it_is_known() {
    let mut world = bounded().await;
    for key in ["a", "b", "c"] {
        world.put(&path(key), &bytes(30), numbered(1)).await.unwrap();
    }
    world.restart();
    drop(world.spool.admit(&path("d"), Some(30)).unwrap());
    assert!(!world.spool.snapshot().complete);
    world.resume().await;
    let snapshot = world.spool.snapshot();
    assert!(snapshot.complete);
    assert_eq!(snapshot.total, Depth { waiting: 3, dead: 0, bytes: 90 });
    assert_eq!(snapshot.oldest, Some(START));
    assert_eq!(snapshot.buckets, [(bucket(), snapshot.total)]);
    assert_busy(world.spool.admit(&path("d"), Some(1)), "3 objects");
}
