//! Times, in memory and with a clock that jumps: nothing here waits.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};

use futures_core::future::BoxFuture;
use http::{Request, Response, StatusCode};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream};
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::Ended;
use super::connection::Context;
use super::dispatch::Dispatch;
use super::forwarded::Proxies;
use super::request_ids::RequestIds;
use super::{Handler, Peer, Refused, Settings};
use crate::body::{BodyError, Payload};

/// Reads the body and answers with its length; `/big` answers with more than any buffer holds.
#[derive(Default)]
struct Echo {
    last_error: Arc<Mutex<Option<String>>>,
}

impl Handler for Echo {
    fn handle(&self, request: Request<Payload>) -> BoxFuture<'static, Response<Payload>> {
        let last_error = Arc::clone(&self.last_error);
        Box::pin(async move {
            if request.uri().path() == "/big" {
                return Response::new(Payload::from_bytes(vec![b'x'; 8 << 20]));
            }
            match request.into_body().collect(1 << 20).await {
                Ok(body) => Response::new(Payload::from_bytes(body.len().to_string())),
                Err(error) => {
                    *last_error.lock().unwrap() = Some(error.to_string());
                    let mut response = Response::new(Payload::empty());
                    *response.status_mut() = StatusCode::BAD_REQUEST;
                    response
                }
            }
        })
    }

    fn ended(&self, _: Ended<'_>) {}

    fn refuse(&self, _: &Refused) -> Response<Payload> {
        Response::new(Payload::empty())
    }
}

struct Rig {
    client: DuplexStream,
    ended: JoinHandle<()>,
    crowd: Arc<Notify>,
    stop: watch::Sender<bool>,
    last_error: Arc<Mutex<Option<String>>>,
    start: Instant,
}

const PEER: Peer =
    Peer { address: SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 1), tls: false };

/// A server that nobody stops.
fn context(handler: Echo) -> Context {
    let (settings, ids) = (Settings::default(), RequestIds::new(1));
    let proxies = Proxies::default();
    let dispatch = Arc::new(Dispatch { handler: Arc::new(handler), settings, ids, proxies });
    let (stop, stopped) = watch::channel(false);
    // Its end would be taken for the signal to stop.
    std::mem::forget(stop);
    Context { dispatch, stop: stopped, crowd: Arc::default() }
}

fn rig() -> Rig {
    let (client, server) = tokio::io::duplex(64 << 10);
    let echo = Echo::default();
    let last_error = Arc::clone(&echo.last_error);
    let (stop, stopped) = watch::channel(false);
    let context = Context { stop: stopped, ..context(echo) };
    let crowd = Arc::clone(&context.crowd);
    let ended = tokio::spawn(context.http1(server, PEER));
    Rig { client, ended, crowd, stop, last_error, start: Instant::now() }
}

