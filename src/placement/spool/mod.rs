//! What was taken in while the upstream was away, and waits to be forwarded.
//!
//! The ledger's records are the truth: the queue here is made from them at start and kept in step
//! by [`Spool::noted`]. Nobody else writes upstream while a key has a todo. Knows nothing of how
//! requests are answered.
//!
//! Order of locks: the sending lock of a key before its key lock, and never the other way round.

mod bounds;
mod flush;
mod forward;
mod options;
mod queue;
mod records;
mod resume;
mod tally;

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;
use tokio::time::Instant;

pub use bounds::Ticket;
pub use flush::Flushed;
pub use forward::Forwarder;
pub use options::{Backoff, SpoolOptions};
pub use resume::Resume;
pub use tally::{DeadLetter, Depth, SpoolSnapshot};

use self::queue::{Note, Queue};
use super::locate::Locations;
use super::location::Location;
use super::locks::KeyLocks;
use super::route::Routes;
use crate::object::{BucketName, Clock};
use crate::store::{Home, ObjectPath};

/// The spool of all buckets.
pub struct Spool {
    home: Arc<dyn Home>,
    routes: Arc<Routes>,
    locations: Arc<Locations>,
    sending: KeyLocks,
    options: SpoolOptions,
    clock: Arc<dyn Clock>,
    queue: Mutex<Queue>,
    /// Something came, went, or may be tried.
    moved: Notify,
}

impl Spool {
    /// An empty one; [`Spool::resume`] fills it. `keys` are the locks under which records change.
    pub fn new(
        home: Arc<dyn Home>,
        routes: Arc<Routes>,
        keys: KeyLocks,
        options: SpoolOptions,
        clock: Arc<dyn Clock>,
    ) -> Arc<Self> {
        let queue = Mutex::new(Queue::new(&options));
        let (sending, moved) = (KeyLocks::default(), Notify::new());
        let locations = Arc::new(Locations::new(Arc::clone(&home), keys, Arc::clone(&clock)));
        Arc::new(Self { home, routes, locations, sending, options, clock, queue, moved })
    }

    /// The worker that finds, after a start, what waits.
    pub fn resume(self: &Arc<Self>) -> Resume {
        Resume::new(Arc::clone(self))
    }

    /// The workers that forward.
    pub fn forwarders(self: &Arc<Self>) -> Vec<Forwarder> {
        (0..self.options.concurrency).map(|_| Forwarder::new(Arc::clone(self))).collect()
    }

    /// The records, as everyone has to read and change them.
    pub fn locations(&self) -> &Arc<Locations> {
        &self.locations
    }

    /// Who sends a key's spooled state upstream holds its lock here, and so does whoever has to
    /// keep it from being sent. Taken before the key's own lock.
    pub fn sending(&self) -> &KeyLocks {
        &self.sending
    }

    /// A key's record was made or changed, and its local object, where there is one, has `size`
    /// bytes. To be told under the key's lock, after every change.
    pub fn noted(&self, at: &ObjectPath, record: &Location, size: u64) {
        let Some(todo) = &record.todo else { return self.settled(at) };
        let route = self.routes.of(&at.bucket);
        let Some(upstream) = route.forwards(record.truth, todo.task) else {
            return self.settled(at);
        };
        let note = Note {
            lane: lane(&upstream.name, &at.bucket),
            size,
            since: todo.since,
            dead: todo.failed.clone(),
        };
        self.queue().note(at, note);
        self.moved.notify_waiters();
    }

    /// A key has no todo any more. To be told under the key's lock.
    pub fn settled(&self, at: &ObjectPath) {
        self.queue().settle(at);
        self.moved.notify_waiters();
    }

    /// What waits, as an operator sees it.
    pub fn snapshot(&self) -> SpoolSnapshot {
        self.queue().snapshot()
    }

    /// Keys that are not tried any more, at most `limit`, by bucket and key.
    pub fn dead_letters(&self, limit: usize) -> Vec<DeadLetter> {
        self.queue().dead_letters(limit)
    }

    /// Whether a key waits here, or is a dead letter.
    #[cfg(test)]
    pub(in crate::placement) fn knows(&self, at: &ObjectPath) -> bool {
        self.queue().knows(at)
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now() -> Instant {
        Instant::now()
    }
}

/// A bucket that fails at an upstream holds up no other.
fn lane(upstream: &str, bucket: &BucketName) -> Arc<str> {
    format!("{upstream}/{bucket}").into()
}

impl fmt::Debug for Spool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Spool").field("snapshot", &self.snapshot()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
