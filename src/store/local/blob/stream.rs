//! Between bodies, which are asynchronous, and files, which block.
//!
//! Memory per body in either direction: the piece under way and the one behind it.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::vec;

use bytes::Bytes;
use tokio::task::{JoinError, JoinHandle, spawn_blocking};

use super::super::seal::{Sealer, Unfit};
use super::{BlobWriter, Buffer, ExtentError};
use crate::body::{BodyError, Digests, Payload, Source};
use crate::object::ByteRange;
use crate::store::StoreError;

/// How much is written or read at once: a whole number of blocks.
pub(super) const PIECE: usize = 4 * super::BLOCK;

/// A run of bytes, wherever it lies. Calls block; what is read is verified.
pub(crate) trait ExtentReader: Send + Sync {
    /// How many bytes it has.
    fn len(&self) -> u64;

    /// How many bytes are best read at once, from a multiple of them on.
    fn piece(&self) -> u64;

    /// Reads bytes, in chunks that follow one another; a range that isn't inside is damage. Ranges
    /// on multiples of [`ExtentReader::piece`] cost least.
    fn read(&self, offset: u64, len: usize) -> Result<Vec<Bytes>, ExtentError>;

    /// Where it lies, in words for the operator.
    fn describe(&self) -> String;
}

/// A run of bytes as they are stored.
pub(crate) trait StoredExtent: ExtentReader {
    /// Reads bytes without comparing checksums, for who authenticates them in another way.
    fn read_unchecked(&self, offset: u64, len: usize) -> Result<Buffer, ExtentError>;
}

/// The extents that an object's content consists of, in order. Opened one after the other, so
/// that an object of 10,000 parts doesn't need as many files at once; whoever implements it keeps
/// them from being removed while it lives.
pub(crate) trait Extents: Send + Sync + 'static {
    /// How many there are.
    fn count(&self) -> usize;

    /// How many bytes one has; 0 behind the last.
    fn length(&self, index: usize) -> u64;

    /// Opens one. Blocks.
    fn open(&self, index: usize) -> Result<Arc<dyn ExtentReader>, ExtentError>;
}

impl Extents for Vec<Arc<dyn ExtentReader>> {
    fn count(&self) -> usize {
        self.len()
    }

    fn length(&self, index: usize) -> u64 {
        self.get(index).map_or(0, |extent| extent.len())
    }

    fn open(&self, index: usize) -> Result<Arc<dyn ExtentReader>, ExtentError> {
        let missing = || ExtentError::Missing { what: format!("extent {index}") };
        self.get(index).map(Arc::clone).ok_or_else(missing)
    }
}

/// Where a body is written to: a blob, through what encrypts it where it is to be encrypted.
pub(crate) struct Sink {
    writer: BlobWriter,
    sealer: Option<Sealer>,
    /// What is encrypted and not written yet.
    sealed: Vec<u8>,
}

impl Sink {
    /// Into that blob.
    pub(crate) fn new(writer: BlobWriter, sealer: Option<Sealer>) -> Self {
        Self { writer, sealer, sealed: Vec::new() }
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), StoreError> {
        let Some(sealer) = &mut self.sealer else { return Ok(self.writer.write(bytes)?) };
        self.sealed.clear();
        sealer.push(bytes, &mut self.sealed).map_err(unsealed)?;
        Ok(self.writer.write(&self.sealed)?)
    }

    /// Writes what is left of the body.
    pub(crate) fn end(mut self) -> Result<BlobWriter, StoreError> {
        if let Some(sealer) = self.sealer {
            self.sealed.clear();
            sealer.finish(&mut self.sealed).map_err(unsealed)?;
            self.writer.write(&self.sealed)?;
        }
        Ok(self.writer)
    }
}

/// Only bodies of lengths that no disk holds are refused.
pub(crate) fn unsealed(error: Unfit) -> StoreError {
    StoreError::Io { doing: "encrypt a body".to_owned(), source: io::Error::other(error) }
}

/// Writes `head` (what was already taken out of `body`) and the rest of `body` to its end.
/// One piece is written while the next is collected.
pub(crate) async fn write_payload(
    writer: Sink,
    head: Vec<Bytes>,
    body: &mut Payload,
) -> Result<Sink, StoreError> {
    let mut pieces = Pieces { head: head.into_iter(), body, left: Bytes::new() };
    let mut writer = writer;
    let mut piece = pieces.next(Vec::new()).await?;
    let mut spare = Vec::new();
    while !piece.is_empty() {
        let writing = spawn_blocking(move || {
            let written = writer.write(&piece);
            (written, writer, piece)
        });
        // Where the body fails or this future is dropped, the task ends by itself and the file
        // goes with it.
        let next = pieces.next(spare).await?;
        let (written, back, used) = writing.await.map_err(stopped)?;
        written?;
        (writer, piece, spare) = (back, next, used);
    }
    Ok(writer)
}

/// The bytes of `range` as a body. The first piece is read before this returns, so that an object
/// that cannot be read is an error while there is still a status to give; then each piece is read
/// while the one before it is on its way.
pub(crate) async fn read_source(
    extents: Arc<dyn Extents>,
    range: ByteRange,
) -> Result<Payload, StoreError> {
    if range.length == 0 {
        return Ok(Payload::empty());
    }
    let cursor = Cursor::new(extents, range);
    let (read, cursor) = spawn_blocking(|| cursor.step()).await.map_err(stopped)?;
    let (chunks, state) = (read?.into_iter(), State::Idle(cursor));
    Ok(Payload::new(Some(range.length), ExtentSource { chunks, state }))
}

