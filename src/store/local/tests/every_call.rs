//! One history, stopped at every call of the file system that it makes, and what a start makes of
//! what that leaves.

use super::harness::{Machine, Operation, Version, bucket, owner};
use crate::object::{BucketName, ListQuery, ObjectKey};
use crate::store::conformance::{body, content};
use crate::store::local::LocalStore;
use crate::store::local::vfs::sim::{Fault, Op};
use crate::store::{
    Buckets, DeleteRequest, GetRequest, NewObject, ObjectPath, Objects, Result, StoreError,
};

/// What becomes of the history after it was stopped.
#[derive(Debug, Clone, Copy)]
enum End {
    /// The machine crashes.
    Crash,
    /// The process dies, the next one writes, and then the machine crashes.
    KillWriteCrash,
    /// The machine crashes, and once more while the store is opened.
    CrashTwice,
    /// The process dies, and the machine crashes while the next one opens the store.
    KillOpenCrash,
}

/// A bucket beside the one of the model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Other {
    Absent,
    Empty,
    Full,
}

enum Step {
    Do(Vec<Operation>),
    /// From the state before to this one.
    Other(Other, Other),
    /// Closed and opened again.
    Reopen,
}

fn put(key: u64, seed: u64, size: usize) -> Operation {
    Operation::Put(key, Version { content: content(seed, size), tag: None })
}

fn note(key: u64, size: usize) -> Operation {
    Operation::Note(key, Some(content(key, size)))
}

fn set(key: u64, size: usize) -> Operation {
    Operation::Set(key, Some(content(key, size)))
}

fn upload(key: u64, seed: u64, size: usize) -> Operation {
    let tag = Some(seed.to_string());
    Operation::Upload(key, Version { content: content(seed, size), tag })
}

/// Bodies on both sides of 2000 bytes, overwritten and deleted both ways; more than one segment.
fn script() -> Vec<Step> {
    use self::Other::{Absent, Empty, Full};
    use self::Step::{Do, Other, Reopen};
    vec![
        Do(vec![put(1, 1, 2000), put(2, 2, 30_000), put(4, 3, 100), note(3, 200)]),
        Other(Absent, Empty),
        Do(vec![upload(5, 4, 25_000)]),
        Other(Empty, Full),
        Do(vec![put(1, 5, 1900), Operation::Delete(4), set(0, 900), set(6, 10)]),
        Do(vec![Operation::Tag(2, "tag".to_owned()), note(3, 300), note(1, 100)]),
        Other(Full, Empty),
        Do(vec![put(2, 6, 1800), put(7, 7, 9000)]),
        Do(vec![Operation::Compact(0)]),
        Reopen,
        Other(Empty, Absent),
        Do(vec![
            Operation::Abort(3),
            Operation::Note(1, None),
            set(0, 80),
            Operation::Set(6, None),
        ]),
        Do((8..11).map(|key| put(key, key, 2000)).collect()),
        Do(vec![Operation::Delete(5), put(4, 8, 0)]),
        Do(vec![Operation::Compact(0), note(4, 10)]),
        Other(Absent, Empty),
        Do(vec![upload(7, 9, 1500)]),
        Do(vec![put(2, 10, 40_000), Operation::Delete(1)]),
    ]
}

struct History {
    machine: Machine,
    other: Vec<Other>,
}

fn other() -> ObjectPath {
    let bucket = BucketName::parse("other").unwrap();
    ObjectPath { bucket, key: ObjectKey::parse("key").unwrap() }
}

async fn change(store: &LocalStore, from: Other, to: Other) -> Result<()> {
    let at = other();
    match (from, to) {
        (Other::Absent, _) => store.create_bucket(&at.bucket, &owner()).await,
        (_, Other::Absent) => store.delete_bucket(&at.bucket).await,
        (_, Other::Full) => {
            let body = body(&content(1, 3000), None);
            store.put_object(&at, NewObject::default(), body).await.map(|_| ())
        }
        (_, Other::Empty) => store.delete_object(&at, &DeleteRequest::default()).await.map(|_| ()),
    }
}

