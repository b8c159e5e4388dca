//! What stores that encrypt promise, beside what every store does. A store without encryption of
//! its own need not pass them.

use std::future::Future;

use bytes::Bytes;

use super::subject::{listed, owner, part_copy, path, plain_copy, unnamed};
use super::{Subject, body, content};
use crate::object::{
    ByteRange, CustomerKey, Encrypted, Encryption, KeyFault, ObjectMetadata, RangeSpec, TagSet,
};
use crate::store::{
    CopyPartRequest, CopyRequest, GetRequest, NewObject, NewUpload, ObjectPath, Selection,
    StoreError, UploadPath,
};

/// Sizes on both sides of every border there may be.
const SIZES: [usize; 8] = [0, 1, 65_519, 65_520, 65_521, 131_072, 200_000, 400_000];

/// Runs every function, each on a store that `make` makes new and that encrypts nothing unasked.
pub async fn all<F, Fut>(make: F)
where
    F: Fn() -> Fut,
    Fut: Future<Output = Subject>,
{
    managed_objects(&make().await).await;
    customers_objects(&make().await).await;
    copies(&make().await).await;
    managed_uploads(&make().await).await;
    customers_uploads(&make().await).await;
}

fn managed() -> NewObject {
    NewObject { encryption: Some(Encryption::Managed), ..NewObject::default() }
}

fn key(byte: u8) -> CustomerKey {
    CustomerKey::new([byte; 32])
}

fn customers(byte: u8) -> NewObject {
    let encryption = Some(Encryption::Customer(key(byte)));
    NewObject { encryption, ..NewObject::default() }
}

fn with(byte: u8) -> GetRequest {
    GetRequest { key: Some(key(byte)), ..GetRequest::default() }
}

fn range(first: u64, last: u64) -> Selection {
    Selection::Range(RangeSpec::Closed { first, last })
}

/// What is encrypted with the store's key is read as if it were not, and says so.
pub async fn managed_objects(subject: &Subject) {
    let store = &subject.store;
    let bucket = subject.bucket("managed").await;
    for size in SIZES {
        let (at, content) = (path(&bucket, &size.to_string()), content(1, size));
        let put = store.put_object(&at, managed(), body(&content, None)).await.unwrap();
        assert_eq!(put.object.encryption, Some(Encrypted::Managed { asked: true }));
        assert_eq!(put.object.size, size as u64);
        let plain = subject.put(&path(&bucket, "plain"), &content).await;
        assert_eq!(plain.object.encryption, None);
        assert_eq!(put.object.etag, plain.object.etag, "the tag is that of the content");
        assert_eq!(put.object.checksum, plain.object.checksum);
        assert_eq!(subject.got(&at).await, content);
        let head = store.head_object(&at, &GetRequest::default()).await.unwrap();
        assert_eq!(head.object, put.object);
        for (first, last) in [(0, 0), (65_510, 65_530), (131_030, 131_060), (1, 399_998)] {
            let whole = ByteRange::whole(size as u64);
            let Ok(wanted) = RangeSpec::Closed { first, last }.resolve(whole.length) else {
                continue;
            };
            let selection = range(first, last);
            let got = subject.got_part(&at, GetRequest { selection, ..with_none() }).await;
            let place = |at: u64| usize::try_from(at).unwrap();
            assert_eq!(got, content.slice(place(wanted.offset)..place(wanted.end())), "{size}");
        }
        let keyed = store.get_object(&at, &with(1)).await;
        refused!(keyed, StoreError::CustomerKey(KeyFault::Unneeded));
    }
}

fn with_none() -> GetRequest {
    GetRequest::default()
}

