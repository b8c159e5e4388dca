//! A disk that fails or is full.

use super::harness::{Machine, Operation, Version, at, read};
use crate::store::conformance::content;
use crate::store::local::vfs::sim::{Fault, Op};
use crate::store::{DeleteRequest, Objects, StoreError};

/// One failing call, and all that must hold after it.
async fn fail_once(op: Op, fault: Fault, seed: u64) {
    let mut machine = Machine::new(seed);
    // What fails is the writing of data, not what the checkpoints do beside it.
    machine.options.checkpoint_interval = std::time::Duration::from_hours(1);
    machine.options.checkpoint_records = u64::MAX;
    let store = machine.open().await.unwrap();
    for _ in 0..6 {
        let group = machine.group();
        assert!(machine.run(&store, group).await);
    }
    machine.sim.fail(op, seed % 5, fault);
    let mut failed = false;
    for _ in 0..40 {
        let group = machine.group();
        if !machine.run(&store, group).await {
            failed = true;
            break;
        }
    }
    assert!(failed, "{op:?} never came");
    machine.verify_reads(&store).await;
    let version = Version { content: content(1, 100), tag: None };
    let refused = !machine.run(&store, vec![Operation::Put(1, version)]).await;
    assert!(refused, "a store whose disk failed takes a write");
    assert!(store.read_only_reason().is_some());
    machine.verify_reads(&store).await;
    if seed.is_multiple_of(2) {
        machine.crash();
    } else {
        machine.kill();
    }
    drop(store);
    let store = machine.open().await.unwrap();
    machine.verify(&store).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_failed_write_or_sync_nothing_is_written() {
    for seed in 0..6 {
        for (op, fault) in [
            (Op::Write, Fault::Eio),
            (Op::Write, Fault::Short),
            (Op::Sync, Fault::Eio),
            (Op::SyncDir, Fault::Eio),
            (Op::Link, Fault::Eio),
        ] {
            println!("{op:?} {fault:?} {seed}");
            fail_once(op, fault, seed).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_takes_no_bodies_and_loses_nothing() {
    let mut machine = Machine::new(1);
    machine.options.reserve = 256 << 10;
    machine.sim.set_capacity(Some(2 << 20));
    let store = machine.open().await.unwrap();
    let mut full = None;
    for number in 0..2000 {
        let version = Version { content: content(number, 2000), tag: None };
        let put = Operation::Put(number % 12, version);
        if !machine.run(&store, vec![put]).await {
            full = Some(number);
            break;
        }
    }
    assert!(full.is_some_and(|number| number > 100), "{full:?}");
    assert_eq!(store.read_only_reason(), None);
    machine.verify_reads(&store).await;
    for key in 0..6 {
        store.delete_object(&at(key), &DeleteRequest::default()).await.unwrap();
        machine.may.insert(key, vec![None]);
    }
    machine.verify(&store).await;
    machine.sim.set_capacity(None);
    loop {
        // The keeper notices by itself that there is room again.
        let version = Version { content: content(1, 100), tag: None };
        if machine.run(&store, vec![Operation::Put(1, version)]).await {
            break;
        }
        tokio::task::yield_now().await;
    }
    assert!(read(&store, 1).await.unwrap().is_some());
    machine.verify(&store).await;
    machine.crash();
    drop(store);
    let store = machine.open().await.unwrap();
    machine.verify(&store).await;
}

#[tokio::test]
async fn a_damaged_body_is_an_error_and_never_other_bytes() {
    for size in [2000, 50_000] {
        let mut machine = Machine::new(7);
        // To be found in a file by what it is.
        machine.encrypts = false;
        let store = machine.open().await.unwrap();
        let whole = content(3, size);
        let version = Version { content: whole.clone(), tag: None };
        assert!(machine.run(&store, vec![Operation::Put(1, version)]).await);
        let needle = &whole[..64];
        let holds = |path: &std::path::PathBuf| {
            let content = machine.sim.content(path).unwrap_or_default();
            content.windows(64).position(|window| window == needle).map(|at| (path.clone(), at))
        };
        let (path, offset) = machine.sim.files().iter().find_map(holds).unwrap();
        machine.sim.flip(&path, offset + 10, 4);
        match read(&store, 1).await {
            Err(StoreError::Damaged { .. }) => {}
            other => panic!("{:?}", other.map(|version| version.is_some())),
        }
    }
}
