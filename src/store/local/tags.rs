//! Tags of objects and buckets.

use async_trait::async_trait;

use super::LocalStore;
use super::read::{blocking, describe, find};
use crate::object::{BucketName, TagSet, VersionId};
use crate::store::{ObjectPath, Result, StoreError, Tags};

/// The setting that holds a bucket's tags, in postcard.
const TAGS: &str = "tags";

#[async_trait]
impl Tags for LocalStore {
    async fn object_tags(&self, at: &ObjectPath, version: Option<VersionId>) -> Result<TagSet> {
        let at = at.clone();
        blocking(&self.core, move |core| {
            let found = find(core, &at, version)?;
            if found.entry.tag_count == 0 {
                return Ok(TagSet::default());
            }
            Ok(describe(core, found.entry.head)?.tags)
        })
        .await
    }

    async fn set_object_tags(
        &self,
        at: &ObjectPath,
        version: Option<VersionId>,
        tags: TagSet,
    ) -> Result<()> {
        self.core.writable()?;
        self.redescribe(at, version, move |object| object.tags.clone_from(&tags)).await
    }

    async fn bucket_tags(&self, bucket: &BucketName) -> Result<Option<TagSet>> {
        let Some(bytes) = self.setting(bucket, TAGS).await? else { return Ok(None) };
        postcard::from_bytes(&bytes).map(Some).map_err(|_| StoreError::Damaged {
            what: format!("what is kept as the tags of {} is none", bucket.as_str()),
        })
    }

    async fn set_bucket_tags(&self, bucket: &BucketName, tags: Option<TagSet>) -> Result<()> {
        let value = tags.map(|tags| postcard::to_stdvec(&tags)).transpose();
        let value = value.map_err(|error| StoreError::Io {
            doing: "encode the tags of a bucket".to_owned(),
            source: std::io::Error::other(error),
        })?;
        self.set_setting(bucket, TAGS, value.map(Into::into)).await
    }
}
