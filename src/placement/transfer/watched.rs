//! Bodies on their way between layers: what they came to, and whether they are still wanted.

use std::sync::{Arc, OnceLock, Weak};
use std::task::{Context, Poll};

use bytes::Bytes;

use crate::body::{BodyError, Digests, Expected, Payload, Source};
use crate::placement::locks::KeyGuard;

/// Where the MD5 of a body is found after its end.
pub(super) type Md5 = Arc<OnceLock<[u8; 16]>>;

/// Says whether a body is to be given up: somebody waits for the lock under which it is sent.
#[derive(Debug, Clone)]
pub(super) struct Wanted(Weak<KeyGuard>);

impl Wanted {
    /// By the lock that `guard` holds; dropping that ends the watch.
    pub(super) fn by(guard: &Arc<KeyGuard>) -> Self {
        Self(Arc::downgrade(guard))
    }

    /// Whether somebody waits.
    pub(super) fn now(&self) -> bool {
        self.0.upgrade().is_some_and(|guard| guard.is_wanted())
    }
}

struct Watched {
    inner: Payload,
    md5: Md5,
    wanted: Option<Wanted>,
}

/// The same body, which must be one that computes digests. It fails where it is wanted no more.
pub(super) fn watched(inner: Payload, wanted: Option<Wanted>) -> (Payload, Md5) {
    let (md5, length) = (Md5::default(), inner.length());
    (Payload::new(length, Watched { inner, md5: Arc::clone(&md5), wanted }), md5)
}

impl Source for Watched {
    fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, BodyError>>> {
        if self.wanted.as_ref().is_some_and(Wanted::now) {
            return Poll::Ready(Some(Err(BodyError::Store("a client goes first".to_owned()))));
        }
        let polled = self.inner.poll_chunk(cx);
        // The last piece comes after everything has been compared.
        if let Some(md5) = self.inner.digests().and_then(|digests| digests.md5) {
            self.md5.get_or_init(|| md5);
        }
        polled
    }

    fn expected(&self) -> Option<&Expected> {
        self.inner.expected()
    }

    fn digests(&self) -> Option<&Digests> {
        self.inner.digests()
    }

    fn trailer(&self, name: &str) -> Option<&str> {
        self.inner.trailer(name)
    }
}
