//! Uploads in memory.

use std::collections::BTreeMap;
use std::convert::Infallible;

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use uuid::Uuid;

use super::read::{key_fault, slice};
use super::state::{Bin, Completed, Object, OpenUpload, upload_key};
use super::{MemoryStore, Result, StoreError, decide, received, tag_of};
use crate::body::{Digests, Expected, Payload, digesting};
use crate::object::{
    Assembled, BucketName, ByteRange, Completion, CustomerKey, ETag, Encryption, KeyFault,
    ObjectInfo, ObjectPart, Original, PartNumber, PartSummary, PartsPage, PartsQuery, Roll, Rolled,
    Start, Timestamp, Upload, UploadEntry, UploadId, UploadsPage, UploadsQuery, VersionId,
    WriteCondition, fill_page, plan_completion,
};
use crate::store::{
    CopyPartRequest, Multipart, NewUpload, ObjectPath, Stored, UploadChoice, UploadPath,
};

/// For how long a completion can be repeated, in milliseconds.
const REPEATABLE_MILLIS: i64 = 60 * 60 * 1000;

#[async_trait]
impl Multipart for MemoryStore {
    async fn create_upload(&self, at: &ObjectPath, new: NewUpload) -> Result<UploadId> {
        let mut state = self.state();
        state.bin(&at.bucket)?;
        state.uploads_started += 1;
        // The count in front makes the order of ids the order of starts, also within one
        // millisecond; the rest makes them hard to guess.
        let (_, random) = Uuid::new_v4().as_u64_pair();
        let id = UploadId::new(format!("{:016x}{random:016x}", state.uploads_started));
        let upload = Upload {
            key: at.key.clone(),
            id: id.clone(),
            initiated: self.clock.now(),
            initiator: new.initiator,
            metadata: new.metadata,
            checksum: new.checksum,
        };
        let (tags, acl, encryption) = (new.tags, new.acl, new.encryption);
        let encrypted = self.encrypted(&at.bucket, encryption.as_ref());
        let open = OpenUpload { upload, tags, acl, encryption, encrypted, parts: BTreeMap::new() };
        let key = (at.key.as_str().as_bytes().to_vec(), id.clone());
        state.bin_mut(&at.bucket)?.uploads.insert(key, open);
        Ok(id)
    }

    async fn upload_choice(&self, upload: &UploadPath) -> Result<UploadChoice> {
        let state = self.state();
        let open = state.upload(upload)?;
        let encryption = open.encrypted;
        Ok(UploadChoice { checksum: open.upload.checksum, encryption })
    }

    async fn put_part(
        &self,
        upload: &UploadPath,
        number: PartNumber,
        body: Payload,
        key: Option<&CustomerKey>,
    ) -> Result<PartSummary> {
        self.state().upload(upload)?.check_key(key)?;
        let (content, digests) = received(body).await?;
        self.store_part(upload, number, content, digests)
    }

    async fn copy_part(
        &self,
        source: &ObjectPath,
        upload: &UploadPath,
        number: PartNumber,
        request: CopyPartRequest,
    ) -> Result<PartSummary> {
        let choice = {
            let state = self.state();
            let open = state.upload(upload)?;
            open.check_key(request.key.as_ref())?;
            open.upload.checksum
        };
        let from = self.source(source, request.source_version, &request.source_conditions)?;
        let range = part_range(from.info.size, request.range)?;
        let (size, limit) = (range.length, request.size_limit);
        if size > limit {
            return Err(StoreError::SourceTooLarge { size, limit });
        }
        from.check_source_key(request.source_key.as_ref())?;
        let expected = Expected { compute: Some(choice.algorithm), ..Expected::default() };
        let body = digesting(Payload::from_bytes(slice(&from.content, range)), expected);
        let (content, digests) = received(body).await?;
        self.store_part(upload, number, content, digests)
    }