async fn other_now(store: &LocalStore) -> Other {
    let at = other();
    match store.head_bucket(&at.bucket).await {
        Err(StoreError::NoSuchBucket) => return Other::Absent,
        head => head.unwrap(),
    };
    let query = ListQuery { limit: 10, ..ListQuery::default() };
    let listed = store.list_objects(&at.bucket, &query).await.unwrap().entries.len();
    match store.get_object(&at, &GetRequest::default()).await {
        Err(StoreError::NoSuchKey) => {
            assert_eq!(listed, 0);
            Other::Empty
        }
        got => {
            assert_eq!(got.unwrap().body.collect(1 << 20).await.unwrap(), content(1, 3000));
            assert_eq!(listed, 1);
            Other::Full
        }
    }
}

async fn close(store: LocalStore) -> Result<()> {
    tokio::task::spawn_blocking(move || store.close()).await.unwrap()
}

impl History {
    fn new(seed: u64) -> Self {
        let mut machine = Machine::new(seed).without_checkpoints();
        machine.options.checkpoint_records = 9;
        // Segments cannot be smaller than 64 KiB, so what goes into the first is larger.
        machine.options.pack_limit = if seed.is_multiple_of(2) { 2000 } else { 25_000 };
        Self { machine, other: vec![Other::Absent] }
    }

    /// Plays the script until something fails; gives the store if nothing did.
    async fn play(&mut self, may_fail: bool) -> Option<LocalStore> {
        let fails = |machine: &Machine| may_fail || machine.sim.is_stopped();
        let mut store = match self.machine.open().await {
            Ok(store) => store,
            Err(error) => {
                assert!(fails(&self.machine), "{error}");
                return None;
            }
        };
        for step in script() {
            let done = match step {
                Step::Do(operations) => self.machine.run(&store, operations).await,
                Step::Other(from, to) => {
                    let known = self.other == [from];
                    let changed = if known { change(&store, from, to).await } else { Ok(()) };
                    match &changed {
                        Ok(()) if known => self.other = vec![to],
                        Ok(()) => {}
                        Err(_) => self.other.push(to),
                    }
                    changed.is_ok()
                }
                Step::Reopen => {
                    let closed = close(store).await;
                    assert!(closed.is_ok() || fails(&self.machine), "{closed:?}");
                    match self.machine.open().await {
                        Ok(opened) => store = opened,
                        Err(error) => {
                            assert!(fails(&self.machine), "{error}");
                            return None;
                        }
                    }
                    true
                }
            };
            assert!(done || fails(&self.machine), "something failed by itself");
            if !done && !may_fail {
                return None;
            }
        }
        Some(store)
    }

    async fn verify(&mut self, store: &LocalStore) {
        self.machine.verify(store).await;
        let now = other_now(store).await;
        assert!(self.other.contains(&now), "{now:?}, may be {:?}", self.other);
        self.other = vec![now];
    }

    /// The store opens, has what it must have, and goes on working.
    async fn survive(&mut self, seed: u64) {
        let store = self.machine.open().await.unwrap();
        assert_eq!(store.read_only_reason(), None);
        self.verify(&store).await;
        let more = vec![put(1, seed, 9000), put(8, seed, 100), Operation::Delete(2)];
        assert!(self.machine.run(&store, more).await);
        self.verify(&store).await;
        assert!(self.machine.run(&store, vec![Operation::Compact(0)]).await);
        self.verify(&store).await;
        close(store).await.unwrap();
        self.machine.check();
        let store = self.machine.open().await.unwrap();
        self.verify(&store).await;
    }
}

async fn stop_at(call: u64, end: End) {
    let mut history = History::new(call);
    history.machine.sim.stop_at(call);
    let played = history.play(false).await;
    let machine = &mut history.machine;
    match end {
        End::Crash | End::CrashTwice => machine.crash(),
        End::KillWriteCrash | End::KillOpenCrash => machine.kill(),
    }
    drop(played);
    match end {
        End::Crash => {}
        End::KillWriteCrash => {
            let store = machine.open().await.unwrap();
            let more = vec![put(9, call, 5000), put(11, call, 100), Operation::Delete(7)];
            assert!(machine.run(&store, more).await);
            machine.crash();
        }
        End::CrashTwice | End::KillOpenCrash => {
            let now = machine.sim.calls();
            machine.sim.stop_at(now + machine.random.below(90));
            let opened = machine.open().await;
            assert!(opened.is_ok() || machine.sim.is_stopped(), "{:?}", opened.err());
            machine.crash();
        }
    }
    history.survive(call).await;
}

