//! The store's methods, each through the breaker.

use async_trait::async_trait;

use super::Guarded;
use crate::body::Payload;
use crate::object::{
    Acl, Bucket, BucketName, BucketSetting, BucketsPage, BucketsQuery, Completion, CustomerKey,
    ListPage, ListQuery, Owner, PartNumber, PartSummary, PartsPage, PartsQuery, SettingDocument,
    TagSet, Timestamp, UploadId, UploadsPage, UploadsQuery, VersionId, VersionsPage, VersionsQuery,
    WriteCondition,
};
use crate::store::{
    Acls, Buckets, CopyPartRequest, CopyRequest, DeleteRequest, Deleted, GetRequest, Got, Head,
    Multipart, NewObject, NewUpload, ObjectParts, ObjectPath, Objects, Result, Stored, Tags,
    UploadChoice, UploadPath,
};

#[async_trait]
impl Buckets for Guarded {
    async fn create_bucket(&self, name: &BucketName, owner: &Owner) -> Result<()> {
        let call = self.inner.create_bucket(name, owner);
        self.call("CreateBucket", Some(name), self.options.answer, call).await
    }

    async fn head_bucket(&self, name: &BucketName) -> Result<Bucket> {
        let call = self.inner.head_bucket(name);
        self.call("HeadBucket", Some(name), self.options.answer, call).await
    }

    async fn delete_bucket(&self, name: &BucketName) -> Result<()> {
        let call = self.inner.delete_bucket(name);
        self.call("DeleteBucket", Some(name), self.options.answer, call).await
    }

    async fn list_buckets(&self, query: &BucketsQuery) -> Result<BucketsPage> {
        let call = self.inner.list_buckets(query);
        self.call("ListBuckets", None, self.options.answer, call).await
    }

    fn encrypts_by_default(&self, bucket: &BucketName) -> bool {
        self.inner.encrypts_by_default(bucket)
    }

    async fn bucket_setting(
        &self,
        bucket: &BucketName,
        setting: BucketSetting,
    ) -> Result<Option<SettingDocument>> {
        let call = self.inner.bucket_setting(bucket, setting);
        self.call("GetBucketSetting", Some(bucket), self.options.answer, call).await
    }

    async fn set_bucket_setting(
        &self,
        bucket: &BucketName,
        setting: BucketSetting,
        document: Option<SettingDocument>,
    ) -> Result<()> {
        let call = self.inner.set_bucket_setting(bucket, setting, document);
        self.call("PutBucketSetting", Some(bucket), self.options.answer, call).await
    }
}

#[async_trait]
impl Objects for Guarded {
    async fn put_object(&self, at: &ObjectPath, new: NewObject, body: Payload) -> Result<Stored> {
        let call = |body| self.inner.put_object(at, new, body);
        self.send("PutObject", &at.bucket, body, call).await
    }

    async fn check_condition(&self, at: &ObjectPath, condition: &WriteCondition) -> Result<()> {
        let call = self.inner.check_condition(at, condition);
        self.call("HeadObject", Some(&at.bucket), self.options.answer, call).await
    }

    async fn head_object(&self, at: &ObjectPath, request: &GetRequest) -> Result<Head> {
        let call = self.inner.head_object(at, request);
        self.call("HeadObject", Some(&at.bucket), self.options.answer, call).await
    }

    async fn get_object(&self, at: &ObjectPath, request: &GetRequest) -> Result<Got> {
        let call = self.inner.get_object(at, request);
        let answer = self.options.answer;
        let got = self.call("GetObject", Some(&at.bucket), answer, call).await?;
        let body = self.arriving("GetObject", &at.bucket, got.body);
        Ok(Got { body, ..got })
    }

    async fn object_parts(
        &self,
        at: &ObjectPath,
        version: Option<VersionId>,
        after: u32,
        limit: usize,
    ) -> Result<ObjectParts> {
        let call = self.inner.object_parts(at, version, after, limit);
        self.call("GetObjectAttributes", Some(&at.bucket), self.options.answer, call).await
    }

    async fn delete_object(&self, at: &ObjectPath, request: &DeleteRequest) -> Result<Deleted> {
        let call = self.inner.delete_object(at, request);
        self.call("DeleteObject", Some(&at.bucket), self.options.answer, call).await
    }

    async fn copy_object(
        &self,
        source: &ObjectPath,
        target: &ObjectPath,
        request: CopyRequest,
    ) -> Result<Stored> {
        let call = self.inner.copy_object(source, target, request);
        self.call("CopyObject", Some(&target.bucket), self.options.long, call).await
    }

    async fn list_objects(&self, bucket: &BucketName, query: &ListQuery) -> Result<ListPage> {
        let call = self.inner.list_objects(bucket, query);
        self.call("ListObjects", Some(bucket), self.options.answer, call).await
    }

