//! ACLs of objects in each mode: where they lie, what is refused, and what clients see.

use super::World;
use super::world::{content, owner, path};
use crate::object::{Acl, Grant, Grantee, Owner, Permission, PortableAcl};
use crate::placement::Mode;
use crate::store::conformance::body;
use crate::store::{Acls as _, NewObject, Objects as _, StoreError};

fn public() -> Acl {
    PortableAcl::PublicRead.of(owner())
}

fn other() -> Owner {
    Owner { id: "other".to_owned(), display_name: "Other".to_owned() }
}

fn shared() -> Acl {
    let mut acl = Acl::private(owner());
    acl.grants.push(Grant { grantee: Grantee::User(other()), permission: Permission::Read });
    acl
}

impl World {
    async fn put_listed(&self, key: &str, acl: Option<Acl>) -> Result<(), StoreError> {
        let new = NewObject { acl, ..NewObject::default() };
        let body = body(&content("x"), None);
        self.placement.put_object(&path(key), new, body).await.map(|_| ())
    }

    async fn acl(&self, key: &str) -> Option<Acl> {
        self.placement.object_acl(&path(key), None).await.unwrap()
    }
}

#[tokio::test]
async fn an_upstream_object_is_the_bucket_owners() {
    let world = World::new(Mode::Upstream).await;
    world.put_listed("a", Some(public())).await.unwrap();
    let there = world.there.object_acl(&path("a"), None).await.unwrap();
    assert_eq!(there, Some(public()));
    // The account there has another name.
    let account = PortableAcl::PublicRead.of(other());
    world.there.set_object_acl(&path("a"), None, Some(account)).await.unwrap();
    assert_eq!(world.acl("a").await, Some(public()));
    world.there.set_object_acl(&path("a"), None, Some(Acl::private(other()))).await.unwrap();
    assert_eq!(world.acl("a").await, None);
    world.placement.set_object_acl(&path("a"), None, Some(public())).await.unwrap();
    assert_eq!(world.there.object_acl(&path("a"), None).await.unwrap(), Some(public()));
}

#[tokio::test]
async fn what_an_upstream_cannot_keep_is_refused_before_anything_is_sent() {
    for mode in [Mode::Upstream, Mode::Fallback] {
        let world = World::new(mode).await;
        let refused = world.put_listed("a", Some(shared())).await;
        assert!(matches!(refused, Err(StoreError::Unsupported { .. })), "{refused:?}");
        world.put_listed("a", None).await.unwrap();
        let refused = world.placement.set_object_acl(&path("a"), None, Some(shared())).await;
        assert!(matches!(refused, Err(StoreError::Unsupported { .. })), "{refused:?}");
        assert_eq!(world.acl("a").await, None);
        // Whoever wrote it, it is the bucket owner's there.
        world.put_listed("a", Some(Acl::private(other()))).await.unwrap();
        assert_eq!(world.acl("a").await, None);
        world.put_listed("a", Some(PortableAcl::PublicRead.of(other()))).await.unwrap();
        assert_eq!(world.acl("a").await, Some(public()));
    }
    let world = World::new(Mode::Local).await;
    world.put_listed("a", Some(shared())).await.unwrap();
    assert_eq!(world.acl("a").await, Some(shared()));
}

#[tokio::test]
async fn a_spooled_object_goes_with_its_acl() {
    let world = World::new(Mode::Fallback).await;
    world.go_away();
    world.put_listed("a", Some(public())).await.unwrap();
    world.put_listed("b", None).await.unwrap();
    assert_eq!(world.acl("a").await, Some(public()));
    world.placement.set_object_acl(&path("b"), None, Some(public())).await.unwrap();
    assert_eq!(world.acl("b").await, Some(public()));
    world.come_back();
    world.forward().await;
    for key in ["a", "b"] {
        let there = world.there.object_acl(&path(key), None).await.unwrap();
        assert_eq!(there, Some(public()), "{key}");
        assert_eq!(world.acl(key).await, Some(public()), "{key}");
    }
}

#[tokio::test]
async fn an_upstream_that_is_away_tells_no_acl() {
    let world = World::new(Mode::Upstream).await;
    world.put_listed("a", Some(public())).await.unwrap();
    world.go_away();
    let told = world.placement.object_acl(&path("a"), None).await;
    assert!(matches!(told, Err(StoreError::Unavailable { .. })), "{told:?}");
}
