//! Copies within the service: of objects, and of ranges into parts.
//!
//! The source's head is read first, because the service neither tells its size nor limits it. Its
//! conditions are judged on that head, and the copy is tied to the same entity tag, so that what
//! is copied is what was judged.

use aws_sdk_s3::operation::copy_object::CopyObjectOutput;
use aws_sdk_s3::types::{MetadataDirective, TaggingDirective};

use super::answer::Fault;
use super::checksum::{self, sdk_algorithm, texts};
use super::encryption::{encrypted, with_customer_key, with_source_key};
use super::metadata::{Wire, tagging, with_metadata};
use super::operation::{Asked, Operation};
use super::tied::Tied;
use super::{UpstreamStore, timestamp, version_text, version_told};
use crate::object::percent::{self, Slash};
use crate::object::{
    CustomerKey, ETag, Encryption, ObjectInfo, ObjectMetadata, PartNumber, PartSummary,
    ReadConditions, ReadVerdict, VersionId,
};
use crate::store::{
    CopyPartRequest, CopyRequest, GetRequest, ObjectPath, Result, StoreError, Stored, UploadPath,
};

impl UpstreamStore {
    /// CopyObject.
    pub(super) async fn copy(
        &self,
        source: &ObjectPath,
        target: &ObjectPath,
        request: CopyRequest,
    ) -> Result<Stored> {
        self.check_tags(request.tags.as_ref().is_some_and(|tags| !tags.is_empty()))?;
        self.canned(request.acl.as_ref())?;
        let key = request.source_key.as_ref();
        let from = self.source(source, request.source_version, &request.source_conditions, key);
        let from = from.await?;
        let (size, limit) = (from.size, request.size_limit);
        if size > limit {
            return Err(StoreError::SourceTooLarge { size, limit });
        }
        let tied = self.tie(target, request.condition.clone()).await?;
        let asked = self.asked_about(Operation::CopyObject, target)?;
        let out = self.send_copy(&asked, source, target, &request, &from, &tied).await;
        let out = out.map_err(|fault| self.refuse_copy(&asked, &tied, fault))?;
        Ok(copied(&out, target, request, from, self.stamp()))
    }

    async fn send_copy(
        &self,
        asked: &Asked,
        source: &ObjectPath,
        target: &ObjectPath,
        request: &CopyRequest,
        from: &ObjectInfo,
        tied: &Tied,
    ) -> std::result::Result<CopyObjectOutput, Fault> {
        let onto_itself = source == target && request.source_version.is_none();
        let mut call = self
            .clients
            .patient
            .copy_object()
            .bucket(&asked.bucket)
            .key(asked.key(target))
            .copy_source(self.copy_source(source, request.source_version))
            .copy_source_if_match(from.etag.quoted())
            .set_if_match(tied.if_match())
            .set_if_none_match(tied.if_none_match())
            .set_checksum_algorithm(request.checksum.map(sdk_algorithm))
            // That it can be sent was seen before.
            .set_acl(self.canned(request.acl.as_ref()).unwrap_or_default())
            .set_server_side_encryption(self.sse(request.encryption.as_ref()));
        let key = request.encryption.as_ref().and_then(Encryption::customer_key);
        call = with_customer_key!(call, key);
        call = with_source_key!(call, request.source_key.as_ref());
        if let Some(tags) = &request.tags {
            let directive = TaggingDirective::Replace;
            call = call.tagging_directive(directive).set_tagging(tagging(tags));
        }
        // An object may not be copied onto itself as it is.
        let replaced = request.metadata.as_ref().or(onto_itself.then_some(&from.metadata));
        let kept = Wire::new(&from.metadata);
        let wire = replaced.map(Wire::new);
        let call = match &wire {
            Some(wire) => {
                with_metadata!(call.metadata_directive(MetadataDirective::Replace), wire)
            }
            // These two are never copied along.
            None => call
                .set_storage_class(kept.storage_class.as_deref().map(Into::into))
                .set_website_redirect_location(kept.website_redirect_location.clone()),
        };
        let call = call.customize().mutate_request(wire.unwrap_or_default().finish());
        Ok(call.send().await?)
    }

