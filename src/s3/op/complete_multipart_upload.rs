//! CompleteMultipartUpload: `POST /bucket/key?uploadId=`.

use std::sync::Arc;

use http::HeaderName;

use super::Execute;
use crate::auth::Sealed;
use crate::object::percent::{self, Slash};
use crate::object::{
    Algorithm, ChecksumKind, ChecksumValue, CompletedPart, Completion, CompletionError,
    CustomerKey, ETag, PartNumber, WriteCondition,
};
use crate::s3::context::Context;
use crate::s3::document::{self, Digest};
use crate::s3::error::{Code, S3Error};
use crate::s3::header::{self, Head, Integrity};
use crate::s3::judged::examine_parts;
use crate::s3::keep_alive::{self, Patience};
use crate::s3::lifecycle;
use crate::s3::listing::write_checksum;
use crate::s3::multipart;
use crate::s3::object_reply;
use crate::s3::reply::Reply;
use crate::s3::xml::{CompletionDocument, CompletionPart, Writer};
use crate::store::{ObjectPath, Stored, UploadPath};

const VERSION_ID: HeaderName = HeaderName::from_static("x-amz-version-id");

/// A request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct CompleteMultipartUpload {
    upload: UploadPath,
    /// What the document must come to. The checksum headers speak of the object.
    document: Integrity,
    condition: Option<WriteCondition>,
    checksum: Option<(Algorithm, String)>,
    checksum_kind: Option<ChecksumKind>,
    object_size: Option<u64>,
    /// The upload's, for upload rules to look into it and for its completion.
    key: Option<CustomerKey>,
    location: String,
}

impl Execute for CompleteMultipartUpload {
    fn parse(head: &Head) -> Result<Self, S3Error> {
        let upload = multipart::upload_path(head)?;
        Ok(Self {
            document: Integrity::parse_md5(head)?,
            condition: header::write_condition(head)?,
            checksum: header::checksum_text(head)?,
            checksum_kind: header::checksum_kind(head)?,
            object_size: object_size(head)?,
            key: header::completing_key(head)?,
            location: location(head, &upload),
            upload,
        })
    }

    async fn run(self, ctx: &Context, body: Sealed) -> Result<Reply, S3Error> {
        let body = document::read(body, self.document.clone(), Digest::Optional).await?;
        let completion = self.completion(&CompletionDocument::parse(&body)?)?;
        let Self { upload, condition, location, key, .. } = self;
        let store = Arc::clone(&ctx.store);
        let object = upload.object.clone();
        let rules = Arc::clone(&ctx.rules);
        let examined = key.clone();
        let beside = ctx.clone();
        let work = async move {
            examine_parts(&*store, &rules, &upload, &completion, examined.as_ref()).await?;
            let stored = store.complete_upload(&upload, &completion, condition).await?;
            let at = &upload.object;
            let expiration = lifecycle::expiration(&beside, at, &stored.object, None).await;
            Ok((stored, expiration))
        };
        let headers = move |reply: Reply, (stored, expiration): &(Stored, Option<String>)| {
            let reply = lifecycle::tell_expiration(reply, expiration.clone());
            let reply = reply.optional(VERSION_ID, object_reply::version(stored.version));
            header::tell_encryption(reply, stored.object.encryption, key.as_ref())
        };
        let write = move |writer: &mut Writer, (stored, _): &(Stored, Option<String>)| {
            writer.text("Location", &location);
            writer.text("Bucket", object.bucket.as_str());
            writer.text("Key", object.key.as_str());
            writer.text("ETag", &stored.object.etag.quoted());
            if let Some(checksum) = &stored.object.checksum {
                write_checksum(writer, checksum);
            }
        };
        let patience = Patience::default();
        let root = "CompleteMultipartUploadResult";
        keep_alive::answer(ctx, patience, root, work, headers, write).await
    }
}

impl CompleteMultipartUpload {
    /// What the client asks of the object, from the headers and the document.
    fn completion(&self, document: &CompletionDocument) -> Result<Completion, S3Error> {
        let parts = document.parts.iter().map(completed_part).collect::<Result<Vec<_>, _>>()?;
        let checksum = match &self.checksum {
            Some((algorithm, text)) => Some(whole_checksum(*algorithm, text, parts.len())?),
            None => None,
        };
        let (checksum_kind, object_size) = (self.checksum_kind, self.object_size);
        let key = self.key.clone();
        Ok(Completion { parts, checksum, checksum_kind, object_size, original: None, key })
    }
}

/// Reads `x-amz-mp-object-size`.
fn object_size(head: &Head) -> Result<Option<u64>, S3Error> {
    let Some(text) = head.header("x-amz-mp-object-size") else { return Ok(None) };
    text.trim()
        .parse()
        .map(Some)
        .map_err(|_| S3Error::invalid_request("Value for x-amz-mp-object-size header is invalid."))
}

/// The object's address as the client reached it.
fn location(head: &Head, upload: &UploadPath) -> String {
    let origin = head.origin();
    let ObjectPath { bucket, key } = &upload.object;
    let path = if head.target().virtual_host {
        percent::encode(key.as_str(), Slash::Keep)
    } else {
        percent::encode(format!("{bucket}/{key}"), Slash::Keep)
    };
    format!("{origin}/{path}")
}

/// A number below 1 is no part number at all; one above 10,000 is that of no part there is.
fn completed_part(part: &CompletionPart) -> Result<CompletedPart, S3Error> {
    let etag = ETag::parse(&part.etag);
    if part.number < 1 {
        return Err(S3Error::invalid_argument(
            "PartNumber",
            part.number.to_string(),
            "Part number must be an integer between 1 and 10000, inclusive",
        ));
    }
    let Some(number) = u16::try_from(part.number).ok().and_then(PartNumber::new) else {
        return Err(S3Error::new(Code::InvalidPart)
            .with("PartNumber", part.number.to_string())
            .with("ETag", etag.as_str()));
    };
    let checksum = match part.checksums.as_slice() {
        [] => None,
        [given] => ChecksumValue::parse(given.algorithm, &given.value)
            .map(Some)
            .map_err(|_| CompletionError::Part { number: number.get(), etag: etag.clone() })?,
        _ => {
            return Err(S3Error::invalid_request(
                "Expecting a single checksum for each part. Multiple checksum types are not \
                 allowed.",
            ));
        }
    };
    Ok(CompletedPart { number, etag, checksum })
}

/// The checksum that the whole object must have. What cannot be one is not the object's: S3
/// answers `BadDigest` here, not `InvalidRequest` as for a body's checksum.
fn whole_checksum(
    algorithm: Algorithm,
    text: &str,
    parts: usize,
) -> Result<ChecksumValue, CompletionError> {
    match ChecksumValue::parse_whole(algorithm, text) {
        Ok((value, None)) => Ok(value),
        Ok((value, Some(count))) if usize::try_from(count) == Ok(parts) => Ok(value),
        _ => Err(CompletionError::Checksum),
    }
}
