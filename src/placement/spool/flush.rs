//! What an operator can ask of the spool: forward now, and try again.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use super::Spool;
use crate::placement::carried::{begun, carried};
use crate::store::{ObjectPath, Result};

/// What a flush came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Flushed {
    /// How many keys that waited when it began wait still.
    pub left: usize,
    /// Whether what waited at start has been looked through; otherwise more may be left.
    pub complete: bool,
    /// How many keys are not tried any more.
    pub dead: usize,
}

impl Spool {
    /// A barrier: waits until the state that every key has now, or a newer one, is upstream, for
    /// `wait` at most. Pauses end at once; dead letters are left aside.
    pub async fn flush(&self, wait: Duration) -> Flushed {
        let barrier = {
            let mut queue = self.queue();
            queue.hurry();
            queue.last_note()
        };
        self.moved.notify_waiters();
        let done = || {
            let now = self.flushed(barrier);
            now.left == 0 && now.complete
        };
        self.wait_until(done, wait).await;
        self.flushed(barrier)
    }

    /// The same of one key.
    pub async fn flush_key(&self, at: &ObjectPath, wait: Duration) {
        self.queue().hurry();
        self.moved.notify_waiters();
        self.wait_until(|| !self.queue().waits(at), wait).await;
    }

    /// Waits for `wait` at most.
    async fn wait_until(&self, done: impl Fn() -> bool, wait: Duration) {
        let waiting = async {
            loop {
                let mut moved = pin!(self.moved.notified());
                moved.as_mut().enable();
                if done() {
                    return;
                }
                moved.await;
            }
        };
        // Whoever asked looks what it came to.
        let _ = tokio::time::timeout(wait, waiting).await;
    }

    fn flushed(&self, barrier: u64) -> Flushed {
        let queue = self.queue();
        let tally = queue.tally();
        Flushed {
            left: tally.waiting_until(barrier),
            complete: queue.complete,
            dead: tally.total().dead,
        }
    }

    /// Lets every dead letter be tried again, and says how many there were.
    pub async fn retry_dead(self: &Arc<Self>) -> Result<usize> {
        let mut revived = 0;
        for letter in self.dead_letters(usize::MAX) {
            revived += usize::from(self.retry(&letter.at).await?);
        }
        Ok(revived)
    }

    /// Lets a dead letter be tried again; false where the key is none.
    pub async fn retry(self: &Arc<Self>, at: &ObjectPath) -> Result<bool> {
        let (spool, at) = (Arc::clone(self), at.clone());
        carried(async move { spool.revive(&at).await }).await
    }

    async fn revive(&self, at: &ObjectPath) -> Result<bool> {
        let _sending = self.sending.lock(at).await;
        let key = self.lock(at).await;
        begun().await;
        let Some(mut record) = self.record(at).await? else {
            self.settled(at);
            return Ok(false);
        };
        let Some(todo) = record.todo.as_mut().filter(|todo| todo.failed.is_some()) else {
            return Ok(false);
        };
        todo.failed = None;
        todo.attempts = 0;
        self.set_record(&key, Some(record.clone())).await?;
        self.noted(at, &record, self.local_size(at).await?);
        Ok(true)
    }
}
