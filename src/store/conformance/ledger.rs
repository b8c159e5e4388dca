//! Records beside objects, for the layers that keep them.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::Arc;

use bytes::Bytes;
use tokio::task::JoinSet;

use super::subject::{body, content, owner, path};
use crate::object::{BucketName, ListQuery, ObjectKey};
use crate::store::{
    DeleteRequest, GetRequest, Home, LedgerPage, LedgerQuery, NewObject, StoreError,
};

/// Runs every function, each on an empty store that `make` makes new.
pub async fn all<F, Fut>(make: F)
where
    F: Fn() -> Fut,
    Fut: Future<Output = Arc<dyn Home>>,
{
    records(&*make().await).await;
    beside_objects(&*make().await).await;
    pages(&*make().await).await;
    nothing_without_a_bucket(&*make().await).await;
    end_with_their_bucket(&*make().await).await;
    writers_never_mix(&make().await).await;
}

async fn made(home: &dyn Home, name: &str) -> BucketName {
    let name = BucketName::parse(name).unwrap();
    home.create_bucket(&name, &owner("alice")).await.unwrap();
    name
}

fn everything() -> LedgerQuery {
    LedgerQuery { limit: 10_000, ..LedgerQuery::default() }
}

async fn listed(home: &dyn Home, bucket: &BucketName) -> Vec<(String, Bytes)> {
    let page = home.entries(bucket, &everything()).await.unwrap();
    assert!(!page.more);
    page.entries.into_iter().map(|(key, record)| (key.as_str().to_owned(), record)).collect()
}

/// A record is what was set last, and nothing else has it.
pub async fn records(home: &dyn Home) {
    let (bucket, other) = (made(home, "noted").await, made(home, "noted-0").await);
    let (at, beside) = (path(&bucket, "key"), path(&bucket, "key/"));
    assert_eq!(home.entry(&at).await.unwrap(), None);
    assert!(!home.has_entries(&bucket).await.unwrap());
    home.set_entry(&at, None).await.unwrap();
    assert!(!home.has_entries(&bucket).await.unwrap());
    let values = [content(1, 200), content(2, 4000), Bytes::new(), content(3, 1), content(3, 1)];
    for value in values {
        home.set_entry(&at, Some(value.clone())).await.unwrap();
        assert_eq!(home.entry(&at).await.unwrap(), Some(value.clone()));
        assert!(home.has_entries(&bucket).await.unwrap());
        assert_eq!(listed(home, &bucket).await, [("key".to_owned(), value)]);
    }
    assert_eq!(home.entry(&beside).await.unwrap(), None);
    assert_eq!(home.entry(&path(&other, "key")).await.unwrap(), None);
    assert!(!home.has_entries(&other).await.unwrap());
    home.set_entry(&beside, Some(content(4, 10))).await.unwrap();
    for _ in 0..2 {
        home.set_entry(&at, None).await.unwrap();
        assert_eq!(home.entry(&at).await.unwrap(), None);
        assert_eq!(listed(home, &bucket).await, [("key/".to_owned(), content(4, 10))]);
    }
    home.set_entry(&at, Some(content(5, 10))).await.unwrap();
    assert_eq!(home.entry(&at).await.unwrap(), Some(content(5, 10)));
    for at in [&at, &beside] {
        assert!(home.has_entries(&bucket).await.unwrap());
        home.set_entry(at, None).await.unwrap();
    }
    assert!(!home.has_entries(&bucket).await.unwrap());
}

