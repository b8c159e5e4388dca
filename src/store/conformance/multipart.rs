//! Uploads that become objects.

use bytes::Bytes;

use super::subject::{body, content, listed, owner, part_copy, part_number, path, unnamed};
use super::{Subject, failing};
use crate::body::BodyError;
use crate::object::{
    Algorithm, ChecksumChoice, ChecksumKind, ChecksumValue, Completion, CompletionError,
    ConditionHeader, ETag, ETagMatch, MIN_PART_SIZE, ObjectMetadata, PartSummary, PartsQuery,
    ReadConditions, TagSet, UserMetadata, VersionId, WriteCondition,
};
use crate::store::{
    CopyPartRequest, DeleteRequest, GetRequest, NewUpload, ObjectParts, StoreError, UploadPath,
};

/// 5 MiB.
fn five() -> usize {
    usize::try_from(MIN_PART_SIZE).unwrap()
}

fn choice(algorithm: Algorithm, kind: ChecksumKind) -> ChecksumChoice {
    ChecksumChoice { algorithm, kind, explicit: true }
}

/// Three parts of an upload, the first two as small as they may be.
async fn three(subject: &Subject, upload: &UploadPath) -> (Vec<PartSummary>, Bytes) {
    let contents = [content(1, five()), content(2, five() + 1), content(3, 1000)];
    let mut parts = Vec::new();
    for (number, content) in (1..).zip(&contents) {
        parts.push(subject.part(upload, number, content).await);
    }
    (parts, contents.concat().into())
}

/// The object is the parts in order, with the metadata and tags given at the start.
pub async fn an_upload_becomes_an_object(subject: &Subject) {
    let store = &subject.store;
    let at = path(&subject.bucket("completed").await, "dir/key");
    let mut user = UserMetadata::default();
    user.add("name", "value");
    let new = NewUpload {
        metadata: ObjectMetadata { user, ..ObjectMetadata::default() },
        tags: TagSet::for_object([("a".to_owned(), "b".to_owned())]).unwrap(),
        checksum: unnamed(),
        initiator: owner("bob"),
        encryption: None,
        acl: None,
    };
    let id = store.create_upload(&at, new.clone()).await.unwrap();
    let upload = UploadPath { object: at.clone(), id };
    assert_eq!(store.upload_choice(&upload).await.unwrap().checksum, unnamed());
    let (parts, whole) = three(subject, &upload).await;
    assert_eq!(parts[0].etag, ETag::from_md5(md5(&content(1, five()))));
    assert_eq!(parts[0].last_modified, Subject::START.ceil_second());

    subject.clock.advance(5000);
    let stored = store.complete_upload(&upload, &listed(&parts), None).await.unwrap();
    let head = store.head_object(&at, &GetRequest::default()).await.unwrap();
    assert_eq!(head.object, stored.object);
    assert_eq!(stored.version, None);
    let object = stored.object;
    assert_eq!(object.size, whole.len() as u64);
    assert_eq!(object.etag, ETag::multipart(parts.iter().map(|p| p.etag.md5().unwrap())));
    assert_eq!((object.parts_count, object.tag_count), (Some(3), 1));
    assert_eq!(object.metadata, new.metadata);
    assert_eq!(store.object_tags(&at, None).await.unwrap(), new.tags);
    assert_eq!(object.last_modified, crate::object::Timestamp(1_700_000_006_000));
    assert_eq!(object.checksum.unwrap().value, Algorithm::Crc64Nvme.digest(&whole));
    assert_eq!(subject.got(&at).await, whole);

    let shown = store.object_parts(&at, None, 0, 2).await.unwrap();
    assert_eq!(shown.next, Some(2));
    let rest = store.object_parts(&at, None, 2, 2).await.unwrap();
    assert_eq!(rest.next, None);
    for (number, (shown, part)) in (1..).zip(shown.parts.iter().chain(&rest.parts).zip(&parts)) {
        assert_eq!((shown.number, shown.size), (number, part.size));
        assert_eq!(shown.checksum, part.checksum);
    }
    assert_eq!(store.object_parts(&at, None, 3, 5).await.unwrap(), ObjectParts::default());
    assert_eq!(store.object_parts(&at, None, 0, 0).await.unwrap(), ObjectParts::default());

    refused!(store.upload_choice(&upload).await, StoreError::NoSuchUpload);
    refused!(store.abort_upload(&upload).await, StoreError::NoSuchUpload);
    store.delete_object(&at, &DeleteRequest::default()).await.unwrap();
    refused!(store.head_object(&at, &GetRequest::default()).await, StoreError::NoSuchKey);
}

fn md5(bytes: &[u8]) -> [u8; 16] {
    <md5::Md5 as md5::Digest>::digest(bytes).into()
}

