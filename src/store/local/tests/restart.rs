//! Restarts on a real disk with the real index.

use std::future::poll_fn;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};
use std::task::Poll;

use super::harness::owner;
use crate::object::{
    BucketName, BucketSetting, ETag, EncryptionDefaults, ListQuery, ManualClock, MasterKeys,
    ObjectKey, ObjectMetadata, PartsQuery, ReadConditions, SettingDocument, TagSet, Timestamp,
    UploadsQuery,
};
use crate::store::conformance::{Subject, body, content};
use crate::store::local::blob::BlobFooter;
use crate::store::local::read::blocking;
use crate::store::local::receive::{Received, receive};
use crate::store::local::recover::CLEAN;
use crate::store::local::{CheckOptions, LocalOptions, LocalStore, OpenError, check};
use crate::store::{
    Buckets, CopyRequest, DeleteRequest, GetRequest, Ledger, LedgerQuery, Multipart, NewObject,
    ObjectPath, Objects, StoreError, Tags,
};

fn open(dir: &Path, clock: &Arc<ManualClock>) -> LocalStore {
    let options = LocalOptions { segment_size: 256 << 10, ..LocalOptions::default() };
    LocalStore::open(dir, options, clock.clone()).unwrap()
}

fn at(key: &str) -> ObjectPath {
    let bucket = BucketName::parse("bucket").unwrap();
    ObjectPath { bucket, key: ObjectKey::parse(key).unwrap() }
}

fn tags(value: &str) -> TagSet {
    TagSet::for_object([("k".to_owned(), value.to_owned())]).unwrap()
}

async fn fill(store: &LocalStore) {
    store.ready().await.unwrap();
    store.create_bucket(&at("x").bucket, &owner()).await.unwrap();
    store.create_bucket(&BucketName::parse("gone").unwrap(), &owner()).await.unwrap();
    store.delete_bucket(&BucketName::parse("gone").unwrap()).await.unwrap();
    store.set_bucket_tags(&at("x").bucket, Some(tags("bucket"))).await.unwrap();
    for size in [10, 1 << 17] {
        let cors = Some(SettingDocument::new(content(5, size)).unwrap());
        store.set_bucket_setting(&at("x").bucket, BucketSetting::Cors, cors).await.unwrap();
    }
    for policy in [Some(SettingDocument::new("gone").unwrap()), None] {
        store.set_bucket_setting(&at("x").bucket, BucketSetting::Policy, policy).await.unwrap();
    }
    for number in 0..50_usize {
        let path = at(&format!("object-{number}"));
        let content = content(number as u64, number * 5000);
        store.put_object(&path, NewObject::default(), body(&content, None)).await.unwrap();
    }
    for number in 0..30 {
        let record = content(number, 100).slice(..usize::try_from(number).unwrap());
        let path = at(&format!("noted-{number:02}"));
        store.set_entry(&path, Some(content(99, 50))).await.unwrap();
        store.set_entry(&path, (number % 3 > 0).then_some(record)).await.unwrap();
    }
    for number in (0..50).step_by(5) {
        let path = at(&format!("object-{number}"));
        store.delete_object(&path, &DeleteRequest::default()).await.unwrap();
    }
    store.set_object_tags(&at("object-7"), None, tags("object")).await.unwrap();
    let copy = CopyRequest {
        source_version: None,
        source_conditions: ReadConditions::default(),
        metadata: None,
        tags: None,
        checksum: None,
        condition: None,
        size_limit: u64::MAX,
        source_key: None,
        encryption: None,
        acl: None,
    };
    store.copy_object(&at("object-7"), &at("copy"), copy).await.unwrap();
}

