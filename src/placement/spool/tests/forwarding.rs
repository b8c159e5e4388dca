//! What arrives upstream, and what becomes of records and local objects.

use super::tapped::Fault;
use super::*;
use crate::object::{
    Algorithm, ChecksumChoice, ChecksumKind, CompletedPart, Completion, MIN_PART_SIZE, PartNumber,
    PortableAcl, TagSet, UploadsQuery,
};
use crate::store::{Acls as _, Call, FaultStore, Multipart as _, NewUpload, Tags as _, UploadPath};

async fn world_with_faults() -> (World, Arc<FaultStore>) {
    let mut faults = None;
    let world = World::through(Mode::Fallback, SpoolOptions::default(), 1, |store| {
        let store = Arc::new(FaultStore::new(store));
        faults = Some(store.clone());
        store
    })
    .await;
    (world, faults.unwrap())
}

fn content(text: &str) -> Bytes {
    Bytes::copy_from_slice(text.as_bytes())
}

#[tokio::test(start_paused = true)]
async fn an_object_arrives_with_everything_that_belongs_to_it() {
    let world = World::new().await;
    let at = path("a");
    let mut new = numbered(7);
    new.metadata.headers.content_type = Some("application/pdf".to_owned());
    new.tags = TagSet::from_query("kind=invoice&year=2024").unwrap();
    let alice = Owner { id: "alice".to_owned(), display_name: "Alice".to_owned() };
    new.acl = Some(PortableAcl::PublicRead.of(alice));
    world.put(&at, &content("hello"), new.clone()).await.unwrap();
    // A checksum that the client asked for.
    let expected = Expected { compute: Some(Algorithm::Sha256), ..Expected::default() };
    let payload = digesting(Payload::from_bytes(content("hello")), expected);
    let stored = world.home.put_object(&at, new.clone(), payload).await.unwrap().object;

    world.drain(10).await;
    let there = world.upstream.head_object(&at, &GetRequest::default()).await.unwrap().object;
    assert_eq!(there.metadata, new.metadata);
    assert_eq!((there.etag, there.checksum.clone()), (stored.etag.clone(), stored.checksum));
    assert!(there.checksum.is_some());
    assert_eq!(world.upstream.object_tags(&at, None).await.unwrap(), new.tags);
    assert_eq!(world.upstream.object_acl(&at, None).await.unwrap(), new.acl);
    world.assert_forwarded(&at, &Some((content("hello"), 7))).await;
    let remote = world.record(&at).await.unwrap().remote.unwrap();
    assert_eq!((remote.bucket.as_str(), remote.key.as_str()), ("there", "media/a"));
    assert_eq!((remote.etag, remote.last_modified), (stored.etag, stored.last_modified));
}

#[tokio::test(start_paused = true)]
async fn tags_that_change_while_an_object_is_sent_arrive_as_well() {
    let (world, faults) = world_with_faults().await;
    let at = path("a");
    let new = NewObject { tags: TagSet::from_query("a=1").unwrap(), ..numbered(1) };
    world.put(&at, &content("x"), new).await.unwrap();
    // The first attempt fails after its intent was recorded, so that the answer might be lost.
    faults.fail_next(Call::PutObject, StoreError::Unavailable { what: "away".to_owned() });
    world.drain(1).await;
    let later = TagSet::from_query("a=2").unwrap();
    world.home.set_object_tags(&at, None, later.clone()).await.unwrap();
    world.drain(10).await;
    assert_eq!(world.upstream.object_tags(&at, None).await.unwrap(), later);
    world.assert_forwarded(&at, &Some((content("x"), 1))).await;
}

/// Completes an object of two parts at home, as a placement does.
async fn put_parts(
    world: &World,
    at: &ObjectPath,
    algorithm: Algorithm,
    kind: ChecksumKind,
) -> ObjectInfo {
    let new = NewUpload {
        metadata: numbered(3).metadata,
        tags: TagSet::default(),
        checksum: ChecksumChoice { algorithm, kind, explicit: true },
        initiator: Owner { id: "alice".to_owned(), display_name: "Alice".to_owned() },
        encryption: None,
        acl: None,
    };
    let id = world.home.create_upload(at, new).await.unwrap();
    let upload = UploadPath { object: at.clone(), id };
    // Composite checksums need consecutive numbers.
    let second = if kind == ChecksumKind::Composite { 2 } else { 7 };
    let mut parts = Vec::new();
    for (number, size) in [(1, MIN_PART_SIZE), (second, 1000)] {
        let number = PartNumber::new(number).unwrap();
        let bytes = vec![b'z'; usize::try_from(size).unwrap()];
        let expected = Expected { compute: Some(algorithm), ..Expected::default() };
        let payload = digesting(Payload::from_bytes(bytes), expected);
        let part = world.home.put_part(&upload, number, payload, None).await.unwrap();
        parts.push(CompletedPart { number, etag: part.etag, checksum: part.checksum });
    }
    let completion = Completion { parts, ..Completion::default() };
    world.home.complete_upload(&upload, &completion, None).await.unwrap().object
}

