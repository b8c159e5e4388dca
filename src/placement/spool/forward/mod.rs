//! Sending what waits, key by key.
//!
//! A key is looked at under its lock, sent without it, and settled under it again where nothing
//! has changed meanwhile. What a crash leaves in between is found again by the record, and what
//! the upstream has of it by the entity tags that the record remembers.

mod attempt;
mod parts;
mod remove;
mod send;
mod verdict;

use std::fmt;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use self::attempt::Attempt;
use super::Spool;
use super::queue::{Outcome, Taken};
use crate::background::{Next, Worker};
use crate::store::StoreError;

/// The longest that a step waits for something to do.
const IDLE: Duration = Duration::from_millis(500);

/// Forwards one key after the other; several work side by side.
pub struct Forwarder {
    spool: Arc<Spool>,
}

/// Why a key could not be forwarded.
#[derive(Debug)]
enum Trouble {
    /// The upstream's answer, or the lack of one.
    Upstream(StoreError),
    /// The local layer failed.
    Home(StoreError),
    /// Somebody else wrote there: what an operator should know.
    Conflict(String),
    /// Record or object are others by now.
    Changed,
}

/// A key in hand. Dropped, it goes back into the queue.
struct InHand<'a> {
    spool: &'a Spool,
    taken: Taken,
    outcome: Outcome,
}

impl Forwarder {
    pub(super) fn new(spool: Arc<Spool>) -> Self {
        Self { spool }
    }

    /// Sends the next key, if there is one that may be sent now.
    async fn forward_next(&self) -> bool {
        let Some(taken) = self.spool.queue().take(Spool::now()) else { return false };
        let mut in_hand = InHand { spool: &self.spool, taken, outcome: Outcome::Dropped };
        in_hand.outcome = Attempt::new(&self.spool, &in_hand.taken.at).run().await;
        true
    }
}

impl Drop for InHand<'_> {
    fn drop(&mut self) {
        self.spool.queue().give_back(&self.taken, self.outcome, Spool::now());
        self.spool.moved.notify_waiters();
    }
}

#[async_trait]
impl Worker for Forwarder {
    fn name(&self) -> &'static str {
        "spool forwarder"
    }

    async fn step(&mut self) -> Next {
        let mut moved = pin!(self.spool.moved.notified());
        moved.as_mut().enable();
        if self.forward_next().await {
            return Next::Now;
        }
        let idle = Spool::now() + IDLE;
        let until = self.spool.queue().next_due().map_or(idle, |due| due.min(idle));
        let _ = tokio::time::timeout_at(until, moved).await;
        Next::Now
    }
}

impl fmt::Debug for Forwarder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Forwarder").finish_non_exhaustive()
    }
}