impl Rig {
    /// Sends a request and reads its answer, which ends with `end`.
    async fn ask(&mut self, request: &str, end: &str) -> String {
        self.client.write_all(request.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        while !answer.ends_with(end.as_bytes()) {
            assert_ne!(self.client.read_buf(&mut answer).await.unwrap(), 0, "{answer:?}");
        }
        String::from_utf8(answer).unwrap()
    }

    /// Reads to the end of the connection; says how many seconds after the start it was.
    async fn rest(&mut self) -> (String, u64) {
        let mut rest = Vec::new();
        self.client.read_to_end(&mut rest).await.unwrap();
        (String::from_utf8(rest).unwrap(), self.start.elapsed().as_secs())
    }
}

const GET: &str = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";

#[tokio::test(start_paused = true)]
async fn a_client_that_never_finishes_its_head_is_cut_off() {
    for sent in ["", "GET / HTTP/1.1\r\nHo"] {
        let mut rig = rig();
        rig.client.write_all(sent.as_bytes()).await.unwrap();
        assert_eq!(rig.rest().await, (String::new(), 30), "{sent:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn bytes_that_trickle_do_not_prolong_a_head() {
    let mut rig = rig();
    for byte in GET.bytes() {
        tokio::time::sleep(std::time::Duration::from_secs(2)).await;
        if rig.client.write_all(&[byte]).await.is_err() {
            break;
        }
    }
    rig.ended.await.unwrap();
    assert!(rig.start.elapsed().as_secs() < 40);
}

#[tokio::test(start_paused = true)]
async fn an_idle_connection_stays_longer_than_clients_pool_theirs() {
    let mut rig = rig();
    rig.ask(GET, "\r\n\r\n0").await;
    tokio::time::sleep(std::time::Duration::from_secs(100)).await;
    rig.ask(GET, "\r\n\r\n0").await;
    assert_eq!(rig.rest().await, (String::new(), 220));
}

#[tokio::test(start_paused = true)]
async fn a_head_that_follows_an_idle_time_has_its_own_time() {
    let mut rig = rig();
    rig.ask(GET, "\r\n\r\n0").await;
    tokio::time::sleep(std::time::Duration::from_secs(100)).await;
    rig.client.write_all(b"GET /").await.unwrap();
    assert_eq!(rig.rest().await, (String::new(), 130));
}

#[tokio::test(start_paused = true)]
async fn a_stalled_upload_ends_with_an_error_that_is_still_answered() {
    let mut rig = rig();
    let request = "PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\nhalf";
    let answer = rig.ask(request, "\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
    assert!(answer.contains("connection: close"), "{answer}");
    assert_eq!(rig.start.elapsed().as_secs(), 60);
    assert_eq!(*rig.last_error.lock().unwrap(), Some(BodyError::Stalled.to_string()));
    rig.rest().await;
    rig.ended.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn an_upload_that_goes_on_slowly_is_not_stalled() {
    let mut rig = rig();
    rig.client.write_all(b"PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\n").await.unwrap();
    for _ in 0..9 {
        tokio::time::sleep(std::time::Duration::from_secs(50)).await;
        rig.client.write_all(b"x").await.unwrap();
    }
    let answer = rig.ask("x", "\r\n\r\n10").await;
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
}

#[tokio::test(start_paused = true)]
async fn a_client_that_does_not_read_its_answer_is_cut_off() {
    let mut rig = rig();
    rig.client.write_all(b"GET /big HTTP/1.1\r\nHost: h\r\n\r\n").await.unwrap();
    rig.ended.await.unwrap();
    assert_eq!(rig.start.elapsed().as_secs(), 60);
}

#[tokio::test(start_paused = true)]
async fn an_idle_connection_makes_room_and_a_busy_one_does_not() {
    let mut idle = rig();
    idle.ask(GET, "\r\n\r\n0").await;
    idle.crowd.notify_one();
    assert_eq!(idle.rest().await, (String::new(), 1));

    let mut silent = rig();
    silent.crowd.notify_one();
    assert_eq!(silent.rest().await, (String::new(), 1));

    let mut busy = rig();
    busy.client.write_all(b"PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n\r\n").await.unwrap();
    busy.crowd.notify_one();
    tokio::time::sleep(std::time::Duration::from_secs(50)).await;
    assert!(busy.ask("x", "\r\n\r\n1").await.starts_with("HTTP/1.1 200 "));
}

#[tokio::test(start_paused = true)]
async fn when_told_to_stop_an_idle_connection_ends_at_once_and_a_busy_one_after_its_request() {
    let mut idle = rig();
    idle.ask(GET, "\r\n\r\n0").await;
    idle.stop.send_replace(true);
    assert_eq!(idle.rest().await, (String::new(), 0));

    let mut busy = rig();
    busy.client.write_all(b"PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n\r\n").await.unwrap();
    tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    busy.stop.send_replace(true);
    tokio::time::sleep(std::time::Duration::from_secs(9)).await;
    let answer = busy.ask("x", "\r\n\r\n1").await;
    assert!(answer.contains("connection: close"), "{answer}");
    assert_eq!(busy.rest().await, (String::new(), 10));
}

#[tokio::test(start_paused = true)]
async fn when_told_to_stop_a_silent_connection_ends_at_once_and_half_a_head_soon() {
    for (sent, seconds) in [("", 1), ("GET / HTTP/1.1\r\nHo", 6)] {
        let mut rig = rig();
        rig.client.write_all(sent.as_bytes()).await.unwrap();
        tokio::time::sleep(std::time::Duration::from_secs(1)).await;
        rig.stop.send_replace(true);
        assert_eq!(rig.rest().await, (String::new(), seconds), "{sent:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_idle_http2_connection_is_told_to_go() {
    let (client, server) = tokio::io::duplex(64 << 10);
    let (ended, start) =
        (tokio::spawn(context(Echo::default()).http2(server, PEER)), Instant::now());
    let (mut requests, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(client))
            .await
            .unwrap();
    let connection = tokio::spawn(connection);
    for _ in 0..3 {
        let request = Request::builder().uri("http://h/").body(Payload::empty()).unwrap();
        assert_eq!(requests.send_request(request).await.unwrap().status(), StatusCode::OK);
        tokio::time::sleep(std::time::Duration::from_secs(100)).await;
    }
    connection.await.unwrap().unwrap();
    assert_eq!(start.elapsed().as_secs(), 320);
    ended.await.unwrap();
}
