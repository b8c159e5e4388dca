//! Objects of one PUT: stored, read, replaced, deleted.

use std::future::poll_fn;
use std::task::Poll;

use bytes::Bytes;
use md5::{Digest, Md5};

use super::subject::{body, path};
use super::{Subject, abandoned, content, failing};
use crate::body::BodyError;
use crate::object::{
    Algorithm, ChecksumKind, ContentHeaders, ETag, ListQuery, MAX_KEY_BYTES, ObjectMetadata,
    TagSet, UserMetadata, VersionId,
};
use crate::store::{DeleteRequest, Deleted, GetRequest, NewObject, StoreError, Stored};

/// Sizes around what stores may treat differently.
const SIZES: [usize; 9] = [0, 1, 65_535, 65_536, 65_537, 131_071, 131_072, 131_073, 400_000];

/// Content of every size comes back as it went in.
pub async fn what_is_put_is_got(subject: &Subject) {
    let bucket = subject.bucket("contents").await;
    for (seed, size) in (0..).zip(SIZES) {
        let content = content(seed, size);
        let at = path(&bucket, &format!("{size} bytes"));
        let stored = subject.put(&at, &content).await;
        assert_eq!(stored.version, None, "the bucket keeps no versions");
        assert_eq!(stored.object.size, size as u64);
        assert_eq!(stored.object.etag, ETag::from_md5(Md5::digest(&content).into()));
        assert_eq!(subject.got(&at).await, content, "{size} bytes");
    }
    for (seed, size) in (0..).zip(SIZES) {
        let at = path(&bucket, &format!("{size} bytes"));
        assert_eq!(subject.got(&at).await, content(seed, size), "{size} bytes, later");
    }
}

fn rich_metadata() -> ObjectMetadata {
    let mut user = UserMetadata::default();
    user.add("color", "Grüße  \u{1F600}");
    user.add("empty", "");
    ObjectMetadata {
        headers: ContentHeaders {
            content_type: Some("text/plain; charset=utf-8".into()),
            content_encoding: Some("gzip".into()),
            content_language: Some("de".into()),
            content_disposition: Some("attachment; filename=\"x\"".into()),
            cache_control: Some("no-cache".into()),
            expires: Some("not a date".into()),
            website_redirect_location: Some("/other".into()),
        },
        user,
        storage_class: Some("GLACIER_IR".into()),
    }
}

fn tags(pairs: &[(&str, &str)]) -> TagSet {
    TagSet::for_object(pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))).unwrap()
}

/// A head has everything that was stored, the same on every way to it.
pub async fn the_head_says_all(subject: &Subject) {
    let store = &subject.store;
    let bucket = subject.bucket("heads").await;
    for (size, algorithm) in [100, 200_000, 0, 7, 300_000].into_iter().zip(Algorithm::ALL) {
        let at = path(&bucket, algorithm.wire_name());
        let content = content(7, size);
        let new = NewObject {
            metadata: rich_metadata(),
            tags: tags(&[("a", "1"), ("b", "")]),
            ..NewObject::default()
        };
        let put = store.put_object(&at, new, body(&content, Some(algorithm))).await.unwrap();
        let head = store.head_object(&at, &GetRequest::default()).await.unwrap();
        let got = store.get_object(&at, &GetRequest::default()).await.unwrap();
        assert_eq!(head, got.head);
        assert_eq!(head.object, put.object);
        assert_eq!((head.range, head.part), (None, None));
        let object = head.object;
        assert_eq!((&object.key, object.version), (&at.key, VersionId::Null));
        assert_eq!(object.metadata, rich_metadata());
        assert_eq!((object.tag_count, object.parts_count), (2, None));
        assert_eq!(object.last_modified, Subject::START.ceil_second());
        let checksum = object.checksum.unwrap();
        assert_eq!(checksum.value, algorithm.digest(&content));
        assert_eq!((checksum.kind, checksum.parts), (ChecksumKind::FullObject, None));
        assert!(store.object_parts(&at, None, 0, 10).await.unwrap().parts.is_empty());
    }
}

