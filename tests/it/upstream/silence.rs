//! Services that stall, break off, or talk nonsense.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use stowgate::body::BodyError;
use stowgate::object::{Algorithm, BucketName, ListQuery, ObjectKey, SystemClock, WriteCondition};
use stowgate::store::conformance::{abandoned, body, content};
use stowgate::store::upstream::{UpstreamKey, UpstreamOptions, UpstreamStore};
use stowgate::store::{GetRequest, NewObject, ObjectPath, Objects, StoreError};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::connect;

/// What a service does with a connection.
#[derive(Clone, Copy)]
enum Act {
    /// Reads the request and answers with these bytes, once for every request.
    Answer(&'static str),
    /// Answers, and leaves the connection open without another byte.
    Linger(&'static str),
    /// Reads everything and never answers.
    Ignore,
    /// Reads the head of the request and nothing more.
    Clog,
}

/// A service that acts by a script, and the heads of the requests that it got.
struct Scripted {
    options: UpstreamOptions,
    heads: Arc<Mutex<Vec<String>>>,
}

impl Scripted {
    /// Does the acts one after the other, and the last one for ever.
    async fn start(acts: &'static [Act]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let heads: Arc<Mutex<Vec<String>>> = Arc::default();
        let seen = Arc::clone(&heads);
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                tokio::spawn(serve(socket, acts, Arc::clone(&seen)));
            }
        });
        let brief = Duration::from_millis(300);
        let options = UpstreamOptions {
            endpoint: Some(endpoint),
            path_style: true,
            credentials: Some(UpstreamKey {
                access_key: "AK".to_owned(),
                secret_key: "SK".to_owned(),
                session_token: None,
            }),
            connect_timeout: brief,
            first_byte_timeout: brief,
            stall_timeout: brief,
            ..UpstreamOptions::new("main")
        };
        Self { options, heads }
    }

    async fn store(&self) -> UpstreamStore {
        connect(self.options.clone(), Arc::new(SystemClock)).await
    }

    fn heads(&self) -> Vec<String> {
        self.heads.lock().unwrap().clone()
    }
}

async fn serve(mut socket: TcpStream, acts: &[Act], seen: Arc<Mutex<Vec<String>>>) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        match socket.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(_) => return,
        }
    }
    let head = String::from_utf8(head).unwrap().to_ascii_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
    let mut length: usize = length.map_or(0, |length| length.parse().unwrap());
    let turn = {
        let mut seen = seen.lock().unwrap();
        seen.push(head);
        seen.len() - 1
    };
    let act = acts[turn.min(acts.len() - 1)];
    if matches!(act, Act::Clog) {
        return std::future::pending().await;
    }
    let mut some = vec![0; 64 << 10];
    while length > 0 {
        match socket.read(&mut some).await {
            Ok(0) | Err(_) => return,
            Ok(read) => length -= read.min(length),
        }
    }
    match act {
        Act::Answer(text) => socket.write_all(text.as_bytes()).await.unwrap(),
        Act::Linger(text) => {
            socket.write_all(text.as_bytes()).await.unwrap();
            std::future::pending::<()>().await;
        }
        Act::Ignore | Act::Clog => std::future::pending().await,
    }
}

fn at() -> ObjectPath {
    let bucket = BucketName::parse("bucket").unwrap();
    ObjectPath { bucket, key: ObjectKey::parse("key").unwrap() }
}

fn unavailable<T: std::fmt::Debug>(result: Result<T, StoreError>) -> String {
    match result {
        Err(StoreError::Unavailable { what }) => what,
        other => panic!("expected Unavailable, got {other:?}"),
    }
}

async fn put(store: &UpstreamStore, size: usize) -> Result<(), StoreError> {
    let body = body(&content(1, size), None);
    store.put_object(&at(), NewObject::default(), body).await.map(|_| ())
}

const GONE: &str = "HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\
                    Connection: close\r\n\r\n";

const SLOW: &str = "HTTP/1.1 503 Slow Down\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";

const HEAD: &str = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nETag: \"abc\"\r\n\
                    Last-Modified: Wed, 21 Oct 2015 07:28:00 GMT\r\nConnection: close\r\n\r\n";

const STORED: &str =
    "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nETag: \"abc\"\r\nConnection: close\r\n\r\n";

#[tokio::test]
async fn nothing_is_waited_for_without_end() {
    for acts in [&[Act::Ignore], &[Act::Clog]] {
        let service = Scripted::start(acts).await;
        let store = service.store().await;
        let all = ListQuery { limit: 1, ..ListQuery::default() };
        for what in [
            unavailable(store.get_object(&at(), &GetRequest::default()).await),
            unavailable(store.head_object(&at(), &GetRequest::default()).await),
            unavailable(store.list_objects(&at().bucket, &all).await),
            unavailable(put(&store, 10).await),
        ] {
            assert!(what.contains("did not answer in time"), "{what}");
        }
    }
    let service = Scripted::start(&[Act::Ignore]).await;
    let what = unavailable(put(&service.store().await, 100_000).await);
    assert!(what.contains("did not answer after the body for 300ms"), "{what}");
    let service = Scripted::start(&[Act::Clog]).await;
    let what = unavailable(put(&service.store().await, 32 << 20).await);
    assert!(what.contains("stopped taking the body for 300ms"), "{what}");
}

/// The upstream is not to blame for a client that gives nothing.
#[tokio::test]
async fn a_slow_client_is_no_stall() {
    let service = Scripted::start(&[Act::Answer(STORED)]).await;
    let store = service.store().await;
    let at = at();
    let put = store.put_object(&at, NewObject::default(), abandoned(&content(1, 100_000)));
    let waited = tokio::time::timeout(Duration::from_secs(1), put).await;
    assert!(waited.is_err(), "{waited:?}");
}