fn stopped(error: JoinError) -> StoreError {
    if error.is_cancelled() {
        return StoreError::Closing;
    }
    StoreError::Io { doing: "work on a blob".to_owned(), source: io::Error::other(error) }
}

/// A body collected into pieces of [`PIECE`] bytes. Copied, so that no more of it than the pieces
/// is held, however small the chunks are that it comes in.
struct Pieces<'a> {
    head: vec::IntoIter<Bytes>,
    body: &'a mut Payload,
    left: Bytes,
}

impl Pieces<'_> {
    /// The next piece, made in `buffer`; empty at the end.
    async fn next(&mut self, mut buffer: Vec<u8>) -> Result<Vec<u8>, BodyError> {
        buffer.clear();
        while buffer.len() < PIECE {
            if self.left.is_empty() {
                match self.head.next() {
                    Some(chunk) => self.left = chunk,
                    None => match self.body.next().await.transpose()? {
                        Some(chunk) => self.left = chunk,
                        None => break,
                    },
                }
            }
            buffer.reserve_exact(PIECE.saturating_sub(buffer.len()));
            let taken = self.left.split_to(self.left.len().min(PIECE - buffer.len()));
            buffer.extend_from_slice(&taken);
        }
        Ok(buffer)
    }
}

/// Where a reading is. Moves to a blocking thread and back.
struct Cursor {
    extents: Arc<dyn Extents>,
    open: Option<Arc<dyn ExtentReader>>,
    index: usize,
    offset: u64,
    remaining: u64,
}

impl Cursor {
    fn new(extents: Arc<dyn Extents>, range: ByteRange) -> Self {
        let mut index = 0;
        let mut offset = range.offset;
        while index < extents.count() && offset >= extents.length(index) {
            offset -= extents.length(index);
            index += 1;
        }
        Self { extents, open: None, index, offset, remaining: range.length }
    }

    /// Reads the next piece; it is not empty unless there is nothing more to read.
    fn step(mut self) -> (Result<Vec<Bytes>, ExtentError>, Self) {
        let read = self.read();
        (read, self)
    }

    fn read(&mut self) -> Result<Vec<Bytes>, ExtentError> {
        let index = self.index;
        let length = self.extents.length(index);
        let open = match self.open.take() {
            Some(open) => open,
            None if index < self.extents.count() => self.open_checked(index, length)?,
            None => {
                let what = "the object's extents are shorter than the object".to_owned();
                return Err(ExtentError::Damaged { what });
            }
        };
        let piece = open.piece().max(1);
        let to_boundary = piece - self.offset % piece;
        let take = self.remaining.min(length - self.offset).min(to_boundary);
        let chunks = open.read(self.offset, usize::try_from(take).unwrap_or(PIECE))?;
        self.remaining -= take;
        self.offset += take;
        if self.offset < length {
            self.open = Some(open);
            return Ok(chunks);
        }
        self.offset = 0;
        self.index += 1;
        while self.index < self.extents.count() && self.extents.length(self.index) == 0 {
            self.index += 1;
        }
        Ok(chunks)
    }

    /// A file of another length than its record says is not the one that was recorded.
    fn open_checked(
        &self,
        index: usize,
        length: u64,
    ) -> Result<Arc<dyn ExtentReader>, ExtentError> {
        let open = self.extents.open(index)?;
        if open.len() == length {
            return Ok(open);
        }
        let what = format!("extent {index} has {} bytes, not {length}", open.len());
        Err(ExtentError::Damaged { what })
    }
}

struct ExtentSource {
    /// What is left of the piece that is there.
    chunks: vec::IntoIter<Bytes>,
    /// Of the piece behind it.
    state: State,
}

enum State {
    /// Nobody has begun to read it.
    Idle(Cursor),
    /// It is being read.
    Reading(JoinHandle<(Result<Vec<Bytes>, ExtentError>, Cursor)>),
    /// The end, or an error.
    Done,
}

impl Source for ExtentSource {
    fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, BodyError>>> {
        loop {
            self.state = match std::mem::replace(&mut self.state, State::Done) {
                State::Idle(cursor) if cursor.remaining > 0 => {
                    State::Reading(spawn_blocking(|| cursor.step()))
                }
                State::Idle(_) => State::Done,
                state => state,
            };
            if let Some(chunk) = self.chunks.next() {
                return Poll::Ready(Some(Ok(chunk)));
            }
            let State::Reading(reading) = &mut self.state else { return Poll::Ready(None) };
            let read = ready!(Pin::new(reading).poll(cx));
            self.state = State::Done;
            match read {
                Ok((Ok(chunks), cursor)) => {
                    (self.chunks, self.state) = (chunks.into_iter(), State::Idle(cursor));
                }
                Ok((Err(error), _)) => return Poll::Ready(Some(Err(error.into()))),
                Err(error) => {
                    let error = BodyError::Store(stopped(error).to_string());
                    return Poll::Ready(Some(Err(error)));
                }
            }
        }
    }

    fn digests(&self) -> Option<&Digests> {
        None
    }

    fn trailer(&self, _: &str) -> Option<&str> {
        None
    }
}
