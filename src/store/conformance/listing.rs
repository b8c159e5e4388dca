//! Listings of objects and versions, against a model that looks at every key.

use bytes::Bytes;

use super::Subject;
use super::subject::{content, path};
use crate::object::{
    Algorithm, BucketName, ChecksumKind, ListEntry, ListPage, ListQuery, ObjectMetadata,
    VersionEntry, VersionId, VersionMarker, VersionsPage, VersionsQuery,
};
use crate::store::{DeleteRequest, NewObject};

/// Keys that share prefixes, contain delimiters at every place, and end at every edge of UTF-8.
const KEYS: [&str; 24] = [
    "/",
    "//x",
    "a",
    "a/",
    "a//b",
    "a/b",
    "a/b/c",
    "a/b/d",
    "a/c",
    "aXXb",
    "aXXc",
    "ab",
    "b/1",
    "b/2",
    "b0",
    "d e+f/g",
    "obj+",
    "obj/",
    "obj1",
    "z\u{10ffff}",
    "z\u{10ffff}a/",
    "é",
    "éa/b",
    "\u{10ffff}",
];

const PREFIXES: [&str; 8] = ["", "a", "a/", "a/b", "obj", "z\u{10ffff}", "é", "nothing"];

const DELIMITERS: [Option<&str>; 7] =
    [None, Some("/"), Some("XX"), Some("b"), Some("//"), Some("\u{10ffff}"), Some(" e+")];

const STARTS: [Option<&str>; 9] = [
    None,
    Some("a"),
    Some("a/"),
    Some("a/b/"),
    Some("a/b/zz"),
    Some("aX"),
    Some("b"),
    Some("obj/"),
    Some("\u{10ffff}\u{10ffff}"),
];

/// Keys as `Ok` and common prefixes as `Err`.
type Lines = Vec<Result<String, String>>;

fn naive(keys: &[&str], prefix: &str, delimiter: Option<&str>, after: Option<&str>) -> Lines {
    let mut keys = keys.to_vec();
    keys.sort_unstable();
    let mut lines = Lines::new();
    for key in keys.into_iter().filter(|key| key.starts_with(prefix)) {
        let rest = &key[prefix.len()..];
        let line = match delimiter.and_then(|d| rest.find(d).map(|at| at + d.len())) {
            None => Ok(key.to_owned()),
            Some(end) => Err(key[..prefix.len() + end].to_owned()),
        };
        let (Ok(text) | Err(text)) = &line;
        if after.is_none_or(|after| text.as_str() > after) && lines.last() != Some(&line) {
            lines.push(line);
        }
    }
    lines
}

async fn filled(subject: &Subject, name: &str) -> BucketName {
    let bucket = subject.bucket(name).await;
    // A neighbour on either side, whose keys must never show.
    for other in [format!("{name}-0"), format!("{}9", &name[..name.len() - 1])] {
        let other = subject.bucket(&other).await;
        subject.put(&path(&other, "a/other"), &Bytes::new()).await;
    }
    for key in KEYS.into_iter().rev() {
        subject.put(&path(&bucket, key), &Bytes::copy_from_slice(key.as_bytes())).await;
    }
    bucket
}

fn lines(page: &ListPage) -> Lines {
    let line = |entry: &ListEntry| match entry {
        ListEntry::Object { key, .. } => Ok(key.as_str().to_owned()),
        ListEntry::CommonPrefix(prefix) => Err(prefix.clone()),
    };
    page.entries.iter().map(line).collect()
}