/// Objects and records of a key know nothing of each other.
pub async fn beside_objects(home: &dyn Home) {
    let bucket = made(home, "noted").await;
    let at = path(&bucket, "key");
    home.set_entry(&at, Some(content(1, 100))).await.unwrap();
    refused!(home.get_object(&at, &GetRequest::default()).await, StoreError::NoSuchKey);
    let list = ListQuery { limit: 10, ..ListQuery::default() };
    assert_eq!(home.list_objects(&bucket, &list).await.unwrap().entries, []);
    home.put_object(&at, NewObject::default(), body(&content(2, 300), None)).await.unwrap();
    assert_eq!(home.entry(&at).await.unwrap(), Some(content(1, 100)));
    home.set_entry(&at, Some(content(3, 100))).await.unwrap();
    let got = home.get_object(&at, &GetRequest::default()).await.unwrap();
    assert_eq!(got.body.collect(usize::MAX).await.unwrap(), content(2, 300));
    home.delete_object(&at, &DeleteRequest::default()).await.unwrap();
    assert_eq!(home.entry(&at).await.unwrap(), Some(content(3, 100)));
    let plain = path(&bucket, "plain");
    home.put_object(&plain, NewObject::default(), body(&content(4, 3), None)).await.unwrap();
    assert_eq!(home.entry(&plain).await.unwrap(), None);
    assert_eq!(home.bucket_tags(&bucket).await.unwrap(), None);
}

const KEYS: [&str; 14] = [
    "/",
    "a",
    "a/",
    "a//",
    "a/b",
    "a/b/c",
    "aX",
    "ab",
    "at/tags",
    "tags",
    "z\u{10ffff}",
    "é",
    "éa/b",
    "\u{10ffff}",
];

const PREFIXES: [&str; 7] = ["", "a", "a/", "a/b", "z\u{10ffff}", "é", "nothing"];

/// Places to start at, also such as are no text.
const STARTS: [&[u8]; 11] = [
    b"",
    b"\0",
    b"Z",
    b"a",
    b"a/",
    b"a/b",
    b"a/b/zz",
    b"a\xff",
    b"\xc3",
    b"\xf4\x8f\xbf\xbf",
    b"\xff",
];

/// What a page must hold, by the contract's words.
fn expected(all: &BTreeMap<&[u8], Bytes>, query: &LedgerQuery) -> LedgerPage {
    let mut wanted = all.iter().filter(|(key, _)| {
        key.starts_with(query.prefix.as_bytes())
            && query.after.as_deref().is_none_or(|after| **key > after)
    });
    let entry = |(key, record): (&&[u8], &Bytes)| {
        let key = ObjectKey::parse(std::str::from_utf8(key).unwrap()).unwrap();
        (key, record.clone())
    };
    let entries = wanted.by_ref().take(query.limit).map(entry).collect();
    LedgerPage { entries, more: query.limit > 0 && wanted.next().is_some() }
}

/// Pages hold the records in the order of their keys' bytes, whatever they were set in.
pub async fn pages(home: &dyn Home) {
    let bucket = made(home, "noted").await;
    for name in ["noted-0", "notec", "zzz"] {
        let other = made(home, name).await;
        home.set_entry(&path(&other, "a/other"), Some(content(0, 5))).await.unwrap();
    }
    let mut all = BTreeMap::new();
    for (seed, key) in (1..).zip(KEYS.iter().rev()) {
        home.set_entry(&path(&bucket, key), Some(content(seed, 30))).await.unwrap();
        all.insert(key.as_bytes(), content(seed, 30));
    }
    home.set_entry(&path(&bucket, "a/bb"), Some(content(0, 5))).await.unwrap();
    home.set_entry(&path(&bucket, "a/bb"), None).await.unwrap();
    let starts: Vec<_> = STARTS.iter().map(|start| Some(start.to_vec())).chain([None]).collect();
    for prefix in PREFIXES {
        for after in &starts {
            for limit in [0, 1, 2, 5, KEYS.len(), 1000] {
                let query = LedgerQuery { prefix: prefix.to_owned(), after: after.clone(), limit };
                let page = home.entries(&bucket, &query).await.unwrap();
                assert_eq!(page, expected(&all, &query), "{query:?}");
            }
        }
    }
    let mut query = LedgerQuery { limit: 3, ..LedgerQuery::default() };
    let mut seen = Vec::new();
    loop {
        let page = home.entries(&bucket, &query).await.unwrap();
        seen.extend(page.entries.iter().map(|(key, _)| key.as_str().to_owned()));
        query.after = seen.last().map(|key| key.as_bytes().to_vec());
        if !page.more {
            break;
        }
    }
    assert_eq!(seen, KEYS);
}

