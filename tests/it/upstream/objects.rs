//! Objects through the upstream layer, where the conformance functions do not look.

use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use stowgate::body::{BodyError, Digests, Expected, Payload, Source, digesting};
use stowgate::object::{
    Algorithm, BucketName, ChecksumChoice, CompletedPart, Completion, CustomerKey, ETag, ETagMatch,
    Encrypted, Encryption, KeyFault, ListEntry, ListQuery, ObjectKey, ObjectMetadata, Owner,
    PartNumber, SystemClock, TagSet, WriteCondition,
};
use stowgate::store::conformance::{body, content};
use stowgate::store::upstream::{Quirks, UpstreamBucket, UpstreamStore};
use stowgate::store::{
    Buckets, DeleteRequest, GetRequest, Multipart, NewObject, NewUpload, ObjectPath, Objects,
    Store, StoreError, Tags, UploadPath,
};

use super::{Upstream, connect, owner};

const MIB: usize = 1 << 20;

async fn pair(bucket: &str) -> (Upstream, UpstreamStore, BucketName) {
    let upstream = Upstream::start(Arc::new(SystemClock)).await;
    let store = connect(upstream.options(), Arc::new(SystemClock)).await;
    let name = BucketName::parse(bucket).unwrap();
    store.create_bucket(&name, &owner()).await.unwrap();
    (upstream, store, name)
}

fn path(bucket: &BucketName, key: &str) -> ObjectPath {
    ObjectPath { bucket: bucket.clone(), key: ObjectKey::parse(key).unwrap() }
}

async fn read(store: &dyn Store, at: &ObjectPath) -> Bytes {
    let got = store.get_object(at, &GetRequest::default()).await.unwrap();
    got.body.collect(usize::MAX).await.unwrap()
}

/// Gives all that it announced, and only then says that it was wrong.
struct Late(Option<Bytes>);

impl Source for Late {
    fn poll_chunk(&mut self, _: &mut Context<'_>) -> Poll<Option<Result<Bytes, BodyError>>> {
        Poll::Ready(Some(self.0.take().ok_or(BodyError::ChunkSignature)))
    }

    fn digests(&self) -> Option<&Digests> {
        None
    }

    fn trailer(&self, _: &str) -> Option<&str> {
        None
    }
}

#[tokio::test]
async fn a_payload_that_ends_in_an_error_stores_nothing() {
    let (upstream, store, bucket) = pair("held-back").await;
    let at = path(&bucket, "key");
    for size in [0, 1, 65_536, 65_537, 3 * MIB] {
        let late = Late((size > 0).then(|| content(1, size)));
        let payload = Payload::new(Some(size as u64), late);
        let put = store.put_object(&at, NewObject::default(), payload).await;
        let Err(StoreError::Body(BodyError::ChunkSignature)) = put else {
            panic!("{size}: {put:?}");
        };
    }
    let all = ListQuery { limit: 10, ..ListQuery::default() };
    assert!(upstream.store.list_objects(&bucket, &all).await.unwrap().entries.is_empty());
}

/// What needs a customer's key answers HEAD without a word. That is no failure of the service, and
/// conditions on the key are judged all the same.
#[tokio::test]
async fn a_customers_key_that_is_missing_is_no_failure() {
    let (_upstream, store, bucket) = pair("keyed").await;
    let (theirs, plain) = (path(&bucket, "theirs"), path(&bucket, "plain"));
    let key = CustomerKey::new([7; 32]);
    let encryption = Some(Encryption::Customer(key.clone()));
    let keyed = || NewObject { encryption: encryption.clone(), ..NewObject::default() };
    let put = |new| store.put_object(&theirs, new, body(&content(1, 100), None));
    let stored = put(keyed()).await.unwrap();
    let new = NewObject::default();
    store.put_object(&plain, new, body(&content(2, 100), None)).await.unwrap();
    let with = |key: &CustomerKey| GetRequest { key: Some(key.clone()), ..GetRequest::default() };
    for (at, request, expected) in [
        (&theirs, GetRequest::default(), KeyFault::Missing),
        (&theirs, with(&CustomerKey::new([8; 32])), KeyFault::Wrong),
        (&plain, with(&key), KeyFault::Unneeded),
    ] {
        let head = store.head_object(at, &request).await.unwrap_err();
        assert!(matches!(head, StoreError::CustomerKey(fault) if fault == expected), "{head:?}");
        let got = store.get_object(at, &request).await.map(|_| ()).unwrap_err();
        assert!(matches!(got, StoreError::CustomerKey(fault) if fault == expected), "{got:?}");
    }
    let absent = WriteCondition::Absent;
    let tag = |tag| WriteCondition::Matches(ETagMatch::Tags(vec![tag]));
    let (right, wrong) = (tag(stored.object.etag), tag(ETag::parse("\"other\"")));
    let exists = WriteCondition::Matches(ETagMatch::Any);
    for condition in [&right, &exists] {
        store.check_condition(&theirs, condition).await.unwrap();
    }
    for condition in [&absent, &wrong] {
        let failed = store.check_condition(&theirs, condition).await.unwrap_err();
        assert!(matches!(failed, StoreError::PreconditionFailed(_)), "{failed:?}");
        let failed = put(NewObject { condition: Some(condition.clone()), ..keyed() }).await;
        let failed = failed.unwrap_err();
        assert!(matches!(failed, StoreError::PreconditionFailed(_)), "{failed:?}");
    }
    put(NewObject { condition: Some(exists), ..keyed() }).await.unwrap();
}

