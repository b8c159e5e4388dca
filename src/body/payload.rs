//! The one type of body that everything passes on.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;

use super::{BodyError, Digests, Expected};

/// Where a payload's bytes come from.
///
/// Chunks are never empty. After `None` or an `Err` it is not polled again.
pub trait Source: Send + Sync {
    /// The next chunk; `None` at the end.
    fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, BodyError>>>;

    /// What was computed over the content; `None` before the end, or where nothing computes.
    fn digests(&self) -> Option<&Digests>;

    /// A trailer by its lower-case name; `None` before the end, or where there is none.
    fn trailer(&self, name: &str) -> Option<&str>;

    /// What the content must come to, and which checksum `digests` will have, known from the
    /// start; `None` where nothing computes. A source that passes another's content on passes
    /// this on as well.
    fn expected(&self) -> Option<&Expected> {
        None
    }

    /// Whether the end may be long in coming after the rest, because somebody has yet to say
    /// something about it. Whoever passes it on to somebody impatient takes it in first.
    fn hesitates(&self) -> bool {
        false
    }
}

/// A body: an incoming one, an outgoing one, or one on its way between stores.
pub struct Payload {
    length: Option<u64>,
    source: Box<dyn Source>,
}

impl Payload {
    /// A body of `length` bytes, where that is known. The source must give exactly so many.
    pub fn new(length: Option<u64>, source: impl Source + 'static) -> Self {
        Self { length, source: Box::new(source) }
    }

    /// A body that is already in memory: an answer, or an object small enough to be read at once.
    pub fn from_bytes(bytes: impl Into<Bytes>) -> Self {
        Self::from_chunks(vec![bytes.into()])
    }

    /// The same in chunks that follow one another.
    pub fn from_chunks(mut chunks: Vec<Bytes>) -> Self {
        chunks.retain(|chunk| !chunk.is_empty());
        let length = chunks.iter().map(|chunk| chunk.len() as u64).sum();
        Self::new(Some(length), Chunks(chunks.into_iter()))
    }

    /// No bytes.
    pub fn empty() -> Self {
        Self::from_bytes(Bytes::new())
    }

    /// How many bytes there are in all, where that is known in advance.
    pub fn length(&self) -> Option<u64> {
        self.length
    }

    /// The next chunk; `None` at the end.
    pub async fn next(&mut self) -> Option<Result<Bytes, BodyError>> {
        std::future::poll_fn(|cx| self.source.poll_chunk(cx)).await
    }

    /// What was computed over the content; `None` before the end, or where nothing computes.
    pub fn digests(&self) -> Option<&Digests> {
        self.source.digests()
    }

    /// A trailer by its lower-case name, after the end.
    pub fn trailer(&self, name: &str) -> Option<&str> {
        self.source.trailer(name)
    }

    /// What the content must come to, as far as that is known from the start.
    pub fn expected(&self) -> Option<&Expected> {
        self.source.expected()
    }

    /// Whether the end may be long in coming after the rest.
    pub fn hesitates(&self) -> bool {
        self.source.hesitates()
    }

    /// Reads the whole into memory, at most `limit` bytes: for XML documents.
    pub async fn collect(mut self, limit: usize) -> Result<Bytes, BodyError> {
        let mut whole = bytes::BytesMut::new();
        while let Some(chunk) = self.next().await {
            let chunk = chunk?;
            if whole.len() + chunk.len() > limit {
                return Err(BodyError::TooLarge { limit: limit as u64 });
            }
            whole.extend_from_slice(&chunk);
        }
        Ok(whole.freeze())
    }
}

impl Source for Payload {
    fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, BodyError>>> {
        self.source.poll_chunk(cx)
    }

    fn digests(&self) -> Option<&Digests> {
        self.source.digests()
    }

    fn trailer(&self, name: &str) -> Option<&str> {
        self.source.trailer(name)
    }

    fn expected(&self) -> Option<&Expected> {
        self.source.expected()
    }
}

impl http_body::Body for Payload {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<http_body::Frame<Bytes>, BodyError>>> {
        self.source.poll_chunk(cx).map(|next| next.map(|chunk| chunk.map(http_body::Frame::data)))
    }

    fn is_end_stream(&self) -> bool {
        self.length == Some(0)
    }

    fn size_hint(&self) -> http_body::SizeHint {
        self.length.map_or_else(http_body::SizeHint::default, http_body::SizeHint::with_exact)
    }
}

impl fmt::Debug for Payload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Payload").field("length", &self.length).finish_non_exhaustive()
    }
}

struct Chunks(std::vec::IntoIter<Bytes>);

impl Source for Chunks {
    fn poll_chunk(&mut self, _: &mut Context<'_>) -> Poll<Option<Result<Bytes, BodyError>>> {
        Poll::Ready(self.0.next().map(Ok))
    }

    fn digests(&self) -> Option<&Digests> {
        None
    }

    fn trailer(&self, _: &str) -> Option<&str> {
        None
    }
}
