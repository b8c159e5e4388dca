//! Callers that go away in the middle of a call.

use std::collections::HashSet;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;

use super::harness::{Machine, Operation, Version, carry_out};
use crate::store::conformance::content;
use crate::store::local::LocalStore;
use crate::store::local::sweep;

/// What the future gives, if that takes no more than so many polls.
async fn within<F: Future>(polls: u64, future: F) -> Option<F::Output> {
    let mut future = pin!(future);
    let mut left = polls;
    poll_fn(|cx| match future.as_mut().poll(cx) {
        Poll::Ready(output) => Poll::Ready(Some(output)),
        Poll::Pending if left == 0 => Poll::Ready(None),
        Poll::Pending => {
            left -= 1;
            Poll::Pending
        }
    })
    .await
}

/// The blobs that nothing leads to.
fn unknown(store: &LocalStore) -> usize {
    let there = sweep::candidates(&store.core).unwrap();
    let (used, dead) = sweep::known(&store.core, &store.core.catalog().unwrap()).unwrap();
    let known: HashSet<_> = used.union(&dead).copied().collect();
    there.iter().filter(|blob| !known.contains(blob)).count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dropped_call_happens_as_a_whole_or_not_at_all() {
    for seed in 0..6 {
        let mut machine = Machine::new(seed);
        let store = machine.open().await.unwrap();
        for round in 0..60 {
            let operation = machine.operation();
            let polls = machine.random.below(8);
            match within(polls, carry_out(&store, &operation)).await {
                Some(result) => machine.judge(&operation, result.map(|()| true)),
                None => machine.judge(&operation, Ok(false)),
            };
            if round % 10 == 9 {
                // Behind everything that was handed over before.
                let version = Version { content: content(round, 10), tag: None };
                assert!(machine.run(&store, vec![Operation::Put(1, version)]).await);
                machine.verify(&store).await;
            }
        }
        // What was taken in for nothing goes away by itself.
        while unknown(&store) > 0 {
            tokio::task::yield_now().await;
        }
        machine.verify(&store).await;
        machine.crash();
        drop(store);
        let store = machine.open().await.unwrap();
        machine.verify(&store).await;
    }
}