    async fn list_versions(
        &self,
        bucket: &BucketName,
        query: &VersionsQuery,
    ) -> Result<VersionsPage> {
        let call = self.inner.list_versions(bucket, query);
        self.call("ListObjectVersions", Some(bucket), self.options.answer, call).await
    }
}

#[async_trait]
impl Tags for Guarded {
    async fn object_tags(&self, at: &ObjectPath, version: Option<VersionId>) -> Result<TagSet> {
        let call = self.inner.object_tags(at, version);
        self.call("GetObjectTagging", Some(&at.bucket), self.options.answer, call).await
    }

    async fn set_object_tags(
        &self,
        at: &ObjectPath,
        version: Option<VersionId>,
        tags: TagSet,
    ) -> Result<()> {
        let call = self.inner.set_object_tags(at, version, tags);
        self.call("PutObjectTagging", Some(&at.bucket), self.options.answer, call).await
    }

    async fn bucket_tags(&self, bucket: &BucketName) -> Result<Option<TagSet>> {
        let call = self.inner.bucket_tags(bucket);
        self.call("GetBucketTagging", Some(bucket), self.options.answer, call).await
    }

    async fn set_bucket_tags(&self, bucket: &BucketName, tags: Option<TagSet>) -> Result<()> {
        let call = self.inner.set_bucket_tags(bucket, tags);
        self.call("PutBucketTagging", Some(bucket), self.options.answer, call).await
    }
}

#[async_trait]
impl Acls for Guarded {
    async fn object_acl(&self, at: &ObjectPath, version: Option<VersionId>) -> Result<Option<Acl>> {
        let call = self.inner.object_acl(at, version);
        self.call("GetObjectAcl", Some(&at.bucket), self.options.answer, call).await
    }

    async fn set_object_acl(
        &self,
        at: &ObjectPath,
        version: Option<VersionId>,
        acl: Option<Acl>,
    ) -> Result<()> {
        let call = self.inner.set_object_acl(at, version, acl);
        self.call("PutObjectAcl", Some(&at.bucket), self.options.answer, call).await
    }
}

#[async_trait]
impl Multipart for Guarded {
    async fn create_upload(&self, at: &ObjectPath, new: NewUpload) -> Result<UploadId> {
        let call = self.inner.create_upload(at, new);
        self.call("CreateMultipartUpload", Some(&at.bucket), self.options.answer, call).await
    }

    async fn upload_choice(&self, upload: &UploadPath) -> Result<UploadChoice> {
        let call = self.inner.upload_choice(upload);
        self.call("ListParts", Some(&upload.object.bucket), self.options.answer, call).await
    }

    async fn put_part(
        &self,
        upload: &UploadPath,
        number: PartNumber,
        body: Payload,
        key: Option<&CustomerKey>,
    ) -> Result<PartSummary> {
        let call = |body| self.inner.put_part(upload, number, body, key);
        self.send("UploadPart", &upload.object.bucket, body, call).await
    }

    async fn copy_part(
        &self,
        source: &ObjectPath,
        upload: &UploadPath,
        number: PartNumber,
        request: CopyPartRequest,
    ) -> Result<PartSummary> {
        let call = self.inner.copy_part(source, upload, number, request);
        self.call("UploadPartCopy", Some(&upload.object.bucket), self.options.long, call).await
    }

    async fn list_parts(&self, upload: &UploadPath, query: &PartsQuery) -> Result<PartsPage> {
        let call = self.inner.list_parts(upload, query);
        self.call("ListParts", Some(&upload.object.bucket), self.options.answer, call).await
    }

    async fn complete_upload(
        &self,
        upload: &UploadPath,
        completion: &Completion,
        condition: Option<WriteCondition>,
    ) -> Result<Stored> {
        let call = self.inner.complete_upload(upload, completion, condition);
        self.call("CompleteMultipartUpload", Some(&upload.object.bucket), self.options.long, call)
            .await
    }

    async fn abort_upload(&self, upload: &UploadPath) -> Result<()> {
        let call = self.inner.abort_upload(upload);
        self.call("AbortMultipartUpload", Some(&upload.object.bucket), self.options.answer, call)
            .await
    }

    async fn list_uploads(&self, bucket: &BucketName, query: &UploadsQuery) -> Result<UploadsPage> {
        let call = self.inner.list_uploads(bucket, query);
        self.call("ListMultipartUploads", Some(bucket), self.options.answer, call).await
    }

    async fn expire_uploads(&self, deadline: Timestamp, limit: usize) -> Result<usize> {
        let call = self.inner.expire_uploads(deadline, limit);
        self.call("ListMultipartUploads", None, self.options.long, call).await
    }
}
