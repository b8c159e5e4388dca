//! CompleteMultipartUpload.

use aws_sdk_s3::operation::complete_multipart_upload::CompleteMultipartUploadOutput;
use aws_sdk_s3::types::{CompletedMultipartUpload, CompletedPart as SdkPart};

use super::answer::Fault;
use super::checksum::{self, sdk_kind, texts, with_checksum};
use super::encryption::with_customer_key;
use super::multipart::summary;
use super::operation::Operation;
use super::{UpstreamStore, version_told};
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
        condition: Option<WriteCondition>,
    ) -> Result<Stored> {
        let (asked, id) = self.asked_of(Operation::CompleteMultipartUpload, upload)?;
        if completion.parts.is_empty() {
            self.parts_once(upload, 0, 1).await?;
            return Err(CompletionError::Empty.into());
        }
        let tied = self.tie(&upload.object, condition).await?;
        let named = self.named_checksum(upload, completion).await?;
        let parts = completion.parts.iter().map(|part| sdk_part(part, named)).collect();
        let size = completion.object_size.and_then(|size| i64::try_from(size).ok());
        let mut call = self
            .clients
            .patient
            .complete_multipart_upload()
            .bucket(&asked.bucket)
            .key(asked.key(&upload.object))
            .upload_id(id)
            .multipart_upload(CompletedMultipartUpload::builder().set_parts(Some(parts)).build())
            .set_if_match(tied.if_match())
            .set_if_none_match(tied.if_none_match())
            .set_mpu_object_size(size);
        call = with_customer_key!(call, completion.key.as_ref());
        if self.options.quirks.checksums {
            call = call.set_checksum_type(completion.checksum_kind.map(sdk_kind));
            if let Some(value) = &completion.checksum {
                let text = whole_text(named, completion, value.to_base64());
                call = with_checksum!(call, value.algorithm, text);
            }
        }
        match call.send().await.map_err(Fault::from) {
            Ok(out) => {
                self.choices.forget(upload);
                Ok(self.completed(upload, completion, &out).await)
            }
            Err(fault) => {
                let error = if REFUSALS.iter().any(|code| fault.has_code(code)) {
                    let why = self.why_refused(upload, completion).await;
                    why.unwrap_or_else(|| self.refuse(&asked, fault))
                } else {
                    let failed = fault.answer().is_some_and(|answer| answer.status >= 500);
                    match self.refuse_write(&asked, &tied, fault) {
                        // The upload may be done all the same, or be unknown to a service that
                        // fails over that.
                        _ if failed && self.is_gone(upload).await => StoreError::NoSuchUpload,
                        error => error,
                    }
                };
                match error {
                    StoreError::NoSuchUpload => self.repeated(upload, completion).await,
                    error => Err(error),
                }
            }
        }
    }

    /// Whether the service says that it has no such upload.
    async fn is_gone(&self, upload: &UploadPath) -> bool {
        matches!(self.parts_once(upload, 0, 1).await, Err(StoreError::NoSuchUpload))
    }

    /// The answer to a completion of an upload that is gone. S3 answers one that is repeated as it
    /// did the first time; services that forgot the upload don't. The object tells: the ETag of a
    /// completed upload follows from its parts'.
    async fn repeated(&self, upload: &UploadPath, completion: &Completion) -> Result<Stored> {
        let md5s: Option<Vec<_>> = completion.parts.iter().map(|part| part.etag.md5()).collect();
        let expected = ETag::multipart(md5s.ok_or(StoreError::NoSuchUpload)?);
        let request = GetRequest { key: completion.key.clone(), ..GetRequest::default() };
        let head = self.head(&upload.object, &request).await;
        match head {
            Ok(head) if head.object.etag == expected => {
                let version = Some(head.object.version);
                let version = version.filter(|version| *version != VersionId::Null);
                Ok(Stored { object: head.object, version })
            }
            Err(error @ StoreError::Unavailable { .. }) => Err(error),
            _ => Err(StoreError::NoSuchUpload),
        }
    }

    /// The checksum that the upload's creator named, where the parts' checksums can be compared by
    /// the service. It does not compare those of other uploads, and some refuse them: these are
    /// compared here, as far as the service knows them.
    async fn named_checksum(
        &self,
        upload: &UploadPath,
        completion: &Completion,
    ) -> Result<Option<ChecksumChoice>> {
        let any = completion.parts.iter().any(|part| part.checksum.is_some());
        if !self.options.quirks.checksums || !any && completion.checksum.is_none() {
            return Ok(None);
        }
        match self.upload_choice(upload).await {
            Ok(choice) if choice.checksum.explicit => return Ok(Some(choice.checksum)),
            // It may have been completed already, and be asked for again.
            Err(StoreError::NoSuchUpload) => return Ok(None),
            choice => choice?,
        };
        if any {
            match self.all_parts(upload).await {
                Ok((_, stored)) => compare(&stored, &completion.parts)?,
                // A competing completion came first.
                Err(StoreError::NoSuchUpload) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(None)
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
                let known = self.choices.get(upload).map(|choice| choice.checksum);
                return Ok((known.unwrap_or(told), parts));
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
        let key = completion.key.clone();
        let request = GetRequest { version, key, ..GetRequest::default() };
        let listed = match self.head(&upload.object, &request).await {
            Ok(head) if head.object.etag == etag => {
                return Stored { object: head.object, version };
            }
            // Clients need not bring the key here.
            Err(StoreError::CustomerKey(_)) => self.listed(&upload.object).await.ok(),
            _ => None,
        };
        let listed = listed.filter(|(tag, ..)| *tag == etag);
        let told = super::encryption::told(
            out.server_side_encryption(),
            listed.as_ref().map(|_| super::encryption::ALGORITHM),
        );
        let (size, last_modified) = match listed {
            Some((_, size, last_modified)) => (size, last_modified),
            None => (completion.object_size.unwrap_or_default(), self.stamp()),
        };
        let object = ObjectInfo {
            key: upload.object.key.clone(),
            version: version.unwrap_or(VersionId::Null),
            size,
            etag,
            last_modified,
            metadata: ObjectMetadata::default(),
            checksum: checksum::whole(texts!(out), out.checksum_type()),
            tag_count: 0,
            parts_count: u32::try_from(completion.parts.len()).ok(),
            replication: None,
            encryption: told,
        };
        Stored { object, version }
    }
}

fn sdk_part(part: &CompletedPart, named: Option<ChecksumChoice>) -> SdkPart {
    let sdk =
        SdkPart::builder().part_number(i32::from(part.number.get())).e_tag(part.etag.quoted());
    match part.checksum.as_ref().filter(|_| named.is_some()) {
        Some(value) => with_checksum!(sdk, value.algorithm, value.to_base64()).build(),
        None => sdk.build(),
    }
}

/// The whole's checksum as the service reads it: a composite one ends in the number of parts.
fn whole_text(named: Option<ChecksumChoice>, completion: &Completion, base64: String) -> String {
    match completion.checksum_kind.or(named.map(|choice| choice.kind)) {
        Some(ChecksumKind::Composite) => format!("{base64}-{}", completion.parts.len()),
        _ => base64,
    }
}

/// Holds the client's checksums of parts against the service's.
fn compare(stored: &[PartSummary], wanted: &[CompletedPart]) -> Result<()> {
    for part in wanted {
        let found = stored.binary_search_by_key(&part.number, |stored| stored.number).ok();
        let found = found.and_then(|at| stored.get(at)).and_then(|part| part.checksum.as_ref());
        if let (Some(found), Some(given)) = (found, &part.checksum)
            && found.algorithm == given.algorithm
            && found != given
        {
            let (number, etag) = (part.number.get(), part.etag.clone());
            return Err(CompletionError::Part { number, etag }.into());
        }
    }
    Ok(())
}