/// What is encrypted with a customer's key is read with that key and no other.
pub async fn customers_objects(subject: &Subject) {
    let store = &subject.store;
    let bucket = subject.bucket("customers").await;
    for size in SIZES {
        let (at, content) = (path(&bucket, &size.to_string()), content(2, size));
        let put = store.put_object(&at, customers(1), body(&content, None)).await.unwrap();
        assert_eq!(put.object.encryption, Some(Encrypted::Customer));
        let plain = subject.put(&path(&bucket, "plain"), &content).await;
        assert_ne!(put.object.etag, plain.object.etag, "the tag tells nothing of the content");
        let got = store.get_object(&at, &with(1)).await.unwrap();
        assert_eq!(got.head.object, put.object);
        assert_eq!(got.body.collect(usize::MAX).await.unwrap(), content);
        if size > 0 {
            let end = size as u64 - 1;
            let some = GetRequest { selection: range(end, end), ..with(1) };
            assert_eq!(subject.got_part(&at, some).await, content.slice(size - 1..));
        }
        let none = store.get_object(&at, &GetRequest::default()).await;
        refused!(none, StoreError::CustomerKey(KeyFault::Missing));
        refused!(store.get_object(&at, &with(2)).await, StoreError::CustomerKey(KeyFault::Wrong));
        refused!(store.head_object(&at, &with(2)).await, StoreError::CustomerKey(KeyFault::Wrong));
        // Whoever only has to know that it is there needs no key.
        for request in [with(1), GetRequest::default()] {
            assert_eq!(store.head_object(&at, &request).await.unwrap().object, put.object);
        }
        let keyed = store.get_object(&path(&bucket, "plain"), &with(1)).await;
        refused!(keyed, StoreError::CustomerKey(KeyFault::Unneeded));
    }
}

/// A copy is encrypted as it is asked to be, and never loses the store's encryption unasked.
pub async fn copies(subject: &Subject) {
    let store = &subject.store;
    let bucket = subject.bucket("copied").await;
    let content = content(3, 200_000);
    let (plain, ours, theirs) = (path(&bucket, "a"), path(&bucket, "b"), path(&bucket, "c"));
    subject.put(&plain, &content).await;
    subject.put_as(&ours, managed(), &content).await;
    subject.put_as(&theirs, customers(1), &content).await;
    let to = path(&bucket, "copy");
    let copy = async |from: &ObjectPath, request: CopyRequest| {
        store.copy_object(from, &to, request).await.map(|stored| stored.object.encryption)
    };
    let copied = copy(&plain, plain_copy()).await;
    assert_eq!(copied.unwrap(), None);
    let copied = copy(&ours, plain_copy()).await;
    assert_eq!(copied.unwrap(), Some(Encrypted::Managed { asked: true }));
    assert_eq!(subject.got(&to).await, content);
    let asked = |encryption, source_key| CopyRequest {
        encryption: Some(encryption),
        source_key,
        ..plain_copy()
    };
    let copied = copy(&ours, asked(Encryption::Customer(key(2)), None)).await;
    assert_eq!(copied.unwrap(), Some(Encrypted::Customer));
    assert_eq!(subject.got_part(&to, with(2)).await, content);
    let rekeyed = asked(Encryption::Customer(key(3)), Some(key(1)));
    assert_eq!(copy(&theirs, rekeyed).await.unwrap(), Some(Encrypted::Customer));
    assert_eq!(subject.got_part(&to, with(3)).await, content);
    let opened = CopyRequest { source_key: Some(key(1)), ..plain_copy() };
    assert_eq!(copy(&theirs, opened).await.unwrap(), None);
    assert_eq!(subject.got(&to).await, content);
    for (from, given, fault) in [
        (&theirs, None, KeyFault::Missing),
        (&theirs, Some(key(2)), KeyFault::Wrong),
        (&ours, Some(key(1)), KeyFault::Unneeded),
        (&plain, Some(key(1)), KeyFault::Unneeded),
    ] {
        let refused = copy(from, CopyRequest { source_key: given, ..plain_copy() }).await;
        refused!(refused, StoreError::SourceKey(found) if found == fault);
    }
}

async fn upload(subject: &Subject, at: &ObjectPath, encryption: Encryption) -> UploadPath {
    let new = NewUpload {
        metadata: ObjectMetadata::default(),
        tags: TagSet::default(),
        checksum: unnamed(),
        initiator: owner("bob"),
        encryption: Some(encryption),
        acl: None,
    };
    let id = subject.store.create_upload(at, new).await.unwrap();
    UploadPath { object: at.clone(), id }
}