/// An object that is completed under a customer's key is read back with the key, or without as a
/// listing shows it.
#[tokio::test]
async fn a_completion_under_a_customers_key_tells_its_size() {
    let (_upstream, store, bucket) = pair("completed").await;
    let key = CustomerKey::new([7; 32]);
    for (name, given) in [("with", Some(key.clone())), ("without", None)] {
        let at = path(&bucket, name);
        let new = NewUpload {
            metadata: ObjectMetadata::default(),
            tags: TagSet::default(),
            checksum: ChecksumChoice::like(None),
            initiator: owner(),
            encryption: Some(Encryption::Customer(key.clone())),
            acl: None,
        };
        let id = store.create_upload(&at, new).await.unwrap();
        let upload = UploadPath { object: at.clone(), id };
        let number = PartNumber::new(1).unwrap();
        let part = body(&content(1, 100), None);
        let part = store.put_part(&upload, number, part, Some(&key)).await.unwrap();
        let parts = vec![CompletedPart { number, etag: part.etag, checksum: None }];
        let completion = Completion { parts, key: given, ..Completion::default() };
        let stored = store.complete_upload(&upload, &completion, None).await.unwrap();
        assert_eq!(stored.object.size, 100, "{name}");
        assert_eq!(stored.object.encryption, Some(Encrypted::Customer), "{name}");
    }
}

#[tokio::test]
async fn large_bodies_stream_with_every_kind_of_checksum() {
    let (upstream, store, bucket) = pair("streamed").await;
    let whole = content(5, 9 * MIB + 1);
    for algorithm in Algorithm::ALL {
        let value = algorithm.digest(&whole);
        let given = Expected { checksum: Some(value.clone()), ..Expected::default() };
        let computed = Expected { compute: Some(algorithm), ..Expected::default() };
        for (kind, expected) in [("given", given), ("computed", computed)] {
            let at = path(&bucket, &format!("{}/{kind}", algorithm.wire_name()));
            let payload = digesting(body(&whole, None), expected);
            let stored = store.put_object(&at, NewObject::default(), payload).await.unwrap();
            assert_eq!(stored.object.checksum.unwrap().value, value, "{kind}");
            let there = upstream.store.head_object(&at, &GetRequest::default()).await.unwrap();
            assert_eq!(there.object.checksum.unwrap().value, value, "{kind}");
            assert_eq!(read(&store, &at).await, whole);
        }
    }
}

#[tokio::test]
async fn a_wrong_checksum_is_the_clients_fault() {
    let (upstream, store, bucket) = pair("wrong-sums").await;
    let at = path(&bucket, "key");
    for size in [10, MIB] {
        let wrong = Some(Algorithm::Sha256.digest(b"something else"));
        let expected = Expected { checksum: wrong, ..Expected::default() };
        let payload = digesting(body(&content(1, size), None), expected);
        let put = store.put_object(&at, NewObject::default(), payload).await;
        let Err(StoreError::Body(BodyError::Checksum(Algorithm::Sha256))) = put else {
            panic!("{size}: {put:?}");
        };
    }
    let there = upstream.store.head_object(&at, &GetRequest::default()).await;
    assert!(matches!(there, Err(StoreError::NoSuchKey)));
}

