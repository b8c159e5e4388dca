//! Compaction: what is dead goes, what lives stays, nothing comes back.

use std::path::PathBuf;
use std::sync::Arc;

use super::encryption::new_upload;
use super::harness::{Machine, Operation, Version, at, bucket, read};
use super::operations::{assemble, one_part};
use crate::object::{CompletedPart, Completion, ListQuery, PartNumber, PartsQuery, UploadsQuery};
use crate::store::conformance::{body, content};
use crate::store::local::format::store_file::{Feature, StoreFormat};
use crate::store::local::index::Hostile;
use crate::store::local::vfs::sim::{Fault, Op};
use crate::store::local::{Compacted, Compaction, CompactionFigures, LocalStore};
use crate::store::{GetRequest, Multipart, Objects, Result, StoreError, Tags, UploadPath};

/// Compacts whatever has anything dead in it.
pub(super) async fn compact(store: &LocalStore) -> Result<CompactionFigures> {
    run(store, Compaction::asked(1)).await
}

async fn run(store: &LocalStore, mut work: Compaction) -> Result<CompactionFigures> {
    while store.compact(&mut work).await? != Compacted::Done {
        tokio::task::yield_now().await;
    }
    Ok(work.figures)
}

pub(super) fn segments(machine: &Machine) -> Vec<PathBuf> {
    let is_segment = |path: &PathBuf| path.extension().is_some_and(|end| end == "slog");
    machine.sim.files().into_iter().filter(is_segment).collect()
}

fn put(key: u64, seed: u64, size: usize) -> Operation {
    Operation::Put(key, Version { content: content(seed, size), tag: None })
}

/// So many bytes that are dead at once.
pub(super) async fn churn(machine: &mut Machine, store: &LocalStore, bytes: usize) {
    for seed in 0..bytes.div_ceil(2000) as u64 {
        assert!(machine.run(store, vec![put(11, seed, 2000)]).await);
    }
    assert!(machine.run(store, vec![Operation::Delete(11)]).await);
}

/// Something of every kind, in the first of several segments, most of which is dead.
pub(super) async fn of_every_kind(machine: &mut Machine, store: &LocalStore) {
    let noted = |key| Operation::Note(key, Some(content(key, 300)));
    let set = |key| Operation::Set(key, Some(content(key, 400)));
    let tagged = |key, size| {
        let tag = Some("tagged".to_owned());
        Operation::Upload(key, Version { content: content(key, size), tag })
    };
    let first = vec![
        put(1, 1, 1500),
        put(2, 2, 9000),
        put(3, 3, 0),
        tagged(4, 1800),
        tagged(5, 9000),
        noted(6),
        put(7, 7, 100),
    ];
    assert!(machine.run(store, first).await);
    assert!(machine.run(store, vec![set(0), set(1), noted(7), put(8, 8, 1000)]).await);
    let tag = |key| Operation::Tag(key, "later".to_owned());
    churn(machine, store, 70_000).await;
    // Descriptions in another segment than the bytes and lists of parts that they are of.
    assert!(machine.run(store, vec![tag(1), tag(2), tag(4), tag(5)]).await);
    assert!(machine.run(store, vec![Operation::Delete(7), Operation::Note(7, None)]).await);
    assert!(machine.run(store, vec![Operation::Delete(8), Operation::Set(1, None)]).await);
    churn(machine, store, 130_000).await;
}

