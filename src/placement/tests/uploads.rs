//! Uploads begun in one mode or before an outage, and finished in or after another.

use std::sync::Arc;

use super::World;
use super::world::{bucket, content, key, new_upload, owner, path, place_with};
use crate::background::Worker as _;
use crate::object::{
    Algorithm, BucketName, CompletedPart, Completion, ETagMatch, PartNumber, Replication,
    UploadEntry, UploadsQuery, WriteCondition,
};
use crate::placement::Mode;
use crate::placement::location::Truth;
use crate::placement::spool::SpoolOptions;
use crate::store::conformance::body;
use crate::store::{
    Buckets as _, Call, GetRequest, Multipart as _, NewObject, ObjectPath, Objects as _, Result,
    Store, StoreError, UploadPath,
};

async fn begun(world: &World, at: &str) -> UploadPath {
    let id = world.placement.create_upload(&path(at), new_upload()).await.unwrap();
    UploadPath { object: path(at), id }
}

async fn part(world: &World, upload: &UploadPath, text: &str) -> Result<Completion> {
    let number = PartNumber::new(1).unwrap();
    let body = body(&content(text), Some(Algorithm::Crc64Nvme));
    let part = world.placement.put_part(upload, number, body, None).await?;
    let part = CompletedPart { number, etag: part.etag, checksum: None };
    Ok(Completion { parts: vec![part], ..Completion::default() })
}

fn is_unavailable<T: std::fmt::Debug>(answer: &Result<T>) {
    assert!(matches!(answer, Err(StoreError::Unavailable { .. })), "{answer:?}");
}

#[tokio::test]
async fn never_fail_because_of_the_upstream_in_fallback() {
    let world = World::new(Mode::Fallback).await;
    let upload = begun(&world, "a").await;
    let completion = part(&world, &upload, "whole").await.unwrap();
    world.go_away();
    let during = begun(&world, "b").await;
    let other = part(&world, &during, "other").await.unwrap();
    let stored = world.placement.complete_upload(&upload, &completion, None).await.unwrap();
    assert_eq!(stored.object.replication, Some(Replication::Pending));
    let again = world.placement.complete_upload(&upload, &completion, None).await.unwrap();
    assert_eq!(again, stored);
    assert_eq!(world.read("a").await.unwrap(), content("whole"));
    world.come_back();
    world.placement.complete_upload(&during, &other, None).await.unwrap();
    world.forward().await;
    let head = world.there.head_object(&path("a"), &GetRequest::default()).await.unwrap();
    assert_eq!(head.object.etag, stored.object.etag, "the same parts make the same tag");
    assert_eq!(world.read("b").await.unwrap(), content("other"));
    assert_eq!(world.record("b").await.unwrap().truth, Truth::Remote);
}

/// The bytes of an upload count against the bound as those of every write do; an upload that is
/// larger than the bound is taken in where nothing else waits.
#[tokio::test]
async fn a_full_spool_refuses_completions() {
    let mut world = World::new(Mode::Fallback).await;
    let options = SpoolOptions { max_bytes: 10, ..SpoolOptions::default() };
    let there = Arc::clone(&world.faults) as Arc<dyn Store>;
    let home = Arc::clone(&world.home);
    (world.placement, world.spool) =
        place_with(options, Mode::Fallback, home, there, world.clock.clone());
    world.go_away();
    let upload = begun(&world, "b").await;
    let completion = part(&world, &upload, "1234567").await.unwrap();
    world.put("a", &content("12345")).await.unwrap();
    let more = part(&world, &upload, "7654321").await;
    assert!(matches!(more, Err(StoreError::Busy { .. })), "{more:?}");
    let full = world.placement.complete_upload(&upload, &completion, None).await;
    assert!(matches!(full, Err(StoreError::Busy { .. })), "{full:?}");
    assert!(matches!(world.read("b").await, Err(StoreError::Unavailable { .. })));
    world.come_back();
    world.forward().await;
    world.placement.complete_upload(&upload, &completion, None).await.unwrap();
    assert_eq!(world.spool.snapshot().total.bytes, 7);
    world.forward().await;
    let large = begun(&world, "c").await;
    let completion = part(&world, &large, "more than ten bytes").await.unwrap();
    world.placement.complete_upload(&large, &completion, None).await.unwrap();
    world.forward().await;
    assert_eq!(world.read("c").await.unwrap(), content("more than ten bytes"));
}

