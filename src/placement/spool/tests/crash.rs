//! The process ends at every call of either layer: nothing acknowledged is lost, and everything
//! arrives.

use super::tapped::Fault;
use super::*;

/// One thing that happens to a key.
#[derive(Debug, Clone, Copy)]
enum Step {
    Put(&'static str),
    Delete,
    Forward,
}

use Step::{Delete, Forward, Put};

const HISTORIES: &[&[Step]] = &[
    &[Put("a"), Forward],
    &[Delete, Forward],
    &[Put("a"), Put("b"), Forward],
    &[Put("a"), Forward, Put("b"), Forward],
    &[Put("a"), Forward, Put("a"), Forward],
    &[Put("a"), Forward, Delete, Forward],
    &[Put("a"), Delete, Forward, Forward],
    &[Put("a"), Forward, Delete, Put("b"), Forward],
    &[Delete, Put("a"), Forward, Put("b"), Forward],
    &[Put("a"), Put("b"), Put("a"), Forward, Delete, Forward],
];

async fn take(world: &World, at: &ObjectPath, step: Step, number: u64) -> Result<()> {
    match step {
        Put(content) => world.put(at, &Bytes::from(content), numbered(number)).await,
        Delete => world.delete(at).await,
        Forward => {
            world.drain(1).await;
            Ok(())
        }
    }
}

fn wanted(step: Step, number: u64, before: &Written) -> Written {
    match step {
        Put(content) => Some((Bytes::from(content), number)),
        Delete => None,
        Forward => before.clone(),
    }
}

/// Runs a history up to the crash, and what is left of it afterwards; false where it ended
/// before the crash came.
async fn crashes_at(history: &[Step], known: bool, call: usize, fault: Fault) -> bool {
    let mut world = World::new().await;
    let at = path("attachments/invoice/company_7/a.pdf");
    let mut state: Written = None;
    if known {
        state = Some((Bytes::from("before"), 99));
        world.settled(&at, &Bytes::from("before"), 99).await;
    }
    world.tap.crash_after(call, fault);
    let mut crashed = false;
    for (number, step) in (0..).zip(history) {
        world.clock.advance(700);
        let after = wanted(*step, number, &state);
        let done = take(&world, &at, *step, number).await;
        if world.tap.revive() {
            crashed = true;
            world.restart();
            // Not acknowledged: it happened or it didn't.
            let seen = world.view(&at).await;
            assert!(seen == state || seen == after, "{step:?} of {history:?}, {call} {fault:?}");
            world.resume().await;
            assert_eq!(world.view(&at).await, seen, "resuming changes nothing");
            state = seen;
        } else {
            done.unwrap();
            state = after;
            assert_eq!(world.view(&at).await, state, "{step:?} of {history:?}, {call} {fault:?}");
        }
    }
    world.tap.cancel();
    world.drain(100).await;
    assert_eq!(world.spool.snapshot().total, Depth::default(), "{history:?}, {call} {fault:?}");
    world.restart();
    world.resume().await;
    world.drain(100).await;
    world.assert_forwarded(&at, &state).await;
    crashed
}

#[tokio::test(start_paused = true)]
async fn nothing_is_lost_wherever_it_ends() {
    let mut crashes = 0;
    for history in HISTORIES {
        for known in [false, true] {
            for fault in [Fault::Before, Fault::After] {
                let mut call = 0;
                while crashes_at(history, known, call, fault).await {
                    call += 1;
                }
                crashes += call;
            }
        }
    }
    assert!(crashes > 500, "only {crashes} crashes");
}
