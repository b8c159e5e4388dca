//! Bodies in chosen pieces, for tests.

use std::collections::VecDeque;
use std::task::{Context, Poll};

use bytes::Bytes;

use super::{BodyError, Digests, Payload, Source};

/// A body that comes in the given pieces, an error in their midst included.
pub(crate) struct Pieces {
    pieces: VecDeque<Result<Bytes, BodyError>>,
    trailers: Vec<(&'static str, String)>,
    /// Every other poll finds nothing, as with a connection.
    ready: bool,
}

impl Pieces {
    pub(crate) fn new(pieces: impl IntoIterator<Item = Result<Bytes, BodyError>>) -> Self {
        Self { pieces: pieces.into_iter().collect(), trailers: Vec::new(), ready: false }
    }

    pub(crate) fn with_trailer(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.trailers.push((name, value.into()));
        self
    }
}

impl Source for Pieces {
    fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, BodyError>>> {
        self.ready = !self.ready;
        if self.ready {
            return Poll::Ready(self.pieces.pop_front());
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    fn digests(&self) -> Option<&Digests> {
        None
    }

    fn trailer(&self, name: &str) -> Option<&str> {
        let found = self.trailers.iter().find(|(known, _)| *known == name);
        found.filter(|_| self.pieces.is_empty()).map(|(_, value)| value.as_str())
    }
}

/// `bytes` cut before each of `cuts`, of unknown length.
pub(crate) fn cut(bytes: &Bytes, cuts: &[usize]) -> Payload {
    let mut cuts: Vec<usize> = cuts.iter().map(|at| at % (bytes.len() + 1)).collect();
    cuts.extend([0, bytes.len()]);
    cuts.sort_unstable();
    cuts.dedup();
    let pieces: Vec<_> = cuts.windows(2).map(|ends| Ok(bytes.slice(ends[0]..ends[1]))).collect();
    Payload::new(None, Pieces::new(pieces))
}

/// Reads to the end: the content and the payload as it is then.
pub(crate) async fn drain(mut body: Payload) -> Result<(Vec<u8>, Payload), BodyError> {
    let mut content = Vec::new();
    while let Some(chunk) = body.next().await {
        let chunk = chunk?;
        assert!(!chunk.is_empty(), "an empty chunk was given out");
        content.extend_from_slice(&chunk);
    }
    Ok((content, body))
}

/// Runs a future that only waits for itself.
pub(crate) fn block_on<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}
