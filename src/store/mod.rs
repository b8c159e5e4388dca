//! The contract between the protocol and whatever holds objects.
//!
//! A store is anything that implements [`Buckets`], [`Objects`], [`Tags`], [`Acls`] and [`Multipart`]. It
//! knows nothing of HTTP, of requests, or of who is allowed what. Every implementation passes the
//! functions of [`conformance`].
//!
//! What holds for every store:
//! - A call that returns `Ok` from a method that writes is durable, and seen by every call that
//!   starts afterwards.
//! - A write is atomic: readers see the old or the new object. A payload that ends in an `Err`
//!   stores nothing.
//! - Conditions on writes are decided in one order with the writes themselves, never by looking
//!   first and writing then.
//! - Not knowing is an error, never "there is none".
//! - Dropping a future is safe: the write either happens as a whole or not at all.
//! - What is missing is named from the outside in: `NoSuchBucket` before `NoSuchKey` and
//!   `NoSuchUpload`; `NoSuchVersion` instead of `NoSuchKey` where a version was asked for. A body
//!   is read only after that.
//! - Pages with a limit of 0 are empty and have no `next`.

pub mod conformance;
mod error;
mod fault;
mod holding;
mod ledger;
pub mod local;
mod memory;
mod preview;
pub mod upstream;

use async_trait::async_trait;

pub use error::StoreError;
pub use fault::{Call, FaultStore};
pub use holding::Holding;
pub use ledger::{Claim, ClaimReader, Kept, Ledger, LedgerPage, LedgerQuery};
pub use memory::MemoryStore;
pub use preview::Preview;

use crate::body::Payload;
use crate::object::{
    Acl, Bucket, BucketName, BucketSetting, BucketsPage, BucketsQuery, ByteRange, ChecksumChoice,
    Completion, CustomerKey, Encrypted, Encryption, ListPage, ListQuery, ObjectInfo, ObjectKey,
    ObjectMetadata, ObjectPart, Original, Owner, PartNumber, PartSummary, PartsPage, PartsQuery,
    RangeSpec, ReadConditions, SettingDocument, TagSet, Timestamp, UploadId, UploadsPage,
    UploadsQuery, VersionId, VersionsPage, VersionsQuery, WriteCondition,
};

/// The result of every call.
pub type Result<T> = std::result::Result<T, StoreError>;

/// Everything a layer offers.
pub trait Store: Buckets + Objects + Tags + Acls + Multipart {}

impl<T: Buckets + Objects + Tags + Acls + Multipart> Store for T {}

/// What requests see: a store that can show uploads before they are objects.
pub trait Front: Store + Preview {}

impl<T: Store + Preview> Front for T {}

/// A layer that also keeps records beside its objects, and bodies for a while: where a placement
/// keeps what it knows, and what it cannot pass on yet.
pub trait Home: Front + Ledger + Holding {}

impl<T: Front + Ledger + Holding> Home for T {}

/// Which object.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ObjectPath {
    /// Its bucket.
    pub bucket: BucketName,
    /// Its key.
    pub key: ObjectKey,
}

impl ObjectPath {
    /// Refuses a key that leads out of the prefix which the bucket's keys have in a service: one that
    /// takes keys for paths of files would look outside. S3 itself refuses such keys where there is
    /// no prefix.
    pub(crate) fn check_below(&self, prefix: &str) -> Result<()> {
        if prefix.is_empty() || !self.key.leads_out() {
            return Ok(());
        }
        Err(StoreError::Refused {
            code: "InvalidURI".to_owned(),
            message: "The key has more \"..\" segments than others before them.".to_owned(),
        })
    }
}

/// What part of an object is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Selection {
    /// All of it.
    #[default]
    Whole,
    /// A range, resolved against the object's size.
    Range(RangeSpec),
    /// A part by its number; for an object of one PUT only 1, which is the whole. Another number
    /// is `InvalidPartNumber`.
    Part(PartNumber),
}

/// A read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GetRequest {
    /// This version rather than the current one.
    pub version: Option<VersionId>,
    /// What of it.
    pub selection: Selection,
    /// On which conditions.
    pub conditions: ReadConditions,
    /// The customer's key, where the object is encrypted with one. Whether it is the object's is
    /// judged after the conditions.
    pub key: Option<CustomerKey>,
}

