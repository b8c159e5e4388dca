//! Moves between two layers in memory.

mod clients;
mod crash;
mod moves;
mod parts;

use bytes::Bytes;

use super::{Direction, Identity, Moved, Order, Outcome, Result, Skip, Source};
use crate::object::{Acl, ETag, ObjectInfo, PortableAcl, TagSet, Timestamp};
use crate::placement::Mode;
use crate::placement::tests::freely::Freely;
use crate::placement::tests::world::{World, content, owner, path};
use crate::store::conformance::body;
use crate::store::{Acls as _, GetRequest, MemoryStore, NewObject, Objects as _, Tags as _};

const MODES: [Mode; 3] = [Mode::Local, Mode::Upstream, Mode::Fallback];

fn order(key: &str, direction: Direction) -> Order {
    Order {
        at: path(key),
        direction,
        expected: None,
        exact: true,
        only_upstream: None,
        again: false,
        keep_source: false,
        read_back: false,
    }
}

fn up(key: &str) -> Order {
    order(key, Direction::ToS3)
}

fn down(key: &str) -> Order {
    order(key, Direction::ToLocal)
}

impl World {
    async fn carry_out(&self, order: &Order) -> Result<Outcome> {
        self.placement.transfers().carry_out(order, &Freely::default()).await
    }

    async fn moved(&self, order: &Order) -> Moved {
        match self.carry_out(order).await {
            Ok(Outcome::Moved(moved)) => *moved,
            other => panic!("{other:?}"),
        }
    }

    async fn skipped(&self, order: &Order) -> Skip {
        match self.carry_out(order).await {
            Ok(Outcome::Skipped(skip)) => skip,
            other => panic!("{other:?}"),
        }
    }

    /// Puts an object with everything that an object can have.
    async fn put_rich(&self, key: &str, text: &str) {
        let acl = Some(PortableAcl::PublicRead.of(owner()));
        let mut new = NewObject { tags: tags(), acl, ..NewObject::default() };
        new.metadata.headers.content_type = Some("text/plain".to_owned());
        new.metadata.headers.cache_control = Some("no-store".to_owned());
        new.metadata.user.add("number", "1");
        let body = body(&content(text), Some(crate::object::Algorithm::Sha256));
        self.placement.put_object(&path(key), new, body).await.unwrap();
    }

    /// What clients see of a key: all of it but where it is.
    async fn seen(&self, key: &str) -> (ObjectInfo, TagSet, Option<Acl>, Bytes) {
        let got = self.got(key).await.unwrap();
        let mut object = got.head.object;
        object.replication = None;
        let tags = self.placement.object_tags(&path(key), None).await.unwrap();
        let acl = self.placement.object_acl(&path(key), None).await.unwrap();
        (object, tags, acl, got.body.collect(usize::MAX).await.unwrap())
    }
}

fn tags() -> TagSet {
    TagSet::from_query("a=1&b=2").unwrap()
}

async fn head(store: &MemoryStore, key: &str) -> Option<ObjectInfo> {
    store.head_object(&path(key), &GetRequest::default()).await.ok().map(|head| head.object)
}
