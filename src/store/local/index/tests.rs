//! Every index against the same expectations.

#![allow(clippy::disallowed_methods, reason = "tests damage files of their own")]

mod keys;
mod listing;
mod opening;

use std::ops::{Bound, ControlFlow};
use std::path::Path;
use std::sync::Arc;

use super::{
    Hostile, Index, IndexError, IndexHome, MAX_VALUE_BYTES, MemoryHome, SledHome, Span, TreeId,
};
use crate::store::local::vfs::{RealVfs, Vfs};

/// A home of sled's in a directory of its own.
fn sled_home() -> (tempfile::TempDir, SledHome) {
    let dir = tempfile::tempdir().unwrap();
    let vfs = Arc::new(RealVfs::open(dir.path()).unwrap());
    (dir, SledHome::new(vfs, "index", 1 << 20))
}

/// Runs a test with each kind of index.
fn on_each(test: impl Fn(&dyn IndexHome)) {
    test(&MemoryHome::default());
    let (_dir, home) = sled_home();
    test(&home);
}

fn entries(index: &dyn Index, tree: TreeId, span: Span<'_>) -> Vec<(Vec<u8>, Vec<u8>)> {
    let mut found = Vec::new();
    let visit = &mut |key: &[u8], value: &[u8]| {
        found.push((key.to_vec(), value.to_vec()));
        ControlFlow::Continue(())
    };
    index.scan(tree, span, visit).unwrap();
    found
}

fn keys(index: &dyn Index, span: Span<'_>) -> Vec<u8> {
    entries(index, TreeId::Cur, span).into_iter().map(|(key, _)| key[0]).collect()
}

#[test]
fn entries_are_set_read_and_removed() {
    on_each(|home| {
        let index = home.open().unwrap();
        assert_eq!(index.get(TreeId::Cur, b"k").unwrap(), None);
        index.insert(TreeId::Cur, b"k", b"1").unwrap();
        index.insert(TreeId::Bucket, b"k", b"other tree").unwrap();
        index.insert(TreeId::Cur, b"k", b"2").unwrap();
        assert_eq!(index.get(TreeId::Cur, b"k").unwrap().unwrap(), b"2");
        index.remove(TreeId::Cur, b"k").unwrap();
        index.remove(TreeId::Cur, b"never there").unwrap();
        assert_eq!(index.get(TreeId::Cur, b"k").unwrap(), None);
        assert_eq!(index.get(TreeId::Bucket, b"k").unwrap().unwrap(), b"other tree");
        for tree in TreeId::ALL {
            index.insert(tree, b"", tree.name().as_bytes()).unwrap();
        }
        for tree in TreeId::ALL {
            assert_eq!(index.get(tree, b"").unwrap().unwrap(), tree.name().as_bytes());
        }
        assert!(!index.is_lost());
    });
}

#[test]
fn spans_are_walked_in_order() {
    on_each(|home| {
        let index = home.open().unwrap();
        for key in [3u8, 1, 4, 5, 9] {
            index.insert(TreeId::Cur, &[key], &[key]).unwrap();
        }
        assert_eq!(keys(&*index, Span::ALL), [1, 3, 4, 5, 9]);
        let span = |from, to| Span { from, to };
        let (two, three, five): (&[u8], &[u8], &[u8]) = (&[2], &[3], &[5]);
        assert_eq!(keys(&*index, span(Bound::Included(three), Bound::Excluded(five))), [3, 4]);
        assert_eq!(keys(&*index, span(Bound::Excluded(three), Bound::Included(five))), [4, 5]);
        assert_eq!(keys(&*index, span(Bound::Included(three), Bound::Included(three))), [3]);
        assert!(keys(&*index, span(Bound::Excluded(three), Bound::Excluded(three))).is_empty());
        assert!(keys(&*index, span(Bound::Included(five), Bound::Excluded(two))).is_empty());
        let mut visited = 0;
        let visit = &mut |_: &[u8], _: &[u8]| {
            visited += 1;
            if visited == 2 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        };
        index.scan(TreeId::Cur, Span::ALL, visit).unwrap();
        assert_eq!(visited, 2);
    });
}

