//! The HTTP server: the only code that names hyper.
//!
//! It accepts connections within a bound, speaks HTTP/1.1 (and HTTP/2 where ALPN chose it) on
//! them, hands each request to a [`Handler`], and writes an access log line when the last byte of
//! the answer is out. It knows no S3: what it must refuse itself, the handler words.

#![allow(clippy::disallowed_types, reason = "this is where hyper is named")]

mod access_log;
mod activity;
mod client;
mod connection;
mod dispatch;
mod forwarded;
mod hops;
mod incoming;
mod listener;
mod outgoing;
mod probe;
mod request_ids;
mod stream;
mod tls;
mod trust;

#[cfg(test)]
mod tests;

use std::net::SocketAddr;
use std::time::Duration;

use futures_core::future::BoxFuture;
use ipnet::IpNet;

pub use access_log::{ACCESS_LOG, AccessDetail};
pub use client::{CallError, Client, Origin};
pub use forwarded::Remote;
pub use listener::{Server, TlsSwitch};
pub use probe::status_line;
pub use tls::{TlsConfig, TlsError};
pub use trust::Trust;

use crate::body::Payload;
use crate::object::RequestId;

/// What answers requests.
///
/// The request carries its [`RequestId`], its [`Peer`] and its [`Remote`] in its extensions. The body is not
/// touched before the handler polls it, which is also when `100 Continue` is sent. The answer may
/// carry an [`AccessDetail`] in its extensions.
pub trait Handler: Send + Sync {
    /// Answers a request.
    fn handle(
        &self,
        request: http::Request<Payload>,
    ) -> BoxFuture<'static, http::Response<Payload>>;

    /// Is told of every request once it is over.
    fn ended(&self, ended: Ended<'_>);

    /// Words the answer to a request that the server refuses or failed on.
    fn refuse(&self, refused: &Refused) -> http::Response<Payload>;
}

/// A request that is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ended<'a> {
    /// What the handler said of it.
    pub detail: &'a AccessDetail,
    /// The path that it was for.
    pub path: &'a str,
    /// The answer's status, where there was one.
    pub status: Option<u16>,
    /// From its head to the last byte of the answer, or to where it broke off.
    pub took: Duration,
    /// The bytes of its body that came in.
    pub received: u64,
    /// The bytes of the answer's body that went out.
    pub sent: u64,
}

/// A request that does not get the handler's answer.
#[derive(Debug, Clone)]
pub struct Refused {
    /// Why.
    pub reason: Refusal,
    /// Its id.
    pub id: RequestId,
    /// Its method.
    pub method: http::Method,
    /// Its target.
    pub uri: http::Uri,
}

/// Why a request does not get the handler's answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// Its header names and values are longer than allowed: 400.
    HeadersTooLarge {
        /// Their length in bytes.
        size: u64,
        /// The most allowed.
        limit: u64,
    },
    /// The handler panicked: 500.
    Panicked,
}

/// Who is at the other end of the connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Peer {
    /// The address of the socket.
    pub address: SocketAddr,
    /// Whether the connection is encrypted.
    pub tls: bool,
}

/// Limits and times.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The most connections at one time. One more is accepted and waits, unread, until another
    /// ends; idle ones are closed to make room. Further ones wait in the system's backlog.
    pub max_connections: usize,
    /// The most bytes of header names and values in one request.
    pub max_header_size: u64,
    /// How long a request's head may take, from its first byte to its last.
    pub header_timeout: Duration,
    /// How long a connection may be idle between requests. Longer than the 90 s for which
    /// clients keep pooled connections, or they would lose requests to closing ones.
    pub idle_timeout: Duration,
    /// How long a request's body may stall before it ends as `BodyError::Stalled`.
    pub body_timeout: Duration,
    /// How long a client may take no byte of a response.
    pub write_timeout: Duration,
    /// How long a TLS handshake may take.
    pub handshake_timeout: Duration,
    /// How long requests under way may go on once the server is to stop. The whole process is to
    /// end within 20 s, and closing the store takes its part of them.
    pub drain_timeout: Duration,
    /// The proxies whose word for their clients is taken.
    pub trusted_proxies: Vec<IpNet>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            max_connections: 1024,
            max_header_size: 8 << 10,
            header_timeout: Duration::from_secs(30),
            idle_timeout: Duration::from_mins(2),
            body_timeout: Duration::from_mins(1),
            write_timeout: Duration::from_mins(1),
            handshake_timeout: Duration::from_secs(10),
            drain_timeout: Duration::from_secs(15),
            trusted_proxies: Vec::new(),
        }
    }
}
