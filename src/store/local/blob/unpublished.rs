//! Data that was written and will never be a blob.

use super::super::vfs::UnnamedFile;
use super::{BLOCK, ExtentError};

/// A file without a name, gone when it is dropped. Calls block.
pub(crate) struct Unpublished {
    file: Box<dyn UnnamedFile>,
    size: u64,
    blocks: Vec<u32>,
}

impl Unpublished {
    /// What a writer has written, with the checksums of its blocks.
    pub(super) fn new(file: Box<dyn UnnamedFile>, size: u64, blocks: Vec<u32>) -> Self {
        Self { file, size, blocks }
    }

    /// Bytes of data.
    pub(crate) fn size(&self) -> u64 {
        self.size
    }

    /// Reads whole blocks, or up to the end; `offset` is a multiple of [`BLOCK`]. Every byte that
    /// is given out has passed its block's checksum.
    pub(crate) fn read(&self, offset: u64, len: usize) -> Result<Vec<u8>, ExtentError> {
        let mut bytes = vec![0; len];
        let read = self.file.file().read_exact_at(&mut bytes, offset);
        read.map_err(ExtentError::Io)?;
        let first = usize::try_from(offset / BLOCK as u64).unwrap_or(usize::MAX);
        let expected = self.blocks.get(first..).unwrap_or_default();
        let mut blocks = bytes.chunks(BLOCK);
        let aligned = offset.is_multiple_of(BLOCK as u64);
        let sound = blocks.len() <= expected.len()
            && blocks.all({
                let mut expected = expected.iter();
                move |block| expected.next().copied() == Some(super::format::crc(block))
            });
        if aligned && sound {
            return Ok(bytes);
        }
        let what = format!("{} fails a checksum behind byte {offset}", self.file.file().describe());
        Err(ExtentError::Damaged { what })
    }
}
