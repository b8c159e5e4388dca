//! The process ends before and after every call of a layer and of the files.

use std::sync::Arc;
use std::time::Duration;

use super::world::{Seen, World, spec};
use crate::migrate::{Ask, Limits, Spec, State};
use crate::placement::Mode;
use crate::placement::tests::world::path;
use crate::placement::transfer::Direction;
use crate::store::{GetRequest, Objects as _};

const KEYS: [&str; 3] = ["a", "d/1", "e"];

/// When the process ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum During {
    Migration,
    Rollback,
    Cancelling,
}

#[tokio::test(start_paused = true)]
async fn a_migration_goes_on_wherever_it_ended() {
    for direction in [Direction::ToS3, Direction::ToLocal] {
        for mode in [Mode::Local, Mode::Fallback] {
            every_step(direction, mode, During::Migration).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_rollback_goes_on_wherever_it_ended() {
    for direction in [Direction::ToS3, Direction::ToLocal] {
        every_step(direction, Mode::Local, During::Rollback).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_migration_leaves_nothing_half_done() {
    for direction in [Direction::ToS3, Direction::ToLocal] {
        every_step(direction, Mode::Local, During::Cancelling).await;
    }
}

async fn every_step(direction: Direction, mode: Mode, during: During) {
    for power in [false, true] {
        let mut steps = 0;
        // Every one at first, and then some of many.
        while ends_at(direction, mode, during, steps, power).await {
            steps += if steps < 40 { 1 } else { 3 };
        }
        assert!(steps > 40, "{direction:?} {mode:?} {during:?}: more steps than {steps}");
    }
}

/// Whether the process ended before the migration was over.
async fn ends_at(
    direction: Direction,
    mode: Mode,
    during: During,
    steps: i64,
    power: bool,
) -> bool {
    let words = format!("{direction:?} {mode:?} {during:?} {steps} {power}");
    let mut world = World::new(Mode::Local).await;
    for key in KEYS {
        world.put(key, key).await;
    }
    if direction == Direction::ToLocal {
        world.done(spec(Direction::ToS3)).await;
    }
    world.restart(mode).await;
    let before = all(&world).await;
    let mut id = None;
    if during == During::Rollback {
        id = Some(world.done(spec(direction)).await.id);
    }
    world.fate.crash_after(steps);
    let crashed = run(&mut world, direction, during, id).await.is_none();
    if crashed && power {
        world.drawer.lose_power();
    }
    world.restart(mode).await;
    assert_eq!(all(&world).await, before, "{words}");
    let known = world.migrations.latest(1);
    let latest = known.first().filter(|view| view.direction == direction);
    let id = match (latest, during) {
        (Some(view), _) => view.id.clone(),
        (None, _) => world.done(spec(direction)).await.id,
    };
    let state = world.migrations.view(&id).unwrap().state;
    match during {
        During::Migration => {
            let view = world.over(&id, State::Done).await;
            assert_eq!(view.progress.counts.moved, 3, "{words}: {view:#?}");
        }
        During::Rollback => {
            if state == State::Done && world.migrations.view(&id).unwrap().rollback.is_none() {
                world.asked(&id, Ask::RollBack).await.unwrap();
            }
            world.over(&id, State::RolledBack).await;
        }
        During::Cancelling => {
            if state.allows(Ask::Cancel) {
                world.asked(&id, Ask::Cancel).await.unwrap();
            }
            let migrations = Arc::clone(&world.migrations);
            world.until(async { over(&migrations, &id).await }).await.unwrap();
        }
    }
    world.forward().await;
    assert_eq!(all(&world).await, before, "{words}");
    check_report(&world, &id, &words).await;
    check_layers(&world, &id, direction, during, &words).await;
    crashed
}

async fn over(migrations: &crate::migrate::Migrations, id: &str) {
    while !migrations.view(id).unwrap().state.is_over() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// Runs up to the crash, if there is one.
async fn run(
    world: &mut World,
    direction: Direction,
    during: During,
    id: Option<String>,
) -> Option<()> {
    let migrations = Arc::clone(&world.migrations);
    let id = if let Some(id) = id {
        id
    } else {
        let spec = Spec { limits: pace(during), ..spec(direction) };
        world.until(migrations.start(spec, None)).await?.unwrap().id
    };
    match during {
        During::Migration => {
            world.reached(&id, State::Done).await?;
        }
        During::Rollback => {
            let known = id.clone();
            world.until(async { migrations.ask(&known, Ask::RollBack).await }).await?.unwrap();
            world.reached(&id, State::RolledBack).await?;
        }
        During::Cancelling => {
            let known = id.clone();
            let asking = async {
                // Some are moved by then, and some are under way.
                tokio::time::sleep(Duration::from_millis(350)).await;
                let _ = migrations.ask(&known, Ask::Cancel).await;
                over(&migrations, &known).await;
            };
            world.until(asking).await?;
        }
    }
    Some(())
}

fn pace(during: During) -> Limits {
    let slow = during == During::Cancelling;
    Limits { requests_per_second: slow.then_some(10), ..spec(Direction::ToS3).limits }
}

async fn all(world: &World) -> Vec<Option<Seen>> {
    let mut all = Vec::new();
    for key in KEYS {
        all.push(world.seen(key).await);
    }
    all
}

/// Every object has one line, or one for each way.
async fn check_report(world: &World, id: &str, words: &str) {
    let lines = world.report(id).await;
    for phase in ["migrate", "rollback"] {
        let of_phase = lines.iter().filter(|line| line["phase"] == phase);
        let mut keys: Vec<_> = of_phase.map(|line| line["key"].as_str().unwrap()).collect();
        keys.sort_unstable();
        let count = keys.len();
        keys.dedup();
        assert_eq!(keys.len(), count, "{words}: {lines:#?}");
        assert!(phase == "rollback" || count <= KEYS.len(), "{words}: {lines:#?}");
    }
}

async fn check_layers(world: &World, id: &str, direction: Direction, during: During, words: &str) {
    let lines = world.report(id).await;
    for key in KEYS {
        let request = GetRequest::default();
        let home = world.home.head_object(&path(key), &request).await.is_ok();
        let there = world.there.head_object(&path(key), &request).await.is_ok();
        let moved = match during {
            During::Migration => true,
            During::Rollback => false,
            During::Cancelling => {
                lines.iter().any(|line| line["key"] == key && line["outcome"] == "moved")
            }
        };
        let at_home = moved == (direction == Direction::ToLocal);
        assert_eq!((home, there), (at_home, !at_home), "{words} {key}: {lines:#?}");
    }
}
