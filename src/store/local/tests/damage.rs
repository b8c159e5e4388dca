//! Bits that flip: what was acknowledged and cannot be read is an error, never something else.

use std::path::PathBuf;

use super::harness::{Machine, Operation, Version, at, read};
use crate::object::ListQuery;
use crate::store::conformance::content;
use crate::store::local::blob::BlobId;
use crate::store::local::index::Hostile;
use crate::store::{Ledger, NewObject, Objects, StoreError};

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
    machine.home.crash(Hostile::Empty);
}

/// A flipped bit anywhere in an acknowledged record is told from a torn tail: nothing behind it
/// is cut, and only its own key is in doubt.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn damage_in_the_log_is_not_a_torn_tail() {
    for inside in [2, 9, 20, 60] {
        let mut machine = Machine::new(3);
        three_objects(&mut machine).await;
        let place = record_of(&machine, 4) + inside;
        machine.sim.flip(&segment(&machine), place, 0x10);
        let store = machine.try_open().await.unwrap();
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

/// Where only a body is damaged, only its readers are told; everything else goes on.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_damaged_body_harms_only_its_object() {
    let mut machine = Machine::new(3);
    three_objects(&mut machine).await;
    let place = record_of(&machine, 7) - 100;
    machine.sim.flip(&segment(&machine), place, 0x10);
    let store = machine.open().await.unwrap();
    assert!(matches!(read(&store, 4).await, Err(StoreError::Damaged { .. })));
    let version = Version { content: content(9, 10), tag: None };
    assert!(machine.run(&store, vec![Operation::Put(4, version)]).await);
    machine.verify(&store).await;
}

/// The hints of a sealed segment only save time: where they are damaged the records are read.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn damaged_hints_harm_nothing() {
    let mut machine = Machine::new(5);
    let store = machine.open().await.unwrap();
    for number in 0..120 {
        let version = Version { content: content(number, 2000), tag: None };
        assert!(machine.run(&store, vec![Operation::Put(number % 12, version)]).await);
    }
    let first = segment(&machine);
    let is_sealed = |machine: &Machine| {
        let content = machine.sim.content(&first).unwrap();
        content[content.len() - 64..].starts_with(b"SGSEALD1")
    };
    while !is_sealed(&machine) {
        tokio::task::yield_now().await;
    }
    for harm in [false, true] {
        if harm {
            let log = machine.sim.content(&first).unwrap();
            let hint = log.windows(4).rposition(|window| window == b"SGHF").unwrap();
            machine.sim.flip(&first, hint + 40, 1);
        }
        machine.sim.kill();
        machine.home.crash(Hostile::Empty);
        let store = machine.open().await.unwrap();
        machine.verify(&store).await;
    }
    drop(store);
}

/// One flipped bit anywhere: reads give what was written, or an error.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flipped_bit_anywhere_never_gives_other_bytes() {
    for seed in 0..80 {
        println!("seed {seed}");
        let mut machine = Machine::new(seed);
        let store = machine.open().await.unwrap();
        for _ in 0..20 {
            let group = machine.group();
            assert!(machine.run(&store, group).await);
        }
        tokio::task::spawn_blocking(move || store.close()).await.unwrap().unwrap();
        machine.sim.kill();
        if seed.is_multiple_of(2) {
            machine.home.crash(Hostile::Empty);
        }
        let files = machine.sim.files();
        let file = &files[usize::try_from(machine.random.below(files.len() as u64)).unwrap()];
        let len = machine.sim.content(file).unwrap().len() as u64;
        if len == 0 {
            continue;
        }
        let offset = usize::try_from(machine.random.below(len)).unwrap();
        println!("{} at {offset}", file.display());
        machine.sim.flip(file, offset, 1 << machine.random.below(8));
        let Ok(store) = machine.try_open().await else { continue };
        for (key, may) in &machine.may {
            match read(&store, *key).await {
                Ok(got) => assert!(may.contains(&got), "key {key}"),
                Err(StoreError::Damaged { .. } | StoreError::Body(_)) => {}
                Err(error) => panic!("{error:?}"),
            }
        }
        for (key, may) in &machine.notes {
            match store.entry(&at(*key)).await {
                Ok(note) => assert!(may.contains(&note), "the record of {key}"),
                Err(StoreError::Damaged { .. }) => {}
                Err(error) => panic!("{error:?}"),
            }
        }
    }
}

/// What was uploaded and never acknowledged is put aside; what is dead is removed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_stays_among_the_blobs_that_nobody_names() {
    let mut machine = Machine::new(6);
    let store = machine.open().await.unwrap();
    let version = |seed| Version { content: content(seed, 9000), tag: None };
    for seed in 0..3 {
        assert!(machine.run(&store, vec![Operation::Put(1, version(seed))]).await);
    }
    let blobs = |machine: &Machine, dir: &str| {
        machine.sim.files().iter().filter(|path| path.starts_with(dir)).count()
    };
    while blobs(&machine, "blobs") > 1 {
        tokio::task::yield_now().await;
    }
    let id = BlobId::from_u128(5 << 120);
    let footer = crate::store::local::blob::BlobFooter {
        bucket: "bucket".to_owned(),
        key: "key".to_owned(),
        version: None,
        part: None,
        etag: crate::object::ETag::from_md5([0; 16]),
        checksum: None,
        metadata: crate::object::ObjectMetadata::default(),
        tags: crate::object::TagSet::default(),
        sealing: None,
        created: crate::object::Timestamp(0),
    };
    let mut orphan = store.core.blobs.create(id, None).unwrap();
    orphan.write(b"never acknowledged").unwrap();
    let published = orphan.finish(&footer).unwrap();
    store.core.blobs.sync_dirs([published.dir]).unwrap();
    machine.sim.kill();
    machine.home.crash(Hostile::Ahead);
    drop(store);
    let store = machine.open().await.unwrap();
    while blobs(&machine, "quarantine") < 1 {
        tokio::task::yield_now().await;
    }
    assert_eq!(blobs(&machine, "blobs"), 1);
    machine.verify(&store).await;
}
