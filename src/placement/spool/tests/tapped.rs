//! A store whose calls can be made to fail before or after they are made, and to give way.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;

use crate::body::Payload;
use crate::object::{
    Acl, Bucket, BucketName, BucketSetting, BucketsPage, BucketsQuery, Completion, CustomerKey,
    ListPage, ListQuery, ObjectInfo, Owner, PartNumber, PartSummary, PartsPage, PartsQuery,
    SettingDocument, TagSet, Timestamp, UploadId, UploadsPage, UploadsQuery, VersionId,
    VersionsPage, VersionsQuery, WriteCondition,
};
use crate::store::{
    Acls, Buckets, CopyPartRequest, CopyRequest, DeleteRequest, Deleted, GetRequest, Got, Head,
    Holding, Ledger, LedgerPage, LedgerQuery, MemoryStore, Multipart, NewObject, NewUpload,
    ObjectParts, ObjectPath, Objects, Preview, Result, StoreError, Stored, Tags, UploadChoice,
    UploadPath,
};

/// Which layer a call goes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    Home,
    Upstream,
}

/// What happens to a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// It is not made.
    Before,
    /// It is made, and its answer is lost.
    After,
}

/// Decides over the calls of both layers, in the order in which they are made.
#[derive(Debug, Default)]
pub(super) struct Tap(Mutex<Plan>);

#[derive(Debug, Default)]
struct Plan {
    made: Vec<(Side, &'static str)>,
    random: u64,
    /// In how many of a hundred upstream calls something goes wrong.
    upstream_fails: u64,
    /// Everything ends with this call of either layer, counted from 0.
    crash: Option<(usize, Fault)>,
    crashed: bool,
    gives_way: bool,
    upstream_hangs: bool,
}

impl Tap {
    pub(super) fn seeded(seed: u64) -> Arc<Self> {
        let tap = Self::default();
        tap.plan(|plan| plan.random = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
        Arc::new(tap)
    }

    fn plan<T>(&self, look: impl FnOnce(&mut Plan) -> T) -> T {
        look(&mut self.0.lock().unwrap())
    }

    /// Every call of an upstream fails in so many of a hundred cases.
    pub(super) fn upstream_fails(&self, percent: u64) {
        self.plan(|plan| plan.upstream_fails = percent);
    }

    /// Every call of an upstream lasts for ever.
    pub(super) fn upstream_hangs(&self, hangs: bool) {
        self.plan(|plan| plan.upstream_hangs = hangs);
    }

    /// Calls let others go first now and then.
    pub(super) fn gives_way(&self) {
        self.plan(|plan| plan.gives_way = true);
    }

    /// Everything fails from the call after the next `calls` on.
    pub(super) fn crash_after(&self, calls: usize, fault: Fault) {
        self.plan(|plan| plan.crash = Some((plan.made.len() + calls, fault)));
    }

    /// Starts the process again where it has crashed, and says whether it had.
    pub(super) fn revive(&self) -> bool {
        self.plan(|plan| {
            let crashed = std::mem::take(&mut plan.crashed);
            if crashed {
                plan.crash = None;
            }
            crashed
        })
    }

    /// No crash comes any more.
    pub(super) fn cancel(&self) {
        self.plan(|plan| plan.crash = None);
    }

    pub(super) fn count(&self, side: Side, call: &str) -> usize {
        self.plan(|plan| plan.made.iter().filter(|made| **made == (side, call)).count())
    }

    /// A number below `bound`.
    pub(super) fn random(&self, bound: u64) -> u64 {
        self.plan(|plan| plan.next(bound))
    }

    async fn pause(&self) {
        let turns = self.plan(|plan| if plan.gives_way { plan.next(8) } else { 0 });
        match turns {
            0 => {}
            1..=3 => {
                for _ in 0..turns {
                    tokio::task::yield_now().await;
                }
            }
            // Time passes for everyone.
            _ => tokio::time::sleep(Duration::from_millis(turns * 20)).await,
        }
    }

    fn fault(&self, side: Side, call: &'static str) -> Option<Fault> {
        self.plan(|plan| {
            let number = plan.made.len();
            plan.made.push((side, call));
            if plan.crashed {
                return Some(Fault::Before);
            }
            if let Some((_, fault)) = plan.crash.filter(|(crash, _)| *crash == number) {
                plan.crashed = true;
                return Some(fault);
            }
            let fails = side == Side::Upstream && plan.next(100) < plan.upstream_fails;
            fails.then(|| if plan.next(2) == 0 { Fault::Before } else { Fault::After })
        })
    }
}

impl Plan {
    fn next(&mut self, bound: u64) -> u64 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        (self.random >> 11) % bound
    }
}

/// A store behind a tap.
#[derive(Debug)]
pub(super) struct Tapped {
    pub(super) inner: Arc<MemoryStore>,
    pub(super) side: Side,
    pub(super) tap: Arc<Tap>,
}

impl Tapped {
    async fn through<T>(
        &self,
        call: &'static str,
        future: impl Future<Output = Result<T>>,
    ) -> Result<T> {
        self.tap.pause().await;
        let fault = self.tap.fault(self.side, call);
        if self.side == Side::Upstream && self.tap.plan(|plan| plan.upstream_hangs) {
            std::future::pending::<()>().await;
        }
        if fault == Some(Fault::Before) {
            return Err(self.error(call));
        }
        let answer = future.await;
        self.tap.pause().await;
        if fault == Some(Fault::After) { Err(self.error(call)) } else { answer }
    }

