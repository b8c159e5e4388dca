//! Bodies on their way to the upstream.
//!
//! A small body is read first and sent afterwards. A larger one streams, and its last piece is
//! held back until the payload has ended well: whatever ends in an error is seen by the upstream
//! as a body that broke off, which stores nothing. While it streams, a [`Watch`] tells a client
//! that is slow from an upstream that is.

use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use aws_sdk_s3::primitives::SdkBody;
use bytes::{Bytes, BytesMut};
use http_body::{Frame, SizeHint};
use tokio::time::Instant;

use crate::body::{BodyError, Digests, Expected, Payload, Source as _};
use crate::object::ChecksumValue;
use crate::store::StoreError;

/// Bodies up to this size are read before they are sent.
pub(super) const SMALL: u64 = 64 * 1024;

/// A body that is ready to be sent.
pub(super) enum Outgoing {
    /// All of it, with what it came to.
    Small(Whole),
    /// It streams.
    Large(Stream),
}

/// A small body.
pub(super) struct Whole {
    /// Its content.
    pub(super) content: Bytes,
    /// The checksum of it, where one was asked for.
    pub(super) checksum: Option<ChecksumValue>,
    /// Its MD5, where the client gave it.
    pub(super) md5: Option<[u8; 16]>,
}

/// A body that streams.
pub(super) struct Stream {
    /// The body.
    pub(super) payload: Payload,
    /// How many bytes it has.
    pub(super) length: u64,
    /// What it must come to.
    pub(super) expected: Expected,
}

/// How long the upstream may be silent.
#[derive(Debug, Clone, Copy)]
pub(super) struct Patience {
    /// Before it takes the first bytes.
    pub(super) connect: Duration,
    /// While it takes a body.
    pub(super) stall: Duration,
    /// After it has the whole.
    pub(super) answer: Duration,
}

/// Looks after a body that streams.
#[derive(Clone)]
pub(super) struct Watch {
    progress: Arc<Mutex<Progress>>,
    patience: Patience,
}

/// The upstream did not go on in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stalled {
    /// What it did not do.
    pub(super) what: &'static str,
    /// Within which time.
    pub(super) limit: Duration,
}

struct Progress {
    turn: Turn,
    fault: Option<BodyError>,
    digests: Option<Digests>,
}

#[derive(Debug, Clone, Copy)]
enum Turn {
    /// The upstream has yet to ask for the first bytes.
    Opening { since: Instant },
    /// The upstream has to take what it was given.
    Upstream { since: Instant },
    /// The payload has to give something.
    Payload,
    /// The upstream has everything and has to answer.
    Answer { since: Instant },
}

struct HeldBack {
    payload: Payload,
    length: u64,
    passed: u64,
    held: Option<Bytes>,
    ended: bool,
    progress: Arc<Mutex<Progress>>,
}

impl Outgoing {
    /// Takes a payload; reads it where it is small.
    pub(super) async fn new(payload: Payload) -> Result<Self, StoreError> {
        match payload.length() {
            Some(length) if length > SMALL => {
                let expected = payload.expected().cloned().unwrap_or_default();
                Ok(Self::Large(Stream { payload, length, expected }))
            }
            length => read(payload, length).await.map(Self::Small),
        }
    }
}

/// Reads a body of at most [`SMALL`] bytes.
async fn read(mut payload: Payload, length: Option<u64>) -> Result<Whole, StoreError> {
    let md5 = payload.expected().and_then(|expected| expected.md5);
    let mut content = BytesMut::new();
    while let Some(chunk) = payload.next().await {
        content.extend_from_slice(&chunk?);
        if content.len() as u64 > length.unwrap_or(SMALL) {
            return Err(match length {
                Some(_) => BodyError::Incomplete.into(),
                None => StoreError::Refused {
                    code: "MissingContentLength".to_owned(),
                    message: "The length of the body has to be known.".to_owned(),
                },
            });
        }
    }
    if length.is_some_and(|length| length != content.len() as u64) {
        return Err(BodyError::Incomplete.into());
    }
    let checksum = payload.digests().and_then(|digests| digests.checksum.clone());
    Ok(Whole { content: content.freeze(), checksum, md5 })
}

