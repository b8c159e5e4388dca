//! The store's calls about uploads in parts. Ids are the service's.

use async_trait::async_trait;
use aws_sdk_s3::operation::list_parts::ListPartsOutput;
use aws_sdk_s3::types::Part;

use super::checksum::{self, sdk_algorithm, sdk_kind, texts};
use super::encryption::{encrypted, with_customer_key};
use super::metadata::{Wire, storage_class, tagging, with_metadata};
use super::operation::{Asked, Operation};
use super::root_name::RootName;
use super::{UpstreamStore, page_length, size, timestamp, upload_id};
use crate::body::Payload;
use crate::object::{
    BucketName, Completion, CustomerKey, ETag, Encryption, ObjectMetadata, PartNumber, PartSummary,
    PartsPage, PartsQuery, Timestamp, Upload, UploadId, UploadsPage, UploadsQuery, WriteCondition,
};
use crate::store::{
    CopyPartRequest, Multipart, NewUpload, ObjectPath, Result, StoreError, Stored, UploadChoice,
    UploadPath,
};

#[async_trait]
impl Multipart for UpstreamStore {
    /// The service orders the uploads of a key by their start, but not its ids.
    async fn create_upload(&self, at: &ObjectPath, new: NewUpload) -> Result<UploadId> {
        self.check_tags(!new.tags.is_empty())?;
        let acl = self.canned(new.acl.as_ref())?;
        let asked = self.asked_about(Operation::CreateMultipartUpload, at)?;
        let named =
            Some(new.checksum).filter(|choice| choice.explicit && self.options.quirks.checksums);
        let wire = Wire::new(&new.metadata);
        let call = self
            .clients
            .once
            .create_multipart_upload()
            .bucket(&asked.bucket)
            .key(asked.key(at))
            .set_tagging(tagging(&new.tags))
            .set_acl(acl)
            .set_checksum_algorithm(named.map(|choice| sdk_algorithm(choice.algorithm)))
            .set_checksum_type(named.map(|choice| sdk_kind(choice.kind)))
            .set_server_side_encryption(self.sse(new.encryption.as_ref()));
        let key = new.encryption.as_ref().and_then(Encryption::customer_key);
        let call = with_customer_key!(call, key);
        let call = with_metadata!(call, wire).customize().mutate_request(wire.finish());
        let out = call.send().await.map_err(|error| self.refuse(&asked, error))?;
        let Some(id) = out.upload_id().filter(|id| !id.is_empty()) else {
            return Err(self.site.unavailable(&asked, "the service gave no upload id"));
        };
        let id = upload_id::shown(id);
        let upload = UploadPath { object: at.clone(), id: id.clone() };
        let choice = UploadChoice { checksum: new.checksum, encryption: encrypted!(out) };
        self.choices.remember(&upload, choice);
        Ok(id)
    }

    async fn upload_choice(&self, upload: &UploadPath) -> Result<UploadChoice> {
        if let Some(choice) = self.choices.get(upload) {
            return Ok(choice);
        }
        let out = self.parts_once(upload, 0, 1).await?;
        let checksum = checksum::choice(out.checksum_algorithm(), out.checksum_type());
        // How it is encrypted is not told here.
        let choice = UploadChoice { checksum, encryption: None };
        self.choices.remember(upload, choice);
        Ok(choice)
    }