async fn verify(store: &LocalStore) {
    store.ready().await.unwrap();
    let query = ListQuery { limit: 1000, ..ListQuery::default() };
    let page = store.list_objects(&at("x").bucket, &query).await.unwrap();
    assert_eq!(page.entries.len(), 41);
    for number in 0..50_usize {
        let got = store.get_object(&at(&format!("object-{number}")), &GetRequest::default()).await;
        if number % 5 == 0 {
            assert!(matches!(got, Err(StoreError::NoSuchKey)));
        } else {
            let whole = got.unwrap().body.collect(1 << 20).await.unwrap();
            assert_eq!(whole, content(number as u64, number * 5000));
        }
    }
    assert_eq!(store.object_tags(&at("object-7"), None).await.unwrap(), tags("object"));
    assert_eq!(store.object_tags(&at("copy"), None).await.unwrap(), tags("object"));
    let bucket = store.bucket_tags(&at("x").bucket).await.unwrap();
    assert_eq!(bucket, Some(tags("bucket")));
    let cors = store.bucket_setting(&at("x").bucket, BucketSetting::Cors).await.unwrap();
    assert_eq!(cors, Some(SettingDocument::new(content(5, 1 << 17)).unwrap()));
    let policy = store.bucket_setting(&at("x").bucket, BucketSetting::Policy).await.unwrap();
    assert_eq!(policy, None);
    assert!(store.has_entries(&at("x").bucket).await.unwrap());
    let query = LedgerQuery { limit: 100, ..LedgerQuery::default() };
    let records = store.entries(&at("x").bucket, &query).await.unwrap().entries;
    let kept = (0..30_u64).filter(|number| number % 3 > 0).map(|number| {
        let record = content(number, 100).slice(..usize::try_from(number).unwrap());
        (at(&format!("noted-{number:02}")).key, record)
    });
    assert_eq!(records, kept.collect::<Vec<_>>());
    let gone = store.head_bucket(&BucketName::parse("gone").unwrap()).await;
    assert!(matches!(gone, Err(StoreError::NoSuchBucket)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everything_is_there_after_every_kind_of_stop() {
    let dir = tempfile::tempdir().unwrap();
    let clock = Subject::clock();
    let store = open(dir.path(), &clock);
    fill(&store).await;
    verify(&store).await;
    store.close().unwrap();
    drop(store);
    assert!(dir.path().join("CLEAN").exists());

    let store = open(dir.path(), &clock);
    verify(&store).await;
    assert!(!dir.path().join("CLEAN").exists());
    // Dropped, not closed: to the next start the process has died.
    drop(store);
    let store = open(dir.path(), &clock);
    verify(&store).await;
    drop(store);

    std::fs::remove_dir_all(dir.path().join("index")).unwrap();
    let store = open(dir.path(), &clock);
    verify(&store).await;
    store.close().unwrap();
    drop(store);

    for name in ["CHECKPOINT.a", "CHECKPOINT.b"] {
        let _ = std::fs::remove_file(dir.path().join(name));
    }
    let store = open(dir.path(), &clock);
    verify(&store).await;
    drop(store);

    for how in [CheckOptions::default(), CheckOptions { rebuild_index: true, skip_content: false }]
    {
        let report = check(dir.path(), LocalOptions::default(), how, clock.clone()).unwrap();
        assert!(report.is_clean(), "{report}");
        assert_eq!((report.objects, report.buckets, report.ledger_records), (41, 1, 20));
    }
    let store = open(dir.path(), &clock);
    verify(&store).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn uploads_go_on_after_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let clock = Subject::clock();
    let store = open(dir.path(), &clock);
    fill(&store).await;
    let new = crate::store::NewUpload {
        metadata: ObjectMetadata::default(),
        tags: tags("upload"),
        checksum: crate::object::ChecksumChoice {
            algorithm: crate::object::Algorithm::Crc64Nvme,
            kind: crate::object::ChecksumKind::FullObject,
            explicit: false,
        },
        encryption: None,
        initiator: owner(),
        acl: None,
    };
    let object = at("assembled");
    let id = store.create_upload(&object, new).await.unwrap();
    let upload = crate::store::UploadPath { object: object.clone(), id };
    let pieces = [content(1, 6 << 20), content(2, 1000)];
    let mut parts = Vec::new();
    for (number, piece) in (1..).zip(&pieces) {
        let number = crate::object::PartNumber::new(number).unwrap();
        let part = store.put_part(&upload, number, body(piece, None), None).await.unwrap();
        parts.push(crate::object::CompletedPart { number, etag: part.etag, checksum: None });
    }
    drop(store);
    std::fs::remove_dir_all(dir.path().join("index")).unwrap();
    let store = open(dir.path(), &clock);
    store.ready().await.unwrap();
    let listed = store.list_parts(&upload, &PartsQuery { after: 0, limit: 10 }).await.unwrap();
    assert_eq!(listed.parts.len(), 2);
    let completion = crate::object::Completion { parts, ..Default::default() };
    let stored = store.complete_upload(&upload, &completion, None).await.unwrap();
    drop(store);
    std::fs::remove_dir_all(dir.path().join("index")).unwrap();
    let store = open(dir.path(), &clock);
    store.ready().await.unwrap();
    let again = store.complete_upload(&upload, &completion, None).await.unwrap();
    assert_eq!(again, stored);
    let got = store.get_object(&object, &GetRequest::default()).await.unwrap();
    let whole = got.body.collect(10 << 20).await.unwrap();
    assert_eq!(whole, pieces.concat());
    let query = UploadsQuery { limit: 10, ..UploadsQuery::default() };
    assert_eq!(store.list_uploads(&object.bucket, &query).await.unwrap().entries, []);
    drop(store);
    let options = LocalOptions::default();
    let report = check(dir.path(), options, CheckOptions::default(), clock.clone()).unwrap();
    assert!(report.is_clean(), "{report}");
}

#[tokio::test]
async fn a_second_process_is_told_who_has_the_store() {
    let dir = tempfile::tempdir().unwrap();
    let clock = Subject::clock();
    let _store = open(dir.path(), &clock);
    let second = LocalStore::open(dir.path(), LocalOptions::default(), clock.clone());
    match second {
        Err(OpenError::Locked { by, .. }) => {
            assert!(by.contains(&std::process::id().to_string()), "{by}");
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_directory_of_something_else_is_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir(dir.path().join("log")).unwrap();
    let clock = Subject::clock();
    let opened = LocalStore::open(dir.path(), LocalOptions::default(), clock);
    assert!(matches!(opened, Err(OpenError::Format { .. })), "{opened:?}");
    std::fs::remove_dir(dir.path().join("log")).unwrap();
    std::fs::write(dir.path().join("FORMAT"), "{}").unwrap();
    let opened = LocalStore::open(dir.path(), LocalOptions::default(), Subject::clock());
    assert!(matches!(opened, Err(OpenError::Format { .. })), "{opened:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_directory_is_held_until_the_work_of_callers_that_left_has_ended() {
    let (dir, clock) = (tempfile::tempdir().unwrap(), Subject::clock());
    let store = open(dir.path(), &clock);
    store.ready().await.unwrap();
    let core = Arc::clone(&store.core);
    let (begin, has_begun) = mpsc::channel();
    let (end, may_end) = mpsc::channel::<()>();
    let has_ended = Arc::new(AtomicBool::new(false));
    let (working, ended) = (Arc::clone(&core), Arc::clone(&has_ended));
    let caller = tokio::spawn(async move {
        let work = move |_: &_| {
            begin.send(()).unwrap();
            may_end.recv().unwrap();
            ended.store(true, Ordering::Release);
            Ok(())
        };
        blocking(&working, work).await
    });
    has_begun.recv().unwrap();
    caller.abort();
    let closing = tokio::task::spawn_blocking(move || store.close());
    while core.refusal().is_ok() {
        tokio::task::yield_now().await;
    }
    for _ in 0..1000 {
        let options = LocalOptions::default();
        let second = LocalStore::open(dir.path(), options, clock.clone());
        assert!(matches!(second, Err(OpenError::Locked { .. })));
    }
    end.send(()).unwrap();
    closing.await.unwrap().unwrap();
    assert!(has_ended.load(Ordering::Acquire));
    let late = blocking(&core, |_| Ok(())).await;
    assert!(matches!(late, Err(StoreError::Closing)), "{late:?}");
    drop(open(dir.path(), &clock));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_write_that_was_cut_off_makes_no_key_for_the_store_after_it() {
    let everywhere = EncryptionDefaults { everywhere: true, ..EncryptionDefaults::default() };
    for round in 0..50 {
        let (dir, clock) = (tempfile::tempdir().unwrap(), Subject::clock());
        let opened = async || {
            let store = open(dir.path(), &clock);
            store.set_encryption(MasterKeys::default(), everywhere.clone(), false).unwrap();
            store.ready().await.unwrap();
            store
        };
        let store = opened().await;
        store.create_bucket(&at("x").bucket, &owner()).await.unwrap();
        let (cut_off, content) = (at("x"), content(round, 10));
        let mut put = store.put_object(&cut_off, NewObject::default(), body(&content, None));
        poll_fn(|cx| Poll::Ready(put.as_mut().poll(cx).is_pending())).await;
        drop(put);
        store.close().unwrap();
        drop(store);

        let store = opened().await;
        let put = store.put_object(&at("y"), NewObject::default(), body(&content, None)).await;
        put.unwrap();
        store.close().unwrap();
        drop(store);
        let got = opened().await.get_object(&at("y"), &GetRequest::default()).await.unwrap();
        assert_eq!(got.body.collect(usize::MAX).await.unwrap(), content);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_end_that_leaves_a_file_of_which_nothing_tells_is_not_clean() {
    let (dir, clock) = (tempfile::tempdir().unwrap(), Subject::clock());
    let is_clean = || dir.path().join(CLEAN).exists();
    let store = open(dir.path(), &clock);
    store.ready().await.unwrap();
    let written = body(&content(1, 300_000), None);
    let footer = |received: &Received| BlobFooter {
        bucket: "bucket".to_owned(),
        key: "key".to_owned(),
        version: None,
        part: None,
        etag: ETag::from_md5(received.md5),
        checksum: None,
        metadata: ObjectMetadata::default(),
        tags: TagSet::default(),
        created: Timestamp(0),
        sealing: None,
    };
    let (content, _) = receive(&store.core, written, None, footer).await.unwrap();
    store.close().unwrap();
    drop(store);
    assert!(!is_clean(), "a caller has a file that no record names");
    drop(content);
    let store = open(dir.path(), &clock);
    store.ready().await.unwrap();
    while store.set_aside().await.unwrap().is_empty() {
        tokio::task::yield_now().await;
    }
    store.close().unwrap();
    assert!(is_clean());
}
