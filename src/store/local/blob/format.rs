//! The layout behind a blob's data. Pure: arbitrary bytes give an answer or a refusal, and no
//! length in them is believed before it is checked against the file's.
//!
//! ```text
//! 0            data
//! size         block checksums in pages of 4 KiB: up to 1023 CRC32C, then the page's own
//! …            footer (postcard)
//! end - 32     trailer: footer length u32, data size u64, footer CRC u32, format u16, zero u16,
//!              CRC of these u32, magic
//! ```
//!
//! Numbers are little-endian. Every checksum but those of the data also covers the blob's id, so
//! that a file under another's name is found out. A page of checksums is read alone: a range of a
//! large blob needs few of them.

use super::{BLOCK, BlobId};

/// The trailer's length.
pub(super) const TRAILER: usize = 32;
/// How many blocks a page of checksums covers.
pub(super) const PER_PAGE: usize = 1023;
/// The format of blobs whose data is as it came.
const FORMAT: u16 = 1;
/// The format of those whose data is encrypted, and whose footer says how.
const SEALED_FORMAT: u16 = 2;
const MAGIC: [u8; 8] = *b"SGBLOB\r\n";

/// CRC32C.
pub(super) fn crc(bytes: &[u8]) -> u32 {
    fold(crc_fast::checksum(crc_fast::CrcAlgorithm::Crc32Iscsi, bytes))
}

/// A CRC32C in several steps.
pub(super) struct Crc(crc_fast::Digest);

impl Crc {
    pub(super) fn new() -> Self {
        Self(crc_fast::Digest::new(crc_fast::CrcAlgorithm::Crc32Iscsi))
    }

    /// One that covers the blob's id first.
    fn of(id: BlobId) -> Self {
        let mut crc = Self::new();
        crc.update(&id.as_u128().to_be_bytes());
        crc
    }

    pub(super) fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    pub(super) fn finish(&self) -> u32 {
        fold(self.0.finalize())
    }
}

#[allow(clippy::cast_possible_truncation, reason = "a CRC32C fills the low half")]
fn fold(crc: u64) -> u32 {
    crc as u32
}

/// Where things are in a blob of a certain data size.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Geometry {
    /// Bytes of data.
    pub(super) size: u64,
}

impl Geometry {
    /// How many blocks, the last one possibly short.
    pub(super) fn blocks(self) -> u64 {
        self.size.div_ceil(BLOCK as u64)
    }

    /// Where a page of checksums is, and how many checksums are on it.
    pub(super) fn page(self, page: u64) -> (u64, usize) {
        let before = page.saturating_mul(PER_PAGE as u64);
        let entries = self.blocks().saturating_sub(before).min(PER_PAGE as u64);
        let offset = self.size.saturating_add(page.saturating_mul(4 * (PER_PAGE as u64 + 1)));
        (offset, usize::try_from(entries).unwrap_or(PER_PAGE))
    }

    /// Where the footer begins.
    pub(super) fn footer(self) -> u64 {
        let blocks = self.blocks();
        let table = 4u64.saturating_mul(blocks.saturating_add(blocks.div_ceil(PER_PAGE as u64)));
        self.size.saturating_add(table)
    }
}

/// The table of checksums, as it is written.
pub(super) fn encode_table(id: BlobId, blocks: &[u32]) -> Vec<u8> {
    let mut out = Vec::with_capacity(4 * (blocks.len() + blocks.len().div_ceil(PER_PAGE)));
    for (page, blocks) in (0u64..).zip(blocks.chunks(PER_PAGE)) {
        let from = out.len();
        out.extend(blocks.iter().flat_map(|crc| crc.to_le_bytes()));
        let crc = page_crc(id, page, out.get(from..).unwrap_or_default());
        out.extend_from_slice(&crc.to_le_bytes());
    }
    out
}

/// The checksums of a page; `None` where the page fails its own.
pub(super) fn decode_page(id: BlobId, page: u64, bytes: &[u8]) -> Option<Vec<u32>> {
    let (entries, own) = bytes.split_last_chunk::<4>()?;
    if page_crc(id, page, entries) != u32::from_le_bytes(*own) {
        return None;
    }
    let (entries, rest) = entries.as_chunks::<4>();
    rest.is_empty().then(|| entries.iter().map(|crc| u32::from_le_bytes(*crc)).collect())
}

fn page_crc(id: BlobId, page: u64, entries: &[u8]) -> u32 {
    let mut crc = Crc::of(id);
    crc.update(&page.to_le_bytes());
    crc.update(entries);
    crc.finish()
}

/// The checksum of an encoded footer.
pub(super) fn footer_crc(id: BlobId, footer: &[u8]) -> u32 {
    let mut crc = Crc::of(id);
    crc.update(footer);
    crc.finish()
}

/// The last bytes of a blob.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Trailer {
    /// Bytes of data.
    pub(super) size: u64,
    /// Bytes of the footer.
    pub(super) footer_len: u32,
    /// The footer's checksum.
    pub(super) footer_crc: u32,
    /// Whether the data is encrypted.
    pub(super) sealed: bool,
}

impl Trailer {
    pub(super) fn encode(self, id: BlobId) -> Vec<u8> {
        let mut out = Vec::with_capacity(TRAILER);
        out.extend_from_slice(&self.footer_len.to_le_bytes());
        out.extend_from_slice(&self.size.to_le_bytes());
        out.extend_from_slice(&self.footer_crc.to_le_bytes());
        let format = if self.sealed { SEALED_FORMAT } else { FORMAT };
        out.extend_from_slice(&format.to_le_bytes());
        out.extend_from_slice(&[0; 2]);
        let mut crc = Crc::of(id);
        crc.update(&out);
        out.extend_from_slice(&crc.finish().to_le_bytes());
        out.extend_from_slice(&MAGIC);
        out
    }

    /// The trailer of a file of `file_len` bytes; the text says why it is none.
    pub(super) fn decode(
        id: BlobId,
        bytes: &[u8; TRAILER],
        file_len: u64,
    ) -> Result<Self, &'static str> {
        let (covered, rest) = bytes.split_at(20);
        let (own, magic) = rest.split_at(4);
        if magic != MAGIC {
            return Err("does not end like a blob");
        }
        let mut crc = Crc::of(id);
        crc.update(covered);
        if crc.finish().to_le_bytes() != own {
            return Err("has a trailer that fails its checksum");
        }
        Self::fields(covered, file_len).ok_or("has a trailer that does not fit the file")?
    }

    /// `None` where the lengths don't add up to the file's.
    fn fields(covered: &[u8], file_len: u64) -> Option<Result<Self, &'static str>> {
        let (footer_len, rest) = covered.split_first_chunk::<4>()?;
        let (size, rest) = rest.split_first_chunk::<8>()?;
        let (footer_crc, rest) = rest.split_first_chunk::<4>()?;
        let (format, _) = rest.split_first_chunk::<2>()?;
        let sealed = match u16::from_le_bytes(*format) {
            FORMAT => false,
            SEALED_FORMAT => true,
            _ => return Some(Err("has a format that this version does not read")),
        };
        let trailer = Self {
            size: u64::from_le_bytes(*size),
            footer_len: u32::from_le_bytes(*footer_len),
            footer_crc: u32::from_le_bytes(*footer_crc),
            sealed,
        };
        let geometry = Geometry { size: trailer.size };
        let end = geometry.footer().checked_add(u64::from(trailer.footer_len))?;
        (end.checked_add(TRAILER as u64)? == file_len).then_some(Ok(trailer))
    }
}
