//! Whose turn it is while a body moves, and what happens when the upstream takes too long.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use tokio::time::{Instant, Sleep};

use crate::body::{BodyError, Digests, Expected, Payload, Source};

/// Since when the upstream has had everything that it can wait for; `None` while it waits for the
/// rest of a body.
pub(super) struct Turn(Mutex<Option<Instant>>);

impl Default for Turn {
    /// A turn that begins now.
    fn default() -> Self {
        Self(Mutex::new(Some(Instant::now())))
    }
}

impl Turn {
    /// For how long it has been the upstream's turn.
    pub(super) fn lasting(&self) -> Option<Duration> {
        self.since().map(|since| since.elapsed())
    }

    /// Waits until the upstream has used up its time in one go.
    pub(super) async fn used_up(&self, budget: Duration) {
        loop {
            let until = self.since().unwrap_or_else(Instant::now) + budget;
            if Instant::now() >= until {
                return;
            }
            tokio::time::sleep_until(until).await;
        }
    }

    fn since(&self) -> Option<Instant> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn pass(&self, since: Option<Instant>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = since;
    }
}

/// A body on its way to the upstream: notes in `turn` who waits for whom.
pub(super) fn leaving(body: Payload, turn: Arc<Turn>) -> Payload {
    Payload::new(body.length(), Leaving { body, turn })
}

struct Leaving {
    body: Payload,
    turn: Arc<Turn>,
}

impl Source for Leaving {
    fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, BodyError>>> {
        let next = self.body.poll_chunk(cx);
        match &next {
            Poll::Pending => self.turn.pass(None),
            // How long the upstream had taken nothing when the body failed stays known.
            Poll::Ready(Some(Err(_))) => {}
            Poll::Ready(_) => self.turn.pass(Some(Instant::now())),
        }
        next
    }

    fn digests(&self) -> Option<&Digests> {
        self.body.digests()
    }

    fn trailer(&self, name: &str) -> Option<&str> {
        self.body.trailer(name)
    }

    fn expected(&self) -> Option<&Expected> {
        self.body.expected()
    }
}

/// A body that comes from the upstream: it fails where nothing comes for too long although
/// someone waits, and tells of every failure.
pub(super) struct Arriving<F> {
    body: Payload,
    budget: Duration,
    waiting: Option<Pin<Box<Sleep>>>,
    failed: F,
}

impl<F: Fn(&str) + Send + Sync> Arriving<F> {
    pub(super) fn new(body: Payload, budget: Duration, failed: F) -> Self {
        Self { body, budget, waiting: None, failed }
    }
}

impl<F: Fn(&str) + Send + Sync> Source for Arriving<F> {
    fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, BodyError>>> {
        let next = self.body.poll_chunk(cx);
        if let Poll::Ready(next) = next {
            self.waiting = None;
            if let Some(Err(error)) = &next {
                (self.failed)(&error.to_string());
            }
            return Poll::Ready(next);
        }
        let budget = self.budget;
        let waiting = self.waiting.get_or_insert_with(|| Box::pin(tokio::time::sleep(budget)));
        if waiting.as_mut().poll(cx).is_pending() {
            return Poll::Pending;
        }
        let words = format!("the body stood still for {budget:?}");
        (self.failed)(&words);
        Poll::Ready(Some(Err(BodyError::Store(words))))
    }

    fn digests(&self) -> Option<&Digests> {
        self.body.digests()
    }

    fn trailer(&self, name: &str) -> Option<&str> {
        self.body.trailer(name)
    }

    fn expected(&self) -> Option<&Expected> {
        self.body.expected()
    }
}
