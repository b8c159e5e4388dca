//! A file's bytes as an upload carries them: aws-chunked, with their CRC64NVME as a trailer, so that a
//! file is read once and what is stored is what was read.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, ready};

use bytes::Bytes;

use super::super::files::FileBody;
use crate::body::{BodyError, Digests, Hasher, Payload, Source};
use crate::object::Algorithm;

const ALGORITHM: Algorithm = Algorithm::Crc64Nvme;

/// The trailer's name.
pub(super) fn trailer_name() -> &'static str {
    ALGORITHM.header_name()
}

/// The body of an upload of `length` bytes; `sent` counts those that have gone.
pub(super) fn body(content: FileBody, length: u64, sent: Arc<AtomicU64>) -> Payload {
    let hasher = Some(Hasher::new(ALGORITHM));
    let framed = Framed { content, hasher, next: VecDeque::new(), sent };
    Payload::new(Some(framed_length(length)), framed)
}

struct Framed {
    content: FileBody,
    /// `None` once the trailer is made.
    hasher: Option<Hasher>,
    next: VecDeque<Bytes>,
    sent: Arc<AtomicU64>,
}

impl Source for Framed {
    fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, BodyError>>> {
        loop {
            if let Some(next) = self.next.pop_front() {
                return Poll::Ready(Some(Ok(next)));
            }
            let Some(hasher) = &mut self.hasher else { return Poll::Ready(None) };
            match ready!(self.content.poll_chunk(cx)) {
                Some(Ok(piece)) => {
                    hasher.update(&piece);
                    self.sent.fetch_add(piece.len() as u64, Ordering::Relaxed);
                    let head = format!("{:x}\r\n", piece.len());
                    self.next.extend([head.into(), piece, Bytes::from_static(b"\r\n")]);
                }
                Some(Err(error)) => {
                    self.hasher = None;
                    return Poll::Ready(Some(Err(error)));
                }
                None => {
                    let value = self.hasher.take().map(Hasher::finish);
                    let value = value.map(|value| value.to_base64()).unwrap_or_default();
                    let end = format!("0\r\n{}:{value}\r\n\r\n", trailer_name());
                    self.next.push_back(end.into());
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

/// How long the framing makes so many bytes.
fn framed_length(length: u64) -> u64 {
    let piece = FileBody::piece();
    let framed = |size: u64| format!("{size:x}").len() as u64 + size + 4;
    let (whole, rest) = (length / piece, length % piece);
    let last = if rest > 0 { framed(rest) } else { 0 };
    // CRC64 is 8 bytes, 12 in base64.
    whole * framed(piece) + last + 3 + trailer_name().len() as u64 + 1 + 12 + 4
}

#[cfg(test)]
#[allow(clippy::disallowed_methods, reason = "a test makes its own files")]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_length_is_known_and_the_content_is_framed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        for size in [0, 1, 262_143, 262_144, 262_145, 600_000] {
            std::fs::write(&path, vec![7; size]).unwrap();
            let file = tokio::fs::File::open(&path).await.unwrap();
            let size = size as u64;
            let sent = Arc::new(AtomicU64::new(0));
            let payload = body(FileBody::new(file, size), size, Arc::clone(&sent));
            let length = payload.length().unwrap();
            let whole = payload.collect(1 << 20).await.unwrap();
            assert_eq!((whole.len() as u64, sent.load(Ordering::Relaxed)), (length, size));
            assert!(whole.ends_with(b"=\r\n\r\n"), "{size}");
        }
    }

    #[tokio::test]
    async fn a_file_that_becomes_shorter_is_never_whole() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        std::fs::write(&path, b"short").unwrap();
        let file = tokio::fs::File::open(&path).await.unwrap();
        let payload = body(FileBody::new(file, 9), 9, Arc::default());
        let error = payload.collect(1 << 20).await.unwrap_err();
        assert!(error.to_string().contains("shorter"), "{error}");
    }
}
