//! The log: segments of records, appended by one thread, read by any.
//!
//! Knows frames and sequence numbers, nothing of what the records mean.

mod append;
mod scan;
mod seal;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;

pub(crate) use append::{AppendError, Appender, sync_end};
pub(crate) use scan::{ScanEnd, Scanned, Scanner, Skipped, later_evidence, resync};
pub(crate) use seal::{frames_of, read_footer, seal, visit_frame, visit_frames_backwards};

use super::blob::{Buffer, ExtentError, ExtentReader, StoredExtent};
use super::format::place::RecordRef;
use super::format::record::{Header, Record};
use super::format::segment::{SEGMENT_HEADER_LEN, SegmentHeader};
use super::format::{Identity, StoreId};
use super::vfs::{self, Access, Vfs, VfsFile};

/// Where the segments are.
pub(crate) const LOG_DIR: &str = "log";
/// The end of a segment's name.
const SUFFIX: &str = ".slog";
/// Where the records of a segment start.
pub(crate) const FIRST_OFFSET: u64 = SEGMENT_HEADER_LEN as u64;
/// How much is read at once to get at a record's head.
pub(crate) const HEAD_GUESS: usize = 1024;
/// How many segments are kept open for reading.
const OPEN_SEGMENTS: usize = 256;

/// A segment's file, below the data directory.
pub(crate) fn segment_path(id: u64) -> PathBuf {
    Path::new(LOG_DIR).join(format!("{id:016x}{SUFFIX}"))
}

/// The ids of the segments that are there, ascending.
pub(crate) fn segment_ids(vfs: &dyn Vfs) -> vfs::Result<Vec<u64>> {
    let id = |entry: vfs::DirEntry| {
        let digits = entry.name.to_str()?.strip_suffix(SUFFIX)?;
        let id = u64::from_str_radix(digits, 16).ok()?;
        (format!("{id:016x}") == digits).then_some(id)
    };
    let mut ids: Vec<u64> = vfs.list(Path::new(LOG_DIR))?.into_iter().filter_map(id).collect();
    ids.sort_unstable();
    Ok(ids)
}

/// The header of a segment; the inner error says why it is none.
pub(crate) fn read_segment_header(
    vfs: &dyn Vfs,
    store: StoreId,
    id: u64,
) -> vfs::Result<Result<SegmentHeader, &'static str>> {
    let file = vfs.open(&segment_path(id), Access::Read)?;
    let mut bytes = vec![0; SEGMENT_HEADER_LEN];
    match file.read_exact_at(&mut bytes, 0) {
        Err(error) if error.is_past_end() => return Ok(Err("the segment is cut")),
        read => read?,
    }
    let identity = Identity { store, segment: id };
    Ok(match SegmentHeader::decode(&bytes) {
        Ok(header) if header.identity == identity => Ok(header),
        Ok(_) => Err("the segment belongs to another store or place"),
        Err(flaw) => Err(flaw.0),
    })
}

/// Reads records by their place.
pub(crate) struct LogReader {
    vfs: Arc<dyn Vfs>,
    store: StoreId,
    open: Mutex<BTreeMap<u64, Arc<dyn VfsFile>>>,
}

/// A record that was read whole, every check passed.
#[derive(Debug, Clone)]
pub(crate) struct OwnedRecord {
    bytes: Bytes,
    /// Its header.
    pub(crate) header: Header,
    data_at: usize,
}

impl LogReader {
    /// A reader of the log of that store.
    pub(crate) fn new(vfs: Arc<dyn Vfs>, store: StoreId) -> Self {
        Self { vfs, store, open: Mutex::default() }
    }

    /// The record at a place.
    pub(crate) fn read(&self, at: RecordRef) -> Result<OwnedRecord, ExtentError> {
        let file = self.segment(at.segment)?;
        let mut bytes = vec![0; at.len as usize];
        let damaged = |why: &str| ExtentError::Damaged {
            what: format!("record {} at {} of {}: {why}", at.lsn, at.offset, file.describe()),
        };
        match file.read_exact_at(&mut bytes, at.offset) {
            Err(error) if error.is_past_end() => return Err(damaged("the segment is cut")),
            read => read?,
        }
        let identity = Identity { store: self.store, segment: at.segment };
        let record = Record::decode(&identity, &bytes).map_err(|flaw| damaged(flaw.0))?;
        let (header, data_at) = (record.header, record.data_at);
        if header.lsn != at.lsn {
            return Err(damaged("another record is in its place"));
        }
        Ok(OwnedRecord { bytes: Bytes::from(bytes), header, data_at })
    }

    /// Lets go of the files of segments before `first`, so that the disk can have their room again.
    pub(crate) fn forget(&self, first: u64) {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.retain(|id, _| *id >= first);
    }

    fn segment(&self, id: u64) -> Result<Arc<dyn VfsFile>, ExtentError> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(file) = open.get(&id) {
            return Ok(Arc::clone(file));
        }
        let path = segment_path(id);
        let file = match self.vfs.open(&path, Access::Read) {
            Err(error) if error.is_not_found() => {
                return Err(ExtentError::Missing { what: self.vfs.describe(&path) });
            }
            opened => opened?,
        };
        if open.len() >= OPEN_SEGMENTS {
            open.pop_first();
        }
        open.insert(id, Arc::clone(&file));
        Ok(file)
    }
}

impl OwnedRecord {
    /// Its meta.
    pub(crate) fn meta(&self) -> &[u8] {
        let start = super::format::record::HEADER_LEN;
        self.bytes.get(start..start + self.header.meta_len).unwrap_or_default()
    }

    /// Its data, sharing the memory that the record was read into.
    pub(crate) fn data(&self) -> Bytes {
        self.bytes.slice(self.data_at..self.data_at + self.header.data_len)
    }
}

/// The data of a record as a run of stored bytes.
pub(crate) struct PackedExtent(pub(crate) Bytes);

impl ExtentReader for PackedExtent {
    fn len(&self) -> u64 {
        self.0.len() as u64
    }

    fn read(&self, offset: u64, len: usize) -> Result<Vec<Bytes>, ExtentError> {
        let start = usize::try_from(offset).unwrap_or(usize::MAX);
        match start.checked_add(len).filter(|end| *end <= self.0.len()) {
            Some(end) => Ok(vec![self.0.slice(start..end)]),
            None => Err(ExtentError::Damaged {
                what: "a packed body is shorter than the object".to_owned(),
            }),
        }
    }

    fn piece(&self) -> u64 {
        self.len()
    }

    fn describe(&self) -> String {
        "a packed body".to_owned()
    }
}

/// The record's checksum covers it, so there is none to compare.
impl StoredExtent for PackedExtent {
    fn read_unchecked(&self, offset: u64, len: usize) -> Result<Buffer, ExtentError> {
        let chunks = self.read(offset, len)?;
        let mut buffer = Buffer::new(len);
        chunks.first().into_iter().for_each(|chunk| buffer.copy_from_slice(chunk));
        Ok(buffer)
    }
}
