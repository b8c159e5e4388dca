//! Data that was written and will never be a blob.

use bytes::Bytes;

use super::super::vfs::UnnamedFile;
use super::{Buffer, ExtentError, ExtentReader, StoredExtent};

/// How much is read at once.
const PIECE: u64 = super::stream::PIECE as u64;

/// A file without a name, gone when it is dropped. It has no checksums: what is in it is encrypted, and
/// authenticated by that.
pub(crate) struct Unpublished {
    file: Box<dyn UnnamedFile>,
    size: u64,
}

impl Unpublished {
    /// What a writer has written.
    pub(super) fn new(file: Box<dyn UnnamedFile>, size: u64) -> Self {
        Self { file, size }
    }
}

impl ExtentReader for Unpublished {
    fn len(&self) -> u64 {
        self.size
    }

    fn piece(&self) -> u64 {
        PIECE
    }

    fn read(&self, offset: u64, len: usize) -> Result<Vec<Bytes>, ExtentError> {
        self.read_unchecked(offset, len).map(|bytes| vec![bytes.freeze()])
    }

    fn describe(&self) -> String {
        self.file.file().describe()
    }
}

impl StoredExtent for Unpublished {
    fn read_unchecked(&self, offset: u64, len: usize) -> Result<Buffer, ExtentError> {
        let mut bytes = Buffer::new(len);
        let read = self.file.file().read_exact_at(&mut bytes, offset);
        read.map_err(ExtentError::Io)?;
        Ok(bytes)
    }
}
