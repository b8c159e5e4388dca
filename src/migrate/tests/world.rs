//! Layers, a placement over them, and files, all in memory and all under one fate.

use std::collections::BTreeMap;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use bytes::Bytes;

use crate::background::{Next, Worker as _};
use crate::migrate::{
    Ask, Context, Engine, Filter, Format, Limits, Migrations, Refusal, Shelf, Spec, State, Totals,
    View,
};
use crate::object::{Algorithm, Clock, KeyTemplate, ManualClock, ObjectInfo, TagSet};
use crate::placement::spool::Spool;
use crate::placement::tests::flaky::{Fate, Flaky};
use crate::placement::tests::world::{START, bucket, content, owner, path, place};
use crate::placement::transfer::Direction;
use crate::placement::{Mode, Placement};
use crate::store::conformance::body;
use crate::store::{
    Buckets as _, GetRequest, Home, MemoryStore, NewObject, Objects as _, Store, Tags as _,
};

/// Files in memory. A failing machine loses what had not reached its disk.
#[derive(Default)]
pub(super) struct Drawer {
    files: Mutex<BTreeMap<String, File>>,
    fate: Arc<Fate>,
}

#[derive(Default, Clone)]
struct File {
    bytes: Vec<u8>,
    safe: usize,
}

impl Drawer {
    /// The same files for the next process.
    fn under(&self, fate: Arc<Fate>) -> Self {
        Self { files: Mutex::new(self.files.lock().unwrap().clone()), fate }
    }

    /// The machine fails.
    pub(super) fn lose_power(&self) {
        for file in self.files.lock().unwrap().values_mut() {
            file.bytes.truncate(file.safe);
        }
    }
}

#[async_trait]
impl Shelf for Drawer {
    async fn append(&self, name: &str, bytes: Vec<u8>, durable: bool) -> io::Result<()> {
        self.fate.step().await;
        {
            let mut files = self.files.lock().unwrap();
            let file = files.entry(name.to_owned()).or_default();
            file.bytes.extend(bytes);
            if durable {
                file.safe = file.bytes.len();
            }
        }
        self.fate.step().await;
        Ok(())
    }

    async fn read(&self, name: &str, offset: u64, limit: usize) -> io::Result<Vec<u8>> {
        self.fate.step().await;
        let files = self.files.lock().unwrap();
        let file = files.get(name).ok_or(io::ErrorKind::NotFound)?;
        let offset = usize::try_from(offset).unwrap().min(file.bytes.len());
        let end = offset.saturating_add(limit).min(file.bytes.len());
        Ok(file.bytes[offset..end].to_vec())
    }

    async fn list(&self) -> io::Result<Vec<String>> {
        Ok(self.files.lock().unwrap().keys().cloned().collect())
    }

    async fn cut(&self, name: &str, length: u64) -> io::Result<()> {
        self.fate.step().await;
        let mut files = self.files.lock().unwrap();
        let file = files.get_mut(name).unwrap();
        file.bytes.truncate(usize::try_from(length).unwrap());
        file.safe = file.bytes.len();
        Ok(())
    }

    async fn remove(&self, name: &str) -> io::Result<()> {
        self.fate.step().await;
        self.files.lock().unwrap().remove(name);
        Ok(())
    }
}

/// All of it, and what stands on it in one process.
pub(super) struct World {
    pub(super) home: Arc<MemoryStore>,
    /// Home as it is called.
    pub(super) disk: Arc<Flaky>,
    pub(super) there: Arc<MemoryStore>,
    pub(super) flaky: Arc<Flaky>,
    pub(super) fate: Arc<Fate>,
    pub(super) clock: Arc<ManualClock>,
    pub(super) drawer: Arc<Drawer>,
    pub(super) room: Arc<AtomicU64>,
    pub(super) busy: Arc<AtomicU64>,
    pub(super) placement: Arc<Placement>,
    pub(super) spool: Arc<Spool>,
    pub(super) migrations: Arc<Migrations>,
    pub(super) engine: Engine,
}

/// What clients see of an object.
pub(super) type Seen = (ObjectInfo, TagSet, Bytes);

impl World {
    pub(super) async fn new(mode: Mode) -> Self {
        let clock = Arc::new(ManualClock::new(START));
        let store = || Arc::new(MemoryStore::new(Arc::clone(&clock) as Arc<dyn Clock>));
        let (home, there) = (store(), store());
        for store in [&home, &there] {
            store.create_bucket(&bucket(), &owner()).await.unwrap();
        }
        let fate = Fate::open();
        let flaky = Arc::new(Flaky::new(Arc::clone(&there), Arc::clone(&fate)));
        let drawer = Arc::new(Drawer { fate: Arc::clone(&fate), ..Drawer::default() });
        let (room, busy) = (Arc::new(AtomicU64::new(u64::MAX)), Arc::new(AtomicU64::new(0)));
        let parts = started(mode, (&home, &flaky, &fate), &clock, &drawer, (&room, &busy)).await;
        let (placement, spool, migrations, disk) = parts;
        let engine = migrations.engine();
        Self {
            home,
            disk,
            there,
            flaky,
            fate,
            clock,
            drawer,
            room,
            busy,
            placement,
            spool,
            migrations,
            engine,
        }
    }

