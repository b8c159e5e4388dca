//! The frame around every record of the log; see the table in [`super`].

use super::cursor::Cursor;
use super::{Flaw, Identity, crc32c};

/// What every record starts with.
pub(crate) const MAGIC: [u8; 4] = *b"SREC";
/// Length of the header.
pub(crate) const HEADER_LEN: usize = 48;
/// Length of the trailer.
pub(crate) const TRAILER_LEN: usize = 24;
/// Records start at multiples of this.
pub(crate) const ALIGN: usize = 8;
/// Over how much data one CRC runs.
pub(crate) const BLOCK_LEN: usize = 64 * 1024;
/// The longest meta.
pub(crate) const MAX_META_LEN: usize = 1 << 20;
/// The longest data.
pub(crate) const MAX_DATA_LEN: usize = 16 << 20;

const HEADER_CHECKED: usize = HEADER_LEN - 4;
const CRC_LEN: usize = 4;

/// A record before it is written.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Frame<'a> {
    /// The kind's number.
    pub(crate) kind: u8,
    /// Its sequence number.
    pub(crate) lsn: u64,
    /// Everything up to this one is durable.
    pub(crate) durable: u64,
    /// Whom it is about.
    pub(crate) subject: u64,
    /// The format of the meta.
    pub(crate) format: u8,
    /// The encoded meta.
    pub(crate) meta: &'a [u8],
    /// The data.
    pub(crate) data: &'a [u8],
    /// A CRC for each block of the data, from [`block_crcs`].
    pub(crate) data_crcs: &'a [u32],
}

/// A record's header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Header {
    /// The format of the meta.
    pub(crate) format: u8,
    /// The kind's number.
    pub(crate) kind: u8,
    /// The sequence number.
    pub(crate) lsn: u64,
    /// Everything up to this one was durable.
    pub(crate) durable: u64,
    /// Whom it is about.
    pub(crate) subject: u64,
    /// Length of the meta.
    pub(crate) meta_len: usize,
    /// Length of the data.
    pub(crate) data_len: usize,
}

/// A record's trailer: lets a scan find its way backwards.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Trailer {
    /// Length of the whole record.
    pub(crate) len: u32,
    /// The sequence number.
    pub(crate) lsn: u64,
    /// Whom it is about.
    pub(crate) subject: u64,
}

/// A whole record whose every check passed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Record<'a> {
    /// Its header.
    pub(crate) header: Header,
    /// Its meta.
    pub(crate) meta: &'a [u8],
    /// Its data.
    pub(crate) data: &'a [u8],
    /// Where in the record the data starts.
    pub(crate) data_at: usize,
}

/// The CRCs of data, block by block.
pub(crate) fn block_crcs(data: &[u8]) -> Vec<u32> {
    data.chunks(BLOCK_LEN).map(crc32c).collect()
}

/// How long a record with such meta and data is.
pub(crate) fn record_len(meta_len: usize, data_len: usize) -> usize {
    let blocks = data_len.div_ceil(BLOCK_LEN);
    let body = HEADER_LEN + meta_len + CRC_LEN + data_len + blocks * CRC_LEN;
    body.next_multiple_of(ALIGN) + TRAILER_LEN
}

/// A length that the limits keep below 4 GiB.
#[allow(clippy::cast_possible_truncation, reason = "lengths of records are limited")]
fn length(len: usize) -> u32 {
    len as u32
}

impl Frame<'_> {
    /// Appends the record to `out` and says how long it is.
    pub(crate) fn encode(&self, identity: &Identity, out: &mut Vec<u8>) -> usize {
        let start = out.len();
        let total = record_len(self.meta.len(), self.data.len());
        out.reserve(total);
        self.encode_header(identity, out);
        out.extend_from_slice(self.meta);
        out.extend_from_slice(&crc32c(self.meta).to_le_bytes());
        out.extend_from_slice(self.data);
        for crc in self.data_crcs {
            out.extend_from_slice(&crc.to_le_bytes());
        }
        out.resize(start + total - TRAILER_LEN, 0);
        self.encode_trailer(identity, length(total), out);
        total
    }

    fn encode_header(&self, identity: &Identity, out: &mut Vec<u8>) {
        let mut header = Vec::with_capacity(HEADER_LEN);
        header.extend_from_slice(&MAGIC);
        header.extend_from_slice(&[self.format, self.kind, 0, 0]);
        header.extend_from_slice(&self.lsn.to_le_bytes());
        header.extend_from_slice(&self.durable.to_le_bytes());
        header.extend_from_slice(&self.subject.to_le_bytes());
        header.extend_from_slice(&length(self.meta.len()).to_le_bytes());
        header.extend_from_slice(&length(self.data.len()).to_le_bytes());
        header.extend_from_slice(&[0; 4]);
        out.extend_from_slice(&header);
        out.extend_from_slice(&identity.crc32c(&header).to_le_bytes());
    }

    fn encode_trailer(&self, identity: &Identity, total: u32, out: &mut Vec<u8>) {
        let crc = trailer_crc(identity, total, self.lsn, self.subject);
        out.extend_from_slice(&total.to_le_bytes());
        out.extend_from_slice(&crc.to_le_bytes());
        out.extend_from_slice(&self.lsn.to_le_bytes());
        out.extend_from_slice(&self.subject.to_le_bytes());
    }
}