async fn usage(machine: &Machine, store: &LocalStore) -> (usize, u64) {
    (segments(machine).len(), store.log_usage().await.unwrap().bytes)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_dead_goes_and_what_lives_stays() {
    for seed in [2, 3] {
        let mut machine = Machine::new(seed);
        let store = machine.open().await.unwrap();
        of_every_kind(&mut machine, &store).await;
        let (count, before) = usage(&machine, &store).await;
        assert!(count > 3, "{count}");
        let done = compact(&store).await.unwrap();
        let (left, after) = usage(&machine, &store).await;
        assert_eq!(left, 1);
        assert_eq!(done.removed, count as u64);
        assert!(done.moved >= 8 && done.moved_bytes < 30_000, "{done:?}");
        assert!(after < before / 2, "{before} {after}");
        assert_eq!(done.now.unwrap().bytes, after);
        machine.verify(&store).await;
        // There is nothing more to be had, and the counters say so.
        let again = compact(&store).await.unwrap();
        assert_eq!((again.segments, again.moved, again.removed), (0, 0, 0), "{again:?}");
        let log = store.log_usage().await.unwrap();
        assert!(log.records - log.living < 8000, "{log:?}");
        let format = machine.sim.content(&PathBuf::from("FORMAT")).unwrap();
        assert!(StoreFormat::decode(&format).unwrap().has(Feature::Compacted));
        tokio::task::spawn_blocking(move || store.close()).await.unwrap().unwrap();
        machine.check();
        let store = machine.open().await.unwrap();
        machine.verify(&store).await;
    }
}

/// Whatever is lost of checkpoints and index, the log alone has everything, and nothing more.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_comes_back_whatever_is_lost() {
    let lost: [&[&str]; 4] =
        [&[], &["CHECKPOINT.a"], &["CHECKPOINT.b"], &["CHECKPOINT.a", "CHECKPOINT.b"]];
    for (seed, lost) in (10..).zip(lost) {
        for crashes in [false, true] {
            let mut machine = Machine::new(seed);
            let store = machine.open().await.unwrap();
            of_every_kind(&mut machine, &store).await;
            compact(&store).await.unwrap();
            // Behind the checkpoints that the compaction wrote.
            assert!(machine.run(&store, vec![put(9, 9, 700), Operation::Delete(2)]).await);
            if crashes {
                machine.sim.crash(seed);
            } else {
                machine.sim.kill();
            }
            machine.home.crash(Hostile::Empty);
            drop(store);
            for name in lost {
                assert!(machine.sim.vfs().unlink(&PathBuf::from(name)).unwrap());
            }
            for _ in 0..2 {
                let store = machine.open().await.unwrap();
                assert_eq!(store.read_only_reason(), None, "{lost:?}");
                machine.verify(&store).await;
                for key in [2, 7, 8, 11] {
                    assert_eq!(read(&store, key).await.unwrap(), None, "{key}");
                }
                churn(&mut machine, &store, 40_000).await;
                compact(&store).await.unwrap();
                machine.verify(&store).await;
                tokio::task::spawn_blocking(move || store.close()).await.unwrap().unwrap();
                machine.check();
            }
        }
    }
}

/// A segment that is missing is still missed, with and without checkpoints.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_segment_that_was_not_removed_is_missed() {
    for with_checkpoints in [false, true] {
        let mut machine = Machine::new(4);
        let store = machine.open().await.unwrap();
        of_every_kind(&mut machine, &store).await;
        compact(&store).await.unwrap();
        churn(&mut machine, &store, 70_000).await;
        tokio::task::spawn_blocking(move || store.close()).await.unwrap().unwrap();
        let there = segments(&machine);
        assert!(there.len() > 1);
        let vfs = machine.sim.vfs();
        vfs.unlink(&there[0]).unwrap();
        if !with_checkpoints {
            vfs.unlink(&PathBuf::from("CHECKPOINT.a")).unwrap();
            vfs.unlink(&PathBuf::from("CHECKPOINT.b")).unwrap();
            vfs.unlink(&PathBuf::from("CLEAN")).unwrap();
        }
        machine.home.crash(Hostile::Empty);
        let store = machine.try_open().await.unwrap();
        assert!(store.read_only_reason().unwrap().contains("damaged"));
        let query = ListQuery { limit: 10, ..ListQuery::default() };
        let listed = store.list_objects(&bucket(), &query).await;
        assert!(matches!(listed, Err(StoreError::Damaged { .. })));
        let refused = compact(&store).await;
        assert!(matches!(refused, Err(StoreError::ReadOnly { .. })));
    }
}