/// A composite checksum runs over the parts' digests.
pub async fn composite_checksums(subject: &Subject) {
    let store = &subject.store;
    let bucket = subject.bucket("composite").await;
    for algorithm in [Algorithm::Crc32, Algorithm::Crc32c, Algorithm::Sha1, Algorithm::Sha256] {
        let at = path(&bucket, algorithm.wire_name());
        let choice = choice(algorithm, ChecksumKind::Composite);
        let upload = subject.upload(&at, choice).await;
        assert_eq!(store.upload_choice(&upload).await.unwrap().checksum, choice);
        let contents = [content(1, five()), content(2, 10)];
        let parts = [
            subject.part(&upload, 1, &contents[0]).await,
            subject.part(&upload, 2, &contents[1]).await,
        ];
        assert_eq!(parts[1].checksum, Some(algorithm.digest(&contents[1])));
        let object = store.complete_upload(&upload, &listed(&parts), None).await.unwrap().object;
        let digests = contents.map(|content| algorithm.digest(&content).digest).concat();
        let checksum = object.checksum.unwrap();
        assert_eq!(checksum.value, algorithm.digest(&digests));
        assert_eq!((checksum.kind, checksum.parts), (ChecksumKind::Composite, Some(2)));
    }
}

/// A full-object checksum is that of the content, and is compared with the client's.
pub async fn full_object_checksums(subject: &Subject) {
    let store = &subject.store;
    let bucket = subject.bucket("full-object").await;
    for algorithm in [Algorithm::Crc32, Algorithm::Crc32c, Algorithm::Crc64Nvme] {
        let at = path(&bucket, algorithm.wire_name());
        let upload = subject.upload(&at, choice(algorithm, ChecksumKind::FullObject)).await;
        let (parts, whole) = three(subject, &upload).await;
        let mut completion = listed(&parts);
        completion.checksum = Some(algorithm.digest(b"something else"));
        let got = store.complete_upload(&upload, &completion, None).await;
        refused!(got, StoreError::Completion(CompletionError::Checksum));
        completion.checksum = Some(algorithm.digest(&whole));
        let object = store.complete_upload(&upload, &completion, None).await.unwrap().object;
        let checksum = object.checksum.unwrap();
        assert_eq!(checksum.value, algorithm.digest(&whole));
        assert_eq!((checksum.kind, checksum.parts), (ChecksumKind::FullObject, None));
    }
}

/// A completion that is refused leaves the upload as it was, so that it can be tried again.
pub async fn refused_completions(subject: &Subject) {
    let store = &subject.store;
    let at = path(&subject.bucket("refused").await, "key");
    let sha = choice(Algorithm::Sha1, ChecksumKind::Composite);
    let upload = subject.upload(&at, sha).await;
    let (parts, whole) = three(subject, &upload).await;
    let small = subject.part(&upload, 4, &content(4, 5)).await;
    let good = listed(&parts);
    let with = |change: &dyn Fn(&mut Completion)| {
        let mut completion = good.clone();
        change(&mut completion);
        completion
    };
    macro_rules! refuses {
        ($change:expr, $error:pat $(if $guard:expr)?) => {
            let got = store.complete_upload(&upload, &with(&$change), None).await;
            refused!(got, StoreError::Completion($error) $(if $guard)?);
            let head = store.head_object(&at, &GetRequest::default()).await;
            refused!(head, StoreError::NoSuchKey);
        };
    }
    refuses!(|c: &mut Completion| c.parts.clear(), CompletionError::Empty);
    refuses!(|c: &mut Completion| c.parts.reverse(), CompletionError::Order);
    refuses!(|c: &mut Completion| c.parts[1] = c.parts[0].clone(), CompletionError::Order);
    refuses!(|c: &mut Completion| drop(c.parts.remove(0)), CompletionError::Order);
    refuses!(
        |c: &mut Completion| c.parts[1].etag = ETag::parse("0"),
        CompletionError::Part { number: 2, etag } if etag.as_str() == "0"
    );
    refuses!(
        |c: &mut Completion| c.parts[2].checksum = Some(Algorithm::Sha1.digest(b"x")),
        CompletionError::Part { number: 3, .. }
    );
    refuses!(|c: &mut Completion| c.parts[2].checksum = None, CompletionError::MissingChecksum(3));
    refuses!(
        |c: &mut Completion| c.parts.extend(
            listed(std::slice::from_ref(&small))
                .parts
                .into_iter()
                .map(|part| crate::object::CompletedPart { number: part_number(5), ..part })
        ),
        CompletionError::Order
    );
    refuses!(
        |c: &mut Completion| c.parts.extend(listed(std::slice::from_ref(&small)).parts),
        CompletionError::TooSmall { number: 3, size: 1000, .. }
    );
    refuses!(
        |c: &mut Completion| c.object_size = Some(7),
        CompletionError::Size { expected: 7, actual } if actual == whole.len() as u64
    );
    refuses!(
        |c: &mut Completion| c.checksum_kind = Some(ChecksumKind::FullObject),
        CompletionError::Kind
    );
    refuses!(
        |c: &mut Completion| {
            c.checksum = Some(ChecksumValue { algorithm: Algorithm::Sha1, digest: vec![0; 20] });
        },
        CompletionError::Checksum
    );
    let kept = store.list_parts(&upload, &PartsQuery { after: 0, limit: 10 }).await.unwrap();
    assert_eq!(kept.parts.len(), 4);
    store.complete_upload(&upload, &good, None).await.unwrap();
    assert_eq!(subject.got(&at).await, whole);
}

