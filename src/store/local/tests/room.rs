//! Dead files make room when it is needed, and stay for their grace where it is not.

use std::time::Duration;

use super::harness::{Machine, Operation, Version, at};
use super::operations::{assemble, one_part};
use crate::store::conformance::content;
use crate::store::{DeleteRequest, GetRequest, Objects};

/// How large the bodies are. Each is a file of its own.
const SIZE: usize = 400_000;

fn machine(seed: u64) -> Machine {
    // The keeper looks at the room too seldom to help.
    let mut machine = Machine::new(seed).without_checkpoints();
    // The log needs some, too: a twentieth.
    machine.options.free_space_watermark = 1 << 20;
    // Its clock stands still: no grace ever passes.
    machine.options.garbage_grace = Duration::from_mins(10);
    machine.sim.set_capacity(Some(4 << 20));
    machine
}

/// How many files of bodies there are.
fn files(machine: &Machine) -> usize {
    machine.sim.files().iter().filter(|path| path.starts_with("blobs")).count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_replaced_makes_room_for_what_comes() {
    for seed in [50, 51] {
        let mut machine = machine(seed);
        let store = machine.open().await.unwrap();
        for number in 0..100 {
            let version = Version { content: content(number, SIZE), tag: None };
            let put = Operation::Put(number % 3, version);
            assert!(machine.run(&store, vec![put]).await, "{number}");
        }
        machine.verify(&store).await;
        // What was removed may be back after that, more than there is room for.
        machine.sim.set_capacity(None);
        machine.crash();
        drop(store);
        let store = machine.open().await.unwrap();
        machine.verify(&store).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_deleted_makes_room_at_once() {
    let mut machine = machine(52);
    let store = machine.open().await.unwrap();
    let put = |key| Operation::Put(key, Version { content: content(key, SIZE), tag: None });
    let mut stored = 0;
    while stored < 12 && machine.run(&store, vec![put(stored)]).await {
        stored += 1;
    }
    assert!((7..=11).contains(&stored), "{stored}");
    assert_eq!(store.read_only_reason(), None);
    for key in 0..stored {
        assert!(machine.run(&store, vec![Operation::Delete(key)]).await);
    }
    for key in 0..stored {
        assert!(machine.run(&store, vec![put(key)]).await, "{key}");
    }
    machine.verify(&store).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_being_read_stays_however_little_room_there_is() {
    let mut machine = machine(53);
    let store = machine.open().await.unwrap();
    let put =
        |key, number| Operation::Put(key, Version { content: content(number, SIZE), tag: None });
    assert!(machine.run(&store, vec![put(1, 0)]).await);
    let reading = store.core.garbage.enter();
    assert!(machine.run(&store, vec![Operation::Delete(1)]).await);
    let mut number = 1;
    while number < 20 && machine.run(&store, vec![put(2, number)]).await {
        number += 1;
    }
    assert!((7..=11).contains(&number), "{number}");
    assert_eq!(files(&machine) as u64, number);
    drop(reading);
    assert!(machine.run(&store, vec![put(2, number)]).await);
    assert_eq!(files(&machine), 2);
    machine.verify(&store).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_long_read_keeps_its_own_files_alone() {
    let mut machine = machine(55);
    let store = machine.open().await.unwrap();
    let put =
        |key, number| Operation::Put(key, Version { content: content(number, SIZE), tag: None });
    assert!(machine.run(&store, vec![put(1, 0)]).await);
    let reading = store.get_object(&at(1), &GetRequest::default()).await.unwrap();
    let unread = store.get_object(&at(1), &GetRequest::default()).await.unwrap();
    for number in 1..40 {
        assert!(machine.run(&store, vec![put(1 + number % 2, number)]).await, "{number}");
    }
    // Room is scarce from here on: nothing is kept for its grace.
    machine.sim.set_capacity(Some(SIZE as u64));
    store.core.collect_garbage();
    assert_eq!(files(&machine), 3);
    assert_eq!(reading.body.collect(SIZE).await.unwrap(), content(0, SIZE));
    store.core.collect_garbage();
    assert_eq!(files(&machine), 3);
    drop(unread);
    store.core.collect_garbage();
    assert_eq!(files(&machine), 2);
    machine.verify(&store).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_read_comes_to_the_parts_that_it_has_not_opened_yet() {
    let machine = machine(56);
    machine.sim.set_capacity(None);
    let store = machine.open().await.unwrap();
    // Two files and a packed part.
    let pieces = [content(1, 5 << 20), content(2, 6 << 20), content(3, 1500)];
    assemble(&store, 1, &pieces).await;
    let whole = store.get_object(&at(1), &GetRequest::default()).await.unwrap();
    let second = store.get_object(&at(1), &one_part(2)).await.unwrap();
    store.delete_object(&at(1), &DeleteRequest::default()).await.unwrap();
    machine.sim.set_capacity(Some(SIZE as u64));
    store.core.collect_garbage();
    assert_eq!(files(&machine), 2);
    assert_eq!(whole.body.collect(20 << 20).await.unwrap(), pieces.concat());
    store.core.collect_garbage();
    assert_eq!(files(&machine), 1, "the part that is read now");
    assert_eq!(second.body.collect(20 << 20).await.unwrap(), pieces[1]);
    store.core.collect_garbage();
    assert_eq!(files(&machine), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_grace_is_kept_where_there_is_ample_room() {
    for scarce in [false, true] {
        let mut machine = machine(54);
        machine.sim.set_capacity(None);
        let store = machine.open().await.unwrap();
        for number in 0..5 {
            let version = Version { content: content(number, SIZE), tag: None };
            assert!(machine.run(&store, vec![Operation::Put(1, version)]).await);
        }
        store.core.collect_garbage();
        assert_eq!(files(&machine), 5);
        if scarce {
            machine.sim.set_capacity(Some(5 * SIZE as u64));
        } else {
            machine.clock.advance(600_000);
        }
        store.core.collect_garbage();
        assert_eq!(files(&machine), 1);
        machine.verify(&store).await;
    }
}
