//! A placement is a store: every call is made by the file of its topic. Those that change keys are
//! carried to their end.

use async_trait::async_trait;

use super::Placement;
use super::carried::carried;
use super::uploads::check_keepable;
use crate::body::Payload;
use crate::object::{
    Acl, Bucket, BucketName, BucketSetting, BucketsPage, BucketsQuery, Completion, CustomerKey,
    ListPage, ListQuery, Owner, PartNumber, PartSummary, PartsPage, PartsQuery, SettingDocument,
    TagSet, Timestamp, UploadId, UploadsPage, UploadsQuery, VersionId, VersionsPage, VersionsQuery,
    WriteCondition,
};
use crate::store::{
    Acls, Buckets, CopyPartRequest, CopyRequest, DeleteRequest, Deleted, GetRequest, Got, Head,
    Multipart, NewObject, NewUpload, ObjectParts, ObjectPath, Objects, Preview, Result, StoreError,
    Stored, Tags, UploadChoice, UploadPath,
};

#[async_trait]
impl Buckets for Placement {
    async fn create_bucket(&self, name: &BucketName, owner: &Owner) -> Result<()> {
        self.make_bucket(name, owner).await
    }

    async fn head_bucket(&self, name: &BucketName) -> Result<Bucket> {
        self.home.head_bucket(name).await
    }

    async fn delete_bucket(&self, name: &BucketName) -> Result<()> {
        let (placement, name) = (self.clone(), name.clone());
        carried(async move { placement.remove_bucket(&name).await }).await
    }

    async fn list_buckets(&self, query: &BucketsQuery) -> Result<BucketsPage> {
        self.home.list_buckets(query).await
    }

    fn encrypts_by_default(&self, bucket: &BucketName) -> bool {
        self.home.encrypts_by_default(bucket)
    }

    async fn bucket_setting(
        &self,
        bucket: &BucketName,
        setting: BucketSetting,
    ) -> Result<Option<SettingDocument>> {
        self.home.bucket_setting(bucket, setting).await
    }

    async fn set_bucket_setting(
        &self,
        bucket: &BucketName,
        setting: BucketSetting,
        document: Option<SettingDocument>,
    ) -> Result<()> {
        self.home.set_bucket_setting(bucket, setting, document).await
    }
}

#[async_trait]
impl Objects for Placement {
    async fn put_object(&self, at: &ObjectPath, new: NewObject, body: Payload) -> Result<Stored> {
        if !self.is_routed(&at.bucket) {
            return self.home.put_object(at, new, body).await;
        }
        let (placement, at) = (self.clone(), at.clone());
        carried(async move { placement.put(&at, new, body).await }).await
    }

    async fn check_condition(&self, at: &ObjectPath, condition: &WriteCondition) -> Result<()> {
        self.check(at, condition).await
    }

    async fn head_object(&self, at: &ObjectPath, request: &GetRequest) -> Result<Head> {
        self.head(at, request).await
    }

    async fn get_object(&self, at: &ObjectPath, request: &GetRequest) -> Result<Got> {
        self.get(at, request).await
    }

    async fn object_parts(
        &self,
        at: &ObjectPath,
        version: Option<VersionId>,
        after: u32,
        limit: usize,
    ) -> Result<ObjectParts> {
        self.parts(at, version, after, limit).await
    }

    async fn delete_object(&self, at: &ObjectPath, request: &DeleteRequest) -> Result<Deleted> {
        if !self.is_routed(&at.bucket) {
            return self.home.delete_object(at, request).await;
        }
        let (placement, at, request) = (self.clone(), at.clone(), request.clone());
        carried(async move { placement.remove(&at, &request).await }).await
    }

    async fn copy_object(
        &self,
        source: &ObjectPath,
        target: &ObjectPath,
        request: CopyRequest,
    ) -> Result<Stored> {
        if !self.is_routed(&source.bucket) && !self.is_routed(&target.bucket) {
            return self.home.copy_object(source, target, request).await;
        }
        let (placement, source, target) = (self.clone(), source.clone(), target.clone());
        carried(async move { placement.copy(&source, &target, request).await }).await
    }

    async fn list_objects(&self, bucket: &BucketName, query: &ListQuery) -> Result<ListPage> {
        self.list(bucket, query).await
    }

    async fn list_versions(
        &self,
        bucket: &BucketName,
        query: &VersionsQuery,
    ) -> Result<VersionsPage> {
        self.versions(bucket, query).await
    }
}

