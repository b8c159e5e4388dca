//! Tags in memory.

use async_trait::async_trait;

use super::{MemoryStore, Result};
use crate::object::{BucketName, TagSet, VersionId};
use crate::store::{ObjectPath, Tags};

#[async_trait]
impl Tags for MemoryStore {
    async fn object_tags(&self, at: &ObjectPath, version: Option<VersionId>) -> Result<TagSet> {
        Ok(self.state().object(at, version)?.tags.clone())
    }

    async fn set_object_tags(
        &self,
        at: &ObjectPath,
        version: Option<VersionId>,
        tags: TagSet,
    ) -> Result<()> {
        let mut state = self.state();
        let object = state.object_mut(at, version)?;
        object.info.tag_count = u32::try_from(tags.len()).unwrap_or(u32::MAX);
        object.tags = tags;
        Ok(())
    }

    async fn bucket_tags(&self, bucket: &BucketName) -> Result<Option<TagSet>> {
        Ok(self.state().bin(bucket)?.tags.clone())
    }

    async fn set_bucket_tags(&self, bucket: &BucketName, tags: Option<TagSet>) -> Result<()> {
        self.state().bin_mut(bucket)?.tags = tags;
        Ok(())
    }
}
