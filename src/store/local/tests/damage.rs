//! Bits that flip: what was acknowledged and cannot be read is an error, never something else.

use std::path::PathBuf;

use super::harness::{Machine, Operation, Version, at, read};
use crate::object::ListQuery;
use crate::store::conformance::content;
use crate::store::{NewObject, Objects, StoreError};

fn segment(machine: &Machine) -> PathBuf {
    let is_segment = |path: &PathBuf| path.extension().is_some_and(|end| end == "slog");
    machine.sim.files().into_iter().find(is_segment).unwrap()
}

/// Where in the log the record of the key's put begins.
fn record_of(machine: &Machine, key: u64) -> usize {
    let log = machine.sim.content(&segment(machine)).unwrap();
    let name = at(key).key.as_str().to_owned();
    let magics: Vec<usize> =
        (4096..log.len()).step_by(8).filter(|at| log[*at..].starts_with(b"SREC")).collect();
    *magics
        .iter()
        .find(|at| {
            let meta = &log[**at + 48..(**at + 300).min(log.len())];
            log[**at + 5] == 1 && meta.windows(name.len()).any(|window| window == name.as_bytes())
        })
        .unwrap()
}

async fn three_objects(machine: &mut Machine) {
    let store = machine.open().await.unwrap();
    for key in [1, 4, 7] {
        let version = Version { content: content(key, 500), tag: None };
        assert!(machine.run(&store, vec![Operation::Put(key, version)]).await);
    }
    machine.sim.kill();
    machine.home.crash(crate::store::local::index::Hostile::Empty);
}

/// A flipped bit anywhere in an acknowledged record is told from a torn tail: nothing behind it
/// is cut, and only its own key is in doubt.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn damage_in_the_log_is_not_a_torn_tail() {
    for inside in [2, 9, 20, 60, 400] {
        let mut machine = Machine::new(3);
        three_objects(&mut machine).await;
        let place = record_of(&machine, 4) + inside;
        machine.sim.flip(&segment(&machine), place, 0x10);
        let (vfs, home) = (machine.sim.vfs(), std::sync::Arc::new(machine.home.clone()));
        let store = crate::store::local::LocalStore::open_on(
            vfs,
            home,
            machine.options,
            machine.clock.clone(),
        )
        .unwrap();
        store.ready().await.unwrap();
        assert!(read(&store, 1).await.unwrap().is_some(), "byte {inside}");
        assert!(read(&store, 7).await.unwrap().is_some(), "byte {inside}");
        let lost = read(&store, 4).await;
        assert!(matches!(lost, Err(StoreError::Damaged { .. })), "byte {inside}");
        assert!(store.read_only_reason().unwrap().contains("damaged"));
        let query = ListQuery { limit: 10, ..ListQuery::default() };
        let listed = store.list_objects(&at(1).bucket, &query).await;
        assert!(matches!(listed, Err(StoreError::Damaged { .. })));
        let body = crate::store::conformance::body(&content(1, 10), None);
        let put = store.put_object(&at(1), NewObject::default(), body).await;
        assert!(matches!(put, Err(StoreError::ReadOnly { .. })));
    }
}

/// The very last record has no later witness: without one it cannot be told from a torn tail.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_torn_tail_is_cut() {
    let mut machine = Machine::new(3).without_checkpoints();
    three_objects(&mut machine).await;
    let place = record_of(&machine, 7) + 100;
    machine.sim.flip(&segment(&machine), place, 1);
    machine.may.insert(7, vec![None]);
    let store = machine.open().await.unwrap();
    machine.verify(&store).await;
    assert_eq!(store.read_only_reason(), None);
}