#[tokio::test]
async fn a_body_that_breaks_off_is_an_error() {
    const CUT: &str = "HTTP/1.1 200 OK\r\nContent-Length: 10\r\nETag: \"abc\"\r\n\
                       Last-Modified: Wed, 21 Oct 2015 07:28:00 GMT\r\n\r\n01234";
    const DAMAGED: &str = "HTTP/1.1 200 OK\r\nContent-Length: 9\r\nETag: \"abc\"\r\n\
                           x-amz-checksum-crc32: AAAAAA==\r\n\
                           Last-Modified: Wed, 21 Oct 2015 07:28:00 GMT\r\n\r\n123456789";
    for acts in [&[Act::Answer(CUT)], &[Act::Linger(CUT)], &[Act::Answer(DAMAGED)]] {
        let service = Scripted::start(acts).await;
        let store = service.store().await;
        let got = store.get_object(&at(), &GetRequest::default()).await.unwrap();
        let end = got.body.collect(usize::MAX).await;
        let Err(BodyError::Store(words)) = end else { panic!("{end:?}") };
        assert!(words.starts_with("upstream main "), "{words}");
    }
}

#[tokio::test]
async fn what_can_be_repeated_is_repeated_once() {
    let service = Scripted::start(&[Act::Answer(SLOW), Act::Answer(HEAD)]).await;
    let head = service.store().await.head_object(&at(), &GetRequest::default()).await.unwrap();
    assert_eq!((head.object.size, head.object.etag.as_str()), (5, "abc"));
    assert_eq!(service.heads().len(), 2);

    let service = Scripted::start(&[Act::Answer(GONE), Act::Answer(STORED)]).await;
    put(&service.store().await, 10).await.unwrap();
    assert_eq!(service.heads().len(), 2, "a small body is at hand");

    let service = Scripted::start(&[Act::Answer(GONE)]).await;
    let what = unavailable(put(&service.store().await, 100_000).await);
    assert!(what.contains("HTTP 500 on PutObject"), "{what}");
    assert_eq!(service.heads().len(), 1, "a body that streams is gone");

    let service = Scripted::start(&[Act::Answer(SLOW)]).await;
    let condition = Some(WriteCondition::Absent);
    let new = NewObject { condition, ..NewObject::default() };
    let store = service.store().await;
    unavailable(store.put_object(&at(), new, body(&content(1, 10), None)).await);
    assert_eq!(service.heads().len(), 1, "its own success would fail the second attempt");
}

#[tokio::test]
async fn what_is_no_s3_is_no_answer() {
    const PAGE: &str = "HTTP/1.1 200 OK\r\nContent-Length: 6\r\nConnection: close\r\n\r\n<html>";
    const CUT_LIST: &str = "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n\
                            <ListBucketResult><KeyCount>2</KeyCount>\
                            <IsTruncated>false</IsTruncated><Contents><Key>a</Key></Contents>";
    const LOST: &str =
        "HTTP/1.1 404 Not Found\r\nContent-Length: 13\r\nConnection: close\r\n\r\n<html></html>";
    let all = ListQuery { limit: 1, ..ListQuery::default() };
    let service = Scripted::start(&[Act::Answer(PAGE)]).await;
    let what = unavailable(service.store().await.list_objects(&at().bucket, &all).await);
    assert!(what.contains("is not S3's: is the endpoint right?"), "{what}");
    for nothing in [&[Act::Answer(STORED)], &[Act::Answer(CUT_LIST)]] {
        let service = Scripted::start(nothing).await;
        unavailable(service.store().await.list_objects(&at().bucket, &all).await);
    }
    let service = Scripted::start(&[Act::Answer(LOST)]).await;
    let store = service.store().await;
    unavailable(store.get_object(&at(), &GetRequest::default()).await);
    unavailable(store.list_objects(&at().bucket, &all).await);
    let service = Scripted::start(&[Act::Answer("nonsense\r\n\r\n")]).await;
    let what = unavailable(service.store().await.get_object(&at(), &GetRequest::default()).await);
    assert!(what.contains("is it https:// instead of http://"), "{what}");
}

#[tokio::test]
async fn bodies_are_sent_in_the_simplest_form() {
    let sent = async |checksums: bool, size: usize, compute: Option<Algorithm>| {
        let service = Scripted::start(&[Act::Answer(STORED)]).await;
        let mut options = service.options.clone();
        options.quirks.checksums = checksums;
        let store = connect(options, Arc::new(SystemClock)).await;
        let body = body(&content(1, size), compute);
        store.put_object(&at(), NewObject::default(), body).await.unwrap();
        service.heads().remove(0)
    };
    for size in [10, 100_000] {
        let head = sent(false, size, Some(Algorithm::Sha256)).await;
        assert!(!head.contains("x-amz-checksum") && !head.contains("aws-chunked"), "{head}");
        assert!(!head.contains("x-amz-trailer") && !head.contains("transfer-encoding"), "{head}");
        assert!(head.contains(&format!("content-length: {size}\r\n")), "{head}");
    }
    let small = sent(true, 10, Some(Algorithm::Sha256)).await;
    assert!(small.contains("x-amz-checksum-sha256: ") && !small.contains("aws-chunked"), "{small}");
    // What streams is vouched for, so that no service takes what broke off for the whole.
    for (compute, trailer) in [
        (None, "crc64nvme"),
        (Some(Algorithm::Crc64Nvme), "crc64nvme"),
        (Some(Algorithm::Sha256), "sha256"),
    ] {
        let large = sent(true, 100_000, compute).await;
        assert!(large.contains(&format!("x-amz-trailer: x-amz-checksum-{trailer}")), "{large}");
    }
}
