//! What is held back, and whose fault it is when nothing moves.

use http_body::Body as _;

use super::*;
use crate::body::testing::Pieces;
use crate::body::{Expected, digesting};
use crate::object::Algorithm;

const PATIENCE: Patience = Patience {
    connect: Duration::from_secs(1),
    stall: Duration::from_secs(5),
    answer: Duration::from_secs(10),
};

fn large(pieces: Vec<std::result::Result<Bytes, BodyError>>, length: u64) -> Payload {
    Payload::new(Some(length), Pieces::new(pieces))
}

fn piece(byte: u8, length: usize) -> std::result::Result<Bytes, BodyError> {
    Ok(Bytes::from(vec![byte; length]))
}

async fn stream(payload: Payload) -> Stream {
    match Outgoing::new(payload).await.unwrap() {
        Outgoing::Large(stream) => stream,
        Outgoing::Small(_) => panic!("it is large"),
    }
}

/// Reads a body as the connection does: how many bytes came, and whether it ended well.
async fn sent(body: SdkBody) -> (u64, bool) {
    tokio::pin!(body);
    let mut count = 0;
    loop {
        match std::future::poll_fn(|cx| body.as_mut().poll_frame(cx)).await {
            None => return (count, true),
            Some(Err(_)) => return (count, false),
            Some(Ok(frame)) => count += frame.into_data().unwrap().len() as u64,
        }
    }
}

#[tokio::test]
async fn small_bodies_are_read_first() {
    let content = Bytes::from_static(b"123456789");
    let expected = Expected { compute: Some(Algorithm::Crc32), ..Expected::default() };
    let body = digesting(Payload::from_bytes(content.clone()), expected);
    let Outgoing::Small(whole) = Outgoing::new(body).await.unwrap() else { panic!("small") };
    assert_eq!(whole.content, content);
    assert_eq!(whole.checksum, Some(Algorithm::Crc32.digest(&content)));
    let broken = large(vec![piece(0, 3), Err(BodyError::Md5)], 10);
    let refused = Outgoing::new(broken).await.err();
    assert!(matches!(refused, Some(StoreError::Body(BodyError::Md5))));
    for length in [2, 4] {
        let other = Outgoing::new(large(vec![piece(0, 3)], length)).await.err();
        assert!(matches!(other, Some(StoreError::Body(BodyError::Incomplete))), "{length}");
    }
    let endless = Payload::new(None, Pieces::new(vec![piece(0, 65_537)]));
    let refused = Outgoing::new(endless).await.err();
    assert!(matches!(refused, Some(StoreError::Refused { code, .. }) if code.contains("Length")));
}

#[tokio::test]
async fn the_last_piece_waits_for_the_end() {
    let whole = vec![piece(1, 40_000), piece(2, 40_000), piece(3, 5)];
    let (body, watch) = stream(large(whole, 80_005)).await.start(PATIENCE);
    assert_eq!(body.size_hint().exact(), Some(80_005));
    assert_eq!(sent(body).await, (80_005, true));
    assert!(watch.fault().is_none());

    let broken =
        vec![piece(1, 40_000), piece(2, 40_005), Err(BodyError::Checksum(Algorithm::Sha1))];
    let (body, watch) = stream(large(broken, 80_005)).await.start(PATIENCE);
    assert_eq!(sent(body).await, (40_000, false));
    assert!(matches!(watch.fault(), Some(BodyError::Checksum(Algorithm::Sha1))));
    assert!(watch.digests().is_none());

    for length in [80_001, 79_999] {
        let other = vec![piece(1, 40_000), piece(2, 40_000)];
        let (body, watch) = stream(large(other, length)).await.start(PATIENCE);
        assert_eq!(sent(body).await, (40_000, false));
        assert!(matches!(watch.fault(), Some(BodyError::Incomplete)), "{length}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_upstream_that_takes_nothing_is_given_up() {
    let pieces = || vec![piece(1, 70_000), piece(2, 70_000), piece(3, 70_000)];
    let began = Instant::now();
    let (body, watch) = stream(large(pieces(), 210_000)).await.start(PATIENCE);
    let stalled = watch.over(std::future::pending::<()>()).await.unwrap_err();
    assert_eq!(stalled.what, "did not begin to take the body");
    assert_eq!(began.elapsed(), PATIENCE.connect + PATIENCE.stall);
    drop(body);

    let began = Instant::now();
    let (body, watch) = stream(large(pieces(), 210_000)).await.start(PATIENCE);
    let one_frame = async {
        tokio::pin!(body);
        std::future::poll_fn(|cx| body.as_mut().poll_frame(cx)).await.unwrap().unwrap();
        std::future::pending::<()>().await;
    };
    let stalled = watch.over(one_frame).await.unwrap_err();
    assert_eq!((stalled.what, stalled.limit), ("stopped taking the body", PATIENCE.stall));
    assert!(began.elapsed() >= PATIENCE.stall);

    let (body, watch) = stream(large(pieces(), 210_000)).await.start(PATIENCE);
    let no_answer = async {
        sent(body).await;
        std::future::pending::<()>().await;
    };
    let stalled = watch.over(no_answer).await.unwrap_err();
    assert_eq!(stalled.what, "did not answer after the body");
}

#[tokio::test(start_paused = true)]
async fn a_client_that_gives_nothing_is_waited_for() {
    struct Slow(Option<Pin<Box<tokio::time::Sleep>>>);
    impl crate::body::Source for Slow {
        fn poll_chunk(
            &mut self,
            cx: &mut Context<'_>,
        ) -> Poll<Option<std::result::Result<Bytes, BodyError>>> {
            let Some(timer) = &mut self.0 else { return Poll::Ready(None) };
            ready!(timer.as_mut().poll(cx));
            self.0 = None;
            Poll::Ready(Some(piece(1, 70_000)))
        }
        fn digests(&self) -> Option<&Digests> {
            None
        }
        fn trailer(&self, _: &str) -> Option<&str> {
            None
        }
    }
    let hour = Duration::from_hours(1);
    let slow = Payload::new(Some(70_000), Slow(Some(Box::pin(tokio::time::sleep(hour)))));
    let (body, watch) = stream(slow).await.start(PATIENCE);
    assert_eq!(watch.over(sent(body)).await, Ok((70_000, true)));
}
