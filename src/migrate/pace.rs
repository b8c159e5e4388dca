//! How fast a migration may go: requests and bytes a second, changed while it goes.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::body::{BodyError, Digests, Expected, Payload, Source};

/// How much may be made up for of a time in which nothing went.
const SPARE: Duration = Duration::from_millis(100);

/// A rate of something.
#[derive(Debug)]
struct Rate {
    state: Mutex<Turns>,
    changed: Notify,
}

#[derive(Debug)]
struct Turns {
    /// A second; without there is no bound.
    rate: Option<u64>,
    next: Instant,
    /// Counts the changes.
    change: u64,
}

/// The pace of a migration. Clones are the same one.
#[derive(Debug, Clone)]
pub(super) struct Pace {
    bytes: Arc<Rate>,
    requests: Arc<Rate>,
}

impl Pace {
    pub(super) fn new(bytes: Option<u64>, requests: Option<u64>) -> Self {
        Self { bytes: Arc::new(Rate::new(bytes)), requests: Arc::new(Rate::new(requests)) }
    }

    /// From now on it goes so fast.
    pub(super) fn set(&self, bytes: Option<u64>, requests: Option<u64>) {
        self.bytes.set(bytes);
        self.requests.set(requests);
    }

    /// Waits until a request may be made.
    pub(super) async fn turn(&self) {
        self.requests.take(1).await;
    }

    /// The same body, no faster than this.
    pub(super) fn body(
        &self,
        inner: Payload,
        moved: impl Fn(u64) + Send + Sync + 'static,
    ) -> Payload {
        let length = inner.length();
        let rate = Arc::clone(&self.bytes);
        let (waiting, moved) = (Mutex::new(None), Box::new(moved));
        Payload::new(length, Paced { inner, rate, waiting, moved })
    }
}

impl Rate {
    fn new(rate: Option<u64>) -> Self {
        let state = Turns { rate, next: Instant::now(), change: 0 };
        Self { state: Mutex::new(state), changed: Notify::new() }
    }

    fn set(&self, rate: Option<u64>) {
        let mut state = self.state();
        state.rate = rate;
        state.next = Instant::now();
        state.change += 1;
        drop(state);
        self.changed.notify_waiters();
    }

    fn is_free(&self) -> bool {
        self.state().rate.is_none()
    }

    async fn take(&self, amount: u64) {
        loop {
            let mut changed = std::pin::pin!(self.changed.notified());
            changed.as_mut().enable();
            let Some(at) = self.reserve(amount) else { return };
            tokio::select! {
                () = tokio::time::sleep_until(at) => return,
                // Everyone asks anew.
                () = changed => {}
            }
        }
    }

    /// When so much may have gone.
    fn reserve(&self, amount: u64) -> Option<Instant> {
        let mut state = self.state();
        let rate = state.rate?.max(1);
        let now = Instant::now();
        let begin = state.next.max(now.checked_sub(SPARE).unwrap_or(now));
        let nanos = u128::from(amount) * 1_000_000_000 / u128::from(rate);
        state.next = begin + Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX));
        Some(state.next)
    }

    fn state(&self) -> std::sync::MutexGuard<'_, Turns> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

type Waiting = Pin<Box<dyn Future<Output = ()> + Send>>;

struct Paced {
    inner: Payload,
    rate: Arc<Rate>,
    waiting: Mutex<Option<Waiting>>,
    moved: Box<dyn Fn(u64) + Send + Sync>,
}

impl Source for Paced {
    fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, BodyError>>> {
        let waiting = self.waiting.get_mut().unwrap_or_else(PoisonError::into_inner);
        if let Some(wait) = waiting {
            ready!(wait.as_mut().poll(cx));
            *waiting = None;
        }
        let polled = self.inner.poll_chunk(cx);
        if let Poll::Ready(Some(Ok(chunk))) = &polled {
            let amount = chunk.len() as u64;
            (self.moved)(amount);
            if !self.rate.is_free() {
                let rate = Arc::clone(&self.rate);
                *waiting = Some(Box::pin(async move { rate.take(amount).await }));
            }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn requests_and_bytes_keep_to_their_rates() {
        let pace = Pace::new(Some(1000), Some(10));
        let begin = Instant::now();
        for _ in 0..50 {
            pace.turn().await;
        }
        let took = begin.elapsed().as_millis();
        assert!((4800..=5100).contains(&took), "{took}");
        let begin = Instant::now();
        let body = Payload::from_bytes(vec![0; 4000]);
        let body = pace.body(body, |_| {});
        assert_eq!(body.collect(5000).await.unwrap().len(), 4000);
        let took = begin.elapsed().as_millis();
        assert!((3800..=4100).contains(&took), "{took}");
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_waits_sees_a_change_at_once() {
        let pace = Pace::new(None, Some(1));
        let begin = Instant::now();
        let waiting = async {
            for _ in 0..1000 {
                pace.turn().await;
            }
        };
        let changing = async {
            tokio::time::sleep(Duration::from_secs(3)).await;
            pace.set(None, None);
        };
        tokio::join!(waiting, changing);
        assert_eq!(begin.elapsed().as_secs(), 3);
    }
}
