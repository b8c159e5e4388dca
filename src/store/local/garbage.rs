//! Files that nothing refers to any more, and the readers that may still be at them.
//!
//! A file is removed when the record that made it dead is durable and applied, when every read
//! that began before then has ended or has said that it reads other files, and when the grace has
//! passed, for which it stays only where there is ample room.

use std::cell::LazyCell;
use std::collections::{BTreeMap, BTreeSet, HashSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::format::place::BlobId;
use crate::object::Timestamp;

/// The dead files of a store.
#[derive(Debug, Default)]
pub(crate) struct Garbage {
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    next_ticket: u64,
    /// The reads that may be at anything that was not dead when they began.
    readers: BTreeSet<u64>,
    /// Those that know what they are at.
    settled: BTreeMap<u64, Reads>,
    queue: VecDeque<DeadBlob>,
    /// How many files are there that a record may name yet.
    expecting: usize,
}

/// What a read is at.
#[derive(Debug, Default)]
pub(crate) struct Reads {
    /// These files.
    pub(crate) blobs: Vec<BlobId>,
    /// And records of the log.
    pub(crate) log: bool,
}

/// A dead file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct DeadBlob {
    /// The file.
    pub(crate) blob: BlobId,
    /// Since when.
    pub(crate) since: Timestamp,
    /// Whether the index knows that it is dead.
    pub(crate) noted: bool,
    ticket: u64,
}

/// A moment: reads began before it or after it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Barrier(u64);

/// A read under way: while it lives, nothing that it may come to is removed.
#[derive(Debug)]
pub(crate) struct ReadGuard {
    garbage: Arc<Garbage>,
    ticket: u64,
}

impl Garbage {
    /// Begins a read. To be called before the index is asked.
    pub(crate) fn enter(self: &Arc<Self>) -> ReadGuard {
        let mut inner = self.lock();
        let ticket = inner.next_ticket;
        inner.next_ticket += 1;
        inner.readers.insert(ticket);
        ReadGuard { garbage: Arc::clone(self), ticket }
    }

    /// A file is dead: the index does not lead to it any more.
    pub(crate) fn retire(&self, blob: BlobId, since: Timestamp) {
        self.push(blob, since, true);
    }

    /// A file is there, and a record may name it from now on.
    pub(crate) fn expect_record(&self) {
        self.lock().expecting += 1;
    }

    /// A record names such a file, or it was discarded.
    pub(crate) fn end_expecting(&self) {
        let mut inner = self.lock();
        inner.expecting = inner.expecting.saturating_sub(1);
    }

    /// Whether no file is there of which neither log nor index tell.
    pub(crate) fn all_are_told_of(&self) -> bool {
        let inner = self.lock();
        inner.expecting == 0 && inner.queue.iter().all(|dead| dead.noted)
    }

    /// A file that no record ever named.
    pub(crate) fn discard(&self, blob: BlobId) {
        self.push(blob, Timestamp(i64::MIN), false);
    }

    /// Takes out what may be removed now, the oldest first, at most so many.
    pub(crate) fn take_free(&self, now: Timestamp, grace_ms: i64, most: usize) -> Vec<DeadBlob> {
        let mut inner = self.lock();
        let oldest = inner.readers.first().copied().unwrap_or(u64::MAX);
        let Inner { settled, queue, .. } = &mut *inner;
        // Made where it is needed: the reads may have many files.
        let being_read = LazyCell::new(|| {
            settled.values().flat_map(|reads| &reads.blobs).copied().collect::<HashSet<_>>()
        });
        let is_free = |dead: &DeadBlob| {
            dead.ticket <= oldest
                && dead.since.0.saturating_add(grace_ms) <= now.0
                && !being_read.contains(&dead.blob)
        };
        let (mut free, mut kept) = (Vec::new(), Vec::new());
        while free.len() < most
            && let Some(dead) = queue.pop_front()
        {
            if is_free(&dead) { free.push(dead) } else { kept.push(dead) }
        }
        for dead in kept.into_iter().rev() {
            queue.push_front(dead);
        }
        free
    }

    /// Takes note of the reads that are under way.
    pub(crate) fn barrier(&self) -> Barrier {
        Barrier(self.lock().next_ticket)
    }

    /// Whether no read that was under way then can come to the log any more.
    pub(crate) fn has_passed(&self, barrier: Barrier) -> bool {
        let inner = self.lock();
        let is_new = inner.readers.first().is_none_or(|oldest| *oldest >= barrier.0);
        is_new && inner.settled.range(..barrier.0).all(|(_, reads)| !reads.log)
    }

    /// How many files wait.
    #[cfg(test)]
    pub(crate) fn waiting(&self) -> usize {
        self.lock().queue.len()
    }