#[tokio::test]
async fn a_refused_completion_leaves_everything_as_it_was() {
    let world = World::new(Mode::Fallback).await;
    World::plant(&world.there, "a", &content("there")).await;
    let upload = begun(&world, "a").await;
    let completion = part(&world, &upload, "new").await.unwrap();
    let refused = world.placement.complete_upload(&upload, &Completion::default(), None).await;
    assert!(matches!(refused, Err(StoreError::Completion(_))), "{refused:?}");
    assert_eq!(world.record("a").await, None);
    assert_eq!(world.read("a").await.unwrap(), content("there"));
    let absent = || Some(WriteCondition::Absent);
    let refused = world.placement.complete_upload(&upload, &completion, absent()).await;
    assert!(matches!(refused, Err(StoreError::PreconditionFailed(_))), "{refused:?}");
    world.go_away();
    is_unavailable(&world.placement.complete_upload(&upload, &completion, absent()).await);
    let any = Some(WriteCondition::Matches(ETagMatch::Any));
    is_unavailable(&world.placement.complete_upload(&upload, &completion, any.clone()).await);
    assert_eq!(world.record("a").await, None);
    world.come_back();
    world.placement.complete_upload(&upload, &completion, any).await.unwrap();
    assert_eq!(world.read("a").await.unwrap(), content("new"));
}

#[tokio::test]
async fn begun_upstream_and_finished_after_a_switch() {
    let mut world = World::new(Mode::Upstream).await;
    let upload = begun(&world, "a").await;
    part(&world, &upload, "first").await.unwrap();
    world.restart(Mode::Fallback).await;
    let completion = part(&world, &upload, "second").await.unwrap();
    world.go_away();
    is_unavailable(&part(&world, &upload, "third").await);
    is_unavailable(&world.placement.complete_upload(&upload, &completion, None).await);
    // The key is written meanwhile: what is completed later is newer.
    world.put("a", &content("meanwhile")).await.unwrap();
    world.come_back();
    let stored = world.placement.complete_upload(&upload, &completion, None).await.unwrap();
    assert_eq!(stored.object.replication, Some(Replication::Completed));
    assert_eq!(world.read("a").await.unwrap(), content("second"));
    world.forward().await;
    assert_eq!(world.read("a").await.unwrap(), content("second"));
    // Said again it changes nothing, whatever the key has by now.
    world.go_away();
    world.put("a", &content("newest")).await.unwrap();
    world.come_back();
    let again = world.placement.complete_upload(&upload, &completion, None).await.unwrap();
    assert_eq!(again.object.etag, stored.object.etag);
    assert_eq!(world.read("a").await.unwrap(), content("newest"));
}

/// In `upstream` mode nobody hears of an object before it is upstream.
#[tokio::test(start_paused = true)]
async fn begun_at_home_and_finished_in_upstream_mode() {
    let mut world = World::new(Mode::Fallback).await;
    let upload = begun(&world, "a").await;
    let completion = part(&world, &upload, "whole").await.unwrap();
    world.restart(Mode::Upstream).await;
    world.go_away();
    is_unavailable(&world.placement.complete_upload(&upload, &completion, None).await);
    assert_eq!(world.read("a").await.unwrap(), content("whole"), "it is durable all the same");
    is_unavailable(&world.placement.complete_upload(&upload, &completion, None).await);
    world.come_back();
    let mut forwarders = world.spool.forwarders();
    let forwarding = async {
        loop {
            forwarders[0].step().await;
        }
    };
    let stored = tokio::select! {
        stored = world.placement.complete_upload(&upload, &completion, None) => stored.unwrap(),
        () = forwarding => unreachable!("it goes on for ever"),
    };
    let head = world.there.head_object(&path("a"), &GetRequest::default()).await.unwrap();
    assert_eq!(head.object.etag, stored.object.etag);
    let again = world.placement.complete_upload(&upload, &completion, None).await.unwrap();
    assert_eq!(again, stored);
}

