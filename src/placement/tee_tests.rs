use std::collections::VecDeque;

use futures_util::FutureExt as _;
use proptest::prelude::*;

use super::*;
use crate::body::testing::{Pieces, cut, drain};
use crate::body::{Expected, digesting};

const STALL: Duration = Duration::from_secs(10);

fn bytes(length: usize) -> Bytes {
    (0..=250).cycle().take(length).collect::<Vec<u8>>().into()
}

fn checked(content: &Bytes, cuts: &[usize]) -> Payload {
    digesting(cut(content, cuts), Expected::default())
}

/// Takes what there is without waiting: the pieces, and the end if it came.
fn at_hand(body: &mut Payload) -> (Vec<u8>, Option<Result<(), BodyError>>) {
    let mut content = Vec::new();
    loop {
        match body.next().now_or_never() {
            None => return (content, None),
            Some(None) => return (content, Some(Ok(()))),
            Some(Some(Ok(chunk))) => content.extend_from_slice(&chunk),
            Some(Some(Err(error))) => return (content, Some(Err(error))),
        }
    }
}

async fn settle(driver: &mut Driver) {
    for _ in 0..100 {
        if driver.now_or_never().is_some() {
            return;
        }
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn neither_has_the_whole_before_its_gate_opens() {
    let content = bytes(50);
    let Split { mut upstream, mut local, mut gates, mut driver } =
        split(checked(&content, &[40]), STALL);
    settle(&mut driver).await;
    gates.verified().await.unwrap();
    let (sent, end) = at_hand(&mut upstream);
    assert_eq!((sent.as_slice(), end.is_none()), (&content[..40], true));
    let (kept, end) = at_hand(&mut local);
    assert_eq!((kept.as_slice(), end.is_none()), (&content[..], true));
    assert!(upstream.digests().is_none() && local.digests().is_none());

    gates.upstream.release();
    settle(&mut driver).await;
    let (sent, end) = at_hand(&mut upstream);
    assert_eq!(sent, content[40..]);
    assert!(matches!(end, Some(Ok(()))));
    assert_eq!(upstream.digests().unwrap().size, 50);
    assert!(at_hand(&mut local).1.is_none());

    gates.local.refuse(BodyError::Store("not needed".to_owned()));
    driver.await;
    assert!(
        matches!(at_hand(&mut local), (rest, Some(Err(BodyError::Store(_)))) if rest.is_empty())
    );
    assert!(local.digests().is_none());
}

#[tokio::test]
async fn dropped_gates_let_nothing_through() {
    let Split { mut upstream, mut local, gates, driver } = split(checked(&bytes(9), &[]), STALL);
    drop(gates);
    driver.await;
    assert!(matches!(at_hand(&mut upstream).1, Some(Err(BodyError::Incomplete))));
    assert!(matches!(at_hand(&mut local).1, Some(Err(BodyError::Incomplete))));
}

#[tokio::test]
async fn a_dropped_driver_ends_both_sides_with_an_error() {
    let Split { upstream, local, mut gates, driver } = split(checked(&bytes(9), &[]), STALL);
    drop(driver);
    gates.upstream.release();
    gates.local.release();
    assert!(matches!(drain(upstream).await, Err(BodyError::Incomplete)));
    assert!(matches!(drain(local).await, Err(BodyError::Incomplete)));
    assert!(matches!(gates.verified().await, Err(BodyError::Incomplete)));
}

#[tokio::test]
async fn an_empty_body_ends_when_its_gates_open() {
    let Split { mut upstream, mut local, mut gates, mut driver } =
        split(checked(&Bytes::new(), &[]), STALL);
    settle(&mut driver).await;
    gates.verified().await.unwrap();
    assert!(at_hand(&mut upstream).1.is_none() && at_hand(&mut local).1.is_none());
    gates.upstream.release();
    gates.local.release();
    driver.await;
    assert!(matches!(at_hand(&mut upstream).1, Some(Ok(()))));
    assert!(matches!(at_hand(&mut local).1, Some(Ok(()))));
    assert_eq!(local.digests().unwrap().size, 0);
}

#[tokio::test]
async fn a_body_that_fails_fails_on_both_sides_whatever_the_gates_say() {
    let content = bytes(40);
    let expected = Expected { md5: Some([0; 16]), ..Expected::default() };
    let Split { upstream, local, mut gates, driver } =
        split(digesting(cut(&content, &[10, 20]), expected), STALL);
    gates.upstream.release();
    gates.local.release();
    let (sent, kept, ()) = tokio::join!(drain(upstream), drain(local), driver);
    assert!(matches!(sent, Err(BodyError::Md5)));
    assert!(matches!(kept, Err(BodyError::Md5)));
    assert!(matches!(gates.verified().await, Err(BodyError::Md5)));
}

#[tokio::test(start_paused = true)]
async fn a_stalled_upstream_is_left_behind_after_its_time() {
    let content = bytes(1000);
    let cuts: Vec<usize> = (0..1000).step_by(10).collect();
    let Split { upstream, local, mut gates, driver } = split(checked(&content, &cuts), STALL);
    let started = tokio::time::Instant::now();
    gates.local.release();
    let holder = async {
        gates.left_behind().await;
        assert_eq!(started.elapsed(), STALL);
        gates.verified().await
    };
    let (kept, verified, ()) = tokio::join!(drain(local), holder, driver);
    verified.unwrap();
    assert_eq!(kept.unwrap().0, content);
    assert_eq!(started.elapsed(), STALL, "it waited once");
    assert!(gates.is_left_behind());
    assert!(matches!(drain(upstream).await, Err(BodyError::Store(_))));
}

#[tokio::test(start_paused = true)]
async fn a_dropped_upstream_costs_no_time() {
    let content = bytes(1000);
    let cuts: Vec<usize> = (0..1000).step_by(10).collect();
    let Split { mut upstream, local, mut gates, driver } = split(checked(&content, &cuts), STALL);
    let started = tokio::time::Instant::now();
    gates.local.release();
    let reader = async move { drop(upstream.next().await) };
    let ((), kept, ()) = tokio::join!(reader, drain(local), driver);
    assert_eq!(kept.unwrap().0, content);
    assert!(started.elapsed().is_zero() && !gates.is_left_behind());
}

#[tokio::test]
async fn a_dropped_local_side_does_not_end_the_upstream() {
    let content = bytes(1000);
    let cuts: Vec<usize> = (0..1000).step_by(10).collect();
    let Split { upstream, local, mut gates, driver } = split(checked(&content, &cuts), STALL);
    drop(local);
    gates.upstream.release();
    let (sent, ()) = tokio::join!(drain(upstream), driver);
    assert_eq!(sent.unwrap().0, content);
}

#[tokio::test]
async fn with_both_sides_gone_the_client_is_not_read_on() {
    let Split { upstream, local, mut gates, driver } =
        split(checked(&bytes(1000), &[10, 20, 30, 40]), STALL);
    drop((upstream, local));
    driver.await;
    let verdict = gates.verified().now_or_never();
    assert!(verdict.is_none(), "the body is not at fault: {verdict:?}");
}

/// Counts what was taken out of it.
struct Endless(Arc<std::sync::atomic::AtomicUsize>);

impl Source for Endless {
    fn poll_chunk(&mut self, _: &mut Context<'_>) -> Poll<Option<Result<Bytes, BodyError>>> {
        self.0.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        Poll::Ready(Some(Ok(Bytes::from_static(b"more"))))
    }

    fn digests(&self) -> Option<&Digests> {
        None
    }

    fn trailer(&self, _: &str) -> Option<&str> {
        None
    }
}

#[tokio::test]
async fn memory_is_bounded_by_the_slower_side() {
    let taken = Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let mut halves = split(Payload::new(None, Endless(Arc::clone(&taken))), STALL);
    settle(&mut halves.driver).await;
    assert!(taken.load(std::sync::atomic::Ordering::SeqCst) <= AHEAD + 2);
    let (kept, _) = at_hand(&mut halves.local);
    assert_eq!(kept.len(), 4 * AHEAD);
    settle(&mut halves.driver).await;
    assert!(taken.load(std::sync::atomic::Ordering::SeqCst) <= AHEAD + 4, "upstream took nothing");
}

#[tokio::test]
async fn trailers_are_known_on_both_sides_after_the_end() {
    let pieces = Pieces::new([Ok(bytes(5))]).with_trailer("x-amz-checksum-crc32", "AAAAAA==");
    let Split { upstream, local, mut gates, driver } = split(Payload::new(None, pieces), STALL);
    gates.upstream.release();
    gates.local.release();
    let (sent, kept, ()) = tokio::join!(drain(upstream), drain(local), driver);
    for side in [sent.unwrap().1, kept.unwrap().1] {
        assert_eq!(side.trailer("x-amz-checksum-crc32"), Some("AAAAAA=="));
    }
}

/// What a side does with its body.
#[derive(Debug, Clone, Copy)]
enum Reader {
    ReadsOn,
    DropsAfter(usize),
    FallsAsleepAfter(usize),
}

fn reader() -> impl Strategy<Value = Reader> {
    prop_oneof![
        Just(Reader::ReadsOn),
        (0usize..20).prop_map(Reader::DropsAfter),
        (0usize..20).prop_map(Reader::FallsAsleepAfter),
    ]
}

async fn read(mut body: Payload, how: Reader) -> Option<Result<Vec<u8>, BodyError>> {
    let mut pieces = VecDeque::new();
    loop {
        match how {
            Reader::DropsAfter(count) if pieces.len() >= count => return None,
            Reader::FallsAsleepAfter(count) if pieces.len() >= count => {
                tokio::time::sleep(STALL * 10).await;
                return None;
            }
            _ => {}
        }
        match body.next().await {
            None => return Some(Ok(pieces.into_iter().flatten().collect())),
            Some(Err(error)) => return Some(Err(error)),
            Some(Ok(chunk)) => pieces.push_back(chunk),
        }
    }
}

proptest! {
    /// However the upstream side behaves, the local one has everything, and nobody who was not
    /// let has the whole.
    #[test]
    fn the_local_side_never_suffers(
        length in 0usize..400,
        cuts in proptest::collection::vec(0usize..400, 0..30),
        how in reader(),
        release in any::<bool>(),
        fails in any::<bool>(),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .unwrap();
        let content = bytes(length);
        let md5 = fails.then_some([7; 16]);
        let body = digesting(cut(&content, &cuts), Expected { md5, ..Expected::default() });
        let (sent, kept) = runtime.block_on(async {
            let Split { upstream, local, mut gates, driver } = split(body, STALL);
            let holder = async {
                let _ = gates.verified().await;
                if release {
                    gates.upstream.release();
                } else {
                    gates.upstream.refuse(BodyError::Stalled);
                }
                gates.local.release();
            };
            let halves = (read(upstream, how), drain(local));
            let (sent, kept, (), ()) = tokio::join!(halves.0, halves.1, driver, holder);
            (sent, kept)
        });
        match kept {
            Ok((kept, _)) => prop_assert!(!fails && kept == content),
            Err(error) => prop_assert!(fails && matches!(error, BodyError::Md5)),
        }
        if let Some(Ok(sent)) = sent {
            prop_assert!(release && !fails && sent == content);
        }
    }
}
