//! Uploads under way: found, listed, given up.

use bytes::Bytes;

use super::Subject;
use super::subject::{body, content, listed, owner, part_copy, part_number, path, unnamed};
use crate::object::{
    Clock, ListQuery, ObjectKey, PartsQuery, Timestamp, UploadEntry, UploadId, UploadsPage,
    UploadsQuery,
};
use crate::store::{GetRequest, ObjectPath, StoreError, UploadPath};

/// An upload is known by its id under its own key and bucket, and nowhere else.
pub async fn unknown_ones(subject: &Subject) {
    let store = &subject.store;
    let (bucket, other) = (subject.bucket("uploads").await, subject.bucket("other").await);
    let at = path(&bucket, "key");
    subject.put(&at, &content(1, 10)).await;
    let real = subject.upload(&at, unnamed()).await;
    let safe = |c: char| c.is_ascii_alphanumeric() || "-_.~".contains(c);
    assert!(real.id.as_str().chars().all(safe), "{:?} is not safe in a URL", real.id);
    let under = |object: ObjectPath, id: &str| UploadPath { object, id: UploadId::new(id) };
    for upload in [
        under(path(&bucket, "key2"), real.id.as_str()),
        under(path(&bucket, "ke"), real.id.as_str()),
        under(path(&other, "key"), real.id.as_str()),
        under(at.clone(), ""),
        under(at.clone(), "0"),
        under(at.clone(), "../../etc/passwd"),
        under(at.clone(), "\0é"),
        under(at.clone(), "00000000-0000-0000-0000-000000000000"),
        under(at.clone(), &format!("{}0", real.id.as_str())),
    ] {
        let number = part_number(1);
        macro_rules! each_refused {
            ($($call:expr),+ $(,)?) => { $( refused!($call.await, StoreError::NoSuchUpload); )+ };
        }
        each_refused!(
            store.upload_choice(&upload),
            store.put_part(&upload, number, body(&content(1, 10), None), None),
            store.copy_part(&at, &upload, number, part_copy(None)),
            store.list_parts(&upload, &PartsQuery { after: 0, limit: 10 }),
            store.complete_upload(&upload, &listed(&[]), None),
            store.abort_upload(&upload),
        );
    }
    store.abort_upload(&real).await.unwrap();
}

/// Until it is completed, an upload is in no listing of objects and hides no object.
pub async fn invisible_until_completed(subject: &Subject) {
    let store = &subject.store;
    let bucket = subject.bucket("invisible").await;
    let (at, new) = (path(&bucket, "dir/key"), path(&bucket, "other/key"));
    subject.put(&at, &content(1, 10)).await;
    for object in [&at, &new] {
        let upload = subject.upload(object, unnamed()).await;
        subject.part(&upload, 1, &content(2, 200_000)).await;
    }
    assert_eq!(subject.got(&at).await, content(1, 10));
    refused!(store.head_object(&new, &GetRequest::default()).await, StoreError::NoSuchKey);
    for delimiter in [None, Some("/".to_owned())] {
        let query = ListQuery { delimiter, limit: 10, ..ListQuery::default() };
        assert_eq!(store.list_objects(&bucket, &query).await.unwrap().entries.len(), 1);
    }
}

type Line = Result<(String, UploadId), String>;

fn line(entry: &UploadEntry) -> Line {
    match entry {
        UploadEntry::Upload(upload) => Ok((upload.key.as_str().to_owned(), upload.id.clone())),
        UploadEntry::CommonPrefix(prefix) => Err(prefix.clone()),
    }
}

/// Uploads are listed by key, then by start, in pages of every size.
pub async fn pages_of_uploads(subject: &Subject) {
    let store = &subject.store;
    let (bucket, other) = (subject.bucket("under-way").await, subject.bucket("under-way2").await);
    subject.upload(&path(&other, "a"), unnamed()).await;
    let mut started: Vec<(&str, UploadId)> = Vec::new();
    for round in 0..3 {
        for key in ["b", "a/1", "a/2", "a", "c/é", "b\u{10ffff}"] {
            let upload = subject.upload(&path(&bucket, key), unnamed()).await;
            started.push((key, upload.id));
            // Within one millisecond as well as after it.
            subject.clock.advance(round);
        }
    }
    // A stable sort: by key, and by start within a key.
    started.sort_by_key(|(key, _)| *key);
    for (prefix, delimiter) in
        [("", None), ("", Some("/")), ("a", None), ("a/", Some("/")), ("a", Some("/")), ("x", None)]
    {
        let mut expected: Vec<Line> = Vec::new();
        for (key, id) in started.iter().filter(|(key, _)| key.starts_with(prefix)) {
            let cut = delimiter.and_then(|d| key[prefix.len()..].find(d));
            let line = cut.map_or_else(
                || Ok(((*key).to_owned(), id.clone())),
                |cut| Err(key[..=prefix.len() + cut].to_owned()),
            );
            if line.is_ok() || expected.last() != Some(&line) {
                expected.push(line);
            }
        }
        for limit in 1..=expected.len() + 1 {
            let mut query = UploadsQuery {
                prefix: prefix.to_owned(),
                delimiter: delimiter.map(str::to_owned),
                after: None,
                limit,
            };
            let mut seen = Vec::new();
            loop {
                let page = store.list_uploads(&bucket, &query).await.unwrap();
                assert!(page.entries.len() <= limit);
                seen.extend(page.entries.iter().map(line));
                assert_eq!(page.next.is_some(), seen.len() < expected.len(), "{query:?}");
                query.after = page.next;
                if query.after.is_none() {
                    break;
                }
            }
            assert_eq!(seen, expected, "{query:?}");
        }
    }
    // A key without an upload id skips that key altogether.
    let query = UploadsQuery { after: Some(("b".into(), None)), limit: 1, ..Default::default() };
    let page = store.list_uploads(&bucket, &query).await.unwrap();
    assert!(matches!(line(&page.entries[0]), Ok((key, _)) if key == "b\u{10ffff}"));
    let none = store.list_uploads(&bucket, &UploadsQuery::default()).await.unwrap();
    assert_eq!(none, UploadsPage::default());
}

