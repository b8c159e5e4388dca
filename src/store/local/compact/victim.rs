//! The records of a segment that is being cleaned, in their order: from its hints where it has any,
//! else from the records themselves.

use std::collections::VecDeque;
use std::sync::Arc;

use super::super::blob::ExtentError;
use super::super::core::Core;
use super::super::format::Identity;
use super::super::format::meta::Meta;
use super::super::format::place::RecordRef;
use super::super::log::{
    FIRST_OFFSET, Scanned, Scanner, frames_of, read_footer, segment_path, visit_frame,
};
use super::super::vfs::{Access, VfsFile};
use crate::store::{Result, StoreError};

/// How many records are taken out of a segment without hints at once.
const AT_ONCE: usize = 1000;

/// A record, and what it says.
pub(super) type Line = (RecordRef, Meta);

/// A segment that is being cleaned.
pub(super) struct Victim {
    /// Which.
    pub(super) id: u64,
    file: Arc<dyn VfsFile>,
    identity: Identity,
    /// The first record, the next one, and the last.
    first: u64,
    next: u64,
    last: u64,
    source: Source,
    lines: VecDeque<Line>,
}

enum Source {
    /// The places of the frames to come.
    Hints(VecDeque<u64>),
    Records(Box<Scanner>),
}

impl Victim {
    /// The segment with these records.
    pub(super) fn open(core: &Core, id: u64, first: u64, last: u64) -> Result<Self> {
        let identity = Identity { store: core.store, segment: id };
        let file = core.vfs.open(&segment_path(id), Access::Read)?;
        let footer = read_footer(&*file, &identity)?
            .filter(|footer| footer.first_lsn == first && footer.last_lsn == last);
        let frames = footer.map(|footer| frames_of(&*file, &footer)).transpose();
        let mut victim = Self {
            id,
            identity,
            first,
            next: first,
            last,
            source: Source::Hints(VecDeque::new()),
            lines: VecDeque::new(),
            file,
        };
        match frames {
            Ok(Some(frames)) => victim.source = Source::Hints(frames.into()),
            Ok(None) => victim.read_records()?,
            Err(error) => victim.do_without(&error)?,
        }
        Ok(victim)
    }

    /// Whether a segment has hints.
    pub(super) fn is_sealed(core: &Core, id: u64) -> Result<bool> {
        let file = core.vfs.open(&segment_path(id), Access::Read)?;
        let identity = Identity { store: core.store, segment: id };
        Ok(read_footer(&*file, &identity)?.is_some())
    }

    /// The next record; `None` behind the last.
    pub(super) fn next(&mut self) -> Result<Option<Line>> {
        while self.lines.is_empty() && self.next <= self.last {
            self.fill()?;
        }
        Ok(self.lines.pop_front())
    }

    /// Gives it once more, before all others.
    pub(super) fn again(&mut self, line: Line) {
        self.lines.push_front(line);
    }

    /// From the beginning: to look at a record twice does no harm.
    fn read_records(&mut self) -> Result<()> {
        let file = Arc::clone(&self.file);
        file.expect_sequential()?;
        let scanner = Scanner::new(file, self.identity, FIRST_OFFSET)?;
        self.source = Source::Records(Box::new(scanner));
        self.next = self.first;
        Ok(())
    }

    /// The records have everything that the hints have.
    fn do_without(&mut self, error: &ExtentError) -> Result<()> {
        tracing::warn!(%error, "hints cannot be read: the records are");
        self.read_records()
    }

    fn fill(&mut self) -> Result<()> {
        let (next, last) = (self.next, self.last);
        let missing = |at: u64| StoreError::Damaged {
            what: format!("record {at} of {} cannot be read", self.file.describe()),
        };
        match &mut self.source {
            Source::Hints(frames) => {
                let Some(offset) = frames.pop_front() else { return Err(missing(next)) };
                let segment = self.id;
                let mut found = VecDeque::new();
                let read = visit_frame(&*self.file, &self.identity, offset, &mut |entries| {
                    for entry in entries {
                        let (lsn, offset) = (entry.lsn, u64::from(entry.offset));
                        let record = RecordRef { lsn, segment, offset, len: entry.len };
                        let damaged = |flaw| ExtentError::Damaged {
                            what: format!("the hint of record {lsn}: {flaw}"),
                        };
                        let meta = Meta::decode(entry.kind, entry.format, entry.meta);
                        found.push_back((record, meta.map_err(damaged)?));
                    }
                    Ok::<(), ExtentError>(())
                });
                match read {
                    Ok(()) => self.take(found),
                    Err(error @ ExtentError::Damaged { .. }) => self.do_without(&error),
                    Err(error) => Err(error.into()),
                }
            }
            Source::Records(scanner) => {
                let mut found = VecDeque::new();
                let mut at = None;
                while found.len() < AT_ONCE && at.is_none_or(|at| at < last) {
                    let line = record(scanner)?.ok_or_else(|| missing(at.unwrap_or(next)))?;
                    at = Some(line.0.lsn);
                    found.push_back(line);
                }
                self.take(found)
            }
        }
    }

    /// The records that come next. None may be missing.
    fn take(&mut self, found: VecDeque<Line>) -> Result<()> {
        let expected = (self.next..).take(found.len());
        let right = found.iter().map(|(record, _)| record.lsn).eq(expected);
        if found.is_empty() || !right {
            let what = format!("{} has other records than it should", self.file.describe());
            return Err(StoreError::Damaged { what });
        }
        self.next += found.len() as u64;
        self.lines = found;
        Ok(())
    }
}

/// The next record, whose body may be damaged: whether it lives is seen by its head.
fn record(scanner: &mut Scanner) -> Result<Option<Line>> {
    let line = |found: &Scanned<'_>| {
        let header = found.record.header;
        Meta::decode(header.kind, header.format, found.record.meta).map(|meta| (found.at, meta))
    };
    let end = match scanner.next()? {
        Ok(found) => return Ok(line(&found).ok()),
        Err(end) => end,
    };
    Ok(scanner.head_at(end.offset)?.and_then(|head| line(&head).ok()))
}
