//! The HTTP server over real sockets.

mod bodies;
mod connections;
mod encrypted;
mod log;

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_core::future::BoxFuture;
use http::{Request, Response, StatusCode};
use stowgate::body::{BodyError, Digests, Payload, Source};
use stowgate::object::RequestId;
use stowgate::server::{
    AccessDetail, Ended, Handler, Peer, Refusal, Refused, Server, Settings, TlsConfig, TlsSwitch,
};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::{Semaphore, oneshot};
use tokio::task::JoinHandle;

/// Does what the path says.
struct Script {
    /// `/wait` waits for a permit.
    gate: Arc<Semaphore>,
}

impl Handler for Script {
    fn handle(&self, request: Request<Payload>) -> BoxFuture<'static, Response<Payload>> {
        let gate = Arc::clone(&self.gate);
        Box::pin(async move {
            assert!(request.extensions().get::<RequestId>().is_some());
            assert!(request.extensions().get::<Peer>().is_some());
            let path = request.uri().path().to_owned();
            match path.as_str() {
                "/read" => match length(request.into_body()).await {
                    Ok(length) => text(StatusCode::OK, length.to_string()),
                    Err(error) => text(StatusCode::BAD_REQUEST, error.to_string()),
                },
                "/length" => text(StatusCode::OK, format!("{:?}", request.body().length())),
                "/refuse" => text(StatusCode::FORBIDDEN, "no"),
                "/wait" => {
                    gate.acquire().await.expect("the gate").forget();
                    text(StatusCode::OK, "waited")
                }
                "/panic" => panic!("as the test wants"),
                "/broken" => {
                    Response::new(Payload::new(Some(100), Broken { chunks: 2, paused: false }))
                }
                "/broken-chunked" => {
                    Response::new(Payload::new(None, Broken { chunks: 2, paused: false }))
                }
                "/empty" => text(StatusCode::NO_CONTENT, ""),
                _ => text(StatusCode::OK, path),
            }
        })
    }

    fn ended(&self, _: Ended<'_>) {}

    fn refuse(&self, refused: &Refused) -> Response<Payload> {
        match refused.reason {
            Refusal::HeadersTooLarge { limit, .. } => {
                text(StatusCode::BAD_REQUEST, format!("more than {limit}"))
            }
            Refusal::Panicked => text(StatusCode::INTERNAL_SERVER_ERROR, "sorry"),
        }
    }
}

async fn length(mut body: Payload) -> Result<usize, BodyError> {
    let mut length = 0;
    while let Some(chunk) = body.next().await {
        length += chunk?.len();
    }
    Ok(length)
}

fn text(status: StatusCode, text: impl Into<Bytes>) -> Response<Payload> {
    let mut response = Response::new(Payload::from_bytes(text));
    *response.status_mut() = status;
    let detail = AccessDetail {
        access_key: Some("AK".into()),
        role: None,
        session: None,
        operation: Some("GetObject".into()),
        bucket: Some("bucket".into()),
        key: Some("a\nb\u{1b}[31m".into()),
        error_code: None,
        cause: None,
    };
    response.extensions_mut().insert(detail);
    response
}

/// Breaks after chunks of 10 bytes and a pause, in which they are sent.
struct Broken {
    chunks: usize,
    paused: bool,
}

impl Source for Broken {
    fn poll_chunk(
        &mut self,
        cx: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<Bytes, BodyError>>> {
        let Self { chunks, paused } = self;
        if *chunks > 0 {
            *chunks -= 1;
            return std::task::Poll::Ready(Some(Ok(Bytes::from_static(b"0123456789"))));
        }
        if !std::mem::replace(paused, true) {
            cx.waker().wake_by_ref();
            return std::task::Poll::Pending;
        }
        std::task::Poll::Ready(Some(Err(BodyError::Store("the disk is gone".into()))))
    }

    fn digests(&self) -> Option<&Digests> {
        None
    }

    fn trailer(&self, _: &str) -> Option<&str> {
        None
    }
}

/// A server on a free port of this machine.
struct Rig {
    address: SocketAddr,
    gate: Arc<Semaphore>,
    tls: TlsSwitch,
    drain: oneshot::Sender<()>,
    abort: oneshot::Sender<()>,
    ended: JoinHandle<()>,
}

async fn start(settings: Settings, tls: Option<TlsConfig>) -> Rig {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let server = Server::bind(address, settings, tls, 1).await.expect("bound");
    let (address, switch) = (server.address(), server.tls());
    let gate = Arc::new(Semaphore::new(0));
    let handler = Arc::new(Script { gate: Arc::clone(&gate) });
    let (drain, draining) = oneshot::channel();
    let (abort, aborting) = oneshot::channel();
    let told = |end: oneshot::Receiver<()>| async move {
        if end.await.is_err() {
            std::future::pending::<()>().await;
        }
    };
    let ended = tokio::spawn(server.serve(handler, told(draining), told(aborting)));
    Rig { address, gate, tls: switch, drain, abort, ended }
}

/// A client that sees every byte.
struct Client(TcpStream);

/// An answer, read as the client of HTTP/1.1 must.
#[derive(Debug)]
struct Answer {
    status: u16,
    head: String,
    body: String,
}

impl Rig {
    async fn client(&self) -> Client {
        Client(TcpStream::connect(self.address).await.expect("connected"))
    }
}

impl Client {
    async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.0.write_all(bytes.as_ref()).await.expect("sent");
    }

    async fn get(&mut self, path: &str) -> Answer {
        self.send(format!("GET {path} HTTP/1.1\r\nHost: h\r\n\r\n")).await;
        self.answer().await
    }

    /// The head of the next answer, with its final empty line.
    async fn head(&mut self) -> String {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(patiently(self.0.read_u8()).await.expect("a head"));
        }
        String::from_utf8(head).expect("text")
    }

    async fn answer(&mut self) -> Answer {
        let head = self.head().await;
        let status = head[9..12].parse().expect("a status");
        let length = header(&head, "content-length").map_or(0, |l| l.parse().expect("a length"));
        let mut body = vec![0; length];
        patiently(self.0.read_exact(&mut body)).await.expect("the body");
        Answer { status, head, body: String::from_utf8(body).expect("text") }
    }

    /// Everything up to the end of the connection, and whether that was a clean one.
    async fn rest(&mut self) -> (Vec<u8>, bool) {
        let mut rest = Vec::new();
        let clean = patiently(self.0.read_to_end(&mut rest)).await.is_ok();
        (rest, clean)
    }
}

impl Answer {
    fn header(&self, name: &str) -> Option<&str> {
        header(&self.head, name)
    }
}

fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.lines().find_map(|line| {
        let (found, value) = line.split_once(": ")?;
        found.eq_ignore_ascii_case(name).then_some(value)
    })
}

/// A test that hangs is a test that fails.
async fn patiently<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(30), future).await.expect("in time")
}
