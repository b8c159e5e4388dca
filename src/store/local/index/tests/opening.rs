//! An index that is closed and opened again and again, and how long that takes.

use std::time::Instant;

use super::super::key::{self, BucketId};
use super::super::{Index, IndexHome, TreeId};
use super::{keys, sled_home};
use crate::store::local::index::Span;

/// A key of a usual length.
fn key_of(number: u32) -> Vec<u8> {
    let company = number % 200;
    let text = format!("attachments/company_{company:03}/2025-08-15/{number:012}_receipt.pdf");
    key::current(BucketId(1), &text)
}

fn fill(index: &dyn Index, numbers: std::ops::Range<u32>) {
    for number in numbers {
        index.insert(TreeId::Cur, &key_of(number), &[7; 150]).unwrap();
    }
}

fn has(index: &dyn Index, number: u32) -> bool {
    index.get(TreeId::Cur, &key_of(number)).unwrap().is_some()
}

#[test]
fn an_index_that_was_dropped_while_busy_opens_again() {
    let (_dir, home) = sled_home();
    for round in 0..20 {
        let index = home.open().unwrap();
        assert!(round == 0 || has(&*index, round * 1000 - 1));
        fill(&*index, round * 1000..(round + 1) * 1000);
        index.flush().unwrap();
        drop(index);
    }
}

#[test]
fn a_close_after_many_writes_keeps_all_of_them() {
    let (_dir, home) = sled_home();
    let index = home.open().unwrap();
    fill(&*index, 0..60_000);
    home.close(index).unwrap();
    let index = home.open().unwrap();
    assert!((0..60_000).all(|number| has(&*index, number)));
}

#[test]
fn a_close_of_an_index_that_is_still_used_only_flushes() {
    let (_dir, home) = sled_home();
    let index = home.open().unwrap();
    home.close(std::sync::Arc::clone(&index)).unwrap();
    index.insert(TreeId::Cur, &[1], b"").unwrap();
    assert_eq!(keys(&*index, Span::ALL), [1]);
}

#[test]
#[ignore = "takes a minute; prints how long a million keys take"]
fn a_million_keys_are_loaded_closed_and_opened() {
    const COUNT: u32 = 1_000_000;
    let (_dir, home) = sled_home();
    let started = Instant::now();
    let index = home.open().unwrap();
    fill(&*index, 0..COUNT);
    println!("load: {:?}", started.elapsed());
    let started = Instant::now();
    home.close(index).unwrap();
    println!("close: {:?}", started.elapsed());
    let started = Instant::now();
    let index = home.open().unwrap();
    assert!(has(&*index, COUNT - 1));
    println!("open after close: {:?}", started.elapsed());
    fill(&*index, COUNT..COUNT + 200_000);
    index.flush().unwrap();
    drop(index);
    let started = Instant::now();
    let index = home.open().unwrap();
    assert!(has(&*index, COUNT + 199_999));
    println!("open after 200,000 writes and no close: {:?}", started.elapsed());
}
