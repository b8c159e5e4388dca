//! A wrapper that makes chosen calls of a store fail: how the layers above it take a full disk,
//! a rebuild or a broken file can then be tested without one.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use async_trait::async_trait;
use bytes::Bytes;

use super::{
    Acls, Buckets, CopyPartRequest, CopyRequest, DeleteRequest, Deleted, GetRequest, Got, Head,
    Multipart, NewObject, NewUpload, ObjectParts, ObjectPath, Objects, Preview, Result, Store,
    StoreError, Stored, Tags, UploadChoice, UploadPath,
};
use crate::body::{BodyError, Digests, Payload, Source};
use crate::object::{
    Acl, Bucket, BucketName, BucketSetting, BucketsPage, BucketsQuery, Completion, CustomerKey,
    ListPage, ListQuery, Owner, PartNumber, PartSummary, PartsPage, PartsQuery, SettingDocument,
    TagSet, Timestamp, UploadId, UploadsPage, UploadsQuery, VersionId, VersionsPage, VersionsQuery,
    WriteCondition,
};

/// A store that passes every call on, but those that it was told to fail.
pub struct FaultStore<S: ?Sized = dyn Store> {
    inner: Arc<S>,
    plan: Mutex<Plan>,
}

type Failure = Box<dyn Fn() -> Option<StoreError> + Send + Sync>;

#[derive(Default)]
struct Plan {
    once: VecDeque<(Call, StoreError)>,
    always: Vec<(Call, Failure)>,
    broken_bodies: VecDeque<u64>,
    made: Vec<Call>,
}

macro_rules! calls {
    ($($name:ident)+) => {
        /// A method of the store's traits.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Call {
            $(
                #[doc = concat!("The method of this name: ", stringify!($name), ".")]
                $name,
            )+
        }

        impl Call {
            /// Every method.
            pub const ALL: &[Self] = &[$(Self::$name),+];
        }
    };
}

calls! {
    CreateBucket HeadBucket DeleteBucket ListBuckets BucketSetting SetBucketSetting
    PutObject CheckCondition HeadObject GetObject ObjectParts DeleteObject CopyObject ListObjects
    ListVersions
    ObjectTags SetObjectTags BucketTags SetBucketTags
    ObjectAcl SetObjectAcl
    CreateUpload UploadChecksum PutPart CopyPart ListParts CompleteUpload AbortUpload ListUploads
    ExpireUploads
}

impl<S: ?Sized> FaultStore<S> {
    /// A store that fails nothing yet.
    pub fn new(inner: Arc<S>) -> Self {
        Self { inner, plan: Mutex::default() }
    }

    /// The next such call fails, without reaching the store. Several wait in line.
    pub fn fail_next(&self, call: Call, error: StoreError) {
        self.plan().once.push_back((call, error));
    }

    /// Every such call fails from now on.
    pub fn fail_always(&self, call: Call, error: impl Fn() -> StoreError + Send + Sync + 'static) {
        self.fail_when(call, move || Some(error()));
    }

    /// Every such call fails from now on for which this gives an error.
    pub fn fail_when(
        &self,
        call: Call,
        error: impl Fn() -> Option<StoreError> + Send + Sync + 'static,
    ) {
        self.plan().always.push((call, Box::new(error)));
    }

    /// The body of the next `get_object` breaks after so many bytes.
    pub fn break_next_body(&self, after: u64) {
        self.plan().broken_bodies.push_back(after);
    }

    /// Nothing fails any more.
    pub fn heal(&self) {
        let mut plan = self.plan();
        let made = std::mem::take(&mut plan.made);
        *plan = Plan { made, ..Plan::default() };
    }

    /// How often a method was called, failed calls included.
    pub fn count(&self, call: Call) -> usize {
        self.plan().made.iter().filter(|made| **made == call).count()
    }

    fn plan(&self) -> MutexGuard<'_, Plan> {
        self.plan.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn before(&self, call: Call) -> Result<()> {
        let mut plan = self.plan();
        plan.made.push(call);
        let next = plan.once.iter().position(|(failing, _)| *failing == call);
        if let Some((_, error)) = next.and_then(|at| plan.once.remove(at)) {
            return Err(error);
        }
        plan.always
            .iter()
            .filter(|(failing, _)| *failing == call)
            .find_map(|(_, error)| error())
            .map_or(Ok(()), Err)
    }
}

impl<S: ?Sized> fmt::Debug for FaultStore<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FaultStore").finish_non_exhaustive()
    }
}