/// Parts are listed by number, in pages of every size, with whose upload it is.
pub async fn pages_of_parts(subject: &Subject) {
    let store = &subject.store;
    let at = path(&subject.bucket("parts").await, "key");
    let upload = subject.upload(&at, unnamed()).await;
    let mut parts = Vec::new();
    for number in [10_000, 3, 1, 77, 2] {
        parts.push(subject.part(&upload, number, &content(number.into(), 10)).await);
    }
    parts.sort_by_key(|part| part.number);
    for limit in 1..=6 {
        let (mut seen, mut after) = (Vec::new(), 0);
        loop {
            let page = store.list_parts(&upload, &PartsQuery { after, limit }).await.unwrap();
            assert_eq!(page.upload.key, at.key);
            assert_eq!((page.upload.id, page.upload.checksum), (upload.id.clone(), unnamed()));
            assert_eq!((page.upload.initiator, page.owner), (owner("bob"), owner("alice")));
            assert!(page.parts.len() <= limit);
            seen.extend(page.parts);
            let Some(next) = page.next else { break };
            after = next;
        }
        assert_eq!(seen, parts);
    }
    for query in [PartsQuery { after: 10_000, limit: 5 }, PartsQuery { after: 0, limit: 0 }] {
        let page = store.list_parts(&upload, &query).await.unwrap();
        assert_eq!((page.parts.len(), page.next), (0, None));
    }
}

/// An aborted upload is gone with its parts; old ones are given up, a few at a time.
pub async fn aborted_and_expired(subject: &Subject) {
    let store = &subject.store;
    let bucket = subject.bucket("expired").await;
    let upload = subject.upload(&path(&bucket, "aborted"), unnamed()).await;
    let part = subject.part(&upload, 1, &content(1, 200_000)).await;
    store.abort_upload(&upload).await.unwrap();
    refused!(store.abort_upload(&upload).await, StoreError::NoSuchUpload);
    refused!(
        store.complete_upload(&upload, &listed(&[part]), None).await,
        StoreError::NoSuchUpload
    );

    let mut old = Vec::new();
    for key in ["c", "a", "b"] {
        old.push(subject.upload(&path(&bucket, key), unnamed()).await);
        subject.part(old.last().unwrap(), 1, &Bytes::from_static(b"x")).await;
    }
    subject.clock.advance(10_000);
    let deadline: Timestamp = subject.clock.now();
    subject.clock.advance(10_000);
    let young = subject.upload(&path(&bucket, "young"), unnamed()).await;
    assert_eq!(store.expire_uploads(Timestamp(0), 10).await.unwrap(), 0);
    if !subject.expires {
        assert_eq!(store.expire_uploads(deadline, 10).await.unwrap(), 0);
        for upload in old.iter().chain([&young]) {
            store.upload_choice(upload).await.unwrap();
        }
        return;
    }
    assert_eq!(store.expire_uploads(deadline, 0).await.unwrap(), 0);
    assert_eq!(store.expire_uploads(deadline, 2).await.unwrap(), 2);
    assert_eq!(store.expire_uploads(deadline, 2).await.unwrap(), 1);
    assert_eq!(store.expire_uploads(deadline, 2).await.unwrap(), 0);
    for upload in &old {
        refused!(store.upload_choice(upload).await, StoreError::NoSuchUpload);
    }
    let query = UploadsQuery { limit: 10, ..UploadsQuery::default() };
    let left = store.list_uploads(&bucket, &query).await.unwrap();
    let [UploadEntry::Upload(left)] = left.entries.as_slice() else { panic!("{left:?}") };
    assert_eq!((&left.id, &left.key), (&young.id, &ObjectKey::parse("young").unwrap()));
}
