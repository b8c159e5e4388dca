//! What the log has lost is an error, whoever asks for it, and never "there is none".

use std::path::PathBuf;
use std::sync::Arc;

use super::harness::{Machine, Operation, Version, at, bucket, owner, read};
use crate::object::{
    Algorithm, BucketName, ChecksumChoice, ChecksumKind, ListQuery, ObjectMetadata, PartNumber,
    PartsQuery, TagSet,
};
use crate::store::conformance::{body, content};
use crate::store::local::index::Hostile;
use crate::store::local::keeper::checkpoint;
use crate::store::local::vfs::sim::{Fault, Op};
use crate::store::local::{LocalStore, Phase};
use crate::store::{
    Buckets, GetRequest, Ledger, LedgerQuery, Multipart, NewUpload, Objects, StoreError, Tags,
    UploadPath,
};

fn segments(machine: &Machine) -> Vec<PathBuf> {
    let is_segment = |path: &PathBuf| path.extension().is_some_and(|end| end == "slog");
    machine.sim.files().into_iter().filter(is_segment).collect()
}

/// Where the records of a kind begin in the first segment.
fn records(machine: &Machine, kind: u8) -> Vec<usize> {
    let log = machine.sim.content(&segments(machine)[0]).unwrap();
    let is_one = |at: &usize| log[*at..].starts_with(b"SREC") && log[at + 5] == kind;
    (4096..log.len()).step_by(8).filter(is_one).collect()
}

fn put(key: u64, size: usize) -> Operation {
    Operation::Put(key, Version { content: content(key, size), tag: None })
}

async fn reopened(machine: &Machine) -> LocalStore {
    let (vfs, home) = (machine.sim.vfs(), Arc::new(machine.home.clone()));
    let store = LocalStore::open_on(
        vfs,
        home,
        machine.options,
        crate::object::KeyTemplates::default(),
        machine.clock.clone(),
    )
    .unwrap();
    store.ready().await.unwrap();
    store
}

fn is_damaged<T>(result: &Result<T, StoreError>) -> bool {
    matches!(result, Err(StoreError::Damaged { .. }))
}

fn second() -> BucketName {
    BucketName::parse("second").unwrap()
}

/// A store with a record of each kind that is not about an object.
async fn one_of_each(machine: &mut Machine) -> UploadPath {
    let store = machine.open().await.unwrap();
    store.create_bucket(&second(), &owner()).await.unwrap();
    let tags = TagSet::for_object([("k".to_owned(), "v".to_owned())]).unwrap();
    store.set_bucket_tags(&bucket(), Some(tags)).await.unwrap();
    for key in [2, 3, 4] {
        store.set_entry(&at(key), Some(content(key, 100))).await.unwrap();
    }
    // One after the other, so that it is known whose record comes first.
    for key in [3, 4] {
        assert!(machine.run(&store, vec![put(key, 10)]).await);
    }
    store.set_entry(&at(4), None).await.unwrap();
    let checksum = ChecksumChoice {
        algorithm: Algorithm::Crc64Nvme,
        kind: ChecksumKind::FullObject,
        explicit: false,
    };
    let metadata = ObjectMetadata::default();
    let new = NewUpload {
        metadata,
        tags: TagSet::default(),
        checksum,
        initiator: owner(),
        encryption: None,
        acl: None,
    };
    let id = store.create_upload(&at(1), new).await.unwrap();
    let upload = UploadPath { object: at(1), id };
    for number in [1, 2] {
        let number = PartNumber::new(number).unwrap();
        store.put_part(&upload, number, body(&content(1, 500), None), None).await.unwrap();
    }
    assert!(machine.run(&store, vec![put(2, 10)]).await);
    machine.sim.kill();
    machine.home.crash(Hostile::Empty);
    upload
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lost_records_of_every_kind_are_missed() {
    for kind in [4, 6, 7, 8] {
        let mut machine = Machine::new(1).without_checkpoints();
        let upload = one_of_each(&mut machine).await;
        // The last record of its kind, in the middle of what it says.
        let place = records(&machine, kind).pop().unwrap();
        machine.sim.flip(&segments(&machine)[0], place + 52, 1);
        let store = reopened(&machine).await;
        let query = PartsQuery { after: 0, limit: 10 };
        let missed = [
            (4, is_damaged(&store.head_bucket(&second()).await)),
            (6, is_damaged(&store.bucket_tags(&bucket()).await)),
            (7, is_damaged(&store.list_parts(&upload, &query).await)),
            (8, is_damaged(&store.list_parts(&upload, &query).await)),
        ];
        let (_, is_missed) = missed.into_iter().find(|(of, _)| *of == kind).unwrap();
        assert!(is_missed, "{kind}");
        assert!(read(&store, 2).await.unwrap().is_some());
    }
}

/// A ledger record that is lost makes that one key's unknowable, and not its object; nor the other
/// way round.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_ledger_record_is_missed_where_it_matters() {
    // Which record of which kind is lost, and the key whose ledger record or object that was.
    let losses = [(15, 0, Some(2), None), (15, 3, Some(4), None), (1, 0, None, Some(3))];
    for (kind, which, entry, object) in losses {
        let mut machine = Machine::new(1).without_checkpoints();
        one_of_each(&mut machine).await;
        let place = records(&machine, kind)[which];
        machine.sim.flip(&segments(&machine)[0], place + 52, 1);
        let store = reopened(&machine).await;
        for key in [2, 3, 4] {
            let found = store.entry(&at(key)).await;
            if entry == Some(key) {
                assert!(is_damaged(&found), "{key}");
            } else {
                assert_eq!(found.unwrap().is_some(), key != 4, "{key}");
            }
            let got = read(&store, key).await.map(|version| assert!(version.is_some()));
            assert_eq!(is_damaged(&got), object == Some(key), "{key}");
        }
        let query = LedgerQuery { limit: 10, ..LedgerQuery::default() };
        assert!(is_damaged(&store.entries(&bucket(), &query).await));
        // What is lost may have been a record of a bucket that seems to have none.
        assert!(store.has_entries(&bucket()).await.unwrap());
        assert!(store.has_entries(&second()).await.unwrap());
    }
}

