//! Listings against the sorted set of what is there, over layers in any state.

use std::collections::BTreeMap;

use proptest::prelude::*;
use tokio::runtime::Runtime;

use super::World;
use super::world::{START, bucket, content, owner, path, text};
use crate::object::{
    BucketName, ETag, ListEntry, ListQuery, Timestamp, VersionEntry, VersionId, VersionsQuery,
};
use crate::placement::Mode;
use crate::placement::location::{Location, Remote, Task, Todo, Truth};
use crate::store::{Buckets as _, Call, DeleteRequest, MemoryStore, Objects as _, StoreError};

const KEYS: [&str; 20] = [
    "/",
    "//x",
    "a",
    "a/",
    "a/b",
    "a/b/c",
    "a/b/d",
    "a/c",
    "aXb",
    "aXc",
    "b/1",
    "b/2",
    "b0",
    "c",
    "d/e/f",
    "d/e/g",
    "d/h",
    "z\u{10ffff}",
    "é",
    "é/b",
];

const PREFIXES: [&str; 6] = ["", "a", "a/", "d/e", "é", "nothing"];
const DELIMITERS: [Option<&str>; 4] = [None, Some("/"), Some("X"), Some("/b")];
const STARTS: [Option<&str>; 6] =
    [None, Some("a/"), Some("a/b/c"), Some("aX"), Some("d/e/"), Some("\u{10ffff}\u{10ffff}")];
const MODES: [Mode; 3] = [Mode::Local, Mode::Upstream, Mode::Fallback];

/// What there is of a key.
#[derive(Debug, Clone, Copy)]
struct State {
    home: bool,
    there: bool,
    record: Option<(Truth, bool, bool)>,
}

fn state() -> impl Strategy<Value = State> {
    let truth = prop_oneof![Just(Truth::Local), Just(Truth::Remote), Just(Truth::Gone)];
    let record = prop::option::of((truth, any::<bool>(), any::<bool>()));
    (any::<bool>(), any::<bool>(), record).prop_map(|(home, there, record)| {
        // A record of an upstream object always tells which.
        let record =
            record.map(|(truth, remote, known)| (truth, remote || truth == Truth::Remote, known));
        State { home, there, record }
    })
}

/// The tag under which the key's object is shown, by the words of the design.
fn expected(mode: Mode, state: State, tags: &Tags) -> Option<ETag> {
    let upstream = state.there.then(|| match state.record {
        Some((_, true, true)) => tags.shown.clone(),
        _ => tags.there.clone(),
    });
    let home = state.home.then(|| tags.home.clone());
    let recorded = matches!(state.record, Some((_, true, _))).then(|| tags.shown.clone());
    match (mode, state.record.map(|record| record.0)) {
        (_, Some(Truth::Gone)) => None,
        (Mode::Local, Some(Truth::Remote)) => recorded,
        (Mode::Local, Some(Truth::Local)) => home.or(recorded),
        (Mode::Local, None) => home,
        (_, Some(Truth::Remote)) => upstream,
        (_, Some(Truth::Local) | None) => home.or(upstream),
    }
}

struct Tags {
    home: ETag,
    there: ETag,
    shown: ETag,
}

