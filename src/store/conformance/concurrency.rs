//! What happens at the same time.

use std::sync::Arc;

use tokio::sync::Barrier;
use tokio::task::JoinSet;

use super::Subject;
use super::subject::{body, content, listed, part_number, path, unnamed};
use crate::object::{
    ConditionHeader, ETag, ETagMatch, MIN_PART_SIZE, ObjectInfo, PartsQuery, WriteCondition,
};
use crate::store::{DeleteRequest, GetRequest, NewObject, ObjectPath, Store, StoreError, Stored};

const WRITERS: u64 = 24;

/// Lets every writer write at once, each its own content under the condition.
async fn race(
    subject: &Subject,
    at: &ObjectPath,
    size: usize,
    condition: Option<WriteCondition>,
) -> Vec<(u64, Result<Stored, StoreError>)> {
    let start = Arc::new(Barrier::new(usize::try_from(WRITERS).unwrap()));
    let mut tasks = JoinSet::new();
    for writer in 0..WRITERS {
        let (store, at, start) = (subject.store.clone(), at.clone(), start.clone());
        let new = NewObject { condition: condition.clone(), ..NewObject::default() };
        tasks.spawn(async move {
            let body = body(&content(writer, size), None);
            start.wait().await;
            (writer, store.put_object(&at, new, body).await)
        });
    }
    tasks.join_all().await
}

fn only_winner(results: Vec<(u64, Result<Stored, StoreError>)>, header: ConditionHeader) -> u64 {
    let mut winner = None;
    for (writer, result) in results {
        match result {
            Ok(_) => assert_eq!(winner.replace(writer), None, "two writers won"),
            Err(StoreError::PreconditionFailed(failed)) if failed == header => {}
            Err(StoreError::Conflict) => {}
            Err(other) => panic!("{other:?}"),
        }
    }
    winner.expect("one writer wins")
}

/// Of those that create a key with `If-None-Match: *`, one succeeds.
pub async fn one_creator_wins(subject: &Subject) {
    let bucket = subject.bucket("creators").await;
    for (round, size) in [0, 100, 131_073, 100, 100].into_iter().enumerate() {
        let at = path(&bucket, &format!("key {round}"));
        let results = race(subject, &at, size, Some(WriteCondition::Absent)).await;
        let winner = only_winner(results, ConditionHeader::IfNoneMatch);
        assert_eq!(subject.got(&at).await, content(winner, size));
    }
}

/// Of those that edit the same state with `If-Match`, one succeeds.
pub async fn one_editor_wins(subject: &Subject) {
    let at = path(&subject.bucket("editors").await, "key");
    let mut current = subject.put(&at, &content(1000, 10)).await.object.etag;
    for size in [100, 131_073, 101, 102] {
        let condition = WriteCondition::Matches(ETagMatch::Tags(vec![current]));
        let winner =
            only_winner(race(subject, &at, size, Some(condition)).await, ConditionHeader::IfMatch);
        assert_eq!(subject.got(&at).await, content(winner, size));
        let head = subject.store.head_object(&at, &GetRequest::default()).await.unwrap();
        current = head.object.etag;
    }
}

/// Whoever opened an object reads it to its end, whatever becomes of the key.
pub async fn readers_keep_what_they_opened(subject: &Subject) {
    let store = &subject.store;
    let bucket = subject.bucket("readers").await;
    for size in [1000, 131_072, 131_073, 1_000_000] {
        let at = path(&bucket, &format!("{size}"));
        let old = content(1, size);
        subject.put(&at, &old).await;
        let mut overwritten = store.get_object(&at, &GetRequest::default()).await.unwrap();
        let head = overwritten.body.next().await.unwrap().unwrap();
        subject.put(&at, &content(2, size + 1)).await;
        let deleted = store.get_object(&at, &GetRequest::default()).await.unwrap();
        store.delete_object(&at, &DeleteRequest::default()).await.unwrap();
        let tail = overwritten.body.collect(usize::MAX).await.unwrap();
        assert_eq!([head, tail].concat(), old);
        assert_eq!(deleted.body.collect(usize::MAX).await.unwrap(), content(2, size + 1));
    }
}

/// While many write one key, every reader sees one of them whole, with the head that belongs to
/// it; in the end one is left.
pub async fn writers_never_mix(subject: &Subject) {
    let bucket = subject.bucket("mixed").await;
    for size in [500, 140_000] {
        let at = path(&bucket, &format!("{size}"));
        subject.put(&at, &content(0, size)).await;
        let mut readers = JoinSet::new();
        for _ in 0..4 {
            let (store, at) = (subject.store.clone(), at.clone());
            readers.spawn(async move {
                for _ in 0..20 {
                    whole(&*store, &at, size).await;
                    tokio::task::yield_now().await;
                }
            });
        }
        for (_, result) in race(subject, &at, size, None).await {
            result.unwrap();
        }
        readers.join_all().await;
        whole(&*subject.store, &at, size).await;
    }
}

async fn whole(store: &dyn Store, at: &ObjectPath, size: usize) {
    let got = store.get_object(at, &GetRequest::default()).await.unwrap();
    let etag = got.head.object.etag;
    let bytes = got.body.collect(usize::MAX).await.unwrap();
    let digest: [u8; 16] = <md5::Md5 as md5::Digest>::digest(&bytes).into();
    assert_eq!(etag, ETag::from_md5(digest), "the head is another object's");
    assert!((0..WRITERS).any(|writer| content(writer, size) == bytes), "nobody wrote this");
}

/// Completions of one upload at the same time all give the same object.
pub async fn completions_agree(subject: &Subject) {
    let at = path(&subject.bucket("completions").await, "key");
    let five = usize::try_from(MIN_PART_SIZE).unwrap();
    let upload = subject.upload(&at, unnamed()).await;
    let parts = [
        subject.part(&upload, 1, &content(1, five)).await,
        subject.part(&upload, 2, &content(2, 10)).await,
    ];
    let completion = listed(&parts);
    let mut tasks = JoinSet::new();
    for _ in 0..8 {
        let (store, upload, completion) =
            (subject.store.clone(), upload.clone(), completion.clone());
        tasks.spawn(async move { store.complete_upload(&upload, &completion, None).await });
    }
    let objects: Vec<ObjectInfo> =
        tasks.join_all().await.into_iter().map(|result| result.unwrap().object).collect();
    assert!(objects.windows(2).all(|two| two[0] == two[1]));
    assert_eq!(subject.got(&at).await, [content(1, five), content(2, 10)].concat());
}

/// Parts may arrive in any order and all at once.
pub async fn parts_arrive_together(subject: &Subject) {
    let store = &subject.store;
    let at = path(&subject.bucket("together").await, "key");
    let upload = subject.upload(&at, unnamed()).await;
    let mut tasks = JoinSet::new();
    for number in 1..=20u16 {
        let (store, upload) = (store.clone(), upload.clone());
        tasks.spawn(async move {
            let size = if number % 2 == 0 { 100 } else { 140_000 };
            let algorithm = Some(unnamed().algorithm);
            let body = body(&content(number.into(), size), algorithm);
            store.put_part(&upload, part_number(number), body, None).await.unwrap()
        });
    }
    let mut parts = tasks.join_all().await;
    parts.sort_by_key(|part| part.number);
    let page = store.list_parts(&upload, &PartsQuery { after: 0, limit: 100 }).await.unwrap();
    assert_eq!(page.parts, parts);
    let last = &parts[19..];
    store.complete_upload(&upload, &listed(last), None).await.unwrap();
    assert_eq!(subject.got(&at).await, content(20, 100));
}
