//! The spool over two stores in memory.

mod bounds;
mod conflicts;
mod crash;
mod forwarding;
mod interleaving;
mod operating;
mod tapped;

use std::time::Duration;

use bytes::Bytes;
use tapped::{Side, Tap, Tapped};

use super::*;
use crate::background::{Next, Worker as _};
use crate::body::{Expected, Payload, digesting};
use crate::object::{BucketName, ManualClock, ObjectInfo, ObjectKey, Owner, Timestamp};
use crate::placement::location::{Remote, Task, Todo, Truth};
use crate::placement::route::{Mode, Route, Upstream};
use crate::store::{
    Buckets as _, DeleteRequest, GetRequest, Ledger as _, MemoryStore, NewObject, Objects as _,
    Result, Store, StoreError,
};

const START: Timestamp = Timestamp(1_700_000_000_250);

/// Two layers, and the spool between them as the process of the moment has it.
struct World {
    clock: Arc<ManualClock>,
    home: Arc<MemoryStore>,
    upstream: Arc<MemoryStore>,
    tap: Arc<Tap>,
    routes: Arc<Routes>,
    options: SpoolOptions,
    keys: KeyLocks,
    spool: Arc<Spool>,
}

/// A client's object: its content, and a number that no two writes have in common.
type Written = Option<(Bytes, u64)>;

fn bucket() -> BucketName {
    BucketName::parse("media").unwrap()
}

fn path(key: &str) -> ObjectPath {
    ObjectPath { bucket: bucket(), key: ObjectKey::parse(key).unwrap() }
}

fn numbered(number: u64) -> NewObject {
    let mut new = NewObject::default();
    new.metadata.user.add("number", &number.to_string());
    new
}

fn number_of(object: &ObjectInfo) -> u64 {
    object.metadata.user.0["number"].parse().unwrap()
}

fn body(content: &Bytes) -> Payload {
    digesting(Payload::from_bytes(content.clone()), Expected::default())
}

impl World {
    async fn new() -> Self {
        Self::with(Mode::Fallback, SpoolOptions::default(), 1).await
    }

    async fn with(mode: Mode, options: SpoolOptions, seed: u64) -> Self {
        Self::through(mode, options, seed, |store| store).await
    }

    /// A world whose upstream is behind something else.
    async fn through(
        mode: Mode,
        options: SpoolOptions,
        seed: u64,
        wrap: impl FnOnce(Arc<dyn Store>) -> Arc<dyn Store>,
    ) -> Self {
        let clock = Arc::new(ManualClock::new(START));
        let home = Arc::new(MemoryStore::new(clock.clone()));
        let upstream = Arc::new(MemoryStore::new(clock.clone()));
        let owner = Owner { id: "alice".to_owned(), display_name: "Alice".to_owned() };
        home.create_bucket(&bucket(), &owner).await.unwrap();
        upstream.create_bucket(&bucket(), &owner).await.unwrap();
        let tap = Tap::seeded(seed);
        let store = Tapped { inner: upstream.clone(), side: Side::Upstream, tap: tap.clone() };
        let routes = routes(mode, wrap(Arc::new(store)));
        let (keys, spool) = process(&home, &tap, &routes, &options, &clock);
        Self { clock, home, upstream, tap, routes, options, keys, spool }
    }

    /// Ends the process as a crash does, and starts another on what there is.
    fn restart(&mut self) {
        self.tap.revive();
        (self.keys, self.spool) =
            process(&self.home, &self.tap, &self.routes, &self.options, &self.clock);
    }

    /// Looks through the backlog.
    async fn resume(&self) {
        let mut resume = self.spool.resume();
        while resume.step().await == Next::Now {}
    }

    /// The local layer as the gateway has it.
    fn tapped_home(&self) -> Tapped {
        Tapped { inner: self.home.clone(), side: Side::Home, tap: self.tap.clone() }
    }

    async fn record(&self, at: &ObjectPath) -> Option<Location> {
        let entry = self.home.entry(at).await.unwrap();
        entry.map(|bytes| Location::decode(&bytes).unwrap())
    }

    /// A spooled write, in the order that a placement keeps.
    async fn put(&self, at: &ObjectPath, content: &Bytes, new: NewObject) -> Result<()> {
        let home = self.tapped_home();
        let _key = self.keys.lock(at).await;
        let before = home.entry(at).await?.map(|bytes| Location::decode(&bytes).unwrap());
        let record = self.following(before.as_ref(), Truth::Local, Task::Put);
        if before.is_none() {
            home.set_entry(at, Some(record.encode()?)).await?;
            home.put_object(at, new, body(content)).await?;
        } else {
            home.put_object(at, new, body(content)).await?;
            home.set_entry(at, Some(record.encode()?)).await?;
        }
        self.spool.noted(at, &record, content.len() as u64);
        Ok(())
    }

