use std::task::{Context, Poll};

use bytes::Bytes;
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::*;
use crate::background::{Next, Worker as _};
use crate::body::{BodyError, Digests, Expected, Source, digesting};
use crate::object::{ListQuery, ManualClock, ObjectKey, Owner, Timestamp};
use crate::placement::breaker::State;
use crate::store::conformance::{self, Subject};
use crate::store::{
    Buckets as _, Call, FaultStore, GetRequest, MemoryStore, NewObject, ObjectPath, Objects as _,
};

const SECOND: Duration = Duration::from_secs(1);

struct Fixture {
    faults: Arc<FaultStore<MemoryStore>>,
    guarded: Arc<Guarded>,
    at: ObjectPath,
}

async fn fixture() -> Fixture {
    let memory = Arc::new(MemoryStore::new(Arc::new(ManualClock::new(Timestamp(0)))));
    let bucket = BucketName::parse("bucket").unwrap();
    let owner = Owner { id: "alice".to_owned(), display_name: "Alice".to_owned() };
    memory.create_bucket(&bucket, &owner).await.unwrap();
    let faults = Arc::new(FaultStore::new(memory));
    let guarded = Arc::new(Guarded::new("main", faults.clone(), GuardOptions::default()));
    Fixture { faults, guarded, at: ObjectPath { bucket, key: ObjectKey::parse("a").unwrap() } }
}

impl Fixture {
    fn away(&self) {
        for call in Call::ALL {
            let error = || StoreError::Unavailable { what: "no route".to_owned() };
            self.faults.fail_always(*call, error);
        }
    }

    async fn head(&self) -> Result<()> {
        self.guarded.head_object(&self.at, &GetRequest::default()).await.map(|_| ())
    }

    async fn open(&self) {
        self.away();
        for _ in 0..3 {
            self.head().await.unwrap_err();
        }
        assert!(self.guarded.is_open());
    }
}

