//! What the lock holds.

use std::collections::BTreeMap;
use std::ops::Bound;

use bytes::Bytes;

use super::{Result, StoreError};
use crate::object::{
    Acl, Bucket, BucketName, BucketSetting, CustomerKey, Encrypted, Encryption, ListEntry,
    ObjectInfo, ObjectKey, ObjectPart, PartNumber, PartSummary, SettingDocument, TagSet, Timestamp,
    Upload, UploadId, VersionId,
};
use crate::store::{ObjectPath, Stored, UploadPath};

/// How many completed uploads a bucket remembers, so that a completion can be repeated.
const REMEMBERED: usize = 1000;

#[derive(Default)]
pub(super) struct State {
    pub(super) buckets: BTreeMap<BucketName, Bin>,
    pub(super) uploads_started: u64,
}

/// A bucket with what is in it.
pub(super) struct Bin {
    pub(super) bucket: Bucket,
    pub(super) tags: Option<TagSet>,
    pub(super) settings: BTreeMap<BucketSetting, SettingDocument>,
    pub(super) records: BTreeMap<ObjectKey, Bytes>,
    /// By the bytes of the key, because listings resume at bytes that are no key.
    pub(super) objects: BTreeMap<Vec<u8>, Object>,
    pub(super) uploads: BTreeMap<(Vec<u8>, UploadId), OpenUpload>,
    completed: Vec<Completed>,
}

#[derive(Clone)]
pub(super) struct Object {
    pub(super) info: ObjectInfo,
    pub(super) tags: TagSet,
    pub(super) acl: Option<Acl>,
    pub(super) content: Bytes,
    pub(super) parts: Vec<ObjectPart>,
    /// The customer's, where it needs one. Unlike the others, this store keeps it.
    pub(super) key: Option<CustomerKey>,
}

pub(super) struct OpenUpload {
    pub(super) upload: Upload,
    pub(super) tags: TagSet,
    pub(super) acl: Option<Acl>,
    pub(super) encryption: Option<Encryption>,
    pub(super) encrypted: Option<Encrypted>,
    pub(super) parts: BTreeMap<PartNumber, (PartSummary, Bytes)>,
}

/// A completion that may be asked for again.
pub(super) struct Completed {
    pub(super) key: ObjectKey,
    pub(super) id: UploadId,
    pub(super) parts: Vec<(PartNumber, crate::object::ETag)>,
    pub(super) at: Timestamp,
    pub(super) stored: Stored,
}

impl State {
    pub(super) fn bin(&self, name: &BucketName) -> Result<&Bin> {
        self.buckets.get(name).ok_or(StoreError::NoSuchBucket)
    }

    pub(super) fn bin_mut(&mut self, name: &BucketName) -> Result<&mut Bin> {
        self.buckets.get_mut(name).ok_or(StoreError::NoSuchBucket)
    }

    pub(super) fn object(&self, at: &ObjectPath, version: Option<VersionId>) -> Result<&Object> {
        let found = self.bin(&at.bucket)?.objects.get(at.key.as_str().as_bytes());
        found.filter(|_| is_current(version)).ok_or_else(|| missing(version))
    }

    pub(super) fn object_mut(
        &mut self,
        at: &ObjectPath,
        version: Option<VersionId>,
    ) -> Result<&mut Object> {
        let found = self.bin_mut(&at.bucket)?.objects.get_mut(at.key.as_str().as_bytes());
        found.filter(|_| is_current(version)).ok_or_else(|| missing(version))
    }

    pub(super) fn upload(&self, at: &UploadPath) -> Result<&OpenUpload> {
        let found = self.bin(&at.object.bucket)?.uploads.get(&upload_key(at));
        found.ok_or(StoreError::NoSuchUpload)
    }

    pub(super) fn upload_mut(&mut self, at: &UploadPath) -> Result<&mut OpenUpload> {
        let found = self.bin_mut(&at.object.bucket)?.uploads.get_mut(&upload_key(at));
        found.ok_or(StoreError::NoSuchUpload)
    }
}

impl Bin {
    pub(super) fn new(bucket: Bucket) -> Self {
        Self {
            bucket,
            tags: None,
            settings: BTreeMap::new(),
            records: BTreeMap::new(),
            objects: BTreeMap::new(),
            uploads: BTreeMap::new(),
            completed: Vec::new(),
        }
    }

    /// The objects whose keys are not less than these bytes.
    pub(super) fn objects_from<'a>(
        &'a self,
        from: &[u8],
    ) -> impl Iterator<Item = &'a Object> + use<'a> {
        let range = (Bound::Included(from), Bound::Unbounded);
        self.objects.range::<[u8], _>(range).map(|(_, object)| object)
    }

    /// The uploads of keys not less than these bytes.
    pub(super) fn uploads_from<'a>(
        &'a self,
        from: &[u8],
    ) -> impl Iterator<Item = &'a OpenUpload> + use<'a> {
        self.uploads.range((from.to_vec(), UploadId::new(""))..).map(|(_, upload)| upload)
    }

    pub(super) fn remember(&mut self, completed: Completed) {
        if self.completed.len() == REMEMBERED {
            self.completed.remove(0);
        }
        self.completed.push(completed);
    }

    pub(super) fn completed(&self, key: &ObjectKey, id: &UploadId) -> Option<&Completed> {
        self.completed.iter().find(|done| done.key == *key && done.id == *id)
    }
}

impl Object {
    /// The object's line in a listing.
    pub(super) fn entry(&self) -> ListEntry {
        ListEntry::Object {
            key: self.info.key.clone(),
            size: self.info.size,
            etag: self.info.etag.clone(),
            last_modified: self.info.last_modified,
            checksum: self.info.checksum.as_ref().map(|sum| (sum.value.algorithm, sum.kind)),
            storage_class: self.info.metadata.storage_class.clone(),
        }
    }
}

pub(super) fn upload_key(at: &UploadPath) -> (Vec<u8>, UploadId) {
    (at.object.key.as_str().as_bytes().to_vec(), at.id.clone())
}

/// Without versioning a key's one object is its current one and its version `null`.
fn is_current(version: Option<VersionId>) -> bool {
    matches!(version, None | Some(VersionId::Null))
}

fn missing(version: Option<VersionId>) -> StoreError {
    if version.is_some() { StoreError::NoSuchVersion } else { StoreError::NoSuchKey }
}
