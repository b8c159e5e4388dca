//! Starting, stopping, flushing, and an upstream that goes and comes back.

use super::*;
use crate::background::Supervisor;
use crate::placement::guard::{GuardOptions, Guarded};

/// An upstream behind its breaker, and all workers.
async fn running() -> (World, Supervisor) {
    let mut guarded = None;
    let world = World::through(Mode::Fallback, SpoolOptions::default(), 1, |store| {
        let store = Arc::new(Guarded::new("main", store, GuardOptions::default()));
        guarded = Some(store.clone());
        store
    })
    .await;
    let mut supervisor = Supervisor::default();
    supervisor.start(guarded.unwrap().prober());
    supervisor.start(world.spool.resume());
    world.spool.forwarders().into_iter().for_each(|forwarder| supervisor.start(forwarder));
    (world, supervisor)
}

async fn wait_until_empty(world: &World) -> Duration {
    let start = Instant::now();
    while world.spool.snapshot().total.waiting > 0 {
        tokio::time::sleep(Duration::from_millis(10)).await;
        assert!(start.elapsed() < Duration::from_mins(10), "{:?}", world.spool);
    }
    start.elapsed()
}

#[tokio::test(start_paused = true)]
async fn forwarding_goes_on_soon_after_the_upstream_is_back() {
    let (world, supervisor) = running().await;
    for (turn, hangs) in (0..).zip([false, true, false, true]) {
        world.tap.upstream_hangs(hangs);
        world.tap.upstream_fails(if hangs { 0 } else { 100 });
        for number in 0..30 {
            let at = path(&format!("{turn}/{number}"));
            world.put(&at, &"waiting".into(), numbered(number)).await.unwrap();
        }
        tokio::time::sleep(Duration::from_secs(300 + turn)).await;
        assert_eq!(world.spool.snapshot().total.waiting, 30);
        world.tap.upstream_hangs(false);
        world.tap.upstream_fails(0);
        let took = wait_until_empty(&world).await;
        assert!(took < Duration::from_secs(10), "took {took:?}");
    }
    supervisor.drain(Duration::from_secs(20)).await;
}

#[tokio::test(start_paused = true)]
async fn an_upstream_that_is_away_is_not_called_again_and_again() {
    let (world, supervisor) = running().await;
    world.tap.upstream_fails(100);
    for number in 0..50 {
        let at = path(&number.to_string());
        world.put(&at, &"waiting".into(), numbered(number)).await.unwrap();
    }
    tokio::time::sleep(Duration::from_mins(10)).await;
    let looks = world.tap.count(Side::Upstream, "head_object");
    let trials = world.tap.count(Side::Upstream, "list_objects");
    assert!(looks < 10, "{looks} looks");
    assert!((150..400).contains(&trials), "{trials} trials in ten minutes");
    supervisor.drain(Duration::from_secs(20)).await;
}

#[tokio::test(start_paused = true)]
async fn a_flush_is_a_barrier() {
    let (world, supervisor) = running().await;
    world.tap.upstream_fails(100);
    for number in 0..10 {
        let at = path(&number.to_string());
        world.put(&at, &"waiting".into(), numbered(number)).await.unwrap();
    }
    let start = Instant::now();
    let flushed = world.spool.flush(Duration::from_secs(30)).await;
    assert_eq!(flushed, Flushed { left: 10, complete: true, dead: 0 });
    assert_eq!(start.elapsed(), Duration::from_secs(30));
    world.tap.upstream_fails(0);
    let flushed = world.spool.flush(Duration::from_secs(30)).await;
    assert_eq!(flushed, Flushed { left: 0, complete: true, dead: 0 });
    assert_eq!(world.spool.flush(Duration::ZERO).await, flushed);
    for number in 0..10 {
        let at = path(&number.to_string());
        world.assert_forwarded(&at, &Some(("waiting".into(), number))).await;
    }
    supervisor.drain(Duration::from_secs(20)).await;
}

#[tokio::test(start_paused = true)]
async fn a_large_backlog_is_found_page_by_page() {
    let mut world = World::new().await;
    world.tap.upstream_fails(100);
    for number in 0..450 {
        let at = path(&format!("{number:03}"));
        if number % 3 == 0 {
            world.settled(&at, &"there".into(), number).await;
        } else {
            world.put(&at, &"waiting".into(), numbered(number)).await.unwrap();
        }
    }
    world.restart();
    let mut resume = world.spool.resume();
    let mut steps = 0;
    while resume.step().await == Next::Now {
        steps += 1;
    }
    assert_eq!(steps, 4, "the buckets, and three pages");
    assert_eq!(world.spool.snapshot().total.waiting, 300);
    world.tap.upstream_fails(0);
    world.drain(1000).await;
    for number in 0..450 {
        let content = if number % 3 == 0 { "there" } else { "waiting" };
        let at = path(&format!("{number:03}"));
        world.assert_forwarded(&at, &Some((content.into(), number))).await;
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_crash_left_here_is_removed_at_the_next_start() {
    let mut world = World::new().await;
    let at = path("a");
    world.settled(&at, &"there".into(), 1).await;
    world.home.put_object(&at, numbered(1), body(&"there".into())).await.unwrap();
    world.restart();
    world.resume().await;
    world.assert_forwarded(&at, &Some(("there".into(), 1))).await;
}

#[tokio::test(start_paused = true)]
async fn resuming_waits_for_a_store_that_does_not_know_yet() {
    let mut world = World::new().await;
    world.put(&path("a"), &"waiting".into(), numbered(1)).await.unwrap();
    world.restart();
    world.tap.crash_after(0, tapped::Fault::Before);
    let mut resume = world.spool.resume();
    assert!(matches!(resume.step().await, Next::After(_)));
    assert!(!world.spool.snapshot().complete);
    world.tap.revive();
    while resume.step().await == Next::Now {}
    assert_eq!(world.spool.snapshot().total.waiting, 1);
}

#[tokio::test(start_paused = true)]
async fn a_forwarder_that_is_cut_off_loses_nothing() {
    let world = World::new().await;
    let at = path("a");
    world.put(&at, &"waiting".into(), numbered(1)).await.unwrap();
    world.tap.upstream_hangs(true);
    let mut supervisor = Supervisor::default();
    world.spool.forwarders().into_iter().for_each(|forwarder| supervisor.start(forwarder));
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(world.spool.sending().in_use(), 1);
    let start = Instant::now();
    supervisor.drain(Duration::from_secs(5)).await;
    assert_eq!(start.elapsed(), Duration::from_secs(5));
    assert_eq!((world.keys.in_use(), world.spool.sending().in_use()), (0, 0));
    world.tap.upstream_hangs(false);
    world.drain(5).await;
    world.assert_forwarded(&at, &Some(("waiting".into(), 1))).await;
}

#[tokio::test(start_paused = true)]
async fn idle_forwarders_end_at_once() {
    let (_world, supervisor) = running().await;
    tokio::time::sleep(Duration::from_mins(1)).await;
    let start = Instant::now();
    supervisor.drain(Duration::from_secs(20)).await;
    assert!(start.elapsed() <= Duration::from_millis(500));
}