    fn push(&self, blob: BlobId, since: Timestamp, noted: bool) {
        let mut inner = self.lock();
        let ticket = inner.next_ticket;
        inner.queue.push_back(DeadBlob { blob, since, noted, ticket });
    }

    /// Every change under this lock is one step, so a panic elsewhere leaves nothing half done.
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ReadGuard {
    /// From here on only this is read: nothing else needs to wait for the end of a read that may
    /// take hours.
    pub(crate) fn settle(&mut self, reads: Reads) {
        let mut inner = self.garbage.lock();
        inner.settled.insert(self.ticket, reads);
        inner.readers.remove(&self.ticket);
    }
}

impl Drop for ReadGuard {
    fn drop(&mut self) {
        let mut inner = self.garbage.lock();
        inner.readers.remove(&self.ticket);
        inner.settled.remove(&self.ticket);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn free(garbage: &Garbage, now: i64) -> usize {
        garbage.take_free(Timestamp(now), 10, 9).len()
    }

    fn reads(blobs: &[u128], log: bool) -> Reads {
        Reads { blobs: blobs.iter().copied().map(BlobId::from_u128).collect(), log }
    }

    #[test]
    fn waits_for_grace_and_for_readers_that_began_before() {
        let garbage = Arc::new(Garbage::default());
        let before = garbage.enter();
        garbage.retire(BlobId::from_u128(1), Timestamp(100));
        let after = garbage.enter();
        assert_eq!(free(&garbage, 110), 0, "the earlier reader is still there");
        drop(before);
        assert_eq!(free(&garbage, 109), 0, "the grace has not passed");
        assert_eq!(free(&garbage, 110), 1, "the later reader does not hold it");
        drop(after);
        assert_eq!(garbage.waiting(), 0);
    }

    #[test]
    fn a_read_that_knows_its_files_holds_no_others() {
        let garbage = Arc::new(Garbage::default());
        let mut first = garbage.enter();
        let mut second = garbage.enter();
        for number in 0..3 {
            garbage.retire(BlobId::from_u128(number), Timestamp(100));
        }
        first.settle(reads(&[0, 2], false));
        assert_eq!(free(&garbage, 110), 0, "the other read may be at any of them");
        second.settle(reads(&[0], false));
        assert_eq!(free(&garbage, 110), 1, "nobody is at this one");
        drop(first);
        assert_eq!(free(&garbage, 110), 1, "the other read is not at this one");
        drop(second);
        assert_eq!(free(&garbage, 110), 1);
    }

    #[test]
    fn a_barrier_is_passed_by_reads_that_are_not_at_the_log() {
        let garbage = Arc::new(Garbage::default());
        let mut first = garbage.enter();
        let mut second = garbage.enter();
        let barrier = garbage.barrier();
        let mut later = garbage.enter();
        later.settle(reads(&[], true));
        first.settle(reads(&[0], false));
        assert!(!garbage.has_passed(barrier), "the other read may be at anything");
        second.settle(reads(&[0], true));
        assert!(!garbage.has_passed(barrier), "the other read is at the log");
        drop(second);
        assert!(garbage.has_passed(barrier));
        drop(later);
    }

    #[test]
    fn a_barrier_is_passed_by_the_last_of_the_readers_that_began_before_it() {
        let garbage = Arc::new(Garbage::default());
        let before = [garbage.enter(), garbage.enter()];
        let barrier = garbage.barrier();
        let after = garbage.enter();
        let [first, second] = before;
        drop(second);
        assert!(!garbage.has_passed(barrier));
        drop(first);
        assert!(garbage.has_passed(barrier));
        drop(after);
        assert!(garbage.has_passed(garbage.barrier()));
    }

    #[test]
    fn what_was_never_recorded_has_no_grace() {
        let garbage = Garbage::default();
        garbage.retire(BlobId::from_u128(1), Timestamp(100));
        garbage.discard(BlobId::from_u128(2));
        assert_eq!(free(&garbage, 0), 1);
        assert_eq!(garbage.waiting(), 1);
    }

    #[test]
    fn portions_leave_the_rest_in_order() {
        let garbage = Garbage::default();
        for number in 0..5 {
            garbage.retire(BlobId::from_u128(number), Timestamp(100));
        }
        let mut taken = Vec::new();
        for (most, number) in [(2, 2), (2, 2), (2, 1), (2, 0)] {
            let free = garbage.take_free(Timestamp(100), 0, most);
            assert_eq!(free.len(), number);
            taken.extend(free.into_iter().map(|dead| dead.blob));
        }
        let numbers = (0..5).map(BlobId::from_u128);
        assert_eq!(taken, numbers.collect::<Vec<_>>());
    }
}
