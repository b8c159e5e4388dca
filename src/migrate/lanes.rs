//! How many objects are under way between the layers at once.
//!
//! Knows nothing of objects. What happens at home before and after takes no lane: while one object
//! waits for the disk, the network has another.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;

/// How often it is looked whether there are more lanes by now.
const LOOK: Duration = Duration::from_millis(50);

/// The lanes of a migration. Clones are the same ones.
#[derive(Debug, Clone, Default)]
pub(super) struct Lanes(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    taken: Mutex<usize>,
    left: Notify,
}

/// A lane, until this is dropped.
#[derive(Debug)]
pub(super) struct Taken(Arc<Shared>);

impl Lanes {
    /// Waits for a lane, of which there are as many as `most` says at that moment.
    pub(super) async fn take(&self, most: impl Fn() -> usize) -> Taken {
        loop {
            let mut left = std::pin::pin!(self.0.left.notified());
            left.as_mut().enable();
            if self.0.enter(most()) {
                return Taken(Arc::clone(&self.0));
            }
            tokio::select! {
                () = left => {}
                () = tokio::time::sleep(LOOK) => {}
            }
        }
    }

    /// How many are taken.
    pub(super) fn taken(&self) -> usize {
        *self.0.taken()
    }
}

impl Shared {
    fn enter(&self, most: usize) -> bool {
        let mut taken = self.taken();
        let free = *taken < most;
        *taken += usize::from(free);
        free
    }

    fn taken(&self) -> MutexGuard<'_, usize> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        *self.0.taken() -= 1;
        self.0.left.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use futures_util::FutureExt as _;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn no_more_than_there_are_and_the_next_when_one_leaves() {
        let lanes = Lanes::default();
        let first = lanes.take(|| 2).await;
        let second = lanes.take(|| 2).await;
        assert!(lanes.take(|| 2).now_or_never().is_none());
        let mut third = Box::pin(lanes.take(|| 2));
        assert!(third.as_mut().now_or_never().is_none());
        drop(first);
        let third = third.now_or_never().expect("a lane is free");
        assert!(lanes.take(|| 1).now_or_never().is_none());
        drop((second, third));
        assert!(lanes.take(|| 1).now_or_never().is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn more_lanes_are_seen_without_anyone_leaving() {
        let (lanes, most) = (Lanes::default(), AtomicUsize::new(1));
        let _first = lanes.take(|| 1).await;
        let waiting = lanes.take(|| most.load(Ordering::Relaxed));
        let opening = async {
            tokio::time::sleep(Duration::from_secs(1)).await;
            most.store(2, Ordering::Relaxed);
        };
        tokio::join!(waiting, opening);
    }
}
