//! Buckets: made, found, listed, removed.

use bytes::Bytes;

use super::Subject;
use super::subject::{body, listed, owner, part_copy, part_number, path, plain_copy, unnamed};
use crate::object::{
    BucketName, BucketsPage, BucketsQuery, ListQuery, PartsQuery, TagSet, UploadId, UploadsQuery,
    VersionsQuery, WriteCondition,
};
use crate::store::{DeleteRequest, GetRequest, NewObject, NewUpload, StoreError, UploadPath};

/// A bucket is made once, belongs to its maker, and can be made anew after it went.
pub async fn life_of_a_bucket(subject: &Subject) {
    let store = &subject.store;
    let name = subject.bucket("first-bucket").await;
    let bucket = store.head_bucket(&name).await.unwrap();
    assert_eq!((&bucket.name, &bucket.owner), (&name, &owner("alice")));
    let drift = bucket.created.0 - Subject::START.0;
    assert!((-1000..1000).contains(&drift), "made {drift} ms after its time");

    for maker in ["alice", "bob"] {
        let again = store.create_bucket(&name, &owner(maker)).await;
        refused!(again, StoreError::BucketExists { owner } if owner.id == "alice");
    }
    store.delete_bucket(&name).await.unwrap();
    refused!(store.head_bucket(&name).await, StoreError::NoSuchBucket);
    refused!(store.delete_bucket(&name).await, StoreError::NoSuchBucket);
    store.create_bucket(&name, &owner("bob")).await.unwrap();
    assert_eq!(store.head_bucket(&name).await.unwrap().owner.id, "bob");
}

/// Every call on a bucket that isn't there says so.
pub async fn nothing_without_a_bucket(subject: &Subject) {
    let store = &subject.store;
    let there = path(&subject.bucket("there").await, "key");
    subject.put(&there, &Bytes::from_static(b"x")).await;
    let name = BucketName::parse("not-there").unwrap();
    let at = path(&name, "key");
    let upload = UploadPath { object: at.clone(), id: UploadId::new("0") };
    let number = part_number(1);
    let new_upload = NewUpload {
        metadata: crate::object::ObjectMetadata::default(),
        tags: TagSet::default(),
        checksum: unnamed(),
        initiator: owner("bob"),
        encryption: None,
        acl: None,
    };
    macro_rules! each_refused {
        ($($call:expr),+ $(,)?) => { $( refused!($call.await, StoreError::NoSuchBucket); )+ };
    }
    let content = || body(&Bytes::from_static(b"x"), None);
    each_refused!(
        store.head_bucket(&name),
        store.delete_bucket(&name),
        store.put_object(&at, NewObject::default(), content()),
        store.check_condition(&at, &WriteCondition::Absent),
        store.head_object(&at, &GetRequest::default()),
        store.get_object(&at, &GetRequest::default()),
        store.object_parts(&at, None, 0, 10),
        store.delete_object(&at, &DeleteRequest::default()),
        store.copy_object(&at, &there, plain_copy()),
        store.copy_object(&there, &at, plain_copy()),
        store.list_objects(&name, &ListQuery { limit: 1, ..ListQuery::default() }),
        store.list_versions(&name, &VersionsQuery { limit: 1, ..VersionsQuery::default() }),
        store.object_tags(&at, None),
        store.set_object_tags(&at, None, TagSet::default()),
        store.bucket_tags(&name),
        store.set_bucket_tags(&name, None),
        store.create_upload(&at, new_upload),
        store.upload_choice(&upload),
        store.put_part(&upload, number, content(), None),
        store.copy_part(&there, &upload, number, part_copy(None)),
        store.list_parts(&upload, &PartsQuery::default()),
        store.complete_upload(&upload, &listed(&[]), None),
        store.abort_upload(&upload),
        store.list_uploads(&name, &UploadsQuery::default()),
    );
}

