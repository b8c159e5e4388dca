//! Tags of objects: kept with the object, wherever that is.

use super::plan::{self, Known, Layer, Write};
use super::{Placement, answered};
use crate::object::{TagSet, VersionId};
use crate::store::{ObjectPath, Result, StoreError};

impl Placement {
    /// Replaces an object's tags. What waits to be forwarded goes with its new tags.
    pub(super) async fn set_tags(
        &self,
        at: &ObjectPath,
        version: Option<VersionId>,
        tags: TagSet,
    ) -> Result<()> {
        let route = self.routes.of(&at.bucket);
        let Some(upstream) = &route.upstream else {
            return self.home.set_object_tags(at, version, tags).await;
        };
        let writing = self.passing.write(at);
        let record = self.locations.of(at).await?;
        if plan::write(route.mode, Known::of(record.as_ref())) == Write::Home {
            return self.home.set_object_tags(at, version, tags).await;
        }
        drop(writing);
        let mut locked = self.locked(route, upstream, at, false).await?;
        match locked.holder() {
            Some(Layer::Home) => {
                self.home.set_object_tags(at, version, tags).await?;
                // A changed record makes the forwarder send again what it may be sending now.
                let size = locked.at_home.as_ref().map_or(0, |home| home.size);
                let record = locked.record.clone();
                if record.is_some() { locked.set(record, size).await } else { Ok(()) }
            }
            Some(Layer::Upstream) => {
                self.passing.touch(at);
                answered(upstream, upstream.store.set_object_tags(at, version, tags).await)
            }
            None if version.is_some() => Err(StoreError::NoSuchVersion),
            None => Err(StoreError::NoSuchKey),
        }
    }
}
