//! Buckets that come and go with the upstream's, and what must not outlive them.

use super::World;
use super::world::{bucket, content, owner};
use crate::object::BucketName;
use crate::placement::Mode;
use crate::store::{Buckets as _, Call, StoreError};

fn other() -> BucketName {
    BucketName::parse("other").unwrap()
}

async fn exists(store: &dyn crate::store::Store, name: &BucketName) -> bool {
    store.head_bucket(name).await.is_ok()
}

#[tokio::test]
async fn made_upstream_where_objects_go_there() {
    for mode in [Mode::Local, Mode::Upstream, Mode::Fallback] {
        let world = World::bare(mode);
        world.placement.create_bucket(&other(), &owner()).await.unwrap();
        assert!(exists(&*world.home, &other()).await);
        assert_eq!(exists(&*world.there, &other()).await, mode != Mode::Local, "{mode:?}");
        let calls = world.faults.count(Call::CreateBucket);
        let again = world.placement.create_bucket(&other(), &owner()).await;
        assert!(matches!(again, Err(StoreError::BucketExists { .. })), "{again:?}");
        assert_eq!(world.faults.count(Call::CreateBucket), calls, "the upstream is not asked");
        world.go_away();
        assert!(exists(&*world.placement, &other()).await, "nor is it for a head");
        world.come_back();
        world.placement.delete_bucket(&other()).await.unwrap();
        assert!(!exists(&*world.home, &other()).await && !exists(&*world.there, &other()).await);
    }
}

#[tokio::test]
async fn one_that_is_there_already_is_taken() {
    let world = World::bare(Mode::Fallback);
    world.there.create_bucket(&other(), &owner()).await.unwrap();
    world.placement.create_bucket(&other(), &owner()).await.unwrap();
    assert!(exists(&*world.home, &other()).await);
    world.go_away();
    let name = BucketName::parse("another").unwrap();
    let made = world.placement.create_bucket(&name, &owner()).await;
    assert!(matches!(made, Err(StoreError::Unavailable { .. })), "{made:?}");
    assert!(!exists(&*world.home, &name).await);
}

#[tokio::test]
async fn one_with_an_object_in_either_layer_stays() {
    for mode in [Mode::Upstream, Mode::Fallback] {
        for at_home in [true, false] {
            let world = World::new(mode).await;
            let layer = if at_home { &world.home } else { &world.there };
            World::plant(layer, "a", &content("a")).await;
            let deleted = world.placement.delete_bucket(&bucket()).await;
            assert!(matches!(deleted, Err(StoreError::BucketNotEmpty)), "{mode:?} {deleted:?}");
        }
    }
    let mut world = World::new(Mode::Fallback).await;
    world.put("a", &content("a")).await.unwrap();
    world.restart(Mode::Local).await;
    let deleted = world.placement.delete_bucket(&bucket()).await;
    assert!(matches!(deleted, Err(StoreError::BucketNotEmpty)), "{deleted:?}");
}

#[tokio::test]
async fn deleted_keys_do_not_come_back_with_a_new_bucket() {
    for mode in [Mode::Local, Mode::Upstream, Mode::Fallback] {
        let mut world = World::new(Mode::Fallback).await;
        world.put("a", &content("a")).await.unwrap();
        world.put("b", &content("b")).await.unwrap();
        world.go_away();
        world.delete("a").await.unwrap();
        world.delete("b").await.unwrap();
        world.restart(mode).await;
        let deleted = world.placement.delete_bucket(&bucket()).await;
        assert!(matches!(deleted, Err(StoreError::Unavailable { .. })), "{mode:?} {deleted:?}");
        world.come_back();
        world.placement.delete_bucket(&bucket()).await.unwrap();
        assert_eq!(world.spool.snapshot().total.waiting, 0, "{mode:?}");
        world.placement.create_bucket(&bucket(), &owner()).await.unwrap();
        for later in [mode, Mode::Fallback] {
            world.restart(later).await;
            assert!(world.listed().await.unwrap().is_empty(), "{mode:?} {later:?}");
            let read = world.read("a").await;
            assert!(matches!(read, Err(StoreError::NoSuchKey)), "{mode:?} {later:?} {read:?}");
        }
    }
}

#[tokio::test]
async fn what_somebody_else_wrote_over_a_deleted_key_keeps_the_bucket() {
    let world = World::new(Mode::Fallback).await;
    world.put("a", &content("a")).await.unwrap();
    world.go_away();
    world.delete("a").await.unwrap();
    World::plant(&world.there, "a", &content("somebody else's")).await;
    world.come_back();
    let deleted = world.placement.delete_bucket(&bucket()).await;
    assert!(matches!(deleted, Err(StoreError::BucketNotEmpty)), "{deleted:?}");
}

#[tokio::test]
async fn a_deletion_that_was_cut_off_can_be_repeated() {
    let world = World::new(Mode::Fallback).await;
    world.there.delete_bucket(&bucket()).await.unwrap();
    world.placement.delete_bucket(&bucket()).await.unwrap();
    let gone = world.placement.delete_bucket(&bucket()).await;
    assert!(matches!(gone, Err(StoreError::NoSuchBucket)), "{gone:?}");
}
