//! Clients that use a key while it is moved.

use std::future::poll_fn;
use std::task::{Context, Poll};

use futures_util::future::{FutureExt as _, join};
use tokio::sync::mpsc;

use super::*;
use crate::body::{BodyError, Digests, Expected, Payload, Source as BodySource, digesting};
use crate::placement::tests::flaky::{Fate, Flaky};
use crate::placement::tests::world::{START, bucket, owner, place};
use crate::placement::transfer::Trouble;
use crate::store::{Buckets as _, DeleteRequest, Home, Store};

/// A body whose pieces come when the test sends them.
struct Slow(mpsc::UnboundedReceiver<Bytes>);

impl BodySource for Slow {
    fn poll_chunk(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<std::result::Result<Bytes, BodyError>>> {
        self.0.poll_recv(cx).map(|piece| piece.map(Ok))
    }

    fn digests(&self) -> Option<&Digests> {
        None
    }

    fn trailer(&self, _: &str) -> Option<&str> {
        None
    }
}

#[tokio::test(start_paused = true)]
async fn a_write_that_began_before_the_move_is_never_lost() {
    let world = World::new(Mode::Local).await;
    world.put("a", &content("old")).await.unwrap();
    let (pieces, slow) = mpsc::unbounded_channel();
    let body = digesting(Payload::new(Some(3), Slow(slow)), Expected::default());
    let (placement, at) = (std::sync::Arc::clone(&world.placement), path("a"));
    let mut writing = Box::pin(placement.put_object(&at, NewObject::default(), body));
    // It has seen that nothing is known of the key, and goes on without the lock.
    for _ in 0..10 {
        assert!(poll_fn(|cx| Poll::Ready(writing.poll_unpin(cx))).await.is_pending());
        tokio::task::yield_now().await;
    }
    let waited = world.carry_out(&up("a")).await;
    assert!(matches!(waited, Err(Trouble::Changed)), "{waited:?}");
    pieces.send(content("new")).unwrap();
    drop(pieces);
    writing.await.unwrap();
    assert_eq!(world.read("a").await.unwrap(), content("new"));
    // Afterwards the newer object is moved.
    world.moved(&Order { again: true, ..up("a") }).await;
    assert_eq!(world.read("a").await.unwrap(), content("new"));
    assert!(head(&world.home, "a").await.is_none());
}

/// What a client does to the key.
#[derive(Debug, Clone, Copy)]
enum Deed {
    Put,
    Delete,
    Tag,
}

/// A client acts in every turn of a move, in every mode, and again after a switch of modes its
/// deed holds, and nothing that is not the key's object is left behind.
#[tokio::test(start_paused = true)]
async fn a_deed_of_a_client_holds_whenever_it_is_done() {
    let mut moved = 0;
    for direction in [Direction::ToS3, Direction::ToLocal] {
        for mode in MODES {
            for deed in [Deed::Put, Deed::Delete, Deed::Tag] {
                for turns in 0..60 {
                    moved += usize::from(disturbed(direction, mode, deed, turns).await);
                }
            }
        }
    }
    assert!(moved > 50, "{moved} moves were done all the same");
}

async fn disturbed(direction: Direction, mode: Mode, deed: Deed, turns: usize) -> bool {
    let mut world = World::new(Mode::Local).await;
    world.put("a", &content("old")).await.unwrap();
    let unknown = direction == Direction::ToLocal && mode != Mode::Local && turns.is_multiple_of(2);
    if unknown {
        // No record tells of it.
        world.delete("a").await.unwrap();
        World::plant(&world.there, "a", &content("old")).await;
    } else if direction == Direction::ToLocal {
        world.moved(&up("a")).await;
    }
    let fate = Fate::open();
    let flaky = |inner: &std::sync::Arc<MemoryStore>| {
        std::sync::Arc::new(Flaky::new(std::sync::Arc::clone(inner), std::sync::Arc::clone(&fate)))
    };
    let (home, there) = (flaky(&world.home), flaky(&world.there));
    let clock = std::sync::Arc::clone(&world.clock);
    let (placement, spool) =
        place(mode, home as std::sync::Arc<dyn Home>, there as std::sync::Arc<dyn Store>, clock);
    world.clock.advance(5_000);
    let (transfers, steps) = (placement.transfers(), Freely::default());
    let order = order("a", direction);
    let mut moving = Box::pin(async {
        let done = transfers.carry_out(&order, &steps).await;
        if !matches!(done, Ok(Outcome::Moved(_))) {
            transfers.abandon(&order, &steps).await.unwrap();
        }
        matches!(done, Ok(Outcome::Moved(_)))
    });
    let mut early = None;
    for _ in 0..turns {
        if let Poll::Ready(done) = poll_fn(|cx| Poll::Ready(moving.poll_unpin(cx))).await {
            early = Some(done);
            break;
        }
    }
    let at = path("a");
    let doing = async {
        match deed {
            Deed::Put => {
                let body = body(&content("new"), None);
                placement.put_object(&at, NewObject::default(), body).await.map(|_| ())
            }
            Deed::Delete => {
                placement.delete_object(&at, &DeleteRequest::default()).await.map(|_| ())
            }
            Deed::Tag => placement.set_object_tags(&at, None, tags()).await,
        }
    };
    let moved = if let Some(done) = early {
        doing.await.unwrap();
        done
    } else {
        let (done, deed) = join(moving, doing).await;
        deed.unwrap();
        done
    };
    (world.placement, world.spool) = (placement, spool);
    let words = format!("{direction:?} {mode:?} {deed:?} {turns}");
    holds(&world, deed, &words).await;
    for mode in [mode, Mode::Fallback, Mode::Upstream, Mode::Local] {
        if unknown && mode == Mode::Local {
            // That mode knows nothing of what is upstream without a record.
            continue;
        }
        world.restart(mode).await;
        world.forward().await;
        holds(&world, deed, &words).await;
    }
    let layers = [head(&world.home, "a").await, head(&world.there, "a").await];
    let copies = layers.iter().flatten().count();
    assert_eq!(copies, usize::from(!matches!(deed, Deed::Delete)), "{words}");
    moved
}

async fn holds(world: &World, deed: Deed, words: &str) {
    let (read, listed) = (world.read("a").await.ok(), world.listed().await.unwrap());
    match deed {
        Deed::Put => assert_eq!(read, Some(content("new")), "{words}"),
        Deed::Delete => assert_eq!(read, None, "{words}"),
        Deed::Tag => {
            assert_eq!(read, Some(content("old")), "{words}");
            let tagged = world.placement.object_tags(&path("a"), None).await.unwrap();
            assert_eq!(tagged, tags(), "{words}");
        }
    }
    assert_eq!(listed.len(), usize::from(!matches!(deed, Deed::Delete)), "{words}");
}

/// Readers and listers see the object in every turn of a move.
#[tokio::test(start_paused = true)]
async fn an_object_is_read_and_listed_all_the_time() {
    for direction in [Direction::ToS3, Direction::ToLocal] {
        for mode in MODES {
            for turns in 0..400 {
                let clock = std::sync::Arc::new(crate::object::ManualClock::new(START));
                let store = || {
                    let clock = std::sync::Arc::clone(&clock);
                    std::sync::Arc::new(MemoryStore::new(clock as _))
                };
                let (home, there) = (store(), store());
                for store in [&home, &there] {
                    store.create_bucket(&bucket(), &owner()).await.unwrap();
                }
                let fate = Fate::open();
                let flaky =
                    |inner| std::sync::Arc::new(Flaky::new(inner, std::sync::Arc::clone(&fate)));
                let (home, there) = (flaky(home), flaky(there));
                let (placement, _spool) =
                    place(mode, home as std::sync::Arc<dyn Home>, there as _, clock);
                let new = NewObject::default();
                placement.put_object(&path("a"), new, body(&content("a"), None)).await.unwrap();
                let transfers = placement.transfers();
                let starts_there = mode != Mode::Local;
                if starts_there == (direction == Direction::ToS3) {
                    let back = if starts_there { down("a") } else { up("a") };
                    transfers.carry_out(&back, &Freely::default()).await.unwrap();
                }
                let (steps, order) = (Freely::default(), order("a", direction));
                let mut moving = Box::pin(transfers.carry_out(&order, &steps));
                let query = crate::object::ListQuery { limit: 10, ..Default::default() };
                let mut looking = Box::pin(async {
                    let page = placement.list_objects(&bucket(), &query).await.unwrap();
                    assert_eq!(page.entries.len(), 1, "{direction:?} {mode:?} {turns}");
                    let at = path("a");
                    let got = placement.get_object(&at, &GetRequest::default()).await.unwrap();
                    assert_eq!(got.body.collect(10).await.unwrap(), content("a"));
                });
                // Either goes on as far as it comes, while the other stands still.
                let (mut looked, mut moved) = (false, false);
                for turn in 0..400 {
                    if turn < turns % 20 || turn > 300 {
                        looked = looked || is_ready(&mut looking).await;
                    }
                    if turn >= turns / 20 {
                        moved = moved || is_ready(&mut moving).await;
                    }
                }
                assert!(looked && moved, "{direction:?} {mode:?} {turns}");
            }
        }
    }
}

async fn is_ready<T>(future: &mut (impl Future<Output = T> + Unpin)) -> bool {
    poll_fn(|cx| Poll::Ready(future.poll_unpin(cx))).await.is_ready()
}