/// Notes a completed object as spooled.
async fn note_completed(world: &World, at: &ObjectPath, size: u64) {
    let record = world.following(None, Truth::Local, Task::Put);
    world.home.set_entry(at, Some(record.encode().unwrap())).await.unwrap();
    world.spool.noted(at, &record, size);
}

#[tokio::test(start_paused = true)]
async fn an_object_of_parts_arrives_in_the_same_parts() {
    for (algorithm, kind) in [
        (Algorithm::Crc32, ChecksumKind::FullObject),
        (Algorithm::Crc64Nvme, ChecksumKind::FullObject),
        (Algorithm::Sha1, ChecksumKind::Composite),
    ] {
        let world = World::new().await;
        let at = path("video");
        let stored = put_parts(&world, &at, algorithm, kind).await;
        note_completed(&world, &at, stored.size).await;
        let parts = world.home.object_parts(&at, None, 0, 10).await.unwrap();
        let before = read(&world.home, &at).await;
        world.drain(10).await;
        let there = world.upstream.head_object(&at, &GetRequest::default()).await.unwrap().object;
        assert!(there.etag.as_str().ends_with("-2"));
        assert_eq!((there.etag, there.checksum), (stored.etag, stored.checksum));
        assert_eq!(world.upstream.object_parts(&at, None, 0, 10).await.unwrap(), parts);
        world.assert_forwarded(&at, &before).await;
    }
}

#[tokio::test(start_paused = true)]
async fn an_upload_that_fails_is_aborted_and_made_again() {
    for call in [Call::CreateUpload, Call::PutPart, Call::CompleteUpload] {
        let (world, faults) = world_with_faults().await;
        let at = path("video");
        let stored = put_parts(&world, &at, Algorithm::Crc32c, ChecksumKind::FullObject).await;
        note_completed(&world, &at, stored.size).await;
        let before = read(&world.home, &at).await;
        faults.fail_next(call, StoreError::Unavailable { what: "away".to_owned() });
        world.drain(1).await;
        let query = UploadsQuery { limit: 10, ..UploadsQuery::default() };
        let open = world.upstream.list_uploads(&bucket(), &query).await.unwrap();
        assert!(open.entries.is_empty(), "{call:?} left an upload");
        world.drain(20).await;
        world.assert_forwarded(&at, &before).await;
    }
}

#[tokio::test(start_paused = true)]
async fn an_upstream_without_conditions_is_looked_at_before() {
    let (world, faults) = world_with_faults().await;
    let unsupported = || StoreError::Unsupported { what: "If-Match".to_owned() };
    let at = path("a");
    world.put(&at, &content("x"), numbered(1)).await.unwrap();
    faults.fail_next(Call::PutObject, unsupported());
    world.drain(1).await;
    world.assert_forwarded(&at, &Some((content("x"), 1))).await;
    world.delete(&at).await.unwrap();
    faults.fail_next(Call::DeleteObject, unsupported());
    world.drain(1).await;
    world.assert_forwarded(&at, &None).await;
    assert_eq!(faults.count(Call::HeadObject), 2);
}

#[tokio::test(start_paused = true)]
async fn a_write_that_was_never_finished_leaves_what_was_before() {
    let world = World::new().await;
    for (key, task) in [("a", Task::Put), ("b", Task::Delete)] {
        let at = path(key);
        world.settled(&at, &content("before"), 1).await;
        let before = world.record(&at).await.unwrap();
        let record = world.following(Some(&before), Truth::Local, task);
        world.home.set_entry(&at, Some(record.encode().unwrap())).await.unwrap();
        world.spool.noted(&at, &record, 0);
        world.drain(5).await;
        let after = world.record(&at).await.unwrap();
        assert_eq!((after.truth, after.todo, after.remote), (Truth::Remote, None, before.remote));
        assert_eq!(world.view(&at).await, Some((content("before"), 1)));
    }
    let at = path("new");
    note_completed(&world, &at, 0).await;
    world.drain(5).await;
    assert_eq!(world.record(&at).await, None);
}

