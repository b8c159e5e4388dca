//! GetObjectAttributes: `GET /bucket/key?attributes`.

use bytes::Bytes;

use crate::object::{ObjectInfo, ObjectPart, VersionId};
use crate::s3::error::S3Error;
use crate::s3::header::Head;
use crate::s3::listing::{
    parse_count, parse_limit, write_checksum, write_checksum_value, write_storage_class,
};
use crate::s3::xml::{self, Writer};
use crate::store::{ObjectParts, ObjectPath};

const HEADER: &str = "x-amz-object-attributes";

/// A request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::s3) struct GetObjectAttributes {
    object: ObjectPath,
    version: Option<VersionId>,
    wanted: Wanted,
    after: u32,
    limit: usize,
}

/// Which attributes are asked for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Wanted(u8);

impl Wanted {
    const ETAG: u8 = 1;
    const CHECKSUM: u8 = 1 << 1;
    const PARTS: u8 = 1 << 2;
    const STORAGE_CLASS: u8 = 1 << 3;
    const SIZE: u8 = 1 << 4;

    /// Reads the header's names, separated by commas.
    fn parse(header: &str) -> Result<Self, S3Error> {
        let mut wanted = 0;
        for name in header.split(',').map(str::trim).filter(|name| !name.is_empty()) {
            wanted |= match name {
                "ETag" => Self::ETAG,
                "Checksum" => Self::CHECKSUM,
                "ObjectParts" => Self::PARTS,
                "StorageClass" => Self::STORAGE_CLASS,
                "ObjectSize" => Self::SIZE,
                _ => {
                    let message = "Invalid attribute name specified.";
                    return Err(S3Error::invalid_argument(HEADER, name, message));
                }
            };
        }
        if wanted == 0 {
            let message = "The x-amz-object-attributes header specifying the attributes to be \
                           retrieved is either missing or empty";
            return Err(S3Error::invalid_argument(HEADER, header, message));
        }
        Ok(Self(wanted))
    }

    fn has(self, attribute: u8) -> bool {
        self.0 & attribute != 0
    }
}

impl GetObjectAttributes {
    /// Reads the head.
    pub(in crate::s3) fn parse(head: &Head) -> Result<Self, S3Error> {
        let marker = head.header("x-amz-part-number-marker").filter(|text| !text.is_empty());
        Ok(Self {
            object: head.object()?,
            version: head.version()?,
            wanted: Wanted::parse(&head.header(HEADER).unwrap_or_default())?,
            after: marker.map_or(Ok(0), |text| parse_count("x-amz-part-number-marker", &text))?,
            limit: parse_limit("x-amz-max-parts", head.header("x-amz-max-parts").as_deref())?,
        })
    }

    fn document(&self, object: &ObjectInfo, parts: Option<&ObjectParts>) -> Bytes {
        xml::document("GetObjectAttributesResponse", |w| {
            if self.wanted.has(Wanted::ETAG) {
                w.text("ETag", object.etag.as_str());
            }
            if self.wanted.has(Wanted::CHECKSUM)
                && let Some(checksum) = &object.checksum
            {
                w.element("Checksum", |w| write_checksum(w, checksum));
            }
            if let Some((parts, count)) = parts.zip(object.parts_count) {
                w.element("ObjectParts", |w| self.write_parts(w, parts, count));
            }
            if self.wanted.has(Wanted::STORAGE_CLASS) {
                write_storage_class(w, object.metadata.storage_class.as_deref());
            }
            if self.wanted.has(Wanted::SIZE) {
                w.value("ObjectSize", object.size);
            }
        })
    }

    fn write_parts(&self, writer: &mut Writer, parts: &ObjectParts, count: u32) {
        let last = parts.parts.last().map_or(self.after, |part| part.number);
        writer.value("PartsCount", count);
        writer.value("PartNumberMarker", self.after);
        writer.value("NextPartNumberMarker", parts.next.unwrap_or(last));
        writer.value("MaxParts", self.limit);
        writer.value("IsTruncated", parts.next.is_some());
        parts.parts.iter().for_each(|part| write_part(writer, part));
    }
}

fn write_part(writer: &mut Writer, part: &ObjectPart) {
    writer.element("Part", |w| {
        w.value("PartNumber", part.number);
        w.value("Size", part.size);
        if let Some(checksum) = &part.checksum {
            write_checksum_value(w, checksum);
        }
    });
}
