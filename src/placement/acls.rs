//! ACLs of objects: kept with the object, wherever that is.
//!
//! What an upstream keeps is its own account's, and it knows none of the gateway's users. So an
//! object that may come there belongs to the bucket's owner, and its ACL gives something to groups
//! alone; another one is refused, where it is set, rather than lost later.

use super::plan::{self, Known, Layer, Write};
use super::read::Place;
use super::route::Route;
use super::{Placement, answered};
use crate::object::{Acl, BucketName, VersionId};
use crate::store::{ObjectPath, Result, StoreError};

impl Placement {
    /// An object's ACL.
    pub(super) async fn acl(
        &self,
        at: &ObjectPath,
        version: Option<VersionId>,
    ) -> Result<Option<Acl>> {
        let Some(_) = self.routes.of(&at.bucket).upstream else {
            return self.home.object_acl(at, version).await;
        };
        self.found(at, version, |place| {
            Box::pin(async move {
                let acl = place.answered(self.store(&place).object_acl(at, version).await)?;
                match (acl, &place) {
                    (Some(acl), Place::Upstream(..)) => self.taken_over(&at.bucket, acl).await,
                    (acl, _) => Ok(acl),
                }
            })
        })
        .await
    }

    /// Replaces an object's ACL. What waits to be forwarded goes with its new one.
    pub(super) async fn set_acl(
        &self,
        at: &ObjectPath,
        version: Option<VersionId>,
        acl: Option<Acl>,
    ) -> Result<()> {
        let route = self.routes.of(&at.bucket);
        let Some(upstream) = &route.upstream else {
            return self.home.set_object_acl(at, version, acl).await;
        };
        let acl = self.placed_acl(route, &at.bucket, acl).await?;
        let writing = self.passing.write(at);
        let record = self.locations.of(at).await?;
        if plan::write(route.mode, Known::of(record.as_ref())) == Write::Home {
            return self.home.set_object_acl(at, version, acl).await;
        }
        drop(writing);
        let mut locked = self.locked(route, upstream, at, false).await?;
        match locked.holder() {
            Some(Layer::Home) => {
                self.home.set_object_acl(at, version, acl).await?;
                // A changed record makes the forwarder send again what it may be sending now.
                let size = locked.at_home.as_ref().map_or(0, |home| home.size);
                let record = locked.record.clone();
                if record.is_some() { locked.set(record, size).await } else { Ok(()) }
            }
            Some(Layer::Upstream) => {
                self.passing.touch(at);
                answered(upstream, upstream.store.set_object_acl(at, version, acl).await)
            }
            None if version.is_some() => Err(StoreError::NoSuchVersion),
            None => Err(StoreError::NoSuchKey),
        }
    }

    /// The ACL of a new object as it can be kept wherever the object may come to lie.
    pub(super) async fn placed_acl(
        &self,
        route: &Route,
        bucket: &BucketName,
        acl: Option<Acl>,
    ) -> Result<Option<Acl>> {
        let Some(acl) = acl else { return Ok(None) };
        if route.upstream.is_none() || !plan::sends_new(route.mode) {
            return Ok(Some(acl));
        }
        let owner = self.home.head_bucket(bucket).await?.owner;
        let Some(portable) = acl.portable(&owner.id) else {
            let what = "an ACL that names single users, in a bucket with an upstream,";
            return Err(StoreError::Unsupported { what: what.to_owned() });
        };
        Ok(portable.of(owner.clone()).kept(&owner))
    }

    /// The ACL of an upstream object, as one of the bucket's owner.
    async fn taken_over(&self, bucket: &BucketName, acl: Acl) -> Result<Option<Acl>> {
        let owner = self.home.head_bucket(bucket).await?.owner;
        Ok(acl.handed_to(&owner).kept(&owner))
    }
}
