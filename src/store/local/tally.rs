//! What is counted along the log: objects and bytes by bucket, living bytes by segment, and where
//! each bucket's ledger lies.
//!
//! A bucket's removal says nothing of the ledger records that die with it, which can be millions:
//! it is counted by bucket and segment how many there are and how long.
//!
//! Saved with each checkpoint and carried on by the records after it, so always equal to what a
//! recount of the index gives.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::effects::{Effects, LedgerDelta, ShiftDelta, UsageDelta};
use super::format::checkpoint::{SegmentRow, Usage, UsageKey};
use super::format::place::{BucketId, RecordRef};
use super::split::{Split, State};

/// The class of the counters of a bucket's ledger, before the segment's id in hexadecimal.
const LEDGER: &str = "ledger/";

/// A bucket's ledger records by segment: how many, and their bytes. Never zero.
type LedgerRows = BTreeMap<u64, Usage>;

/// The counters.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    usage: HashMap<UsageKey, Usage>,
    /// By segment: first sequence number and living bytes.
    segments: BTreeMap<u64, (u64, u64)>,
    /// Only of buckets that have ledger records. Shared with copies, which checkpoints take.
    ledgers: HashMap<BucketId, Arc<LedgerRows>>,
    /// Shared with copies too. A bucket that has none here was never counted by class.
    splits: HashMap<BucketId, Arc<Split>>,
}

impl Tally {
    /// The counters of a checkpoint.
    pub(crate) fn load(usage: &[(UsageKey, Usage)], segments: &[SegmentRow]) -> Self {
        let mut tally = Self {
            segments: segments.iter().map(|row| (row.id, (row.first_lsn, row.live))).collect(),
            ..Self::default()
        };
        let mut splits: HashMap<BucketId, Option<Split>> = HashMap::new();
        for (key, usage) in usage {
            if Split::read(splits.entry(key.bucket).or_default(), &key.class, *usage) {
                continue;
            }
            let segment = key.class.strip_prefix(LEDGER);
            match segment.and_then(|segment| u64::from_str_radix(segment, 16).ok()) {
                Some(segment) => {
                    let rows = tally.ledgers.entry(key.bucket).or_default();
                    Arc::make_mut(rows).insert(segment, *usage);
                }
                None => {
                    tally.usage.insert(key.clone(), *usage);
                }
            }
        }
        let there = |(bucket, split): (_, Option<Split>)| Some((bucket, Arc::new(split?)));
        tally.splits = splits.into_iter().filter_map(there).collect();
        tally
    }

    /// The bytes of all objects.
    pub(crate) fn bytes(&self) -> u64 {
        self.usage.values().fold(0, |sum, usage| sum.saturating_add(usage.bytes))
    }

