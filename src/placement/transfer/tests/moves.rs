//! Moves that nobody disturbs, and what follows on them.

use super::*;
use crate::object::{Encrypted, Encryption, Grant, Grantee, KeyFault, Owner, Permission};
use crate::placement::location::{Task, Truth};
use crate::placement::transfer::{Standing, Trouble};
use crate::store::{Call, StoreError};

#[tokio::test]
async fn an_object_is_the_same_for_clients_wherever_it_is() {
    for mode in MODES {
        let mut world = World::new(Mode::Local).await;
        world.put_rich("a", "content").await;
        let before = world.seen("a").await;
        world.restart(mode).await;
        world.clock.advance(90_000);
        let moved = world.moved(&up("a")).await;
        assert_eq!(moved.source, Source::Removed, "{mode:?}");
        assert_eq!(moved.object, Identity::of(&before.0));
        assert!(head(&world.home, "a").await.is_none() && head(&world.there, "a").await.is_some());
        let record = world.record("a").await.unwrap();
        assert_eq!((record.truth, &record.todo, record.kept), (Truth::Remote, &None, false));
        assert_eq!(world.spool.snapshot().total.waiting, 0);
        let mut there = world.seen("a").await;
        if mode == Mode::Upstream {
            // There the upstream's own time is shown, as every gateway shows it.
            there.0.last_modified = before.0.last_modified;
        }
        assert_eq!(there, before, "{mode:?}");
        assert_eq!(world.listed().await.unwrap(), ["a"]);
        assert_eq!(world.skipped(&up("a")).await, Skip::AlreadyThere);

        world.clock.advance(90_000);
        let moved = world.moved(&down("a")).await;
        assert_eq!(moved.source, Source::Removed, "{mode:?}");
        assert!(head(&world.home, "a").await.is_some() && head(&world.there, "a").await.is_none());
        assert_eq!(world.record("a").await, None);
        let mut back = world.seen("a").await;
        if mode == Mode::Upstream {
            back.0.last_modified = before.0.last_modified;
        }
        assert_eq!(back, before, "{mode:?}");
        assert_eq!(world.listed().await.unwrap(), ["a"]);
        assert_eq!(world.skipped(&down("a")).await, Skip::AlreadyThere);
    }
}

#[tokio::test]
async fn a_kept_source_is_nobodys_and_goes_with_the_next_write_or_delete() {
    for (mode, delete) in MODES.into_iter().flat_map(|mode| [(mode, false), (mode, true)]) {
        for direction in [Direction::ToS3, Direction::ToLocal] {
            let mut world = World::new(Mode::Local).await;
            world.put_rich("a", "content").await;
            if direction == Direction::ToLocal {
                world.moved(&up("a")).await;
            }
            world.restart(mode).await;
            let keeping = Order { keep_source: true, ..order("a", direction) };
            assert_eq!(world.moved(&keeping).await.source, Source::Kept);
            world.restart(mode).await;
            let both = (head(&world.home, "a").await, head(&world.there, "a").await);
            assert!(both.0.is_some() && both.1.is_some(), "{mode:?} {direction:?}");
            assert_eq!(world.listed().await.unwrap(), ["a"]);
            assert_eq!(world.read("a").await.unwrap(), content("content"));
            if delete {
                world.delete("a").await.unwrap();
            } else {
                world.put("a", &content("newer")).await.unwrap();
            }
            world.forward().await;
            let left = [head(&world.home, "a").await, head(&world.there, "a").await];
            let left = left.iter().flatten().count();
            assert_eq!(left, usize::from(!delete), "{mode:?} {direction:?}");
            for mode in MODES {
                world.restart(mode).await;
                let read = world.read("a").await.ok();
                assert_eq!(read, (!delete).then(|| content("newer")), "{mode:?} {direction:?}");
            }
        }
    }
}

#[tokio::test]
async fn a_kept_source_is_taken_back_without_a_byte_moved() {
    for mode in MODES {
        let mut world = World::new(Mode::Local).await;
        world.put_rich("a", "content").await;
        world.restart(mode).await;
        let before = world.seen("a").await;
        world.moved(&Order { keep_source: true, ..up("a") }).await;
        let reads = world.faults.count(Call::GetObject);
        world.moved(&down("a")).await;
        assert_eq!(world.faults.count(Call::GetObject), reads);
        assert_eq!(world.seen("a").await, before);
        assert!(head(&world.there, "a").await.is_none());
        assert_eq!(world.record("a").await, None);

        world.moved(&up("a")).await;
        world.moved(&Order { keep_source: true, ..down("a") }).await;
        let writes = world.faults.count(Call::PutObject);
        world.moved(&up("a")).await;
        assert_eq!(world.faults.count(Call::PutObject), writes, "{mode:?}");
        assert!(head(&world.home, "a").await.is_none());
        assert_eq!(world.read("a").await.unwrap(), content("content"));
    }
}