    async fn put_part(
        &self,
        upload: &UploadPath,
        number: PartNumber,
        body: Payload,
        key: Option<&CustomerKey>,
    ) -> Result<PartSummary> {
        self.upload_part(upload, number, body, key).await
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

    /// The service tells neither the upload's metadata nor when it was started.
    async fn list_parts(&self, upload: &UploadPath, query: &PartsQuery) -> Result<PartsPage> {
        let mut out = self.parts_once(upload, query.after, query.limit).await?;
        let choice = self.choices.get(upload).map(|choice| choice.checksum);
        let metadata = ObjectMetadata {
            storage_class: storage_class(
                out.storage_class().map(aws_sdk_s3::types::StorageClass::as_str),
            ),
            ..ObjectMetadata::default()
        };
        let shown = Upload {
            key: upload.object.key.clone(),
            id: upload.id.clone(),
            initiated: Timestamp(0),
            initiator: self.initiator(out.initiator()),
            metadata,
            checksum: choice
                .unwrap_or_else(|| checksum::choice(out.checksum_algorithm(), out.checksum_type())),
        };
        let mut parts: Vec<PartSummary> = Vec::new();
        let more = loop {
            let room = query.limit - parts.len();
            let mut found = out.parts().iter().filter_map(summary);
            parts.extend(found.by_ref().take(room));
            if found.next().is_some() {
                break true;
            }
            let truncated = out.is_truncated().unwrap_or_default();
            match parts.last() {
                Some(last) if truncated && parts.len() < query.limit => {
                    let room = query.limit - parts.len();
                    out = self.parts_once(upload, last.number.get().into(), room).await?;
                }
                _ => break truncated,
            }
        };
        let next = parts.last().filter(|_| more).map(|last| u32::from(last.number.get()));
        Ok(PartsPage { upload: shown, owner: self.options.owner.clone(), parts, next })
    }

    async fn complete_upload(
        &self,
        upload: &UploadPath,
        completion: &Completion,
        condition: Option<WriteCondition>,
    ) -> Result<Stored> {
        self.complete(upload, completion, condition).await
    }

    async fn abort_upload(&self, upload: &UploadPath) -> Result<()> {
        let (asked, id) = self.asked_of(Operation::AbortMultipartUpload, upload)?;
        let call = self
            .clients
            .plain
            .abort_multipart_upload()
            .bucket(&asked.bucket)
            .key(asked.key(&upload.object))
            .upload_id(id);
        let out = call.send().await;
        self.choices.forget(upload);
        out.map(|_| ()).map_err(|error| self.refuse(&asked, error))
    }

    async fn list_uploads(&self, bucket: &BucketName, query: &UploadsQuery) -> Result<UploadsPage> {
        self.uploads(bucket, query).await
    }

    /// The service's uploads may be anyone's: its own lifecycle rules end them.
    async fn expire_uploads(&self, _: Timestamp, _: usize) -> Result<usize> {
        Ok(0)
    }
}

impl UpstreamStore {
    /// A question about an upload, and the service's id of it.
    pub(super) fn asked_of(
        &self,
        operation: Operation,
        upload: &UploadPath,
    ) -> Result<(Asked, String)> {
        let id = upload_id::meant(&upload.id).ok_or(StoreError::NoSuchUpload)?;
        Ok((self.asked_about(operation, &upload.object)?, id))
    }

    pub(super) async fn parts_once(
        &self,
        upload: &UploadPath,
        after: u32,
        limit: usize,
    ) -> Result<ListPartsOutput> {
        let (asked, id) = self.asked_of(Operation::ListParts, upload)?;
        let call = self
            .clients
            .plain
            .list_parts()
            .bucket(&asked.bucket)
            .key(asked.key(&upload.object))
            .upload_id(id)
            .set_part_number_marker((after > 0).then(|| after.to_string()))
            .max_parts(page_length(limit))
            .customize()
            .interceptor(RootName);
        call.send().await.map_err(|error| self.refuse(&asked, error))
    }
}

/// A part as the service lists it.
pub(super) fn summary(part: &Part) -> Option<PartSummary> {
    Some(PartSummary {
        number: PartNumber::new(u16::try_from(part.part_number()?).ok()?)?,
        size: size(part.size()),
        etag: ETag::parse(part.e_tag().unwrap_or_default()),
        last_modified: part.last_modified().map_or(Timestamp(0), timestamp),
        checksum: checksum::of_part(texts!(part)),
    })
}