/// A completion that has to be upstream waits for its own object alone.
#[tokio::test(start_paused = true)]
async fn a_completion_does_not_wait_for_other_keys() {
    let mut world = World::new(Mode::Fallback).await;
    let missing = BucketName::parse("missing").unwrap();
    world.home.create_bucket(&missing, &owner()).await.unwrap();
    let stuck = ObjectPath { bucket: missing, ..path("stuck") };
    let new = NewObject::default();
    world.placement.put_object(&stuck, new, body(&content("stuck"), None)).await.unwrap();
    let upload = begun(&world, "a").await;
    let completion = part(&world, &upload, "whole").await.unwrap();
    world.restart(Mode::Upstream).await;
    let mut forwarders = world.spool.forwarders();
    let forwarding = async {
        loop {
            forwarders[0].step().await;
        }
    };
    let start = tokio::time::Instant::now();
    tokio::select! {
        stored = world.placement.complete_upload(&upload, &completion, None) => stored.unwrap(),
        () = forwarding => unreachable!("it goes on for ever"),
    };
    assert!(start.elapsed() < std::time::Duration::from_secs(5), "{:?}", start.elapsed());
    assert_eq!(world.spool.snapshot().total.waiting, 1);
}

#[tokio::test]
async fn an_id_that_nobody_knows() {
    let world = World::new(Mode::Fallback).await;
    let upload = begun(&world, "a").await;
    world.placement.abort_upload(&upload).await.unwrap();
    let aborted = world.placement.abort_upload(&upload).await;
    assert!(matches!(aborted, Err(StoreError::NoSuchUpload)), "{aborted:?}");
    world.go_away();
    is_unavailable(&world.placement.abort_upload(&upload).await);
}

#[tokio::test]
async fn of_both_layers_in_one_list() {
    let mut world = World::new(Mode::Fallback).await;
    let mut started = Vec::new();
    for at in ["a", "b", "d/1"] {
        started.push(begun(&world, at).await);
    }
    world.restart(Mode::Upstream).await;
    for at in ["a", "b", "b", "c", "d/2"] {
        started.push(begun(&world, at).await);
    }
    started.sort_by(|one, other| one.object.key.cmp(&other.object.key));
    for limit in 1..=started.len() + 1 {
        for delimiter in [None, Some("/".to_owned())] {
            let mut query = UploadsQuery { delimiter, limit, ..UploadsQuery::default() };
            let (mut seen, mut prefixes) = (Vec::new(), 0);
            loop {
                let page = world.placement.list_uploads(&bucket(), &query).await.unwrap();
                assert!(page.entries.len() <= limit);
                for entry in &page.entries {
                    match entry {
                        UploadEntry::Upload(upload) => {
                            seen.push((upload.key.clone(), upload.id.clone()));
                        }
                        UploadEntry::CommonPrefix(_) => prefixes += 1,
                    }
                }
                query.after = page.next;
                if query.after.is_none() {
                    break;
                }
            }
            let rolled = query.delimiter.is_some();
            let below = |at: &&UploadPath| !rolled || !at.object.key.as_str().starts_with("d/");
            let listed = started.iter().filter(below);
            let expected: Vec<_> =
                listed.map(|at| (at.object.key.clone(), at.id.clone())).collect();
            assert_eq!(seen, expected, "{limit}");
            assert_eq!(prefixes, usize::from(rolled));
        }
    }
    assert_eq!(key("a"), started[0].object.key);
    assert_eq!(world.faults.count(Call::CreateUpload), 5);
}