#[tokio::test(start_paused = true)]
async fn in_local_mode_a_stale_copy_goes_and_nothing_is_sent() {
    let world = World::with(Mode::Local, SpoolOptions::default(), 1).await;
    let stale = path("stale");
    world.settled(&stale, &content("old"), 1).await;
    world.home.put_object(&stale, numbered(2), body(&content("new"))).await.unwrap();
    let before = world.record(&stale).await;
    let record = world.following(before.as_ref(), Truth::Local, Task::Delete);
    world.home.set_entry(&stale, Some(record.encode().unwrap())).await.unwrap();
    world.spool.noted(&stale, &record, 3);
    let kept = path("kept");
    world.put(&kept, &content("kept"), numbered(3)).await.unwrap();
    assert_eq!(world.spool.snapshot().total.waiting, 1, "a put is no matter of this mode");

    world.drain(10).await;
    assert_eq!(read(&world.upstream, &stale).await, None);
    assert_eq!(world.record(&stale).await, None);
    assert_eq!(read(&world.home, &stale).await, Some((content("new"), 2)));
    assert_eq!(read(&world.upstream, &kept).await, None);
    assert_eq!(world.view(&kept).await, Some((content("kept"), 3)));
}

#[tokio::test(start_paused = true)]
async fn the_newest_state_alone_is_sent() {
    let world = World::new().await;
    let at = path("a");
    for number in 0..20 {
        world.put(&at, &content(&format!("{number}")), numbered(number)).await.unwrap();
    }
    world.drain(10).await;
    world.assert_forwarded(&at, &Some((content("19"), 19))).await;
    assert_eq!(world.tap.count(Side::Upstream, "put_object"), 1);
    world.put(&at, &content("more"), numbered(20)).await.unwrap();
    world.delete(&at).await.unwrap();
    world.drain(10).await;
    world.assert_forwarded(&at, &None).await;
    assert_eq!(world.tap.count(Side::Upstream, "put_object"), 1);
}

/// A bucket that the upstream does not have holds up the keys of no other.
#[tokio::test(start_paused = true)]
async fn a_bucket_that_is_missing_upstream_holds_up_no_other() {
    let world = World::new().await;
    let missing = BucketName::parse("missing").unwrap();
    let owner = Owner { id: "alice".to_owned(), display_name: "Alice".to_owned() };
    world.home.create_bucket(&missing, &owner).await.unwrap();
    for number in 0..20 {
        world.put(&path(&format!("{number}")), &content("x"), numbered(number)).await.unwrap();
        let at = ObjectPath { bucket: missing.clone(), ..path(&format!("{number}")) };
        world.put(&at, &content("x"), numbered(number)).await.unwrap();
    }
    let mut forwarders = world.spool.forwarders();
    let start = Instant::now();
    while world.spool.snapshot().buckets.iter().any(|(bucket, _)| *bucket != missing) {
        forwarders[0].step().await;
    }
    assert!(start.elapsed() < Duration::from_secs(1), "{:?}", start.elapsed());
    assert_eq!(world.spool.snapshot().total.waiting, 20);
}

/// The process ends anywhere in an upload: the next one aborts what is left of it.
#[tokio::test(start_paused = true)]
async fn an_upload_that_was_cut_off_is_aborted() {
    let mut cut_off = 0;
    for fault in [Fault::Before, Fault::After] {
        for call in 0.. {
            let mut world = World::new().await;
            let at = path("video");
            let stored = put_parts(&world, &at, Algorithm::Crc32c, ChecksumKind::FullObject).await;
            note_completed(&world, &at, stored.size).await;
            let before = read(&world.home, &at).await;
            world.tap.crash_after(call, fault);
            world.drain(1).await;
            let record = world.record(&at).await.unwrap();
            let crashed = world.tap.revive();
            let noted = record.todo.is_none_or(|todo| todo.upload.is_some());
            world.restart();
            world.resume().await;
            world.drain(20).await;
            world.assert_forwarded(&at, &before).await;
            let query = UploadsQuery { limit: 10, ..UploadsQuery::default() };
            let open = world.upstream.list_uploads(&bucket(), &query).await.unwrap();
            if noted {
                assert!(open.entries.is_empty(), "{fault:?} at call {call} left an upload");
                cut_off += usize::from(crashed);
            }
            if !crashed {
                break;
            }
        }
    }
    assert!(cut_off > 8, "only {cut_off}");
}
