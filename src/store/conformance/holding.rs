//! Bodies kept for a while, and uploads that are looked at before they are objects.

use bytes::Bytes;

use super::{body, content, failing};
use crate::body::{BodyError, Payload, Source};
use crate::object::{
    Algorithm, BucketName, ChecksumChoice, ChecksumKind, CompletedPart, Completion, CustomerKey,
    Encryption, KeyFault, ObjectKey, ObjectMetadata, Owner, PartNumber, TagSet,
};
use crate::store::{GetRequest, Holding, Home, NewUpload, ObjectPath, StoreError, UploadPath};

/// Runs every function.
pub async fn all(home: &dyn Home) {
    bodies_come_back(home).await;
    broken_ones_do_not(home).await;
    uploads_are_shown(home).await;
}

/// What was taken in comes out, with its length and all that was computed.
pub async fn bodies_come_back(home: &dyn Holding) {
    for size in [0, 1, 65_536, 131_072, 131_073, 700_000] {
        let whole = content(size as u64, size);
        let unmeasured = Payload::new(None, Unmeasured(body(&whole, None)));
        let mut held = home.hold(unmeasured).await.expect("it is taken");
        assert_eq!(held.length(), Some(size as u64));
        assert!(held.digests().is_none(), "nothing is known before the end");
        let mut read = Vec::new();
        while let Some(chunk) = held.next().await {
            read.extend_from_slice(&chunk.expect("it is readable"));
        }
        assert_eq!(Bytes::from(read), whole);
        let digests = held.digests().expect("they were computed");
        assert_eq!(digests.size, size as u64);
    }
}

/// A body that ends in an error is an error at once.
pub async fn broken_ones_do_not(home: &dyn Holding) {
    for size in [10, 300_000] {
        let broken = failing(&content(1, size), BodyError::Stalled);
        refused!(home.hold(broken).await, StoreError::Body(BodyError::Stalled));
    }
}

/// The content of an upload is shown as the listed parts make it, and it is no object by that.
pub async fn uploads_are_shown(home: &dyn Home) {
    let bucket = BucketName::parse("shown").expect("a name");
    let owner = Owner { id: "alice".to_owned(), display_name: "Alice".to_owned() };
    home.create_bucket(&bucket, &owner).await.expect("a bucket");
    for (name, encryption) in [
        ("plain", None),
        ("managed", Some(Encryption::Managed)),
        ("customer", Some(Encryption::Customer(CustomerKey::new([7; 32])))),
    ] {
        let key = ObjectKey::parse(name).expect("a key");
        let at = ObjectPath { bucket: bucket.clone(), key };
        is_shown(home, &at, &owner, encryption).await;
    }
}

async fn is_shown(home: &dyn Home, at: &ObjectPath, owner: &Owner, encryption: Option<Encryption>) {
    let checksum = ChecksumChoice {
        algorithm: Algorithm::Crc64Nvme,
        kind: ChecksumKind::FullObject,
        explicit: false,
    };
    let new = NewUpload {
        metadata: ObjectMetadata::default(),
        tags: TagSet::default(),
        checksum,
        initiator: owner.clone(),
        encryption: encryption.clone(),
        acl: None,
    };
    let key = encryption.as_ref().and_then(Encryption::customer_key);
    let id = home.create_readable_upload(at, new).await.expect("an upload");
    let upload = UploadPath { object: at.clone(), id };
    let contents = [content(1, 5 << 20), content(2, 300_000), content(3, 17)];
    let mut parts = Vec::new();
    for (number, content) in (1..).zip(&contents) {
        let number = PartNumber::new(number).expect("a number");
        let body = body(content, Some(checksum.algorithm));
        let part = home.put_part(&upload, number, body, key).await.expect("a part");
        parts.push(CompletedPart { number, etag: part.etag, checksum: None });
    }
    let first_two: Vec<_> = parts.iter().take(2).cloned().collect();
    let completion = |parts| Completion { parts, ..Completion::default() };
    let shown = home.preview(&upload, &completion(first_two.clone()), key).await;
    let shown = shown.expect("it is shown").expect("it is new");
    let [one, two, _] = &contents;
    assert_eq!(shown.length(), Some((one.len() + two.len()) as u64));
    let read = shown.collect(usize::MAX).await.expect("it is readable");
    assert_eq!(read, [&one[..], &two[..]].concat());
    refused!(home.head_object(at, &GetRequest::default()).await, StoreError::NoSuchKey);
    if key.is_some() {
        let (whole, other) = (completion(first_two.clone()), CustomerKey::new([8; 32]));
        let missing = home.preview(&upload, &whole, None).await;
        refused!(missing, StoreError::CustomerKey(KeyFault::PartMissing));
        let wrong = home.preview(&upload, &whole, Some(&other)).await;
        refused!(wrong, StoreError::CustomerKey(KeyFault::PartWrong));
    }
    let mut wrong = first_two.clone();
    wrong.reverse();
    refused!(home.preview(&upload, &completion(wrong), key).await, StoreError::Completion(_));
    let stored = home.complete_upload(&upload, &completion(first_two.clone()), None).await;
    stored.expect("it is completed as it was shown");
    let again = home.preview(&upload, &completion(first_two), key).await.expect("it is known");
    assert!(again.is_none(), "it was completed before");
    refused!(home.preview(&upload, &completion(parts), key).await, StoreError::NoSuchUpload);
}

/// A body whose length nobody tells.
struct Unmeasured(Payload);

impl Source for Unmeasured {
    fn poll_chunk(
        &mut self,
        cx: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<Bytes, BodyError>>> {
        self.0.poll_chunk(cx)
    }

    fn digests(&self) -> Option<&crate::body::Digests> {
        self.0.digests()
    }

    fn trailer(&self, name: &str) -> Option<&str> {
        self.0.trailer(name)
    }

    fn expected(&self) -> Option<&crate::body::Expected> {
        self.0.expected()
    }
}
