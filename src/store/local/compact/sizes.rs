//! How large the segments are, how much of each lives, and which of them are worth cleaning.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use super::super::core::Core;
use super::super::format::Identity;
use super::super::log::{FIRST_OFFSET, read_footer, segment_path};
use super::super::options::LocalOptions;
use super::super::vfs::Access;
use crate::store::Result;

/// Of what a compaction that nobody asked for has to gain, in segments.
const OWN_SEGMENTS: u64 = 2;
/// What share has to be dead then, in percent: so it never writes more than it gives back.
const OWN_PERCENT: u64 = 50;
/// Less than this part of a segment is not worth anything.
const LEAST_PART: u64 = 16;
/// Nor is less than this, where segments are large.
const LEAST: u64 = 1 << 20;

/// How large the log is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LogUsage {
    /// How many segments it has.
    pub segments: u64,
    /// The bytes of their files.
    pub bytes: u64,
    /// The bytes of their records.
    pub records: u64,
    /// The bytes of those records that something refers to.
    pub living: u64,
}

/// What is worth it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Goal {
    percent: u64,
    dead: u64,
    /// Whether the segment that is being written may be ended for it.
    whole: bool,
}

/// A segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct SegmentSize {
    pub(super) id: u64,
    /// Bytes of records.
    pub(super) records: u64,
    /// Bytes of records that something refers to.
    pub(super) living: u64,
    /// Bytes of the file.
    pub(super) file: u64,
}

/// What is known of sealed segments, which do not change any more: bytes of records and of the file.
#[derive(Default)]
pub(super) struct Sizes(Mutex<HashMap<u64, (u64, u64)>>);

impl Goal {
    pub(super) fn asked(options: &LocalOptions, percent: u8) -> Self {
        let percent = u64::from(percent).clamp(1, 100);
        Self { percent, dead: least(options), whole: true }
    }

    pub(super) fn own(options: &LocalOptions) -> Self {
        let dead = options.segment_size.saturating_mul(OWN_SEGMENTS);
        Self { percent: OWN_PERCENT, dead, whole: false }
    }

    /// The last of the oldest segments that are worth cleaning together: enough is dead in all of
    /// them, and in the last one as well, so that it is not cleaned for nothing.
    pub(super) fn last(&self, segments: &[SegmentSize]) -> Option<u64> {
        let open = usize::from(!self.whole);
        let (mut records, mut dead, mut last) = (0_u64, 0_u64, None);
        for segment in segments.iter().take(segments.len().saturating_sub(open)) {
            let own = segment.records.saturating_sub(segment.living);
            (records, dead) = (records.saturating_add(segment.records), dead.saturating_add(own));
            let share = |dead: u64, of: u64| {
                u128::from(dead) * 100 >= u128::from(of) * u128::from(self.percent)
            };
            if dead >= self.dead && share(dead, records) && share(own, segment.records) {
                last = Some(segment.id);
            }
        }
        last
    }
}

/// So many dead bytes are worth something.
fn least(options: &LocalOptions) -> u64 {
    (options.segment_size / LEAST_PART).min(LEAST)
}

impl LogUsage {
    pub(super) fn of(segments: &[SegmentSize]) -> Self {
        let mut usage = Self { segments: segments.len() as u64, ..Self::default() };
        for segment in segments {
            usage.bytes = usage.bytes.saturating_add(segment.file);
            usage.records = usage.records.saturating_add(segment.records);
            usage.living = usage.living.saturating_add(segment.living);
        }
        usage
    }
}

/// The segments that the log consists of, the oldest first.
pub(super) fn measure(core: &Core) -> Result<Vec<SegmentSize>> {
    let (rows, position) = {
        let progress = core.progress();
        (progress.tally.segment_rows(), progress.position)
    };
    let mut known = core.turns.sizes.0.lock().unwrap_or_else(PoisonError::into_inner);
    known.retain(|id, _| rows.iter().any(|row| row.id == *id));
    let mut sizes = Vec::with_capacity(rows.len());
    for row in &rows {
        let found = match known.get(&row.id) {
            Some(size) => Some(*size),
            None => size_of(core, row.id)?.map(|(size, sealed)| {
                if sealed {
                    known.insert(row.id, size);
                }
                size
            }),
        };
        // Removed since the rows were taken.
        let Some((mut records, file)) = found else { continue };
        if row.id == position.segment {
            records = position.offset.saturating_sub(FIRST_OFFSET);
        }
        sizes.push(SegmentSize { id: row.id, records, living: row.live, file });
    }
    Ok(sizes)
}

/// The bytes of a segment's records and of its file, and whether they stay so.
fn size_of(core: &Core, id: u64) -> Result<Option<((u64, u64), bool)>> {
    let file = match core.vfs.open(&segment_path(id), Access::Read) {
        Err(error) if error.is_not_found() => return Ok(None),
        opened => opened?,
    };
    let len = file.len()?;
    let identity = Identity { store: core.store, segment: id };
    let footer = read_footer(&*file, &identity)?;
    let end = footer.map_or(len, |footer| footer.records_end);
    Ok(Some(((end.saturating_sub(FIRST_OFFSET), len), footer.is_some())))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn segments(dead: &[u64]) -> Vec<SegmentSize> {
        let segment = |(id, dead): (u64, &u64)| SegmentSize {
            id,
            records: 100,
            living: 100 - dead,
            file: 200,
        };
        (1..).zip(dead).map(segment).collect()
    }

    #[test]
    fn the_oldest_part_that_is_dead_enough_is_cleaned_and_no_more() {
        let goal = |percent, dead, whole| Goal { percent, dead, whole };
        assert_eq!(goal(50, 1, true).last(&segments(&[0, 0, 0])), None);
        assert_eq!(goal(50, 1, true).last(&[]), None);
        // What lives before what is dead has to be moved too, as far as that is worth it.
        assert_eq!(goal(50, 1, true).last(&segments(&[0, 100, 100])), Some(3));
        assert_eq!(goal(50, 1, true).last(&segments(&[0, 0, 100])), None);
        // What lives behind it stays.
        assert_eq!(goal(50, 1, true).last(&segments(&[100, 100, 0, 0])), Some(2));
        assert_eq!(goal(10, 1, true).last(&segments(&[10, 9, 11, 30, 0])), Some(4));
        // The segment that is being written stays, unless somebody asked.
        assert_eq!(goal(50, 1, false).last(&segments(&[60, 100])), Some(1));
        assert_eq!(goal(50, 1, false).last(&segments(&[100])), None);
        // A little is not worth anything.
        assert_eq!(goal(50, 161, true).last(&segments(&[100, 60])), None);
        assert_eq!(goal(50, 160, true).last(&segments(&[100, 60])), Some(2));
    }
}
