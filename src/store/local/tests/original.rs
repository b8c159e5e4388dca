//! Objects that come from another layer keep what clients know them by, through a restart too.

use std::sync::Arc;

use crate::object::{
    Algorithm, ChecksumChoice, ChecksumKind, CompletedPart, Completion, ETag, ObjectMetadata,
    Original, Owner, PartNumber, TagSet, Timestamp,
};
use crate::store::conformance::{Subject, body};
use crate::store::local::{LocalOptions, LocalStore};
use crate::store::{
    Buckets as _, GetRequest, Multipart as _, NewObject, NewUpload, ObjectPath, Objects as _,
    UploadPath,
};

fn original(etag: &str) -> Original {
    Original { etag: ETag::parse(etag), last_modified: Timestamp(1_600_000_000_000) }
}

fn path(key: &str) -> ObjectPath {
    ObjectPath {
        bucket: crate::object::BucketName::parse("bucket").unwrap(),
        key: crate::object::ObjectKey::parse(key).unwrap(),
    }
}

async fn check(store: &LocalStore) {
    for (key, etag) in [("small", "small-tag"), ("large", "aaaa-7"), ("parts", "of-parts")] {
        let head = store.head_object(&path(key), &GetRequest::default()).await.unwrap();
        let expected = original(etag);
        assert_eq!(head.object.etag, expected.etag, "{key}");
        assert_eq!(head.object.last_modified, expected.last_modified, "{key}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keep_their_tag_and_time() {
    let dir = tempfile::tempdir().unwrap();
    let open = || LocalStore::open(dir.path(), LocalOptions::default(), Subject::clock()).unwrap();
    let store = Arc::new(open());
    store.ready().await.unwrap();
    let owner = Owner { id: "id".to_owned(), display_name: "name".to_owned() };
    store.create_bucket(&path("x").bucket, &owner).await.unwrap();
    for (key, etag, size) in [("small", "small-tag", 10), ("large", "aaaa-7", 300_000)] {
        let new = NewObject { original: Some(original(etag)), ..NewObject::default() };
        let content = vec![7; size].into();
        store.put_object(&path(key), new, body(&content, None)).await.unwrap();
    }
    let (algorithm, kind) = (Algorithm::Crc64Nvme, ChecksumKind::FullObject);
    let new = NewUpload {
        metadata: ObjectMetadata::default(),
        tags: TagSet::default(),
        checksum: ChecksumChoice { algorithm, kind, explicit: false },
        initiator: owner,
        encryption: None,
        acl: None,
    };
    let id = store.create_upload(&path("parts"), new).await.unwrap();
    let upload = UploadPath { object: path("parts"), id };
    let number = PartNumber::new(1).unwrap();
    let content = vec![8; 1000].into();
    let part =
        store.put_part(&upload, number, body(&content, Some(algorithm)), None).await.unwrap();
    let part = CompletedPart { number, etag: part.etag, checksum: part.checksum };
    let original = Some(original("of-parts"));
    let completion = Completion { parts: vec![part], original, ..Completion::default() };
    store.complete_upload(&upload, &completion, None).await.unwrap();
    check(&store).await;
    store.close().unwrap();
    drop(store);
    let store = open();
    store.ready().await.unwrap();
    check(&store).await;
}