/// Pages of every size, with every prefix, delimiter and start, together show each line once.
pub async fn objects(subject: &Subject) {
    let store = &subject.store;
    let bucket = filled(subject, "list-objects-5").await;
    for (prefix, delimiter) in PREFIXES.iter().flat_map(|p| DELIMITERS.map(|d| (*p, d))) {
        for after in STARTS {
            let expected = naive(&KEYS, prefix, delimiter, after);
            for limit in limits(expected.len()) {
                let mut query = ListQuery {
                    prefix: prefix.to_owned(),
                    delimiter: delimiter.map(str::to_owned),
                    after: after.map(str::to_owned),
                    limit,
                };
                let mut seen = Lines::new();
                loop {
                    let page = store.list_objects(&bucket, &query).await.unwrap();
                    seen.extend(lines(&page));
                    let full = page.entries.len() == limit;
                    assert!(full || page.next.is_none(), "a page is as full as it can be");
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
    let none = store.list_objects(&bucket, &ListQuery::default()).await.unwrap();
    assert_eq!(none, ListPage::default(), "a page of no lines says nothing of what follows");
}

/// Small pages, those around the whole, and more than the whole.
fn limits(lines: usize) -> impl Iterator<Item = usize> {
    let mut limits = vec![1, 2, 3, lines.max(2) - 1, lines.max(1), lines + 1, 1000];
    limits.sort_unstable();
    limits.dedup();
    limits.into_iter()
}

/// The same of versions, of which every key has one.
pub async fn versions(subject: &Subject) {
    let store = &subject.store;
    let bucket = filled(subject, "list-versions-5").await;
    for (prefix, delimiter) in PREFIXES.iter().flat_map(|p| DELIMITERS.map(|d| (*p, d))) {
        for after in STARTS {
            let expected = naive(&KEYS, prefix, delimiter, after);
            for limit in limits(expected.len()) {
                let marker = |key: &str| VersionMarker { key: key.to_owned(), version: None };
                let mut query = VersionsQuery {
                    prefix: prefix.to_owned(),
                    delimiter: delimiter.map(str::to_owned),
                    after: after.map(marker),
                    limit,
                };
                let mut seen = Lines::new();
                loop {
                    let page = store.list_versions(&bucket, &query).await.unwrap();
                    seen.extend(page.entries.iter().map(version_line));
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
    let none = store.list_versions(&bucket, &VersionsQuery::default()).await.unwrap();
    assert_eq!(none, VersionsPage::default());
}

fn version_line(entry: &VersionEntry) -> Result<String, String> {
    match entry {
        VersionEntry::Object { version, latest, entry: ListEntry::Object { key, .. } } => {
            assert_eq!((*version, *latest), (VersionId::Null, true));
            Ok(key.as_str().to_owned())
        }
        VersionEntry::CommonPrefix(prefix) => Err(prefix.clone()),
        other => panic!("no such line in a bucket without versions: {other:?}"),
    }
}

/// A line says what the head says.
pub async fn entries(subject: &Subject) {
    let store = &subject.store;
    let bucket = subject.bucket("lines").await;
    for (number, size) in [0usize, 10, 131_073].into_iter().enumerate() {
        let at = path(&bucket, &format!("{number}"));
        let metadata = ObjectMetadata {
            storage_class: (number == 1).then(|| "STANDARD_IA".to_owned()),
            ..ObjectMetadata::default()
        };
        let new = NewObject { metadata, ..NewObject::default() };
        let body = super::subject::body(&content(1, size), Some(Algorithm::Sha256));
        let object = store.put_object(&at, new, body).await.unwrap().object;
        let expected = ListEntry::Object {
            key: object.key,
            size: size as u64,
            etag: object.etag,
            last_modified: object.last_modified,
            checksum: Some((Algorithm::Sha256, ChecksumKind::FullObject)),
            storage_class: object.metadata.storage_class,
        };
        let prefix = at.key.as_str().to_owned();
        let query = ListQuery { prefix: prefix.clone(), limit: 1, ..ListQuery::default() };
        let page = store.list_objects(&bucket, &query).await.unwrap();
        assert_eq!(page.entries, std::slice::from_ref(&expected));
        let query = VersionsQuery { prefix, limit: 1, ..VersionsQuery::default() };
        let page = store.list_versions(&bucket, &query).await.unwrap();
        let version =
            VersionEntry::Object { version: VersionId::Null, latest: true, entry: expected };
        assert_eq!(page.entries, [version]);
        subject.clock.advance(1234);
    }
}

/// What was written is listed at once, what was deleted is not.
pub async fn follows_writes(subject: &Subject) {
    let store = &subject.store;
    let bucket = subject.bucket("follows").await;
    let all = ListQuery { limit: 100, delimiter: Some("/".into()), ..ListQuery::default() };
    let mut there: Vec<&str> = Vec::new();
    for key in KEYS {
        subject.put(&path(&bucket, key), &Bytes::new()).await;
        there.push(key);
        let page = store.list_objects(&bucket, &all).await.unwrap();
        assert_eq!(lines(&page), naive(&there, "", Some("/"), None));
    }
    while let Some(key) = there.pop() {
        store.delete_object(&path(&bucket, key), &DeleteRequest::default()).await.unwrap();
        let page = store.list_objects(&bucket, &all).await.unwrap();
        assert_eq!(lines(&page), naive(&there, "", Some("/"), None));
    }
}
