//! What compactions leave to be removed later, and what they keep of uploads that are over.

use std::path::Path;

use super::compact::{churn, compact, of_every_kind, segments};
use super::harness::{Machine, Operation, Version, read, upload};
use crate::store::conformance::content;
use crate::store::local::index::Hostile;
use crate::store::local::vfs::sim::{Fault, Op};
use crate::store::local::{Compacted, Compaction, LocalStore};
use crate::store::{Multipart, StoreError};

/// A compaction that has nothing left to do but to remove segments, which wait for a reader; the
/// fault comes to that.
async fn remove(
    machine: &Machine,
    store: &LocalStore,
    (op, nth, fault): (Op, u64, Fault),
) -> Result<u64, StoreError> {
    let reading = store.core.garbage.enter();
    let (mut work, first) = (Compaction::asked(1), store.core.progress().first);
    while store.core.progress().first == first {
        assert_ne!(store.compact(&mut work).await?, Compacted::Done);
    }
    machine.sim.fail(op, nth, fault);
    drop(reading);
    while store.compact(&mut work).await? != Compacted::Done {}
    Ok(work.figures.removed)
}

/// Segments that could not be removed are by the next compaction, though nothing else is to be
/// gained; and until then they do no harm.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_could_not_be_removed_is_removed_the_next_time() {
    for stops in [false, true] {
        for fault in [
            (Op::Unlink, 0, Fault::Eio),
            (Op::Unlink, 1, Fault::Eio),
            (Op::Write, 0, Fault::Full),
            (Op::Write, 1, Fault::Full),
        ] {
            println!("{fault:?} {stops}");
            let mut machine = Machine::new(30).without_checkpoints();
            let mut store = machine.open().await.unwrap();
            let put = Operation::Put(1, Version { content: content(1, 900), tag: None });
            assert!(machine.run(&store, vec![put]).await);
            churn(&mut machine, &store, 200_000).await;
            remove(&machine, &store, fault).await.unwrap_err();
            let left = segments(&machine).len();
            assert!(left > 2, "{left}");
            machine.verify(&store).await;
            if stops {
                machine.sim.kill();
                machine.home.crash(Hostile::Stale);
                drop(store);
                machine.check();
                store = machine.open().await.unwrap();
            }
            let done = compact(&store).await.unwrap();
            assert!(stops || done.removed >= left as u64 - 1, "{done:?}");
            assert_eq!(segments(&machine).len(), 1);
            machine.verify(&store).await;
            assert_eq!(compact(&store).await.unwrap().removed, 0);
        }
    }
}

/// To remove segments makes more room than the checkpoints take that come first.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_reserve_is_there_for_removing() {
    let mut machine = Machine::new(32).without_checkpoints();
    machine.options.reserve = 64 << 10;
    let store = machine.open().await.unwrap();
    churn(&mut machine, &store, 200_000).await;
    let removed = remove(&machine, &store, (Op::Write, 0, Fault::Full)).await.unwrap();
    assert!(removed > 2, "{removed}");
    assert_eq!(machine.sim.pending_faults(), 0);
    assert_eq!(segments(&machine).len(), 1);
    machine.verify(&store).await;
}

/// Whoever completes an upload again is given the same answer, also where its object has gone and
/// the records that made it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn completions_are_remembered_when_their_objects_are_gone() {
    for seed in [34, 35] {
        let mut machine = Machine::new(seed);
        let mut store = machine.open().await.unwrap();
        of_every_kind(&mut machine, &store).await;
        let mut done = Vec::new();
        for (key, size) in [(1, 1500), (2, 9000), (3, 700)] {
            let version = Version { content: content(seed + key, size), tag: None };
            let (path, completion) = upload(&store, key, &version).await.unwrap();
            let stored = store.complete_upload(&path, &completion, None).await.unwrap();
            let outcome = Operation::Upload(key, version);
            assert!(machine.judge(&outcome, Ok(true)));
            done.push((path, completion, stored));
        }
        let over = Operation::Put(1, Version { content: content(seed, 10), tag: None });
        assert!(machine.run(&store, vec![over, Operation::Delete(2)]).await);
        for round in 0..3 {
            churn(&mut machine, &store, 70_000).await;
            assert!(compact(&store).await.unwrap().removed > 0);
            for (path, completion, stored) in &done {
                let again = store.complete_upload(path, completion, None).await.unwrap();
                assert_eq!(again, *stored, "round {round}");
            }
            machine.verify(&store).await;
            if round == 1 {
                machine.sim.crash(seed);
                machine.home.crash(Hostile::Empty);
                drop(store);
                store = machine.open().await.unwrap();
            }
        }
        // Too long after, nothing is kept of them.
        machine.clock.advance(2 * 3_600_000);
        churn(&mut machine, &store, 70_000).await;
        assert!(compact(&store).await.unwrap().removed > 0);
        for (path, completion, _) in &done {
            let again = store.complete_upload(path, completion, None).await;
            assert!(matches!(again, Err(StoreError::NoSuchUpload)), "{again:?}");
        }
        machine.verify(&store).await;
        tokio::task::spawn_blocking(move || store.close()).await.unwrap().unwrap();
        machine.check();
    }
}