impl Stream {
    /// The body for the SDK, and who watches over it.
    pub(super) fn start(self, patience: Patience) -> (SdkBody, Watch) {
        let turn = Turn::Opening { since: Instant::now() };
        let progress = Progress { turn, fault: None, digests: None };
        let progress = Arc::new(Mutex::new(progress));
        let body = HeldBack {
            payload: self.payload,
            length: self.length,
            passed: 0,
            held: None,
            ended: false,
            progress: Arc::clone(&progress),
        };
        (SdkBody::from_body_1_x(body), Watch { progress, patience })
    }
}

impl Watch {
    /// Runs a call whose body this watches, for as long as the upstream goes on.
    pub(super) async fn over<F: Future>(&self, call: F) -> Result<F::Output, Stalled> {
        tokio::pin!(call);
        loop {
            tokio::select! {
                biased;
                output = &mut call => return Ok(output),
                () = tokio::time::sleep_until(self.next_look()) => {}
            }
            if let Some(stalled) = self.stalled() {
                return Err(stalled);
            }
        }
    }

    /// The payload's own error, where that is what ended the call.
    pub(super) fn fault(&self) -> Option<BodyError> {
        lock(&self.progress).fault.take()
    }

    /// What the content came to, after its end.
    pub(super) fn digests(&self) -> Option<Digests> {
        lock(&self.progress).digests.clone()
    }

    fn next_look(&self) -> Instant {
        match lock(&self.progress).turn {
            Turn::Opening { since } => since + self.patience.connect + self.patience.stall,
            Turn::Upstream { since } => since + self.patience.stall,
            Turn::Answer { since } => since + self.patience.answer,
            Turn::Payload => Instant::now() + self.patience.stall.min(self.patience.answer),
        }
    }

    fn stalled(&self) -> Option<Stalled> {
        let Patience { connect, stall, answer } = self.patience;
        let (since, limit, what) = match lock(&self.progress).turn {
            Turn::Opening { since } => (since, connect + stall, "did not begin to take the body"),
            Turn::Upstream { since } => (since, stall, "stopped taking the body"),
            Turn::Answer { since } => (since, answer, "did not answer after the body"),
            Turn::Payload => return None,
        };
        (since + limit <= Instant::now()).then_some(Stalled { what, limit })
    }
}

impl http_body::Body for HeldBack {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let this = self.get_mut();
        while !this.ended {
            this.turn(Turn::Payload);
            match ready!(this.payload.poll_chunk(cx)) {
                Some(Ok(chunk)) => {
                    this.passed += chunk.len() as u64;
                    if this.passed > this.length {
                        return this.fail(BodyError::Incomplete);
                    }
                    if let Some(previous) = this.held.replace(chunk) {
                        this.turn(Turn::Upstream { since: Instant::now() });
                        return Poll::Ready(Some(Ok(Frame::data(previous))));
                    }
                }
                Some(Err(error)) => return this.fail(error),
                None if this.passed < this.length => return this.fail(BodyError::Incomplete),
                None => {
                    this.ended = true;
                    lock(&this.progress).digests = this.payload.digests().cloned();
                    this.turn(Turn::Answer { since: Instant::now() });
                }
            }
        }
        Poll::Ready(this.held.take().map(|last| Ok(Frame::data(last))))
    }

    fn is_end_stream(&self) -> bool {
        self.ended && self.held.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        let held = self.held.as_ref().map_or(0, |held| held.len() as u64);
        SizeHint::with_exact(self.length.saturating_sub(self.passed) + held)
    }
}

impl HeldBack {
    fn turn(&self, turn: Turn) {
        lock(&self.progress).turn = turn;
    }

    /// Breaks the body off; the error itself is kept for the caller.
    fn fail<T>(&mut self, error: BodyError) -> Poll<Option<Result<T, std::io::Error>>> {
        self.ended = true;
        self.held = None;
        let words = error.to_string();
        lock(&self.progress).fault = Some(error);
        Poll::Ready(Some(Err(std::io::Error::other(words))))
    }
}

/// Nothing under the lock panics half-way through a change.
fn lock(progress: &Mutex<Progress>) -> MutexGuard<'_, Progress> {
    progress.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
#[path = "outgoing_tests.rs"]
mod tests;