    async fn list_parts(&self, upload: &UploadPath, query: &PartsQuery) -> Result<PartsPage> {
        let state = self.state();
        let open = state.upload(upload)?;
        let owner = match &open.acl {
            Some(acl) => acl.owner.clone(),
            None => state.bin(&upload.object.bucket)?.bucket.owner.clone(),
        };
        let mut rest = open
            .parts
            .values()
            .map(|(part, _)| part)
            .filter(|part| u32::from(part.number.get()) > query.after);
        let parts: Vec<PartSummary> = rest.by_ref().take(query.limit).cloned().collect();
        let more = rest.next().is_some();
        let next = parts.last().filter(|_| more).map(|last| u32::from(last.number.get()));
        Ok(PartsPage { upload: open.upload.clone(), owner, parts, next })
    }

    async fn complete_upload(
        &self,
        upload: &UploadPath,
        completion: &Completion,
        condition: Option<WriteCondition>,
    ) -> Result<Stored> {
        let now = self.clock.now();
        let mut state = self.state();
        let bin = state.bin_mut(&upload.object.bucket)?;
        let Some(open) = bin.uploads.get(&upload_key(upload)) else {
            return bin.repeated(upload, completion, now);
        };
        let summaries: Vec<_> = open.parts.values().map(|(part, _)| part.clone()).collect();
        let whole = plan_completion(open.upload.checksum, &summaries, completion)?;
        decide(condition.as_ref(), bin.current_tag(&upload.object))?;
        let original = completion.original.clone().unwrap_or_else(|| Original {
            etag: whole.etag.clone(),
            last_modified: now.ceil_second(),
        });
        let object = assembled(open, whole, original);
        let stored = bin.place(object);
        bin.uploads.remove(&upload_key(upload));
        bin.remember(Completed {
            key: upload.object.key.clone(),
            id: upload.id.clone(),
            parts: listed(completion),
            at: now,
            stored: stored.clone(),
        });
        Ok(stored)
    }

    async fn abort_upload(&self, upload: &UploadPath) -> Result<()> {
        let mut state = self.state();
        let bin = state.bin_mut(&upload.object.bucket)?;
        bin.uploads.remove(&upload_key(upload)).map(|_| ()).ok_or(StoreError::NoSuchUpload)
    }

    async fn list_uploads(&self, bucket: &BucketName, query: &UploadsQuery) -> Result<UploadsPage> {
        let state = self.state();
        let bin = state.bin(bucket)?;
        let (start, marker) = match &query.after {
            None => (Start::Beginning, None),
            Some((key, None)) => (Start::After(key.clone()), None),
            Some((key, Some(id))) => (Start::At(key.clone()), Some((key.as_str(), id))),
        };
        // The marker's own key goes on behind the marker's upload.
        let later = |open: &&OpenUpload| {
            marker.is_none_or(|(key, id)| open.upload.key.as_str() != key || open.upload.id > *id)
        };
        let roll = Roll::new(&query.prefix, query.delimiter.as_deref(), start, query.limit);
        let seek = |from: &[u8]| Ok::<_, Infallible>(bin.uploads_from(from).filter(later).map(Ok));
        let page = match fill_page(roll, seek, |open: &&OpenUpload| open.upload.key.as_str()) {
            Ok(page) => page,
            Err(never) => match never {},
        };
        let next = page.entries.last().filter(|_| page.more).map(|last| match last {
            Rolled::Item(open) => {
                (open.upload.key.as_str().to_owned(), Some(open.upload.id.clone()))
            }
            Rolled::Prefix(prefix) => (prefix.clone(), None),
        });
        let entry = |line: Rolled<&OpenUpload>| match line {
            Rolled::Item(open) => UploadEntry::Upload(Box::new(open.upload.clone())),
            Rolled::Prefix(prefix) => UploadEntry::CommonPrefix(prefix),
        };
        Ok(UploadsPage { entries: page.entries.into_iter().map(entry).collect(), next })
    }