/// Where a bit flips in the oldest segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Flipped {
    Living,
    Dead,
    DeadHead,
    Hints,
    Footer,
}

/// Flips a bit in a sealed segment that begins with the objects 1 and 11, of which the latter is
/// dead.
fn flip(machine: &Machine, segment: &Path, place: Flipped) {
    let bytes = machine.sim.content(segment).unwrap();
    let find = |body: &[u8]| bytes.windows(body.len()).position(|found| found == body).unwrap();
    let dead = find(&content(0, 2000));
    let at = match place {
        Flipped::Living => find(&content(1, 900)) + 30,
        Flipped::Dead => dead + 30,
        Flipped::DeadHead => {
            bytes[..dead].windows(4).rposition(|four| four == b"SREC").unwrap() + 9
        }
        // Before the table of one frame and the footer.
        Flipped::Hints => bytes.len() - 64 - 4 - 5,
        Flipped::Footer => bytes.len() - 20,
    };
    machine.sim.flip(segment, at, 4);
}

/// Nothing is removed that could not be read, unless it is known that nothing needs it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_read_is_not_removed() {
    use self::Flipped::{Dead, DeadHead, Footer, Hints, Living};
    for (flips, refused) in [
        (vec![Dead], false),
        (vec![DeadHead], false),
        (vec![Hints], false),
        (vec![Footer], false),
        (vec![Hints, Dead], false),
        (vec![Footer, Dead], false),
        (vec![Living], true),
        (vec![Hints, Living], true),
        (vec![Hints, DeadHead], true),
        (vec![Footer, DeadHead], true),
    ] {
        println!("{flips:?}");
        let mut machine = Machine::new(36);
        let store = machine.open().await.unwrap();
        let put =
            |key, size| Operation::Put(key, Version { content: content(key, size), tag: None });
        assert!(machine.run(&store, vec![put(1, 900)]).await);
        churn(&mut machine, &store, 150_000).await;
        assert!(machine.run(&store, vec![put(2, 900)]).await);
        let oldest = segments(&machine).remove(0);
        let is_sealed = |bytes: Vec<u8>| bytes[bytes.len() - 64..].starts_with(b"SGSEALD1");
        while !is_sealed(machine.sim.content(&oldest).unwrap()) {
            tokio::task::yield_now().await;
        }
        for place in &flips {
            flip(&machine, &oldest, *place);
        }
        let done = compact(&store).await;
        if !refused {
            assert!(done.unwrap().removed > 1);
            machine.verify(&store).await;
            continue;
        }
        assert!(matches!(done, Err(StoreError::Damaged { .. })), "{done:?}");
        assert!(machine.sim.content(&oldest).is_some());
        assert_eq!(store.read_only_reason(), None);
        assert_eq!(read(&store, 1).await.is_err(), flips.contains(&Living));
        assert!(machine.run(&store, vec![Operation::Delete(1)]).await);
        let again = compact(&store).await;
        if flips.contains(&DeadHead) {
            again.unwrap_err();
            assert!(machine.sim.content(&oldest).is_some());
        } else {
            assert!(again.unwrap().removed > 1);
        }
        machine.verify(&store).await;
    }
}
