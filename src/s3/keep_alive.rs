//! Answers to copies and completions that take long: status 200, the XML declaration, then
//! spaces until the result is there (S3 API Reference, CopyObject and CompleteMultipartUpload).
//!
//! Clients and proxies in between drop connections on which nothing happens. What fails after the
//! answer has begun is told by a root `Error` in its body; so the answer only begins once the
//! work has taken a while, and everything that fails early has its real status.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Mutex, PoisonError};
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use tokio::time::{Instant, Sleep};

use super::context::Context;
use super::error::{S3Error, write_error};
use super::reply::Reply;
use super::xml::{self, Writer};
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

/// Answers with a document of that root once `work` is done. `headers` go with an answer that has
/// not had to begin before.
pub(super) async fn answer<T: Send + 'static>(
    ctx: &Context,
    patience: Patience,
    root: &'static str,
    work: impl Future<Output = Result<T, S3Error>> + Send + 'static,
    headers: impl FnOnce(Reply, &T) -> Reply,
    write: impl FnOnce(&mut Writer, &T) + Send + 'static,
) -> Result<Reply, S3Error> {
    let mut work: Pin<Box<dyn Future<Output = Result<T, S3Error>> + Send>> = Box::pin(work);
    if let Ok(done) = tokio::time::timeout(patience.before, &mut work).await {
        let value = done?;
        return Ok(headers(Reply::xml(root, |writer| write(writer, &value)), &value));
    }
    let ctx = ctx.clone();
    let rest = async move {
        match work.await {
            Ok(value) => xml::root(root, |writer| write(writer, &value)),
            Err(error) => {
                error.log(None);
                xml::error_root(|writer| write_error(writer, &error, &ctx.subject()))
            }
        }
    };
    Ok(Reply::ok()
        .header(CONTENT_TYPE, "application/xml")
        .body(Payload::new(None, Waiting::new(patience.between, rest))))
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

impl Waiting {
    fn new(between: Duration, rest: impl Future<Output = Bytes> + Send + 'static) -> Self {
        let pause = Box::pin(tokio::time::sleep(between));
        Self { rest: Mutex::new(Some(Box::pin(rest))), begun: false, between, pause }
    }
}

impl Source for Waiting {
    fn poll_chunk(
        &mut self,
        cx: &mut std::task::Context<'_>,
    ) -> Poll<Option<Result<Bytes, BodyError>>> {
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
mod tests;