/// Nothing of an object is left where another took its place.
pub async fn overwriting_replaces_all(subject: &Subject) {
    let store = &subject.store;
    let at = path(&subject.bucket("replaced").await, "key");
    let new =
        NewObject { metadata: rich_metadata(), tags: tags(&[("a", "1")]), ..NewObject::default() };
    for (seed, size) in (0..).zip(SIZES.into_iter().chain(SIZES.into_iter().rev())) {
        let content = content(seed, size);
        subject.put_as(&at, new.clone(), &self::content(99, 500)).await;
        subject.clock.advance(5000);
        let Stored { object, .. } = subject.put(&at, &content).await;
        assert_eq!(subject.got(&at).await, content);
        assert_eq!(object.metadata, ObjectMetadata::default());
        assert_eq!((object.tag_count, object.checksum), (0, None));
        assert!(store.object_tags(&at, None).await.unwrap().is_empty());
        let head = store.head_object(&at, &GetRequest::default()).await.unwrap();
        assert_eq!(head.object.size, size as u64);
        let now = crate::object::Clock::now(&*subject.clock);
        assert_eq!(head.object.last_modified, now.ceil_second());
    }
}

/// A deleted object is gone; deleting what isn't there succeeds.
pub async fn deleting(subject: &Subject) {
    let store = &subject.store;
    let bucket = subject.bucket("deleted").await;
    let (dir, slash, child) =
        (path(&bucket, "dir"), path(&bucket, "dir/"), path(&bucket, "dir/child"));
    for at in [&dir, &slash, &child] {
        subject.put(at, &content(1, 200_000)).await;
    }
    for _ in 0..2 {
        let deleted = store.delete_object(&dir, &DeleteRequest::default()).await.unwrap();
        assert_eq!(deleted, Deleted::default());
        refused!(store.get_object(&dir, &GetRequest::default()).await, StoreError::NoSuchKey);
        refused!(store.head_object(&dir, &GetRequest::default()).await, StoreError::NoSuchKey);
        refused!(store.object_tags(&dir, None).await, StoreError::NoSuchKey);
        refused!(store.set_object_tags(&dir, None, TagSet::default()).await, StoreError::NoSuchKey);
        refused!(store.object_parts(&dir, None, 0, 1).await, StoreError::NoSuchKey);
    }
    assert_eq!(subject.got(&slash).await, content(1, 200_000));
    assert_eq!(subject.got(&child).await, content(1, 200_000));
    subject.put(&dir, &content(2, 10)).await;
    assert_eq!(subject.got(&dir).await, content(2, 10));
}

/// Keys that file systems, URLs and tools take for something else.
pub async fn any_text_is_a_key(subject: &Subject) {
    let store = &subject.store;
    let bucket = subject.bucket("names").await;
    let longest = ["k".repeat(MAX_KEY_BYTES), "/".repeat(MAX_KEY_BYTES), "😀".repeat(256)];
    let mut keys: Vec<&str> = vec![
        " ",
        "/",
        "//",
        "a",
        "A",
        "a/",
        "a/b",
        "a//b",
        "a/./b",
        "../x",
        "..",
        ".",
        "%2e%2e%2f",
        "a%b",
        "a+b",
        "a b",
        "a&b",
        "<a>",
        "\"",
        "'",
        "\\",
        "?x=y",
        "#",
        "*",
        "a\0b",
        "\u{1}",
        "\r\n",
        "\t",
        "é",
        "e\u{301}",
        "日本語",
        "😀",
        "\u{10ffff}",
        "\u{ffff}",
        "null",
        "CON",
        "con.txt",
        "~",
        "-",
        "$HOME",
    ];
    keys.extend(longest.iter().map(String::as_str));
    for key in &keys {
        subject.put(&path(&bucket, key), &Bytes::copy_from_slice(key.as_bytes())).await;
    }
    for key in &keys {
        let got = subject.got(&path(&bucket, key)).await;
        assert_eq!(got, key.as_bytes(), "{key:?}");
    }
    let query = ListQuery { limit: keys.len() + 1, ..ListQuery::default() };
    assert_eq!(store.list_objects(&bucket, &query).await.unwrap().entries.len(), keys.len());
    for key in &keys {
        store.delete_object(&path(&bucket, key), &DeleteRequest::default()).await.unwrap();
    }
    assert!(store.list_objects(&bucket, &query).await.unwrap().entries.is_empty());
}