#[test]
fn long_values_are_refused_and_harm_nothing() {
    on_each(|home| {
        let index = home.open().unwrap();
        let long = vec![1; MAX_VALUE_BYTES + 1];
        let refused = index.insert(TreeId::Cur, b"k", &long).unwrap_err();
        assert!(matches!(refused, IndexError::ValueTooLong(4097)));
        index.insert(TreeId::Cur, b"k", &long[1..]).unwrap();
        assert_eq!(index.get(TreeId::Cur, b"k").unwrap().unwrap().len(), MAX_VALUE_BYTES);
    });
}

#[test]
fn an_index_is_kept_when_closed_and_gone_when_discarded() {
    on_each(|home| {
        for round in 0..3u8 {
            let index = home.open().unwrap();
            assert_eq!(keys(&*index, Span::ALL), (0..round).collect::<Vec<_>>());
            index.insert(TreeId::Cur, &[round], b"v").unwrap();
            home.close(index).unwrap();
        }
        home.discard().unwrap();
        home.discard().unwrap();
        let index = home.open().unwrap();
        assert!(keys(&*index, Span::ALL).is_empty());
    });
}

#[test]
fn one_index_of_a_home_is_open() {
    on_each(|home| {
        let index = home.open().unwrap();
        assert!(matches!(home.open().map(|_| ()), Err(IndexError::Lost(_))));
        drop(index);
        home.open().unwrap();
    });
}

#[test]
fn the_hostile_index_plays_its_tricks() {
    let written = |hostile| {
        let home = MemoryHome::default();
        let index = home.open().unwrap();
        index.insert(TreeId::Cur, &[1], b"").unwrap();
        index.flush().unwrap();
        index.insert(TreeId::Cur, &[2], b"").unwrap();
        home.crash(hostile);
        assert!(index.is_lost());
        assert!(matches!(index.get(TreeId::Cur, &[1]), Err(IndexError::Lost(_))));
        home
    };
    let left = |hostile| keys(&*written(hostile).open().unwrap(), Span::ALL);
    assert!(left(Hostile::Empty).is_empty());
    assert_eq!(left(Hostile::Stale), [1]);
    assert_eq!(left(Hostile::Ahead), [1, 2]);
    let broken = written(Hostile::Broken);
    assert!(matches!(broken.open().map(|_| ()), Err(IndexError::Lost(_))));
    broken.discard().unwrap();
    assert!(keys(&*broken.open().unwrap(), Span::ALL).is_empty());
}

#[test]
fn a_damaged_database_is_lost_and_can_be_made_anew() {
    let (dir, home) = sled_home();
    let index = home.open().unwrap();
    for number in 0..20_000u32 {
        index.insert(TreeId::Cur, &number.to_be_bytes(), &[7; 100]).unwrap();
    }
    home.close(index).unwrap();
    let file = dir.path().join("index/db");
    let mut content = std::fs::read(&file).unwrap();
    for snapshot in std::fs::read_dir(dir.path().join("index")).unwrap() {
        let snapshot = snapshot.unwrap().path();
        if snapshot.file_name().unwrap().to_string_lossy().starts_with("snap") {
            std::fs::remove_file(snapshot).unwrap();
        }
    }
    for at in (0..content.len()).step_by(1000) {
        content[at] ^= 0xff;
    }
    std::fs::write(&file, content).unwrap();
    let survived = home.open().and_then(|index| {
        let mut count = 0;
        let visit = &mut |_: &[u8], _: &[u8]| {
            count += 1;
            ControlFlow::Continue(())
        };
        index.scan(TreeId::Cur, Span::ALL, visit).map(|()| count)
    });
    assert!(!matches!(survived, Ok(20_000)), "damage went unseen");
    home.discard().unwrap();
    let index = home.open().unwrap();
    index.insert(TreeId::Cur, b"k", b"v").unwrap();
    index.flush().unwrap();
    assert!(RealVfs::open(dir.path()).unwrap().stat(Path::new("index/db")).unwrap().is_some());
}
