//! No more bytes than are allowed.

use super::encryption::new_upload;
use super::harness::{bucket, owner};
use crate::object::{CompletedPart, Completion, ObjectKey, PartNumber};
use crate::store::conformance::{Subject, body, content, unsized_body};
use crate::store::local::{LocalOptions, LocalStore};
use crate::store::{
    Buckets, DeleteRequest, Multipart, NewObject, ObjectPath, Objects, StoreError, UploadPath,
};

fn at(key: &str) -> ObjectPath {
    ObjectPath { bucket: bucket(), key: ObjectKey::parse(key).unwrap() }
}

async fn put(store: &LocalStore, key: &str, size: usize, sized: bool) -> Result<(), StoreError> {
    let content = content(1, size);
    let body = if sized { body(&content, None) } else { unsized_body(&content) };
    store.put_object(&at(key), NewObject::default(), body).await.map(|_| ())
}

fn is_full<T>(result: &Result<T, StoreError>) -> bool {
    matches!(result, Err(StoreError::StorageFull))
}

#[tokio::test]
async fn objects_stay_within_the_quota() {
    let dir = tempfile::tempdir().unwrap();
    let options = LocalOptions { quota: Some(10_000), pack_limit: 2048, ..LocalOptions::default() };
    let store = LocalStore::open(dir.path(), options, Subject::clock()).unwrap();
    store.ready().await.unwrap();
    store.create_bucket(&bucket(), &owner()).await.unwrap();
    assert_eq!(store.quota_left(), Some(10_000));
    for sized in [true, false] {
        assert!(is_full(&put(&store, "large", 10_001, sized).await));
        put(&store, "large", 9_000, sized).await.unwrap();
        assert_eq!(store.quota_left(), Some(1_000));
        assert!(is_full(&put(&store, "packed", 1_001, sized).await));
        put(&store, "packed", 1_000, sized).await.unwrap();
        assert!(is_full(&put(&store, "more", 1, sized).await));
        put(&store, "empty", 0, sized).await.unwrap();
        for key in ["large", "packed"] {
            store.delete_object(&at(key), &DeleteRequest::default()).await.unwrap();
        }
        assert_eq!(store.quota_left(), Some(10_000));
    }
}

/// Parts that fit one by one make no object that does not.
#[tokio::test]
async fn completed_uploads_stay_within_the_quota() {
    let dir = tempfile::tempdir().unwrap();
    let quota = Some(9 << 20);
    let options = LocalOptions { quota, ..LocalOptions::default() };
    let store = LocalStore::open(dir.path(), options, Subject::clock()).unwrap();
    store.ready().await.unwrap();
    store.create_bucket(&bucket(), &owner()).await.unwrap();
    let id = store.create_upload(&at("a"), new_upload()).await.unwrap();
    let path = UploadPath { object: at("a"), id };
    let mut parts = Vec::new();
    for number in [1, 2] {
        let number = PartNumber::new(number).unwrap();
        let part = body(&content(1, 5 << 20), None);
        let part = store.put_part(&path, number, part, None).await.unwrap();
        parts.push(CompletedPart { number, etag: part.etag, checksum: None });
    }
    let both = Completion { parts: parts.clone(), ..Completion::default() };
    assert!(is_full(&store.complete_upload(&path, &both, None).await));
    parts.pop();
    let one = Completion { parts, ..Completion::default() };
    store.complete_upload(&path, &one, None).await.unwrap();
    assert_eq!(store.quota_left(), Some(4 << 20));
}