/// The same completion again gives the same answer, whatever became of the object; another list
/// does not.
pub async fn repeated_completions(subject: &Subject) {
    let store = &subject.store;
    let at = path(&subject.bucket("repeated").await, "key");
    let upload = subject.upload(&at, unnamed()).await;
    let parts = [
        subject.part(&upload, 1, &content(1, five())).await,
        subject.part(&upload, 2, &content(2, 10)).await,
    ];
    let absent = || Some(WriteCondition::Absent);
    let first = store.complete_upload(&upload, &listed(&parts), absent()).await.unwrap();
    subject.clock.advance(10_000);
    let again = store.complete_upload(&upload, &listed(&parts), absent()).await.unwrap();
    assert_eq!(again, first);
    let other = store.complete_upload(&upload, &listed(&parts[..1]), None).await;
    refused!(other, StoreError::NoSuchUpload);
    subject.put(&at, &content(3, 10)).await;
    let again = store.complete_upload(&upload, &listed(&parts), None).await.unwrap();
    assert_eq!(again, first);
    assert_eq!(subject.got(&at).await, content(3, 10), "nothing was completed anew");
}

/// A condition that does not hold leaves the upload as it was.
pub async fn conditional_completions(subject: &Subject) {
    let store = &subject.store;
    let at = path(&subject.bucket("conditional").await, "key");
    let upload = subject.upload(&at, unnamed()).await;
    let part = subject.part(&upload, 1, &content(1, 10)).await;
    let list = listed(&[part]);
    let any = || Some(WriteCondition::Matches(ETagMatch::Any));
    refused!(store.complete_upload(&upload, &list, any()).await, StoreError::NoSuchKey);
    subject.put(&at, &content(2, 10)).await;
    refused!(
        store.complete_upload(&upload, &list, Some(WriteCondition::Absent)).await,
        StoreError::PreconditionFailed(ConditionHeader::IfNoneMatch)
    );
    assert_eq!(subject.got(&at).await, content(2, 10));
    store.complete_upload(&upload, &list, any()).await.unwrap();
    assert_eq!(subject.got(&at).await, content(1, 10));
}

/// A part stored again takes the place of the former; parts that aren't listed are dropped; one
/// empty part is enough.
pub async fn parts_are_replaced(subject: &Subject) {
    let store = &subject.store;
    let bucket = subject.bucket("replaced").await;
    let at = path(&bucket, "key");
    let upload = subject.upload(&at, unnamed()).await;
    let first = subject.part(&upload, 3, &content(1, 200_000)).await;
    subject.part(&upload, 7, &content(9, 10)).await;
    let second = subject.part(&upload, 3, &content(2, 20)).await;
    let page = store.list_parts(&upload, &PartsQuery { after: 0, limit: 1 }).await.unwrap();
    assert_eq!(page.parts, std::slice::from_ref(&second));
    let stale = store.complete_upload(&upload, &listed(&[first]), None).await;
    refused!(stale, StoreError::Completion(CompletionError::Part { number: 3, .. }));
    let object = store.complete_upload(&upload, &listed(&[second]), None).await.unwrap().object;
    assert_eq!((object.size, object.parts_count), (20, Some(1)));
    assert_eq!(subject.got(&at).await, content(2, 20));

    let at = path(&bucket, "empty");
    let upload = subject.upload(&at, unnamed()).await;
    let part = subject.part(&upload, 1, &Bytes::new()).await;
    let object = store.complete_upload(&upload, &listed(&[part]), None).await.unwrap().object;
    assert_eq!((object.size, object.parts_count), (0, Some(1)));
    assert!(subject.got(&at).await.is_empty());
}

/// A part whose body fails isn't there, and the one before it stays.
pub async fn broken_parts_are_not_stored(subject: &Subject) {
    let store = &subject.store;
    let at = path(&subject.bucket("broken").await, "key");
    let upload = subject.upload(&at, unnamed()).await;
    let part = subject.part(&upload, 1, &content(1, 100)).await;
    for (number, size) in [(1, 10), (2, 10), (1, 400_000), (2, 400_000)] {
        let broken = failing(&content(2, size), BodyError::ChunkSignature);
        let put = store.put_part(&upload, part_number(number), broken, None).await;
        refused!(put, StoreError::Body(BodyError::ChunkSignature));
    }
    let page = store.list_parts(&upload, &PartsQuery { after: 0, limit: 10 }).await.unwrap();
    assert_eq!(page.parts, [part]);
}