/// Without a bucket there is no ledger either.
pub async fn nothing_without_a_bucket(home: &dyn Home) {
    let bucket = BucketName::parse("missing").unwrap();
    let at = path(&bucket, "key");
    refused!(home.entry(&at).await, StoreError::NoSuchBucket);
    refused!(home.set_entry(&at, None).await, StoreError::NoSuchBucket);
    refused!(home.set_entry(&at, Some(content(1, 1))).await, StoreError::NoSuchBucket);
    refused!(home.has_entries(&bucket).await, StoreError::NoSuchBucket);
    refused!(home.entries(&bucket, &everything()).await, StoreError::NoSuchBucket);
    let none = LedgerQuery::default();
    refused!(home.entries(&bucket, &none).await, StoreError::NoSuchBucket);
}

/// A bucket with records alone is empty, and a later one of its name has nothing of them.
pub async fn end_with_their_bucket(home: &dyn Home) {
    let kept = made(home, "kept").await;
    home.set_entry(&path(&kept, "key"), Some(content(1, 9))).await.unwrap();
    for round in 0..3 {
        let bucket = made(home, "noted").await;
        assert_eq!(listed(home, &bucket).await, []);
        assert!(!home.has_entries(&bucket).await.unwrap());
        assert_eq!(home.entry(&path(&bucket, "key 7")).await.unwrap(), None);
        for number in 0..20 {
            let at = path(&bucket, &format!("key {number}"));
            home.set_entry(&at, Some(content(round, 50))).await.unwrap();
        }
        let at = path(&bucket, "key 1");
        home.put_object(&at, NewObject::default(), body(&content(1, 10), None)).await.unwrap();
        refused!(home.delete_bucket(&bucket).await, StoreError::BucketNotEmpty);
        assert_eq!(listed(home, &bucket).await.len(), 20, "a refused delete takes nothing");
        home.delete_object(&at, &DeleteRequest::default()).await.unwrap();
        home.delete_bucket(&bucket).await.unwrap();
        refused!(home.entry(&at).await, StoreError::NoSuchBucket);
        refused!(home.has_entries(&bucket).await, StoreError::NoSuchBucket);
    }
    assert_eq!(listed(home, &kept).await, [("key".to_owned(), content(1, 9))]);
}

/// Many at once: a key has one writer's record whole, and none is lost.
pub async fn writers_never_mix(home: &Arc<dyn Home>) {
    let bucket = made(&**home, "noted").await;
    let mut tasks = JoinSet::new();
    for writer in 0..64_u64 {
        let home = Arc::clone(home);
        let (own, shared) = (path(&bucket, &format!("own {writer}")), path(&bucket, "shared"));
        tasks.spawn(async move {
            for (at, size) in [(&own, 10), (&shared, 900), (&own, 20)] {
                home.set_entry(at, Some(content(writer, size))).await.unwrap();
            }
            if writer % 2 == 0 {
                home.set_entry(&own, None).await.unwrap();
            }
            let now = home.entry(&own).await.unwrap();
            assert_eq!(now, (writer % 2 == 1).then(|| content(writer, 20)), "its own write");
        });
    }
    while let Some(done) = tasks.join_next().await {
        done.unwrap();
    }
    let shared = home.entry(&path(&bucket, "shared")).await.unwrap().unwrap();
    assert!((0..64).any(|writer| content(writer, 900) == shared));
    assert_eq!(listed(&**home, &bucket).await.len(), 33);
}
