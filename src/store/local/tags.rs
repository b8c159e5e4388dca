//! Tags of objects and buckets.

use async_trait::async_trait;

use super::LocalStore;
use super::buckets::TRIES;
use super::commit::{Command, Outcome};
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
        for _ in 0..TRIES {
            let (path, new) = (at.clone(), tags.clone());
            let command = blocking(&self.core, move |core| {
                let found = find(core, &path, version)?;
                let mut object = describe(core, found.entry.head)?;
                object.tags = new;
                let head = found.entry.head.lsn;
                Ok(Command::Change { at: path, head, object: Box::new(object) })
            });
            match self.submitter.submit(command.await?).await? {
                Outcome::Retry => {}
                _ => return Ok(()),
            }
        }
        Err(StoreError::Conflict)
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
