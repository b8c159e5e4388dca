//! Objects that were completed from parts.

use super::*;
use crate::object::{
    Algorithm, ChecksumChoice, ChecksumKind, CompletedPart, Completion, PartNumber,
};
use crate::placement::tests::world::owner;
use crate::placement::transfer::{Steps as _, Trouble};
use crate::store::{Call, Multipart as _, NewUpload, Selection, StoreError, UploadPath};

const PART: usize = 5 * 1024 * 1024;

/// Completes an object of these many bytes in parts of 5 MiB.
async fn complete(world: &World, key: &str, size: usize, choice: ChecksumChoice) -> ETag {
    let new = NewUpload {
        metadata: crate::object::ObjectMetadata::default(),
        tags: tags(),
        checksum: choice,
        initiator: owner(),
        encryption: None,
        acl: None,
    };
    let id = world.placement.create_upload(&path(key), new).await.unwrap();
    let upload = UploadPath { object: path(key), id };
    let mut parts = Vec::new();
    for (number, start) in (1..).zip((0..size).step_by(PART)) {
        let length = PART.min(size - start);
        let bytes = Bytes::from(vec![u8::try_from(number).unwrap(); length]);
        let number = PartNumber::new(number).unwrap();
        let body = body(&bytes, Some(choice.algorithm));
        let part = world.placement.put_part(&upload, number, body, None).await.unwrap();
        parts.push(CompletedPart { number, etag: part.etag, checksum: part.checksum });
    }
    let completion = Completion { parts, ..Completion::default() };
    let stored = world.placement.complete_upload(&upload, &completion, None).await.unwrap();
    stored.object.etag
}

fn choices() -> [ChecksumChoice; 3] {
    [
        (Algorithm::Crc64Nvme, ChecksumKind::FullObject, false),
        (Algorithm::Crc32, ChecksumKind::FullObject, true),
        (Algorithm::Sha256, ChecksumKind::Composite, true),
    ]
    .map(|(algorithm, kind, explicit)| ChecksumChoice { algorithm, kind, explicit })
}

#[tokio::test]
async fn keep_their_tag_their_parts_and_their_checksum() {
    for choice in choices() {
        let world = World::new(Mode::Local).await;
        let etag = complete(&world, "a", 2 * PART + 7, choice).await;
        let before = world.seen("a").await;
        assert_eq!((&before.0.etag, before.0.parts_count), (&etag, Some(3)));
        for order in [up("a"), down("a"), up("a"), Order { read_back: true, ..down("a") }] {
            world.moved(&order).await;
            assert_eq!(world.seen("a").await, before, "{choice:?} {order:?}");
            let selection = Selection::Part(PartNumber::new(3).unwrap());
            let request = GetRequest { selection, ..GetRequest::default() };
            let part = world.placement.get_object(&path("a"), &request).await.unwrap();
            assert_eq!(part.body.collect(100).await.unwrap(), Bytes::from(vec![3; 7]));
        }
    }
}

#[tokio::test]
async fn go_on_where_they_were_cut_off() {
    for direction in [Direction::ToS3, Direction::ToLocal] {
        let world = World::new(Mode::Local).await;
        complete(&world, "a", 3 * PART, choices()[0]).await;
        let before = world.seen("a").await;
        if direction == Direction::ToLocal {
            world.moved(&up("a")).await;
        }
        let (transfers, steps) = (world.placement.transfers(), Freely::default());
        let order = order("a", direction);
        let sent = |world: &World| match direction {
            Direction::ToS3 => world.faults.count(Call::PutPart),
            Direction::ToLocal => world.faults.count(Call::GetObject),
        };
        // The third call that moves a part fails.
        let (call, passing) = match direction {
            Direction::ToS3 => (Call::PutPart, 2),
            Direction::ToLocal => (Call::GetObject, 3),
        };
        let before_fault = sent(&world);
        fail_after(&world, call, passing);
        let cut = transfers.carry_out(&order, &steps).await;
        assert!(matches!(cut, Err(Trouble::Away(_))), "{cut:?}");
        assert_eq!(sent(&world), before_fault + passing + 1);
        world.faults.heal();
        assert_eq!(world.seen("a").await, before, "readable all the time");
        // What was noted of parts may be lost: what arrived is recognized by its content.
        if let Some(begun) = &mut *steps.0.lock().unwrap() {
            begun.parts.truncate(1);
        }
        let before_again = sent(&world);
        let again = Order { again: true, ..order.clone() };
        let done = transfers.carry_out(&again, &steps).await.unwrap();
        assert!(matches!(done, Outcome::Moved(_)), "{done:?}");
        let looked = usize::from(direction == Direction::ToLocal);
        assert_eq!(sent(&world), before_again + 1 + looked, "the last part alone");
        assert_eq!(world.seen("a").await, before);
        assert!(steps.begun().is_none());
    }
}

fn fail_after(world: &World, call: Call, passing: usize) {
    let made = std::sync::atomic::AtomicUsize::new(0);
    world.faults.fail_when(call, move || {
        let number = made.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        (number >= passing).then(|| StoreError::Unavailable { what: "cut off".to_owned() })
    });
}

#[tokio::test]
async fn of_which_nobody_tells_the_parts_keep_their_tag_all_the_same() {
    let world = World::new(Mode::Local).await;
    complete(&world, "a", PART + 1, choices()[0]).await;
    world.moved(&up("a")).await;
    let before = world.seen("a").await;
    world
        .faults
        .fail_always(Call::ObjectParts, || StoreError::Unsupported { what: "parts".to_owned() });
    world.moved(&down("a")).await;
    world.faults.heal();
    let after = world.seen("a").await;
    assert_eq!((&after.0.etag, &after.2), (&before.0.etag, &before.2));
    assert_eq!(after.0.last_modified, before.0.last_modified);
    world.moved(&up("a")).await;
    assert_eq!(world.seen("a").await.0.etag, before.0.etag);
}

#[tokio::test]
async fn that_were_given_up_leave_no_upload_behind() {
    let world = World::new(Mode::Local).await;
    complete(&world, "a", 2 * PART, choices()[0]).await;
    let (transfers, steps) = (world.placement.transfers(), Freely::default());
    fail_after(&world, Call::PutPart, 1);
    assert!(transfers.carry_out(&up("a"), &steps).await.is_err());
    world.faults.heal();
    let begun = steps.begun().unwrap();
    transfers.abandon(&up("a"), &steps).await.unwrap();
    let upload = UploadPath { object: path("a"), id: begun.id };
    let gone = world.there.upload_choice(&upload).await;
    assert!(matches!(gone, Err(StoreError::NoSuchUpload)), "{gone:?}");
    assert_eq!(world.record("a").await, None);
}
