//! ListMultipartUploads: `GET /bucket?uploads`.

use super::Execute;
use super::list_parts::write_choice;
use crate::auth::Sealed;
use crate::object::{BucketName, Owner, Upload, UploadEntry, UploadId, UploadsPage, UploadsQuery};
use crate::s3::context::Context;
use crate::s3::error::S3Error;
use crate::s3::header::Head;
use crate::s3::initiator;
use crate::s3::listing::{
    Encoding, parse_limit, write_common_prefix, write_owner, write_storage_class,
};
use crate::s3::reply::Reply;
use crate::s3::xml::Writer;

/// A request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ListMultipartUploads {
    bucket: BucketName,
    prefix: String,
    delimiter: Option<String>,
    key_marker: String,
    upload_marker: String,
    limit: usize,
    encoding: Encoding,
}

impl Execute for ListMultipartUploads {
    fn parse(head: &Head) -> Result<Self, S3Error> {
        let text = |name| head.parameter(name).unwrap_or_default().to_owned();
        Ok(Self {
            bucket: head.bucket()?.clone(),
            prefix: text("prefix"),
            delimiter: Some(text("delimiter")).filter(|delimiter| !delimiter.is_empty()),
            key_marker: text("key-marker"),
            upload_marker: text("upload-id-marker"),
            limit: parse_limit("max-uploads", head.parameter("max-uploads"))?,
            encoding: Encoding::parse(head.parameter("encoding-type"))?,
        })
    }

    async fn run(self, ctx: &Context, _: Sealed) -> Result<Reply, S3Error> {
        let page = ctx.store.list_uploads(&self.bucket, &self.query()).await?;
        let owner = initiator::owner(ctx, &self.bucket).await?;
        let reply = Reply::xml("ListMultipartUploadsResult", |w| self.write(w, &page, &owner));
        Ok(reply.amz("x-amz-bucket-region", &*ctx.region))
    }
}

impl ListMultipartUploads {
    /// What is asked of the store. Without a key marker the upload's is ignored (API Reference,
    /// ListMultipartUploads).
    fn query(&self) -> UploadsQuery {
        let upload = Some(self.upload_marker.as_str()).filter(|id| !id.is_empty());
        let after = (!self.key_marker.is_empty())
            .then(|| (self.key_marker.clone(), upload.map(UploadId::new)));
        let (prefix, delimiter) = (self.prefix.clone(), self.delimiter.clone());
        UploadsQuery { prefix, delimiter, after, limit: self.limit }
    }

    fn write(&self, w: &mut Writer, page: &UploadsPage, owner: &impl Fn(&Upload) -> Owner) {
        let encoding = self.encoding;
        w.text("Bucket", self.bucket.as_str());
        encoding.text(w, "KeyMarker", &self.key_marker);
        w.text("UploadIdMarker", &self.upload_marker);
        if let Some((key, upload)) = &page.next {
            encoding.text(w, "NextKeyMarker", key);
            w.text("NextUploadIdMarker", upload.as_ref().map_or("", UploadId::as_str));
        }
        encoding.text(w, "Prefix", &self.prefix);
        encoding.optional(w, "Delimiter", self.delimiter.as_deref());
        encoding.echo(w);
        w.value("MaxUploads", self.limit);
        w.value("IsTruncated", page.next.is_some());
        for entry in &page.entries {
            if let UploadEntry::Upload(upload) = entry {
                write_upload(w, encoding, upload, &owner(upload));
            }
        }
        for entry in &page.entries {
            if let UploadEntry::CommonPrefix(prefix) = entry {
                write_common_prefix(w, encoding, prefix);
            }
        }
    }
}

fn write_upload(writer: &mut Writer, encoding: Encoding, upload: &Upload, owner: &Owner) {
    writer.element("Upload", |w| {
        encoding.text(w, "Key", upload.key.as_str());
        w.text("UploadId", upload.id.as_str());
        write_owner(w, "Initiator", &upload.initiator);
        write_owner(w, "Owner", owner);
        write_storage_class(w, upload.metadata.storage_class.as_deref());
        w.text("Initiated", &upload.initiated.iso8601());
        write_choice(w, upload.checksum);
    });
}
