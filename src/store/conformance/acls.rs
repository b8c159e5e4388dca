//! ACLs of objects: as the bucket's owner may have them wherever objects lie, and, in stores of the
//! gateway's own, as anybody may.

use std::future::Future;

use super::subject::{owner, path, plain_copy};
use super::{Subject, content};
use crate::object::{
    Acl, ChecksumChoice, CompletedPart, Completion, Grant, Grantee, Owner, PartsQuery, Permission,
    PortableAcl, TagSet, VersionId,
};
use crate::store::{CopyRequest, GetRequest, NewObject, NewUpload, ObjectPath, UploadPath};

/// The owner of every bucket of a subject.
const BUCKET_OWNER: &str = "alice";

/// Runs every function for a store that keeps any ACL, each on a store that `make` makes new.
pub async fn all<F, Fut>(make: F)
where
    F: Fn() -> Fut,
    Fut: Future<Output = Subject>,
{
    objects(&make().await).await;
    copies(&make().await).await;
    uploads(&make().await).await;
    of_users(&make().await).await;
}

fn public() -> Acl {
    PortableAcl::PublicRead.of(owner(BUCKET_OWNER))
}

/// What the store says an object gives to others, whoever it says that the owner is.
async fn given(subject: &Subject, at: &ObjectPath) -> Option<PortableAcl> {
    match subject.store.object_acl(at, None).await.unwrap() {
        None => Some(PortableAcl::Private),
        Some(acl) => acl.portable(&acl.owner.id),
    }
}

fn with(acl: Option<Acl>) -> NewObject {
    NewObject { acl, ..NewObject::default() }
}

/// An ACL is kept with its object, replaced as a whole, and leaves the rest of the object alone.
pub async fn objects(subject: &Subject) {
    let store = &subject.store;
    let bucket = subject.bucket("listed").await;
    for size in [10, 200_000] {
        let at = path(&bucket, &format!("{size}"));
        let tags = TagSet::from_query("a=1").unwrap();
        let new = NewObject { tags: tags.clone(), ..with(Some(public())) };
        subject.put_as(&at, new, &content(1, size)).await;
        assert_eq!(given(subject, &at).await, Some(PortableAcl::PublicRead));
        let before = store.head_object(&at, &GetRequest::default()).await.unwrap().object;
        subject.clock.advance(60_000);
        for acl in [PortableAcl::AuthenticatedRead, PortableAcl::Private, PortableAcl::PublicRead] {
            let kept = acl.of(owner(BUCKET_OWNER)).kept(&owner(BUCKET_OWNER));
            store.set_object_acl(&at, None, kept).await.unwrap();
            assert_eq!(given(subject, &at).await, Some(acl));
        }
        store.set_object_tags(&at, None, tags).await.unwrap();
        assert_eq!(given(subject, &at).await, Some(PortableAcl::PublicRead), "tags change none");
        let after = store.head_object(&at, &GetRequest::default()).await.unwrap().object;
        assert_eq!(after, before);
        assert_eq!(subject.got(&at).await, content(1, size));
        // What takes its place has nothing of it.
        subject.put(&at, &content(2, size)).await;
        assert_eq!(given(subject, &at).await, Some(PortableAcl::Private));
    }
    let none = path(&bucket, "none");
    refused!(store.object_acl(&none, None).await, crate::store::StoreError::NoSuchKey);
    let set = store.set_object_acl(&none, None, Some(public())).await;
    refused!(set, crate::store::StoreError::NoSuchKey);
}

/// A copy has the ACL that it was made with, and never its source's.
pub async fn copies(subject: &Subject) {
    let store = &subject.store;
    let bucket = subject.bucket("listed").await;
    let source = path(&bucket, "source");
    subject.put_as(&source, with(Some(public())), &content(1, 10)).await;
    for (name, acl) in [("plain", PortableAcl::Private), ("listed", PortableAcl::AuthenticatedRead)]
    {
        let target = path(&bucket, name);
        let acl_of = acl.of(owner(BUCKET_OWNER)).kept(&owner(BUCKET_OWNER));
        let request = CopyRequest { acl: acl_of, ..plain_copy() };
        store.copy_object(&source, &target, request).await.unwrap();
        assert_eq!(given(subject, &target).await, Some(acl));
    }
    assert_eq!(given(subject, &source).await, Some(PortableAcl::PublicRead));
}

/// An object of parts has the ACL that its upload was started with.
pub async fn uploads(subject: &Subject) {
    let store = &subject.store;
    let bucket = subject.bucket("listed").await;
    let at = path(&bucket, "parts");
    let new = NewUpload {
        metadata: crate::object::ObjectMetadata::default(),
        tags: TagSet::default(),
        checksum: ChecksumChoice::like(None),
        initiator: owner(BUCKET_OWNER),
        encryption: None,
        acl: Some(public()),
    };
    let id = store.create_upload(&at, new).await.unwrap();
    let upload = UploadPath { object: at.clone(), id };
    let page = store.list_parts(&upload, &PartsQuery { after: 0, limit: 1 }).await.unwrap();
    assert_eq!(page.owner.id, BUCKET_OWNER);
    let part = subject.part(&upload, 1, &content(1, 1000)).await;
    let part = CompletedPart { number: part.number, etag: part.etag, checksum: part.checksum };
    let completion = Completion { parts: vec![part], ..Completion::default() };
    store.complete_upload(&upload, &completion, None).await.unwrap();
    assert_eq!(given(subject, &at).await, Some(PortableAcl::PublicRead));
}

/// An ACL of any length, of whatever owner, is kept as it is.
pub async fn of_users(subject: &Subject) {
    let store = &subject.store;
    let bucket = subject.bucket("listed").await;
    let (at, version) = (path(&bucket, "a"), Some(VersionId::Null));
    subject.put_as(&at, with(Some(Acl::private(owner("bob")))), &content(1, 10)).await;
    assert_eq!(store.object_acl(&at, version).await.unwrap(), Some(Acl::private(owner("bob"))));
    for count in [0, 1, 100] {
        let grant = |number: usize| Grant {
            grantee: Grantee::User(Owner {
                id: format!("{number:064}"),
                display_name: format!("ü {number}"),
            }),
            permission: Permission::ReadAcp,
        };
        let acl = Acl { owner: owner("bob"), grants: (0..count).map(grant).collect() };
        store.set_object_acl(&at, version, Some(acl.clone())).await.unwrap();
        assert_eq!(store.object_acl(&at, None).await.unwrap(), Some(acl));
    }
    store.set_object_acl(&at, None, None).await.unwrap();
    assert_eq!(store.object_acl(&at, None).await.unwrap(), None);
}