/// The move of a version that a client wrote in the meantime is known again as well.
#[tokio::test]
async fn a_move_that_was_not_noted_is_recognized() {
    for (mode, order) in
        [(Mode::Local, up("a")), (Mode::Fallback, down("a")), (Mode::Upstream, down("a"))]
    {
        let world = World::new(mode).await;
        world.put("a", &content("planned")).await.unwrap();
        let planned = Identity::of(&world.seen("a").await.0);
        world.put("a", &content("newer")).await.unwrap();
        let order = Order { expected: Some(planned), exact: false, keep_source: true, ..order };
        let moved = world.moved(&order).await;
        let again = Order { again: true, ..order.clone() };
        let known = world.moved(&again).await;
        assert_eq!(known.object.etag, moved.object.etag, "{mode:?}");
        assert_eq!(world.skipped(&order).await, Skip::AlreadyThere, "{mode:?}");
        let exact = Order { exact: true, ..again };
        assert_eq!(world.skipped(&exact).await, Skip::AlreadyThere, "{mode:?}");
    }
}

#[tokio::test]
async fn what_nobody_knows_in_the_target_is_a_conflict_and_stays() {
    for mode in MODES {
        let mut world = World::new(Mode::Local).await;
        world.put("a", &content("ours")).await.unwrap();
        World::plant(&world.there, "a", &content("theirs")).await;
        world.restart(mode).await;
        for again in [false, true] {
            let outcome = world.carry_out(&Order { again, ..up("a") }).await.unwrap();
            assert!(matches!(&outcome, Outcome::Conflict(why) if why.contains("another object")));
            assert_eq!(world.record("a").await, None, "{mode:?}");
            assert_eq!(world.read("a").await.unwrap(), content("ours"));
            let there = world.there.get_object(&path("a"), &GetRequest::default()).await.unwrap();
            assert_eq!(there.body.collect(usize::MAX).await.unwrap(), content("theirs"));
        }
        // The same object is no conflict.
        World::plant(&world.there, "b", &content("same")).await;
        World::plant(&world.home, "b", &content("same")).await;
        world.moved(&up("b")).await;
        assert!(head(&world.home, "b").await.is_none());
    }
}

#[tokio::test]
async fn what_waits_in_the_spool_is_left_to_it() {
    let world = World::new(Mode::Fallback).await;
    world.go_away();
    world.put("a", &content("a")).await.unwrap();
    world.come_back();
    assert_eq!(world.skipped(&up("a")).await, Skip::WaitsInSpool);
    assert_eq!(world.skipped(&down("a")).await, Skip::WaitsInSpool);
    world.forward().await;
    assert_eq!(world.skipped(&up("a")).await, Skip::AlreadyThere);
    world.moved(&down("a")).await;
    world.delete("a").await.unwrap();
    assert_eq!(world.skipped(&up("a")).await, Skip::Gone);
    assert_eq!(world.skipped(&down("a")).await, Skip::Gone);
}

#[tokio::test]
async fn only_the_object_that_is_meant_is_moved() {
    let world = World::new(Mode::Local).await;
    world.put("a", &content("a")).await.unwrap();
    let etag = ETag::parse("another");
    let other = Identity { etag: etag.clone(), size: 1, last_modified: None };
    assert_eq!(
        world.skipped(&Order { expected: Some(other.clone()), ..up("a") }).await,
        Skip::Changed
    );
    let meant = Identity::of(&world.seen("a").await.0);
    world.moved(&Order { expected: Some(meant.clone()), ..up("a") }).await;
    for order in [
        Order { expected: Some(other), ..down("a") },
        Order { only_upstream: Some(etag), ..down("a") },
    ] {
        assert_eq!(world.skipped(&order).await, Skip::Changed);
    }
    world.moved(&Order { expected: Some(meant), ..down("a") }).await;
}

