//! A layer that stops the process at a chosen step, is away, loses its answers, or fails chosen
//! calls.

use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use bytes::Bytes;
use tokio::sync::Notify;

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

/// What happens to calls, for all layers of a process together.
#[derive(Default)]
pub(crate) struct Fate {
    /// So many steps are left; none are counted while this is negative.
    steps: AtomicI64,
    crashed: AtomicBool,
    crash: Notify,
}

impl Fate {
    /// The process stops after so many steps; each call has two.
    pub(crate) fn crash_after(&self, steps: i64) {
        self.steps.store(steps, Ordering::SeqCst);
    }

    /// Of a process of which nothing is planned.
    pub(crate) fn open() -> Arc<Self> {
        let fate = Self::default();
        fate.steps.store(-1, Ordering::SeqCst);
        Arc::new(fate)
    }

    /// The process ends: whatever it still has under way goes no further.
    pub(crate) fn end(&self) {
        self.crashed.store(true, Ordering::SeqCst);
    }

    /// Nothing is planned any more.
    pub(crate) fn forget(&self) {
        self.steps.store(-1, Ordering::SeqCst);
        self.crashed.store(false, Ordering::SeqCst);
    }

    /// Done when the process has stopped.
    pub(crate) async fn crashed(&self) {
        let crash = self.crash.notified();
        if !self.crashed.load(Ordering::SeqCst) {
            crash.await;
        }
    }

    pub(crate) async fn step(&self) {
        tokio::task::yield_now().await;
        if self.crashed.load(Ordering::SeqCst) {
            std::future::pending::<()>().await;
        }
        if self.steps.load(Ordering::SeqCst) < 0 {
            return;
        }
        if self.steps.fetch_sub(1, Ordering::SeqCst) == 0 {
            self.crashed.store(true, Ordering::SeqCst);
            self.crash.notify_waiters();
            std::future::pending::<()>().await;
        }
    }
}

/// A layer under a fate of its own making.
pub(crate) struct Flaky {
    inner: Arc<MemoryStore>,
    fate: Arc<Fate>,
    away: AtomicBool,
    deaf: AtomicBool,
    broken: Mutex<Option<Breakage>>,
}

/// Says by a call's name whether it fails, and how.
type Breakage = Box<dyn FnMut(&str) -> Option<StoreError> + Send>;

impl Flaky {
    pub(crate) fn new(inner: Arc<MemoryStore>, fate: Arc<Fate>) -> Self {
        let (away, deaf) = (AtomicBool::new(false), AtomicBool::new(false));
        Self { inner, fate, away, deaf, broken: Mutex::default() }
    }

    /// Whether calls fail before they have done anything.
    pub(crate) fn set_away(&self, away: bool) {
        self.away.store(away, Ordering::SeqCst);
    }

    /// Whether calls fail after they have done everything.
    pub(crate) fn set_deaf(&self, deaf: bool) {
        self.deaf.store(deaf, Ordering::SeqCst);
    }

    /// The same layer for the next process, in the same state.
    pub(crate) fn under(&self, fate: Arc<Fate>) -> Self {
        let next = Self::new(Arc::clone(&self.inner), fate);
        next.set_away(self.away.load(Ordering::SeqCst));
        next.set_deaf(self.deaf.load(Ordering::SeqCst));
        next
    }

    /// Calls fail as this says, before they have done anything.
    pub(crate) fn break_down(
        &self,
        broken: impl FnMut(&str) -> Option<StoreError> + Send + 'static,
    ) {
        *self.broken.lock().unwrap() = Some(Box::new(broken));
    }

    /// No call fails by its name any more.
    pub(crate) fn mend(&self) {
        *self.broken.lock().unwrap() = None;
    }

    pub(crate) fn is_well(&self) -> bool {
        !self.away.load(Ordering::SeqCst) && !self.deaf.load(Ordering::SeqCst)
    }

    async fn call<T>(&self, name: &str, call: impl Future<Output = Result<T>>) -> Result<T> {
        let unavailable = |what: &str| StoreError::Unavailable { what: what.to_owned() };
        self.fate.step().await;
        if self.away.load(Ordering::SeqCst) {
            return Err(unavailable("away"));
        }
        let broken = self.broken.lock().unwrap().as_mut().and_then(|broken| broken(name));
        if let Some(error) = broken {
            return Err(error);
        }
        let answer = call.await;
        self.fate.step().await;
        if self.deaf.load(Ordering::SeqCst) { Err(unavailable("lost")) } else { answer }
    }
}

