//! What a sealed segment ends with: the heads of its records, so that a rebuild reads no bodies.
//!
//! ```text
//! frame:  magic "SGHF" (4), count (4), length of the payload (4), CRC over store id, segment id
//!         and the payload (4), payload
//! entry:  offset of the record (4), its length (4), LSN (8), kind (1), format (1), zero (2),
//!         length of the meta (4), meta
//! table:  the offset of each frame (4 each)
//! footer: magic "SGSEALD1" (8), where the records end (8), where the table starts (8), number of
//!         frames (4), number of records (4), first LSN (8), last LSN (8), CRC of the table (4),
//!         zeros (8), CRC over store id, segment id and bytes 0..60 (4)
//! ```
//! Frames stand in the order of the records; a rebuild reads them from the last to the first.

use super::cursor::Cursor;
use super::record::{Header, MAX_META_LEN};
use super::{Flaw, Identity};

/// Length of the footer.
pub(crate) const FOOTER_LEN: usize = 64;
/// Length of what stands before a frame's payload.
pub(crate) const FRAME_HEADER_LEN: usize = 16;
/// How long a payload gets before the next frame begins.
pub(crate) const FRAME_TARGET: usize = 1 << 20;
/// The longest payload.
pub(crate) const MAX_FRAME_LEN: usize = FRAME_TARGET + MAX_META_LEN + ENTRY_HEADER_LEN;

const FRAME_MAGIC: [u8; 4] = *b"SGHF";
const FOOTER_MAGIC: [u8; 8] = *b"SGSEALD1";
const ENTRY_HEADER_LEN: usize = 24;

/// A record's head in a hint frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct HintEntry<'a> {
    /// Where the record starts.
    pub(crate) offset: u32,
    /// How long it is.
    pub(crate) len: u32,
    /// Its sequence number.
    pub(crate) lsn: u64,
    /// Its kind's number.
    pub(crate) kind: u8,
    /// The format of its meta.
    pub(crate) format: u8,
    /// Its meta.
    pub(crate) meta: &'a [u8],
}

/// A frame being filled.
#[derive(Debug, Default)]
pub(crate) struct FrameBuilder {
    count: u32,
    payload: Vec<u8>,
}

/// The header of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FrameHeader {
    /// How many entries there are.
    pub(crate) count: u32,
    /// Length of the payload.
    pub(crate) len: usize,
    crc: u32,
}

/// The end of a sealed segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SealFooter {
    /// Where the records end.
    pub(crate) records_end: u64,
    /// Where the table of frames starts.
    pub(crate) table_at: u64,
    /// How many frames there are.
    pub(crate) frames: u32,
    /// How many records there are.
    pub(crate) records: u32,
    /// The first sequence number.
    pub(crate) first_lsn: u64,
    /// The last one.
    pub(crate) last_lsn: u64,
    /// The CRC of the table.
    pub(crate) table_crc: u32,
}

impl FrameBuilder {
    /// Adds a record's head.
    #[allow(clippy::cast_possible_truncation, reason = "metas and records are limited")]
    pub(crate) fn push(&mut self, offset: u32, header: &Header, meta: &[u8]) {
        let out = &mut self.payload;
        out.extend_from_slice(&offset.to_le_bytes());
        out.extend_from_slice(&(header.record_len() as u32).to_le_bytes());
        out.extend_from_slice(&header.lsn.to_le_bytes());
        out.extend_from_slice(&[header.kind, header.format, 0, 0]);
        out.extend_from_slice(&(meta.len() as u32).to_le_bytes());
        out.extend_from_slice(meta);
        self.count += 1;
    }

    /// Whether it is time for the next frame.
    pub(crate) fn is_full(&self) -> bool {
        self.payload.len() >= FRAME_TARGET
    }