#[track_caller]
fn unavailable<T: fmt::Debug>(result: Result<T>) -> String {
    match result {
        Err(StoreError::Unavailable { what }) => what,
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_method_is_passed_on() {
    conformance::all(|| async {
        let clock = Subject::clock();
        let memory = Arc::new(MemoryStore::new(clock.clone()));
        let guarded = Guarded::new("main", memory, GuardOptions::default());
        Subject::new(Arc::new(guarded), clock)
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn an_upstream_that_fails_is_left_alone_and_the_cause_named() {
    let fixture = fixture().await;
    fixture.open().await;
    let what = unavailable(fixture.head().await);
    assert!(what.contains("main") && what.contains("no route"), "{what}");
    assert_eq!(fixture.faults.count(Call::HeadObject), 3);
    assert_eq!(fixture.guarded.snapshot().state, State::Open);
}

/// A bucket that is missing there, or may not be used, is no reason to leave the others alone.
#[tokio::test(start_paused = true)]
async fn buckets_are_left_alone_one_by_one() {
    let fixture = fixture().await;
    let mut prober = fixture.guarded.prober();
    let missing = BucketName::parse("missing").unwrap();
    let refuse = async || {
        let what = "there is no bucket missing".to_owned();
        let refused = async { Err::<(), _>(StoreError::Unavailable { what }) };
        fixture.guarded.call("PutObject", Some(&missing), SECOND, refused).await.unwrap_err()
    };
    for _ in 0..5 {
        refuse().await;
        assert!(matches!(fixture.head().await, Err(StoreError::NoSuchKey)));
    }
    assert!(fixture.guarded.is_open() && fixture.guarded.is_open_for(&missing));
    assert!(!fixture.guarded.is_open_for(&fixture.at.bucket));
    assert!(fixture.guarded.snapshot().last_error.unwrap().0.contains("no bucket"));
    // When all fail, each is found out to be back.
    fixture.open().await;
    assert!(fixture.guarded.is_open_for(&fixture.at.bucket));
    fixture.faults.heal();
    for _ in 0..20 {
        if let Next::After(pause) = prober.step().await {
            tokio::time::advance(pause).await;
        }
    }
    assert!(!fixture.guarded.is_open());
}

#[tokio::test(start_paused = true)]
async fn answers_that_are_errors_are_no_failures() {
    let fixture = fixture().await;
    for _ in 0..50 {
        assert!(matches!(fixture.head().await, Err(StoreError::NoSuchKey)));
    }
    let broken = Payload::new(Some(5), Failing);
    let put = fixture.guarded.put_object(&fixture.at, NewObject::default(), broken).await;
    assert!(matches!(put, Err(StoreError::Body(BodyError::Incomplete))));
    assert!(!fixture.guarded.is_open());
    assert_eq!(fixture.guarded.snapshot().last_error, None);
}

#[tokio::test(start_paused = true)]
async fn without_a_prober_a_request_is_the_trial() {
    let fixture = fixture().await;
    fixture.open().await;
    tokio::time::advance(SECOND).await;
    unavailable(fixture.head().await);
    assert_eq!(fixture.faults.count(Call::HeadObject), 4);
    unavailable(fixture.head().await);
    assert_eq!(fixture.faults.count(Call::HeadObject), 4);
    fixture.faults.heal();
    tokio::time::advance(2 * SECOND).await;
    assert!(matches!(fixture.head().await, Err(StoreError::NoSuchKey)));
    assert!(!fixture.guarded.is_open());
}

#[tokio::test(start_paused = true)]
async fn a_prober_finds_out_and_no_request_does() {
    let fixture = fixture().await;
    let mut prober = fixture.guarded.prober();
    fixture.open().await;
    tokio::time::advance(10 * SECOND).await;
    unavailable(fixture.head().await);
    assert_eq!(fixture.faults.count(Call::HeadObject), 3);
    assert_eq!(prober.step().await, Next::Now);
    assert_eq!(fixture.faults.count(Call::ListObjects), 1);
    assert!(fixture.guarded.is_open());
    fixture.faults.heal();
    let mut waited = Duration::ZERO;
    while fixture.guarded.is_open() {
        if let Next::After(pause) = prober.step().await {
            waited += pause;
            tokio::time::advance(pause).await;
        }
    }
    assert!(waited <= 3 * SECOND, "{waited:?}");
    assert!(matches!(prober.step().await, Next::After(_)));
    fixture.open().await;
    drop(prober);
    tokio::time::advance(10 * SECOND).await;
    unavailable(fixture.head().await);
    assert!(fixture.faults.count(Call::HeadObject) > 6, "requests find out again");
}

#[tokio::test(start_paused = true)]
async fn a_call_without_an_answer_fails_after_its_time() {
    let guarded = fixture().await.guarded;
    for turn in 1..=3u32 {
        let start = Instant::now();
        let silent = std::future::pending::<Result<()>>();
        let what = unavailable(guarded.call("HeadObject", None, 10 * SECOND, silent).await);
        assert!(what.contains("main did not answer in time"), "{what}");
        assert_eq!(start.elapsed(), 10 * SECOND);
        assert_eq!(guarded.is_open(), turn == 3);
    }
}

#[tokio::test(start_paused = true)]
async fn a_caller_who_gives_up_late_tells_of_a_failure_and_one_who_does_early_does_not() {
    for (patience, counts) in [(4 * SECOND, false), (5 * SECOND, true)] {
        let guarded = fixture().await.guarded;
        for _ in 0..3 {
            let silent = std::future::pending::<Result<()>>();
            let call = guarded.call("HeadObject", None, 10 * SECOND, silent);
            tokio::time::timeout(patience, call).await.unwrap_err();
        }
        assert_eq!(guarded.is_open(), counts);
    }
}

/// A body that fails at once.
struct Failing;

impl Source for Failing {
    fn poll_chunk(
        &mut self,
        _: &mut Context<'_>,
    ) -> Poll<Option<std::result::Result<Bytes, BodyError>>> {
        Poll::Ready(Some(Err(BodyError::Incomplete)))
    }

    fn digests(&self) -> Option<&Digests> {
        None
    }

    fn trailer(&self, _: &str) -> Option<&str> {
        None
    }
}

/// A body whose pieces come when the other end sends them.
struct Piecewise(mpsc::Receiver<Bytes>);

impl Source for Piecewise {
    fn poll_chunk(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<std::result::Result<Bytes, BodyError>>> {
        self.0.poll_recv(cx).map(|chunk| chunk.map(Ok))
    }

    fn digests(&self) -> Option<&Digests> {
        None
    }

    fn trailer(&self, _: &str) -> Option<&str> {
        None
    }
}

fn piecewise() -> (mpsc::Sender<Bytes>, Payload) {
    let (pieces, body) = mpsc::channel(1);
    (pieces, Payload::new(None, Piecewise(body)))
}

#[tokio::test(start_paused = true)]
async fn a_slow_client_is_not_the_upstreams_fault() {
    let fixture = fixture().await;
    let (pieces, body) = piecewise();
    let client = async move {
        for _ in 0..5 {
            tokio::time::sleep(60 * SECOND).await;
            pieces.send(Bytes::from_static(b"slow")).await.unwrap();
        }
    };
    let body = digesting(body, Expected::default());
    let put = fixture.guarded.put_object(&fixture.at, NewObject::default(), body);
    let (stored, ()) = tokio::join!(put, client);
    assert_eq!(stored.unwrap().object.size, 20);
}

#[tokio::test(start_paused = true)]
async fn an_upstream_that_takes_no_more_of_a_body_fails_after_its_time() {
    let fixture = fixture().await;
    let start = Instant::now();
    let body = Payload::from_bytes("content");
    let sent = fixture.guarded.send("PutObject", &fixture.at.bucket, body, |mut body| async move {
        tokio::time::sleep(9 * SECOND).await;
        body.next().await;
        std::future::pending::<Result<()>>().await
    });
    unavailable(sent.await);
    assert_eq!(start.elapsed(), 19 * SECOND, "what it takes counts as a sign of life");
    assert!(fixture.guarded.snapshot().last_error.is_some());
}

#[tokio::test(start_paused = true)]
async fn a_body_that_stands_still_fails_and_counts_and_a_slow_reader_does_not() {
    let fixture = fixture().await;
    let (pieces, body) = piecewise();
    let mut body = fixture.guarded.arriving("GetObject", &fixture.at.bucket, body);
    pieces.send(Bytes::from_static(b"some")).await.unwrap();
    assert!(body.next().await.unwrap().is_ok());
    tokio::time::sleep(600 * SECOND).await;
    pieces.send(Bytes::from_static(b"more")).await.unwrap();
    assert!(body.next().await.unwrap().is_ok());
    assert_eq!(fixture.guarded.snapshot().last_error, None);
    let start = Instant::now();
    let stalled = body.next().await.unwrap();
    assert!(matches!(stalled, Err(BodyError::Store(_))));
    assert_eq!(start.elapsed(), 10 * SECOND);
    let (cause, _) = fixture.guarded.snapshot().last_error.unwrap();
    assert!(cause.contains("GetObject") && cause.contains("stood still"), "{cause}");
}

#[tokio::test(start_paused = true)]
async fn bodies_that_break_count_as_failures() {
    let fixture = fixture().await;
    let body = digesting(Payload::from_bytes("content"), Expected::default());
    fixture.guarded.put_object(&fixture.at, NewObject::default(), body).await.unwrap();
    for _ in 0..3 {
        fixture.faults.break_next_body(3);
        let got = fixture.guarded.get_object(&fixture.at, &GetRequest::default()).await.unwrap();
        got.body.collect(100).await.unwrap_err();
    }
    let (cause, _) = fixture.guarded.snapshot().last_error.unwrap();
    assert!(cause.contains("broken on purpose"), "{cause}");
    let query = ListQuery { limit: 1, ..ListQuery::default() };
    fixture.guarded.list_objects(&fixture.at.bucket, &query).await.unwrap();
}