/// A body that gives so many bytes of another and then fails.
struct Broken {
    inner: Payload,
    left: u64,
}

impl Source for Broken {
    fn poll_chunk(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<std::result::Result<Bytes, BodyError>>> {
        if self.left == 0 {
            return Poll::Ready(Some(Err(BodyError::Store("broken on purpose".to_owned()))));
        }
        self.inner.poll_chunk(cx).map_ok(|mut chunk| {
            chunk.truncate(usize::try_from(self.left).unwrap_or(usize::MAX));
            self.left -= chunk.len() as u64;
            chunk
        })
    }

    fn digests(&self) -> Option<&Digests> {
        None
    }

    fn trailer(&self, _: &str) -> Option<&str> {
        None
    }
}

#[async_trait]
impl<S: Buckets + ?Sized> Buckets for FaultStore<S> {
    async fn create_bucket(&self, name: &BucketName, owner: &Owner) -> Result<()> {
        self.before(Call::CreateBucket)?;
        self.inner.create_bucket(name, owner).await
    }

    async fn head_bucket(&self, name: &BucketName) -> Result<Bucket> {
        self.before(Call::HeadBucket)?;
        self.inner.head_bucket(name).await
    }

    async fn delete_bucket(&self, name: &BucketName) -> Result<()> {
        self.before(Call::DeleteBucket)?;
        self.inner.delete_bucket(name).await
    }

    async fn list_buckets(&self, query: &BucketsQuery) -> Result<BucketsPage> {
        self.before(Call::ListBuckets)?;
        self.inner.list_buckets(query).await
    }

    fn encrypts_by_default(&self, bucket: &BucketName) -> bool {
        self.inner.encrypts_by_default(bucket)
    }

    async fn bucket_setting(
        &self,
        bucket: &BucketName,
        setting: BucketSetting,
    ) -> Result<Option<SettingDocument>> {
        self.before(Call::BucketSetting)?;
        self.inner.bucket_setting(bucket, setting).await
    }

    async fn set_bucket_setting(
        &self,
        bucket: &BucketName,
        setting: BucketSetting,
        document: Option<SettingDocument>,
    ) -> Result<()> {
        self.before(Call::SetBucketSetting)?;
        self.inner.set_bucket_setting(bucket, setting, document).await
    }
}

#[async_trait]
impl<S: Objects + ?Sized> Objects for FaultStore<S> {
    async fn put_object(&self, at: &ObjectPath, new: NewObject, body: Payload) -> Result<Stored> {
        self.before(Call::PutObject)?;
        self.inner.put_object(at, new, body).await
    }

    async fn check_condition(&self, at: &ObjectPath, condition: &WriteCondition) -> Result<()> {
        self.before(Call::CheckCondition)?;
        self.inner.check_condition(at, condition).await
    }

    async fn head_object(&self, at: &ObjectPath, request: &GetRequest) -> Result<Head> {
        self.before(Call::HeadObject)?;
        self.inner.head_object(at, request).await
    }

    async fn get_object(&self, at: &ObjectPath, request: &GetRequest) -> Result<Got> {
        self.before(Call::GetObject)?;
        let mut got = self.inner.get_object(at, request).await?;
        if let Some(left) = self.plan().broken_bodies.pop_front() {
            let length = got.body.length();
            got.body = Payload::new(length, Broken { inner: got.body, left });
        }
        Ok(got)
    }

    async fn object_parts(
        &self,
        at: &ObjectPath,
        version: Option<VersionId>,
        after: u32,
        limit: usize,
    ) -> Result<ObjectParts> {
        self.before(Call::ObjectParts)?;
        self.inner.object_parts(at, version, after, limit).await
    }

    async fn delete_object(&self, at: &ObjectPath, request: &DeleteRequest) -> Result<Deleted> {
        self.before(Call::DeleteObject)?;
        self.inner.delete_object(at, request).await
    }

    async fn copy_object(
        &self,
        source: &ObjectPath,
        target: &ObjectPath,
        request: CopyRequest,
    ) -> Result<Stored> {
        self.before(Call::CopyObject)?;
        self.inner.copy_object(source, target, request).await
    }

    async fn list_objects(&self, bucket: &BucketName, query: &ListQuery) -> Result<ListPage> {
        self.before(Call::ListObjects)?;
        self.inner.list_objects(bucket, query).await
    }