    fn error(&self, call: &str) -> StoreError {
        match self.side {
            Side::Home => StoreError::Closing,
            Side::Upstream => StoreError::Unavailable { what: format!("{call} failed") },
        }
    }
}

#[async_trait]
impl Buckets for Tapped {
    async fn create_bucket(&self, name: &BucketName, owner: &Owner) -> Result<()> {
        self.through("create_bucket", self.inner.create_bucket(name, owner)).await
    }

    async fn head_bucket(&self, name: &BucketName) -> Result<Bucket> {
        self.through("head_bucket", self.inner.head_bucket(name)).await
    }

    async fn delete_bucket(&self, name: &BucketName) -> Result<()> {
        self.through("delete_bucket", self.inner.delete_bucket(name)).await
    }

    async fn list_buckets(&self, query: &BucketsQuery) -> Result<BucketsPage> {
        self.through("list_buckets", self.inner.list_buckets(query)).await
    }

    fn encrypts_by_default(&self, bucket: &BucketName) -> bool {
        self.inner.encrypts_by_default(bucket)
    }

    async fn bucket_setting(
        &self,
        bucket: &BucketName,
        setting: BucketSetting,
    ) -> Result<Option<SettingDocument>> {
        self.through("bucket_setting", self.inner.bucket_setting(bucket, setting)).await
    }

    async fn set_bucket_setting(
        &self,
        bucket: &BucketName,
        setting: BucketSetting,
        document: Option<SettingDocument>,
    ) -> Result<()> {
        let call = self.inner.set_bucket_setting(bucket, setting, document);
        self.through("set_bucket_setting", call).await
    }
}

#[async_trait]
impl Objects for Tapped {
    async fn put_object(&self, at: &ObjectPath, new: NewObject, body: Payload) -> Result<Stored> {
        self.through("put_object", self.inner.put_object(at, new, body)).await
    }

    async fn check_condition(&self, at: &ObjectPath, condition: &WriteCondition) -> Result<()> {
        self.through("check_condition", self.inner.check_condition(at, condition)).await
    }

    async fn head_object(&self, at: &ObjectPath, request: &GetRequest) -> Result<Head> {
        self.through("head_object", self.inner.head_object(at, request)).await
    }

    async fn get_object(&self, at: &ObjectPath, request: &GetRequest) -> Result<Got> {
        self.through("get_object", self.inner.get_object(at, request)).await
    }

    async fn object_parts(
        &self,
        at: &ObjectPath,
        version: Option<VersionId>,
        after: u32,
        limit: usize,
    ) -> Result<ObjectParts> {
        self.through("object_parts", self.inner.object_parts(at, version, after, limit)).await
    }

    async fn delete_object(&self, at: &ObjectPath, request: &DeleteRequest) -> Result<Deleted> {
        self.through("delete_object", self.inner.delete_object(at, request)).await
    }

    async fn copy_object(
        &self,
        source: &ObjectPath,
        target: &ObjectPath,
        request: CopyRequest,
    ) -> Result<Stored> {
        self.through("copy_object", self.inner.copy_object(source, target, request)).await
    }

    async fn list_objects(&self, bucket: &BucketName, query: &ListQuery) -> Result<ListPage> {
        self.through("list_objects", self.inner.list_objects(bucket, query)).await
    }

    async fn list_versions(
        &self,
        bucket: &BucketName,
        query: &VersionsQuery,
    ) -> Result<VersionsPage> {
        self.through("list_versions", self.inner.list_versions(bucket, query)).await
    }
}

#[async_trait]
impl Acls for Tapped {
    async fn object_acl(&self, at: &ObjectPath, version: Option<VersionId>) -> Result<Option<Acl>> {
        self.through("object_acl", self.inner.object_acl(at, version)).await
    }

