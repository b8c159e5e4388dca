//! The literal payload hash of a signed request: enforced while the body passes.

use std::task::{Context, Poll, ready};

use bytes::Bytes;
use sha2::{Digest, Sha256};

use super::{BodyError, Digests, Payload, Source};

/// The same content; ends in [`BodyError::Sha256`] where its SHA-256 is not `expected`.
pub fn matching_sha256(inner: Payload, expected: [u8; 32]) -> Payload {
    let length = inner.length();
    Payload::new(length, Matching { inner, expected, hash: Sha256::new() })
}

struct Matching {
    inner: Payload,
    expected: [u8; 32],
    hash: Sha256,
}

impl Source for Matching {
    fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, BodyError>>> {
        let next = ready!(self.inner.poll_chunk(cx));
        match &next {
            Some(Ok(chunk)) => self.hash.update(chunk),
            Some(Err(_)) => {}
            None => {
                let actual: [u8; 32] = self.hash.finalize_reset().into();
                if actual != self.expected {
                    let (expected, actual) = (hex::encode(self.expected), hex::encode(actual));
                    return Poll::Ready(Some(Err(BodyError::Sha256 { expected, actual })));
                }
            }
        }
        Poll::Ready(next)
    }

    fn digests(&self) -> Option<&Digests> {
        self.inner.digests()
    }

    fn trailer(&self, name: &str) -> Option<&str> {
        self.inner.trailer(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn content_with_the_signed_hash_passes_unchanged() {
        let expected = Sha256::digest(b"content").into();
        let body = matching_sha256(Payload::from_bytes("content"), expected);
        assert_eq!(body.length(), Some(7));
        assert_eq!(body.collect(100).await.unwrap(), "content");
    }

    #[tokio::test]
    async fn other_content_ends_in_an_error_that_names_both_hashes() {
        let body = matching_sha256(Payload::from_bytes("content"), [7; 32]);
        let Err(BodyError::Sha256 { expected, actual }) = body.collect(100).await else {
            panic!("the wrong hash was accepted");
        };
        assert_eq!(expected, hex::encode([7; 32]));
        assert_eq!(actual, hex::encode(Sha256::digest(b"content")));
    }

    #[tokio::test]
    async fn an_empty_body_is_held_to_its_hash_too() {
        let empty = Sha256::digest(b"").into();
        assert!(matching_sha256(Payload::empty(), empty).next().await.is_none());
        let next = matching_sha256(Payload::empty(), [0; 32]).next().await;
        assert!(matches!(next, Some(Err(BodyError::Sha256 { .. }))));
    }
}
