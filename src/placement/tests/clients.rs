//! Several clients at once, with the spool at work and an upstream that comes and goes: what a
//! client reads or lists is never older than what was acknowledged before it asked.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use bytes::Bytes;

use super::flaky::{Fate, Flaky};
use super::world::{START, bucket, content, owner, path, place, text};
use crate::background::Worker as _;
use crate::object::{
    Clock, ETag, ListEntry, ListQuery, ManualClock, ReadConditions, WriteCondition,
};
use crate::placement::spool::Spool;
use crate::placement::{Mode, Placement};
use crate::store::conformance::body;
use crate::store::{
    Buckets as _, CopyRequest, DeleteRequest, GetRequest, MemoryStore, NewObject, Objects as _,
    StoreError,
};

const KEYS: [&str; 2] = ["a", "d/b"];
const CLIENTS: usize = 4;
const CALLS: usize = 12;

/// A write of a content, or none, and when it began and was acknowledged.
#[derive(Debug, Clone)]
struct Write {
    key: &'static str,
    tag: Option<ETag>,
    began: usize,
    /// `None` where it never was.
    ended: Option<usize>,
}

struct Scene {
    flaky: Arc<Flaky>,
    clock: Arc<ManualClock>,
    placement: Arc<Placement>,
    spool: Arc<Spool>,
    there: Arc<MemoryStore>,
    time: AtomicUsize,
    random: AtomicU64,
    writes: Mutex<Vec<Write>>,
    /// The targets of copies under way: of what, is known afterwards.
    copying: Mutex<Vec<&'static str>>,
    log: Mutex<Vec<String>>,
}

fn tag_of(content: &Bytes) -> ETag {
    ETag::from_md5(<md5::Md5 as md5::Digest>::digest(content).into())
}

impl Scene {
    async fn new(mode: Mode, seed: u64) -> Arc<Self> {
        let clock = Arc::new(ManualClock::new(START));
        let store = || Arc::new(MemoryStore::new(Arc::clone(&clock) as Arc<dyn Clock>));
        let (home, there) = (store(), store());
        for store in [&home, &there] {
            store.create_bucket(&bucket(), &owner()).await.unwrap();
        }
        let fate = Fate::open();
        let slow_home = Arc::new(Flaky::new(home, Arc::clone(&fate)));
        let flaky = Arc::new(Flaky::new(Arc::clone(&there), fate));
        let (placement, spool) = place(mode, slow_home, flaky.clone(), clock.clone());
        Arc::new(Self {
            flaky,
            clock,
            placement,
            spool,
            there,
            time: AtomicUsize::new(1),
            random: AtomicU64::new(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1),
            writes: Mutex::default(),
            copying: Mutex::default(),
            log: Mutex::default(),
        })
    }

    fn random(&self, bound: u64) -> u64 {
        let next = |state: u64| {
            let state = state ^ (state << 13);
            let state = state ^ (state >> 7);
            Some(state ^ (state << 17))
        };
        let state = self.random.fetch_update(Ordering::SeqCst, Ordering::SeqCst, next).unwrap();
        (state >> 20) % bound
    }

    fn tick(&self) -> usize {
        self.time.fetch_add(1, Ordering::SeqCst)
    }

    fn note(&self, what: String) {
        self.log.lock().unwrap().push(what);
    }

    fn begin(&self, key: &'static str, tag: Option<ETag>) -> usize {
        let mut writes = self.writes.lock().unwrap();
        writes.push(Write { key, tag, began: self.tick(), ended: None });
        writes.len() - 1
    }

    fn end<T>(&self, write: usize, answer: &Result<T, StoreError>) {
        let now = self.tick();
        let write = &mut self.writes.lock().unwrap()[write];
        match answer {
            Ok(_) => write.ended = Some(now),
            // It surely did not happen.
            Err(StoreError::PreconditionFailed(_) | StoreError::NoSuchKey) => {
                write.began = usize::MAX;
            }
            Err(StoreError::Unavailable { .. } | StoreError::Conflict) => {}
            Err(error) => panic!("{error:?}"),
        }
        self.note(format!("{now}: {write:?} {:?}", answer.as_ref().err()));
    }