    async fn expire_uploads(&self, deadline: Timestamp, limit: usize) -> Result<usize> {
        let mut state = self.state();
        let mut left = limit;
        for bin in state.buckets.values_mut() {
            bin.uploads.retain(|_, open| {
                let expired = left > 0 && open.upload.initiated < deadline;
                left -= usize::from(expired);
                !expired
            });
        }
        Ok(limit - left)
    }
}

impl MemoryStore {
    /// The upload may have ended while the part was on its way.
    fn store_part(
        &self,
        upload: &UploadPath,
        number: PartNumber,
        content: Bytes,
        digests: Digests,
    ) -> Result<PartSummary> {
        let mut state = self.state();
        let open = state.upload_mut(upload)?;
        let part = PartSummary {
            number,
            size: digests.size,
            etag: tag_of(open.encryption.as_ref(), &content, &digests),
            last_modified: self.stamp(),
            checksum: digests.checksum,
        };
        open.parts.insert(number, (part.clone(), content));
        Ok(part)
    }
}

impl OpenUpload {
    /// Whether the customer's key is the one that the upload was created with.
    fn check_key(&self, given: Option<&CustomerKey>) -> Result<()> {
        let needed = self.encryption.as_ref().and_then(Encryption::customer_key);
        match key_fault(needed, given) {
            None => Ok(()),
            Some(KeyFault::Missing) => Err(KeyFault::PartMissing.into()),
            Some(KeyFault::Unneeded) => Err(KeyFault::PartUnneeded.into()),
            Some(_) => Err(KeyFault::PartWrong.into()),
        }
    }
}

impl Bin {
    /// The answer of a completion that was given before.
    fn repeated(&self, at: &UploadPath, completion: &Completion, now: Timestamp) -> Result<Stored> {
        self.completed(&at.object.key, &at.id)
            .filter(|done| now.0 - done.at.0 <= REPEATABLE_MILLIS)
            .filter(|done| done.parts == listed(completion))
            .map(|done| done.stored.clone())
            .ok_or(StoreError::NoSuchUpload)
    }
}

fn listed(completion: &Completion) -> Vec<(PartNumber, ETag)> {
    completion.parts.iter().map(|part| (part.number, part.etag.clone())).collect()
}

fn assembled(open: &OpenUpload, whole: Assembled, original: Original) -> Object {
    let mut content = BytesMut::new();
    let contents = whole.parts.iter().filter_map(|part| open.parts.get(&part.number));
    contents.for_each(|(_, bytes)| content.extend_from_slice(bytes));
    let parts: Vec<ObjectPart> = (1..)
        .zip(&whole.parts)
        .map(|(number, part)| ObjectPart {
            number,
            size: part.size,
            checksum: part.checksum.clone(),
        })
        .collect();
    let info = ObjectInfo {
        key: open.upload.key.clone(),
        version: VersionId::Null,
        size: whole.size,
        etag: original.etag,
        last_modified: original.last_modified,
        metadata: open.upload.metadata.clone(),
        checksum: whole.checksum,
        tag_count: u32::try_from(open.tags.len()).unwrap_or(u32::MAX),
        parts_count: u32::try_from(parts.len()).ok(),
        replication: None,
        encryption: open.encrypted,
    };
    let key = open.encryption.as_ref().and_then(Encryption::customer_key).cloned();
    let (tags, acl) = (open.tags.clone(), open.acl.clone());
    Object { info, tags, acl, content: content.freeze(), parts, key }
}

/// The range of a part copy is never cut to the source: it lies inside or is refused.
fn part_range(size: u64, range: Option<(u64, u64)>) -> Result<ByteRange> {
    match range {
        None => Ok(ByteRange::whole(size)),
        Some((first, last)) if first <= last && last < size => {
            Ok(ByteRange { offset: first, length: last - first + 1 })
        }
        Some(_) => Err(StoreError::SourceRange { size }),
    }
}
