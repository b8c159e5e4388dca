//! The store's calls about tags.

use async_trait::async_trait;
use aws_sdk_s3::types::{Tag, Tagging};

use super::answer::Fault;
use super::operation::{Asked, Operation};
use super::{UpstreamStore, version_text};
use crate::object::{BucketName, TagError, TagSet, VersionId};
use crate::store::{ObjectPath, Result, Tags};

/// Tags that services set themselves begin so.
const RESERVED: &str = "aws:";

#[async_trait]
impl Tags for UpstreamStore {
    async fn object_tags(&self, at: &ObjectPath, version: Option<VersionId>) -> Result<TagSet> {
        let asked = self.asked_about(Operation::GetObjectTagging, at)?;
        let call = self
            .clients
            .plain
            .get_object_tagging()
            .bucket(&asked.bucket)
            .key(asked.key(at))
            .set_version_id(version_text(version));
        let out = call.send().await;
        let out = out.map_err(|error| self.refuse_described(&asked, version, error))?;
        self.told(&asked, TagSet::for_object(pairs(out.tag_set())))
    }

    async fn set_object_tags(
        &self,
        at: &ObjectPath,
        version: Option<VersionId>,
        tags: TagSet,
    ) -> Result<()> {
        if tags.is_empty() {
            return self.remove_object_tags(at, version).await;
        }
        self.check_tags(true)?;
        let asked = self.asked_about(Operation::PutObjectTagging, at)?;
        let call = self
            .clients
            .plain
            .put_object_tagging()
            .bucket(&asked.bucket)
            .key(asked.key(at))
            .set_version_id(version_text(version))
            .tagging(self.tagging(&asked, &tags)?);
        let out = call.send().await;
        out.map(|_| ()).map_err(|error| self.refuse_described(&asked, version, error))
    }

    async fn bucket_tags(&self, bucket: &BucketName) -> Result<Option<TagSet>> {
        let asked = self.asked(Operation::GetBucketTagging, bucket);
        let call = self.clients.plain.get_bucket_tagging().bucket(&asked.bucket);
        match call.send().await.map_err(Fault::from) {
            Ok(out) => {
                let tags = self.told(&asked, TagSet::for_bucket(pairs(out.tag_set())))?;
                Ok(Some(tags).filter(|tags| !tags.is_empty()))
            }
            Err(fault) if fault.has_code("NoSuchTagSet") => Ok(None),
            Err(fault) => Err(self.refuse(&asked, fault)),
        }
    }

    async fn set_bucket_tags(&self, bucket: &BucketName, tags: Option<TagSet>) -> Result<()> {
        let operation = Operation::PutBucketTagging;
        let asked = self.asked(operation, bucket);
        if let Some(tags) = tags.filter(|tags| !tags.is_empty()) {
            let tagging = self.tagging(&asked, &tags)?;
            let call = self.clients.plain.put_bucket_tagging().bucket(&asked.bucket);
            let out = call.tagging(tagging).send().await;
            out.map(|_| ()).map_err(|error| self.refuse(&asked, error))
        } else {
            let asked = Asked { operation: Operation::DeleteBucketTagging, ..asked };
            let call = self.clients.plain.delete_bucket_tagging().bucket(&asked.bucket);
            let out = call.send().await;
            out.map(|_| ()).map_err(|error| self.refuse(&asked, error))
        }
    }
}

impl UpstreamStore {
    async fn remove_object_tags(&self, at: &ObjectPath, version: Option<VersionId>) -> Result<()> {
        let asked = self.asked_about(Operation::DeleteObjectTagging, at)?;
        let call = self
            .clients
            .plain
            .delete_object_tagging()
            .bucket(&asked.bucket)
            .key(asked.key(at))
            .set_version_id(version_text(version));
        let out = call.send().await;
        out.map(|_| ()).map_err(|error| self.refuse_described(&asked, version, error))
    }

    fn tagging(&self, asked: &Asked, tags: &TagSet) -> Result<Tagging> {
        let tags = tags.iter().map(|(key, value)| Tag::builder().key(key).value(value).build());
        let tagging = tags
            .collect::<std::result::Result<Vec<_>, _>>()
            .and_then(|tags| Tagging::builder().set_tag_set(Some(tags)).build());
        // Keys and values are always there, which is all that the builders ask for.
        tagging.map_err(|error| self.site.unavailable(asked, &error.to_string()))
    }

    fn told(&self, asked: &Asked, tags: std::result::Result<TagSet, TagError>) -> Result<TagSet> {
        tags.map_err(|error| {
            self.site.unavailable(asked, &format!("the service has tags that S3 has not: {error}"))
        })
    }
}

fn pairs(tags: &[Tag]) -> Vec<(String, String)> {
    let own = tags.iter().filter(|tag| !tag.key().starts_with(RESERVED));
    own.map(|tag| (tag.key().to_owned(), tag.value().to_owned())).collect()
}