    /// Somebody saw this of a key, in a call that began and ended then.
    fn seen(&self, key: &str, tag: Option<&ETag>, (began, ended): (usize, usize), by: &str) {
        if self.copying.lock().unwrap().contains(&key) {
            return;
        }
        let writes = self.writes.lock().unwrap();
        let of_key = || writes.iter().filter(|write| write.key == key);
        let later = |since: Option<usize>| {
            let acknowledged = move |write: &&Write| {
                write.ended.is_some_and(|end| end < began)
                    && since.is_some_and(|since| since < write.began)
            };
            of_key().find(acknowledged).cloned()
        };
        let mut origins: Vec<Option<usize>> = of_key()
            .filter(|write| write.tag.as_ref() == tag && write.began < ended)
            .map(|write| write.ended)
            .collect();
        if tag.is_none() {
            origins.push(Some(0));
        }
        let fresh = origins.iter().any(|ended| later(*ended).is_none());
        assert!(
            fresh,
            "{by} saw {tag:?} of {key} between {began} and {ended}: {:#?}",
            self.log.lock().unwrap()
        );
    }

    async fn client(self: Arc<Self>, number: usize) {
        for call in 0..CALLS {
            for _ in 0..self.random(6) {
                tokio::task::yield_now().await;
            }
            self.clock.advance(i64::try_from(self.random(900)).unwrap());
            let key = KEYS[usize::try_from(self.random(2)).unwrap()];
            match self.random(12) {
                0..=3 => self.put(key, &format!("{number}/{call}")).await,
                4..=5 => self.delete(key).await,
                6 => self.copy(key).await,
                7..=9 => self.read(key).await,
                _ => self.list().await,
            }
        }
    }

    async fn put(&self, key: &'static str, text: &str) {
        let content = content(text);
        let condition = (self.random(4) == 0).then_some(WriteCondition::Absent);
        let write = self.begin(key, Some(tag_of(&content)));
        let new = NewObject { condition, ..NewObject::default() };
        let answer = self.placement.put_object(&path(key), new, body(&content, None)).await;
        self.end(write, &answer);
    }

    async fn delete(&self, key: &'static str) {
        let write = self.begin(key, None);
        let answer = self.placement.delete_object(&path(key), &DeleteRequest::default()).await;
        self.end(write, &answer);
    }

    async fn copy(&self, key: &'static str) {
        let (from, began) = (KEYS[usize::from(key == KEYS[0])], self.tick());
        let request = CopyRequest {
            source_version: None,
            source_conditions: ReadConditions::default(),
            metadata: None,
            tags: None,
            checksum: None,
            condition: None,
            size_limit: u64::MAX,
            source_key: None,
            encryption: None,
            acl: None,
        };
        self.copying.lock().unwrap().push(key);
        let answer = self.placement.copy_object(&path(from), &path(key), request).await;
        let ended = self.tick();
        self.note(format!("{began}..{ended}: {from} to {key}: {answer:?}"));
        let mut writes = self.writes.lock().unwrap();
        match answer {
            Ok(stored) => {
                let tag = Some(stored.object.etag);
                writes.push(Write { key, tag, began, ended: Some(ended) });
            }
            Err(StoreError::NoSuchKey) => {}
            // It may have been anything.
            Err(StoreError::Unavailable { .. } | StoreError::Conflict) => {
                let mut lost = writes.clone();
                lost.retain(|write| write.tag.is_some());
                let lost = lost.into_iter().map(|write| Write { key, began, ended: None, ..write });
                writes.extend(lost);
            }
            Err(error) => panic!("{error:?}"),
        }
        let mut copying = self.copying.lock().unwrap();
        let done = copying.iter().position(|target| *target == key).unwrap();
        copying.remove(done);
    }