/// Uploads under way keep their ids and parts, and can be completed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn uploads_under_way_go_on() {
    for seed in [6, 7] {
        let mut machine = Machine::new(seed);
        let mut store = machine.open().await.unwrap();
        let id = store.create_upload(&at(1), new_upload()).await.unwrap();
        let upload = UploadPath { object: at(1), id };
        let aborted = store.create_upload(&at(2), new_upload()).await.unwrap();
        let aborted = UploadPath { object: at(2), id: aborted };
        let (mut parts, mut whole) = (Vec::new(), Vec::new());
        for (number, size) in [(1, 6 << 20), (2, 5 << 20), (3, 700)] {
            churn(&mut machine, &store, 70_000).await;
            let piece = content(u64::from(number), size);
            let number = PartNumber::new(number).unwrap();
            let part = store.put_part(&upload, number, body(&piece, None), None).await.unwrap();
            store.put_part(&aborted, number, body(&piece, None), None).await.unwrap();
            parts.push(CompletedPart { number, etag: part.etag, checksum: None });
            whole.extend_from_slice(&piece);
            assert!(compact(&store).await.unwrap().removed > 0);
            machine.verify(&store).await;
        }
        for how in [None, Some(Hostile::Empty)] {
            let query = PartsQuery { after: 0, limit: 10 };
            assert_eq!(store.list_parts(&upload, &query).await.unwrap().parts.len(), 3);
            let query = UploadsQuery { limit: 10, ..UploadsQuery::default() };
            assert_eq!(store.list_uploads(&bucket(), &query).await.unwrap().entries.len(), 2);
            let Some(how) = how else { continue };
            machine.sim.crash(seed);
            machine.home.crash(how);
            drop(store);
            store = machine.open().await.unwrap();
        }
        store.abort_upload(&aborted).await.unwrap();
        let completion = Completion { parts, ..Completion::default() };
        let stored = store.complete_upload(&upload, &completion, None).await.unwrap();
        for _ in 0..2 {
            churn(&mut machine, &store, 70_000).await;
            assert!(compact(&store).await.unwrap().removed > 0);
            let got = store.get_object(&at(1), &GetRequest::default()).await.unwrap();
            assert_eq!(got.body.collect(20 << 20).await.unwrap(), whole);
            let again = store.complete_upload(&upload, &completion, None).await.unwrap();
            assert_eq!(again, stored);
            let listed = store.object_parts(&at(1), None, 0, 10).await.unwrap();
            assert_eq!(listed.parts.len(), 3);
            assert!(store.object_tags(&at(1), None).await.unwrap().is_empty());
            machine.sim.kill();
            machine.home.crash(Hostile::Empty);
            drop(store);
            store = machine.open().await.unwrap();
        }
        machine.may.remove(&1);
        drop(store);
        machine.sim.kill();
        machine.check();
    }
}

/// What is being read is not removed under its reader.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_read_that_began_before_comes_to_its_end() {
    let mut machine = Machine::new(12);
    let store = Arc::new(machine.open().await.unwrap());
    let pieces = [content(1, 5 << 20), content(2, 1500)];
    assemble(&store, 1, &pieces).await;
    churn(&mut machine, &store, 70_000).await;
    let got = store.get_object(&at(1), &GetRequest::default()).await.unwrap();
    // This one needs nothing of the log.
    let first = store.get_object(&at(1), &one_part(1)).await.unwrap();
    let before = segments(&machine);
    let mut work = Compaction::asked(1);
    let mut waits = 0;
    while waits < 3 {
        let compacted = store.compact(&mut work).await.unwrap();
        assert_ne!(compacted, Compacted::Done, "it removed what is read");
        waits += u32::from(compacted == Compacted::Wait);
    }
    assert!(before.iter().all(|path| machine.sim.content(path).is_some()));
    assert_eq!(got.body.collect(10 << 20).await.unwrap(), pieces.concat());
    while store.compact(&mut work).await.unwrap() != Compacted::Done {}
    assert!(before.iter().all(|path| machine.sim.content(path).is_none()));
    assert_eq!(first.body.collect(10 << 20).await.unwrap(), pieces[0]);
    let got = store.get_object(&at(1), &GetRequest::default()).await.unwrap();
    assert_eq!(got.body.collect(10 << 20).await.unwrap(), pieces.concat());
}

