//! Reading a segment from front to back, and judging what is wrong at its end.

use std::sync::Arc;

use super::super::format::place::RecordRef;
use super::super::format::record::{
    ALIGN, HEADER_LEN, Header, MAGIC, Record, TRAILER_LEN, Trailer,
};
use super::super::format::{Flaw, Identity};
use super::super::vfs::{self, VfsFile};

/// How much is read at once.
const WINDOW: usize = 1 << 20;

/// A record that the scan came to.
#[derive(Debug)]
pub(crate) struct Scanned<'a> {
    /// Its place.
    pub(crate) at: RecordRef,
    /// The record, every check passed.
    pub(crate) record: Record<'a>,
}

/// Why the scan goes no further.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ScanEnd {
    /// Where no further record was found.
    pub(crate) offset: u64,
    /// What is there instead.
    pub(crate) flaw: Flaw,
}

/// Reads records one after the other.
pub(crate) struct Scanner {
    file: Arc<dyn VfsFile>,
    identity: Identity,
    file_len: u64,
    offset: u64,
    window: Vec<u8>,
    window_at: u64,
}

impl Scanner {
    /// Starts at `offset`, where a record begins.
    pub(crate) fn new(
        file: Arc<dyn VfsFile>,
        identity: Identity,
        offset: u64,
    ) -> vfs::Result<Self> {
        let file_len = file.len()?;
        Ok(Self { file, identity, file_len, offset, window: Vec::new(), window_at: offset })
    }

    /// The next record, or why there is none.
    pub(crate) fn next(&mut self) -> vfs::Result<Result<Scanned<'_>, ScanEnd>> {
        let (offset, identity) = (self.offset, self.identity);
        let end = |flaw| Ok(Err(ScanEnd { offset, flaw }));
        let head = self.view(offset, HEADER_LEN)?;
        let header = match Header::decode(&identity, head) {
            Ok(header) => header,
            Err(flaw) => return end(flaw),
        };
        let len = header.record_len();
        self.offset = offset + len as u64;
        let bytes = self.view(offset, len)?;
        match Record::decode(&identity, bytes) {
            Ok(record) => {
                let at = place(&identity, &header, offset);
                Ok(Ok(Scanned { at, record }))
            }
            Err(flaw) => end(flaw),
        }
    }

    /// The record at `offset` without its data, where everything but that is as it should be. The
    /// scan goes on behind it.
    pub(crate) fn head_at(&mut self, offset: u64) -> vfs::Result<Option<Scanned<'_>>> {
        let identity = self.identity;
        let Ok(header) = Header::decode(&identity, self.view(offset, HEADER_LEN)?) else {
            return Ok(None);
        };
        let len = header.record_len();
        let bytes = self.view(offset, len)?;
        let trailer = bytes.last_chunk::<TRAILER_LEN>().filter(|_| bytes.len() == len);
        let trailer = trailer.and_then(|bytes| Trailer::decode(&identity, bytes).ok());
        if trailer.is_none_or(|trailer| trailer.lsn != header.lsn) || header.meta(bytes).is_err() {
            return Ok(None);
        }
        self.offset = offset + len as u64;
        let bytes = self.view(offset, len)?;
        let Ok(meta) = header.meta(bytes) else { return Ok(None) };
        let at = place(&identity, &header, offset);
        let record = Record { header, meta, data: &[], data_at: header.meta_end() };
        Ok(Some(Scanned { at, record }))
    }

    /// Where the next record is expected.
    pub(crate) fn offset(&self) -> u64 {
        self.offset
    }

    /// Goes on at another place.
    pub(crate) fn seek(&mut self, offset: u64) {
        self.offset = offset;
    }

    /// Up to `len` bytes at `offset`; fewer at the end of the file.
    fn view(&mut self, offset: u64, len: usize) -> vfs::Result<&[u8]> {
        let have = self.window_at + self.window.len() as u64;
        let wanted = (offset + len as u64).min(self.file_len);
        if offset < self.window_at || wanted > have {
            let left = self.file_len.saturating_sub(offset);
            let read = usize::try_from(left).unwrap_or(usize::MAX).min(len.max(WINDOW));
            self.window.resize(read, 0);
            self.window_at = offset;
            self.file.read_exact_at(&mut self.window, offset)?;
        }
        let start = usize::try_from(offset - self.window_at).unwrap_or(usize::MAX);
        let end = start.saturating_add(len).min(self.window.len());
        Ok(self.window.get(start..end).unwrap_or_default())
    }
}