    async fn list_versions(
        &self,
        bucket: &BucketName,
        query: &VersionsQuery,
    ) -> Result<VersionsPage> {
        self.before(Call::ListVersions)?;
        self.inner.list_versions(bucket, query).await
    }
}

#[async_trait]
impl<S: Acls + ?Sized> Acls for FaultStore<S> {
    async fn object_acl(&self, at: &ObjectPath, version: Option<VersionId>) -> Result<Option<Acl>> {
        self.before(Call::ObjectAcl)?;
        self.inner.object_acl(at, version).await
    }

    async fn set_object_acl(
        &self,
        at: &ObjectPath,
        version: Option<VersionId>,
        acl: Option<Acl>,
    ) -> Result<()> {
        self.before(Call::SetObjectAcl)?;
        self.inner.set_object_acl(at, version, acl).await
    }
}

#[async_trait]
impl<S: Tags + ?Sized> Tags for FaultStore<S> {
    async fn object_tags(&self, at: &ObjectPath, version: Option<VersionId>) -> Result<TagSet> {
        self.before(Call::ObjectTags)?;
        self.inner.object_tags(at, version).await
    }

    async fn set_object_tags(
        &self,
        at: &ObjectPath,
        version: Option<VersionId>,
        tags: TagSet,
    ) -> Result<()> {
        self.before(Call::SetObjectTags)?;
        self.inner.set_object_tags(at, version, tags).await
    }

    async fn bucket_tags(&self, bucket: &BucketName) -> Result<Option<TagSet>> {
        self.before(Call::BucketTags)?;
        self.inner.bucket_tags(bucket).await
    }

    async fn set_bucket_tags(&self, bucket: &BucketName, tags: Option<TagSet>) -> Result<()> {
        self.before(Call::SetBucketTags)?;
        self.inner.set_bucket_tags(bucket, tags).await
    }
}

#[async_trait]
impl<S: Multipart + ?Sized> Multipart for FaultStore<S> {
    async fn create_upload(&self, at: &ObjectPath, new: NewUpload) -> Result<UploadId> {
        self.before(Call::CreateUpload)?;
        self.inner.create_upload(at, new).await
    }

    async fn upload_choice(&self, upload: &UploadPath) -> Result<UploadChoice> {
        self.before(Call::UploadChecksum)?;
        self.inner.upload_choice(upload).await
    }

    async fn put_part(
        &self,
        upload: &UploadPath,
        number: PartNumber,
        body: Payload,
        key: Option<&CustomerKey>,
    ) -> Result<PartSummary> {
        self.before(Call::PutPart)?;
        self.inner.put_part(upload, number, body, key).await
    }

    async fn copy_part(
        &self,
        source: &ObjectPath,
        upload: &UploadPath,
        number: PartNumber,
        request: CopyPartRequest,
    ) -> Result<PartSummary> {
        self.before(Call::CopyPart)?;
        self.inner.copy_part(source, upload, number, request).await
    }

    async fn list_parts(&self, upload: &UploadPath, query: &PartsQuery) -> Result<PartsPage> {
        self.before(Call::ListParts)?;
        self.inner.list_parts(upload, query).await
    }

    async fn complete_upload(
        &self,
        upload: &UploadPath,
        completion: &Completion,
        condition: Option<WriteCondition>,
    ) -> Result<Stored> {
        self.before(Call::CompleteUpload)?;
        self.inner.complete_upload(upload, completion, condition).await
    }

    async fn abort_upload(&self, upload: &UploadPath) -> Result<()> {
        self.before(Call::AbortUpload)?;
        self.inner.abort_upload(upload).await
    }

    async fn list_uploads(&self, bucket: &BucketName, query: &UploadsQuery) -> Result<UploadsPage> {
        self.before(Call::ListUploads)?;
        self.inner.list_uploads(bucket, query).await
    }

    async fn expire_uploads(&self, deadline: Timestamp, limit: usize) -> Result<usize> {
        self.before(Call::ExpireUploads)?;
        self.inner.expire_uploads(deadline, limit).await
    }
}

#[cfg(test)]
#[path = "fault_tests.rs"]
mod tests;

/// Previews never fail here.
#[async_trait]
impl<S: Preview + ?Sized> Preview for FaultStore<S> {
    async fn create_readable_upload(&self, at: &ObjectPath, new: NewUpload) -> Result<UploadId> {
        self.inner.create_readable_upload(at, new).await
    }

    async fn preview(
        &self,
        upload: &UploadPath,
        completion: &Completion,
        key: Option<&CustomerKey>,
    ) -> Result<Option<Payload>> {
        self.inner.preview(upload, completion, key).await
    }
}
