//! Copies from layer to layer.

use super::World;
use super::world::{content, new_upload, path};
use crate::object::{
    Algorithm, CompletedPart, Completion, ObjectMetadata, PartNumber, ReadConditions, TagSet,
    UserMetadata, WriteCondition,
};
use crate::placement::Mode;
use crate::store::conformance::body;
use crate::store::{
    Call, CopyPartRequest, CopyRequest, GetRequest, Multipart as _, NewObject, Objects as _,
    StoreError, Tags as _, UploadPath,
};

fn copy() -> CopyRequest {
    CopyRequest {
        source_version: None,
        source_conditions: ReadConditions::default(),
        metadata: None,
        tags: None,
        checksum: None,
        condition: None,
        size_limit: 1000,
        source_key: None,
        encryption: None,
        acl: None,
    }
}

fn tags() -> TagSet {
    TagSet::for_object([("k".to_owned(), "v".to_owned())]).unwrap()
}

fn metadata() -> ObjectMetadata {
    let mut user = UserMetadata::default();
    user.add("name", "value");
    ObjectMetadata { user, ..ObjectMetadata::default() }
}

async fn put_rich(world: &World, key: &str) {
    let new = NewObject { metadata: metadata(), tags: tags(), ..NewObject::default() };
    let body = body(&content("content"), Some(Algorithm::Sha256));
    world.placement.put_object(&path(key), new, body).await.unwrap();
}

/// Everything of an object comes along, wherever it is and wherever it goes.
#[tokio::test]
async fn from_every_mode_to_every_mode() {
    const MODES: [Mode; 3] = [Mode::Local, Mode::Upstream, Mode::Fallback];
    for (from, to) in MODES.iter().flat_map(|from| MODES.map(|to| (*from, to))) {
        let mut world = World::new(from).await;
        put_rich(&world, "source").await;
        world.restart(to).await;
        let copied = world.placement.copy_object(&path("source"), &path("copy"), copy()).await;
        let copied = copied.unwrap().object;
        let head = world.got("copy").await.unwrap().head.object;
        assert_eq!(copied, head, "{from:?} {to:?}");
        assert_eq!(head.metadata, metadata());
        assert_eq!(world.placement.object_tags(&path("copy"), None).await.unwrap(), tags());
        let sum = Algorithm::Sha256.digest(b"content");
        assert_eq!(head.checksum.unwrap().value, sum, "{from:?} {to:?}");
        assert_eq!(world.read("copy").await.unwrap(), content("content"));
        let streamed = world.faults.count(Call::GetObject);
        let expected = usize::from(from != Mode::Local && to == Mode::Local);
        // One more for the check above, where the copy is upstream.
        let expected = expected + 2 * usize::from(to != Mode::Local);
        assert_eq!(streamed, expected, "the upstream copies for itself: {from:?} {to:?}");

        let request = CopyRequest { condition: Some(WriteCondition::Absent), ..copy() };
        let again = world.placement.copy_object(&path("source"), &path("copy"), request).await;
        assert!(matches!(again, Err(StoreError::PreconditionFailed(_))), "{again:?}");
        let request = CopyRequest { size_limit: 3, ..copy() };
        let large = world.placement.copy_object(&path("source"), &path("b"), request).await;
        assert!(matches!(large, Err(StoreError::SourceTooLarge { size: 7, limit: 3 })));
        let missing = world.placement.copy_object(&path("none"), &path("b"), copy()).await;
        assert!(matches!(missing, Err(StoreError::NoSuchKey)), "{missing:?}");
    }
}

#[tokio::test]
async fn while_the_upstream_is_away() {
    let world = World::new(Mode::Fallback).await;
    put_rich(&world, "there").await;
    world.go_away();
    put_rich(&world, "here").await;
    world.placement.copy_object(&path("here"), &path("copy"), copy()).await.unwrap();
    world.placement.copy_object(&path("here"), &path("here"), copy()).await.unwrap();
    assert_eq!(world.read("copy").await.unwrap(), content("content"));
    let away = world.placement.copy_object(&path("there"), &path("copy"), copy()).await;
    assert!(matches!(away, Err(StoreError::Unavailable { .. })), "{away:?}");
    world.come_back();
    world.placement.copy_object(&path("there"), &path("copy"), copy()).await.unwrap();
    assert_eq!(world.read("copy").await.unwrap(), content("content"), "in its turn");
    world.forward().await;
    let head = world.there.head_object(&path("copy"), &GetRequest::default()).await.unwrap();
    assert_eq!(head.object.metadata, metadata());
}

#[tokio::test]
async fn parts_from_the_other_layer() {
    for (from, to) in [(Mode::Upstream, Mode::Fallback), (Mode::Local, Mode::Upstream)] {
        let mut world = World::new(from).await;
        world.put("source", &content("0123456789")).await.unwrap();
        world.restart(to).await;
        let id = world.placement.create_upload(&path("copy"), new_upload()).await.unwrap();
        let upload = UploadPath { object: path("copy"), id };
        let number = PartNumber::new(1).unwrap();
        let part = |range| CopyPartRequest {
            source_version: None,
            source_conditions: ReadConditions::default(),
            range,
            size_limit: 5,
            source_key: None,
            key: None,
        };
        let source = path("source");
        let copied = |request| world.placement.copy_part(&source, &upload, number, request);
        let outside = copied(part(Some((5, 10)))).await;
        assert!(matches!(outside, Err(StoreError::SourceRange { size: 10 })), "{outside:?}");
        let large = copied(part(None)).await;
        assert!(matches!(large, Err(StoreError::SourceTooLarge { size: 10, limit: 5 })));
        let part = copied(part(Some((2, 5)))).await.unwrap();
        assert_eq!(part.checksum, Some(Algorithm::Crc64Nvme.digest(b"2345")));
        let part = CompletedPart { number, etag: part.etag, checksum: None };
        let completion = Completion { parts: vec![part], ..Completion::default() };
        world.placement.complete_upload(&upload, &completion, None).await.unwrap();
        assert_eq!(world.read("copy").await.unwrap(), content("2345"), "{from:?} {to:?}");
    }
}