#[async_trait]
impl Tags for Placement {
    async fn object_tags(&self, at: &ObjectPath, version: Option<VersionId>) -> Result<TagSet> {
        self.tags(at, version).await
    }

    async fn set_object_tags(
        &self,
        at: &ObjectPath,
        version: Option<VersionId>,
        tags: TagSet,
    ) -> Result<()> {
        if !self.is_routed(&at.bucket) {
            return self.home.set_object_tags(at, version, tags).await;
        }
        let (placement, at) = (self.clone(), at.clone());
        carried(async move { placement.set_tags(&at, version, tags).await }).await
    }

    async fn bucket_tags(&self, bucket: &BucketName) -> Result<Option<TagSet>> {
        self.home.bucket_tags(bucket).await
    }

    async fn set_bucket_tags(&self, bucket: &BucketName, tags: Option<TagSet>) -> Result<()> {
        self.home.set_bucket_tags(bucket, tags).await
    }
}

#[async_trait]
impl Acls for Placement {
    async fn object_acl(&self, at: &ObjectPath, version: Option<VersionId>) -> Result<Option<Acl>> {
        self.acl(at, version).await
    }

    async fn set_object_acl(
        &self,
        at: &ObjectPath,
        version: Option<VersionId>,
        acl: Option<Acl>,
    ) -> Result<()> {
        if !self.is_routed(&at.bucket) {
            return self.home.set_object_acl(at, version, acl).await;
        }
        let (placement, at) = (self.clone(), at.clone());
        carried(async move { placement.set_acl(&at, version, acl).await }).await
    }
}

#[async_trait]
impl Preview for Placement {
    /// At home, whatever the mode: of its own uploads an upstream shows no content.
    async fn create_readable_upload(&self, at: &ObjectPath, new: NewUpload) -> Result<UploadId> {
        check_keepable(self.routes.of(&at.bucket), at, new.encryption.as_ref())?;
        self.home.create_readable_upload(at, new).await
    }

    async fn preview(
        &self,
        upload: &UploadPath,
        completion: &Completion,
        key: Option<&CustomerKey>,
    ) -> Result<Option<Payload>> {
        if self.owner(upload).await?.is_none() {
            return self.home.preview(upload, completion, key).await;
        }
        // Home remembers what it completed, and knows it no longer as under way.
        match self.home.preview(upload, completion, key).await {
            Err(StoreError::NoSuchUpload) => Err(StoreError::Unsupported {
                what: "Looking into an upload that was begun upstream".to_owned(),
            }),
            known => known,
        }
    }
}

#[async_trait]
impl Multipart for Placement {
    async fn create_upload(&self, at: &ObjectPath, new: NewUpload) -> Result<UploadId> {
        self.begin_upload(at, new).await
    }

    async fn upload_choice(&self, upload: &UploadPath) -> Result<UploadChoice> {
        Ok(self.find_upload(upload).await?.1)
    }

    async fn put_part(
        &self,
        upload: &UploadPath,
        number: PartNumber,
        body: Payload,
        key: Option<&CustomerKey>,
    ) -> Result<PartSummary> {
        self.take_part(upload, number, body, key).await
    }

    async fn copy_part(
        &self,
        source: &ObjectPath,
        upload: &UploadPath,
        number: PartNumber,
        request: CopyPartRequest,
    ) -> Result<PartSummary> {
        self.copy_into_part(source, upload, number, request).await
    }

    async fn list_parts(&self, upload: &UploadPath, query: &PartsQuery) -> Result<PartsPage> {
        self.parts_of_upload(upload, query).await
    }

    async fn complete_upload(
        &self,
        upload: &UploadPath,
        completion: &Completion,
        condition: Option<WriteCondition>,
    ) -> Result<Stored> {
        if !self.is_routed(&upload.object.bucket) {
            return self.home.complete_upload(upload, completion, condition).await;
        }
        let (placement, upload) = (self.clone(), upload.clone());
        let completion = completion.clone();
        carried(async move { placement.finish_upload(&upload, &completion, condition).await }).await
    }

    async fn abort_upload(&self, upload: &UploadPath) -> Result<()> {
        self.drop_upload(upload).await
    }

    async fn list_uploads(&self, bucket: &BucketName, query: &UploadsQuery) -> Result<UploadsPage> {
        self.uploads(bucket, query).await
    }

    /// Home's own. Those of the upstream are not this gateway's alone: whoever owns the bucket there
    /// has rules for them.
    async fn expire_uploads(&self, deadline: Timestamp, limit: usize) -> Result<usize> {
        self.home.expire_uploads(deadline, limit).await
    }
}
