//! Copies within the store.

use super::Subject;
use super::subject::{body, content, listed, path, plain_copy, unnamed};
use crate::object::{
    Algorithm, Checksum, ChecksumChoice, ChecksumKind, ConditionHeader, ETag, ETagMatch,
    MIN_PART_SIZE, ObjectMetadata, ReadConditions, TagSet, Timestamp, UserMetadata, VersionId,
    WriteCondition,
};
use crate::store::{CopyRequest, DeleteRequest, GetRequest, NewObject, ObjectPath, StoreError};

fn metadata(value: &str) -> ObjectMetadata {
    let mut user = UserMetadata::default();
    user.add("name", value);
    ObjectMetadata { user, ..ObjectMetadata::default() }
}

fn tags(key: &str) -> TagSet {
    TagSet::for_object([(key.to_owned(), String::new())]).unwrap()
}

async fn source(subject: &Subject, at: &ObjectPath, size: usize, sum: Option<Algorithm>) {
    let new = NewObject { metadata: metadata("old"), tags: tags("old"), ..NewObject::default() };
    let body = body(&content(5, size), sum);
    subject.store.put_object(at, new, body).await.unwrap();
}

/// A copy has the source's content and, where nothing else is asked, everything else of it but
/// its time. It lives on its own.
pub async fn copies(subject: &Subject) {
    let store = &subject.store;
    let (from, to) = (subject.bucket("origin").await, subject.bucket("target").await);
    for (size, algorithm) in [0, 1, 131_072, 131_073, 400_000].into_iter().zip(Algorithm::ALL) {
        let (old, new) = (path(&from, "key"), path(&to, &format!("{size}")));
        source(subject, &old, size, Some(algorithm)).await;
        subject.clock.advance(10_000);
        let copied = store.copy_object(&old, &new, plain_copy()).await.unwrap().object;
        let original = store.head_object(&old, &GetRequest::default()).await.unwrap().object;
        assert!(copied.last_modified > original.last_modified);
        let mut expected = original;
        expected.key = new.key.clone();
        expected.last_modified = copied.last_modified;
        assert_eq!(copied, expected);
        let head = store.head_object(&new, &GetRequest::default()).await.unwrap();
        assert_eq!(head.object, copied);
        assert_eq!(store.object_tags(&new, None).await.unwrap(), tags("old"));
        store.delete_object(&old, &DeleteRequest::default()).await.unwrap();
        assert_eq!(subject.got(&new).await, content(5, size));
    }
}

/// Metadata, tags and checksum are replaced one without the other.
pub async fn replaced_parts_of_a_copy(subject: &Subject) {
    let store = &subject.store;
    let bucket = subject.bucket("replace").await;
    let (old, new) = (path(&bucket, "old"), path(&bucket, "new"));
    source(subject, &old, 1000, None).await;
    let unchanged = store.copy_object(&old, &new, plain_copy()).await.unwrap().object;
    assert_eq!(unchanged.checksum, None, "nothing is computed that nobody asked for");

    let request = CopyRequest { metadata: Some(metadata("new")), ..plain_copy() };
    let copied = store.copy_object(&old, &new, request).await.unwrap().object;
    assert_eq!((copied.metadata, copied.tag_count), (metadata("new"), 1));

    let request = CopyRequest { tags: Some(TagSet::default()), ..plain_copy() };
    let copied = store.copy_object(&old, &new, request).await.unwrap().object;
    assert_eq!((copied.metadata, copied.tag_count), (metadata("old"), 0));
    assert!(store.object_tags(&new, None).await.unwrap().is_empty());

    for algorithm in Algorithm::ALL {
        let request = CopyRequest { checksum: Some(algorithm), ..plain_copy() };
        let copied = store.copy_object(&old, &new, request).await.unwrap().object;
        let sum = algorithm.digest(&content(5, 1000));
        assert_eq!(copied.checksum, Some(Checksum::full_object(sum)));
    }

    // A copy of a completed upload is one of a single PUT.
    let five = usize::try_from(MIN_PART_SIZE).unwrap();
    let choice = ChecksumChoice {
        algorithm: Algorithm::Crc32,
        kind: ChecksumKind::Composite,
        explicit: true,
    };
    let upload = subject.upload(&old, choice).await;
    let parts = [
        subject.part(&upload, 1, &content(1, five)).await,
        subject.part(&upload, 2, &content(2, 3)).await,
    ];
    store.complete_upload(&upload, &listed(&parts), None).await.unwrap();
    let copied = store.copy_object(&old, &new, plain_copy()).await.unwrap().object;
    let whole = [content(1, five), content(2, 3)].concat();
    assert_eq!(subject.got(&new).await, whole);
    assert_eq!(copied.parts_count, None);
    assert_eq!(copied.etag, ETag::from_md5(md5::Digest::finalize(md5_of(&whole)).into()));
    assert_eq!(copied.checksum, Some(Checksum::full_object(Algorithm::Crc32.digest(&whole))));
    assert!(store.object_parts(&new, None, 0, 10).await.unwrap().parts.is_empty());
}

