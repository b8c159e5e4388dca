//! An upstream that is configured no more, though records name it: every call is 503.
//!
//! Without it, a bucket whose objects were once put upstream would answer 404 for them.

use async_trait::async_trait;

use crate::body::Payload;
use crate::object::{
    Acl, Bucket, BucketName, BucketSetting, BucketsPage, BucketsQuery, Completion, CustomerKey,
    ListPage, ListQuery, Owner, PartNumber, PartSummary, PartsPage, PartsQuery, SettingDocument,
    TagSet, Timestamp, UploadId, UploadsPage, UploadsQuery, VersionId, VersionsPage, VersionsQuery,
    WriteCondition,
};
use crate::store::{
    Acls, Buckets, CopyPartRequest, CopyRequest, DeleteRequest, Deleted, GetRequest, Got, Head,
    Multipart, NewObject, NewUpload, ObjectParts, ObjectPath, Objects, Result, StoreError, Stored,
    Tags, UploadChoice, UploadPath,
};

/// Knows nothing and can do nothing.
#[derive(Debug, Clone, Copy)]
pub(super) struct AbsentUpstream;

fn absent<T>() -> Result<T> {
    Err(StoreError::Unavailable {
        what: "the object is recorded at an upstream, but the configuration names none for its \
               bucket any more; name it again"
            .to_owned(),
    })
}

#[async_trait]
impl Buckets for AbsentUpstream {
    async fn create_bucket(&self, _: &BucketName, _: &Owner) -> Result<()> {
        absent()
    }

    async fn head_bucket(&self, _: &BucketName) -> Result<Bucket> {
        absent()
    }

    async fn delete_bucket(&self, _: &BucketName) -> Result<()> {
        absent()
    }

    async fn list_buckets(&self, _: &BucketsQuery) -> Result<BucketsPage> {
        absent()
    }

    fn encrypts_by_default(&self, _: &BucketName) -> bool {
        false
    }

    async fn bucket_setting(
        &self,
        _: &BucketName,
        _: BucketSetting,
    ) -> Result<Option<SettingDocument>> {
        absent()
    }

    async fn set_bucket_setting(
        &self,
        _: &BucketName,
        _: BucketSetting,
        _: Option<SettingDocument>,
    ) -> Result<()> {
        absent()
    }
}

#[async_trait]
impl Objects for AbsentUpstream {
    async fn put_object(&self, _: &ObjectPath, _: NewObject, _: Payload) -> Result<Stored> {
        absent()
    }

    async fn check_condition(&self, _: &ObjectPath, _: &WriteCondition) -> Result<()> {
        absent()
    }

    async fn head_object(&self, _: &ObjectPath, _: &GetRequest) -> Result<Head> {
        absent()
    }

    async fn get_object(&self, _: &ObjectPath, _: &GetRequest) -> Result<Got> {
        absent()
    }

    async fn object_parts(
        &self,
        _: &ObjectPath,
        _: Option<VersionId>,
        _: u32,
        _: usize,
    ) -> Result<ObjectParts> {
        absent()
    }

    async fn delete_object(&self, _: &ObjectPath, _: &DeleteRequest) -> Result<Deleted> {
        absent()
    }

    async fn copy_object(&self, _: &ObjectPath, _: &ObjectPath, _: CopyRequest) -> Result<Stored> {
        absent()
    }

    async fn list_objects(&self, _: &BucketName, _: &ListQuery) -> Result<ListPage> {
        absent()
    }

    async fn list_versions(&self, _: &BucketName, _: &VersionsQuery) -> Result<VersionsPage> {
        absent()
    }
}

#[async_trait]
impl Tags for AbsentUpstream {
    async fn object_tags(&self, _: &ObjectPath, _: Option<VersionId>) -> Result<TagSet> {
        absent()
    }

    async fn set_object_tags(&self, _: &ObjectPath, _: Option<VersionId>, _: TagSet) -> Result<()> {
        absent()
    }

    async fn bucket_tags(&self, _: &BucketName) -> Result<Option<TagSet>> {
        absent()
    }

    async fn set_bucket_tags(&self, _: &BucketName, _: Option<TagSet>) -> Result<()> {
        absent()
    }
}

#[async_trait]
impl Acls for AbsentUpstream {
    async fn object_acl(&self, _: &ObjectPath, _: Option<VersionId>) -> Result<Option<Acl>> {
        absent()
    }

    async fn set_object_acl(
        &self,
        _: &ObjectPath,
        _: Option<VersionId>,
        _: Option<Acl>,
    ) -> Result<()> {
        absent()
    }
}

#[async_trait]
impl Multipart for AbsentUpstream {
    async fn create_upload(&self, _: &ObjectPath, _: NewUpload) -> Result<UploadId> {
        absent()
    }

    async fn upload_choice(&self, _: &UploadPath) -> Result<UploadChoice> {
        absent()
    }

    async fn put_part(
        &self,
        _: &UploadPath,
        _: PartNumber,
        _: Payload,
        _: Option<&CustomerKey>,
    ) -> Result<PartSummary> {
        absent()
    }

    async fn copy_part(
        &self,
        _: &ObjectPath,
        _: &UploadPath,
        _: PartNumber,
        _: CopyPartRequest,
    ) -> Result<PartSummary> {
        absent()
    }

    async fn list_parts(&self, _: &UploadPath, _: &PartsQuery) -> Result<PartsPage> {
        absent()
    }

    async fn complete_upload(
        &self,
        _: &UploadPath,
        _: &Completion,
        _: Option<WriteCondition>,
    ) -> Result<Stored> {
        absent()
    }

    async fn abort_upload(&self, _: &UploadPath) -> Result<()> {
        absent()
    }

    async fn list_uploads(&self, _: &BucketName, _: &UploadsQuery) -> Result<UploadsPage> {
        absent()
    }

    async fn expire_uploads(&self, _: Timestamp, _: usize) -> Result<usize> {
        absent()
    }
}