    /// The process ends, and the next one has this mode.
    pub(super) async fn restart(&mut self, mode: Mode) {
        // Whatever the old one still has under way goes no further.
        self.fate.end();
        self.fate = Fate::open();
        self.flaky = Arc::new(self.flaky.under(Arc::clone(&self.fate)));
        self.drawer = Arc::new(self.drawer.under(Arc::clone(&self.fate)));
        let layers = (&self.home, &self.flaky, &self.fate);
        let parts =
            started(mode, layers, &self.clock, &self.drawer, (&self.room, &self.busy)).await;
        (self.placement, self.spool, self.migrations, self.disk) = parts;
        self.engine = self.migrations.engine();
        let mut resume = self.spool.resume();
        while resume.step().await != Next::Done {}
    }

    /// Runs the engine until something is done; `None` where the process ended before.
    pub(super) async fn until<T>(&mut self, done: impl Future<Output = T>) -> Option<T> {
        let mut done = std::pin::pin!(done);
        loop {
            tokio::select! {
                biased;
                () = self.fate.crashed() => return None,
                done = &mut done => return Some(done),
                _ = self.engine.step() => {}
            }
        }
    }

    /// The spool is emptied.
    pub(super) async fn forward(&self) {
        let mut forwarders = self.spool.forwarders();
        for _ in 0..1000 {
            if self.spool.snapshot().total.waiting == 0 {
                return;
            }
            forwarders[0].step().await;
        }
        panic!("the spool does not get empty: {:?}", self.spool.snapshot());
    }

    pub(super) async fn put(&self, key: &str, text: &str) {
        let mut new =
            NewObject { tags: TagSet::from_query("a=1").unwrap(), ..NewObject::default() };
        new.metadata.user.add("about", key);
        let body = body(&content(text), Some(Algorithm::Crc32));
        self.placement.put_object(&path(key), new, body).await.unwrap();
    }

    pub(super) async fn seen(&self, key: &str) -> Option<Seen> {
        let got = self.placement.get_object(&path(key), &GetRequest::default()).await.ok()?;
        let mut object = got.head.object;
        object.replication = None;
        let tags = self.placement.object_tags(&path(key), None).await.unwrap();
        Some((object, tags, got.body.collect(usize::MAX).await.unwrap()))
    }

    /// Orders a migration and waits until it is over.
    pub(super) async fn done(&mut self, spec: Spec) -> View {
        let migrations = Arc::clone(&self.migrations);
        let view = self.until(migrations.start(spec, None)).await.unwrap().unwrap();
        self.over(&view.id, State::Done).await
    }

    /// Waits until a migration is in a state.
    pub(super) async fn over(&mut self, id: &str, state: State) -> View {
        self.reached(id, state).await.expect("no crash")
    }

    pub(super) async fn reached(&mut self, id: &str, state: State) -> Option<View> {
        let migrations = Arc::clone(&self.migrations);
        let id = id.to_owned();
        self.until(async move {
            for _ in 0..100_000 {
                let view = migrations.view(&id).unwrap();
                if view.state == state {
                    return view;
                }
                tokio::time::sleep(std::time::Duration::from_millis(10)).await;
            }
            panic!("{:?} is not {state}", migrations.view(&id));
        })
        .await
    }

    pub(super) async fn asked(&mut self, id: &str, ask: Ask) -> Result<View, Refusal> {
        let migrations = Arc::clone(&self.migrations);
        let id = id.to_owned();
        self.until(async move { migrations.ask(&id, ask).await }).await.expect("no crash")
    }

    /// The lines of a report.
    pub(super) async fn report(&self, id: &str) -> Vec<serde_json::Value> {
        let mut report = self.migrations.report(id, Format::Ndjson, None).unwrap();
        let mut text = Vec::new();
        while let Some(piece) = report.next().await.unwrap() {
            text.extend(piece);
        }
        let text = String::from_utf8(text).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

pub(super) fn spec(direction: Direction) -> Spec {
    Spec {
        direction,
        filter: Filter { bucket: Some("bucket".to_owned()), ..Filter::default() },
        keep_source: false,
        read_back: false,
        max_deletions: None,
        exact: false,
        limits: Limits { concurrency: 2, ..Limits::default() },
    }
}

type Started = (Arc<Placement>, Arc<Spool>, Arc<Migrations>, Arc<Flaky>);

async fn started(
    mode: Mode,
    (home, flaky, fate): (&Arc<MemoryStore>, &Arc<Flaky>, &Arc<Fate>),
    clock: &Arc<ManualClock>,
    drawer: &Arc<Drawer>,
    (room, busy): (&Arc<AtomicU64>, &Arc<AtomicU64>),
) -> Started {
    let disk = Arc::new(Flaky::new(Arc::clone(home), Arc::clone(fate)));
    let home = Arc::clone(&disk);
    let there = Arc::clone(flaky) as Arc<dyn Store>;
    let (placement, spool) =
        place(mode, home as Arc<dyn Home>, there, Arc::clone(clock) as Arc<dyn Clock>);
    let (room, busy) = (Arc::clone(room), Arc::clone(busy));
    let context = Context {
        transfers: placement.transfers(),
        shelf: Arc::clone(drawer) as Arc<dyn Shelf>,
        templates: [("*", KeyTemplate::default())].into_iter().collect(),
        clock: Arc::clone(clock) as Arc<dyn Clock>,
        room: Arc::new(move || Some(room.load(Ordering::SeqCst))),
        busy: Arc::new(move || usize::try_from(busy.load(Ordering::SeqCst)).unwrap()),
        totals: Totals::default(),
    };
    let migrations = Migrations::open(context).await.unwrap();
    (placement, spool, migrations, disk)
}
