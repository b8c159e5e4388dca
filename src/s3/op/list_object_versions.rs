//! ListObjectVersions: `GET /bucket?versions`.

use super::Execute;
use crate::auth::Sealed;
use crate::object::{
    BucketName, Owner, VersionEntry, VersionId, VersionMarker, VersionsPage, VersionsQuery,
};
use crate::s3::context::Context;
use crate::s3::error::S3Error;
use crate::s3::header::Head;
use crate::s3::listing::{Encoding, Line, parse_limit, write_common_prefix, write_owner};
use crate::s3::reply::Reply;
use crate::s3::xml::Writer;

/// A request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ListObjectVersions {
    bucket: BucketName,
    prefix: String,
    delimiter: Option<String>,
    key_marker: String,
    version_marker: Option<VersionId>,
    limit: usize,
    encoding: Encoding,
}

impl Execute for ListObjectVersions {
    fn parse(head: &Head) -> Result<Self, S3Error> {
        let text = |name| head.parameter(name).unwrap_or_default().to_owned();
        let key_marker = text("key-marker");
        let version_marker = parse_version_marker(head)?;
        if let Some(version) = version_marker
            && key_marker.is_empty()
        {
            return Err(S3Error::invalid_argument(
                "version-id-marker",
                version.to_string(),
                "A version-id marker cannot be specified without a key marker.",
            ));
        }
        Ok(Self {
            bucket: head.bucket()?.clone(),
            prefix: text("prefix"),
            delimiter: Some(text("delimiter")).filter(|delimiter| !delimiter.is_empty()),
            key_marker,
            version_marker,
            limit: parse_limit("max-keys", head.parameter("max-keys"))?,
            encoding: Encoding::parse(head.parameter("encoding-type"))?,
        })
    }

    async fn run(self, ctx: &Context, _: Sealed) -> Result<Reply, S3Error> {
        let page = ctx.store.list_versions(&self.bucket, &self.query()).await?;
        let owner = ctx.bucket_owner()?;
        let reply = Reply::xml("ListVersionsResult", |w| self.write(w, &page, owner));
        Ok(reply.amz("x-amz-bucket-region", &*ctx.region))
    }
}

impl ListObjectVersions {
    fn query(&self) -> VersionsQuery {
        let after = (!self.key_marker.is_empty())
            .then(|| VersionMarker { key: self.key_marker.clone(), version: self.version_marker });
        let (prefix, delimiter) = (self.prefix.clone(), self.delimiter.clone());
        VersionsQuery { prefix, delimiter, after, limit: self.limit }
    }

    fn write(&self, w: &mut Writer, page: &VersionsPage, owner: &Owner) {
        let encoding = self.encoding;
        let version = |version: Option<VersionId>| version.map(|version| version.to_string());
        w.text("Name", self.bucket.as_str());
        encoding.text(w, "Prefix", &self.prefix);
        encoding.text(w, "KeyMarker", &self.key_marker);
        w.text("VersionIdMarker", &version(self.version_marker).unwrap_or_default());
        if let Some(next) = &page.next {
            encoding.text(w, "NextKeyMarker", &next.key);
            w.optional("NextVersionIdMarker", version(next.version).as_deref());
        }
        w.value("MaxKeys", self.limit);
        encoding.optional(w, "Delimiter", self.delimiter.as_deref());
        encoding.echo(w);
        w.value("IsTruncated", page.next.is_some());
        page.entries.iter().for_each(|entry| write_version(w, encoding, entry, owner));
        for entry in &page.entries {
            if let VersionEntry::CommonPrefix(prefix) = entry {
                write_common_prefix(w, encoding, prefix);
            }
        }
    }
}

fn parse_version_marker(head: &Head) -> Result<Option<VersionId>, S3Error> {
    let Some(text) = head.parameter("version-id-marker").filter(|text| !text.is_empty()) else {
        return Ok(None);
    };
    VersionId::parse(text).map(Some).ok_or_else(|| {
        S3Error::invalid_argument("version-id-marker", text, "Invalid version id specified")
    })
}

/// Writes `Version` or `DeleteMarker`; common prefixes come after all of them.
fn write_version(writer: &mut Writer, encoding: Encoding, entry: &VersionEntry, owner: &Owner) {
    match entry {
        VersionEntry::Object { version, latest, entry } => {
            let Some(line) = Line::of(entry) else { return };
            writer.element("Version", |w| {
                line.write_key(w, encoding);
                w.value("VersionId", version);
                w.value("IsLatest", latest);
                line.write_rest(w, Some(owner));
            });
        }
        VersionEntry::DeleteMarker { key, version, latest, last_modified } => {
            writer.element("DeleteMarker", |w| {
                encoding.text(w, "Key", key.as_str());
                w.value("VersionId", version);
                w.value("IsLatest", latest);
                w.text("LastModified", &last_modified.iso8601());
                write_owner(w, "Owner", owner);
            });
        }
        VersionEntry::CommonPrefix(_) => {}
    }
}
