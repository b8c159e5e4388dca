//! Clients that go away in the middle of a call, while the process goes on.

use std::sync::Arc;

use super::flaky::{Fate, Flaky};
use super::world::{START, bucket, content, owner, path, place};
use crate::background::Worker as _;
use crate::object::{Clock, ManualClock, TagSet};
use crate::placement::spool::Spool;
use crate::placement::{Location, Mode, Placement};
use crate::store::conformance::body;
use crate::store::{
    Buckets as _, DeleteRequest, GetRequest, Ledger as _, MemoryStore, NewObject, Objects as _,
    Result, StoreError, Tags as _,
};

const KEY: &str = "a";

/// What the client asks for when it goes away.
#[derive(Debug, Clone, Copy)]
enum Call {
    Put,
    Delete,
    Tag,
    Retry,
}

/// How the upstream is meanwhile.
#[derive(Debug, Clone, Copy)]
enum There {
    Well,
    Away,
    Deaf,
}

struct Scene {
    home: Arc<MemoryStore>,
    there: Arc<MemoryStore>,
    flaky: Arc<Flaky>,
    placement: Arc<Placement>,
    spool: Arc<Spool>,
}

impl Scene {
    async fn new(mode: Mode) -> Self {
        let clock: Arc<dyn Clock> = Arc::new(ManualClock::new(START));
        let store = || Arc::new(MemoryStore::new(Arc::clone(&clock)));
        let (home, there) = (store(), store());
        for store in [&home, &there] {
            store.create_bucket(&bucket(), &owner()).await.unwrap();
        }
        let fate = Fate::open();
        let flaky =
            |store: &Arc<MemoryStore>| Arc::new(Flaky::new(Arc::clone(store), Arc::clone(&fate)));
        let (slow_home, flaky) = (flaky(&home), flaky(&there));
        let (placement, spool) = place(mode, slow_home, Arc::clone(&flaky) as _, clock);
        Self { home, there, flaky, placement, spool }
    }

    fn set(&self, there: There) {
        self.flaky.set_away(matches!(there, There::Away));
        self.flaky.set_deaf(matches!(there, There::Deaf));
    }

    async fn put(&self, text: &str) -> Result<()> {
        let body = body(&content(text), None);
        self.placement.put_object(&path(KEY), NewObject::default(), body).await.map(|_| ())
    }

    async fn call(&self, call: Call) -> Result<()> {
        let at = path(KEY);
        match call {
            Call::Put => self.put("new").await,
            Call::Delete => {
                self.placement.delete_object(&at, &DeleteRequest::default()).await.map(|_| ())
            }
            Call::Tag => {
                let tags = TagSet::for_object([("k".to_owned(), "v".to_owned())]).unwrap();
                self.placement.set_object_tags(&at, None, tags).await
            }
            Call::Retry => self.spool.retry(&at).await.map(|_| ()),
        }
    }

    /// Makes the call, and goes away after so many turns; whether the call was still under way.
    async fn left_after(&self, turns: usize, call: Call) -> bool {
        let gone = async {
            for _ in 0..turns {
                tokio::task::yield_now().await;
            }
        };
        let left = tokio::select! {
            biased;
            _ = self.call(call) => false,
            () = gone => true,
        };
        // What goes on without the client comes to its end.
        for _ in 0..200 {
            tokio::task::yield_now().await;
        }
        left
    }

    async fn forward(&self) {
        let mut forwarders = self.spool.forwarders();
        for _ in 0..50 {
            if self.spool.snapshot().total.waiting == 0 {
                return;
            }
            forwarders[0].step().await;
        }
    }

    async fn record(&self) -> Option<Location> {
        let entry = self.home.entry(&path(KEY)).await.unwrap();
        entry.map(|entry| Location::decode(&entry).unwrap())
    }
}

async fn read(store: &dyn crate::store::Store) -> Option<bytes::Bytes> {
    match store.get_object(&path(KEY), &GetRequest::default()).await {
        Ok(got) => Some(got.body.collect(usize::MAX).await.unwrap()),
        Err(StoreError::NoSuchKey) => None,
        Err(error) => panic!("{error}"),
    }
}

/// Whatever a client that went away has begun, the spool knows of all that waits, without a
/// restart, and forwards it.
#[tokio::test(start_paused = true)]
async fn nothing_waits_that_the_spool_does_not_know() {
    let mut left = 0;
    for call in [Call::Put, Call::Delete, Call::Tag] {
        for (before, during) in [
            (None, There::Well),
            (None, There::Away),
            (None, There::Deaf),
            (Some(There::Well), There::Well),
            (Some(There::Well), There::Away),
            (Some(There::Well), There::Deaf),
            (Some(There::Away), There::Away),
        ] {
            for turns in 0.. {
                let scene = Scene::new(Mode::Fallback).await;
                if let Some(there) = before {
                    scene.set(there);
                    scene.put("old").await.unwrap();
                }
                scene.set(during);
                let under_way = scene.left_after(turns, call).await;
                scene.set(There::Well);
                let seen = read(&*scene.placement).await;
                scene.forward().await;
                let what = format!("{call:?} {before:?} {during:?} left after {turns} turns");
                let record = scene.record().await;
                let waits = record.as_ref().and_then(|record| record.todo.clone());
                assert_eq!(waits, None, "{what}: {record:?}");
                assert_eq!(scene.spool.snapshot().total.dead, 0, "{what}");
                assert_eq!(read(&*scene.placement).await, seen, "{what}");
                assert_eq!(read(&*scene.there).await, seen, "{what}");
                assert_eq!(read(&*scene.home).await, None, "{what}");
                if !under_way {
                    break;
                }
                left += 1;
            }
        }
    }
    assert!(left > 100, "only {left}");
}

/// A dead letter whose retry was given up is still one, or is tried again.
#[tokio::test(start_paused = true)]
async fn a_retry_that_is_given_up_can_be_repeated() {
    for turns in 0.. {
        let scene = Scene::new(Mode::Fallback).await;
        scene.put("old").await.unwrap();
        scene.set(There::Away);
        scene.put("new").await.unwrap();
        let foreign = body(&content("foreign"), None);
        scene.there.put_object(&path(KEY), NewObject::default(), foreign).await.unwrap();
        scene.set(There::Well);
        scene.forward().await;
        assert_eq!(scene.spool.snapshot().total.dead, 1);
        scene.there.delete_object(&path(KEY), &DeleteRequest::default()).await.unwrap();

        let under_way = scene.left_after(turns, Call::Retry).await;
        scene.spool.retry_dead().await.unwrap();
        scene.forward().await;
        assert_eq!(scene.record().await.and_then(|record| record.todo), None, "{turns} turns");
        assert_eq!(read(&*scene.there).await, Some("new".into()), "{turns} turns");
        if !under_way {
            assert!(turns > 2, "it was never given up");
            break;
        }
    }
}
