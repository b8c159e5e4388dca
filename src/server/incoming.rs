//! A request's body: counted, bounded in time, and given back where the handler left it unread.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::Body as _;
use hyper::body::Incoming;
use tokio::sync::oneshot;
use tokio::time::{Instant, Sleep, sleep_until};

use crate::body::{BodyError, Digests, Payload, Source};

/// How much of an unread body is read to keep its connection usable.
const DRAIN_BYTES: u64 = 1 << 20;
/// For how long.
const DRAIN_TIME: Duration = Duration::from_secs(2);

/// What the handler left of a body.
enum Left {
    /// Something.
    Unread(Unread),
    /// Nothing that can be read: the client is gone or stalled.
    Broken,
}

struct Unread {
    incoming: Incoming,
    remaining: Option<u64>,
    polled: bool,
}

/// Tells, once the handler has answered, what became of the body.
pub(super) struct Rest(Option<oneshot::Receiver<Left>>);

/// Whether the connection can carry another request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Settled {
    /// The body was read to its end.
    Whole,
    /// It was not and will not be.
    Cut,
    /// It can't be: the client went away, or stalled.
    Broken,
}

/// Makes the payload of a request, and what tells how much of it was read. `received` counts.
/// `announced` says that the request has a Content-Length: without one, even an absent body is of
/// unknown length, so that no upload whose client forgot it is taken for an empty one.
pub(super) fn open(
    incoming: Incoming,
    announced: bool,
    timeout: Duration,
    received: Arc<AtomicU64>,
) -> (Payload, Rest) {
    if incoming.is_end_stream() {
        let length = announced.then_some(0);
        return (Payload::new(length, Payload::empty()), Rest(None));
    }
    let length = incoming.size_hint().exact();
    let (home, rest) = oneshot::channel();
    let intake = Intake {
        incoming: Some(incoming),
        remaining: length,
        polled: false,
        timeout,
        stalled: None,
        received,
        home: Some(home),
    };
    (Payload::new(length, intake), Rest(Some(rest)))
}

struct Intake {
    /// `None` after the end.
    incoming: Option<Incoming>,
    remaining: Option<u64>,
    polled: bool,
    timeout: Duration,
    stalled: Option<Pin<Box<Sleep>>>,
    received: Arc<AtomicU64>,
    home: Option<oneshot::Sender<Left>>,
}

impl Intake {
    /// No more bytes: after an error, the connection is no good either.
    fn finish(&mut self, error: Option<BodyError>) -> Option<Result<Bytes, BodyError>> {
        self.incoming = None;
        let home = self.home.take();
        let error = error?;
        if let Some(home) = home {
            // The receiver is gone when the whole request is: nobody needs to know then.
            let _ = home.send(Left::Broken);
        }
        Some(Err(error))
    }

    fn take(&mut self, bytes: &Bytes) {
        let count = bytes.len() as u64;
        self.received.fetch_add(count, Ordering::Relaxed);
        self.remaining = self.remaining.map(|remaining| remaining.saturating_sub(count));
        self.stalled = None;
    }

    fn poll_stalled(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let timeout = self.timeout;
        let stalled =
            self.stalled.get_or_insert_with(|| Box::pin(sleep_until(Instant::now() + timeout)));
        stalled.as_mut().poll(cx)
    }
}

impl Source for Intake {
    fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, BodyError>>> {
        self.polled = true;
        loop {
            let Some(incoming) = &mut self.incoming else { return Poll::Ready(None) };
            match Pin::new(incoming).poll_frame(cx) {
                Poll::Ready(Some(Ok(frame))) => match frame.into_data() {
                    Ok(bytes) if !bytes.is_empty() => {
                        self.take(&bytes);
                        return Poll::Ready(Some(Ok(bytes)));
                    }
                    // HTTP trailers are no part of an S3 body: its own come inside the framing.
                    Ok(_) | Err(_) => {}
                },
                Poll::Ready(Some(Err(error))) => {
                    tracing::debug!(%error, "a request body broke off");
                    return Poll::Ready(self.finish(Some(BodyError::Incomplete)));
                }
                Poll::Ready(None) => {
                    let short = self.remaining.is_some_and(|remaining| remaining > 0);
                    return Poll::Ready(self.finish(short.then_some(BodyError::Incomplete)));
                }
                Poll::Pending => {
                    std::task::ready!(self.poll_stalled(cx));
                    return Poll::Ready(self.finish(Some(BodyError::Stalled)));
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

impl Drop for Intake {
    fn drop(&mut self) {
        if let (Some(incoming), Some(home)) = (self.incoming.take(), self.home.take()) {
            let unread = Unread { incoming, remaining: self.remaining, polled: self.polled };
            let _ = home.send(Left::Unread(unread));
        }
    }
}

impl Rest {
    /// Reads what the handler left, within bounds, so that a client that sends its whole body
    /// before it reads gets the answer, and can go on using the connection.
    ///
    /// `waits` says that the client sent `Expect: 100-continue`: where it was never told to go
    /// on there is nothing to read.
    pub(super) async fn settle(self, waits: bool) -> Settled {
        match self.left() {
            Ok(unread) => unread.drain(waits).await,
            Err(settled) => settled,
        }
    }

    /// Tells what the handler left, and drops it.
    pub(super) fn drop_unread(self) -> Settled {
        self.left().map_or_else(|settled| settled, |_| Settled::Cut)
    }

    fn left(self) -> Result<Unread, Settled> {
        let Some(mut rest) = self.0 else { return Err(Settled::Whole) };
        match rest.try_recv() {
            Ok(Left::Unread(unread)) => Ok(unread),
            Ok(Left::Broken) => Err(Settled::Broken),
            Err(oneshot::error::TryRecvError::Closed) => Err(Settled::Whole),
            // The handler answers while something still holds the body.
            Err(oneshot::error::TryRecvError::Empty) => Err(Settled::Cut),
        }
    }
}

impl Unread {
    async fn drain(mut self, waits: bool) -> Settled {
        let hopeless = self.remaining.is_some_and(|remaining| remaining > DRAIN_BYTES);
        if hopeless || (waits && !self.polled) {
            return Settled::Cut;
        }
        let whole = tokio::time::timeout(DRAIN_TIME, self.read_to_end()).await;
        if whole.unwrap_or(false) { Settled::Whole } else { Settled::Cut }
    }

    async fn read_to_end(&mut self) -> bool {
        let mut budget = DRAIN_BYTES;
        loop {
            let next = std::future::poll_fn(|cx| Pin::new(&mut self.incoming).poll_frame(cx));
            match next.await {
                None => return true,
                Some(Err(_)) => return false,
                Some(Ok(frame)) => {
                    let count = frame.data_ref().map_or(0, Bytes::len) as u64;
                    let Some(rest) = budget.checked_sub(count) else { return false };
                    budget = rest;
                }
            }
        }
    }
}
