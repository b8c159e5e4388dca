//! A home and an upstream in memory, the upstream behind faults.

use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;

use crate::background::Worker as _;
use crate::body::Payload;
use crate::object::{
    Algorithm, BucketName, ChecksumChoice, ChecksumKind, Clock, ETag, ListEntry, ListPage,
    ListQuery, ManualClock, ObjectKey, ObjectMetadata, Owner, TagSet, Timestamp, WriteCondition,
};
use crate::placement::locks::KeyLocks;
use crate::placement::spool::{Spool, SpoolOptions};
use crate::placement::{Location, Mode, Placement, Route, Routes, Upstream};
use crate::store::conformance::body;
use crate::store::{
    Buckets as _, Call, DeleteRequest, Deleted, FaultStore, GetRequest, Got, Home, NewObject,
    NewUpload, ObjectPath, Objects as _, Result, Store, StoreError, Stored,
};
use crate::store::{Ledger as _, MemoryStore};

/// When the clock stands at first.
pub(crate) const START: Timestamp = Timestamp(1_700_000_000_250);

/// Both layers, and a placement over them that can be made anew in another mode.
pub(crate) struct World {
    pub(crate) home: Arc<MemoryStore>,
    pub(crate) there: Arc<MemoryStore>,
    pub(crate) faults: Arc<FaultStore>,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) placement: Arc<Placement>,
    pub(crate) spool: Arc<Spool>,
}

/// Which calls an upstream that is away fails: all of them.
fn away() -> StoreError {
    StoreError::Unavailable { what: "away".to_owned() }
}

impl World {
    /// Empty layers; the bucket `bucket` exists in both.
    pub(crate) async fn new(mode: Mode) -> Self {
        let world = Self::bare(mode);
        world.home.create_bucket(&bucket(), &owner()).await.unwrap();
        world.there.create_bucket(&bucket(), &owner()).await.unwrap();
        world
    }

    /// Empty layers without buckets.
    pub(crate) fn bare(mode: Mode) -> Self {
        let clock = Arc::new(ManualClock::new(START));
        let store = || Arc::new(MemoryStore::new(Arc::clone(&clock) as Arc<dyn Clock>));
        let (home, there) = (store(), store());
        let faults = Arc::new(FaultStore::new(Arc::clone(&there) as Arc<dyn Store>));
        let (placement, spool) = placed(mode, &home, &faults, &clock);
        Self { home, there, faults, clock, placement, spool }
    }

    /// The process ends, and the next one has this mode. What the spool has to do is found again.
    pub(crate) async fn restart(&mut self, mode: Mode) {
        let (placement, spool) = placed(mode, &self.home, &self.faults, &self.clock);
        (self.placement, self.spool) = (placement, spool);
        let mut resume = self.spool.resume();
        for _ in 0..20 {
            resume.step().await;
        }
    }

    /// The upstream fails every call from now on.
    pub(crate) fn go_away(&self) {
        for call in Call::ALL {
            self.faults.fail_always(*call, away);
        }
    }

    /// It is back.
    pub(crate) fn come_back(&self) {
        self.faults.heal();
    }

    /// Forwards everything that can be.
    pub(crate) async fn forward(&self) {
        let mut forwarders = self.spool.forwarders();
        let forwarder = &mut forwarders[0];
        for _ in 0..1000 {
            let total = self.spool.snapshot().total;
            if total.waiting == 0 {
                return;
            }
            forwarder.step().await;
        }
        panic!("the spool does not get empty: {:?}", self.spool.snapshot());
    }

    pub(crate) async fn put(&self, key: &str, content: &Bytes) -> Result<Stored> {
        self.put_if(key, content, None).await
    }

    pub(crate) async fn put_if(
        &self,
        key: &str,
        content: &Bytes,
        condition: Option<WriteCondition>,
    ) -> Result<Stored> {
        let new = NewObject { condition, ..NewObject::default() };
        self.placement.put_object(&path(key), new, body(content, None)).await
    }

    /// Puts into one layer, behind the placement's back.
    pub(crate) async fn plant(store: &MemoryStore, key: &str, content: &Bytes) -> ETag {
        let stored = store.put_object(&path(key), NewObject::default(), body(content, None)).await;
        stored.unwrap().object.etag
    }

    pub(crate) async fn got(&self, key: &str) -> Result<Got> {
        self.placement.get_object(&path(key), &GetRequest::default()).await
    }