fn md5_of(bytes: &[u8]) -> md5::Md5 {
    md5::Digest::new_with_prefix(bytes)
}

/// Failing conditions are failures, never "not modified", on either side.
pub async fn conditions(subject: &Subject) {
    let store = &subject.store;
    let bucket = subject.bucket("conditions").await;
    let (old, new) = (path(&bucket, "old"), path(&bucket, "new"));
    source(subject, &old, 10, None).await;
    let object = store.head_object(&old, &GetRequest::default()).await.unwrap().object;
    let same = Some(ETagMatch::Tags(vec![object.etag.clone()]));
    let other = Some(ETagMatch::parse("x"));
    let before = Some(Timestamp(object.last_modified.0 - 1000));
    let then = Some(object.last_modified);
    let none = ReadConditions::default();
    for (source_conditions, header) in [
        (ReadConditions { if_match: other.clone(), ..none.clone() }, ConditionHeader::IfMatch),
        (
            ReadConditions { if_none_match: same.clone(), ..none.clone() },
            ConditionHeader::IfNoneMatch,
        ),
        (
            ReadConditions { if_modified_since: then, ..none.clone() },
            ConditionHeader::IfModifiedSince,
        ),
        (
            ReadConditions { if_unmodified_since: before, ..none.clone() },
            ConditionHeader::IfUnmodifiedSince,
        ),
        (
            ReadConditions {
                if_none_match: same.clone(),
                if_modified_since: before,
                ..none.clone()
            },
            ConditionHeader::IfNoneMatch,
        ),
    ] {
        let request = CopyRequest { source_conditions, ..plain_copy() };
        let copied = store.copy_object(&old, &new, request).await;
        refused!(copied, StoreError::PreconditionFailed(failed) if failed == header);
    }
    refused!(store.head_object(&new, &GetRequest::default()).await, StoreError::NoSuchKey);
    let source_conditions = ReadConditions { if_match: same, if_unmodified_since: before, ..none };
    let condition = Some(WriteCondition::Absent);
    let request = CopyRequest { source_conditions, condition, ..plain_copy() };
    store.copy_object(&old, &new, request.clone()).await.unwrap();
    refused!(
        store.copy_object(&old, &new, request).await,
        StoreError::PreconditionFailed(ConditionHeader::IfNoneMatch)
    );
    let missing = path(&bucket, "missing");
    let matches = Some(WriteCondition::Matches(ETagMatch::Any));
    let request = CopyRequest { condition: matches, ..plain_copy() };
    let copied = store.copy_object(&old, &missing, request).await;
    refused!(copied, StoreError::NoSuchKey);
}

/// What isn't there, or is too large, isn't copied.
pub async fn refusals(subject: &Subject) {
    let store = &subject.store;
    let bucket = subject.bucket("refused").await;
    let (old, new) = (path(&bucket, "old"), path(&bucket, "new"));
    refused!(store.copy_object(&old, &new, plain_copy()).await, StoreError::NoSuchKey);
    source(subject, &old, 1000, None).await;
    let request = CopyRequest { source_version: Some(VersionId::Id(9)), ..plain_copy() };
    refused!(store.copy_object(&old, &new, request).await, StoreError::NoSuchVersion);
    let request = CopyRequest { size_limit: 999, ..plain_copy() };
    refused!(
        store.copy_object(&old, &new, request).await,
        StoreError::SourceTooLarge { size: 1000, limit: 999 }
    );
    refused!(store.head_object(&new, &GetRequest::default()).await, StoreError::NoSuchKey);
    let request =
        CopyRequest { source_version: Some(VersionId::Null), size_limit: 1000, ..plain_copy() };
    store.copy_object(&old, &new, request).await.unwrap();
}

/// A copy onto itself changes what is asked and keeps the content.
pub async fn onto_itself(subject: &Subject) {
    let store = &subject.store;
    let bucket = subject.bucket("itself").await;
    for size in [0, 1000, 131_073] {
        let at = path(&bucket, &format!("{size}"));
        source(subject, &at, size, None).await;
        for value in ["one", "two"] {
            subject.clock.advance(2000);
            let request = CopyRequest { metadata: Some(metadata(value)), ..plain_copy() };
            let copied = store.copy_object(&at, &at, request).await.unwrap().object;
            assert_eq!(copied.metadata, metadata(value));
            assert_eq!(subject.got(&at).await, content(5, size));
        }
    }
    let at = path(&bucket, "completed");
    let upload = subject.upload(&at, unnamed()).await;
    let part = subject.part(&upload, 1, &content(8, 200_000)).await;
    store.complete_upload(&upload, &listed(&[part]), None).await.unwrap();
    store.copy_object(&at, &at, plain_copy()).await.unwrap();
    assert_eq!(subject.got(&at).await, content(8, 200_000));
}
