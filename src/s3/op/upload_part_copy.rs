//! UploadPartCopy: `PUT /bucket/key?partNumber=&uploadId=` with `x-amz-copy-source`.

use std::sync::Arc;

use super::Execute;
use crate::auth::Sealed;
use crate::object::{PartNumber, PartSummary};
use crate::s3::context::Context;
use crate::s3::copy_source::{self, CopySource, SOURCE_VERSION_ID};
use crate::s3::error::S3Error;
use crate::s3::header::{self, Head};
use crate::s3::keep_alive::{self, Patience};
use crate::s3::listing::write_checksum_value;
use crate::s3::multipart;
use crate::s3::object_reply;
use crate::s3::reply::Reply;
use crate::s3::xml::Writer;
use crate::store::{CopyPartRequest, UploadPath};

/// A request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct UploadPartCopy {
    upload: UploadPath,
    number: PartNumber,
    source: CopySource,
    request: CopyPartRequest,
}

impl Execute for UploadPartCopy {
    fn parse(head: &Head) -> Result<Self, S3Error> {
        header::refuse_unserved(head)?;
        let source = copy_source::of(head)?;
        Ok(Self {
            upload: multipart::upload_path(head)?,
            number: multipart::part_number(head)?,
            request: CopyPartRequest {
                source_version: source.version,
                source_conditions: header::copy_conditions(head),
                range: source_range(head)?,
                size_limit: copy_source::MAX_COPY_SIZE,
                source_key: header::source_key(head)?,
                key: header::customer_key(head)?,
            },
            source,
        })
    }

    async fn run(mut self, ctx: &Context, _: Sealed) -> Result<Reply, S3Error> {
        self.source.authorize(ctx).await?;
        let Self { upload, number, source, request } = self;
        let store = Arc::clone(&ctx.store);
        let version = request.source_version;
        let encrypted = store.upload_choice(&upload).await?.encryption;
        let key = request.key.clone();
        let conditions = request.source_conditions.clone();
        let work = async move {
            let part = store.copy_part(&source.object, &upload, number, request).await;
            part.map_err(|error| source.fault(error, &conditions))
        };
        let headers = move |reply: Reply, _: &PartSummary| {
            let reply = reply.optional(SOURCE_VERSION_ID, object_reply::version(version));
            header::tell_encryption(reply, encrypted, key.as_ref())
        };
        let patience = Patience::default();
        keep_alive::answer(ctx, patience, "CopyPartResult", work, headers, write_result).await
    }
}

fn write_result(writer: &mut Writer, part: &PartSummary) {
    writer.text("LastModified", &part.last_modified.iso8601());
    writer.text("ETag", &part.etag.quoted());
    if let Some(checksum) = &part.checksum {
        write_checksum_value(writer, checksum);
    }
}

/// Reads `x-amz-copy-source-range`, which unlike `Range` is never ignored.
fn source_range(head: &Head) -> Result<Option<(u64, u64)>, S3Error> {
    const NAME: &str = "x-amz-copy-source-range";
    let Some(text) = head.header(NAME) else { return Ok(None) };
    copy_source::parse_range(&text).map(Some).ok_or_else(|| {
        let message = "The x-amz-copy-source-range value must be of the form bytes=first-last \
                       where first and last are the zero-based offsets of the first and last bytes \
                       to copy";
        S3Error::invalid_argument(NAME, text, message)
    })
}