/// Makes the layers and says what is to be listed.
async fn made(world: &World, mode: Mode, states: &[State]) -> BTreeMap<String, ETag> {
    let mut model = BTreeMap::new();
    for (key, state) in KEYS.iter().zip(states) {
        let tags = Tags {
            home: ETag::from_md5(md5(&format!("home {key}"))),
            there: ETag::from_md5(md5(&format!("there {key}"))),
            shown: ETag::parse(&format!("shown-{}", hex::encode(key))),
        };
        if state.home {
            World::plant(&world.home, key, &content(&format!("home {key}"))).await;
        }
        if state.there {
            World::plant(&world.there, key, &content(&format!("there {key}"))).await;
        }
        if let Some((truth, has_remote, known)) = state.record {
            let upstream_etag = if known { tags.there.clone() } else { ETag::parse("replaced") };
            let remote = Remote {
                bucket: "real-bucket".to_owned(),
                key: format!("prefix/{key}"),
                etag: tags.shown.clone(),
                upstream_etag,
                size: 3,
                last_modified: Timestamp(0),
                asked: false,
            };
            let task = match truth {
                Truth::Local => Some(Task::Put),
                Truth::Gone => Some(Task::Delete),
                Truth::Remote => None,
            };
            let record = Location {
                truth,
                todo: task.map(|task| Todo::new(task, Timestamp(0))),
                remote: has_remote.then_some(remote),
                updated_at: Timestamp(0),
                kept: false,
            };
            world.set_record(key, &record).await;
        }
        if let Some(etag) = expected(mode, *state, &tags) {
            model.insert((*key).to_owned(), etag);
        }
    }
    model
}

fn md5(text: &str) -> [u8; 16] {
    <md5::Md5 as md5::Digest>::digest(text).into()
}

/// Keys with their tags as `Ok` and common prefixes as `Err`.
type Lines = Vec<Result<(String, ETag), String>>;

fn naive(
    model: &BTreeMap<String, ETag>,
    prefix: &str,
    delimiter: Option<&str>,
    after: Option<&str>,
) -> Lines {
    let mut lines = Lines::new();
    for (key, etag) in model.iter().filter(|(key, _)| key.starts_with(prefix)) {
        let rest = &key[prefix.len()..];
        let line = match delimiter.and_then(|d| rest.find(d).map(|at| at + d.len())) {
            None => Ok((key.clone(), etag.clone())),
            Some(end) => Err(key[..prefix.len() + end].to_owned()),
        };
        let (Ok((text, _)) | Err(text)) = &line;
        if after.is_none_or(|after| text.as_str() > after) && lines.last() != Some(&line) {
            lines.push(line);
        }
    }
    lines
}

fn line(entry: &ListEntry) -> Result<(String, ETag), String> {
    match entry {
        ListEntry::Object { key, etag, .. } => Ok((key.as_str().to_owned(), etag.clone())),
        ListEntry::CommonPrefix(prefix) => Err(prefix.clone()),
    }
}