/// An object's head, and what the selection came to on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// The object.
    pub object: ObjectInfo,
    /// The selected bytes; `None` where the whole was asked for, also as part 1 of an object of
    /// one PUT.
    pub range: Option<ByteRange>,
    /// The selected part, where a part was asked for of an object that has parts.
    pub part: Option<ObjectPart>,
}

/// An object being read. The content stays readable as it was, whatever is written meanwhile.
#[derive(Debug)]
pub struct Got {
    /// Its head.
    pub head: Head,
    /// The selected bytes. A damaged or unreadable object ends it with `BodyError::Store`.
    pub body: Payload,
}

/// What is stored with a new object.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NewObject {
    /// Headers and user metadata.
    pub metadata: ObjectMetadata,
    /// Tags.
    pub tags: TagSet,
    /// On which condition.
    pub condition: Option<WriteCondition>,
    /// What it keeps of itself where it comes from another layer; only stores of the gateway's
    /// own can do that.
    pub original: Option<Original>,
    /// How it is to be encrypted; `None` leaves that to the store.
    pub encryption: Option<Encryption>,
    /// Its ACL; `None` is that of an object that is its bucket's owner's alone.
    pub acl: Option<Acl>,
}

/// What a write came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// The object as it now is.
    pub object: ObjectInfo,
    /// The version that it has, where the bucket keeps versions.
    pub version: Option<VersionId>,
}

/// A delete.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DeleteRequest {
    /// This version for good; without it the key's current object.
    pub version: Option<VersionId>,
    /// `If-Match`, on the key's current object. Where there is none, there is nothing to protect,
    /// and the delete succeeds.
    pub condition: Option<WriteCondition>,
}

/// What a delete came to. Deleting a key or version that isn't there succeeds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Deleted {
    /// The version removed or the delete marker made, where the bucket keeps versions.
    pub version: Option<VersionId>,
    /// Whether a delete marker was made or removed.
    pub delete_marker: bool,
}

/// A copy within the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CopyRequest {
    /// The version of the source; its current one when absent.
    pub source_version: Option<VersionId>,
    /// Conditions on the source; failing ones are always `PreconditionFailed`.
    pub source_conditions: ReadConditions,
    /// The new object's metadata; `None` keeps the source's.
    pub metadata: Option<ObjectMetadata>,
    /// The new object's tags; `None` keeps the source's.
    pub tags: Option<TagSet>,
    /// Compute this checksum; `None` keeps the source's algorithm, if it has one.
    pub checksum: Option<crate::object::Algorithm>,
    /// On which condition on the destination.
    pub condition: Option<WriteCondition>,
    /// The largest source that may be copied, in bytes; larger is `SourceTooLarge`.
    pub size_limit: u64,
    /// The customer's key of the source.
    pub source_key: Option<CustomerKey>,
    /// How the copy is to be encrypted; `None` leaves that to the store, which keeps a copy of
    /// what is encrypted with its own key encrypted so.
    pub encryption: Option<Encryption>,
    /// The copy's ACL, as in [`NewObject`]: it never has its source's.
    pub acl: Option<Acl>,
}

/// A copy of a source's bytes into a part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CopyPartRequest {
    /// The version of the source; its current one when absent.
    pub source_version: Option<VersionId>,
    /// Conditions on the source; failing ones are always `PreconditionFailed`.
    pub source_conditions: ReadConditions,
    /// First and last byte, inclusive; a range not wholly inside is `SourceRange`.
    pub range: Option<(u64, u64)>,
    /// The most bytes that may be copied; more is `SourceTooLarge`.
    pub size_limit: u64,
    /// The customer's key of the source.
    pub source_key: Option<CustomerKey>,
    /// The customer's key of the upload.
    pub key: Option<CustomerKey>,
}

/// A new upload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewUpload {
    /// Headers and user metadata of the object to be.
    pub metadata: ObjectMetadata,
    /// Its tags.
    pub tags: TagSet,
    /// Its checksum.
    pub checksum: ChecksumChoice,
    /// Who starts it.
    pub initiator: Owner,
    /// How it is to be encrypted; `None` leaves that to the store.
    pub encryption: Option<Encryption>,
    /// The ACL of the object to be, as in [`NewObject`].
    pub acl: Option<Acl>,
}

