//! The invariants of the design under random histories: writes, deletes, copies and uploads, an
//! upstream that goes away and loses answers, a process that stops at any step, and modes that
//! change from one process to the next.
//!
//! A client whose call was not acknowledged knows nothing of what became of it; everything that
//! was acknowledged holds. The model keeps, of every key, what it may be.

mod checks;
mod moves;
mod script;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bytes::Bytes;
use proptest::prelude::*;

use self::script::{Belief, Condition, How, KEYS, MODES, Op, Seen, op};
use super::flaky::{Fate, Flaky};
use super::world::{START, bucket, content, new_upload, owner, path, place};
use crate::background::Worker as _;
use crate::object::{
    Algorithm, Clock, CompletedPart, Completion, ETag, ETagMatch, ManualClock, ObjectMetadata,
    PartNumber, ReadConditions, Timestamp, WriteCondition,
};
use crate::placement::spool::Spool;
use crate::placement::transfer::Direction;
use crate::placement::{Mode, Placement};
use crate::store::conformance::body;
use crate::store::{
    Buckets as _, CopyRequest, DeleteRequest, Home, MemoryStore, Multipart as _, NewObject,
    Objects as _, Result, Store, StoreError, UploadPath,
};

struct History {
    home: Arc<MemoryStore>,
    there: Arc<MemoryStore>,
    flaky: Arc<Flaky>,
    fate: Arc<Fate>,
    clock: Arc<ManualClock>,
    mode: Mode,
    placement: Arc<Placement>,
    spool: Arc<Spool>,
    model: BTreeMap<&'static str, Belief>,
    written: usize,
    /// After how many turns the next client goes away.
    leaves: Option<usize>,
    /// The records of keys that a move is not done with: it failed, and was neither repeated nor
    /// given up.
    moving: BTreeMap<&'static str, Bytes>,
    /// The keys of which a write was acknowledged since the last move of any.
    acknowledged: BTreeSet<&'static str>,
    log: Vec<String>,
}

impl History {
    async fn new(mode: Mode) -> Self {
        let clock = Arc::new(ManualClock::new(START));
        let store = || Arc::new(MemoryStore::new(Arc::clone(&clock) as Arc<dyn Clock>));
        let (home, there) = (store(), store());
        for store in [&home, &there] {
            store.create_bucket(&bucket(), &owner()).await.unwrap();
        }
        let fate = Fate::open();
        let flaky = Arc::new(Flaky::new(Arc::clone(&there), Arc::clone(&fate)));
        let (placement, spool) = started(mode, &home, &flaky, &fate, &clock);
        let nothing = Belief { may: vec![None], ghosts: Vec::new() };
        let model = KEYS.into_iter().map(|key| (key, nothing.clone())).collect();
        Self {
            home,
            there,
            flaky,
            fate,
            clock,
            mode,
            placement,
            spool,
            model,
            written: 0,
            leaves: None,
            moving: BTreeMap::new(),
            acknowledged: BTreeSet::new(),
            log: vec![format!("{mode:?}")],
        }
    }

    async fn restart(&mut self, mode: Mode) {
        self.fate.end();
        self.fate = Fate::open();
        self.flaky = Arc::new(self.flaky.under(Arc::clone(&self.fate)));
        self.mode = mode;
        let (placement, spool) = started(mode, &self.home, &self.flaky, &self.fate, &self.clock);
        (self.placement, self.spool) = (placement, spool);
        self.moving.clear();
        let mut resume = self.spool.resume();
        while resume.step().await != crate::background::Next::Done {}
    }

    /// Runs a call while the spool is at work; `None` where the process stopped, or the client went
    /// away.
    async fn run<T>(&self, call: impl Future<Output = Result<T>>) -> Option<Result<T>> {
        let answer = self.attended(call, self.leaves).await;
        if answer.is_none() && self.leaves.is_some() {
            // What goes on without the client comes to its end.
            let end = async {
                turns(400).await;
                Ok(())
            };
            self.attended(end, None).await;
        }
        answer
    }

