//! Bodies that have to be there whole before they are passed on.

use std::task::{Context, Poll};

use async_trait::async_trait;
use bytes::Bytes;

use super::Result;
use crate::body::{BodyError, Digests, Expected, Payload, Source};

/// Keeps bodies for a while.
#[async_trait]
pub trait Holding: Send + Sync {
    /// Takes a body to its end, and gives it back to be read once more, its length known. Nobody
    /// else sees it, it is not durable, and it is gone with what comes back. A body that ends in an
    /// `Err` leaves nothing.
    async fn hold(&self, body: Payload) -> Result<Payload>;
}

/// The body that was held: the bytes of `content`, of which `whole` knows what they came to, having
/// been read to its end.
pub(super) fn held(content: Payload, whole: Payload) -> Payload {
    Payload::new(content.length(), Held { content, whole, ended: false })
}

struct Held {
    content: Payload,
    whole: Payload,
    ended: bool,
}

impl Source for Held {
    fn poll_chunk(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<std::result::Result<Bytes, BodyError>>> {
        let polled = self.content.poll_chunk(cx);
        self.ended |= matches!(polled, Poll::Ready(None));
        polled
    }

    fn digests(&self) -> Option<&Digests> {
        self.whole.digests().filter(|_| self.ended)
    }

    fn trailer(&self, name: &str) -> Option<&str> {
        self.whole.trailer(name).filter(|_| self.ended)
    }

    fn expected(&self) -> Option<&Expected> {
        self.whole.expected()
    }
}