fn trailer_crc(identity: &Identity, total: u32, lsn: u64, subject: u64) -> u32 {
    let mut fields = Vec::with_capacity(20);
    fields.extend_from_slice(&total.to_le_bytes());
    fields.extend_from_slice(&lsn.to_le_bytes());
    fields.extend_from_slice(&subject.to_le_bytes());
    identity.crc32c(&fields)
}

impl Header {
    /// Reads a header off the front of `bytes`.
    pub(crate) fn decode(identity: &Identity, bytes: &[u8]) -> Result<Self, Flaw> {
        let mut from = Cursor::new(bytes);
        let checked = Cursor::new(bytes).take(HEADER_CHECKED)?;
        if from.array()? != MAGIC {
            return Err(Flaw("no record starts here"));
        }
        let (format, kind, flags) = (from.u8()?, from.u8()?, from.u16()?);
        let (lsn, durable, subject) = (from.u64()?, from.u64()?, from.u64()?);
        let (meta_len, data_len, zero) = (from.u32()?, from.u32()?, from.u32()?);
        if from.u32()? != identity.crc32c(checked) {
            return Err(Flaw("the record's header fails its checksum"));
        }
        let (meta_len, data_len) = (meta_len as usize, data_len as usize);
        if meta_len > MAX_META_LEN || data_len > MAX_DATA_LEN || flags != 0 || zero != 0 {
            return Err(Flaw("the record's header has lengths or flags that cannot be"));
        }
        Ok(Self { format, kind, lsn, durable, subject, meta_len, data_len })
    }

    /// How long the whole record is.
    pub(crate) fn record_len(&self) -> usize {
        record_len(self.meta_len, self.data_len)
    }

    /// How far into the record the meta and its CRC reach.
    pub(crate) fn meta_end(&self) -> usize {
        HEADER_LEN + self.meta_len + CRC_LEN
    }

    /// The meta, from bytes that hold at least the record up to [`Self::meta_end`].
    pub(crate) fn meta<'a>(&self, record: &'a [u8]) -> Result<&'a [u8], Flaw> {
        let mut from = Cursor::new(record);
        from.take(HEADER_LEN)?;
        let meta = from.take(self.meta_len)?;
        if from.u32()? == crc32c(meta) {
            Ok(meta)
        } else {
            Err(Flaw("the record's meta fails its checksum"))
        }
    }
}

impl Trailer {
    /// Reads the trailer of a record.
    pub(crate) fn decode(identity: &Identity, bytes: &[u8]) -> Result<Self, Flaw> {
        let mut from = Cursor::new(bytes);
        let (len, crc, lsn, subject) = (from.u32()?, from.u32()?, from.u64()?, from.u64()?);
        if crc == trailer_crc(identity, len, lsn, subject) {
            Ok(Self { len, lsn, subject })
        } else {
            Err(Flaw("the record's trailer fails its checksum"))
        }
    }
}

impl<'a> Record<'a> {
    /// Reads a whole record, checking everything.
    pub(crate) fn decode(identity: &Identity, bytes: &'a [u8]) -> Result<Self, Flaw> {
        let header = Header::decode(identity, bytes)?;
        let mut from = Cursor::new(bytes);
        let meta = header.meta(bytes)?;
        from.take(header.meta_end())?;
        let data = from.take(header.data_len)?;
        for block in data.chunks(BLOCK_LEN) {
            if from.u32()? != crc32c(block) {
                return Err(Flaw("the record's data fails its checksum"));
            }
        }
        let total = header.record_len();
        let padding = from.left().saturating_sub(bytes.len().saturating_sub(total) + TRAILER_LEN);
        if from.take(padding)?.iter().any(|byte| *byte != 0) {
            return Err(Flaw("the record's padding is not zero"));
        }
        let trailer = Trailer::decode(identity, from.take(TRAILER_LEN)?)?;
        let Header { lsn, subject, .. } = header;
        if trailer != (Trailer { len: length(total), lsn, subject }) {
            return Err(Flaw("the record's trailer is that of another record"));
        }
        Ok(Self { header, meta, data, data_at: header.meta_end() })
    }
}
