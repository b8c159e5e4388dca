//! Reading the log forward after a stop, and telling a torn tail from damage.

use std::path::Path;
use std::sync::Arc;

use super::super::core::Core;
use super::super::format::Identity;
use super::super::format::checkpoint::{Checkpoint, Damage, Position};
use super::super::format::meta::{MovePart, PutObject, UploadPart};
use super::super::format::record::{TRAILER_LEN, Trailer};
use super::super::format::segment::SegmentHeader;
use super::super::log::{
    self, FIRST_OFFSET, LOG_DIR, Scanned, Scanner, Skipped, later_evidence, resync,
};
use super::super::vfs::{Access, VfsFile};
use super::Result;
use crate::store::StoreError;

/// Where the log ends.
#[derive(Debug, Clone, Copy)]
pub(crate) struct End {
    /// Where the next record goes.
    pub(crate) position: Position,
    /// The last record; 0 where none was read.
    pub(crate) last: u64,
}

type Visit<'a> = dyn FnMut(&Scanned<'_>) -> Result<()> + 'a;

/// The headers of all segments, by id. A last segment without a valid header was being made when
/// the store stopped, and is removed: nothing can have been acknowledged in it.
pub(crate) fn survey(core: &Core) -> Result<Vec<SegmentHeader>> {
    let vfs = &*core.vfs;
    let ids = log::segment_ids(vfs)?;
    let mut headers: Vec<SegmentHeader> = Vec::with_capacity(ids.len());
    for id in &ids {
        match log::read_segment_header(vfs, core.store, *id)? {
            Ok(header) => {
                let before = headers.last().map_or(0, |before| before.first_lsn);
                if header.first_lsn == 0 || header.first_lsn < before {
                    let path = vfs.describe(&log::segment_path(*id));
                    let what = format!("{path}: it begins with {}", header.first_lsn);
                    return Err(StoreError::Damaged { what });
                }
                headers.push(header);
            }
            Err(why) if Some(id) == ids.last() && is_unused(core, *id)? => {
                tracing::info!(segment = id, why, "a segment that was never used is removed");
                vfs.unlink(&log::segment_path(*id))?;
                vfs.sync_dir(Path::new(LOG_DIR))?;
            }
            Err(why) => {
                let path = vfs.describe(&log::segment_path(*id));
                return Err(StoreError::Damaged { what: format!("{path}: {why}") });
            }
        }
    }
    Ok(headers)
}

/// Whether no record can be found in a segment.
fn is_unused(core: &Core, id: u64) -> Result<bool> {
    let file = core.vfs.open(&log::segment_path(id), Access::Read)?;
    let identity = Identity { store: core.store, segment: id };
    Ok(later_evidence(file, identity, FIRST_OFFSET, 0)?.is_none())
}

fn lost(id: u64, lsn: u64) -> Damage {
    let what = format!("segment {id:016x} of the log is missing");
    Damage { lsn, subject: None, what }
}

/// Without any checkpoint: what is missing before the first segment there is, where the log, which
/// was read, says that it begins with the segment `begin`. 0 is a log of which nothing was removed.
pub(crate) fn missing_front(segments: &[SegmentHeader], begin: u64) -> Option<Damage> {
    let first = segments.first().filter(|first| first.first_lsn > 1)?;
    (first.identity.segment > begin).then(|| lost(begin.max(1), first.first_lsn - 1))
}

/// Segments that a checkpoint knows and that are not there. What removes a segment has written both
/// checkpoints without it before.
pub(crate) fn missing_segments(segments: &[SegmentHeader], checkpoint: &Checkpoint) -> Vec<Damage> {
    let is_missing = |id: u64| !segments.iter().any(|header| header.identity.segment == id);
    let rows = checkpoint.segments.iter().filter(|row| is_missing(row.id));
    rows.map(|row| {
        let next = segments.iter().find(|header| header.identity.segment > row.id);
        lost(row.id, next.map_or(checkpoint.applied, |next| next.first_lsn.saturating_sub(1)))
    })
    .collect()
}

/// Whether the record before `position` is the one of that number: what a checkpoint counts on.
pub(crate) fn ends_at(core: &Core, position: Position, lsn: u64) -> Result<bool> {
    let Some(offset) = position.offset.checked_sub(TRAILER_LEN as u64) else { return Ok(false) };
    if position.offset <= FIRST_OFFSET {
        return Ok(position.offset == FIRST_OFFSET);
    }
    let file = match core.vfs.open(&log::segment_path(position.segment), Access::Read) {
        Err(error) if error.is_not_found() => return Ok(false),
        opened => opened?,
    };
    let mut bytes = [0; TRAILER_LEN];
    match file.read_exact_at(&mut bytes, offset) {
        Err(error) if error.is_past_end() => return Ok(false),
        read => read?,
    }
    let identity = Identity { store: core.store, segment: position.segment };
    Ok(Trailer::decode(&identity, &bytes).is_ok_and(|trailer| trailer.lsn == lsn))
}

