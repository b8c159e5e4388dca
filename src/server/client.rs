//! Calls servers: HTTP/1.1, with TLS where the origin says so, over connections that are kept.

use std::fmt;
use std::io;
use std::pin::Pin;
use std::sync::{Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http::header::{HOST, HeaderValue};
use http::{Request, Response, Uri};
use http_body::Body as _;
use hyper::body::Incoming;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep, sleep_until, timeout};
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::ServerName;

use super::Trust;
use crate::body::{BodyError, Digests, Payload, Source};

const CONNECT: Duration = Duration::from_secs(10);
/// How long an answer's body may stall.
const STALL: Duration = Duration::from_mins(1);

/// A server: scheme, host and port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    tls: bool,
    host: String,
    port: u16,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// Nobody listens there, or the way is barred.
    #[error("cannot connect to {origin}: {source}")]
    Unreachable {
        /// Where.
        origin: Origin,
        /// The system's own words.
        source: io::Error,
    },
    /// Whoever answers is not believed, or what is to be trusted can't be read.
    #[error("TLS: {0}")]
    Tls(String),
    /// There is no answer in time.
    #[error("no answer within {0:?}")]
    Timeout(Duration),
    /// The connection broke.
    #[error("the connection broke: {0}")]
    Broken(String),
}

/// Calls one server.
pub struct Client {
    origin: Origin,
    tls: Option<TlsConnector>,
    /// Connections that may be used again; one whose answer is still being read is not ready.
    kept: Mutex<Vec<SendRequest<Payload>>>,
}

impl Origin {
    /// Reads `http://host:port` or `https://host:port`; a path is refused.
    pub fn parse(url: &str) -> Result<Self, String> {
        let wrong = || format!("{url:?} is no URL of the form http://host:port");
        let uri: Uri = url.parse().map_err(|_| wrong())?;
        let tls = match uri.scheme_str() {
            Some("http") => false,
            Some("https") => true,
            _ => return Err(wrong()),
        };
        let bare = uri.path_and_query().is_none_or(|path| path.as_str() == "/");
        let authority = uri.authority().filter(|authority| !authority.as_str().contains('@'));
        let host = authority.map(http::uri::Authority::host).filter(|host| !host.is_empty());
        match host {
            Some(host) if bare => {
                let port = uri.port_u16().unwrap_or(if tls { 443 } else { 80 });
                Ok(Self { tls, host: host.to_owned(), port })
            }
            _ => Err(wrong()),
        }
    }

    /// The host with its port, where that is not the scheme's own: what a Host header says.
    pub fn authority(&self) -> String {
        match (self.tls, self.port) {
            (false, 80) | (true, 443) => self.host.clone(),
            (_, port) => format!("{}:{port}", self.host),
        }
    }

    /// The host without the brackets of an IPv6 address.
    fn name(&self) -> &str {
        self.host.trim_start_matches('[').trim_end_matches(']')
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.tls { "https" } else { "http" };
        write!(f, "{scheme}://{}", self.authority())
    }
}

impl Client {
    /// A client of `origin`, which believes whom `trust` says.
    pub fn new(origin: Origin, trust: &Trust) -> Result<Self, CallError> {
        let config = origin.tls.then(|| trust.config()).transpose().map_err(CallError::Tls)?;
        Ok(Self { origin, tls: config.map(TlsConnector::from), kept: Mutex::default() })
    }

    /// Whom it calls.
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// Sends a request, whose target is a path and whose Host header this sets, and waits for the
    /// head of the answer. The whole body has to have gone out within `patience`, too.
    pub async fn send(
        &self,
        mut request: Request<Payload>,
        patience: Duration,
    ) -> Result<Response<Payload>, CallError> {
        let host = HeaderValue::from_str(&self.origin.authority());
        let host = host.map_err(|error| CallError::Broken(error.to_string()))?;
        request.headers_mut().insert(HOST, host);
        loop {
            let (mut connection, fresh) = match self.kept() {
                Some(kept) => (kept, false),
                None => (self.connect().await?, true),
            };
            let answered = timeout(patience, connection.try_send_request(request)).await;
            match answered.map_err(|_| CallError::Timeout(patience))? {
                Ok(response) => {
                    self.keep(connection);
                    return Ok(response.map(incoming));
                }
                // The server closed a kept connection before anything was sent on it.
                Err(mut error) => match error.take_message() {
                    Some(unsent) if !fresh => request = unsent,
                    _ => return Err(CallError::Broken(reason(&error.into_error()))),
                },
            }
        }
    }