/// Parts copied from objects, whole and in pieces, with the checksum that the upload wants.
pub async fn copied_parts(subject: &Subject) {
    let store = &subject.store;
    let bucket = subject.bucket("copied").await;
    let (from, at) = (path(&bucket, "source"), path(&bucket, "target"));
    let source = content(4, five() + 1000);
    subject.put(&from, &source).await;
    for checksum in [unnamed(), choice(Algorithm::Sha256, ChecksumKind::Composite)] {
        let upload = subject.upload(&at, checksum).await;
        let end = five() as u64;
        let mut parts = Vec::new();
        for (number, range) in [(1, None), (2, Some((0, end - 1))), (3, Some((end, end + 999)))] {
            let request = part_copy(range);
            let part = store.copy_part(&from, &upload, part_number(number), request).await.unwrap();
            parts.push(part);
        }
        let pieces = [source.clone(), source.slice(..five()), source.slice(five()..)];
        for (part, piece) in parts.iter().zip(&pieces) {
            assert_eq!(part.etag, ETag::from_md5(md5(piece)));
            assert_eq!(part.size, piece.len() as u64);
            assert_eq!(part.checksum, Some(checksum.algorithm.digest(piece)));
        }
        store.complete_upload(&upload, &listed(&parts), None).await.unwrap();
        assert_eq!(subject.got(&at).await, pieces.concat());
    }
    // The source may go while the copy stays, and it may be an object of parts itself.
    store.delete_object(&from, &DeleteRequest::default()).await.unwrap();
    let upload = subject.upload(&from, unnamed()).await;
    let border = five() as u64 + 1000;
    let request = part_copy(Some((border - 10, border + 9)));
    let part = store.copy_part(&at, &upload, part_number(1), request).await.unwrap();
    store.complete_upload(&upload, &listed(&[part]), None).await.unwrap();
    let across = [source.slice(five() + 990..), source.slice(..10)].concat();
    assert_eq!(subject.got(&from).await, across);
}

/// Part copies that are refused leave no part.
pub async fn refused_part_copies(subject: &Subject) {
    let store = &subject.store;
    let bucket = subject.bucket("refused").await;
    let (from, at) = (path(&bucket, "source"), path(&bucket, "target"));
    let object = subject.put(&from, &content(1, 100)).await.object;
    let upload = subject.upload(&at, unnamed()).await;
    let one = part_number(1);
    for range in [(0, 100), (100, 100), (50, 1000), (5, 4)] {
        let copied = store.copy_part(&from, &upload, one, part_copy(Some(range))).await;
        refused!(copied, StoreError::SourceRange { size: 100 });
    }
    let request = CopyPartRequest { size_limit: 49, ..part_copy(Some((0, 49))) };
    refused!(
        store.copy_part(&from, &upload, one, request).await,
        StoreError::SourceTooLarge { size: 50, limit: 49 }
    );
    let missing = path(&bucket, "missing");
    let copied = store.copy_part(&missing, &upload, one, part_copy(None)).await;
    refused!(copied, StoreError::NoSuchKey);
    let request = CopyPartRequest { source_version: Some(VersionId::Id(1)), ..part_copy(None) };
    refused!(store.copy_part(&from, &upload, one, request).await, StoreError::NoSuchVersion);
    for (conditions, header) in [
        (
            ReadConditions { if_match: Some(ETagMatch::parse("x")), ..Default::default() },
            ConditionHeader::IfMatch,
        ),
        (
            ReadConditions {
                if_none_match: Some(ETagMatch::Tags(vec![object.etag])),
                ..Default::default()
            },
            ConditionHeader::IfNoneMatch,
        ),
    ] {
        let request = CopyPartRequest { source_conditions: conditions, ..part_copy(None) };
        let copied = store.copy_part(&from, &upload, one, request).await;
        refused!(copied, StoreError::PreconditionFailed(failed) if failed == header);
    }
    let page = store.list_parts(&upload, &PartsQuery { after: 0, limit: 10 }).await.unwrap();
    assert!(page.parts.is_empty());
    let small = CopyPartRequest { size_limit: 50, ..part_copy(Some((50, 99))) };
    store.copy_part(&from, &upload, one, small).await.unwrap();
    // Bodies of parts may carry an algorithm of their own where the upload names none.
    let body = body(&content(2, 10), Some(Algorithm::Crc32));
    let part = store.put_part(&upload, part_number(2), body, None).await.unwrap();
    assert_eq!(part.checksum, Some(Algorithm::Crc32.digest(&content(2, 10))));
}