    /// UploadPartCopy.
    pub(super) async fn copy_into_part(
        &self,
        source: &ObjectPath,
        upload: &UploadPath,
        number: PartNumber,
        request: CopyPartRequest,
    ) -> Result<PartSummary> {
        let (asked, id) = self.asked_of(Operation::UploadPartCopy, upload)?;
        let key = request.source_key.as_ref();
        let from = self.source(source, request.source_version, &request.source_conditions, key);
        let from = from.await?;
        let size = part_size(from.size, request.range)?;
        if size > request.size_limit {
            return Err(StoreError::SourceTooLarge { size, limit: request.size_limit });
        }
        let call = self
            .clients
            .patient
            .upload_part_copy()
            .bucket(&asked.bucket)
            .key(asked.key(&upload.object))
            .upload_id(id)
            .part_number(i32::from(number.get()))
            .copy_source(self.copy_source(source, request.source_version))
            .copy_source_if_match(from.etag.quoted())
            .set_copy_source_range(
                request.range.map(|(first, last)| format!("bytes={first}-{last}")),
            );
        let call = with_customer_key!(call, request.key.as_ref());
        let call = with_source_key!(call, key);
        let out =
            call.send().await.map_err(|error| self.refuse_copy(&asked, &Tied::default(), error))?;
        let result = out.copy_part_result();
        let etag = result.and_then(|part| part.e_tag()).unwrap_or_default();
        Ok(PartSummary {
            number,
            size,
            etag: ETag::parse(etag),
            last_modified: result
                .and_then(|part| part.last_modified())
                .map_or_else(|| self.stamp(), timestamp),
            checksum: result.and_then(|part| checksum::of_part(texts!(part))),
        })
    }

    /// The source's head, if its conditions hold.
    async fn source(
        &self,
        at: &ObjectPath,
        version: Option<VersionId>,
        conditions: &ReadConditions,
        key: Option<&CustomerKey>,
    ) -> Result<ObjectInfo> {
        let whole = GetRequest { version, key: key.cloned(), ..GetRequest::default() };
        let head = self.head(at, &whole).await.map_err(|error| match error {
            StoreError::CustomerKey(fault) => StoreError::SourceKey(fault),
            other => other,
        });
        let object = head?.object;
        let now = self.clock.now();
        match conditions.evaluate_copy(&object.etag, object.last_modified, now) {
            ReadVerdict::Failed(header) => Err(StoreError::PreconditionFailed(header)),
            ReadVerdict::Proceed | ReadVerdict::NotModified => Ok(object),
        }
    }

    /// The header that names the source, which was asked for before.
    fn copy_source(&self, at: &ObjectPath, version: Option<VersionId>) -> String {
        let asked = self.asked(Operation::GetObject, &at.bucket);
        let path = percent::encode(format!("{}/{}", asked.bucket, asked.key(at)), Slash::Keep);
        match version_text(version) {
            Some(version) => format!("{path}?versionId={version}"),
            None => path,
        }
    }
}

/// The object that a copy made.
fn copied(
    out: &CopyObjectOutput,
    target: &ObjectPath,
    request: CopyRequest,
    from: ObjectInfo,
    now: crate::object::Timestamp,
) -> Stored {
    let result = out.copy_object_result();
    let etag = ETag::parse(result.and_then(|copy| copy.e_tag()).unwrap_or_default());
    let tags = request.tags.map(|tags| u32::try_from(tags.len()).unwrap_or(u32::MAX));
    let metadata: ObjectMetadata = request.metadata.unwrap_or(from.metadata);
    let object = ObjectInfo {
        key: target.key.clone(),
        version: version_told(out.version_id()).unwrap_or(VersionId::Null),
        size: from.size,
        parts_count: super::read::parts_count(&etag),
        etag,
        last_modified: result.and_then(|copy| copy.last_modified()).map_or(now, timestamp),
        metadata,
        checksum: result.and_then(|copy| checksum::whole(texts!(copy), copy.checksum_type())),
        tag_count: tags.unwrap_or(from.tag_count),
        replication: None,
        encryption: encrypted!(out),
    };
    Stored { object, version: version_told(out.version_id()) }
}

/// The range of a part copy is never cut to the source: it lies inside or is refused.
fn part_size(size: u64, range: Option<(u64, u64)>) -> Result<u64> {
    match range {
        None => Ok(size),
        Some((first, last)) if first <= last && last < size => Ok(last - first + 1),
        Some(_) => Err(StoreError::SourceRange { size }),
    }
}