fn place(identity: &Identity, header: &Header, offset: u64) -> RecordRef {
    let len = u32::try_from(header.record_len()).unwrap_or(u32::MAX);
    RecordRef { lsn: header.lsn, segment: identity.segment, offset, len }
}

/// Looks behind a place where the log seems to end for a record that proves that the one expected
/// there, `lsn`, was durable once: then it is not a torn tail that may be cut, but damage.
/// Gives the offset of the proof.
pub(crate) fn later_evidence(
    file: Arc<dyn VfsFile>,
    identity: Identity,
    offset: u64,
    lsn: u64,
) -> vfs::Result<Option<u64>> {
    let mut scanner = Scanner::new(file, identity, offset)?;
    let mut at = offset;
    while let Some(found) = next_magic(&mut scanner, at)? {
        scanner.seek(found);
        if let Ok(scanned) = scanner.next()? {
            let header = scanned.record.header;
            if header.lsn >= lsn && header.durable >= lsn {
                return Ok(Some(found));
            }
        }
        at = found + ALIGN as u64;
    }
    Ok(None)
}

/// The next place at or behind `from` where the magic of a record stands.
fn next_magic(scanner: &mut Scanner, from: u64) -> vfs::Result<Option<u64>> {
    let mut at = from;
    while at < scanner.file_len {
        let bytes = scanner.view(at, WINDOW)?;
        let found = bytes.chunks(ALIGN).position(|chunk| chunk.starts_with(&MAGIC));
        if let Some(found) = found {
            return Ok(Some(at + (found * ALIGN) as u64));
        }
        at += bytes.len().max(ALIGN) as u64;
    }
    Ok(None)
}

/// What lies behind a place where a record cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Skipped {
    /// Whom the record that cannot be read was about, as far as its header or trailer tells.
    pub(crate) subject: Option<u64>,
    /// The next record that can be read: its offset and sequence number.
    pub(crate) resume: Option<(u64, u64)>,
}

/// Finds the next readable record behind a damaged one at `offset`, which came after `last`.
pub(crate) fn resync(
    file: Arc<dyn VfsFile>,
    identity: Identity,
    offset: u64,
    last: u64,
) -> vfs::Result<Skipped> {
    let mut scanner = Scanner::new(file, identity, offset)?;
    let head = scanner.view(offset, HEADER_LEN)?;
    let header = Header::decode(&identity, head).ok().filter(|header| header.lsn == last + 1);
    let mut subject = header.map(|header| header.subject);
    let mut resume = None;
    let mut at = offset + ALIGN as u64;
    while let Some(found) = next_magic(&mut scanner, at)? {
        scanner.seek(found);
        if let Ok(scanned) = scanner.next()?
            && scanned.at.lsn > last + 1
        {
            resume = Some((found, scanned.at.lsn));
            break;
        }
        at = found + ALIGN as u64;
    }
    if let Some((found, _)) = resume.filter(|_| subject.is_none()) {
        let trailer_at = found.saturating_sub(TRAILER_LEN as u64);
        let trailer = Trailer::decode(&identity, scanner.view(trailer_at, TRAILER_LEN)?);
        subject = trailer.ok().filter(|trailer| trailer.lsn == last + 1).map(|t| t.subject);
    }
    Ok(Skipped { subject, resume })
}
