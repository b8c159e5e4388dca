//! CompleteMultipartUpload.

use aws_sdk_s3::operation::complete_multipart_upload::CompleteMultipartUploadOutput;
use aws_sdk_s3::types::{CompletedMultipartUpload, CompletedPart as SdkPart};

use super::answer::Fault;
use super::checksum::{self, sdk_kind, texts, with_checksum};
use super::multipart::summary;
use super::operation::Operation;
use super::{UpstreamStore, version_told, write_headers};
use crate::object::{
    ChecksumChoice, ChecksumKind, CompletedPart, Completion, CompletionError, ETag, ObjectInfo,
    ObjectMetadata, PartSummary, VersionId, WriteCondition, plan_completion,
};
use crate::store::{GetRequest, Multipart as _, Result, StoreError, Stored, UploadPath};

/// Codes of a completion that is refused for what it lists.
const REFUSALS: [&str; 7] = [
    "BadDigest",
    "EntityTooSmall",
    "InvalidArgument",
    "InvalidPart",
    "InvalidPartOrder",
    "InvalidRequest",
    "MalformedXML",
];

impl UpstreamStore {
    /// Completes an upload. What became of it is read back, because the service's answer tells
    /// little; where that fails, the size stands as the client gave it, or as 0.
    pub(super) async fn complete(
        &self,
        upload: &UploadPath,
        completion: &Completion,
        condition: Option<&WriteCondition>,
    ) -> Result<Stored> {
        self.check_supported(condition)?;
        let (asked, id) = self.asked_of(Operation::CompleteMultipartUpload, upload)?;
        if completion.parts.is_empty() {
            self.parts_once(upload, 0, 1).await?;
            return Err(CompletionError::Empty.into());
        }
        let (if_match, if_none_match) = write_headers(condition);
        let parts = completion.parts.iter().map(|part| self.sdk_part(part)).collect();
        let size = completion.object_size.and_then(|size| i64::try_from(size).ok());
        let mut call = self
            .clients
            .patient
            .complete_multipart_upload()
            .bucket(&asked.bucket)
            .key(asked.key(&upload.object))
            .upload_id(id)
            .multipart_upload(CompletedMultipartUpload::builder().set_parts(Some(parts)).build())
            .set_if_match(if_match)
            .set_if_none_match(if_none_match)
            .set_mpu_object_size(size);
        if self.options.quirks.checksums {
            call = call.set_checksum_type(completion.checksum_kind.map(sdk_kind));
            if let Some(value) = &completion.checksum {
                let text = self.whole_text(upload, completion, value.to_base64()).await;
                call = with_checksum!(call, value.algorithm, text);
            }
        }
        match call.send().await.map_err(Fault::from) {
            Ok(out) => {
                self.choices.forget(upload);
                Ok(self.completed(upload, completion, &out).await)
            }
            Err(fault) if REFUSALS.iter().any(|code| fault.has_code(code)) => {
                Err(match self.why_refused(upload, completion).await {
                    Some(error) => error,
                    None => self.refuse(&asked, fault),
                })
            }
            Err(fault) => Err(self.refuse_write(&asked, condition, fault)),
        }
    }

    fn sdk_part(&self, part: &CompletedPart) -> SdkPart {
        let sdk =
            SdkPart::builder().part_number(i32::from(part.number.get())).e_tag(part.etag.quoted());
        match part.checksum.as_ref().filter(|_| self.options.quirks.checksums) {
            Some(value) => with_checksum!(sdk, value.algorithm, value.to_base64()).build(),
            None => sdk.build(),
        }
    }

    /// The whole's checksum as the service reads it: a composite one ends in the number of parts.
    async fn whole_text(
        &self,
        upload: &UploadPath,
        completion: &Completion,
        base64: String,
    ) -> String {
        let kind = match completion.checksum_kind {
            Some(kind) => Some(kind),
            None => self.upload_checksum(upload).await.ok().map(|choice| choice.kind),
        };
        match kind {
            Some(ChecksumKind::Composite) => format!("{base64}-{}", completion.parts.len()),
            _ => base64,
        }
    }

    /// The exact fault of a completion that was refused: the rules, applied to the parts that the
    /// service has.
    async fn why_refused(
        &self,
        upload: &UploadPath,
        completion: &Completion,
    ) -> Option<StoreError> {
        match self.all_parts(upload).await {
            Ok((choice, parts)) => {
                plan_completion(choice, &parts, completion).err().map(StoreError::from)
            }
            Err(StoreError::NoSuchUpload) => Some(StoreError::NoSuchUpload),
            Err(_) => None,
        }
    }

    async fn all_parts(&self, upload: &UploadPath) -> Result<(ChecksumChoice, Vec<PartSummary>)> {
        let mut parts: Vec<PartSummary> = Vec::new();
        let mut after = 0;
        loop {
            let out = self.parts_once(upload, after, 1000).await?;
            parts.extend(out.parts().iter().filter_map(summary));
            let last = parts.last().map_or(0, |part| u32::from(part.number.get()));
            if !out.is_truncated().unwrap_or_default() || last <= after {
                let told = checksum::choice(out.checksum_algorithm(), out.checksum_type());
                return Ok((self.choices.get(upload).unwrap_or(told), parts));
            }
            after = last;
        }
    }

    /// The object as it was read back, if it is still the one that was completed.
    async fn completed(
        &self,
        upload: &UploadPath,
        completion: &Completion,
        out: &CompleteMultipartUploadOutput,
    ) -> Stored {
        let etag = ETag::parse(out.e_tag().unwrap_or_default());
        let version = version_told(out.version_id());
        let request = GetRequest { version, ..GetRequest::default() };
        if let Ok(head) = self.head(&upload.object, &request).await
            && head.object.etag == etag
        {
            return Stored { object: head.object, version };
        }
        let object = ObjectInfo {
            key: upload.object.key.clone(),
            version: version.unwrap_or(VersionId::Null),
            size: completion.object_size.unwrap_or_default(),
            etag,
            last_modified: self.stamp(),
            metadata: ObjectMetadata::default(),
            checksum: checksum::whole(texts!(out), out.checksum_type()),
            tag_count: 0,
            parts_count: u32::try_from(completion.parts.len()).ok(),
            replication: None,
        };
        Stored { object, version }
    }
}
