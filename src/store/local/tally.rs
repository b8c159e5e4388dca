//! What is counted along the log: objects and bytes by bucket, living bytes by segment.
//!
//! Saved with each checkpoint and carried on by the records after it, so always equal to what a
//! recount of the index gives.

use std::collections::{BTreeMap, HashMap};

use super::effects::{Effects, UsageDelta};
use super::format::checkpoint::{SegmentRow, Usage, UsageKey};
use super::format::place::{BucketId, RecordRef};

/// The counters.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    usage: HashMap<UsageKey, Usage>,
    /// By segment: first sequence number and living bytes.
    segments: BTreeMap<u64, (u64, u64)>,
}

impl Tally {
    /// The counters of a checkpoint.
    pub(crate) fn load(usage: &[(UsageKey, Usage)], segments: &[SegmentRow]) -> Self {
        Self {
            usage: usage.iter().cloned().collect(),
            segments: segments.iter().map(|row| (row.id, (row.first_lsn, row.live))).collect(),
        }
    }

    /// The counters of objects, for a checkpoint: sorted, without those that are zero.
    pub(crate) fn usage_rows(&self) -> Vec<(UsageKey, Usage)> {
        let there = |(_, usage): &(&UsageKey, &Usage)| **usage != Usage::default();
        let mut rows: Vec<_> =
            self.usage.iter().filter(there).map(|(key, usage)| (key.clone(), *usage)).collect();
        rows.sort_by(|(one, _), (other, _)| one.cmp(other));
        rows
    }

    /// The segments, for a checkpoint.
    pub(crate) fn segment_rows(&self) -> Vec<SegmentRow> {
        let row = |(id, (first_lsn, live)): (&u64, &(u64, u64))| SegmentRow {
            id: *id,
            first_lsn: *first_lsn,
            live: *live,
        };
        self.segments.iter().map(row).collect()
    }

    /// The living bytes of a segment.
    pub(crate) fn live(&self, segment: u64) -> u64 {
        self.segments.get(&segment).map_or(0, |(_, live)| *live)
    }

    /// A bucket's counter.
    pub(crate) fn bucket(&self, bucket: BucketId) -> Usage {
        let key = UsageKey { bucket, class: String::new() };
        self.usage.get(&key).copied().unwrap_or_default()
    }

    /// A segment begins with the record of that number.
    pub(crate) fn begin_segment(&mut self, id: u64, first_lsn: u64) {
        self.segments.entry(id).or_insert((first_lsn, 0)).0 = first_lsn;
    }

    /// Counts what a record does; the parts of dead manifests come extra, by [`Self::bury`].
    pub(crate) fn apply(&mut self, effects: &Effects) {
        if effects.lives {
            self.raise(effects.record);
        }
        self.bury(&effects.dead.records);
        if let Some(delta) = effects.usage {
            self.count(delta);
        }
    }

    /// A record is referred to.
    pub(crate) fn raise(&mut self, record: RecordRef) {
        let (_, live) = self.segments.entry(record.segment).or_insert((record.lsn, 0));
        *live = live.saturating_add(u64::from(record.len));
    }

    /// Records are referred to no more.
    pub(crate) fn bury(&mut self, records: &[RecordRef]) {
        for record in records {
            if let Some((_, live)) = self.segments.get_mut(&record.segment) {
                *live = live.saturating_sub(u64::from(record.len));
            }
        }
    }

    /// Objects come and go.
    pub(crate) fn count(&mut self, delta: UsageDelta) {
        let key = UsageKey { bucket: delta.bucket, class: String::new() };
        let usage = self.usage.entry(key).or_default();
        if let Some(size) = delta.removed {
            usage.objects = usage.objects.saturating_sub(1);
            usage.bytes = usage.bytes.saturating_sub(size);
        }
        if let Some(size) = delta.added {
            usage.objects = usage.objects.saturating_add(1);
            usage.bytes = usage.bytes.saturating_add(size);
        }
    }
}