    async fn read(&self, key: &'static str) {
        let began = self.tick();
        let answer = self.placement.get_object(&path(key), &GetRequest::default()).await;
        let ended = self.tick();
        let tag = match answer {
            Ok(got) => {
                let etag = got.head.object.etag;
                let content = got.body.collect(usize::MAX).await.unwrap();
                assert_eq!(tag_of(&content), etag);
                Some(etag)
            }
            Err(StoreError::NoSuchKey) => None,
            Err(StoreError::Unavailable { .. }) => return,
            Err(error) => panic!("{error:?}"),
        };
        self.note(format!("{began}..{ended}: {key} is {tag:?}"));
        self.seen(key, tag.as_ref(), (began, ended), "a reader");
    }

    async fn list(&self) {
        let began = self.tick();
        let query = ListQuery { limit: 10, ..ListQuery::default() };
        let answer = self.placement.list_objects(&bucket(), &query).await;
        let ended = self.tick();
        let page = match answer {
            Ok(page) => page,
            Err(StoreError::Unavailable { .. }) => return,
            Err(error) => panic!("{error:?}"),
        };
        self.note(format!("{began}..{ended}: {page:?}"));
        for key in KEYS {
            let listed = page.entries.iter().find(|entry| text(entry) == key);
            let tag = listed.and_then(|entry| match entry {
                ListEntry::Object { etag, .. } => Some(etag),
                ListEntry::CommonPrefix(_) => None,
            });
            self.seen(key, tag, (began, ended), "a listing");
        }
    }

    async fn weather(self: Arc<Self>) {
        loop {
            for _ in 0..self.random(80) {
                tokio::task::yield_now().await;
            }
            match self.random(4) {
                0 => self.flaky.set_away(true),
                1 => self.flaky.set_deaf(true),
                _ => self.clear(),
            }
        }
    }

    fn clear(&self) {
        self.flaky.set_away(false);
        self.flaky.set_deaf(false);
    }

    async fn run(self: Arc<Self>) {
        let mut beside = tokio::task::JoinSet::new();
        for mut forwarder in self.spool.forwarders() {
            beside.spawn(async move {
                loop {
                    forwarder.step().await;
                    tokio::task::yield_now().await;
                }
            });
        }
        let weather = tokio::spawn(Arc::clone(&self).weather());
        let clients: Vec<_> =
            (0..CLIENTS).map(|number| tokio::spawn(Arc::clone(&self).client(number))).collect();
        for client in clients {
            client.await.unwrap();
        }
        weather.abort();
        let _ = weather.await;
        self.clear();
        self.spool.flush(std::time::Duration::from_mins(10)).await;
        for key in KEYS {
            self.read(key).await;
        }
        self.list().await;
        let depth = self.spool.snapshot().total;
        assert_eq!((depth.waiting, depth.dead), (0, 0), "{:#?}", self.log.lock().unwrap());
        // In the end the upstream alone has everything.
        for key in KEYS {
            let read = |store: &'static str, answer: crate::store::Result<crate::store::Head>| {
                match answer {
                    Ok(head) => Some(head.object.etag),
                    Err(StoreError::NoSuchKey) => None,
                    Err(error) => panic!("{store}: {error:?}"),
                }
            };
            let whole = GetRequest::default();
            let shown = read("shown", self.placement.head_object(&path(key), &whole).await);
            let there = read("there", self.there.head_object(&path(key), &whole).await);
            assert_eq!(shown, there, "{:#?}", self.log.lock().unwrap());
        }
    }
}

#[test]
fn see_what_was_acknowledged() {
    for seed in 0..150 {
        let mode = if seed % 3 == 0 { Mode::Upstream } else { Mode::Fallback };
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .start_paused(true)
            .build()
            .unwrap();
        runtime.block_on(async {
            let scene = Scene::new(mode, seed).await;
            scene.note(format!("seed {seed} in {mode:?}"));
            scene.run().await;
        });
    }
}
