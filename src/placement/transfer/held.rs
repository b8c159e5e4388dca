//! What there is of a key: its record, its local object, its upstream object.

use super::compare::Labels;
use super::{Result, Transfers, Trouble, upstream_trouble};
use crate::object::{Acl, ObjectInfo, TagSet};
use crate::placement::location::Location;
use crate::placement::route::Upstream;
use crate::store::{GetRequest, ObjectPath, StoreError};

/// A local object with everything that belongs to it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Held {
    pub(super) object: ObjectInfo,
    pub(super) tags: TagSet,
    pub(super) acl: Option<Acl>,
}

impl Transfers {
    /// A key's record; those of a bucket that is gone are gone with it.
    pub(super) async fn record(&self, at: &ObjectPath) -> Result<Option<Location>, StoreError> {
        match self.locations.of(at).await {
            Err(StoreError::NoSuchBucket) => Ok(None),
            found => found,
        }
    }

    /// A key's record and its local object: they belong together under the key's lock.
    pub(super) async fn record_and_object(
        &self,
        at: &ObjectPath,
    ) -> Result<(Option<Location>, Option<ObjectInfo>), StoreError> {
        match self.locations.with_object(at).await {
            Err(StoreError::NoSuchBucket) => Ok((None, None)),
            found => found,
        }
    }

    /// The same, with the object's tags.
    pub(super) async fn record_and_held(
        &self,
        at: &ObjectPath,
    ) -> Result<(Option<Location>, Option<Held>), StoreError> {
        let (record, object) = self.record_and_object(at).await?;
        let held = match object {
            Some(object) => self.with_tags(at, object).await?,
            None => None,
        };
        Ok((record, held))
    }

    /// A key's local object, be it the key's or a left-over.
    pub(super) async fn at_home(&self, at: &ObjectPath) -> Result<Option<ObjectInfo>, StoreError> {
        match self.home.head_object(at, &GetRequest::default()).await {
            Ok(head) => Ok(Some(head.object)),
            Err(StoreError::NoSuchKey | StoreError::NoSuchBucket) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The same with its tags.
    pub(super) async fn held(&self, at: &ObjectPath) -> Result<Option<Held>, StoreError> {
        match self.at_home(at).await? {
            Some(object) => self.with_tags(at, object).await,
            None => Ok(None),
        }
    }

    async fn with_tags(
        &self,
        at: &ObjectPath,
        object: ObjectInfo,
    ) -> Result<Option<Held>, StoreError> {
        let tags = match object.tag_count {
            0 => TagSet::default(),
            _ => match self.home.object_tags(at, None).await {
                Err(StoreError::NoSuchKey) => return Ok(None),
                tags => tags?,
            },
        };
        match self.home.object_acl(at, None).await {
            Err(StoreError::NoSuchKey) => Ok(None),
            acl => Ok(Some(Held { object, tags, acl: acl? })),
        }
    }

    /// A key's upstream object.
    pub(super) async fn there(
        &self,
        at: &ObjectPath,
        upstream: &Upstream,
    ) -> Result<Option<ObjectInfo>> {
        match upstream.store.head_object(at, &GetRequest::default()).await {
            Ok(head) => Ok(Some(head.object)),
            Err(StoreError::NoSuchKey) => Ok(None),
            Err(error) => Err(upstream_trouble(error)),
        }
    }

    /// The tags of a key's upstream object; none where the service keeps none.
    pub(super) async fn tags_there(&self, at: &ObjectPath, upstream: &Upstream) -> Result<TagSet> {
        match upstream.store.object_tags(at, None).await {
            Err(StoreError::Unsupported { .. }) => Ok(TagSet::default()),
            tags => tags.map_err(upstream_trouble),
        }
    }
    /// What the upstream keeps with the object beside its head, as far as `held` is to be compared
    /// with it.
    pub(super) async fn labels_there(
        &self,
        at: &ObjectPath,
        upstream: &Upstream,
        held: &Held,
    ) -> Result<Labels> {
        let tags = self.tags_there(at, upstream).await?;
        let acl = match held.acl {
            Some(_) => self.acl_there(at, upstream).await?,
            None => None,
        };
        Ok(Labels { tags, acl })
    }

    /// The ACL of a key's upstream object, as one of the bucket's owner; none where the service
    /// tells none.
    pub(super) async fn acl_there(
        &self,
        at: &ObjectPath,
        upstream: &Upstream,
    ) -> Result<Option<Acl>> {
        let acl = match upstream.store.object_acl(at, None).await {
            Err(StoreError::Unsupported { .. }) => None,
            acl => acl.map_err(upstream_trouble)?,
        };
        let Some(acl) = acl else { return Ok(None) };
        let owner = self.home.head_bucket(&at.bucket).await?.owner;
        Ok(acl.handed_to(&owner).kept(&owner))
    }

    /// Refuses an object whose ACL the upstream could not keep: it would be another's there, or
    /// nobody's.
    pub(super) async fn check_acl(&self, at: &ObjectPath, held: &Held) -> Result<()> {
        let Some(acl) = &held.acl else { return Ok(()) };
        let owner = self.home.head_bucket(&at.bucket).await?.owner;
        if acl.owner.id == owner.id && acl.portable(&owner.id).is_some() {
            return Ok(());
        }
        let what = "its ACL names single users, or another owner than the bucket's, whom the \
                    upstream does not know";
        Err(Trouble::Refused(what.to_owned()))
    }
}
