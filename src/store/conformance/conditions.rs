//! Conditions on reads, writes and deletes.

use super::Subject;
use super::subject::{body, content, path};
use crate::object::{
    ConditionHeader, ETagMatch, RangeSpec, ReadConditions, Timestamp, WriteCondition,
};
use crate::store::{
    DeleteRequest, GetRequest, NewObject, ObjectPath, Selection, Store, StoreError,
};

/// What the rules are is tested where they are; here, that the store asks them, with its own
/// clock, before it looks at the range.
pub async fn reads(subject: &Subject) {
    let store = &subject.store;
    let at = path(&subject.bucket("reads").await, "key");
    let object = subject.put(&at, &content(1, 10)).await.object;
    let same = ETagMatch::Tags(vec![object.etag.clone()]);
    let other = ETagMatch::parse("\"x\"");
    let (then, before) = (object.last_modified, Timestamp(object.last_modified.0 - 1000));
    let read = |conditions| GetRequest {
        conditions,
        selection: Selection::Range(RangeSpec::From { first: 100 }),
        ..GetRequest::default()
    };
    let none = ReadConditions::default();

    for conditions in [
        ReadConditions { if_none_match: Some(same.clone()), ..none.clone() },
        ReadConditions { if_modified_since: Some(then), ..none.clone() },
    ] {
        let got = store.get_object(&at, &read(conditions.clone())).await;
        refused!(got, StoreError::NotModified { etag, last_modified, caching }
            if etag == object.etag && last_modified == then
                && *caching == object.metadata.headers.caching());
        let head = store.head_object(&at, &read(conditions)).await;
        refused!(head, StoreError::NotModified { .. });
    }
    for (conditions, header) in [
        (
            ReadConditions { if_match: Some(other.clone()), ..none.clone() },
            ConditionHeader::IfMatch,
        ),
        (
            ReadConditions { if_unmodified_since: Some(before), ..none.clone() },
            ConditionHeader::IfUnmodifiedSince,
        ),
    ] {
        let got = store.get_object(&at, &read(conditions.clone())).await;
        refused!(got, StoreError::PreconditionFailed(failed) if failed == header);
        let head = store.head_object(&at, &read(conditions)).await;
        refused!(head, StoreError::PreconditionFailed(_));
    }
    let holds = ReadConditions {
        if_match: Some(same),
        if_none_match: Some(other),
        if_modified_since: Some(Timestamp(subject_now(subject).0 + 100_000)),
        if_unmodified_since: None,
    };
    let got = store.get_object(&at, &read(holds.clone())).await;
    refused!(got, StoreError::InvalidRange { size: 10 });
    let whole = GetRequest { conditions: holds, ..GetRequest::default() };
    assert_eq!(subject.got_part(&at, whole).await, content(1, 10));
    let future = ReadConditions {
        if_modified_since: Some(Timestamp(subject_now(subject).0 + 100_000)),
        ..none.clone()
    };
    let ignored = GetRequest { conditions: future, ..GetRequest::default() };
    assert_eq!(subject.got_part(&at, ignored).await, content(1, 10));

    let missing = path(&at.bucket, "missing");
    let any = ReadConditions { if_match: Some(ETagMatch::Any), ..none };
    refused!(store.get_object(&missing, &read(any)).await, StoreError::NoSuchKey);
}

fn subject_now(subject: &Subject) -> Timestamp {
    crate::object::Clock::now(&*subject.clock)
}

fn matches(tags: &str) -> WriteCondition {
    WriteCondition::Matches(ETagMatch::parse(tags))
}

async fn put_if(
    store: &dyn Store,
    at: &ObjectPath,
    seed: u64,
    condition: &WriteCondition,
) -> Result<(), StoreError> {
    let new = NewObject { condition: Some(condition.clone()), ..NewObject::default() };
    store.put_object(at, new, body(&content(seed, 100), None)).await.map(|_| ())
}

/// A write happens where its condition holds, and the early answer is the same.
pub async fn writes(subject: &Subject) {
    let store = &*subject.store;
    let at = path(&subject.bucket("writes").await, "key");
    for condition in [matches("*"), matches("\"x\"")] {
        refused!(store.check_condition(&at, &condition).await, StoreError::NoSuchKey);
        refused!(put_if(store, &at, 1, &condition).await, StoreError::NoSuchKey);
    }
    refused!(store.head_object(&at, &GetRequest::default()).await, StoreError::NoSuchKey);
    store.check_condition(&at, &WriteCondition::Absent).await.unwrap();
    put_if(store, &at, 1, &WriteCondition::Absent).await.unwrap();

    for (condition, header) in [
        (WriteCondition::Absent, ConditionHeader::IfNoneMatch),
        (matches("\"x\", y"), ConditionHeader::IfMatch),
    ] {
        let early = store.check_condition(&at, &condition).await;
        refused!(early, StoreError::PreconditionFailed(failed) if failed == header);
        let put = put_if(store, &at, 2, &condition).await;
        refused!(put, StoreError::PreconditionFailed(failed) if failed == header);
        assert_eq!(subject.got(&at).await, content(1, 100));
    }
    let tag = store.head_object(&at, &GetRequest::default()).await.unwrap().object.etag;
    put_if(store, &at, 3, &matches(tag.as_str())).await.unwrap();
    refused!(
        put_if(store, &at, 4, &matches(tag.as_str())).await,
        StoreError::PreconditionFailed(ConditionHeader::IfMatch)
    );
    put_if(store, &at, 5, &matches("*")).await.unwrap();
    assert_eq!(subject.got(&at).await, content(5, 100));
    store.delete_object(&at, &DeleteRequest::default()).await.unwrap();
    put_if(store, &at, 6, &WriteCondition::Absent).await.unwrap();
    assert_eq!(subject.got(&at).await, content(6, 100));
}

/// A delete happens where the tag matches; a key that isn't there is none to protect.
pub async fn deletes(subject: &Subject) {
    let store = &*subject.store;
    let at = path(&subject.bucket("deletes").await, "key");
    let delete_if = |tags: &str| DeleteRequest { version: None, condition: Some(matches(tags)) };
    for tags in ["*", "\"x\""] {
        store.delete_object(&at, &delete_if(tags)).await.unwrap();
    }
    let object = subject.put(&at, &content(1, 10)).await.object;
    refused!(
        store.delete_object(&at, &delete_if("\"x\"")).await,
        StoreError::PreconditionFailed(ConditionHeader::IfMatch)
    );
    assert_eq!(subject.got(&at).await, content(1, 10));
    store.delete_object(&at, &delete_if(&object.etag.quoted())).await.unwrap();
    refused!(store.head_object(&at, &GetRequest::default()).await, StoreError::NoSuchKey);
    subject.put(&at, &content(1, 10)).await;
    store.delete_object(&at, &delete_if("*")).await.unwrap();
    refused!(store.head_object(&at, &GetRequest::default()).await, StoreError::NoSuchKey);
}