fn stop_at_every(step: usize) {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let mut history = History::new(0);
        assert!(history.play(false).await.is_some());
        let calls = history.machine.sim.calls();
        assert!(calls > 200, "{calls}");
        let ends = [End::Crash, End::KillWriteCrash, End::CrashTwice, End::KillOpenCrash];
        for (offset, end) in (0..).zip(ends) {
            for call in (offset..calls + 20).step_by(step) {
                // Shown only where the test fails.
                println!("{end:?} at {call}");
                stop_at(call, end).await;
            }
        }
    });
}

#[test]
fn every_call_may_be_the_last() {
    stop_at_every(4);
}

/// By hand.
#[test]
#[ignore = "takes a minute"]
fn every_call_may_be_the_last_in_every_way() {
    stop_at_every(1);
}

/// The nth call of a kind fails, wherever in the life of a store that is.
async fn fail_nth(op: Op, fault: Fault, nth: u64) -> bool {
    let mut history = History::new(nth);
    history.machine.sim.fail(op, nth, fault);
    let played = history.play(true).await;
    // What was planned and did not come is too much for this script.
    let came = history.machine.sim.pending_faults() == 0;
    if let Some(store) = played.as_ref().filter(|_| came) {
        history.machine.verify_reads(store).await;
    }
    history.machine.crash();
    drop(played);
    history.survive(nth).await;
    came
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failing_call_loses_nothing_that_was_acknowledged() {
    for (op, fault, step) in [
        (Op::Write, Fault::Eio, 5),
        (Op::Write, Fault::Full, 3),
        (Op::Sync, Fault::Eio, 3),
        (Op::Sync, Fault::Full, 7),
        (Op::SyncDir, Fault::Eio, 3),
        (Op::Link, Fault::Eio, 3),
        (Op::Link, Fault::Full, 3),
        (Op::Create, Fault::Full, 3),
        (Op::Allocate, Fault::Full, 3),
        (Op::SetLen, Fault::Eio, 2),
        (Op::Rename, Fault::Eio, 1),
        (Op::Unlink, Fault::Eio, 2),
        (Op::Read, Fault::Eio, 11),
    ] {
        for nth in (0..).step_by(step) {
            println!("{op:?} {fault:?} {nth}");
            if !fail_nth(op, fault, nth).await {
                break;
            }
        }
    }
}

/// A bucket that is not known yet is not one that is not there.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn not_open_yet_is_never_not_there() {
    let mut history = History::new(0);
    drop(history.play(false).await);
    history.machine.crash();
    let calls = history.machine.sim.calls();
    for stop in 0..90 {
        history.machine.sim.stop_at(calls + stop);
        let (vfs, home) = (history.machine.sim.vfs(), history.machine.home.clone());
        let (options, clock) = (history.machine.options, history.machine.clock.clone());
        let opened = LocalStore::open_on(
            vfs,
            std::sync::Arc::new(home),
            options,
            crate::object::KeyTemplates::default(),
            clock,
        );
        if let Ok(store) = opened {
            let unknown = |error: StoreError| {
                let is_unknown = matches!(
                    error,
                    StoreError::Rebuilding | StoreError::ReadOnly { .. } | StoreError::Io { .. }
                );
                assert!(is_unknown, "{error:?} at {stop}");
            };
            let query = ListQuery { limit: 10, ..ListQuery::default() };
            store.head_bucket(&bucket()).await.map_or_else(unknown, |_| ());
            store.list_objects(&bucket(), &query).await.map_or_else(unknown, |_| ());
            store.usage(&bucket()).map_or_else(unknown, |_| ());
            let at = super::harness::at(7);
            let got = store.get_object(&at, &GetRequest::default()).await;
            got.map_or_else(unknown, |_| ());
        }
        history.machine.crash();
    }
}
