//! What can be asked of a migration while it goes, and objects that go wrong.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::world::{World, spec};
use crate::migrate::{Ask, Filter, Limits, List, RefusalKind, Shelf as _, Spec, State};
use crate::placement::Mode;
use crate::placement::tests::world::path;
use crate::placement::transfer::Direction;
use crate::store::{GetRequest, Objects as _, StoreError};

async fn filled(keys: usize) -> World {
    let world = World::new(Mode::Local).await;
    for number in 0..keys {
        world.put(&format!("k{number:03}"), &format!("{number}")).await;
    }
    world
}

fn slowly(requests: u64) -> Spec {
    let requests_per_second = Some(requests);
    Spec {
        limits: Limits { concurrency: 2, bytes_per_second: None, requests_per_second },
        ..spec(Direction::ToS3)
    }
}

async fn started(world: &mut World, spec: Spec) -> String {
    let migrations = Arc::clone(&world.migrations);
    world.until(migrations.start(spec, None)).await.unwrap().unwrap().id
}

async fn pass(world: &mut World, seconds: u64) {
    world.until(tokio::time::sleep(Duration::from_secs(seconds))).await.unwrap();
}

async fn count_there(world: &World, keys: usize) -> usize {
    let mut count = 0;
    for number in 0..keys {
        let at = path(&format!("k{number:03}"));
        count += usize::from(world.there.head_object(&at, &GetRequest::default()).await.is_ok());
    }
    count
}

#[tokio::test(start_paused = true)]
async fn paused_it_stands_still_through_a_restart_and_goes_on_when_told() {
    let mut world = filled(40).await;
    let id = started(&mut world, slowly(10)).await;
    pass(&mut world, 2).await;
    assert_eq!(world.asked(&id, Ask::Pause).await.unwrap().state, State::Paused);
    pass(&mut world, 1).await;
    let moved = world.migrations.view(&id).unwrap().progress.counts.moved;
    assert!((1..40).contains(&moved), "{moved}");
    world.restart(Mode::Local).await;
    pass(&mut world, 60).await;
    let view = world.migrations.view(&id).unwrap();
    assert_eq!((view.state, view.progress.counts.moved), (State::Paused, moved));
    let refusal = world.asked(&id, Ask::Pause).await.unwrap_err();
    assert_eq!(refusal.kind, RefusalKind::Conflict);
    world.asked(&id, Ask::Run).await.unwrap();
    let view = world.over(&id, State::Done).await;
    assert_eq!(view.progress.counts.moved, 40);
    assert_eq!(world.report(&id).await.len(), 40);
}

