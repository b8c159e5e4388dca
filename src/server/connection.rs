//! One connection, from the handshake to its close.

use std::convert::Infallible;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};
use hyper::service::{HttpService, service_fn};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::{Notify, watch};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::access_log;
use super::activity::{Activity, Expired, Watchdog};
use super::dispatch::Dispatch;
use super::outgoing::Outgoing;
use super::stream::Stream;
use super::{Peer, TlsConfig};

/// Far above what 8 KB of headers can hold, so that the limit in bytes is the one that counts.
const MAX_HEADERS: usize = 1024;
const BUFFER: usize = 128 << 10;
const H2_STREAMS: u32 = 100;
const H2_STREAM_WINDOW: u32 = 512 << 10;
const H2_CONNECTION_WINDOW: u32 = 2 << 20;
const H2_SEND_BUFFER: usize = 128 << 10;
/// Above the limit in bytes: HTTP/2 counts 32 more for every header.
const H2_HEADER_LIST: u32 = 128 << 10;
const H2_PING: Duration = Duration::from_secs(30);
const H2_PONG: Duration = Duration::from_secs(20);

/// What a connection needs.
#[derive(Clone)]
pub(super) struct Context {
    pub(super) dispatch: Arc<Dispatch>,
    /// True once the server is to stop.
    pub(super) stop: watch::Receiver<bool>,
    /// Notified where an idle connection should make room.
    pub(super) crowd: Arc<Notify>,
}

impl Context {
    /// Serves `socket` to its end.
    pub(super) async fn serve(self, socket: TcpStream, mut peer: Peer, tls: Option<TlsConfig>) {
        if let Err(error) = socket.set_nodelay(true) {
            tracing::debug!(%error, "TCP_NODELAY could not be set");
        }
        let Some(tls) = tls else { return self.http1(socket, peer).await };
        peer.tls = true;
        let Some(socket) = self.handshake(socket, peer, tls).await else { return };
        if socket.get_ref().1.alpn_protocol() == Some(b"h2") {
            self.http2(socket, peer).await;
        } else {
            self.http1(socket, peer).await;
        }
    }

    async fn handshake(
        &self,
        socket: TcpStream,
        peer: Peer,
        tls: TlsConfig,
    ) -> Option<TlsStream<TcpStream>> {
        let limit = self.dispatch.settings.handshake_timeout;
        let handshake = tokio::time::timeout(limit, TlsAcceptor::from(tls.0).accept(socket));
        let mut stop = self.stop.clone();
        tokio::select! {
            _ = stop.wait_for(|stop| *stop) => None,
            shaken = handshake => match shaken {
                Ok(Ok(stream)) => Some(stream),
                Ok(Err(error)) => {
                    tracing::debug!(peer = %peer.address, %error, "a TLS handshake failed");
                    None
                }
                Err(_) => {
                    tracing::debug!(peer = %peer.address, "a TLS handshake took too long");
                    None
                }
            },
        }
    }

    /// Serves HTTP/1 on `socket` to its end.
    pub(super) async fn http1<S: AsyncRead + AsyncWrite + Unpin>(self, socket: S, peer: Peer) {
        let activity = Activity::new(false);
        let io = self.io(socket, &activity);
        let service = self.service(peer, &activity);
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            // hyper's own would also end idle connections; the watchdog tells the two apart.
            .header_read_timeout(None)
            .max_headers(MAX_HEADERS)
            .max_buf_size(BUFFER)
            .serve_connection(io, service);
        self.drive(connection, activity, peer).await;
    }