    async fn attended<T>(
        &self,
        call: impl Future<Output = Result<T>>,
        patience: Option<usize>,
    ) -> Option<Result<T>> {
        let left = async {
            match patience {
                Some(patience) => turns(patience).await,
                None => std::future::pending().await,
            }
        };
        let mut forwarders = self.spool.forwarders();
        let forwarding = async {
            loop {
                forwarders[0].step().await;
                tokio::task::yield_now().await;
            }
        };
        tokio::select! {
            biased;
            () = self.fate.crashed() => None,
            answer = call => Some(answer),
            () = left => None,
            () = forwarding => unreachable!("it goes on for ever"),
        }
    }

    fn condition(&self, key: &str, condition: Condition) -> Option<WriteCondition> {
        let known = self.model[key].may.iter().flatten().next_back();
        let tag = known.map_or_else(|| ETag::parse("unknown"), |(etag, _)| etag.clone());
        match condition {
            Condition::None => None,
            Condition::Absent => Some(WriteCondition::Absent),
            Condition::Same => Some(WriteCondition::Matches(ETagMatch::Tags(vec![tag]))),
            Condition::Other => Some(WriteCondition::Matches(ETagMatch::parse("other"))),
        }
    }

    fn fresh(&mut self) -> Bytes {
        self.written += 1;
        self.clock.advance(700);
        content(&format!("content {}", self.written))
    }

    async fn apply(&mut self, op: &Op) {
        self.log.push(format!("{op:?}"));
        match op {
            Op::Put { key, condition } => {
                let (key, content) = (KEYS[*key], self.fresh());
                let condition = self.condition(key, *condition);
                let new = NewObject { condition: condition.clone(), ..NewObject::default() };
                let (placement, at) = (Arc::clone(&self.placement), path(key));
                let call = placement.put_object(&at, new, body(&content, None));
                let answer = self.run(call).await;
                let answer = answer.map(|answer| answer.map(|stored| stored.object.etag));
                self.learn(key, condition.as_ref(), Some(&content), answer);
            }
            Op::Delete { key, condition } => {
                let key = KEYS[*key];
                let condition = match condition {
                    Condition::Absent => None,
                    other => self.condition(key, *other),
                };
                let request = DeleteRequest { version: None, condition: condition.clone() };
                let (placement, at) = (Arc::clone(&self.placement), path(key));
                let answer = self.run(placement.delete_object(&at, &request)).await;
                let answer = answer.map(|answer| answer.map(|_| ETag::parse("")));
                self.learn(key, condition.as_ref(), None, answer);
            }
            Op::Copy { from, to } => self.copy(KEYS[*from], KEYS[*to]).await,
            Op::Upload { key, condition } => self.upload(KEYS[*key], *condition).await,
            Op::Move { key, how, during } => {
                self.moved(KEYS[*key], *how, during.as_ref().map(|(turns, op)| (*turns, &**op)))
                    .await;
            }
            Op::Away => self.flaky.set_away(true),
            Op::Deaf => self.flaky.set_deaf(true),
            Op::Back => {
                self.flaky.set_away(false);
                self.flaky.set_deaf(false);
            }
            Op::Restart(mode) => self.restart(MODES[*mode]).await,
            Op::Crash { .. } | Op::Leave { .. } => {}
        }
    }