#[tokio::test]
async fn what_arrives_damaged_is_not_believed() {
    let world = World::new(Mode::Local).await;
    world.put("a", &content("a")).await.unwrap();
    world.moved(&up("a")).await;
    world.faults.break_next_body(0);
    let broken = world.carry_out(&down("a")).await;
    assert!(matches!(broken, Err(Trouble::Away(_))), "{broken:?}");
    // The bytes are others than the tag says, and arrive otherwise a second time.
    let original = crate::object::Original {
        etag: ETag::parse("0123456789abcdef0123456789abcdef"),
        last_modified: Timestamp(0),
    };
    let odd = NewObject { original: Some(original), ..NewObject::default() };
    let there = world.there.put_object(&path("odd"), odd, body(&content("odd"), None)).await;
    let record = world.record("a").await.unwrap();
    let mut remote = record.remote.clone().unwrap();
    remote.etag = there.unwrap().object.etag;
    remote.upstream_etag = remote.etag.clone();
    remote.size = 3;
    world.set_record("odd", &crate::placement::Location { remote: Some(remote), ..record }).await;
    // Where it does, the tag is kept: nobody says that it is an MD5.
    world.moved(&down("odd")).await;
    let seen = world.seen("odd").await;
    assert_eq!(seen.0.etag.as_str(), "0123456789abcdef0123456789abcdef");
    // And back: the upstream gives it a tag of its own, and clients keep theirs.
    world.moved(&up("odd")).await;
    assert_eq!(world.seen("odd").await.0.etag, seen.0.etag);
    assert_ne!(head(&world.there, "odd").await.unwrap().etag, seen.0.etag);
    world.moved(&Order { read_back: true, ..down("odd") }).await;
    assert_eq!(world.seen("odd").await, seen);
}

#[tokio::test]
async fn an_upstream_that_fails_leaves_the_object_as_it_was() {
    for mode in MODES {
        let mut world = World::new(Mode::Local).await;
        world.put("a", &content("a")).await.unwrap();
        world.restart(mode).await;
        for call in [Call::PutObject, Call::HeadObject] {
            let what = || "on purpose".to_owned();
            world.faults.fail_next(call, StoreError::Unavailable { what: what() });
            let failed = world.carry_out(&up("a")).await;
            assert!(matches!(failed, Err(Trouble::Away(_))), "{failed:?}");
            assert_eq!(world.read("a").await.unwrap(), content("a"), "{mode:?}");
            world.placement.transfers().abandon(&up("a"), &Freely::default()).await.unwrap();
            if mode == Mode::Local {
                assert_eq!(world.record("a").await, None);
                assert!(head(&world.there, "a").await.is_none());
            } else {
                // Where objects belong upstream, the spool goes on.
                world.forward().await;
                let at_home = head(&world.home, "a").await.is_some();
                let back = world.carry_out(&down("a")).await.unwrap();
                assert_eq!(at_home, back == Outcome::Skipped(Skip::AlreadyThere), "{back:?}");
            }
        }
        assert_eq!(world.read("a").await.unwrap(), content("a"), "{mode:?}");
    }
}

#[tokio::test]
async fn a_source_that_cannot_be_removed_is_left_to_the_spool() {
    let world = World::new(Mode::Local).await;
    world.put("a", &content("a")).await.unwrap();
    world.moved(&up("a")).await;
    let failure = StoreError::Unavailable { what: "on purpose".to_owned() };
    world.faults.fail_next(Call::DeleteObject, failure);
    assert_eq!(world.moved(&down("a")).await.source, Source::Waits);
    let record = world.record("a").await.unwrap();
    assert_eq!(record.todo.map(|todo| todo.task), Some(Task::Delete));
    world.forward().await;
    assert_eq!(world.record("a").await, None);
    assert!(head(&world.there, "a").await.is_none());
    assert_eq!(world.read("a").await.unwrap(), content("a"));
}

