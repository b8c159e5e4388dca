//! ListParts: `GET /bucket/key?uploadId=`.

use super::Execute;
use crate::auth::Sealed;
use crate::object::{ChecksumChoice, PartSummary, PartsPage, PartsQuery};
use crate::s3::context::Context;
use crate::s3::error::S3Error;
use crate::s3::header::Head;
use crate::s3::lifecycle;
use crate::s3::listing::{
    parse_count, parse_limit, write_checksum_value, write_owner, write_storage_class,
};
use crate::s3::multipart;
use crate::s3::reply::Reply;
use crate::s3::xml::Writer;
use crate::store::UploadPath;

/// A request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ListParts {
    upload: UploadPath,
    after: u32,
    limit: usize,
}

impl Execute for ListParts {
    fn parse(head: &Head) -> Result<Self, S3Error> {
        let marker = head.parameter("part-number-marker").filter(|text| !text.is_empty());
        Ok(Self {
            upload: multipart::upload_path(head)?,
            after: marker.map_or(Ok(0), |text| parse_count("part-number-marker", text))?,
            limit: parse_limit("max-parts", head.parameter("max-parts"))?,
        })
    }

    async fn run(self, ctx: &Context, _: Sealed) -> Result<Reply, S3Error> {
        let query = PartsQuery { after: self.after, limit: self.limit };
        let page = ctx.store.list_parts(&self.upload, &query).await?;
        let reply = Reply::xml("ListPartsResult", |w| self.write(w, &page));
        let at = &self.upload.object;
        Ok(lifecycle::tell_abortion(ctx, reply, at, page.upload.initiated).await)
    }
}

impl ListParts {
    fn write(&self, w: &mut Writer, page: &PartsPage) {
        let last = page.parts.last().map_or(0, |part| u32::from(part.number.get()));
        w.text("Bucket", self.upload.object.bucket.as_str());
        w.text("Key", self.upload.object.key.as_str());
        w.text("UploadId", self.upload.id.as_str());
        write_owner(w, "Initiator", &page.upload.initiator);
        write_owner(w, "Owner", &page.owner);
        write_storage_class(w, page.upload.metadata.storage_class.as_deref());
        w.value("PartNumberMarker", self.after);
        w.value("NextPartNumberMarker", page.next.unwrap_or(last));
        w.value("MaxParts", self.limit);
        w.value("IsTruncated", page.next.is_some());
        write_choice(w, page.upload.checksum);
        page.parts.iter().for_each(|part| write_part(w, part));
    }
}

/// Writes the checksum that an upload was created with, where its creator named one.
pub(super) fn write_choice(writer: &mut Writer, choice: ChecksumChoice) {
    if choice.explicit {
        writer.text("ChecksumAlgorithm", choice.algorithm.wire_name());
        writer.text("ChecksumType", choice.kind.wire());
    }
}

fn write_part(writer: &mut Writer, part: &PartSummary) {
    writer.element("Part", |w| {
        w.value("PartNumber", part.number.get());
        w.text("LastModified", &part.last_modified.iso8601());
        w.text("ETag", &part.etag.quoted());
        w.value("Size", part.size);
        if let Some(checksum) = &part.checksum {
            write_checksum_value(w, checksum);
        }
    });
}