    async fn copy(&mut self, from: &'static str, to: &'static str) {
        let request = CopyRequest {
            source_version: None,
            source_conditions: ReadConditions::default(),
            metadata: Some(ObjectMetadata::default()),
            tags: None,
            checksum: None,
            condition: None,
            size_limit: u64::MAX,
            source_key: None,
            encryption: None,
            acl: None,
        };
        let (placement, source, target) = (Arc::clone(&self.placement), path(from), path(to));
        self.clock.advance(700);
        let answer = self.run(placement.copy_object(&source, &target, request)).await;
        let contents: Vec<Bytes> = {
            let source = &self.model[from];
            let seen = source.may.iter().chain(&source.ghosts).flatten();
            seen.map(|(_, content)| content.clone()).collect()
        };
        match answer {
            Some(Ok(stored)) => {
                let etag = stored.object.etag;
                let copied = contents.iter().find(|content| tag_of(content) == etag);
                let copied = copied.expect("a copy is of what the source may be").clone();
                self.learn(to, None, Some(&copied), Some(Ok(etag)));
            }
            Some(Err(StoreError::NoSuchKey)) => {
                assert!(self.model[from].allows(&None), "{from} is there: {:#?}", self.log);
            }
            answer => {
                let answer = answer.map(|answer| answer.map(|stored| stored.object.etag));
                let mut answer = Some(answer);
                for content in &contents {
                    // Any of them may have been copied.
                    let lost = answer.take().unwrap_or(None);
                    self.learn(to, None, Some(content), lost);
                }
            }
        }
    }

    async fn upload(&mut self, key: &'static str, condition: Condition) {
        let (content, condition) = (self.fresh(), self.condition(key, condition));
        let (placement, at) = (Arc::clone(&self.placement), path(key));
        let whole = Some(condition.clone());
        let completed = async {
            let id = placement.create_upload(&at, new_upload()).await?;
            let upload = UploadPath { object: at.clone(), id };
            let number = PartNumber::new(1).unwrap();
            let piece = body(&content, Some(Algorithm::Crc64Nvme));
            let part = placement.put_part(&upload, number, piece, None).await?;
            let part = CompletedPart { number, etag: part.etag, checksum: None };
            let completion = Completion { parts: vec![part], ..Completion::default() };
            placement.complete_upload(&upload, &completion, whole.flatten()).await
        };
        let answer = self.run(completed).await;
        let answer = answer.map(|answer| answer.map(|stored| stored.object.etag));
        self.learn_as(key, condition.as_ref(), Some((part_tag(&content), content)), answer);
    }

    fn learn(
        &mut self,
        key: &'static str,
        condition: Option<&WriteCondition>,
        content: Option<&Bytes>,
        answer: Option<Result<ETag>>,
    ) {
        let new = content.map(|content| (tag_of(content), content.clone()));
        self.learn_as(key, condition, new, answer);
    }

    /// Takes in what became of a write.
    fn learn_as(
        &mut self,
        key: &'static str,
        condition: Option<&WriteCondition>,
        new: Seen,
        answer: Option<Result<ETag>>,
    ) {
        let (well, mode) = (self.flaky.is_well(), self.mode);
        self.log.push(format!("  {key} := {:?}: {answer:?}", new.as_ref().map(|new| &new.1)));
        let log = &self.log;
        let belief = self.model.get_mut(key).unwrap();
        let may_hold = |seen: &Seen| {
            // No condition of these histories asks when something was stored.
            let tag = seen.as_ref().map(|(etag, _)| (etag, Timestamp(0)));
            // Deleting what isn't there always succeeds.
            let free = new.is_none() && tag.is_none();
            free || condition.is_none_or(|condition| {
                condition.check(tag) == crate::object::WriteVerdict::Proceed
            })
        };
        let mut all = belief.may.iter().chain(&belief.ghosts);
        match answer {
            Some(Ok(etag)) => {
                assert!(all.any(may_hold), "the condition does not hold: {log:#?}");
                if let Some((expected, _)) = &new {
                    assert_eq!(&etag, expected, "{log:#?}");
                }
                belief.may = vec![new];
                self.acknowledged.insert(key);
                if mode != Mode::Local {
                    belief.ghosts.clear();
                }
            }
            Some(Err(StoreError::PreconditionFailed(_) | StoreError::NoSuchKey)) => {
                assert!(!all.all(may_hold), "the condition holds: {log:#?}");
            }
            Some(Err(StoreError::Unavailable { .. } | StoreError::Conflict)) | None => {
                if answer.is_some() {
                    assert!(mode != Mode::Local || !well || answer.is_none(), "{log:#?}");
                    assert!(!well, "the upstream is there: {answer:?} {log:#?}");
                }
                if !belief.may.contains(&new) {
                    belief.may.push(new.clone());
                }
                if mode != Mode::Local && !belief.ghosts.contains(&new) {
                    belief.ghosts.push(new);
                }
            }
            Some(Err(error)) => panic!("{error:?} {log:#?}"),
        }
    }

