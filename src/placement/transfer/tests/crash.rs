//! The process ends at every step of a move.

use std::sync::Arc;

use super::*;
use crate::placement::tests::flaky::{Fate, Flaky};
use crate::placement::tests::world::place;
use crate::store::{Home, Store};

/// What comes after the crash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Then {
    Again,
    Abandon,
    Delete,
}

#[tokio::test(start_paused = true)]
async fn nothing_is_lost_and_nothing_left_wherever_it_ends() {
    let mut crashes = 0;
    for direction in [Direction::ToS3, Direction::ToLocal] {
        for mode in MODES {
            for then in [Then::Again, Then::Abandon, Then::Delete] {
                let mut steps = 0;
                while Box::pin(ends_at(direction, mode, then, steps)).await {
                    steps += 1;
                    crashes += 1;
                }
                assert!(steps > 10, "{direction:?} {mode:?}: a move has more steps than {steps}");
            }
        }
    }
    assert!(crashes > 200, "{crashes}");
}

/// Whether the process ended before the move was done.
async fn ends_at(direction: Direction, mode: Mode, then: Then, steps: i64) -> bool {
    let mut world = World::new(Mode::Local).await;
    world.put_rich("a", "content").await;
    if direction == Direction::ToLocal {
        world.moved(&up("a")).await;
    }
    let before = world.seen("a").await;
    let fate = Fate::open();
    let flaky =
        |inner: &Arc<MemoryStore>| Arc::new(Flaky::new(Arc::clone(inner), Arc::clone(&fate)));
    let (home, there) = (flaky(&world.home), flaky(&world.there));
    let (placement, _) =
        place(mode, home as Arc<dyn Home>, there as Arc<dyn Store>, Arc::clone(&world.clock) as _);
    fate.crash_after(steps);
    let transfers = placement.transfers();
    let begun = Freely::default();
    let order = Order { expected: Some(Identity::of(&before.0)), ..order("a", direction) };
    let crashed = tokio::select! {
        biased;
        () = fate.crashed() => true,
        done = transfers.carry_out(&order, &begun) => {
            assert!(matches!(done, Ok(Outcome::Moved(_))), "{done:?}");
            false
        }
    };
    let words = format!("{direction:?} {mode:?} {then:?} {steps}");
    world.restart(mode).await;
    let same = |mut seen: (ObjectInfo, TagSet, Option<Acl>, Bytes)| {
        // In upstream mode the upstream's own time is shown.
        seen.0.last_modified = before.0.last_modified;
        assert_eq!(seen, before, "{words}");
    };
    same(world.seen("a").await);
    assert_eq!(world.listed().await.unwrap(), ["a"], "{words}");
    match then {
        Then::Again => {
            let again = Order { again: true, ..order.clone() };
            let done = world.placement.transfers().carry_out(&again, &begun).await;
            assert!(matches!(done, Ok(Outcome::Moved(_))), "{words}: {done:?}");
        }
        Then::Abandon => {
            world.placement.transfers().abandon(&order, &begun).await.unwrap();
        }
        Then::Delete => {
            world.delete("a").await.unwrap();
        }
    }
    world.forward().await;
    for mode in [mode, Mode::Fallback, Mode::Upstream, Mode::Local] {
        world.restart(mode).await;
        world.forward().await;
        if then == Then::Delete {
            assert!(world.read("a").await.is_err(), "{words}");
        } else {
            same(world.seen("a").await);
        }
    }
    let layers = [head(&world.home, "a").await, head(&world.there, "a").await];
    assert_eq!(layers.iter().flatten().count(), usize::from(then != Then::Delete), "{words}");
    if then == Then::Again {
        assert_eq!(layers[0].is_some(), direction == Direction::ToLocal, "{words}");
    }
    crashed
}
