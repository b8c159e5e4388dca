//! Fallback with an upstream that works, and a disk that fails or is full.

use std::sync::Arc;

use super::flaky::{Fate, Flaky};
use super::world::{START, bucket, content, new_upload, owner, path, place, text};
use crate::background::Worker as _;
use crate::object::{Algorithm, Clock, KeyFault, ListQuery, ManualClock, PartNumber};
use crate::placement::location::Truth;
use crate::placement::spool::Spool;
use crate::placement::{Location, Mode, Placement};
use crate::store::conformance::body;
use crate::store::{
    Buckets as _, DeleteRequest, GetRequest, Ledger as _, MemoryStore, Multipart as _, NewObject,
    Objects as _, Result, StoreError, Stored, UploadPath,
};

struct World {
    home: Arc<MemoryStore>,
    there: Arc<MemoryStore>,
    disk: Arc<Flaky>,
    net: Arc<Flaky>,
    placement: Arc<Placement>,
    spool: Arc<Spool>,
}

fn io() -> StoreError {
    let source = std::io::Error::other("on purpose");
    StoreError::Io { doing: "write".to_owned(), source }
}

fn full() -> StoreError {
    StoreError::StorageFull
}

impl World {
    async fn new() -> Self {
        let clock: Arc<dyn Clock> = Arc::new(ManualClock::new(START));
        let store = || Arc::new(MemoryStore::new(Arc::clone(&clock)));
        let (home, there) = (store(), store());
        for store in [&home, &there] {
            store.create_bucket(&bucket(), &owner()).await.unwrap();
        }
        let fate = Fate::open();
        let (disk, net) = (Flaky::new(home.clone(), fate.clone()), Flaky::new(there.clone(), fate));
        let (disk, net) = (Arc::new(disk), Arc::new(net));
        let (placement, spool) = place(Mode::Fallback, disk.clone(), net.clone(), clock);
        Self { home, there, disk, net, placement, spool }
    }

    /// These calls of the disk fail from now on.
    fn fail(&self, calls: &'static [&'static str], error: fn() -> StoreError) {
        self.disk.break_down(move |call| calls.contains(&call).then(error));
    }

    /// This call of the disk fails once, after it has gone well so many times.
    fn fail_after(&self, good: usize, failing: &'static str) {
        let mut left = good;
        self.disk.break_down(move |call| {
            if call != failing || left == usize::MAX {
                return None;
            }
            let fails = left == 0;
            left = left.wrapping_sub(1);
            fails.then(io)
        });
    }

    async fn put(&self, key: &str, text: &str) -> Result<Stored> {
        let body = body(&content(text), None);
        self.placement.put_object(&path(key), NewObject::default(), body).await
    }

    async fn delete(&self, key: &str) -> Result<()> {
        self.placement.delete_object(&path(key), &DeleteRequest::default()).await.map(|_| ())
    }

    async fn read(&self, key: &str) -> Option<String> {
        match self.placement.get_object(&path(key), &GetRequest::default()).await {
            Ok(got) => {
                let content = got.body.collect(usize::MAX).await.unwrap();
                Some(String::from_utf8(content.to_vec()).unwrap())
            }
            Err(StoreError::NoSuchKey) => None,
            Err(error) => panic!("{error}"),
        }
    }

    async fn listed(&self, delimiter: Option<&str>) -> Vec<String> {
        let delimiter = delimiter.map(str::to_owned);
        let query = ListQuery { limit: 100, delimiter, ..ListQuery::default() };
        let page = self.placement.list_objects(&bucket(), &query).await.unwrap();
        page.entries.iter().map(|entry| text(entry).to_owned()).collect()
    }

    async fn record(&self, key: &str) -> Option<Location> {
        let entry = self.home.entry(&path(key)).await.unwrap();
        entry.map(|entry| Location::decode(&entry).unwrap())
    }

    async fn is_at_home(&self, key: &str) -> bool {
        self.home.head_object(&path(key), &GetRequest::default()).await.is_ok()
    }

    async fn forward(&self) {
        let mut forwarders = self.spool.forwarders();
        for _ in 0..50 {
            if self.spool.snapshot().total.waiting == 0 {
                return;
            }
            forwarders[0].step().await;
        }
        panic!("the spool does not get empty: {:?}", self.spool.snapshot());
    }

    /// Nothing waits, and the upstream alone has what clients see.
    async fn assert_settled(&self, key: &str, expected: Option<&str>) {
        assert_eq!(self.read(key).await.as_deref(), expected);
        let record = self.record(key).await;
        let truth = record.as_ref().map(|record| (record.truth, record.todo.clone()));
        assert_eq!(truth, expected.map(|_| (Truth::Remote, None)), "{record:?}");
        assert!(!self.is_at_home(key).await);
        let there = self.there.head_object(&path(key), &GetRequest::default()).await;
        assert_eq!(there.is_ok(), expected.is_some());
    }
}