    /// In the end the upstream is well: everything is forwarded, and the upstream has what clients
    /// know, wherever the mode sends it there.
    async fn finish(mut self) {
        self.flaky.set_away(false);
        self.flaky.set_deaf(false);
        self.log.push("the end".to_owned());
        self.restart(Mode::Fallback).await;
        let mut forwarders = self.spool.forwarders();
        for _ in 0..1000 {
            if self.spool.snapshot().total.waiting == 0 {
                break;
            }
            forwarders[0].step().await;
        }
        let total = self.spool.snapshot().total;
        assert_eq!((total.waiting, total.dead), (0, 0), "{:?} {:#?}", self.spool, self.log);
        self.check().await;
        for mode in [Mode::Upstream, Mode::Local] {
            self.log.push(format!("the end in {mode:?}"));
            self.restart(mode).await;
            self.check().await;
        }
        drop(self.there);
    }
}

fn started(
    mode: Mode,
    home: &Arc<MemoryStore>,
    flaky: &Arc<Flaky>,
    fate: &Arc<Fate>,
    clock: &Arc<ManualClock>,
) -> (Arc<Placement>, Arc<Spool>) {
    let home = Arc::new(Flaky::new(Arc::clone(home), Arc::clone(fate)));
    let there = Arc::clone(flaky) as Arc<dyn Store>;
    place(mode, home as Arc<dyn Home>, there, Arc::clone(clock) as Arc<dyn Clock>)
}

async fn turns(number: usize) {
    for _ in 0..number {
        tokio::task::yield_now().await;
    }
}

fn md5(bytes: &[u8]) -> [u8; 16] {
    <md5::Md5 as md5::Digest>::digest(bytes).into()
}

fn tag_of(content: &Bytes) -> ETag {
    ETag::from_md5(md5(content))
}

fn part_tag(content: &Bytes) -> ETag {
    ETag::multipart([md5(content)])
}

async fn run(mode: Mode, ops: &[Op]) {
    let mut history = History::new(mode).await;
    for op in ops {
        let crash = match op {
            Op::Crash { steps, mode } => Some((*steps, *mode)),
            _ => None,
        };
        history.apply(op).await;
        if let Some((steps, mode)) = crash {
            history.fate.crash_after(steps);
            let key = history.written % KEYS.len();
            let stopping = if steps % 5 == 0 {
                let direction = [Direction::ToS3, Direction::ToLocal][history.written % 2];
                let how = How { direction, keep: false, again: true, abandon: false };
                Op::Move { key, how, during: None }
            } else if steps % 3 == 0 {
                Op::Delete { key, condition: Condition::None }
            } else {
                Op::Put { key, condition: Condition::None }
            };
            history.apply(&stopping).await;
            history.restart(MODES[mode]).await;
        }
        if let Op::Leave { turns } = op {
            history.leaves = Some(*turns);
            let key = history.written % KEYS.len();
            let leaving = match turns % 4 {
                0 => Op::Delete { key, condition: Condition::None },
                1 => Op::Upload { key, condition: Condition::None },
                _ => Op::Put { key, condition: Condition::None },
            };
            history.apply(&leaving).await;
            history.leaves = None;
        }
        history.check().await;
    }
    history.finish().await;
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, max_shrink_iters: 4000, ..Default::default() })]

    #[test]
    fn hold_the_invariants(
        mode in 0..MODES.len(),
        ops in prop::collection::vec(op(), 1..24),
    ) {
        runtime().block_on(run(MODES[mode], &ops));
    }
}