async fn check(world: &World, model: &BTreeMap<String, ETag>, limits: &[usize]) {
    for (prefix, delimiter) in PREFIXES.iter().flat_map(|p| DELIMITERS.map(|d| (*p, d))) {
        for after in STARTS {
            let expected = naive(model, prefix, delimiter, after);
            for limit in limits.iter().copied().chain([expected.len().max(1)]) {
                let mut query = ListQuery {
                    prefix: prefix.to_owned(),
                    delimiter: delimiter.map(str::to_owned),
                    after: after.map(str::to_owned),
                    limit,
                };
                let mut seen = Lines::new();
                loop {
                    let page = world.list(&query).await.unwrap();
                    seen.extend(page.entries.iter().map(line));
                    let full = page.entries.len() == limit;
                    assert!(full || page.next.is_none(), "a page is filled: {query:?}");
                    assert_eq!(page.next.is_some(), seen.len() < expected.len(), "{query:?}");
                    query.after = page.next;
                    if query.after.is_none() {
                        break;
                    }
                }
                assert_eq!(seen, expected, "{query:?}");
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn is_the_sorted_set(
        states in prop::collection::vec(state(), KEYS.len()),
        mode in 0..MODES.len(),
    ) {
        Runtime::new().unwrap().block_on(async {
            let world = World::new(MODES[mode]).await;
            let model = made(&world, MODES[mode], &states).await;
            check(&world, &model, &[1, 2, 3, 1000]).await;
        });
    }

    /// What a listing shows is what a read finds, whatever a crash left.
    #[test]
    fn agrees_with_reads(
        states in prop::collection::vec(state(), KEYS.len()),
        mode in 1..MODES.len(),
    ) {
        Runtime::new().unwrap().block_on(async {
            let world = World::new(MODES[mode]).await;
            let model = made(&world, MODES[mode], &states).await;
            for key in KEYS {
                match world.got(key).await {
                    Ok(got) => assert_eq!(model.get(key), Some(&got.head.object.etag), "{key}"),
                    Err(StoreError::NoSuchKey) => assert_eq!(model.get(key), None, "{key}"),
                    Err(error) => panic!("{key}: {error}"),
                }
            }
        });
    }
}

#[tokio::test]
async fn versions_are_the_current_objects() {
    let world = World::new(Mode::Fallback).await;
    World::plant(&world.there, "a", &content("a")).await;
    World::plant(&world.there, "d/1", &content("d")).await;
    World::plant(&world.home, "b", &content("b")).await;
    let mut query = VersionsQuery { delimiter: Some("/".into()), limit: 2, ..Default::default() };
    let mut seen = Vec::new();
    loop {
        let page = world.placement.list_versions(&bucket(), &query).await.unwrap();
        for entry in page.entries {
            seen.push(match entry {
                VersionEntry::Object { version, latest, entry } => {
                    assert_eq!((version, latest), (VersionId::Null, true));
                    text(&entry).to_owned()
                }
                VersionEntry::CommonPrefix(prefix) => prefix,
                VersionEntry::DeleteMarker { .. } => panic!("there are none"),
            });
        }
        query.after = page.next;
        if query.after.is_none() {
            break;
        }
    }
    assert_eq!(seen, ["a", "b", "d/"]);
}

/// 10,000 keys on each side, every other one of the upstream's deleted here.
async fn many(mode: Mode) -> (World, Vec<String>) {
    let world = World::new(mode).await;
    let mut expected = Vec::new();
    for number in 0..10_000 {
        let (there, here) = (format!("u/{number:05}"), format!("{}/{number:05}", number % 7));
        World::plant(&world.there, &there, &content("there")).await;
        World::plant(&world.home, &here, &content("here")).await;
        expected.push(here);
        if number % 2 == 0 {
            expected.push(there);
        }
    }
    world.go_away();
    for number in (1..10_000).step_by(2) {
        world.delete(&format!("u/{number:05}")).await.unwrap();
    }
    world.come_back();
    expected.sort_unstable();
    (world, expected)
}

#[tokio::test]
async fn ten_thousand_keys_on_each_side_and_every_other_one_masked() {
    let (world, expected) = many(Mode::Fallback).await;
    for limit in [7, 1000] {
        let mut query = ListQuery { limit, ..ListQuery::default() };
        let (mut seen, mut pages) = (Vec::new(), 0);
        let calls = world.faults.count(Call::ListObjects);
        loop {
            let page = world.list(&query).await.unwrap();
            seen.extend(page.entries.iter().map(|entry| text(entry).to_owned()));
            pages += 1;
            query.after = page.next;
            if query.after.is_none() {
                break;
            }
        }
        assert_eq!(seen, expected);
        assert_eq!(pages, expected.len().div_ceil(limit));
        let calls = world.faults.count(Call::ListObjects) - calls;
        assert!(calls <= pages * 3, "{calls} calls of the upstream for {pages} pages");
    }
    let query = ListQuery { delimiter: Some("/".into()), limit: 1000, ..ListQuery::default() };
    let page = world.list(&query).await.unwrap();
    let rolled: Vec<_> = page.entries.iter().map(text).collect();
    assert_eq!(rolled, ["0/", "1/", "2/", "3/", "4/", "5/", "6/", "u/"]);
    assert_eq!(world.faults.count(Call::HeadObject), 0, "no call for a single key");
}

#[tokio::test]
async fn a_common_prefix_whose_keys_are_all_deleted_is_not_shown() {
    let world = World::new(Mode::Fallback).await;
    for number in 0..1500 {
        World::plant(&world.there, &format!("dead/{number:04}"), &content("x")).await;
    }
    World::plant(&world.there, "live/1", &content("x")).await;
    world.go_away();
    for number in 0..1500 {
        world.delete(&format!("dead/{number:04}")).await.unwrap();
    }
    world.put("new/1", &content("x")).await.unwrap();
    world.come_back();
    let query = ListQuery { delimiter: Some("/".into()), limit: 2, ..ListQuery::default() };
    let page = world.list(&query).await.unwrap();
    assert_eq!(page.entries.iter().map(text).collect::<Vec<_>>(), ["live/", "new/"]);
    assert_eq!(page.next, None);
    let first = world.list(&ListQuery { limit: 1, ..query }).await.unwrap();
    assert_eq!((text(&first.entries[0]), first.next.as_deref()), ("live/", Some("live/")));
    // One that comes to life again brings its prefix back.
    world.put("dead/0700", &content("y")).await.unwrap();
    assert_eq!(world.listed().await.unwrap().len(), 3);
}

#[tokio::test]
async fn without_the_upstream_there_is_no_partial_list() {
    for mode in [Mode::Upstream, Mode::Fallback] {
        let world = World::new(mode).await;
        World::plant(&world.home, "a", &content("a")).await;
        world.go_away();
        let listed = world.listed().await;
        assert!(matches!(listed, Err(StoreError::Unavailable { .. })), "{listed:?}");
    }
    let world = World::new(Mode::Local).await;
    World::plant(&world.home, "a", &content("a")).await;
    world.go_away();
    assert_eq!(world.listed().await.unwrap(), ["a"]);
    assert_eq!(world.faults.count(Call::ListObjects), 0, "the upstream is not asked");
}

#[tokio::test]
async fn a_bucket_that_is_not_there_has_no_list() {
    for mode in MODES {
        let world = World::new(mode).await;
        let other = BucketName::parse("other").unwrap();
        world.there.create_bucket(&other, &owner()).await.unwrap();
        for limit in [0, 10] {
            let query = ListQuery { limit, ..ListQuery::default() };
            let listed = world.placement.list_objects(&other, &query).await;
            assert!(matches!(listed, Err(StoreError::NoSuchBucket)), "{mode:?}: {listed:?}");
        }
    }
}

/// An object that is forwarded while a page is made is on it, with the tag that clients know.
#[tokio::test]
async fn what_moves_meanwhile_is_listed() {
    let world = World::new(Mode::Fallback).await;
    world.go_away();
    let etag = world.put("a", &content("a")).await.unwrap().object.etag;
    world.come_back();
    let before = world.record("a").await.unwrap();
    world.forward().await;
    // The record is the one of before: home no longer has the object, and nothing says so.
    let after = world.record("a").await.unwrap();
    assert_eq!(after.truth, Truth::Remote);
    world.set_record("a", &before).await;
    assert_eq!(world.listed().await.unwrap(), ["a"]);
    // The record is the new one, and the local object is still there.
    world.set_record("a", &after).await;
    World::plant(&world.home, "a", &content("a")).await;
    let page = world.list(&ListQuery { limit: 10, ..ListQuery::default() }).await.unwrap();
    assert_eq!(page.entries.iter().map(line).collect::<Vec<_>>(), [Ok(("a".to_owned(), etag))]);
    let store: &MemoryStore = &world.there;
    store.delete_object(&path("a"), &DeleteRequest::default()).await.unwrap();
    assert!(world.listed().await.unwrap().is_empty(), "the local copy is nobody's");
}

/// Tens of thousands of deleted keys that the upstream still lists are passed over in one page.
#[tokio::test]
async fn a_page_behind_a_great_many_deleted_keys() {
    let world = World::new(Mode::Fallback).await;
    let gone = Location {
        truth: Truth::Gone,
        todo: Some(Todo::new(Task::Delete, START)),
        remote: None,
        updated_at: START,
        kept: false,
    };
    for number in 0..66_000 {
        let key = format!("a/{number:05}");
        World::plant(&world.there, &key, &content("")).await;
        world.set_record(&key, &gone).await;
    }
    World::plant(&world.there, "b", &content("b")).await;
    assert_eq!(world.listed().await.unwrap(), ["b"]);
}
