//! CopyObject: `PUT /bucket/key` with `x-amz-copy-source`.

use crate::object::{Algorithm, ObjectInfo, ObjectMetadata, TagSet};
use crate::s3::copy_source::{self, CopySource};
use crate::s3::error::S3Error;
use crate::s3::header::{self, Head};
use crate::s3::listing::write_checksum;
use crate::s3::xml::Writer;
use crate::store::{CopyRequest, ObjectPath};

/// A request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::s3) struct CopyObject {
    target: ObjectPath,
    source: CopySource,
    request: CopyRequest,
}

/// What a directive says about metadata or tags.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Directive {
    /// The source's are kept, the request's ignored.
    Copy,
    /// The request's replace the source's.
    Replace,
}

impl Directive {
    fn parse(head: &Head, name: &'static str, what: &str) -> Result<Self, S3Error> {
        match head.header(name).as_deref() {
            None | Some("COPY") => Ok(Self::Copy),
            Some("REPLACE") => Ok(Self::Replace),
            Some(other) => {
                Err(S3Error::invalid_argument(name, other, format!("Unknown {what} directive.")))
            }
        }
    }
}

impl CopyObject {
    /// Reads the head.
    pub(in crate::s3) fn parse(head: &Head) -> Result<Self, S3Error> {
        header::check_acl(head)?;
        header::refuse_unserved(head)?;
        let (target, source) = (head.object()?, copy_source::of(head)?);
        let metadata = metadata(head)?;
        let tags = tags(head)?;
        let checksum = header::algorithm(head, "x-amz-checksum-algorithm")?;
        if source.is(&target) && !changes(head, metadata.as_ref(), tags.as_ref(), checksum) {
            return Err(S3Error::invalid_request(
                "This copy request is illegal because it is trying to copy an object to itself \
                 without changing the object's metadata, storage class, website redirect location \
                 or encryption attributes.",
            ));
        }
        let request = CopyRequest {
            source_version: source.version,
            source_conditions: header::copy_conditions(head),
            metadata,
            tags,
            checksum,
            condition: header::write_condition(head)?,
            size_limit: copy_source::MAX_COPY_SIZE,
        };
        Ok(Self { target, source, request })
    }

    fn write_result(writer: &mut Writer, object: &ObjectInfo) {
        writer.text("LastModified", &object.last_modified.iso8601());
        writer.text("ETag", &object.etag.quoted());
        if let Some(checksum) = &object.checksum {
            write_checksum(writer, checksum);
        }
    }
}
