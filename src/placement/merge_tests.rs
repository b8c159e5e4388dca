use super::*;
use crate::object::{ETag, Timestamp};

fn object(key: &str) -> ListEntry {
    tagged(key, "etag")
}

fn tagged(key: &str, etag: &str) -> ListEntry {
    ListEntry::Object {
        key: ObjectKey::parse(key).unwrap(),
        size: 1,
        etag: ETag::parse(etag),
        last_modified: Timestamp(0),
        checksum: None,
        storage_class: None,
    }
}

fn prefix(text: &str) -> ListEntry {
    ListEntry::CommonPrefix(text.to_owned())
}

/// What the steps come to, as texts: lines with the sides that have them, and reads.
fn steps(mut first: Vec<Window<ListEntry>>, mut second: Vec<Window<ListEntry>>) -> Vec<String> {
    let (mut a, mut b) = (Window::unread(), Window::unread());
    let mut seen = Vec::new();
    loop {
        seen.push(match step(&mut a, &mut b) {
            Step::First => {
                a = first.remove(0);
                "read first".to_owned()
            }
            Step::Second => {
                b = second.remove(0);
                "read second".to_owned()
            }
            Step::Pair(pair) => match &pair {
                Pair::First(line) => format!("{} -", line.text()),
                Pair::Second(line) => format!("- {}", line.text()),
                Pair::Both(one, other) => format!("{} {}", one.text(), other.text()),
            },
            Step::End => return seen,
        });
    }
}

#[test]
fn both_sides_in_one_order() {
    let first = Window::new([object("a"), prefix("b/"), object("d")], false);
    let second = Window::new([prefix("b/"), object("c"), object("d"), object("e")], false);
    let seen = steps(vec![first], vec![second]);
    assert_eq!(seen, ["read first", "read second", "a -", "b/ b/", "- c", "d d", "- e"]);
}

#[test]
fn the_first_side_is_always_read_before_the_second() {
    let first = vec![
        Window::new([object("b")], true),
        Window::new([object("d")], true),
        Window::new([], false),
    ];
    let second = vec![
        Window::new([object("a"), object("c"), object("e")], false),
        Window::new([object("c"), object("e")], true),
        Window::new([object("e")], true),
        Window::new([], false),
    ];
    let seen = steps(first, second);
    let expected = [
        "read first",
        "read second",
        "- a",
        "b -",
        "read first",
        "read second",
        "- c",
        "d -",
        "read first",
        "read second",
        "- e",
        "read second",
    ];
    assert_eq!(seen, expected);
}

#[test]
fn only_a_window_that_was_read_promises_more() {
    assert!(!Window::<ListEntry>::unread().promises_more());
    assert!(Window::<ListEntry>::new([], true).promises_more());
    assert!(!Window::<ListEntry>::new([], false).promises_more());
    assert!(!Window::new([object("a")], true).promises_more());
}

fn remote(upstream_etag: &str) -> Remote {
    Remote {
        bucket: "there".to_owned(),
        key: "a".to_owned(),
        etag: ETag::parse("shown"),
        upstream_etag: ETag::parse(upstream_etag),
        size: 7,
        last_modified: Timestamp(3),
        asked: false,
    }
}

fn record(truth: Truth, remote: Option<Remote>) -> Location {
    Location { truth, todo: None, remote, updated_at: Timestamp(0), kept: false }
}