#[tokio::test]
async fn candidates_are_what_can_be_moved() {
    let mut world = World::new(Mode::Local).await;
    for key in ["a", "b", "d/1", "d/2", "e"] {
        world.put(key, &content(key)).await.unwrap();
    }
    World::plant(&world.there, "b", &content("theirs")).await;
    World::plant(&world.there, "d/1", &content("d/1")).await;
    world.moved(&up("e")).await;
    let found = async |world: &World, direction, compare| {
        let transfers = world.placement.transfers();
        let bucket = crate::placement::tests::world::bucket();
        let mut candidates = transfers.candidates(&bucket, "", direction, compare).unwrap();
        let mut found = Vec::new();
        while let Some(page) = candidates.next().await.unwrap() {
            found.extend(page);
        }
        let movable = |standing: &Standing| *standing == Standing::Movable;
        found.iter().map(|it| format!("{}:{}", it.key, movable(&it.standing))).collect::<Vec<_>>()
    };
    for mode in MODES {
        world.restart(mode).await;
        let expected = ["a:true", "b:false", "d/1:true", "d/2:true"];
        assert_eq!(found(&world, Direction::ToS3, true).await, expected, "{mode:?}");
        assert_eq!(found(&world, Direction::ToS3, false).await.len(), 4);
        assert_eq!(found(&world, Direction::ToLocal, true).await, ["e:true"], "{mode:?}");
    }
}

#[tokio::test]
async fn an_object_whose_acl_the_upstream_cannot_keep_stays() {
    let world = World::new(Mode::Local).await;
    let me = owner();
    let other = Owner { id: "other".to_owned(), display_name: String::new() };
    let mut shared = Acl::private(me);
    let grantee = Grantee::User(other.clone());
    shared.grants.push(Grant { grantee, permission: Permission::Read });
    for acl in [shared, Acl::private(other)] {
        world.put("a", &content("content")).await.unwrap();
        world.placement.set_object_acl(&path("a"), None, Some(acl.clone())).await.unwrap();
        let moved = world.carry_out(&up("a")).await;
        assert!(matches!(moved, Err(Trouble::Refused(_))), "{moved:?}");
        assert!(head(&world.there, "a").await.is_none());
        assert_eq!(world.placement.object_acl(&path("a"), None).await.unwrap(), Some(acl));
    }
}

/// What a client asked to be encrypted is so again at home, whatever the upstream says of it.
#[tokio::test]
async fn a_wish_for_encryption_comes_home_again() {
    let mut world = World::new(Mode::Local).await;
    let asked = Some(Encrypted::Managed { asked: true });
    let new = || NewObject { encryption: Some(Encryption::Managed), ..NewObject::default() };
    let put = body(&content("content"), None);
    world.placement.put_object(&path("a"), new(), put).await.unwrap();
    world.moved(&up("a")).await;
    assert!(world.record("a").await.unwrap().remote.unwrap().asked);
    // As services show it that encrypt nothing.
    World::plant(&world.there, "a", &content("content")).await;
    world.moved(&down("a")).await;
    assert_eq!(head(&world.home, "a").await.unwrap().encryption, asked);
    // Of what has no record the upstream's word is taken.
    let put = body(&content("content"), None);
    world.there.put_object(&path("b"), new(), put).await.unwrap();
    World::plant(&world.there, "c", &content("content")).await;
    world.restart(Mode::Fallback).await;
    for (key, expected) in [("b", asked), ("c", None)] {
        world.moved(&down(key)).await;
        assert_eq!(head(&world.home, key).await.unwrap().encryption, expected, "{key}");
    }
}

/// What nobody here has the key of is refused, and no failure of the upstream that would be waited
/// for.
#[tokio::test]
async fn an_object_with_a_customers_key_stays_upstream() {
    let world = World::new(Mode::Fallback).await;
    World::plant(&world.there, "a", &content("content")).await;
    let fault = || StoreError::CustomerKey(KeyFault::Missing);
    world.faults.fail_always(Call::HeadObject, fault);
    world.faults.fail_always(Call::GetObject, fault);
    let moved = world.carry_out(&down("a")).await;
    assert!(matches!(&moved, Err(Trouble::Refused(why)) if why.contains("key")), "{moved:?}");
    assert!(head(&world.home, "a").await.is_none());
}

#[tokio::test]
async fn an_upstream_that_tells_no_acls_is_moved_from_all_the_same() {
    let world = World::new(Mode::Local).await;
    world.put_rich("a", "content").await;
    world.placement.set_object_acl(&path("a"), None, None).await.unwrap();
    world.moved(&up("a")).await;
    world
        .faults
        .fail_always(Call::ObjectAcl, || StoreError::Unsupported { what: "the ACL".to_owned() });
    world.moved(&down("a")).await;
    assert_eq!(world.home.object_acl(&path("a"), None).await.unwrap(), None);
}
