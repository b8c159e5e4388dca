//! The access log: one line a request, when its last byte is out or its connection broke.

use std::borrow::Cow;
use std::fmt::Display;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use http::header::USER_AGENT;
use tokio::time::Instant;

use super::{Ended, Handler, Peer, Remote};
use crate::object::RequestId;

/// The target of access log lines.
pub const ACCESS_LOG: &str = "stowgate::access";
/// The most bytes of a path or user agent in a line: more than any bucket and key encode to.
const MAX_TEXT: usize = 4096;

/// What only the handler knows of a request; it puts it into the answer's extensions.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AccessDetail {
    /// The access key id that signed it.
    pub access_key: Option<String>,
    /// The role that it was done in, where it was one of a session.
    pub role: Option<String>,
    /// What that session was called.
    pub session: Option<String>,
    /// The operation's S3 name.
    pub operation: Option<Cow<'static, str>>,
    /// The bucket.
    pub bucket: Option<String>,
    /// The object's key.
    pub key: Option<String>,
    /// The error code in the answer.
    pub error_code: Option<Cow<'static, str>>,
    /// What lies behind the error, for the operator only.
    pub cause: Option<String>,
}

/// A request's line under way; written when this is dropped.
pub(super) struct Record {
    handler: Arc<dyn Handler>,
    id: RequestId,
    peer: Peer,
    remote: Remote,
    method: http::Method,
    path: String,
    user_agent: Option<String>,
    started: Instant,
    received: Arc<AtomicU64>,
    status: Option<u16>,
    first_byte: Option<Duration>,
    sent: u64,
    complete: bool,
    broken: bool,
    detail: AccessDetail,
}

/// Writes the line of a request whose head could not be read, so that it never became one.
pub(super) fn unreadable(peer: Peer, status: u16, fault: &impl Display) {
    tracing::info!(
        target: ACCESS_LOG,
        peer = %peer.address,
        tls = peer.tls,
        status,
        cause = %fault,
        outcome = "unreadable",
    );
}

impl Record {
    /// A request that has just arrived. Its query is not kept: it may hold a signature.
    pub(super) fn new<B>(
        request: &http::Request<B>,
        id: RequestId,
        (peer, remote): (Peer, Remote),
        handler: Arc<dyn Handler>,
    ) -> Self {
        let user_agent = request.headers().get(USER_AGENT);
        Self {
            handler,
            id,
            peer,
            remote,
            method: request.method().clone(),
            path: shortened(request.uri().path().as_bytes()),
            user_agent: user_agent.map(|agent| shortened(agent.as_bytes())),
            started: Instant::now(),
            received: Arc::default(),
            status: None,
            first_byte: None,
            sent: 0,
            complete: false,
            broken: false,
            detail: AccessDetail::default(),
        }
    }

    /// Where the bytes of the request's body are counted.
    pub(super) fn received(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.received)
    }

    /// The answer is ready to be sent.
    pub(super) fn answered(&mut self, status: http::StatusCode, detail: Option<AccessDetail>) {
        self.status = Some(status.as_u16());
        self.first_byte = Some(self.started.elapsed());
        self.detail = detail.unwrap_or_default();
    }

    /// So many bytes of the answer's body went out.
    pub(super) fn sent(&mut self, count: u64) {
        self.sent += count;
    }

    /// How many went out so far.
    pub(super) fn sent_so_far(&self) -> u64 {
        self.sent
    }

    /// The request's body broke off, whatever was answered then.
    pub(super) fn broken(&mut self) {
        self.broken = true;
    }

    /// The client behind a configured proxy.
    fn client(&self) -> Option<String> {
        let address = self.remote.address;
        let named = || address.map_or("unknown".to_owned(), |address| address.to_string());
        self.remote.forwarded.then(named)
    }

    /// The whole answer went out.
    pub(super) fn complete(&mut self) {
        self.complete = true;
    }
}

impl Drop for Record {
    /// Texts are recorded as values, so that both formats escape what a client put into them.
    fn drop(&mut self) {
        self.handler.ended(Ended {
            detail: &self.detail,
            path: &self.path,
            status: self.status,
            took: self.started.elapsed(),
            received: self.received.load(Ordering::Relaxed),
            sent: self.sent,
        });
        tracing::info!(
            target: ACCESS_LOG,
            request_id = %self.id,
            peer = %self.peer.address,
            tls = self.peer.tls,
            client = self.client(),
            client_tls = self.remote.forwarded.then_some(self.remote.encrypted),
            access_key = self.detail.access_key.as_deref(),
            role = self.detail.role.as_deref(),
            session = self.detail.session.as_deref(),
            operation = self.detail.operation.as_deref(),
            bucket = self.detail.bucket.as_deref(),
            key = self.detail.key.as_deref(),
            method = self.method.as_str(),
            path = self.path.as_str(),
            status = self.status,
            error_code = self.detail.error_code.as_deref(),
            cause = self.detail.cause.as_deref(),
            bytes_in = self.received.load(Ordering::Relaxed),
            bytes_out = self.sent,
            first_byte_ms = self.first_byte.map(milliseconds),
            duration_ms = milliseconds(self.started.elapsed()),
            user_agent = self.user_agent.as_deref(),
            outcome = if self.complete && !self.broken { "complete" } else { "aborted" },
        );
    }
}

/// What a line holds of a text that clients may make as long as they like.
fn shortened(text: &[u8]) -> String {
    String::from_utf8_lossy(text.get(..MAX_TEXT).unwrap_or(text)).into_owned()
}

/// Milliseconds to three places.
fn milliseconds(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 1e6).round() / 1e3
}