fn joined(parts: &[&Bytes]) -> Bytes {
    parts.iter().flat_map(|part| part.iter().copied()).collect::<Vec<u8>>().into()
}

/// Parts of an upload that is encrypted with the store's key.
pub async fn managed_uploads(subject: &Subject) {
    let store = &subject.store;
    let at = path(&subject.bucket("parts").await, "key");
    let source = path(&at.bucket, "source");
    let (one, two) = (content(4, 5 << 20), content(5, 70_000));
    subject.put_as(&source, managed(), &two).await;
    let upload = upload(subject, &at, Encryption::Managed).await;
    let choice = store.upload_choice(&upload).await.unwrap();
    assert_eq!(choice.encryption, Some(Encrypted::Managed { asked: true }));
    let first = subject.part(&upload, 1, &one).await;
    let plain = subject.put(&path(&at.bucket, "plain"), &one).await;
    assert_eq!(first.etag, plain.object.etag);
    let number = crate::object::PartNumber::new(2).unwrap();
    let second = store.copy_part(&source, &upload, number, part_copy(None)).await.unwrap();
    let keyed = store.put_part(&upload, number, body(&two, None), Some(&key(1))).await;
    refused!(keyed, StoreError::CustomerKey(KeyFault::PartUnneeded));
    let stored = store.complete_upload(&upload, &listed(&[first, second]), None).await.unwrap();
    assert_eq!(stored.object.encryption, Some(Encrypted::Managed { asked: true }));
    assert_eq!(subject.got(&at).await, joined(&[&one, &two]));
    let border = GetRequest { selection: range((5 << 20) - 3, (5 << 20) + 2), ..with_none() };
    let wanted = joined(&[&one.slice((5 << 20) - 3..), &two.slice(..3)]);
    assert_eq!(subject.got_part(&at, border).await, wanted);
}

/// Parts of an upload that is encrypted with a customer's key.
pub async fn customers_uploads(subject: &Subject) {
    let store = &subject.store;
    let at = path(&subject.bucket("parts").await, "key");
    let source = path(&at.bucket, "source");
    let (one, two) = (content(6, 5 << 20), content(7, 70_000));
    subject.put_as(&source, customers(9), &two).await;
    let upload = upload(subject, &at, Encryption::Customer(key(1))).await;
    let choice = store.upload_choice(&upload).await.unwrap();
    assert_eq!(choice.encryption, Some(Encrypted::Customer));
    let number = |number| crate::object::PartNumber::new(number).unwrap();
    let put = async |content: &Bytes, key: Option<&CustomerKey>| {
        let body = body(content, Some(choice.checksum.algorithm));
        store.put_part(&upload, number(1), body, key).await
    };
    refused!(put(&one, None).await, StoreError::CustomerKey(KeyFault::PartMissing));
    refused!(put(&one, Some(&key(2))).await, StoreError::CustomerKey(KeyFault::PartWrong));
    let first = put(&one, Some(&key(1))).await.unwrap();
    let copy = |source_key, own| CopyPartRequest { source_key, key: own, ..part_copy(None) };
    let copied = async |request| store.copy_part(&source, &upload, number(2), request).await;
    let refused = copied(copy(Some(key(9)), None)).await;
    refused!(refused, StoreError::CustomerKey(KeyFault::PartMissing));
    refused!(copied(copy(None, Some(key(1)))).await, StoreError::SourceKey(KeyFault::Missing));
    let second = copied(copy(Some(key(9)), Some(key(1)))).await.unwrap();
    let stored = store.complete_upload(&upload, &listed(&[first, second]), None).await.unwrap();
    assert_eq!(stored.object.encryption, Some(Encrypted::Customer));
    assert_eq!(subject.got_part(&at, with(1)).await, joined(&[&one, &two]));
    let none = store.get_object(&at, &GetRequest::default()).await;
    refused!(none, StoreError::CustomerKey(KeyFault::Missing));
    refused!(store.get_object(&at, &with(2)).await, StoreError::CustomerKey(KeyFault::Wrong));
}
