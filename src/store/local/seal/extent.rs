//! Reading an encrypted body: every byte given out has been authenticated.

use std::sync::Arc;

use bytes::Bytes;

use super::segments::{BodyKey, PLAIN, SEGMENT, TAG, sealed_len};
use crate::store::local::blob::{ExtentError, ExtentReader, ROOM, StoredExtent};

/// How much is read at once: whole segments, and so many that a body of some MiB takes no more pieces
/// than one that is not encrypted.
const PIECE: u64 = (ROOM / SEGMENT * PLAIN) as u64;

/// The body behind stored bytes.
pub(crate) struct SealedExtent {
    stored: Arc<dyn StoredExtent>,
    key: BodyKey,
    len: u64,
}

impl SealedExtent {
    /// A body of `len` bytes. Stored bytes of another number are damage.
    pub(crate) fn new(
        stored: Arc<dyn StoredExtent>,
        key: BodyKey,
        len: u64,
    ) -> Result<Self, ExtentError> {
        let (has, needs) = (stored.len(), sealed_len(len));
        if has == needs {
            return Ok(Self { stored, key, len });
        }
        let what = format!("{} has {has} bytes, not {needs}", stored.describe());
        Err(ExtentError::Damaged { what })
    }

    fn damaged(&self, why: &str) -> ExtentError {
        ExtentError::Damaged { what: format!("{} {why}", self.stored.describe()) }
    }

    /// Why a segment cannot be opened: damage of the disk is told from everything else.
    fn refused(&self, segment: u64) -> ExtentError {
        let from = segment.saturating_mul(SEGMENT as u64);
        let len = self.stored.len().saturating_sub(from).min(SEGMENT as u64);
        let read = self.stored.read(from, usize::try_from(len).unwrap_or(SEGMENT));
        read.err().unwrap_or_else(|| {
            let why = format!("has an encrypted segment {segment} that is not authentic");
            self.damaged(&why)
        })
    }
}

impl ExtentReader for SealedExtent {
    fn len(&self) -> u64 {
        self.len
    }

    fn piece(&self) -> u64 {
        PIECE
    }

    fn read(&self, offset: u64, len: usize) -> Result<Vec<Bytes>, ExtentError> {
        let end = offset.checked_add(len as u64).filter(|end| *end <= self.len);
        let end = end.ok_or_else(|| self.damaged("is shorter than the object"))?;
        if len == 0 {
            return Ok(Vec::new());
        }
        let first = offset / PLAIN as u64;
        let behind = end.div_ceil(PLAIN as u64);
        let from = first.saturating_mul(SEGMENT as u64);
        let to = behind.saturating_mul(SEGMENT as u64).min(self.stored.len());
        let whole = usize::try_from(to.saturating_sub(from));
        let whole = whole.map_err(|_| self.damaged("is read in too much"))?;
        let mut bytes = self.stored.read_unchecked(from, whole)?;
        let ends = to == self.stored.len();
        self.key.open(first, ends, &mut bytes).map_err(|segment| self.refused(segment))?;
        let skip = usize::try_from(offset - first * PLAIN as u64).unwrap_or(usize::MAX);
        let chunks = selected(&bytes.freeze(), skip, len);
        chunks.ok_or_else(|| self.damaged("is shorter than the object"))
    }

    fn describe(&self) -> String {
        self.stored.describe()
    }
}

/// Of what opened segments hold, the `len` bytes behind the first `skip` ones; none where there are
/// fewer.
fn selected(segments: &Bytes, mut skip: usize, mut len: usize) -> Option<Vec<Bytes>> {
    let mut chunks = Vec::new();
    for from in (0..segments.len()).step_by(SEGMENT) {
        let end = segments.len().min(from + SEGMENT).saturating_sub(TAG).max(from);
        let start = end.min(from.saturating_add(skip));
        let chunk = segments.slice(start..end.min(start.saturating_add(len)));
        skip -= start - from;
        len -= chunk.len();
        if !chunk.is_empty() {
            chunks.push(chunk);
        }
    }
    (len == 0).then_some(chunks)
}

#[cfg(test)]
#[path = "extent_tests.rs"]
mod tests;