/// One at a time, and who was asked to comes before who does so by itself.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_at_a_time() {
    let mut machine = Machine::new(14);
    let store = machine.open().await.unwrap();
    assert!(machine.run(&store, vec![put(1, 1, 1500)]).await);
    let mut own = Compaction::own();
    assert_eq!(store.compact(&mut own).await.unwrap(), Compacted::Done, "nothing is to be gained");
    churn(&mut machine, &store, 400_000).await;
    assert_eq!(store.compact(&mut own).await.unwrap(), Compacted::More);
    let mut asked = Compaction::asked(1);
    assert_eq!(store.compact(&mut asked).await.unwrap(), Compacted::Wait);
    assert_eq!(store.compact(&mut own).await.unwrap(), Compacted::Wait);
    assert_eq!(store.compact(&mut asked).await.unwrap(), Compacted::More);
    let mut second = Compaction::asked(1);
    assert_eq!(store.compact(&mut second).await.unwrap(), Compacted::Wait);
    drop(second);
    let done = run(&store, asked).await.unwrap();
    assert!(done.removed > 4, "{done:?}");
    assert_eq!(run(&store, own).await.unwrap().removed, 0);
    machine.verify(&store).await;
    churn(&mut machine, &store, 400_000).await;
    let done = run(&store, Compaction::own()).await.unwrap();
    assert!(done.removed > 4 && done.moved_bytes * 2 < done.freed, "{done:?}");
    machine.verify(&store).await;
}

/// On a full disk the log is compacted all the same, where little lives in its oldest segment.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_is_no_hindrance() {
    let mut machine = Machine::new(1);
    machine.options.reserve = 256 << 10;
    machine.sim.set_capacity(Some(2 << 20));
    let store = machine.open().await.unwrap();
    assert!(machine.run(&store, vec![put(3, 3, 1000)]).await);
    let mut number = 0;
    while machine.run(&store, vec![put(number % 3, number, 2000)]).await {
        number += 1;
    }
    assert!(number > 100, "{number}");
    let done = compact(&store).await.unwrap();
    assert!(done.removed > 10, "{done:?}");
    assert!(machine.run(&store, vec![put(1, 1, 2000), put(5, 5, 30_000)]).await);
    machine.verify(&store).await;
    machine.crash();
    drop(store);
    let store = machine.open().await.unwrap();
    machine.verify(&store).await;
}

/// Where the disk fails in the middle, nothing is lost and the store says so.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failing_disk_loses_nothing() {
    for (op, nth) in [
        (Op::Unlink, 0),
        (Op::Unlink, 1),
        (Op::SyncDir, 0),
        (Op::SyncDir, 2),
        (Op::Sync, 3),
        (Op::Write, 2),
        (Op::Read, 4),
        (Op::Read, 11),
    ] {
        println!("{op:?} {nth}");
        let mut machine = Machine::new(20 + nth).without_checkpoints();
        let store = machine.open().await.unwrap();
        of_every_kind(&mut machine, &store).await;
        machine.sim.fail(op, nth, Fault::Eio);
        let _ = compact(&store).await;
        assert_eq!(machine.sim.pending_faults(), 0, "it never came");
        machine.verify_reads(&store).await;
        machine.crash();
        drop(store);
        let store = machine.open().await.unwrap();
        machine.verify(&store).await;
        compact(&store).await.unwrap();
        machine.verify(&store).await;
    }
}