/// Passes calls on.
macro_rules! pass {
    ($trait:ident $({ $($own:tt)* })?: $($name:ident($($arg:ident: $type:ty),*) -> $answer:ty;)+) => {
        #[async_trait]
        impl $trait for Flaky {
            $($($own)*)?
            $(
                async fn $name(&self, $($arg: $type),*) -> Result<$answer> {
                    self.call(stringify!($name), self.inner.$name($($arg),*)).await
                }
            )+
        }
    };
}

pass! { Buckets {
    fn encrypts_by_default(&self, bucket: &BucketName) -> bool {
        self.inner.encrypts_by_default(bucket)
    }
}:
    create_bucket(name: &BucketName, owner: &Owner) -> ();
    head_bucket(name: &BucketName) -> Bucket;
    delete_bucket(name: &BucketName) -> ();
    list_buckets(query: &BucketsQuery) -> BucketsPage;
    bucket_setting(bucket: &BucketName, setting: BucketSetting) -> Option<SettingDocument>;
    set_bucket_setting(
        bucket: &BucketName, setting: BucketSetting, document: Option<SettingDocument>
    ) -> ();
}

pass! { Objects:
    put_object(at: &ObjectPath, new: NewObject, body: Payload) -> Stored;
    check_condition(at: &ObjectPath, condition: &WriteCondition) -> ();
    head_object(at: &ObjectPath, request: &GetRequest) -> Head;
    get_object(at: &ObjectPath, request: &GetRequest) -> Got;
    object_parts(at: &ObjectPath, version: Option<VersionId>, after: u32, limit: usize)
        -> ObjectParts;
    delete_object(at: &ObjectPath, request: &DeleteRequest) -> Deleted;
    copy_object(source: &ObjectPath, target: &ObjectPath, request: CopyRequest) -> Stored;
    list_objects(bucket: &BucketName, query: &ListQuery) -> ListPage;
    list_versions(bucket: &BucketName, query: &VersionsQuery) -> VersionsPage;
}

pass! { Tags:
    object_tags(at: &ObjectPath, version: Option<VersionId>) -> TagSet;
    set_object_tags(at: &ObjectPath, version: Option<VersionId>, tags: TagSet) -> ();
    bucket_tags(bucket: &BucketName) -> Option<TagSet>;
    set_bucket_tags(bucket: &BucketName, tags: Option<TagSet>) -> ();
}

pass! { Acls:
    object_acl(at: &ObjectPath, version: Option<VersionId>) -> Option<Acl>;
    set_object_acl(at: &ObjectPath, version: Option<VersionId>, acl: Option<Acl>) -> ();
}

pass! { Multipart:
    create_upload(at: &ObjectPath, new: NewUpload) -> UploadId;
    upload_choice(upload: &UploadPath) -> UploadChoice;
    put_part(
        upload: &UploadPath, number: PartNumber, body: Payload, key: Option<&CustomerKey>
    ) -> PartSummary;
    copy_part(source: &ObjectPath, upload: &UploadPath, number: PartNumber, request: CopyPartRequest)
        -> PartSummary;
    list_parts(upload: &UploadPath, query: &PartsQuery) -> PartsPage;
    complete_upload(
        upload: &UploadPath, completion: &Completion, condition: Option<WriteCondition>
    ) -> Stored;
    abort_upload(upload: &UploadPath) -> ();
    list_uploads(bucket: &BucketName, query: &UploadsQuery) -> UploadsPage;
    expire_uploads(deadline: Timestamp, limit: usize) -> usize;
}

pass! { Ledger:
    entry(at: &ObjectPath) -> Option<Bytes>;
    entry_and_object(at: &ObjectPath) -> (Option<Bytes>, Option<ObjectInfo>);
    set_entry(at: &ObjectPath, entry: Option<Bytes>) -> ();
    has_entries(bucket: &BucketName) -> bool;
    entries(bucket: &BucketName, query: &LedgerQuery) -> LedgerPage;
}

pass! { Holding:
    hold(body: Payload) -> Payload;
}

pass! { Preview:
    create_readable_upload(at: &ObjectPath, new: NewUpload) -> UploadId;
    preview(upload: &UploadPath, completion: &Completion, key: Option<&CustomerKey>) -> Option<Payload>;
}
