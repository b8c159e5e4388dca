//! What the spool reads and changes of a key at home.

use super::Spool;
use crate::object::ObjectInfo;
use crate::placement::location::Location;
use crate::placement::locks::KeyGuard;
use crate::store::{GetRequest, ObjectPath, Result, StoreError};

impl Spool {
    pub(super) async fn lock(&self, at: &ObjectPath) -> KeyGuard {
        self.locations.lock(at).await
    }

    /// A key's record. Those of a bucket that is gone are gone with it.
    pub(super) async fn record(&self, at: &ObjectPath) -> Result<Option<Location>> {
        match self.locations.of(at).await {
            Err(StoreError::NoSuchBucket) => Ok(None),
            found => found,
        }
    }

    /// Replaces the record of the locked key; its time is set anew.
    pub(super) async fn set_record(&self, key: &KeyGuard, record: Option<Location>) -> Result<()> {
        self.locations.set(key, record).await
    }

    /// A key's local object, if there is one.
    pub(super) async fn local_object(&self, at: &ObjectPath) -> Result<Option<ObjectInfo>> {
        match self.home.head_object(at, &GetRequest::default()).await {
            Ok(head) => Ok(Some(head.object)),
            Err(StoreError::NoSuchKey | StoreError::NoSuchBucket) => Ok(None),
            Err(error) => Err(error),
        }
    }

    pub(super) async fn local_size(&self, at: &ObjectPath) -> Result<u64> {
        Ok(self.local_object(at).await?.map_or(0, |object| object.size))
    }
}
