//! Listings against a model that looks at every key.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::super::key::{self, BucketId};
use super::super::list::{After, Lane, Line, Lookup, Page, page};
use super::super::{Index, IndexHome as _, MemoryHome, TreeId};
use super::keys::object_key;
use super::sled_home;
use crate::store::local::index::{IndexError, Result};
use std::sync::Arc;

const BUCKET: BucketId = BucketId(7);
/// What a key's value says when it is not to be seen.
const HIDDEN: &[u8] = b"hidden";

fn text(line: &Line<String>) -> &str {
    match line {
        Line::Entry(text) | Line::CommonPrefix(text) => text,
    }
}

/// All lines, by looking at every key.
fn model(keys: &BTreeSet<String>, lookup: &Lookup<'_>) -> Vec<Line<String>> {
    let after = lookup.after.as_ref().map_or("", |after| after.text.as_str());
    let mut lines: Vec<Line<String>> = Vec::new();
    for key in keys.iter().filter(|key| key.starts_with(lookup.prefix)) {
        let rest = &key[lookup.prefix.len()..];
        let cut = lookup.delimiter.and_then(|d| rest.find(d).map(|at| at + d.len()));
        let line = match cut {
            Some(cut) => Line::CommonPrefix(key[..lookup.prefix.len() + cut].to_owned()),
            None => Line::Entry(key.clone()),
        };
        if text(&line) > after && lines.last() != Some(&line) {
            lines.push(line);
        }
    }
    lines
}

fn fill(index: &dyn Index, keys: &BTreeSet<String>, hidden: &BTreeSet<String>) {
    for (bucket, extra) in [(6, "other"), (8, "other")] {
        index.insert(TreeId::Cur, &key::current(BucketId(bucket), extra), b"").unwrap();
    }
    for text in hidden {
        index.insert(TreeId::Cur, &key::current(BUCKET, text), HIDDEN).unwrap();
    }
    for text in keys {
        index.insert(TreeId::Cur, &key::current(BUCKET, text), b"").unwrap();
    }
}

fn list(index: &dyn Index, lookup: &Lookup<'_>) -> Page<String> {
    page(index, &Lane::current(BUCKET), lookup, |found| {
        Ok((found.value != HIDDEN).then(|| found.key.to_owned()))
    })
    .unwrap()
}

fn check(index: &dyn Index, keys: &BTreeSet<String>, lookup: &Lookup<'_>) {
    let all = model(keys, lookup);
    for limit in 1..=all.len() + 1 {
        let mut lookup = Lookup { limit, ..lookup.clone() };
        let mut seen = Vec::new();
        loop {
            let page = list(index, &lookup);
            assert!(page.lines.len() == limit || !page.more, "a page is full unless it is last");
            assert_eq!(page.more, seen.len() + page.lines.len() < all.len());
            let last = page.lines.last().map(|line| text(line).to_owned());
            seen.extend(page.lines);
            match last.filter(|_| page.more) {
                Some(text) => lookup.after = Some(After { text, tail: None }),
                None => break,
            }
        }
        assert_eq!(seen, all, "{lookup:?}");
    }
    let none = list(index, &Lookup { limit: 0, ..lookup.clone() });
    assert!(none.lines.is_empty() && !none.more);
}

fn delimiter() -> impl Strategy<Value = Option<&'static str>> {
    prop::sample::select(vec![
        None,
        Some("/"),
        Some("a"),
        Some("ab"),
        Some("é"),
        Some("//"),
        Some("\0"),
    ])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn pages_hold_what_the_model_says(
        keys in prop::collection::btree_set(object_key(), 0..24),
        hidden in prop::collection::btree_set(object_key(), 0..6),
        prefix in prop_oneof![Just(String::new()), object_key()],
        delimiter in delimiter(),
        after in prop::option::of(object_key()),
    ) {
        let index = MemoryHome::default().open().unwrap();
        let (mut keys, mut hidden) = (keys, hidden);
        keys.remove("");
        hidden.retain(|key| !keys.contains(key));
        fill(&*index, &keys, &hidden);
        let after = after.filter(|text| !text.is_empty()).map(|text| After { text, tail: None });
        check(&*index, &keys, &Lookup { prefix: &prefix, delimiter, after, limit: 0 });
    }
}