#[tokio::test]
async fn a_bucket_may_be_a_prefix_of_another() {
    let (upstream, plain, real) = pair("real-bucket").await;
    let mapped = BucketName::parse("mapped").unwrap();
    let target = UpstreamBucket { bucket: "real-bucket".into(), prefix: "dir/".into() };
    let mut options = upstream.options();
    options.buckets.insert(mapped.clone(), target);
    let store = connect(options, Arc::new(SystemClock)).await;
    assert_eq!(store.target(&mapped), ("real-bucket".to_owned(), "dir/".to_owned()));

    let neighbours = ["dir", "dir/", "dirt", "a", "e"];
    for key in neighbours {
        plain
            .put_object(&path(&real, key), NewObject::default(), body(&content(1, 3), None))
            .await
            .unwrap();
    }
    let keys = ["a", "a/b", "b", "dir/x"];
    for key in keys {
        let at = path(&mapped, key);
        store.put_object(&at, NewObject::default(), body(&content(2, 5), None)).await.unwrap();
        assert_eq!(read(&store, &at).await, content(2, 5));
        assert_eq!(read(&plain, &path(&real, &format!("dir/{key}"))).await, content(2, 5));
    }
    for (after, delimiter, expected) in [
        (None, None, vec!["a", "a/b", "b", "dir/x"]),
        (Some("a"), None, vec!["a/b", "b", "dir/x"]),
        (None, Some("/"), vec!["a", "a/", "b", "dir/"]),
        (Some("a/b"), Some("/"), vec!["b", "dir/"]),
    ] {
        let query = ListQuery {
            after: after.map(str::to_owned),
            delimiter: delimiter.map(str::to_owned),
            limit: 100,
            ..ListQuery::default()
        };
        let page = store.list_objects(&mapped, &query).await.unwrap();
        let lines: Vec<&str> = (page.entries.iter())
            .map(|entry| match entry {
                ListEntry::Object { key, .. } => key.as_str(),
                ListEntry::CommonPrefix(prefix) => prefix,
            })
            .collect();
        assert_eq!((lines, page.next), (expected, None));
    }
    let copied = store.copy_object(&path(&mapped, "a"), &path(&mapped, "c"), plain_copy()).await;
    assert_eq!(copied.unwrap().object.size, 5);
    assert_eq!(read(&plain, &path(&real, "dir/c")).await, content(2, 5));

    let exists = store.create_bucket(&mapped, &owner()).await;
    assert!(matches!(exists, Err(StoreError::BucketExists { .. })));
    let full = store.delete_bucket(&mapped).await;
    assert!(matches!(full, Err(StoreError::BucketNotEmpty)));
    for key in keys.into_iter().chain(["c"]) {
        store.delete_object(&path(&mapped, key), &DeleteRequest::default()).await.unwrap();
    }
    let kept = store.delete_bucket(&mapped).await;
    assert!(matches!(kept, Err(StoreError::Unsupported { .. })));
    for key in neighbours {
        assert_eq!(read(&plain, &path(&real, key)).await, content(1, 3), "{key}");
    }
}

fn plain_copy() -> stowgate::store::CopyRequest {
    stowgate::store::CopyRequest {
        source_version: None,
        source_conditions: stowgate::object::ReadConditions::default(),
        metadata: None,
        tags: None,
        checksum: None,
        condition: None,
        size_limit: u64::MAX,
        source_key: None,
        encryption: None,
        acl: None,
    }
}

#[tokio::test]
async fn buckets_are_made_found_and_removed() {
    let (_upstream, store, first) = pair("first-bucket").await;
    let second = BucketName::parse("second-bucket").unwrap();
    let bob = Owner { id: "bob".to_owned(), display_name: String::new() };
    store.create_bucket(&second, &bob).await.unwrap();
    let again = store.create_bucket(&second, &bob).await;
    assert!(matches!(again, Err(StoreError::BucketExists { owner }) if owner.id == "alice"));
    let bucket = store.head_bucket(&second).await.unwrap();
    assert_eq!((bucket.name, bucket.owner), (second.clone(), owner()));
    let query = |owner: Option<&str>, limit| stowgate::object::BucketsQuery {
        owner: owner.map(str::to_owned),
        limit,
        ..Default::default()
    };
    let page = store.list_buckets(&query(Some("alice"), 1)).await.unwrap();
    assert_eq!(page.buckets[0].name, first);
    assert_eq!(page.next.as_deref(), Some("first-bucket"));
    assert!(store.list_buckets(&query(Some("bob"), 9)).await.unwrap().buckets.is_empty());
    assert_eq!(store.list_buckets(&query(None, 9)).await.unwrap().buckets.len(), 2);

    let at = path(&second, "key");
    store.put_object(&at, NewObject::default(), body(&content(1, 1), None)).await.unwrap();
    let full = store.delete_bucket(&second).await;
    assert!(matches!(full, Err(StoreError::BucketNotEmpty)));
    store.delete_object(&at, &DeleteRequest::default()).await.unwrap();
    store.delete_bucket(&second).await.unwrap();
    for gone in [store.delete_bucket(&second).await, store.head_bucket(&second).await.map(|_| ())] {
        assert!(matches!(gone, Err(StoreError::NoSuchBucket)));
    }
}