#[test]
fn a_line_of_both_layers() {
    let (home, there) = (tagged("a", "home"), tagged("a", "there"));
    let known = with_record(there.clone(), &remote("there"));
    assert_eq!(with_record(there.clone(), &remote("other")), there);
    let first = || Pair::First(home.clone());
    let second = || Pair::Second(there.clone());
    let both = || Pair::Both(home.clone(), there.clone());
    let entry = |line: &ListEntry| Shown::Entry(line.clone());
    let local = || record(Truth::Local, Some(remote("there")));
    let told = || record(Truth::Remote, Some(remote("there")));
    let replaced = || record(Truth::Remote, Some(remote("other")));
    let gone = || record(Truth::Gone, None);
    for (record, pair, expected) in [
        (None, first(), entry(&home)),
        (None, second(), entry(&there)),
        (None, both(), entry(&home)),
        (Some(local()), first(), entry(&home)),
        (Some(local()), second(), Shown::Ask),
        (Some(local()), both(), entry(&home)),
        (Some(told()), first(), Shown::Ask),
        (Some(told()), second(), entry(&known)),
        (Some(told()), both(), entry(&known)),
        (Some(replaced()), second(), entry(&there)),
        (Some(replaced()), both(), Shown::Ask),
        (Some(gone()), first(), Shown::Nothing),
        (Some(gone()), second(), Shown::Nothing),
        (Some(gone()), both(), Shown::Nothing),
    ] {
        let shown = layered(pair.clone(), record.as_ref(), with_record);
        assert_eq!(shown, expected, "{record:?} {pair:?}");
    }
}

#[test]
fn a_line_of_the_records() {
    let home = tagged("a", "home");
    let line = |truth| {
        let key = ObjectKey::parse("a").unwrap();
        RecordLine::Record(key, Box::new(record(truth, Some(remote("x")))), remote("x"))
    };
    let Shown::Entry(told) = recorded(Pair::First(line(Truth::Remote))) else { panic!("shown") };
    let ListEntry::Object { size, etag, last_modified, .. } = &told else { panic!("an object") };
    assert_eq!((*size, etag.as_str(), *last_modified), (7, "shown", Timestamp(3)));
    for (pair, expected) in [
        (Pair::Second(home.clone()), &home),
        (Pair::Both(line(Truth::Local), home.clone()), &home),
        (Pair::Both(line(Truth::Remote), home.clone()), &told),
        (Pair::First(line(Truth::Remote)), &told),
        (Pair::First(RecordLine::CommonPrefix("p/".to_owned())), &prefix("p/")),
        (Pair::Both(RecordLine::CommonPrefix("p/".to_owned()), prefix("p/")), &prefix("p/")),
    ] {
        assert_eq!(recorded(pair.clone()), Shown::Entry(expected.clone()), "{pair:?}");
    }
    assert_eq!(recorded(Pair::First(line(Truth::Local))), Shown::Ask);
}

#[test]
fn keys_within() {
    let keys: Keys = ["a", "b/1", "b/2", "b/3", "c"]
        .into_iter()
        .map(|key| ObjectKey::parse(key).unwrap())
        .collect();
    let long = "b/2".to_owned() + &"x".repeat(2000);
    for (prefix, after, expected) in [
        ("", None, &["a", "b/1", "b/2", "b/3", "c"][..]),
        ("b/", None, &["b/1", "b/2", "b/3"]),
        ("b/", Some("b/1"), &["b/2", "b/3"]),
        ("b/", Some("a"), &["b/1", "b/2", "b/3"]),
        ("b/", Some("b/9"), &[]),
        ("b/", Some(long.as_str()), &["b/3"]),
        (long.as_str(), None, &[]),
        ("", Some("b/3"), &["c"]),
    ] {
        let found: Vec<_> = within(&keys, prefix, after).map(ObjectKey::as_str).collect();
        assert_eq!(found, expected, "{prefix} after {after:?}");
    }
}

#[test]
fn common_prefixes() {
    for (key, prefix, delimiter, expected) in [
        ("a/b/c", "", Some("/"), Some("a/")),
        ("a/b/c", "a/", Some("/"), Some("a/b/")),
        ("a/b", "a/", Some("/"), None),
        ("aXXb", "", Some("XX"), Some("aXX")),
        ("a/b", "", None, None),
        ("a/b", "", Some(""), None),
        ("a/b", "x", Some("/"), None),
    ] {
        assert_eq!(common_prefix(key, prefix, delimiter), expected, "{key} {prefix}");
    }
}