/// What an upload was created with that its parts have to go by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UploadChoice {
    /// Which checksum the object will have.
    pub checksum: ChecksumChoice,
    /// How it is encrypted.
    pub encryption: Option<Encrypted>,
}

/// Which upload.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct UploadPath {
    /// The object it will be.
    pub object: ObjectPath,
    /// The upload; one of another key or bucket is `NoSuchUpload`.
    pub id: UploadId,
}

/// Some or all parts of a completed object.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ObjectParts {
    /// The parts, by number.
    pub parts: Vec<ObjectPart>,
    /// What to give as `after` to go on.
    pub next: Option<u32>,
}

/// Buckets.
#[async_trait]
pub trait Buckets: Send + Sync {
    /// Makes a bucket. `BucketExists` with its owner where there is one of that name.
    async fn create_bucket(&self, name: &BucketName, owner: &Owner) -> Result<()>;

    /// The bucket.
    async fn head_bucket(&self, name: &BucketName) -> Result<Bucket>;

    /// Removes an empty bucket with its tags, its settings and its uploads under way: a later one of the same
    /// name has nothing of it. `BucketNotEmpty` where any object or version is in it.
    async fn delete_bucket(&self, name: &BucketName) -> Result<()>;

    /// A page of buckets.
    async fn list_buckets(&self, query: &BucketsQuery) -> Result<BucketsPage>;

    /// Whether what nobody asks to be encrypted is encrypted in a bucket by the configuration, beside
    /// what the bucket's own setting says. A layer that encrypts nothing itself says no.
    fn encrypts_by_default(&self, bucket: &BucketName) -> bool;

    /// A setting of a bucket; `None` where it was never set or removed. Asked for with every
    /// request: what was read once is answered from memory, and with a clone of the same document
    /// until it is set anew. A layer that keeps no settings answers `Unsupported`.
    async fn bucket_setting(
        &self,
        bucket: &BucketName,
        setting: BucketSetting,
    ) -> Result<Option<SettingDocument>>;

    /// Replaces a setting of a bucket, `None` removes it.
    async fn set_bucket_setting(
        &self,
        bucket: &BucketName,
        setting: BucketSetting,
        document: Option<SettingDocument>,
    ) -> Result<()>;
}

/// Objects.
#[async_trait]
pub trait Objects: Send + Sync {
    /// Stores `body`. Its `digests` after the end give ETag and checksum, so it is one that went
    /// through [`crate::body::digesting`].
    async fn put_object(&self, at: &ObjectPath, new: NewObject, body: Payload) -> Result<Stored>;

    /// Whether `condition` would hold now (`NoSuchKey`, `PreconditionFailed`): lets a hopeless upload fail before its body is read.
    /// Decides nothing; `put_object` decides.
    async fn check_condition(&self, at: &ObjectPath, condition: &WriteCondition) -> Result<()>;

    /// An object's head; every answer is the one that `get_object` gives.
    async fn head_object(&self, at: &ObjectPath, request: &GetRequest) -> Result<Head>;

    /// An object's content. Conditions are judged first, by the store's clock, then the
    /// selection.
    async fn get_object(&self, at: &ObjectPath, request: &GetRequest) -> Result<Got>;

    /// The parts of an object, numbers greater than `after`, at most `limit`; none for an object
    /// of one PUT.
    async fn object_parts(
        &self,
        at: &ObjectPath,
        version: Option<VersionId>,
        after: u32,
        limit: usize,
    ) -> Result<ObjectParts>;

    /// Removes an object.
    async fn delete_object(&self, at: &ObjectPath, request: &DeleteRequest) -> Result<Deleted>;

    /// Copies an object as it is when the call starts; the copy is one of a single PUT, with the
    /// MD5 of its content as ETag and a full-object checksum. Source and target may be the same.
    async fn copy_object(
        &self,
        source: &ObjectPath,
        target: &ObjectPath,
        request: CopyRequest,
    ) -> Result<Stored>;