    /// Serves HTTP/2 on `socket` to its end.
    pub(super) async fn http2<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(
        self,
        socket: S,
        peer: Peer,
    ) {
        let activity = Activity::new(true);
        let io = self.io(socket, &activity);
        let service = self.service(peer, &activity);
        let connection = http2::Builder::new(TokioExecutor::new())
            .timer(TokioTimer::new())
            .max_concurrent_streams(H2_STREAMS)
            .initial_stream_window_size(H2_STREAM_WINDOW)
            .initial_connection_window_size(H2_CONNECTION_WINDOW)
            .max_send_buf_size(H2_SEND_BUFFER)
            .max_header_list_size(H2_HEADER_LIST)
            .keep_alive_interval(H2_PING)
            .keep_alive_timeout(H2_PONG)
            .serve_connection(io, service);
        self.drive(connection, activity, peer).await;
    }

    fn io<S>(&self, socket: S, activity: &Arc<Activity>) -> TokioIo<Stream<S>> {
        let write_timeout = self.dispatch.settings.write_timeout;
        TokioIo::new(Stream::new(socket, Arc::clone(activity), write_timeout))
    }

    fn service(
        &self,
        peer: Peer,
        activity: &Arc<Activity>,
    ) -> impl HttpService<Incoming, ResBody = Outgoing, Error = Infallible, Future: Send + 'static> + use<>
    {
        let (dispatch, activity) = (Arc::clone(&self.dispatch), Arc::clone(activity));
        service_fn(move |request| {
            let (dispatch, activity) = (Arc::clone(&dispatch), Arc::clone(&activity));
            async move { Ok::<_, Infallible>(dispatch.answer(request, peer, activity).await) }
        })
    }

    /// Polls the connection to its end, and ends it where it is idle or slow for too long or the
    /// server stops.
    async fn drive<C: Connection>(self, connection: C, activity: Arc<Activity>, peer: Peer) {
        let mut connection = pin!(connection);
        let mut stop = self.stop;
        let mut stop = pin!(stop.wait_for(|stop| *stop));
        let settings = &self.dispatch.settings;
        let mut watchdog = Watchdog::new(Arc::clone(&activity), settings, self.crowd);
        let mut leaving = false;
        let ended = std::future::poll_fn(|cx| {
            loop {
                activity.register(cx.waker());
                if let Poll::Ready(result) = connection.as_mut().poll(cx) {
                    return Poll::Ready(result);
                }
                if leaving || stop.as_mut().poll(cx).is_pending() {
                    match std::task::ready!(watchdog.poll(cx)) {
                        Expired::Idle if !leaving => {}
                        Expired::Idle | Expired::Head => return Poll::Ready(Ok(())),
                    }
                }
                leaving = true;
                watchdog.leave();
                connection.as_mut().leave();
            }
        });
        if let Err(error) = ended.await {
            if let Some(status) = status_of(&error) {
                access_log::unreadable(peer, status, &error);
            } else {
                tracing::debug!(peer = %peer.address, %error, "a connection broke");
            }
        }
    }
}

/// What hyper itself has answered to a request whose head it could not read.
fn status_of(error: &hyper::Error) -> Option<u16> {
    if !error.is_parse() || error.is_parse_version_h2() {
        return None;
    }
    if !error.is_parse_too_large() {
        return Some(400);
    }
    // Only its words tell a long target from a long head.
    Some(if error.to_string().contains("URI") { 414 } else { 431 })
}

/// What both versions' connections can do.
trait Connection: Future<Output = hyper::Result<()>> {
    /// Ends when the requests under way are answered.
    fn leave(self: Pin<&mut Self>);
}

impl<I, S> Connection for http1::Connection<TokioIo<Stream<I>>, S>
where
    I: AsyncRead + AsyncWrite + Unpin,
    S: HttpService<Incoming, ResBody = Outgoing, Error = Infallible>,
{
    fn leave(self: Pin<&mut Self>) {
        self.graceful_shutdown();
    }
}

impl<I, S> Connection for http2::Connection<TokioIo<Stream<I>>, S, TokioExecutor>
where
    I: AsyncRead + AsyncWrite + Unpin,
    S: HttpService<Incoming, ResBody = Outgoing, Error = Infallible>,
    S::Future: Send + 'static,
{
    fn leave(self: Pin<&mut Self>) {
        self.graceful_shutdown();
    }
}