/// Without versioning an object is its version `null`, and there is no other.
pub async fn versions_without_versioning(subject: &Subject) {
    let store = &subject.store;
    let bucket = subject.bucket("versions").await;
    let (at, absent) = (path(&bucket, "key"), path(&bucket, "absent"));
    let stored = subject.put(&at, &content(1, 10)).await;
    let of = |version| GetRequest { version: Some(version), ..GetRequest::default() };
    let head = store.head_object(&at, &of(VersionId::Null)).await.unwrap();
    assert_eq!(head.object, stored.object);
    assert!(store.object_tags(&at, Some(VersionId::Null)).await.unwrap().is_empty());
    for (at, version) in [(&at, VersionId::Id(7)), (&absent, VersionId::Null)] {
        refused!(store.head_object(at, &of(version)).await, StoreError::NoSuchVersion);
        refused!(store.get_object(at, &of(version)).await, StoreError::NoSuchVersion);
        refused!(store.object_tags(at, Some(version)).await, StoreError::NoSuchVersion);
        let tagged = store.set_object_tags(at, Some(version), TagSet::default()).await;
        refused!(tagged, StoreError::NoSuchVersion);
        refused!(store.object_parts(at, Some(version), 0, 1).await, StoreError::NoSuchVersion);
        let delete = DeleteRequest { version: Some(version), condition: None };
        assert_eq!(store.delete_object(at, &delete).await.unwrap(), Deleted::default());
    }
    assert_eq!(subject.got(&at).await, content(1, 10));
    let delete = DeleteRequest { version: Some(VersionId::Null), condition: None };
    store.delete_object(&at, &delete).await.unwrap();
    refused!(store.head_object(&at, &GetRequest::default()).await, StoreError::NoSuchKey);
}

/// A body that ends in an error changes nothing, and the error comes back as it was.
pub async fn a_broken_body_stores_nothing(subject: &Subject) {
    let store = &subject.store;
    let bucket = subject.bucket("broken").await;
    let (old, fresh) = (path(&bucket, "old"), path(&bucket, "fresh"));
    let before = subject.put(&old, &content(1, 1000)).await.object;
    for size in [1, 1000, 131_072, 131_073, 400_000] {
        for at in [&old, &fresh] {
            let broken = failing(&content(2, size), BodyError::Md5);
            let put = store.put_object(at, NewObject::default(), broken).await;
            refused!(put, StoreError::Body(BodyError::Md5));
        }
    }
    refused!(store.head_object(&fresh, &GetRequest::default()).await, StoreError::NoSuchKey);
    let head = store.head_object(&old, &GetRequest::default()).await.unwrap();
    assert_eq!(head.object, before);
    assert_eq!(subject.got(&old).await, content(1, 1000));
    let query = ListQuery { limit: 10, ..ListQuery::default() };
    assert_eq!(store.list_objects(&bucket, &query).await.unwrap().entries.len(), 1);
}

/// A put whose future is dropped half-way changes nothing.
pub async fn an_abandoned_put_stores_nothing(subject: &Subject) {
    let store = &subject.store;
    let bucket = subject.bucket("abandoned").await;
    let at = path(&bucket, "key");
    subject.put(&at, &content(1, 1000)).await;
    for size in [10, 131_073, 400_000] {
        for target in [&at, &path(&bucket, "fresh")] {
            let body = abandoned(&content(2, size));
            let mut put = store.put_object(target, NewObject::default(), body);
            for _ in 0..20 {
                let waits = poll_fn(|cx| Poll::Ready(put.as_mut().poll(cx).is_pending())).await;
                assert!(waits, "the body has not ended");
                tokio::task::yield_now().await;
            }
        }
    }
    assert_eq!(subject.got(&at).await, content(1, 1000));
    let query = ListQuery { limit: 10, ..ListQuery::default() };
    assert_eq!(store.list_objects(&bucket, &query).await.unwrap().entries.len(), 1);
}