    /// A page of current objects.
    async fn list_objects(&self, bucket: &BucketName, query: &ListQuery) -> Result<ListPage>;

    /// A page of versions.
    async fn list_versions(
        &self,
        bucket: &BucketName,
        query: &VersionsQuery,
    ) -> Result<VersionsPage>;
}

/// Tags of objects and buckets.
#[async_trait]
pub trait Tags: Send + Sync {
    /// An object's tags, and its version where the bucket keeps versions.
    async fn object_tags(&self, at: &ObjectPath, version: Option<VersionId>) -> Result<TagSet>;

    /// Replaces an object's tags; an empty set removes them. Last-Modified stays.
    async fn set_object_tags(
        &self,
        at: &ObjectPath,
        version: Option<VersionId>,
        tags: TagSet,
    ) -> Result<()>;

    /// A bucket's tags; `None` where they were never set or removed.
    async fn bucket_tags(&self, bucket: &BucketName) -> Result<Option<TagSet>>;

    /// Replaces a bucket's tags, `None` removes them.
    async fn set_bucket_tags(&self, bucket: &BucketName, tags: Option<TagSet>) -> Result<()>;
}

/// ACLs of objects. What they allow is decided elsewhere.
#[async_trait]
pub trait Acls: Send + Sync {
    /// An object's ACL; `None` where it is its bucket's owner's alone. A layer that cannot tell
    /// answers `Unsupported`.
    async fn object_acl(&self, at: &ObjectPath, version: Option<VersionId>) -> Result<Option<Acl>>;

    /// Replaces an object's ACL, `None` makes it its bucket's owner's alone. Last-Modified stays.
    async fn set_object_acl(
        &self,
        at: &ObjectPath,
        version: Option<VersionId>,
        acl: Option<Acl>,
    ) -> Result<()>;
}

/// Multipart uploads.
#[async_trait]
pub trait Multipart: Send + Sync {
    /// Starts an upload. Ids are safe in a URL, and those of one key ascend by their start.
    async fn create_upload(&self, at: &ObjectPath, new: NewUpload) -> Result<UploadId>;

    /// What the upload was created with, for what `UploadPart` must compute, check and tell.
    async fn upload_choice(&self, upload: &UploadPath) -> Result<UploadChoice>;

    /// Stores a part; the same number again replaces it. `body` as in `put_object`; its
    /// `digests().checksum` becomes the part's. `key` is the customer's, where the upload was
    /// created with it.
    async fn put_part(
        &self,
        upload: &UploadPath,
        number: PartNumber,
        body: Payload,
        key: Option<&CustomerKey>,
    ) -> Result<PartSummary>;

    /// Stores a part copied from an object of this store, with the checksum that the upload's
    /// choice names. Source faults come before `SourceRange`, that before `SourceTooLarge`.
    async fn copy_part(
        &self,
        source: &ObjectPath,
        upload: &UploadPath,
        number: PartNumber,
        request: CopyPartRequest,
    ) -> Result<PartSummary>;

    /// A page of an upload's parts.
    async fn list_parts(&self, upload: &UploadPath, query: &PartsQuery) -> Result<PartsPage>;

    /// Makes the object out of the listed parts (`object::plan_completion`, then the condition),
    /// and ends the upload. A refused completion leaves the upload as it was. Doing it again with
    /// the same parts, soon after, gives the same answer whatever became of the object, and the
    /// condition is not asked again; with others it is `NoSuchUpload`.
    async fn complete_upload(
        &self,
        upload: &UploadPath,
        completion: &Completion,
        condition: Option<WriteCondition>,
    ) -> Result<Stored>;

    /// Drops the upload and its parts.
    async fn abort_upload(&self, upload: &UploadPath) -> Result<()>;

    /// A page of a bucket's uploads under way, by key and then by start.
    async fn list_uploads(&self, bucket: &BucketName, query: &UploadsQuery) -> Result<UploadsPage>;

    /// Aborts every upload that was started before `deadline`, at most `limit` of them; says how
    /// many it aborted.
    async fn expire_uploads(&self, deadline: Timestamp, limit: usize) -> Result<usize>;
}