    /// A spooled delete.
    async fn delete(&self, at: &ObjectPath) -> Result<()> {
        let home = self.tapped_home();
        let _key = self.keys.lock(at).await;
        let before = home.entry(at).await?.map(|bytes| Location::decode(&bytes).unwrap());
        let record = self.following(before.as_ref(), Truth::Gone, Task::Delete);
        home.set_entry(at, Some(record.encode()?)).await?;
        home.delete_object(at, &DeleteRequest::default()).await?;
        self.spool.noted(at, &record, 0);
        Ok(())
    }

    fn following(&self, before: Option<&Location>, truth: Truth, task: Task) -> Location {
        let now = self.clock.now();
        let todo = Todo::after(before.and_then(|before| before.todo.as_ref()), task, now);
        let remote = before.and_then(|before| before.remote.clone());
        Location { truth, todo: Some(todo), remote, updated_at: now, kept: false }
    }

    /// An object that the gateway has put upstream, with its record.
    async fn settled(&self, at: &ObjectPath, content: &Bytes, number: u64) -> Remote {
        let stored = self.upstream.put_object(at, numbered(number), body(content)).await.unwrap();
        let remote = Remote {
            bucket: "there".to_owned(),
            key: format!("media/{}", at.key),
            etag: stored.object.etag.clone(),
            upstream_etag: stored.object.etag,
            size: stored.object.size,
            last_modified: stored.object.last_modified,
            asked: false,
        };
        let record = Location {
            truth: Truth::Remote,
            todo: None,
            remote: Some(remote.clone()),
            updated_at: self.clock.now(),
            kept: false,
        };
        self.home.set_entry(at, Some(record.encode().unwrap())).await.unwrap();
        remote
    }

    /// Forwards until nothing waits any more, or for `limit` steps.
    async fn drain(&self, limit: usize) {
        let mut forwarders = self.spool.forwarders();
        let forwarder = forwarders.first_mut().unwrap();
        for _ in 0..limit {
            if self.spool.snapshot().total.waiting == 0 {
                return;
            }
            forwarder.step().await;
        }
    }

    /// What a client reads.
    async fn view(&self, at: &ObjectPath) -> Written {
        match self.record(at).await.map(|record| record.truth) {
            None | Some(Truth::Local) => match read(&self.home, at).await {
                None => read(&self.upstream, at).await,
                found => found,
            },
            Some(Truth::Remote) => read(&self.upstream, at).await,
            Some(Truth::Gone) => None,
        }
    }

    /// Everything is upstream as clients see it, and nothing is left here.
    async fn assert_forwarded(&self, at: &ObjectPath, expected: &Written) {
        assert_eq!(read(&self.upstream, at).await, *expected, "{}", at.key);
        assert_eq!(read(&self.home, at).await, None, "{} is left behind", at.key);
        let record = self.record(at).await;
        let Some(record) = record else {
            assert!(expected.is_none(), "{} has no record", at.key);
            return;
        };
        assert_eq!((record.truth, record.todo), (Truth::Remote, None), "{}", at.key);
        let shown = self.upstream.head_object(at, &GetRequest::default()).await.unwrap().object;
        let remote = record.remote.unwrap();
        assert_eq!(remote.upstream_etag, shown.etag);
        assert_eq!(remote.size, shown.size);
    }
}

/// What a process has in memory.
fn process(
    home: &Arc<MemoryStore>,
    tap: &Arc<Tap>,
    routes: &Arc<Routes>,
    options: &SpoolOptions,
    clock: &Arc<ManualClock>,
) -> (KeyLocks, Arc<Spool>) {
    let keys = KeyLocks::default();
    let home = Tapped { inner: home.clone(), side: Side::Home, tap: tap.clone() };
    let (routes, clock) = (routes.clone(), clock.clone());
    let spool = Spool::new(Arc::new(home), routes, keys.clone(), options.clone(), clock);
    (keys, spool)
}

fn routes(mode: Mode, store: Arc<dyn Store>) -> Arc<Routes> {
    let target = Arc::new(|_: &BucketName| ("there".to_owned(), "media/".to_owned()));
    let upstream = Upstream { name: "main".into(), store, target };
    let default = Route { mode, upstream: Some(upstream), configured: true };
    Arc::new(Routes { named: std::collections::HashMap::new(), default })
}

async fn read(store: &MemoryStore, at: &ObjectPath) -> Written {
    match store.get_object(at, &GetRequest::default()).await {
        Ok(got) => {
            let content = got.body.collect(64 << 20).await.unwrap();
            Some((content, number_of(&got.head.object)))
        }
        Err(StoreError::NoSuchKey) => None,
        Err(error) => panic!("{error}"),
    }
}
