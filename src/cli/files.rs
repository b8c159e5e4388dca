//! The user's own files as bodies of requests; the store's files are another room's.

use std::io;
use std::path::Path;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Bytes, BytesMut};
use tokio::fs::File;
use tokio::io::{AsyncRead as _, ReadBuf};

use super::Failure;
use crate::body::{BodyError, Digests, Payload, Source};

/// How much is read at once.
const PIECE: usize = 256 << 10;

/// A stretch of a file. It ends with an `Err` where the file is shorter than it was.
pub(super) struct FileBody {
    file: File,
    left: u64,
    buffer: BytesMut,
}

impl FileBody {
    /// The next `length` bytes of a file, in pieces of [`FileBody::piece`] bytes but for the last.
    pub(super) fn new(file: File, length: u64) -> Self {
        Self { file, left: length, buffer: BytesMut::new() }
    }

    /// How long all pieces but the last are.
    pub(super) const fn piece() -> u64 {
        PIECE as u64
    }

    /// A whole file.
    pub(super) async fn whole(path: &Path) -> Result<Payload, Failure> {
        let fault = |error| Failure::Failed(format!("{} cannot be read: {error}", path.display()));
        let file = File::open(path).await.map_err(fault)?;
        let length = file.metadata().await.map_err(fault)?.len();
        Ok(Payload::new(Some(length), Self::new(file, length)))
    }

    fn poll_fill(&mut self, cx: &mut Context<'_>, wanted: usize) -> Poll<io::Result<()>> {
        while self.buffer.len() < wanted {
            let have = self.buffer.len();
            self.buffer.resize(wanted, 0);
            let Some(room) = self.buffer.get_mut(have..) else { break };
            let mut room = ReadBuf::new(room);
            let polled = Pin::new(&mut self.file).poll_read(cx, &mut room);
            let read = room.filled().len();
            self.buffer.truncate(have + read);
            ready!(polled)?;
            if read == 0 {
                return Poll::Ready(Err(io::ErrorKind::UnexpectedEof.into()));
            }
        }
        Poll::Ready(Ok(()))
    }
}

impl Source for FileBody {
    fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, BodyError>>> {
        let wanted = usize::try_from(self.left).unwrap_or(PIECE).min(PIECE);
        if wanted == 0 {
            return Poll::Ready(None);
        }
        if let Err(error) = ready!(self.poll_fill(cx, wanted)) {
            self.left = 0;
            let why = match error.kind() {
                io::ErrorKind::UnexpectedEof => "the file became shorter meanwhile".to_owned(),
                _ => error.to_string(),
            };
            return Poll::Ready(Some(Err(BodyError::Store(why))));
        }
        self.left = self.left.saturating_sub(wanted as u64);
        Poll::Ready(Some(Ok(self.buffer.split().freeze())))
    }

    fn digests(&self) -> Option<&Digests> {
        None
    }

    fn trailer(&self, _: &str) -> Option<&str> {
        None
    }
}
