//! Answers to copies and completions that take long: status 200, the XML declaration, then
//! spaces until the result is there (S3 API Reference, CopyObject and CompleteMultipartUpload).
//!
//! Clients and proxies in between drop connections on which nothing happens. What fails after the
//! answer has begun is told by a root `Error` in its body; so the answer only begins once the
//! work has taken a while, and everything that fails early has its real status.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use tokio::time::{Instant, Sleep};

use super::xml;
use crate::body::{BodyError, Digests, Payload, Source};

/// When an answer begins, and how often it shows that it is alive.
#[derive(Debug, Clone, Copy)]
pub(super) struct Patience {
    /// How long the work may take before the answer begins without its result.
    pub(super) before: Duration,
    /// How long nothing is sent after that.
    pub(super) between: Duration,
}

impl Default for Patience {
    /// Under the 20 s after which the most impatient clients known give up.
    fn default() -> Self {
        Self { before: Duration::from_secs(5), between: Duration::from_secs(5) }
    }
}

/// What became of the work in time.
pub(super) enum Outcome<T> {
    /// It is done.
    Done(T),
    /// It goes on while this body is read; it stops where the body is dropped.
    Pending(Payload),
}

/// Runs `work` for as long as `patience` allows. What is not done by then becomes a body whose
/// end `render` writes: the root element without a declaration.
pub(super) async fn attend<T: Send + 'static>(
    patience: Patience,
    work: impl Future<Output = T> + Send + 'static,
    render: impl FnOnce(T) -> Bytes + Send + 'static,
) -> Outcome<T> {
    let mut work: Pin<Box<dyn Future<Output = T> + Send>> = Box::pin(work);
    if let Ok(done) = tokio::time::timeout(patience.before, &mut work).await {
        return Outcome::Done(done);
    }
    let rest: Rest = Box::pin(async move { render(work.await) });
    Outcome::Pending(Payload::new(None, Waiting {
        rest: Mutex::new(Some(rest)),
        begun: false,
        between: patience.between,
        pause: Box::pin(tokio::time::sleep(patience.between)),
    }))
}

type Rest = Pin<Box<dyn Future<Output = Bytes> + Send>>;

/// The body of an answer that has begun before its result is there.
struct Waiting {
    /// A mutex that nobody ever locks: it makes shareable what is only used exclusively.
    rest: Mutex<Option<Rest>>,
    begun: bool,
    between: Duration,
    pause: Pin<Box<Sleep>>,
}

impl Source for Waiting {
    fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, BodyError>>> {
        if !self.begun {
            self.begun = true;
            return Poll::Ready(Some(Ok(Bytes::from_static(xml::DECLARATION.as_bytes()))));
        }
        let rest = self.rest.get_mut().unwrap_or_else(PoisonError::into_inner);
        let Some(work) = rest else { return Poll::Ready(None) };
        if let Poll::Ready(end) = work.as_mut().poll(cx) {
            *rest = None;
            return Poll::Ready(Some(Ok(end)));
        }
        std::task::ready!(self.pause.as_mut().poll(cx));
        self.pause.as_mut().reset(Instant::now() + self.between);
        Poll::Ready(Some(Ok(Bytes::from_static(b" "))))
    }

    fn digests(&self) -> Option<&Digests> {
        None
    }

    fn trailer(&self, _: &str) -> Option<&str> {
        None
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::oneshot;

    use super::*;

    fn impatient() -> Patience {
        Patience { before: Duration::ZERO, between: Duration::from_millis(1) }
    }

    #[tokio::test]
    async fn what_is_done_in_time_is_given_back() {
        let outcome = attend(Patience::default(), async { 7 }, |_| unreachable!()).await;
        assert!(matches!(outcome, Outcome::Done(7)));
    }

    #[tokio::test]
    async fn what_takes_longer_begins_with_the_declaration_and_spaces() {
        let (send, receive) = oneshot::channel::<&'static [u8]>();
        let work = async move { receive.await.unwrap() };
        let outcome = attend(impatient(), work, Bytes::from_static).await;
        let Outcome::Pending(mut body) = outcome else { panic!("done without a result") };
        assert_eq!(body.length(), None);
        assert_eq!(&body.next().await.unwrap().unwrap()[..], xml::DECLARATION.as_bytes());
        for _ in 0..3 {
            assert_eq!(&body.next().await.unwrap().unwrap()[..], b" ");
        }
        send.send(b"<Result/>").unwrap();
        let mut rest = Vec::new();
        while let Some(chunk) = body.next().await {
            rest.extend_from_slice(&chunk.unwrap());
        }
        assert_eq!(String::from_utf8(rest).unwrap().trim_start(), "<Result/>");
    }

    #[tokio::test]
    async fn dropping_the_body_stops_the_work() {
        let (send, receive) = oneshot::channel::<Bytes>();
        let work = async move { receive.await.unwrap() };
        let outcome = attend(impatient(), work, |bytes| bytes).await;
        assert!(!send.is_closed());
        drop(outcome);
        assert!(send.is_closed());
    }
}