    fn kept(&self) -> Option<SendRequest<Payload>> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.retain(|connection| !connection.is_closed());
        let ready = kept.iter().position(SendRequest::is_ready)?;
        Some(kept.swap_remove(ready))
    }

    fn keep(&self, connection: SendRequest<Payload>) {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
    }

    async fn connect(&self) -> Result<SendRequest<Payload>, CallError> {
        let unreachable = |source| CallError::Unreachable { origin: self.origin.clone(), source };
        let dialling = TcpStream::connect((self.origin.name(), self.origin.port));
        let socket = timeout(CONNECT, dialling)
            .await
            .unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
            .map_err(unreachable)?;
        socket.set_nodelay(true).map_err(unreachable)?;
        let Some(tls) = &self.tls else { return speak(socket).await };
        let name = ServerName::try_from(self.origin.name().to_owned());
        let name = name.map_err(|error| CallError::Tls(error.to_string()))?;
        let secured = timeout(CONNECT, tls.connect(name, socket))
            .await
            .unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
            .map_err(|error| CallError::Tls(error.to_string()))?;
        speak(secured).await
    }
}

/// The connection's own work goes on beside its requests, and ends with the last of them.
async fn speak<S>(stream: S) -> Result<SendRequest<Payload>, CallError>
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let (sender, connection) = handshake(TokioIo::new(stream))
        .await
        .map_err(|error| CallError::Broken(error.to_string()))?;
    tokio::spawn(async move {
        if let Err(error) = connection.await {
            tracing::debug!(%error, "a connection to a server broke");
        }
    });
    Ok(sender)
}

/// An error with what is behind it.
fn reason(error: &dyn std::error::Error) -> String {
    let mut said = error.to_string();
    let mut source = error.source();
    while let Some(deeper) = source {
        said = format!("{said}: {deeper}");
        source = deeper.source();
    }
    said
}

fn incoming(incoming: Incoming) -> Payload {
    let length = incoming.size_hint().exact();
    if incoming.is_end_stream() {
        return Payload::empty();
    }
    Payload::new(length, Answer { incoming: Mutex::new(Some(incoming)), stalled: None })
}

/// The body of an answer.
struct Answer {
    /// `None` after the end.
    incoming: Mutex<Option<Incoming>>,
    stalled: Option<Pin<Box<Sleep>>>,
}

impl Source for Answer {
    fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, BodyError>>> {
        let incoming = self.incoming.get_mut().unwrap_or_else(PoisonError::into_inner);
        loop {
            let Some(body) = incoming else { return Poll::Ready(None) };
            let ended = match Pin::new(body).poll_frame(cx) {
                Poll::Ready(Some(Ok(frame))) => {
                    self.stalled = None;
                    match frame.into_data() {
                        Ok(bytes) if !bytes.is_empty() => return Poll::Ready(Some(Ok(bytes))),
                        Ok(_) | Err(_) => continue,
                    }
                }
                Poll::Ready(Some(Err(_))) => Some(BodyError::Incomplete),
                Poll::Ready(None) => None,
                Poll::Pending => {
                    let end = || Box::pin(sleep_until(Instant::now() + STALL));
                    ready!(self.stalled.get_or_insert_with(end).as_mut().poll(cx));
                    Some(BodyError::Stalled)
                }
            };
            *incoming = None;
            return Poll::Ready(ended.map(Err));
        }
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
    use super::*;

    #[test]
    fn origins_are_read_and_shown() {
        for (url, shown, name) in [
            ("http://127.0.0.1:9000", "http://127.0.0.1:9000", "127.0.0.1"),
            ("http://localhost/", "http://localhost", "localhost"),
            ("https://s3.example.com:443", "https://s3.example.com", "s3.example.com"),
            ("https://[::1]:9443", "https://[::1]:9443", "::1"),
        ] {
            let origin = Origin::parse(url).expect(url);
            assert_eq!((origin.to_string().as_str(), origin.name()), (shown, name));
        }
        for url in ["", "127.0.0.1:9000", "ftp://x", "http://x/path", "http://u@x", "http://?a"] {
            assert!(Origin::parse(url).is_err(), "{url}");
        }
    }
}
