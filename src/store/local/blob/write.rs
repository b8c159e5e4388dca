//! Writing a blob: data as it comes, then everything behind it, then the name.

use std::io;

use super::super::vfs::{Allocation, Result, UnnamedFile, Vfs, VfsError};
use super::footer::{BlobFooter, MAX_FOOTER};
use super::format::{self, Crc, Trailer};
use super::{BLOCK, BlobDir, BlobId, Unpublished};

/// A blob being written. Nothing of it can be seen before [`BlobWriter::finish`]; dropped, it is
/// gone. Calls block.
pub(crate) struct BlobWriter {
    file: Box<dyn UnnamedFile>,
    id: BlobId,
    reserved: u64,
    size: u64,
    blocks: Vec<u32>,
    block: Crc,
    in_block: usize,
}

/// A blob that has its name and whose content is durable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use = "the blob is not durable before its directory is synced"]
pub(crate) struct Published {
    /// The blob.
    pub(crate) id: BlobId,
    /// Bytes of data.
    pub(crate) size: u64,
    /// The directory to sync before the blob is acknowledged.
    pub(crate) dir: BlobDir,
}

impl BlobWriter {
    pub(super) fn new(vfs: &dyn Vfs, id: BlobId, length: Option<u64>) -> Result<Self> {
        let file = vfs.create_unnamed(&id.dir().path())?;
        let reserved = length.unwrap_or_default();
        file.file().allocate(0, reserved, Allocation::KeepLength)?;
        Ok(Self { file, id, reserved, size: 0, blocks: Vec::new(), block: Crc::new(), in_block: 0 })
    }

    /// Appends data. Each call is a call of the system, so callers collect a few 100 KiB.
    pub(crate) fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.file.file().write_at(bytes, self.size)?;
        self.size = self.size.saturating_add(bytes.len() as u64);
        let mut rest = bytes;
        while !rest.is_empty() {
            let (now, later) = rest.split_at(rest.len().min(BLOCK - self.in_block));
            self.block.update(now);
            self.in_block += now.len();
            if self.in_block == BLOCK {
                self.end_block();
            }
            rest = later;
        }
        Ok(())
    }

    /// Writes what belongs behind the data, makes all of it durable, and gives it its name. After
    /// an error the blob is not there, or nobody may rely on it: as with any failed sync.
    pub(crate) fn finish(mut self, footer: &BlobFooter) -> Result<Published> {
        if self.in_block > 0 {
            self.end_block();
        }
        let end = self.encode_end(footer)?;
        self.file.file().write_at(&end, self.size)?;
        let length = self.size.saturating_add(end.len() as u64);
        if self.reserved > length {
            // Gives back what was reserved behind the end.
            self.file.file().set_len(length)?;
        }
        self.file.publish(&self.id.path())?;
        Ok(Published { id: self.id, size: self.size, dir: self.id.dir() })
    }

    /// Ends the data, which is to be read again but never to be a blob.
    pub(crate) fn keep_unpublished(self) -> Unpublished {
        Unpublished::new(self.file, self.size)
    }

    fn end_block(&mut self) {
        self.blocks.push(self.block.finish());
        self.block = Crc::new();
        self.in_block = 0;
    }

    fn encode_end(&self, footer: &BlobFooter) -> Result<Vec<u8>> {
        let failed = |why: String| {
            let doing = format!("write the footer of {}", self.id);
            VfsError::new(doing, io::Error::new(io::ErrorKind::InvalidInput, why))
        };
        let sealed = footer.sealing.is_some();
        let footer = footer.encode().map_err(|error| failed(error.to_string()))?;
        let footer_len = u32::try_from(footer.len()).ok().filter(|_| footer.len() <= MAX_FOOTER);
        let footer_len =
            footer_len.ok_or_else(|| failed(format!("{} bytes are too many", footer.len())))?;
        let footer_crc = format::footer_crc(self.id, &footer);
        let mut end = format::encode_table(self.id, &self.blocks);
        end.extend_from_slice(&footer);
        let trailer = Trailer { size: self.size, footer_len, footer_crc, sealed };
        end.extend_from_slice(&trailer.encode(self.id));
        Ok(end)
    }
}