    /// The counters of buckets, for a checkpoint: sorted, without those that are zero.
    pub(crate) fn usage_rows(&self) -> Vec<(UsageKey, Usage)> {
        let there = |(_, usage): &(&UsageKey, &Usage)| **usage != Usage::default();
        let mut rows: Vec<_> =
            self.usage.iter().filter(there).map(|(key, usage)| (key.clone(), *usage)).collect();
        for (bucket, ledger) in &self.ledgers {
            rows.extend(ledger.iter().map(|(segment, usage)| {
                (UsageKey { bucket: *bucket, class: format!("{LEDGER}{segment:x}") }, *usage)
            }));
        }
        for (bucket, split) in &self.splits {
            let row = |(class, usage)| (UsageKey { bucket: *bucket, class }, usage);
            rows.extend(split.saved().map(row));
        }
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

    /// Whether a bucket has any ledger record.
    pub(crate) fn has_entries(&self, bucket: BucketId) -> bool {
        self.ledgers.contains_key(&bucket)
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
        effects.raised.iter().for_each(|record| self.raise(*record));
        self.bury(&effects.dead.records);
        if let Some(first) = effects.trims {
            self.segments.retain(|id, _| *id >= first);
        }
        if let Some(delta) = effects.usage {
            self.count(delta);
        }
        self.shift(effects);
        match effects.ledger {
            Some(LedgerDelta::Entry { bucket, added, removed }) => {
                if let Some(record) = added {
                    self.enter(bucket, record);
                }
                if let Some(record) = removed {
                    self.strike(bucket, record);
                }
            }
            Some(LedgerDelta::Gone(bucket)) => {
                self.close_ledger(bucket);
                self.splits.remove(&bucket);
            }
            None => {}
        }
    }

    /// Counts by class what a record does.
    fn shift(&mut self, effects: &Effects) {
        let Some(at) = effects.key() else { return };
        let Some(split) = self.splits.get_mut(&at.bucket) else { return };
        let here = effects.usage.map_or((None, None), |usage| (usage.added, usage.removed));
        match effects.shift {
            ShiftDelta::Nothing => {}
            ShiftDelta::Key(shift) => Arc::make_mut(split).apply(&at.key, shift, here),
            ShiftDelta::Unknown => Arc::make_mut(split).lose(),
        }
    }

    /// A bucket's counters by class, if it has any.
    pub(crate) fn split(&self, bucket: BucketId) -> Option<&Arc<Split>> {
        self.splits.get(&bucket)
    }

    /// The same to be changed.
    pub(crate) fn split_mut(&mut self, bucket: BucketId) -> Option<&mut Split> {
        self.splits.get_mut(&bucket).map(Arc::make_mut)
    }

    /// A bucket has these counters by class from now on.
    pub(crate) fn set_split(&mut self, bucket: BucketId, split: Split) {
        self.splits.insert(bucket, Arc::new(split));
    }

    /// The bucket has so many objects here.
    pub(crate) fn set_bucket(&mut self, bucket: BucketId, usage: Usage) {
        self.usage.insert(UsageKey { bucket, class: String::new() }, usage);
    }

    /// The buckets with any ledger record.
    pub(crate) fn ledgers(&self) -> impl Iterator<Item = BucketId> {
        self.ledgers.keys().copied()
    }

    /// Takes away what is counted by class of buckets where `other` does not know it for sure, so
    /// that the rest can be compared with `other`.
    pub(crate) fn forget_uncertain(&mut self, other: &Self) {
        let certain = |bucket: &BucketId| {
            other.splits.get(bucket).is_some_and(|split| split.state == State::Exact)
        };
        self.splits.retain(|bucket, _| certain(bucket));
    }

    /// A record of the log holds a ledger record of the bucket.
    pub(crate) fn enter(&mut self, bucket: BucketId, record: RecordRef) {
        let rows = Arc::make_mut(self.ledgers.entry(bucket).or_default());
        let row = rows.entry(record.segment).or_default();
        row.objects = row.objects.saturating_add(1);
        row.bytes = row.bytes.saturating_add(u64::from(record.len));
    }

    /// A record of the log does not hold a ledger record any more.
    fn strike(&mut self, bucket: BucketId, record: RecordRef) {
        let Some(rows) = self.ledgers.get_mut(&bucket) else { return };
        let rows = Arc::make_mut(rows);
        if let Some(row) = rows.get_mut(&record.segment) {
            row.objects = row.objects.saturating_sub(1);
            row.bytes = row.bytes.saturating_sub(u64::from(record.len));
            if row.objects == 0 {
                rows.remove(&record.segment);
            }
        }
        if rows.is_empty() {
            self.ledgers.remove(&bucket);
        }
    }

    /// The records of a bucket's ledger are referred to no more.
    fn close_ledger(&mut self, bucket: BucketId) {
        let rows = self.ledgers.remove(&bucket).unwrap_or_default();
        for (segment, row) in rows.iter() {
            if let Some((_, live)) = self.segments.get_mut(segment) {
                *live = live.saturating_sub(row.bytes);
            }
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
        usage.shift(delta.added, delta.removed);
    }
}