#[tokio::test(start_paused = true)]
async fn the_upstream_alone_is_enough_for_a_write() {
    for error in [io, full] {
        let world = World::new().await;
        world.fail(&["put_object"], error);
        for text in ["one", "another"] {
            world.put("a", text).await.unwrap();
            world.assert_settled("a", Some(text)).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn where_both_fail_the_write_is_refused_and_changes_nothing() {
    for error in [io, full] {
        let world = World::new().await;
        world.put("a", "old").await.unwrap();
        world.fail(&["put_object"], error);
        for (away, deaf) in [(true, false), (false, true)] {
            world.net.set_away(away);
            world.net.set_deaf(deaf);
            for key in ["a", "b"] {
                let refused = world.put(key, "old").await.unwrap_err();
                let told = match refused {
                    StoreError::Io { .. } | StoreError::Unavailable { .. } => true,
                    StoreError::Busy { retry_after, .. } => !retry_after.is_zero(),
                    _ => false,
                };
                assert!(told, "{refused:?}");
            }
        }
        world.net.set_deaf(false);
        world.forward().await;
        world.assert_settled("a", Some("old")).await;
        // The answer was lost, so that it may be there or not; what is there is told.
        assert_eq!(
            world.listed(None).await.contains(&"b".to_owned()),
            world.read("b").await.is_some()
        );
    }
}

async fn begun(world: &World) -> UploadPath {
    let id = world.placement.create_upload(&path("upload"), new_upload()).await.unwrap();
    UploadPath { object: path("upload"), id }
}

/// A full disk is a full spool: the client is told to come again.
#[tokio::test(start_paused = true)]
async fn a_full_disk_is_a_full_spool() {
    let world = World::new().await;
    world.fail(&["put_object"], full);
    world.net.set_away(true);
    let refused = world.put("a", "content").await.unwrap_err();
    assert!(matches!(refused, StoreError::Busy { .. }), "{refused:?}");
    world.disk.mend();
    world.put("a", "content").await.unwrap();
    world.fail(&["put_object"], full);
    // The same of parts, which are on their way upstream as well.
    let upload = begun(&world).await;
    world.fail(&["put_part"], full);
    let number = PartNumber::new(1).unwrap();
    let piece = body(&content("piece"), Some(Algorithm::Crc64Nvme));
    let refused = world.placement.put_part(&upload, number, piece, None).await.unwrap_err();
    assert!(matches!(refused, StoreError::Busy { .. }), "{refused:?}");
    world.fail(&["put_object"], full);
    // What waits already is spooled without asking the upstream.
    let refused = world.put("a", "more").await.unwrap_err();
    assert!(matches!(refused, StoreError::Busy { .. }), "{refused:?}");
    assert_eq!(world.read("a").await.as_deref(), Some("content"));
}

/// Without its record nothing is overwritten upstream.
#[tokio::test(start_paused = true)]
async fn a_record_that_cannot_be_made_refuses_the_write() {
    let world = World::new().await;
    world.put("a", "old").await.unwrap();
    world.fail(&["set_entry"], io);
    world.put("a", "new").await.unwrap_err();
    assert_eq!(world.read("a").await.as_deref(), Some("old"));
    world.put("b", "new").await.unwrap_err();
    world.disk.mend();
    world.assert_settled("a", Some("old")).await;
    world.put("b", "again").await.unwrap();
    world.assert_settled("b", Some("again")).await;
}

/// The upstream has it, but that could not be recorded: refused, and found out later.
#[tokio::test(start_paused = true)]
async fn a_write_that_could_not_be_recorded_is_found_out() {
    let world = World::new().await;
    world.put("a", "old").await.unwrap();
    world.fail_after(1, "set_entry");
    world.put("a", "new").await.unwrap_err();
    world.disk.mend();
    assert_eq!(world.spool.snapshot().total.waiting, 1);
    world.forward().await;
    world.assert_settled("a", Some("new")).await;
}

/// The same where the upstream's answer was lost and home could not take it either, or the
/// upstream turned it down.
#[tokio::test(start_paused = true)]
async fn an_announced_write_of_unknown_outcome_is_found_out() {
    for failing in ["put_object", "set_entry"] {
        let world = World::new().await;
        world.put("a", "old").await.unwrap();
        world.net.set_deaf(true);
        match failing {
            "put_object" => world.fail(&["put_object"], io),
            _ => world.fail_after(1, failing),
        }
        world.put("a", "new").await.unwrap_err();
        world.disk.mend();
        world.net.set_deaf(false);
        assert_eq!(world.spool.snapshot().total.waiting, 1, "{failing}");
        world.forward().await;
        world.assert_settled("a", Some("new")).await;
    }
}

/// The same where the upstream shows the object to listings alone, because a customer's key
/// encrypts it.
#[tokio::test(start_paused = true)]
async fn an_announced_write_is_found_out_without_the_customers_key() {
    let world = World::new().await;
    world.put("a", "old").await.unwrap();
    world.net.set_deaf(true);
    world.fail(&["put_object"], io);
    world.put("a", "new").await.unwrap_err();
    world.disk.mend();
    world.net.set_deaf(false);
    world.net.break_down(|call| {
        (call == "head_object").then_some(StoreError::CustomerKey(KeyFault::Missing))
    });
    assert_eq!(world.spool.snapshot().total.waiting, 1);
    world.forward().await;
    world.net.mend();
    world.assert_settled("a", Some("new")).await;
}

/// What is stored upstream is stored, whatever becomes of the copy that it replaces.
#[tokio::test(start_paused = true)]
async fn a_left_over_that_stays_does_not_fail_the_write() {
    let world = World::new().await;
    let old = body(&content("left over"), None);
    world.home.put_object(&path("a"), NewObject::default(), old).await.unwrap();
    world.fail(&["delete_object"], io);
    world.put("a", "new").await.unwrap();
    assert_eq!(world.read("a").await.as_deref(), Some("new"));
    assert_eq!(world.listed(None).await, ["a"]);
    world.disk.mend();
    world.put("a", "newer").await.unwrap();
    world.assert_settled("a", Some("newer")).await;
}

#[tokio::test(start_paused = true)]
async fn a_delete_is_one_as_soon_as_it_is_recorded() {
    let world = World::new().await;
    world.net.set_away(true);
    world.put("a", "content").await.unwrap();
    world.fail(&["delete_object"], io);
    world.delete("a").await.unwrap();
    assert_eq!(world.read("a").await, None);
    world.disk.mend();
    world.net.set_away(false);
    assert!(world.listed(None).await.is_empty());
    world.forward().await;
    world.assert_settled("a", None).await;
}

/// A delete that was refused hides nothing.
#[tokio::test(start_paused = true)]
async fn a_delete_that_cannot_be_recorded_is_none() {
    let world = World::new().await;
    let stored = body(&content("content"), None);
    world.there.put_object(&path("d/a"), NewObject::default(), stored).await.unwrap();
    assert_eq!(world.listed(Some("/")).await, ["d/"]);
    world.net.set_away(true);
    world.put("other", "makes a record").await.unwrap();
    world.fail(&["set_entry"], io);
    world.delete("d/a").await.unwrap_err();
    world.disk.mend();
    world.net.set_away(false);
    world.forward().await;
    assert_eq!(world.read("d/a").await.as_deref(), Some("content"));
    assert_eq!(world.listed(None).await, ["d/a", "other"]);
    assert_eq!(world.listed(Some("/")).await, ["d/", "other"]);
}