    /// Whether nothing is in it.
    pub(crate) fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The frame's bytes; the builder starts anew.
    #[allow(clippy::cast_possible_truncation, reason = "a frame is little longer than its target")]
    pub(crate) fn finish(&mut self, identity: &Identity) -> Vec<u8> {
        let Self { count, payload } = std::mem::take(self);
        let mut out = Vec::with_capacity(FRAME_HEADER_LEN + payload.len());
        out.extend_from_slice(&FRAME_MAGIC);
        out.extend_from_slice(&count.to_le_bytes());
        out.extend_from_slice(&(payload.len() as u32).to_le_bytes());
        out.extend_from_slice(&identity.crc32c(&payload).to_le_bytes());
        out.extend_from_slice(&payload);
        out
    }
}

impl FrameHeader {
    /// Reads the header of a frame.
    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, Flaw> {
        let mut from = Cursor::new(bytes);
        if from.array()? != FRAME_MAGIC {
            return Err(Flaw("no frame of hints starts here"));
        }
        let (count, len, crc) = (from.u32()?, from.u32()? as usize, from.u32()?);
        if len > MAX_FRAME_LEN {
            return Err(Flaw("the frame of hints is too long"));
        }
        Ok(Self { count, len, crc })
    }

    /// The entries of the frame with that payload, in the order of the records.
    pub(crate) fn entries<'a>(
        &self,
        identity: &Identity,
        payload: &'a [u8],
    ) -> Result<Vec<HintEntry<'a>>, Flaw> {
        if payload.len() != self.len || identity.crc32c(payload) != self.crc {
            return Err(Flaw("the frame of hints fails its checksum"));
        }
        let mut from = Cursor::new(payload);
        let mut entries = Vec::new();
        while from.left() > 0 {
            entries.push(HintEntry::decode(&mut from)?);
        }
        if entries.len() as u64 != u64::from(self.count) {
            return Err(Flaw("the frame of hints has another number of entries"));
        }
        Ok(entries)
    }
}

impl<'a> HintEntry<'a> {
    fn decode(from: &mut Cursor<'a>) -> Result<Self, Flaw> {
        let (offset, len, lsn) = (from.u32()?, from.u32()?, from.u64()?);
        let (kind, format, _zero) = (from.u8()?, from.u8()?, from.u16()?);
        let meta_len = from.u32()? as usize;
        let meta = from.take(meta_len)?;
        Ok(Self { offset, len, lsn, kind, format, meta })
    }
}

impl SealFooter {
    /// The footer's bytes.
    pub(crate) fn encode(&self, identity: &Identity) -> Vec<u8> {
        let mut out = Vec::with_capacity(FOOTER_LEN);
        out.extend_from_slice(&FOOTER_MAGIC);
        out.extend_from_slice(&self.records_end.to_le_bytes());
        out.extend_from_slice(&self.table_at.to_le_bytes());
        out.extend_from_slice(&self.frames.to_le_bytes());
        out.extend_from_slice(&self.records.to_le_bytes());
        out.extend_from_slice(&self.first_lsn.to_le_bytes());
        out.extend_from_slice(&self.last_lsn.to_le_bytes());
        out.extend_from_slice(&self.table_crc.to_le_bytes());
        out.resize(FOOTER_LEN - 4, 0);
        let crc = identity.crc32c(&out);
        out.extend_from_slice(&crc.to_le_bytes());
        out
    }

    /// Reads a footer.
    pub(crate) fn decode(identity: &Identity, bytes: &[u8]) -> Result<Self, Flaw> {
        let mut from = Cursor::new(bytes);
        let checked = Cursor::new(bytes).take(FOOTER_LEN - 4)?;
        if from.array()? != FOOTER_MAGIC {
            return Err(Flaw("the segment is not sealed"));
        }
        let footer = Self {
            records_end: from.u64()?,
            table_at: from.u64()?,
            frames: from.u32()?,
            records: from.u32()?,
            first_lsn: from.u64()?,
            last_lsn: from.u64()?,
            table_crc: from.u32()?,
        };
        from.take(8)?;
        if from.u32()? != identity.crc32c(checked) {
            return Err(Flaw("the segment's footer fails its checksum"));
        }
        Ok(footer)
    }
}