#[test]
fn sled_lists_the_same() {
    let (_dir, home) = sled_home();
    let index = home.open().unwrap();
    let keys: BTreeSet<String> =
        (0..300).map(|n| format!("{}/{}/{n}", n % 3, n % 7)).chain(["x".to_owned()]).collect();
    fill(&*index, &keys, &BTreeSet::new());
    for prefix in ["", "1", "1/", "1/2", "1/2/", "9"] {
        for delimiter in [None, Some("/")] {
            let after = [None, Some("0/"), Some("1/2/1"), Some("1/5/"), Some("z")];
            for after in after.map(|after| after.map(|a| After { text: a.to_owned(), tail: None }))
            {
                let lookup = Lookup { prefix, delimiter, after, limit: 0 };
                let all = model(&keys, &lookup);
                for limit in [1, 7, 1000] {
                    let page = list(&*index, &Lookup { limit, ..lookup.clone() });
                    assert_eq!(page.lines, all[..all.len().min(limit)]);
                    assert_eq!(page.more, all.len() > limit);
                }
            }
        }
    }
}

/// Counts how many entries a listing looks at.
struct Counted(Arc<dyn Index>, std::sync::atomic::AtomicUsize);

impl Index for Counted {
    fn get(&self, tree: TreeId, key: &[u8]) -> Result<Option<Vec<u8>>> {
        self.0.get(tree, key)
    }

    fn insert(&self, tree: TreeId, key: &[u8], value: &[u8]) -> Result<()> {
        self.0.insert(tree, key, value)
    }

    fn remove(&self, tree: TreeId, key: &[u8]) -> Result<()> {
        self.0.remove(tree, key)
    }

    fn scan(
        &self,
        tree: TreeId,
        span: super::Span<'_>,
        visit: &mut super::super::Visit<'_>,
    ) -> Result<()> {
        self.0.scan(tree, span, &mut |key, value| {
            self.1.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            visit(key, value)
        })
    }

    fn flush(&self) -> Result<()> {
        self.0.flush()
    }

    fn is_lost(&self) -> bool {
        self.0.is_lost()
    }
}

#[test]
fn a_page_costs_its_lines_and_not_what_lies_under_them() {
    let index = Counted(MemoryHome::default().open().unwrap(), 0.into());
    let keys: BTreeSet<String> = (0..20_000).map(|n| format!("{:02}/{n}", n % 20)).collect();
    fill(&index, &keys, &BTreeSet::new());
    let lookup = Lookup { delimiter: Some("/"), limit: 10, ..Lookup::default() };
    let page = list(&index, &lookup);
    assert_eq!((page.lines.len(), page.more), (10, true));
    assert_eq!(index.1.into_inner(), 11);
}

#[test]
fn uploads_are_listed_by_key_and_then_by_id() {
    let index = MemoryHome::default().open().unwrap();
    for (text, id) in [("a", 9), ("a", 2), ("a", 5), ("a\0", 7), ("b/1", 4), ("b/1", 6), ("c", 1)] {
        index.insert(TreeId::Mpu, &key::upload_by_key(BUCKET, text, id), &[]).unwrap();
        index.insert(TreeId::Mpu, &key::upload(id), &[]).unwrap();
        index.insert(TreeId::Mpu, &key::part(id, 1), &[]).unwrap();
    }
    let list = |after: Option<(&str, Option<u128>)>| {
        let after = after.map(|(text, id)| After {
            text: text.to_owned(),
            tail: id.map(|id| id.to_be_bytes().to_vec()),
        });
        let lookup = Lookup { delimiter: Some("/"), after, limit: 10, ..Lookup::default() };
        let page = page(&*index, &Lane::uploads(BUCKET), &lookup, |found| {
            let id = u128::from_be_bytes(found.tail.try_into().unwrap());
            Ok(Some(format!("{}@{id}", found.key)))
        });
        page.unwrap().lines.iter().map(|line| text(line).to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(list(None), ["a@2", "a@5", "a@9", "a\0@7", "b/", "c@1"]);
    assert_eq!(list(Some(("a", Some(5)))), ["a@9", "a\0@7", "b/", "c@1"]);
    assert_eq!(list(Some(("a", Some(6)))), ["a@9", "a\0@7", "b/", "c@1"]);
    assert_eq!(list(Some(("a", None))), ["a\0@7", "b/", "c@1"]);
    assert_eq!(list(Some(("b/1", Some(4)))), ["c@1"]);
    assert_eq!(list(Some(("b/", None))), ["c@1"]);
}

#[test]
fn a_strange_key_is_an_error() {
    let index = MemoryHome::default().open().unwrap();
    let strange = [&BUCKET.0.to_be_bytes()[..], b"\xff"].concat();
    index.insert(TreeId::Cur, &strange, b"").unwrap();
    let lookup = Lookup { limit: 1, ..Lookup::default() };
    let listed = page(&*index, &Lane::current(BUCKET), &lookup, |_| Ok(Some(())));
    assert!(matches!(listed, Err(IndexError::Lost(_))));
    let listed = page(&*index, &Lane::current(BucketId(1)), &lookup, |_| Ok(Some(())));
    assert!(listed.unwrap().lines.is_empty());
}