#[tokio::test(start_paused = true)]
async fn what_is_asked_for_is_shown_at_once_and_from_then_on() {
    for turns in 0..60 {
        let mut world = filled(3).await;
        let id = started(&mut world, slowly(1)).await;
        for _ in 0..turns {
            world.until(tokio::task::yield_now()).await;
        }
        for (ask, state) in [(Ask::Pause, State::Paused), (Ask::Run, State::Running)] {
            assert_eq!(world.asked(&id, ask).await.unwrap().state, state);
            for _ in 0..turns {
                world.until(tokio::task::yield_now()).await;
                let now = world.migrations.view(&id).unwrap().state;
                let follows = ask == Ask::Run && now != State::Paused;
                assert!(now == state || follows, "{now} after {turns} turns");
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_home_does_not_know_yet_after_a_crash_fails_no_object() {
    for ask in [None, Some(Ask::RollBack)] {
        let mut world = filled(10).await;
        let id = started(&mut world, slowly(5)).await;
        pass(&mut world, 1).await;
        world.restart(Mode::Local).await;
        world.disk.break_down(|_| Some(StoreError::Rebuilding));
        if let Some(ask) = ask {
            world.asked(&id, ask).await.unwrap();
        }
        pass(&mut world, 60).await;
        let view = world.migrations.view(&id).unwrap();
        assert_eq!((view.progress.counts.failed, view.state.is_over()), (0, false), "{view:?}");
        assert!(view.waiting.unwrap().contains("being rebuilt"));
        world.disk.mend();
        let state = ask.map_or(State::Done, |_| State::RolledBack);
        let view = world.over(&id, state).await;
        assert_eq!((view.progress.counts.failed, view.waiting), (0, None));
        assert_eq!(count_there(&world, 10).await, if ask.is_none() { 10 } else { 0 });
    }
}

#[tokio::test(start_paused = true)]
async fn limits_are_changed_while_it_goes() {
    let mut world = filled(30).await;
    let id = started(&mut world, slowly(1)).await;
    pass(&mut world, 10).await;
    let slow = world.migrations.view(&id).unwrap().progress.counts.moved;
    assert!(slow < 8, "{slow}");
    let limits = Limits { concurrency: 8, ..Limits::default() };
    let migrations = Arc::clone(&world.migrations);
    migrations.limit(&id, limits).await.unwrap();
    let begin = tokio::time::Instant::now();
    let view = world.over(&id, State::Done).await;
    assert!(begin.elapsed() < Duration::from_secs(5));
    assert_eq!(view.limits, limits);
    world.restart(Mode::Local).await;
    assert_eq!(world.migrations.view(&id).unwrap().limits, limits);
}

#[tokio::test(start_paused = true)]
async fn clients_come_first() {
    let mut world = filled(20).await;
    world.busy.store(100, Ordering::SeqCst);
    let spec = Spec { limits: Limits { concurrency: 8, ..slowly(4).limits }, ..slowly(4) };
    let id = started(&mut world, spec).await;
    pass(&mut world, 2).await;
    let view = world.migrations.view(&id).unwrap();
    assert!(view.progress.in_flight <= 1, "{view:#?}");
    world.busy.store(0, Ordering::SeqCst);
    world.over(&id, State::Done).await;
}

#[tokio::test(start_paused = true)]
async fn cancelled_it_leaves_the_rest_and_can_be_taken_back() {
    let mut world = filled(40).await;
    let id = started(&mut world, slowly(10)).await;
    pass(&mut world, 3).await;
    world.asked(&id, Ask::Cancel).await.unwrap();
    let view = world.over(&id, State::Cancelled).await;
    let moved = usize::try_from(view.progress.counts.moved).unwrap();
    assert!((1..40).contains(&moved), "{moved}");
    assert_eq!(count_there(&world, 40).await, moved, "nothing is left half done");
    world.asked(&id, Ask::RollBack).await.unwrap();
    let view = world.over(&id, State::RolledBack).await;
    assert_eq!(view.rollback.unwrap().moved, moved as u64);
    assert_eq!(count_there(&world, 40).await, 0);
    for number in 0..40 {
        assert!(world.seen(&format!("k{number:03}")).await.is_some());
    }
    let refusal = world.asked(&id, Ask::RollBack).await.unwrap_err();
    assert_eq!(refusal.fault.code, "InvalidState");
}

#[tokio::test(start_paused = true)]
async fn two_over_the_same_objects_are_refused() {
    let mut world = filled(20).await;
    let first = started(&mut world, slowly(1)).await;
    let migrations = Arc::clone(&world.migrations);
    let second = Spec { direction: Direction::ToLocal, ..slowly(1) };
    let refusal = world.until(migrations.start(second, None)).await.unwrap().unwrap_err();
    assert_eq!(
        (refusal.kind, refusal.fault.code.as_str()),
        (RefusalKind::Conflict, "OverlappingMigration")
    );
    assert!(refusal.fault.message.contains(&first));
    world.asked(&first, Ask::Cancel).await.unwrap();
    world.over(&first, State::Cancelled).await;
    world.done(Spec { limits: Limits::default(), ..slowly(1) }).await;
}

#[tokio::test(start_paused = true)]
async fn an_upstream_that_is_away_is_waited_for() {
    let mut world = filled(5).await;
    world.flaky.set_away(true);
    let id = started(&mut world, spec(Direction::ToS3)).await;
    pass(&mut world, 120).await;
    let view = world.migrations.view(&id).unwrap();
    assert_eq!((view.state, view.progress.counts.failed), (State::Running, 0), "{view:#?}");
    assert!(view.waiting.is_some());
    world.flaky.set_away(false);
    let view = world.over(&id, State::Done).await;
    assert_eq!(view.progress.counts.moved, 5);
    assert_eq!(view.waiting, None);
}

#[tokio::test(start_paused = true)]
async fn one_bad_object_stops_nothing_and_is_tried_again_by_its_report() {
    let mut world = filled(5).await;
    world.home.flip(&path("k002"));
    let view = world.done(spec(Direction::ToS3)).await;
    let counts = view.progress.counts;
    assert_eq!((counts.moved, counts.failed), (4, 1), "{view:#?}");
    let lines = world.report(&view.id).await;
    let failed = lines.iter().find(|line| line["outcome"] == "failed").unwrap();
    assert_eq!(failed["key"], "k002");
    assert!(!failed["reason"].as_str().unwrap().is_empty());
    let at = world.there.head_object(&path("k002"), &GetRequest::default()).await;
    assert!(at.is_err(), "what was tried in vain is not left there");
    world.home.flip(&path("k002"));
    let list = Some(List::FailedOf(view.id));
    let filter = Filter { list, ..spec(Direction::ToS3).filter };
    let view = world.done(Spec { filter, ..spec(Direction::ToS3) }).await;
    assert_eq!(view.progress.counts.moved, 1);
}

#[tokio::test(start_paused = true)]
async fn taking_it_back_is_paused_through_a_restart_and_goes_on_when_told() {
    let mut world = filled(40).await;
    let id = world.done(spec(Direction::ToS3)).await.id;
    let migrations = Arc::clone(&world.migrations);
    migrations.limit(&id, slowly(10).limits).await.unwrap();
    world.asked(&id, Ask::RollBack).await.unwrap();
    pass(&mut world, 2).await;
    assert_eq!(world.asked(&id, Ask::Pause).await.unwrap().state, State::Paused);
    pass(&mut world, 1).await;
    let undone = world.migrations.view(&id).unwrap().rollback.unwrap().moved;
    assert!((1..40).contains(&undone), "{undone}");
    world.restart(Mode::Local).await;
    pass(&mut world, 60).await;
    let view = world.migrations.view(&id).unwrap();
    assert_eq!((view.state, view.rollback.unwrap().moved), (State::Paused, undone));
    let refusal = world.asked(&id, Ask::Cancel).await.unwrap_err();
    assert!(refusal.fault.message.contains("on its way back"), "{refusal:?}");
    assert_eq!(world.asked(&id, Ask::Run).await.unwrap().state, State::RollingBack);
    let view = world.over(&id, State::RolledBack).await;
    assert_eq!(view.rollback.unwrap().moved, 40);
    assert_eq!(count_there(&world, 40).await, 0);
    for number in 0..40 {
        assert!(world.seen(&format!("k{number:03}")).await.is_some());
    }
}

#[tokio::test(start_paused = true)]
async fn paused_before_taking_it_back_began_it_is_taken_back_all_the_same() {
    let mut world = filled(5).await;
    let id = world.done(spec(Direction::ToS3)).await.id;
    // Asked at once, without the engine in between.
    let migrations = Arc::clone(&world.migrations);
    migrations.ask(&id, Ask::RollBack).await.unwrap();
    migrations.ask(&id, Ask::Pause).await.unwrap();
    world.restart(Mode::Local).await;
    let view = world.over(&id, State::Paused).await;
    assert_eq!(view.rollback.unwrap().moved, 0);
    world.asked(&id, Ask::RollBack).await.unwrap();
    assert_eq!(world.over(&id, State::RolledBack).await.rollback.unwrap().moved, 5);
}

#[tokio::test(start_paused = true)]
async fn what_was_over_long_ago_is_forgotten_and_its_files_go() {
    let mut world = filled(3).await;
    let old = world.done(spec(Direction::ToS3)).await.id;
    world.clock.advance(91 * 86_400_000);
    let recent = world.done(spec(Direction::ToLocal)).await.id;
    let slow = Spec { limits: slowly(1).limits, ..spec(Direction::ToS3) };
    let running = started(&mut world, slow).await;
    pass(&mut world, 2).await;
    world.asked(&running, Ask::Pause).await.unwrap();
    world.clock.advance(86_400_000);
    pass(&mut world, 2 * 3600).await;
    let known: Vec<String> = world.migrations.latest(10).into_iter().map(|view| view.id).collect();
    assert_eq!(known, [running.clone(), recent.clone()]);
    let files = world.drawer.list().await.unwrap();
    assert!(files.iter().all(|file| !file.starts_with(&old)), "{files:?}");
    assert!(files.contains(&format!("{recent}.journal")));
    world.restart(Mode::Local).await;
    assert_eq!(world.migrations.latest(10).len(), 2);
    assert!(world.migrations.view(&old).is_none());
    let total = world.migrations.totals();
    assert_eq!(total.map(|total| total.counts.moved), [0; 4], "counted since the start");
}