    async fn set_object_acl(
        &self,
        at: &ObjectPath,
        version: Option<VersionId>,
        acl: Option<Acl>,
    ) -> Result<()> {
        self.through("set_object_acl", self.inner.set_object_acl(at, version, acl)).await
    }
}

#[async_trait]
impl Tags for Tapped {
    async fn object_tags(&self, at: &ObjectPath, version: Option<VersionId>) -> Result<TagSet> {
        self.through("object_tags", self.inner.object_tags(at, version)).await
    }

    async fn set_object_tags(
        &self,
        at: &ObjectPath,
        version: Option<VersionId>,
        tags: TagSet,
    ) -> Result<()> {
        self.through("set_object_tags", self.inner.set_object_tags(at, version, tags)).await
    }

    async fn bucket_tags(&self, bucket: &BucketName) -> Result<Option<TagSet>> {
        self.through("bucket_tags", self.inner.bucket_tags(bucket)).await
    }

    async fn set_bucket_tags(&self, bucket: &BucketName, tags: Option<TagSet>) -> Result<()> {
        self.through("set_bucket_tags", self.inner.set_bucket_tags(bucket, tags)).await
    }
}

#[async_trait]
impl Multipart for Tapped {
    async fn create_upload(&self, at: &ObjectPath, new: NewUpload) -> Result<UploadId> {
        self.through("create_upload", self.inner.create_upload(at, new)).await
    }

    async fn upload_choice(&self, upload: &UploadPath) -> Result<UploadChoice> {
        self.through("upload_choice", self.inner.upload_choice(upload)).await
    }

    async fn put_part(
        &self,
        upload: &UploadPath,
        number: PartNumber,
        body: Payload,
        key: Option<&CustomerKey>,
    ) -> Result<PartSummary> {
        self.through("put_part", self.inner.put_part(upload, number, body, key)).await
    }

    async fn copy_part(
        &self,
        source: &ObjectPath,
        upload: &UploadPath,
        number: PartNumber,
        request: CopyPartRequest,
    ) -> Result<PartSummary> {
        self.through("copy_part", self.inner.copy_part(source, upload, number, request)).await
    }

    async fn list_parts(&self, upload: &UploadPath, query: &PartsQuery) -> Result<PartsPage> {
        self.through("list_parts", self.inner.list_parts(upload, query)).await
    }

    async fn complete_upload(
        &self,
        upload: &UploadPath,
        completion: &Completion,
        condition: Option<WriteCondition>,
    ) -> Result<Stored> {
        self.through("complete_upload", self.inner.complete_upload(upload, completion, condition))
            .await
    }

    async fn abort_upload(&self, upload: &UploadPath) -> Result<()> {
        self.through("abort_upload", self.inner.abort_upload(upload)).await
    }

    async fn list_uploads(&self, bucket: &BucketName, query: &UploadsQuery) -> Result<UploadsPage> {
        self.through("list_uploads", self.inner.list_uploads(bucket, query)).await
    }

    async fn expire_uploads(&self, deadline: Timestamp, limit: usize) -> Result<usize> {
        self.through("expire_uploads", self.inner.expire_uploads(deadline, limit)).await
    }
}

#[async_trait]
impl Ledger for Tapped {
    async fn entry(&self, at: &ObjectPath) -> Result<Option<Bytes>> {
        self.through("entry", self.inner.entry(at)).await
    }

    async fn entry_and_object(
        &self,
        at: &ObjectPath,
    ) -> Result<(Option<Bytes>, Option<ObjectInfo>)> {
        self.through("entry", self.inner.entry_and_object(at)).await
    }

    async fn set_entry(&self, at: &ObjectPath, entry: Option<Bytes>) -> Result<()> {
        self.through("set_entry", self.inner.set_entry(at, entry)).await
    }

    async fn entries(&self, bucket: &BucketName, query: &LedgerQuery) -> Result<LedgerPage> {
        self.through("entries", self.inner.entries(bucket, query)).await
    }

    async fn has_entries(&self, bucket: &BucketName) -> Result<bool> {
        self.through("has_entries", self.inner.has_entries(bucket)).await
    }
}

#[async_trait]
impl Holding for Tapped {
    async fn hold(&self, body: Payload) -> Result<Payload> {
        self.through("hold", self.inner.hold(body)).await
    }
}

#[async_trait]
impl Preview for Tapped {
    async fn create_readable_upload(&self, at: &ObjectPath, new: NewUpload) -> Result<UploadId> {
        self.through("create_readable_upload", self.inner.create_readable_upload(at, new)).await
    }

    async fn preview(
        &self,
        upload: &UploadPath,
        completion: &Completion,
        key: Option<&CustomerKey>,
    ) -> Result<Option<Payload>> {
        self.through("preview", self.inner.preview(upload, completion, key)).await
    }
}
