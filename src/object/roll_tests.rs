//! Pages against a model that looks at every key.

use std::cell::Cell;
use std::collections::BTreeSet;
use std::convert::Infallible;

use proptest::prelude::*;

use super::*;

type Lines = Vec<Result<String, String>>;

/// Everything that a listing shows, at once: keys as `Ok`, common prefixes as `Err`.
fn naive(keys: &BTreeSet<String>, prefix: &str, delimiter: Option<&str>, start: &Start) -> Lines {
    let mut lines = Lines::new();
    for key in keys.iter().filter(|key| key.starts_with(prefix)) {
        let cut = delimiter
            .filter(|d| !d.is_empty())
            .and_then(|d| key[prefix.len()..].find(d).map(|at| prefix.len() + at + d.len()));
        match (cut, start) {
            (Some(cut), Start::After(t) | Start::At(t)) if key[..cut] <= t[..] => {}
            (Some(cut), _) => {
                let line = Err(key[..cut].to_owned());
                if lines.last() != Some(&line) {
                    lines.push(line);
                }
            }
            (None, Start::After(t)) if key <= t => {}
            (None, Start::At(t)) if key < t => {}
            (None, _) => lines.push(Ok(key.clone())),
        }
    }
    lines
}

fn seeking(keys: &BTreeSet<String>, roll: Roll, seeks: &Cell<usize>) -> RolledPage<String> {
    let seek = |from: &[u8]| {
        seeks.set(seeks.get() + 1);
        let from = from.to_vec();
        let rest = keys.iter().filter(move |key| key.as_bytes() >= &from[..]);
        Ok::<_, Infallible>(rest.cloned().map(Ok))
    };
    fill_page(roll, seek, |key: &String| key.as_str()).unwrap()
}

/// A store that cannot seek offers every key.
fn scanning(keys: &BTreeSet<String>, mut roll: Roll) -> RolledPage<String> {
    let mut page = RolledPage { entries: Vec::new(), more: false };
    for key in keys {
        match roll.offer(key) {
            Offer::Take => page.entries.push(Rolled::Item(key.clone())),
            Offer::Group { prefix, .. } => page.entries.push(Rolled::Prefix(prefix)),
            Offer::Full => page.more = !page.entries.is_empty(),
            Offer::Skip { .. } | Offer::Early | Offer::End => {}
        }
    }
    page
}

fn lines(page: RolledPage<String>) -> Lines {
    let line = |entry| match entry {
        Rolled::Item(key) => Ok(key),
        Rolled::Prefix(prefix) => Err(prefix),
    };
    page.entries.into_iter().map(line).collect()
}

fn check_every_page(keys: &BTreeSet<String>, prefix: &str, delimiter: Option<&str>, start: &Start) {
    let all = naive(keys, prefix, delimiter, start);
    for limit in 0..=all.len() + 1 {
        let mut from = start.clone();
        let mut seen = Lines::new();
        loop {
            let roll = Roll::new(prefix, delimiter, from.clone(), limit);
            let seeks = Cell::new(0);
            let page = seeking(keys, roll.clone(), &seeks);
            assert_eq!(scanning(keys, roll), page);
            assert!(seeks.get() <= page.entries.len() + 2, "{} seeks", seeks.get());
            assert!(page.entries.len() <= limit);
            let more = page.more;
            seen.extend(lines(page));
            if !more {
                break;
            }
            let (Ok(last) | Err(last)) = seen.last().unwrap().clone();
            from = Start::After(last);
        }
        let expected = if limit == 0 { Lines::new() } else { all.clone() };
        assert_eq!(seen, expected, "limit {limit} of {keys:?} {prefix:?} {delimiter:?} {start:?}");
    }
}

fn keys(list: &[&str]) -> BTreeSet<String> {
    list.iter().map(|key| (*key).to_owned()).collect()
}

#[test]
fn order_is_that_of_bytes() {
    let keys = keys(&["obj1", "obj/", "obj+"]);
    check_every_page(&keys, "", None, &Start::Beginning);
    let all = naive(&keys, "", Some("/"), &Start::Beginning);
    assert_eq!(all, [Ok("obj+".into()), Err("obj/".into()), Ok("obj1".into())]);
}

#[test]
fn children_of_the_last_prefix_are_no_remainder() {
    let keys = keys(&["a/1", "a/2", "a/3"]);
    let page = seeking(&keys, Roll::new("", Some("/"), Start::Beginning, 1), &Cell::new(0));
    assert_eq!(page, RolledPage { entries: vec![Rolled::Prefix("a/".into())], more: false });
}

#[test]
fn a_start_under_a_prefix_hides_it() {
    let keys = keys(&["a/1", "a/2", "b/1", "c"]);
    for start in ["a/", "a/1", "a/9", "a/1/x"] {
        let start = Start::After(start.to_owned());
        let shown = naive(&keys, "", Some("/"), &start);
        assert_eq!(shown, [Err("b/".into()), Ok("c".into())]);
        check_every_page(&keys, "", Some("/"), &start);
    }
    let before = Start::After("a".to_owned());
    assert_eq!(naive(&keys, "", Some("/"), &before)[0], Err("a/".into()));
}

#[test]
fn the_end_of_the_code_space() {
    let keys = keys(&["a\u{10ffff}", "a\u{10ffff}b", "b", "\u{10ffff}", "\u{10ffff}\u{10ffff}x"]);
    for delimiter in [None, Some("\u{10ffff}"), Some("b"), Some("\u{10ffff}\u{10ffff}")] {
        for prefix in ["", "a", "\u{10ffff}"] {
            check_every_page(&keys, prefix, delimiter, &Start::Beginning);
        }
    }
}

/// Short texts over few letters, so that prefixes and delimiters occur and overlap.
fn text(longest: usize) -> impl Strategy<Value = String> {
    let letter = prop_oneof![
        3 => Just('a'), 2 => Just('/'), 1 => Just('b'), 1 => Just('\0'), 1 => Just('é'),
        1 => Just('\u{10ffff}'),
    ];
    proptest::collection::vec(letter, 0..=longest).prop_map(|letters| letters.into_iter().collect())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn agrees_with_the_naive_listing(
        keys in proptest::collection::btree_set(text(6).prop_filter("key", |k| !k.is_empty()), 0..14),
        prefix in text(2),
        delimiter in proptest::option::of(text(2)),
        start in (0..3, text(4)),
    ) {
        let start = match start {
            (0, _) => Start::Beginning,
            (1, text) => Start::After(text),
            (_, text) => Start::At(text),
        };
        check_every_page(&keys, &prefix, delimiter.as_deref(), &start);
    }
}