/// The last record cannot be told from a torn tail by the log, but a checkpoint knows of it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_checkpoint_counts_on_is_no_torn_tail() {
    for inside in [4, 60, 700] {
        let mut machine = Machine::new(1).without_checkpoints();
        let store = machine.open().await.unwrap();
        assert!(machine.run(&store, vec![put(1, 10)]).await);
        assert!(machine.run(&store, vec![put(2, 600)]).await);
        checkpoint(&store.core).unwrap();
        machine.sim.crash(inside);
        machine.home.crash(Hostile::Empty);
        drop(store);
        let place = records(&machine, 1).pop().unwrap();
        machine.sim.flip(&segments(&machine)[0], place + usize::try_from(inside).unwrap(), 1);
        let store = reopened(&machine).await;
        assert!(is_damaged(&read(&store, 2).await), "{inside}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_segment_that_is_missing_is_missed() {
    for (lost, with_checkpoint) in [(0, false), (0, true), (1, false), (1, true), (2, true)] {
        let mut machine = Machine::new(1).without_checkpoints();
        machine.options.pack_limit = 40_000;
        let store = machine.open().await.unwrap();
        for key in 1..6 {
            assert!(machine.run(&store, vec![put(key, 35_000)]).await);
        }
        if with_checkpoint {
            checkpoint(&store.core).unwrap();
        }
        machine.sim.crash(1);
        machine.home.crash(Hostile::Empty);
        drop(store);
        let paths = segments(&machine);
        assert_eq!(paths.len(), 3);
        machine.sim.vfs().unlink(&paths[lost]).unwrap();
        let store = reopened(&machine).await;
        assert!(store.read_only_reason().is_some());
        let query = ListQuery { limit: 10, ..ListQuery::default() };
        assert!(is_damaged(&store.list_objects(&bucket(), &query).await), "{lost}");
        for key in 1..6 {
            let got = read(&store, key).await;
            assert!(is_damaged(&got.as_ref().map(|_| ()).map_err(again)) || got.unwrap().is_some());
        }
    }
}

/// Errors cannot be copied; this keeps what matters of one.
fn again(error: &StoreError) -> StoreError {
    match error {
        StoreError::Damaged { what } => StoreError::Damaged { what: what.clone() },
        _ => StoreError::Closing,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_that_is_gone_is_not_an_empty_store() {
    for with_checkpoints in [false, true] {
        let mut machine = Machine::new(1).without_checkpoints();
        let store = machine.open().await.unwrap();
        assert!(machine.run(&store, vec![put(1, 9000)]).await);
        checkpoint(&store.core).unwrap();
        machine.sim.kill();
        machine.home.crash(Hostile::Ahead);
        drop(store);
        let vfs = machine.sim.vfs();
        vfs.unlink(&segments(&machine)[0]).unwrap();
        if !with_checkpoints {
            for path in ["CHECKPOINT.a", "CHECKPOINT.b"] {
                vfs.unlink(&PathBuf::from(path)).unwrap();
            }
        }
        let home = Arc::new(machine.home.clone());
        let opened = LocalStore::open_on(
            vfs,
            home,
            machine.options,
            crate::object::KeyTemplates::default(),
            machine.clock.clone(),
        );
        let store = opened.unwrap();
        assert!(store.ready().await.is_err());
        assert!(matches!(store.phase(), Phase::Failed(_)));
        assert!(matches!(store.head_bucket(&bucket()).await, Err(StoreError::Rebuilding)));
        let got = store.get_object(&at(1), &GetRequest::default()).await;
        assert!(matches!(got, Err(StoreError::Rebuilding)));
    }
}

/// Writes that a full disk cut short are cut off for good before their blobs go.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refused_batch_does_not_come_back() {
    for seed in 0..40 {
        let mut machine = Machine::new(seed);
        let store = machine.open().await.unwrap();
        assert!(machine.run(&store, (0..8).map(|key| put(key, 4000)).collect()).await);
        machine.sim.fail(Op::Write, 12 + machine.random.below(8), Fault::Full);
        let again = |key| Operation::Put(key, Version { content: content(seed, 3000), tag: None });
        machine.run(&store, (0..8).map(again).collect()).await;
        while store.core.garbage.waiting() > 0 && store.read_only_reason().is_none() {
            tokio::task::yield_now().await;
        }
        machine.crash();
        drop(store);
        let store = machine.open().await.unwrap();
        machine.verify(&store).await;
    }
}
