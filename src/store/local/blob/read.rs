//! Reading a blob: every byte given out has passed its block's checksum.

use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;

use super::super::vfs::{Access, Vfs, VfsError, VfsFile};
use super::format::{self, Geometry, PER_PAGE, TRAILER, Trailer};
use super::stream::{ExtentReader, PIECE, StoredExtent};
use super::{BLOCK, BlobId, Buffer, ExtentError};

/// An open blob. Stays readable after it is unlinked. Calls block.
pub(crate) struct BlobReader {
    pub(super) file: Arc<dyn VfsFile>,
    pub(super) id: BlobId,
    pub(super) trailer: Trailer,
    /// The page of checksums that was needed last, with its number.
    page: Mutex<Option<(u64, Arc<[u32]>)>>,
}

impl BlobReader {
    pub(super) fn open(vfs: &dyn Vfs, id: BlobId) -> Result<Self, ExtentError> {
        let file = match vfs.open(&id.path(), Access::Read) {
            Err(error) if error.is_not_found() => {
                return Err(ExtentError::Missing { what: vfs.describe(&id.path()) });
            }
            opened => opened?,
        };
        let damaged =
            |why| ExtentError::Damaged { what: format!("{} {why}", vfs.describe(&id.path())) };
        let file_len = file.len()?;
        let offset = file_len
            .checked_sub(TRAILER as u64)
            .ok_or_else(|| damaged("is too short for a blob"))?;
        let mut trailer = [0; TRAILER];
        file.read_exact_at(&mut trailer, offset).map_err(|e| unreadable(&*file, e))?;
        let trailer = Trailer::decode(id, &trailer, file_len).map_err(damaged)?;
        Ok(Self { file, id, trailer, page: Mutex::new(None) })
    }

    /// Bytes of data.
    pub(crate) fn size(&self) -> u64 {
        self.trailer.size
    }

    /// Reads `len` bytes at `offset` of the data. Whole blocks are read around them, so reads that
    /// begin and end on multiples of [`BLOCK`] cost least. Memory is that of a [`Buffer`] for `len`
    /// and up to two blocks.
    pub(crate) fn read(&self, offset: u64, len: usize) -> Result<Bytes, ExtentError> {
        let end = self.end(offset, len)?;
        if len == 0 {
            return Ok(Bytes::new());
        }
        let first = offset / BLOCK as u64;
        let from = first * BLOCK as u64;
        let to = end.next_multiple_of(BLOCK as u64).min(self.size());
        let skip = usize::try_from(offset - from).unwrap_or_default();
        let whole = usize::try_from(to - from).map_err(|_| self.damaged("is read in too much"))?;
        let mut bytes = Buffer::new(whole);
        self.fill(&mut bytes, from)?;
        for (number, block) in (first..).zip(bytes.chunks(BLOCK)) {
            if self.block_crc(number)? != Some(format::crc(block)) {
                let why = format!("fails the checksum of block {number}");
                return Err(self.damaged(&why));
            }
        }
        Ok(bytes.freeze().slice(skip..skip + len))
    }

    /// Where a range ends that lies inside.
    fn end(&self, offset: u64, len: usize) -> Result<u64, ExtentError> {
        let end = offset.checked_add(len as u64).filter(|end| *end <= self.size());
        end.ok_or_else(|| self.damaged("is shorter than the object"))
    }

    pub(super) fn geometry(&self) -> Geometry {
        Geometry { size: self.trailer.size }
    }

    fn block_crc(&self, block: u64) -> Result<Option<u32>, ExtentError> {
        let page = self.page(block / PER_PAGE as u64)?;
        let place = usize::try_from(block % PER_PAGE as u64).unwrap_or(usize::MAX);
        Ok(page.get(place).copied())
    }

    fn page(&self, number: u64) -> Result<Arc<[u32]>, ExtentError> {
        let mut kept = self.page.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, page)) = kept.as_ref().filter(|(kept, _)| *kept == number) {
            return Ok(Arc::clone(page));
        }
        let (offset, entries) = self.geometry().page(number);
        let mut bytes = vec![0; 4 * (entries + 1)];
        self.fill(&mut bytes, offset)?;
        let page = format::decode_page(self.id, number, &bytes);
        let page: Arc<[u32]> =
            page.ok_or_else(|| self.damaged("has block checksums that fail their own"))?.into();
        *kept = Some((number, Arc::clone(&page)));
        Ok(page)
    }

    pub(super) fn fill(&self, bytes: &mut [u8], offset: u64) -> Result<(), ExtentError> {
        self.file.read_exact_at(bytes, offset).map_err(|e| unreadable(&*self.file, e))
    }

    pub(super) fn damaged(&self, why: &str) -> ExtentError {
        ExtentError::Damaged { what: format!("{} {why}", self.file.describe()) }
    }
}

/// A file that became shorter since it was opened is damaged; all else is the file system's.
fn unreadable(file: &dyn VfsFile, error: VfsError) -> ExtentError {
    if error.is_past_end() {
        return ExtentError::Damaged { what: format!("{} was cut", file.describe()) };
    }
    ExtentError::Io(error)
}

impl ExtentReader for BlobReader {
    fn len(&self) -> u64 {
        self.size()
    }

    fn read(&self, offset: u64, len: usize) -> Result<Vec<Bytes>, ExtentError> {
        BlobReader::read(self, offset, len).map(|bytes| vec![bytes])
    }

    fn piece(&self) -> u64 {
        PIECE as u64
    }

    fn describe(&self) -> String {
        self.file.describe()
    }
}

impl StoredExtent for BlobReader {
    fn read_unchecked(&self, offset: u64, len: usize) -> Result<Buffer, ExtentError> {
        self.end(offset, len)?;
        let mut bytes = Buffer::new(len);
        self.fill(&mut bytes, offset)?;
        Ok(bytes)
    }
}
