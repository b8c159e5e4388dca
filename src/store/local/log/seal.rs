//! Closing a segment for good, and reading the hints that this leaves.

use std::sync::Arc;

use super::super::blob::ExtentError;
use super::super::format::hint::{
    FOOTER_LEN, FRAME_HEADER_LEN, FrameBuilder, FrameHeader, HintEntry, SealFooter,
};
use super::super::format::{Identity, StoreId, crc32c};
use super::super::vfs::{self, Access, Vfs, VfsError, VfsFile};
use super::{FIRST_OFFSET, ScanEnd, Scanner, segment_path};

/// Writes hints and footer behind the records of a segment that nobody writes any more, and gives
/// back what was allocated behind them. Idempotent; a crash in between leaves an unsealed segment.
///
/// `last_lsn` is the segment's last record.
pub(crate) fn seal(vfs: &dyn Vfs, store: StoreId, id: u64, last_lsn: u64) -> vfs::Result<()> {
    let identity = Identity { store, segment: id };
    let file = vfs.open(&segment_path(id), Access::Write)?;
    if read_footer(&*file, &identity)?.is_some() {
        return Ok(());
    }
    let records_end = end_of_records(&file, identity, last_lsn)?;
    let mut hints = HintWriter { file: &*file, identity, end: records_end, table: Vec::new() };
    let mut frame = FrameBuilder::default();
    let (mut records, mut first_lsn, mut last_lsn) = (0_u32, 0, 0);
    let mut scanner = Scanner::new(Arc::clone(&file), identity, FIRST_OFFSET)?;
    while scanner.offset() < records_end {
        let found = scanner.next()?.map_err(|end| unfinished(&*file, end))?;
        let header = found.record.header;
        first_lsn = if records == 0 { header.lsn } else { first_lsn };
        (records, last_lsn) = (records + 1, header.lsn);
        frame.push(low(found.at.offset), &header, found.record.meta);
        if frame.is_full() {
            hints.write(&mut frame)?;
        }
    }
    if !frame.is_empty() {
        hints.write(&mut frame)?;
    }
    let HintWriter { end: table_at, table, .. } = hints;
    let footer = SealFooter {
        records_end,
        table_at,
        frames: u32::try_from(table.len() / 4).unwrap_or(u32::MAX),
        records,
        first_lsn,
        last_lsn,
        table_crc: crc32c(&table),
    };
    let footer_at = table_at + table.len() as u64;
    file.set_len(table_at)?;
    file.write_at(&table, table_at)?;
    // The footer vouches for all of this, and a crash may keep what was written last alone.
    file.sync_data()?;
    file.write_at(&footer.encode(&identity), footer_at)?;
    file.sync_data()
}

/// Where the records end. Hints go behind them, so that has to be known before the first hint is
/// written.
fn end_of_records(file: &Arc<dyn VfsFile>, identity: Identity, last_lsn: u64) -> vfs::Result<u64> {
    let mut scanner = Scanner::new(Arc::clone(file), identity, FIRST_OFFSET)?;
    let mut lsn = 0;
    while lsn < last_lsn {
        lsn = scanner.next()?.map_err(|end| unfinished(&**file, end))?.at.lsn;
    }
    Ok(scanner.offset())
}

fn unfinished(file: &dyn VfsFile, end: ScanEnd) -> VfsError {
    let doing = format!("seal {}", file.describe());
    let why = format!("at {}: {}", end.offset, end.flaw);
    VfsError::new(doing, std::io::Error::new(std::io::ErrorKind::InvalidData, why))
}

struct HintWriter<'a> {
    file: &'a dyn VfsFile,
    identity: Identity,
    end: u64,
    table: Vec<u8>,
}

impl HintWriter<'_> {
    fn write(&mut self, frame: &mut FrameBuilder) -> vfs::Result<()> {
        let bytes = frame.finish(&self.identity);
        self.file.write_at(&bytes, self.end)?;
        self.table.extend_from_slice(&low(self.end).to_le_bytes());
        self.end += bytes.len() as u64;
        Ok(())
    }
}

/// The footer of a segment; `None` where it isn't sealed.
pub(crate) fn read_footer(
    file: &dyn VfsFile,
    identity: &Identity,
) -> vfs::Result<Option<SealFooter>> {
    let Some(offset) = file.len()?.checked_sub(FOOTER_LEN as u64) else { return Ok(None) };
    let mut bytes = [0; FOOTER_LEN];
    match file.read_exact_at(&mut bytes, offset) {
        // What was allocated ahead is given back while it is being sealed.
        Err(error) if error.is_past_end() => return Ok(None),
        read => read?,
    }
    let fits = |footer: &SealFooter| {
        footer.table_at.checked_add(u64::from(footer.frames) * 4) == Some(offset)
    };
    Ok(SealFooter::decode(identity, &bytes).ok().filter(fits))
}

/// Visits the frames of hints of a sealed segment from the last to the first, the entries of each
/// in the order of the records.
pub(crate) fn visit_frames_backwards<E: From<ExtentError>>(
    file: &dyn VfsFile,
    identity: &Identity,
    footer: &SealFooter,
    mut visit: impl FnMut(&[HintEntry<'_>]) -> Result<(), E>,
) -> Result<(), E> {
    for offset in frames_of(file, footer)?.into_iter().rev() {
        visit_frame(file, identity, offset, &mut visit)?;
    }
    Ok(())
}

/// Where the frames of a sealed segment are, the first one first.
pub(crate) fn frames_of(file: &dyn VfsFile, footer: &SealFooter) -> Result<Vec<u64>, ExtentError> {
    let mut table = vec![0; footer.frames as usize * 4];
    read_hints(file, &mut table, footer.table_at)?;
    if crc32c(&table) != footer.table_crc {
        return Err(damaged(file, "the table of hints fails its checksum"));
    }
    let place = |place: &[u8]| u32::from_le_bytes(place.try_into().unwrap_or_default()).into();
    Ok(table.chunks(4).map(place).collect())
}

/// Visits the entries of one frame, in the order of the records.
pub(crate) fn visit_frame<E: From<ExtentError>>(
    file: &dyn VfsFile,
    identity: &Identity,
    offset: u64,
    visit: &mut impl FnMut(&[HintEntry<'_>]) -> Result<(), E>,
) -> Result<(), E> {
    let mut head = [0; FRAME_HEADER_LEN];
    read_hints(file, &mut head, offset)?;
    let header = FrameHeader::decode(&head).map_err(|flaw| damaged(file, flaw.0))?;
    let mut payload = vec![0; header.len];
    read_hints(file, &mut payload, offset + FRAME_HEADER_LEN as u64)?;
    let entries = header.entries(identity, &payload).map_err(|flaw| damaged(file, flaw.0))?;
    visit(&entries)
}

fn damaged(file: &dyn VfsFile, why: &str) -> ExtentError {
    ExtentError::Damaged { what: format!("{}: {why}", file.describe()) }
}

fn read_hints(file: &dyn VfsFile, buf: &mut [u8], offset: u64) -> Result<(), ExtentError> {
    file.read_exact_at(buf, offset).map_err(|error| {
        if error.is_past_end() { damaged(file, "it is cut") } else { ExtentError::Io(error) }
    })
}

/// Offsets in a segment stay below 4 GiB: its size is limited to half of that.
fn low(offset: u64) -> u32 {
    u32::try_from(offset).unwrap_or(u32::MAX)
}
