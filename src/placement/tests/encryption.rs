//! Encryption through the modes: asked of whoever stores the object, forwarded with it, and with a
//! customer's key only where nothing has to be kept for later.

use super::World;
use super::world::{content, new_upload, path};
use crate::object::{
    CompletedPart, Completion, CustomerKey, Encrypted, Encryption, KeyFault, PartNumber,
    ReadConditions,
};
use crate::placement::Mode;
use crate::store::conformance::body;
use crate::store::{
    CopyRequest, GetRequest, Multipart as _, NewObject, NewUpload, Objects as _, Result,
    StoreError, Stored, UploadPath,
};

const ASKED: Option<Encrypted> = Some(Encrypted::Managed { asked: true });

fn key() -> CustomerKey {
    CustomerKey::new([3; 32])
}

async fn put(world: &World, at: &str, encryption: Encryption) -> Result<Stored> {
    let new = NewObject { encryption: Some(encryption), ..NewObject::default() };
    world.placement.put_object(&path(at), new, body(&content("content"), None)).await
}

/// How an object is encrypted upstream.
async fn there(world: &World, at: &str) -> Option<Encrypted> {
    let head = world.there.head_object(&path(at), &GetRequest::default()).await;
    head.unwrap().object.encryption
}

#[tokio::test]
async fn what_is_asked_for_is_asked_of_whoever_stores_it() {
    for mode in [Mode::Local, Mode::Upstream, Mode::Fallback] {
        let world = World::new(mode).await;
        let stored = put(&world, "key", Encryption::Managed).await.unwrap();
        assert_eq!(stored.object.encryption, ASKED, "{mode:?}");
        assert_eq!(world.got("key").await.unwrap().head.object.encryption, ASKED, "{mode:?}");
        if mode != Mode::Local {
            assert_eq!(there(&world, "key").await, ASKED, "{mode:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_waits_is_encrypted_here_and_forwarded_with_the_same_wish() {
    let world = World::new(Mode::Fallback).await;
    world.go_away();
    let stored = put(&world, "key", Encryption::Managed).await.unwrap();
    assert_eq!(stored.object.encryption, ASKED);
    let here = world.home.head_object(&path("key"), &GetRequest::default()).await.unwrap();
    assert_eq!(here.object.encryption, ASKED);
    let new = NewUpload { encryption: Some(Encryption::Managed), ..new_upload() };
    let id = world.placement.create_upload(&path("parts"), new).await.unwrap();
    let upload = UploadPath { object: path("parts"), id };
    let number = PartNumber::new(1).unwrap();
    let part = body(&content("part"), None);
    let part = world.placement.put_part(&upload, number, part, None).await.unwrap();
    let parts = vec![CompletedPart { number, etag: part.etag, checksum: None }];
    let completion = Completion { parts, ..Completion::default() };
    world.placement.complete_upload(&upload, &completion, None).await.unwrap();
    world.come_back();
    world.forward().await;
    for at in ["key", "parts"] {
        assert_eq!(there(&world, at).await, ASKED, "{at}");
    }
    assert_eq!(world.read("key").await.unwrap(), content("content"));
}

#[tokio::test]
async fn customers_keys_are_passed_on_and_never_kept() {
    for mode in [Mode::Local, Mode::Upstream] {
        let mut world = World::new(mode).await;
        let theirs = Encryption::Customer(key());
        let stored = put(&world, "key", theirs.clone()).await.unwrap();
        assert_eq!(stored.object.encryption, Some(Encrypted::Customer), "{mode:?}");
        let keyed = GetRequest { key: Some(key()), ..GetRequest::default() };
        let got = world.placement.get_object(&path("key"), &keyed).await.unwrap();
        assert_eq!(got.body.collect(100).await.unwrap(), content("content"));
        let without = world.got("key").await;
        assert!(matches!(without, Err(StoreError::CustomerKey(KeyFault::Missing))), "{mode:?}");
        let copy = CopyRequest {
            source_version: None,
            source_conditions: ReadConditions::default(),
            metadata: None,
            tags: None,
            checksum: None,
            condition: None,
            size_limit: 1000,
            source_key: Some(key()),
            encryption: Some(theirs),
            acl: None,
        };
        let to = path("copy");
        world.placement.copy_object(&path("key"), &to, copy.clone()).await.unwrap();
        let lost = CopyRequest { source_key: None, ..copy };
        let refused = world.placement.copy_object(&path("key"), &to, lost).await;
        assert!(matches!(refused, Err(StoreError::SourceKey(KeyFault::Missing))), "{mode:?}");
        // In any other mode it is read as it was written.
        for other in [Mode::Local, Mode::Upstream, Mode::Fallback] {
            world.restart(other).await;
            let got = world.placement.get_object(&path("copy"), &keyed).await.unwrap();
            assert_eq!(got.body.collect(100).await.unwrap(), content("content"), "{other:?}");
            assert_eq!(world.listed().await.unwrap(), ["copy", "key"]);
        }
        world.delete("key").await.unwrap();
    }
}

#[tokio::test]
async fn what_might_have_to_wait_takes_no_customers_key() {
    let world = World::new(Mode::Fallback).await;
    let theirs = Encryption::Customer(key());
    let refused = put(&world, "key", theirs.clone()).await;
    assert!(matches!(refused, Err(StoreError::Unsupported { .. })));
    let new = NewUpload { encryption: Some(theirs.clone()), ..new_upload() };
    let refused = world.placement.create_upload(&path("key"), new).await;
    assert!(matches!(refused, Err(StoreError::Unsupported { .. })));
    put(&world, "plain", Encryption::Managed).await.unwrap();
    let copy = CopyRequest {
        source_version: None,
        source_conditions: ReadConditions::default(),
        metadata: None,
        tags: None,
        checksum: None,
        condition: None,
        size_limit: 1000,
        source_key: None,
        encryption: Some(theirs),
        acl: None,
    };
    let refused = world.placement.copy_object(&path("plain"), &path("key"), copy).await;
    assert!(matches!(refused, Err(StoreError::Unsupported { .. })));
    assert_eq!(world.listed().await.unwrap(), ["plain"]);
}
