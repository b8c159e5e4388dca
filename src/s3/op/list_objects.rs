//! ListObjects, the first version: `GET /bucket`.

use super::Execute;
use crate::auth::Sealed;
use crate::object::percent;
use crate::object::{BucketName, ListEntry, ListPage, ListQuery, Owner};
use crate::s3::context::Context;
use crate::s3::error::S3Error;
use crate::s3::header::Head;
use crate::s3::listing::{Encoding, Line, parse_limit, write_common_prefix};
use crate::s3::reply::Reply;
use crate::s3::xml::{self, Writer};

/// A request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ListObjects {
    bucket: BucketName,
    prefix: String,
    delimiter: Option<String>,
    marker: String,
    limit: usize,
    encoding: Encoding,
}

impl Execute for ListObjects {
    fn parse(head: &Head) -> Result<Self, S3Error> {
        let text = |name| head.parameter(name).unwrap_or_default().to_owned();
        Ok(Self {
            bucket: head.bucket()?.clone(),
            prefix: text("prefix"),
            delimiter: Some(text("delimiter")).filter(|delimiter| !delimiter.is_empty()),
            marker: text("marker"),
            limit: parse_limit("max-keys", head.parameter("max-keys"))?,
            encoding: Encoding::parse(head.parameter("encoding-type"))?,
        })
    }

    async fn run(self, ctx: &Context, _: Sealed) -> Result<Reply, S3Error> {
        let page = ctx.store.list_objects(&self.bucket, &self.query()).await?;
        let owner = ctx.bucket_owner()?;
        let reply = Reply::xml("ListBucketResult", |w| self.write(w, &page, owner));
        Ok(reply.amz("x-amz-bucket-region", &*ctx.region))
    }
}

impl ListObjects {
    fn query(&self) -> ListQuery {
        ListQuery {
            prefix: self.prefix.clone(),
            delimiter: self.delimiter.clone(),
            after: Some(self.marker.clone()).filter(|marker| !marker.is_empty()),
            limit: self.limit,
        }
    }

    fn write(&self, w: &mut Writer, page: &ListPage, owner: &Owner) {
        let encoding = self.encoding;
        w.text("Name", self.bucket.as_str());
        // SDKs agree on what they decode in a page, except for this one: botocore does not, Java
        // does. So it is encoded only where decoding or XML would change it.
        let raw = percent::is_plain(&self.prefix) && xml::is_legal(&self.prefix);
        let prefix_encoding = if raw { Encoding::Plain } else { encoding };
        prefix_encoding.text(w, "Prefix", &self.prefix);
        encoding.text(w, "Marker", &self.marker);
        // S3 itself leaves it out without a delimiter; it never harms and helps s3cmd, s3fs.
        encoding.optional(w, "NextMarker", page.next.as_deref());
        w.value("MaxKeys", self.limit);
        encoding.optional(w, "Delimiter", self.delimiter.as_deref());
        encoding.echo(w);
        w.value("IsTruncated", page.next.is_some());
        write_entries(w, encoding, page, Some(owner));
    }
}

/// Writes all `Contents`, then all `CommonPrefixes`.
pub(super) fn write_entries(
    writer: &mut Writer,
    encoding: Encoding,
    page: &ListPage,
    owner: Option<&Owner>,
) {
    for line in page.entries.iter().filter_map(Line::of) {
        writer.element("Contents", |writer| {
            line.write_key(writer, encoding);
            line.write_rest(writer, owner);
        });
    }
    for entry in &page.entries {
        if let ListEntry::CommonPrefix(prefix) = entry {
            write_common_prefix(writer, encoding, prefix);
        }
    }
}