    pub(crate) async fn read(&self, key: &str) -> Result<Bytes> {
        Ok(self.got(key).await?.body.collect(usize::MAX).await?)
    }

    pub(crate) async fn delete(&self, key: &str) -> Result<Deleted> {
        self.placement.delete_object(&path(key), &DeleteRequest::default()).await
    }

    pub(crate) async fn list(&self, query: &ListQuery) -> Result<ListPage> {
        self.placement.list_objects(&bucket(), query).await
    }

    /// The keys and common prefixes of the whole bucket.
    pub(crate) async fn listed(&self) -> Result<Vec<String>> {
        let query = ListQuery { limit: 1000, ..ListQuery::default() };
        let page = self.list(&query).await?;
        Ok(page.entries.iter().map(|entry| text(entry).to_owned()).collect())
    }

    pub(crate) async fn record(&self, key: &str) -> Option<Location> {
        let entry = self.home.entry(&path(key)).await.unwrap();
        entry.map(|entry| Location::decode(&entry).unwrap())
    }

    /// Puts a record there as a crash may leave it.
    pub(crate) async fn set_record(&self, key: &str, record: &Location) {
        let entry = Some(record.encode().unwrap());
        self.home.set_entry(&path(key), entry).await.unwrap();
    }
}

fn placed(
    mode: Mode,
    home: &Arc<MemoryStore>,
    faults: &Arc<FaultStore>,
    clock: &Arc<ManualClock>,
) -> (Arc<Placement>, Arc<Spool>) {
    let home = Arc::clone(home) as Arc<dyn Home>;
    let there = Arc::clone(faults) as Arc<dyn Store>;
    place(mode, home, there, Arc::clone(clock) as Arc<dyn Clock>)
}

/// All buckets in this mode over these layers.
pub(crate) fn place(
    mode: Mode,
    home: Arc<dyn Home>,
    there: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
) -> (Arc<Placement>, Arc<Spool>) {
    place_with(SpoolOptions::default(), mode, home, there, clock)
}

/// The same with a spool of these bounds.
pub(crate) fn place_with(
    options: SpoolOptions,
    mode: Mode,
    home: Arc<dyn Home>,
    there: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
) -> (Arc<Placement>, Arc<Spool>) {
    // Only the worlds' own bucket lies below a prefix.
    let target = |name: &BucketName| {
        let prefix = if *name == bucket() { "prefix/" } else { "" };
        (format!("real-{name}"), prefix.to_owned())
    };
    let upstream = Upstream { name: "main".into(), store: there, target: Arc::new(target) };
    let default = Route { mode, upstream: Some(upstream), configured: false };
    let routes = Arc::new(Routes { named: HashMap::new(), default });
    let spool = Spool::new(
        Arc::clone(&home),
        Arc::clone(&routes),
        KeyLocks::default(),
        options,
        Arc::clone(&clock),
    );
    (Arc::new(Placement::new(home, routes, Arc::clone(&spool), clock)), spool)
}

pub(crate) fn text(entry: &ListEntry) -> &str {
    match entry {
        ListEntry::Object { key, .. } => key.as_str(),
        ListEntry::CommonPrefix(prefix) => prefix,
    }
}

pub(crate) fn bucket() -> BucketName {
    BucketName::parse("bucket").unwrap()
}

pub(crate) fn owner() -> Owner {
    Owner { id: "alice".to_owned(), display_name: "Alice".to_owned() }
}

pub(crate) fn key(text: &str) -> ObjectKey {
    ObjectKey::parse(text).unwrap()
}

pub(crate) fn path(text: &str) -> ObjectPath {
    ObjectPath { bucket: bucket(), key: key(text) }
}

pub(crate) fn content(text: &str) -> Bytes {
    Bytes::copy_from_slice(text.as_bytes())
}

/// An upload with nothing special about it.
pub(crate) fn new_upload() -> NewUpload {
    let checksum = ChecksumChoice {
        algorithm: Algorithm::Crc64Nvme,
        kind: ChecksumKind::FullObject,
        explicit: false,
    };
    let (metadata, tags) = (ObjectMetadata::default(), TagSet::default());
    NewUpload { metadata, tags, checksum, initiator: owner(), encryption: None, acl: None }
}

/// A body that fails at its end.
pub(crate) fn failing(content: &Bytes) -> Payload {
    crate::store::conformance::failing(content, crate::body::BodyError::Md5)
}