/// The HEAD of a key that isn't there looks the same as one in a bucket that isn't there.
#[tokio::test]
async fn a_missing_bucket_never_looks_like_a_missing_key() {
    let (upstream, store, bucket) = pair("known").await;
    let head = store.head_object(&path(&bucket, "none"), &GetRequest::default()).await;
    assert!(matches!(head, Err(StoreError::NoSuchKey)));
    let none = path(&BucketName::parse("unknown").unwrap(), "key");
    for _ in 0..2 {
        let head = store.head_object(&none, &GetRequest::default()).await;
        let Err(StoreError::Unavailable { what }) = head else { panic!("{head:?}") };
        assert!(what.contains("there is no bucket unknown"), "{what}");
        for error in [
            store.get_object(&none, &GetRequest::default()).await.err(),
            store.delete_object(&none, &DeleteRequest::default()).await.err(),
            store.object_tags(&none, None).await.err(),
            store
                .list_objects(&none.bucket, &ListQuery { limit: 1, ..Default::default() })
                .await
                .err(),
        ] {
            assert!(matches!(error, Some(StoreError::Unavailable { .. })), "{error:?}");
        }
    }
    // Once it was said to be gone, nothing is taken for granted any more.
    upstream.store.delete_bucket(&bucket).await.unwrap();
    let get = store.get_object(&path(&bucket, "none"), &GetRequest::default()).await;
    assert!(matches!(get, Err(StoreError::Unavailable { .. })));
    let head = store.head_object(&path(&bucket, "none"), &GetRequest::default()).await;
    assert!(matches!(head, Err(StoreError::Unavailable { .. })));
}

#[tokio::test]
async fn keys_are_any_text_but_white_space_alone() {
    let (_upstream, store, bucket) = pair("names").await;
    let long = "😀".repeat(256);
    let keys = [
        "/",
        "//",
        "a//b",
        "a/./b",
        "../x",
        "..",
        ".",
        "%2e",
        "a+b",
        "a b",
        " a",
        "a&b",
        "<a>",
        "\"",
        "\\",
        "?x=y",
        "#",
        "*",
        "a\0b",
        "\u{1}",
        "é",
        "e\u{301}",
        "\u{10ffff}",
        "null",
        long.as_str(),
    ];
    for key in keys {
        let content = Bytes::copy_from_slice(key.as_bytes());
        let at = path(&bucket, key);
        store.put_object(&at, NewObject::default(), body(&content, None)).await.unwrap();
        assert_eq!(read(&store, &at).await, key.as_bytes(), "{key:?}");
    }
    let all = ListQuery { limit: 100, ..ListQuery::default() };
    let page = store.list_objects(&bucket, &all).await.unwrap();
    assert_eq!(page.entries.len(), keys.len());
    for blank in [" ", "\t", "\r\n"] {
        let at = path(&bucket, blank);
        let put = store.put_object(&at, NewObject::default(), body(&Bytes::new(), None)).await;
        assert!(matches!(put, Err(StoreError::Unsupported { .. })), "{put:?}");
        let head = store.head_object(&at, &GetRequest::default()).await;
        assert!(matches!(head, Err(StoreError::Unsupported { .. })), "{head:?}");
    }
}

#[tokio::test]
async fn what_a_service_cannot_do_is_not_sent_to_it() {
    let upstream = Upstream::start(Arc::new(SystemClock)).await;
    let mut options = upstream.options();
    options.quirks = Quirks { checksums: false, conditional_writes: false, tags: false };
    let store = connect(options, Arc::new(SystemClock)).await;
    let bucket = BucketName::parse("simple").unwrap();
    store.create_bucket(&bucket, &owner()).await.unwrap();
    let at = path(&bucket, "key");
    for size in [10, 2 * MIB] {
        let whole = content(1, size);
        let payload = body(&whole, Some(Algorithm::Sha256));
        let stored = store.put_object(&at, NewObject::default(), payload).await.unwrap();
        assert_eq!(stored.object.size, size as u64);
        let there = upstream.store.head_object(&at, &GetRequest::default()).await.unwrap();
        let sum = there.object.checksum.map(|sum| sum.value.algorithm);
        assert_ne!(sum, Some(Algorithm::Sha256), "nothing was said of it");
        assert_eq!(read(&store, &at).await, whole);
    }
    let condition = Some(WriteCondition::Absent);
    let tags = TagSet::for_object([("a".to_owned(), "b".to_owned())]).unwrap();
    for new in [
        NewObject { condition: condition.clone(), ..NewObject::default() },
        NewObject { tags, metadata: ObjectMetadata::default(), ..NewObject::default() },
    ] {
        let put = store.put_object(&at, new, body(&content(2, 5), None)).await;
        assert!(matches!(put, Err(StoreError::Unsupported { .. })), "{put:?}");
    }
    let delete = DeleteRequest { version: None, condition };
    let refused = store.delete_object(&at, &delete).await;
    assert!(matches!(refused, Err(StoreError::Unsupported { .. })));
}
