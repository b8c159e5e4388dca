//! The ledger on a machine that stops: what ends with a bucket, and what it costs.

use super::harness::{Machine, at, bucket, owner};
use crate::object::{BucketName, ObjectKey};
use crate::store::conformance::content;
use crate::store::local::LocalStore;
use crate::store::local::index::Hostile;
use crate::store::{Buckets, Ledger, LedgerQuery, ObjectPath, StoreError};

fn other() -> BucketName {
    BucketName::parse("other").unwrap()
}

fn numbered(number: u64) -> ObjectPath {
    ObjectPath { bucket: other(), key: ObjectKey::parse(&format!("key {number:05}")).unwrap() }
}

/// Makes the bucket with that many records in it; says whether all went well.
async fn fill(store: &LocalStore, records: u64) -> bool {
    if store.create_bucket(&other(), &owner()).await.is_err() {
        return false;
    }
    let paths: Vec<ObjectPath> = (0..records).map(numbered).collect();
    let writes = paths.iter().map(|path| store.set_entry(path, Some(content(records, 60))));
    futures_util::future::join_all(writes).await.iter().all(Result::is_ok)
}

async fn count(store: &LocalStore) -> usize {
    let query = LedgerQuery { limit: 100_000, ..LedgerQuery::default() };
    store.entries(&other(), &query).await.unwrap().entries.len()
}

/// Waits until nothing is left of ledgers whose buckets are gone.
async fn cleared(store: &LocalStore, there: usize) {
    while store.core.catalog().unwrap().ledgers().unwrap().len() > there {
        tokio::task::yield_now().await;
    }
}

/// What lives in the log, all segments together.
fn living(store: &LocalStore) -> u64 {
    store.core.progress().tally.segment_rows().iter().map(|row| row.live).sum()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_large_ledger_goes_with_its_bucket_in_steps() {
    for stops in [false, true] {
        let mut machine = Machine::new(3).without_checkpoints();
        machine.options.segment_size = 128 << 10;
        let store = machine.open().await.unwrap();
        store.set_entry(&at(1), Some(content(1, 100))).await.unwrap();
        let before = living(&store);
        assert!(fill(&store, 5000).await);
        assert!(living(&store) > before + 5000 * 60);
        store.delete_bucket(&other()).await.unwrap();
        assert_eq!(living(&store), before);
        let store = if stops {
            machine.sim.kill();
            // The next start brings all of it back into the index before the bucket goes.
            machine.home.crash(Hostile::Stale);
            drop(store);
            machine.open().await.unwrap()
        } else {
            store
        };
        assert!(fill(&store, 10).await);
        assert_eq!(count(&store).await, 10);
        cleared(&store, 2).await;
        assert_eq!(count(&store).await, 10);
        machine.notes.insert(1, vec![Some(content(1, 100))]);
        machine.verify(&store).await;
        tokio::task::spawn_blocking(move || store.close()).await.unwrap().unwrap();
        machine.check();
    }
}

/// Wherever a store is stopped while a bucket with a ledger comes and goes: it is there with what
/// was acknowledged, or a later one has nothing of it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_ledger_ends_with_its_bucket_wherever_that_stops() {
    for seed in 0..60 {
        println!("seed {seed}");
        let mut machine = Machine::new(seed);
        let calls = machine.sim.calls();
        machine.sim.stop_at(calls + 30 + machine.random.below(120));
        let opened = machine.open().await;
        // What the last acknowledged step left: no bucket, or one of so many records.
        let (mut gone, mut filled) = (true, None);
        if let Ok(store) = &opened {
            for records in [7, 40, 3, 25] {
                (gone, filled) = (false, None);
                if !fill(store, records).await {
                    break;
                }
                filled = Some(usize::try_from(records).unwrap());
                if store.delete_bucket(&other()).await.is_err() {
                    break;
                }
                gone = true;
            }
        }
        assert!(opened.is_ok() || machine.sim.is_stopped());
        if machine.random.below(2) == 0 {
            machine.crash();
        } else {
            machine.kill();
        }
        drop(opened);
        let store = machine.open().await.unwrap();
        match store.head_bucket(&other()).await {
            Ok(_) => {
                assert!(!gone, "its delete was acknowledged");
                let there = count(&store).await;
                assert!(filled.is_none_or(|filled| filled == there), "{there}, not {filled:?}");
                assert_eq!(store.has_entries(&other()).await.unwrap(), there > 0);
                store.delete_bucket(&other()).await.unwrap();
            }
            Err(StoreError::NoSuchBucket) => {}
            Err(error) => panic!("{error:?}"),
        }
        assert!(fill(&store, 2).await);
        assert_eq!(count(&store).await, 2);
        machine.verify(&store).await;
        cleared(&store, 1).await;
        machine.kill();
        drop(store);
        let store = machine.open().await.unwrap();
        assert_eq!(count(&store).await, 2);
        machine.verify(&store).await;
        tokio::task::spawn_blocking(move || store.close()).await.unwrap().unwrap();
        machine.check();
    }
}

#[tokio::test]
async fn a_record_costs_one_record_of_the_log() {
    let machine = Machine::new(1).without_checkpoints();
    let store = machine.open().await.unwrap();
    let before = living(&store);
    for (value, records) in
        [(Some(content(1, 50)), 1), (Some(content(2, 500)), 1), (None, 1), (None, 0)]
    {
        let (last, calls) = (store.core.applied(), machine.sim.calls());
        store.set_entry(&at(1), value).await.unwrap();
        assert_eq!(store.core.applied(), last + records);
        // Written and synced; the room for it is allocated ahead.
        assert_eq!(machine.sim.calls() - calls, 2 * records);
    }
    assert_eq!(living(&store), before, "what is replaced or removed is dead");
    let last = store.core.applied();
    let (one, other) = (at(1), at(2));
    let writes =
        [&one, &other, &one, &one, &other].map(|at| store.set_entry(at, Some(content(3, 5))));
    futures_util::future::join_all(writes).await.into_iter().for_each(Result::unwrap);
    assert_eq!(store.core.applied(), last + 5);
    let rows = store.core.progress().tally.usage_rows();
    let row = rows.iter().find(|(key, _)| key.class.starts_with("ledger/")).unwrap().1;
    assert_eq!(row.objects, 2);
    assert_eq!(row.bytes, living(&store) - before);
    assert!(store.has_entries(&bucket()).await.unwrap());
}