/// Visits every record behind `applied`, which ends at `from`, to the end of the log. What was
/// acknowledged once and cannot be read becomes damage of the store and is passed over.
pub(crate) fn walk(
    core: &Core,
    segments: &[SegmentHeader],
    from: Position,
    applied: u64,
    visit: &mut Visit<'_>,
) -> Result<End> {
    let mut end = End { position: from, last: applied };
    let mut rest =
        segments.iter().skip_while(|header| header.identity.segment < from.segment).peekable();
    while let Some(header) = rest.next() {
        let segment = header.identity.segment;
        let offset = if segment == from.segment { from.offset } else { FIRST_OFFSET };
        if end.last + 1 < header.first_lsn {
            // A segment between is missing, which is noted already.
            end.last = header.first_lsn - 1;
        }
        let next = rest.peek().map(|next| next.first_lsn);
        let read = read_segment(core, header, offset, end.last, next, visit)?;
        end = End { position: Position { segment, offset: read.offset }, last: read.last };
    }
    Ok(end)
}

/// How far a segment could be read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SegmentEnd {
    /// Where its records end.
    pub(crate) offset: u64,
    /// The last of them.
    pub(crate) last: u64,
}

/// Visits the records of one segment from `offset` on, where the one after `last` is expected.
/// `next` is the first record of the following segment, if there is one.
pub(crate) fn read_segment(
    core: &Core,
    header: &SegmentHeader,
    offset: u64,
    last: u64,
    next: Option<u64>,
    visit: &mut Visit<'_>,
) -> Result<SegmentEnd> {
    let identity = header.identity;
    let file = core.vfs.open(&log::segment_path(identity.segment), Access::Read)?;
    // After a failed sync the cache shows what the disk does not have.
    file.drop_cached(offset, file.len()?.saturating_sub(offset))?;
    file.expect_sequential()?;
    if file.len()? < offset {
        let what = format!("{} is cut: it ended behind {offset} once", file.describe());
        core.add_damage([Damage { lsn: last, subject: None, what }]);
        return Ok(SegmentEnd { offset, last: next.map_or(last, |next| next - 1) });
    }
    let mut scanner = Scanner::new(Arc::clone(&file), identity, offset)?;
    let mut last = last;
    loop {
        let end = match scanner.next()? {
            Ok(found) if found.at.lsn == last + 1 => {
                visit(&found)?;
                last = found.at.lsn;
                continue;
            }
            Ok(found) => found.at.offset,
            Err(end) => end.offset,
        };
        let was_durable = match next {
            Some(next) => last + 1 < next,
            None => later_evidence(Arc::clone(&file), identity, end, last + 1)?.is_some(),
        };
        if !was_durable {
            return Ok(SegmentEnd { offset: end, last });
        }
        if let Some(head) = scanner.head_at(end)?.filter(|head| head.at.lsn == last + 1)
            && carries_body(head.record.header.kind)
        {
            // Nothing but the body is lost, and whoever reads it is told so.
            let path = file.describe();
            tracing::error!(lsn = last + 1, at = end, path, "the body in a record is damaged");
            visit(&head)?;
            last += 1;
            continue;
        }
        let skipped = resync(Arc::clone(&file), identity, end, last)?;
        let known = next.map_or(u64::MAX, |next| next - 1);
        core.add_damage([damage(&*file, end, skipped, last, known)]);
        match skipped.resume {
            Some((offset, lsn)) if lsn <= known => {
                scanner.seek(offset);
                last = lsn - 1;
            }
            _ => return Ok(SegmentEnd { offset: end, last: known }),
        }
    }
}

/// Whether the data of such records is a body, of which the index needs nothing.
fn carries_body(kind: u8) -> bool {
    [PutObject::KIND, UploadPart::KIND, MovePart::KIND].contains(&kind)
}

fn damage(file: &dyn VfsFile, at: u64, skipped: Skipped, last: u64, known: u64) -> Damage {
    let until = skipped.resume.map_or(known, |(_, lsn)| lsn - 1);
    let (first, path) = (last + 1, file.describe());
    let what = format!("records {first} to {until} at {at} of {path} cannot be read");
    // Only a single record's subject can be known.
    let subject = skipped.subject.filter(|_| until == first);
    Damage { lsn: until, subject, what }
}
