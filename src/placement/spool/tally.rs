//! How much waits, and since when.

use std::collections::{BTreeMap, BTreeSet};

use crate::object::{BucketName, Timestamp};
use crate::store::ObjectPath;

/// How much of a bucket waits.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Depth {
    /// Keys that wait or are being sent.
    pub waiting: usize,
    /// Keys that are not tried any more.
    pub dead: usize,
    /// Bytes of both.
    pub bytes: u64,
}

/// What waits, as an operator sees it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SpoolSnapshot {
    /// All buckets together.
    pub total: Depth,
    /// Since when the oldest key waits, dead letters aside.
    pub oldest: Option<Timestamp>,
    /// Whether everything that waited at start has been found.
    pub complete: bool,
    /// Buckets of which something waits, by name.
    pub buckets: Vec<(BucketName, Depth)>,
}

/// A key that is not tried any more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadLetter {
    /// Which key.
    pub at: ObjectPath,
    /// Since when it waits.
    pub since: Timestamp,
    /// What an operator should know.
    pub reason: String,
}

/// What one key adds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Share {
    /// Of which entry: tells those of one moment apart.
    pub(super) entry: u64,
    pub(super) size: u64,
    pub(super) since: Timestamp,
    /// Which note it is that has not been forwarded.
    pub(super) noted: u64,
    pub(super) dead: bool,
}

/// Counters over all keys.
#[derive(Debug, Default)]
pub(super) struct Tally {
    total: Depth,
    buckets: BTreeMap<BucketName, Depth>,
    ages: BTreeSet<(Timestamp, u64)>,
    notes: BTreeSet<u64>,
}

impl Tally {
    pub(super) fn add(&mut self, bucket: &BucketName, share: Share) {
        self.total.add(share);
        self.buckets.entry(bucket.clone()).or_default().add(share);
        if !share.dead {
            self.ages.insert((share.since, share.entry));
            self.notes.insert(share.noted);
        }
    }

    pub(super) fn remove(&mut self, bucket: &BucketName, share: Share) {
        self.total.remove(share);
        if let Some(depth) = self.buckets.get_mut(bucket) {
            depth.remove(share);
            if *depth == Depth::default() {
                self.buckets.remove(bucket);
            }
        }
        self.ages.remove(&(share.since, share.entry));
        self.notes.remove(&share.noted);
    }

    pub(super) fn total(&self) -> Depth {
        self.total
    }

    pub(super) fn oldest(&self) -> Option<Timestamp> {
        self.ages.first().map(|(since, _)| *since)
    }

    /// How many of the notes up to this one still wait.
    pub(super) fn waiting_until(&self, note: u64) -> usize {
        self.notes.range(..=note).count()
    }

    pub(super) fn buckets(&self) -> Vec<(BucketName, Depth)> {
        self.buckets.iter().map(|(bucket, depth)| (bucket.clone(), *depth)).collect()
    }
}

impl Depth {
    fn add(&mut self, share: Share) {
        let count = if share.dead { &mut self.dead } else { &mut self.waiting };
        *count += 1;
        self.bytes += share.size;
    }

    fn remove(&mut self, share: Share) {
        let count = if share.dead { &mut self.dead } else { &mut self.waiting };
        *count = count.saturating_sub(1);
        self.bytes = self.bytes.saturating_sub(share.size);
    }
}