/// A bucket with an object stays; one with uploads under way goes, and they with it.
pub async fn only_empty_ones_go(subject: &Subject) {
    let store = &subject.store;
    let name = subject.bucket("full").await;
    let at = path(&name, "dir/");
    subject.put(&at, &Bytes::new()).await;
    refused!(store.delete_bucket(&name).await, StoreError::BucketNotEmpty);
    store.delete_object(&at, &DeleteRequest::default()).await.unwrap();
    let upload = subject.upload(&at, unnamed()).await;
    subject.part(&upload, 1, &Bytes::from_static(b"x")).await;
    store.delete_bucket(&name).await.unwrap();
    refused!(store.upload_choice(&upload).await, StoreError::NoSuchBucket);
    subject.bucket("full").await;
    refused!(store.upload_choice(&upload).await, StoreError::NoSuchUpload);
    refused!(store.abort_upload(&upload).await, StoreError::NoSuchUpload);
}

/// A bucket of a name that was in use before has nothing of what the former one had.
pub async fn a_new_one_is_empty(subject: &Subject) {
    let store = &subject.store;
    let name = subject.bucket("again").await;
    let at = path(&name, "key");
    let tags = TagSet::for_bucket([("a".to_owned(), "b".to_owned())]).unwrap();
    store.set_bucket_tags(&name, Some(tags)).await.unwrap();
    subject.put(&at, &Bytes::from_static(b"x")).await;
    subject.upload(&at, unnamed()).await;
    store.delete_object(&at, &DeleteRequest::default()).await.unwrap();
    store.delete_bucket(&name).await.unwrap();
    subject.bucket("again").await;
    assert_eq!(store.bucket_tags(&name).await.unwrap(), None);
    let objects = ListQuery { limit: 10, ..ListQuery::default() };
    assert!(store.list_objects(&name, &objects).await.unwrap().entries.is_empty());
    let uploads = UploadsQuery { limit: 10, ..UploadsQuery::default() };
    assert!(store.list_uploads(&name, &uploads).await.unwrap().entries.is_empty());
}

/// Listings of buckets: by name, by owner, by prefix, in pages of every size.
pub async fn pages(subject: &Subject) {
    let store = &subject.store;
    let names = ["aaa", "aab", "ab-c", "ab.c", "abc", "b00", "zzz"];
    for (at, name) in names.iter().enumerate() {
        let maker = owner(if at.is_multiple_of(2) { "alice" } else { "bob" });
        store.create_bucket(&BucketName::parse(name).unwrap(), &maker).await.unwrap();
    }
    for (by, prefix) in [(None, ""), (None, "ab"), (Some("alice"), ""), (Some("bob"), "a")] {
        let owned = |at: usize| by.is_none_or(|by| (by == "alice") == (at.is_multiple_of(2)));
        let expected: Vec<&str> = (names.iter().enumerate())
            .filter(|(at, name)| owned(*at) && name.starts_with(prefix))
            .map(|(_, name)| *name)
            .collect();
        for limit in 1..=names.len() + 1 {
            let mut query = BucketsQuery {
                owner: by.map(str::to_owned),
                prefix: prefix.to_owned(),
                after: None,
                limit,
            };
            let mut seen = Vec::new();
            loop {
                let page = store.list_buckets(&query).await.unwrap();
                assert!(page.buckets.len() <= limit);
                seen.extend(page.buckets.iter().map(|bucket| bucket.name.as_str().to_owned()));
                assert_eq!(page.next.is_some(), seen.len() < expected.len());
                query.after = page.next;
                if query.after.is_none() {
                    break;
                }
            }
            assert_eq!(seen, expected, "{query:?}");
        }
    }
    let none = store.list_buckets(&BucketsQuery::default()).await.unwrap();
    assert_eq!(none, BucketsPage::default(), "a page of no lines");
    let query = BucketsQuery { owner: Some("carol".to_owned()), limit: 9, ..Default::default() };
    assert_eq!(store.list_buckets(&query).await.unwrap(), BucketsPage::default());
}
