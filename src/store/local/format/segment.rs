//! The header of a segment of the log.

use super::cursor::Cursor;
use super::{Flaw, Identity, StoreId, crc32c};
use crate::object::Timestamp;

/// Length of the header; the first record starts behind it.
pub(crate) const SEGMENT_HEADER_LEN: usize = 4096;

const MAGIC: [u8; 8] = *b"SGSEGMT1";
const FORMAT: u32 = 1;
const KIND_LOG: u32 = 0;

/// What a segment says about itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SegmentHeader {
    /// Whose it is, and which.
    pub(crate) identity: Identity,
    /// The sequence number of its first record.
    pub(crate) first_lsn: u64,
    /// When it was made.
    pub(crate) created: Timestamp,
}

impl SegmentHeader {
    /// The header's bytes.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(SEGMENT_HEADER_LEN);
        out.extend_from_slice(&MAGIC);
        out.extend_from_slice(&FORMAT.to_le_bytes());
        out.extend_from_slice(&KIND_LOG.to_le_bytes());
        out.extend_from_slice(&self.identity.store.0);
        out.extend_from_slice(&self.identity.segment.to_le_bytes());
        out.extend_from_slice(&self.first_lsn.to_le_bytes());
        out.extend_from_slice(&self.created.0.to_le_bytes());
        out.resize(SEGMENT_HEADER_LEN - 4, 0);
        let crc = crc32c(&out);
        out.extend_from_slice(&crc.to_le_bytes());
        out
    }

    /// Reads a header.
    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, Flaw> {
        let checked = Cursor::new(bytes).take(SEGMENT_HEADER_LEN - 4)?;
        let mut end = Cursor::new(bytes);
        end.take(SEGMENT_HEADER_LEN - 4)?;
        let mut from = Cursor::new(checked);
        if from.array()? != MAGIC {
            return Err(Flaw("the file is no segment"));
        }
        if end.u32()? != crc32c(checked) {
            return Err(Flaw("the segment's header fails its checksum"));
        }
        if from.u32()? != FORMAT || from.u32()? != KIND_LOG {
            return Err(Flaw("the segment is of a format that this version does not know"));
        }
        let store = StoreId(from.array()?);
        let identity = Identity { store, segment: from.u64()? };
        let (first_lsn, created) = (from.u64()?, from.array()?);
        Ok(Self { identity, first_lsn, created: Timestamp(i64::from_le_bytes(created)) })
    }
}
