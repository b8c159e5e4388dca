//! GetObjectAttributes: `GET /bucket/key?attributes`.

use http::header::{HeaderName, LAST_MODIFIED};

use futures_util::{StreamExt as _, TryStreamExt as _, stream};

use super::Execute;
use super::object_read::may_tell;
use crate::auth::Sealed;
use crate::object::{CustomerKey, KeyFault, ObjectInfo, ObjectPart, PartNumber, VersionId};
use crate::s3::context::Context;
use crate::s3::error::{Code, S3Error};
use crate::s3::header::{self, Head};
use crate::s3::listing::{
    parse_count, parse_limit, write_checksum, write_checksum_value, write_storage_class,
};
use crate::s3::object_reply;
use crate::s3::reply::Reply;
use crate::s3::xml::Writer;
use crate::store::{GetRequest, ObjectParts, ObjectPath, Selection, StoreError};

const HEADER: &str = "x-amz-object-attributes";
/// How many parts are asked for at once where each has to be asked for.
const AT_ONCE: usize = 8;
const VERSION_ID: HeaderName = HeaderName::from_static("x-amz-version-id");

/// A request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct GetObjectAttributes {
    object: ObjectPath,
    version: Option<VersionId>,
    key: Option<CustomerKey>,
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

impl Execute for GetObjectAttributes {
    fn parse(head: &Head) -> Result<Self, S3Error> {
        let marker = head.header("x-amz-part-number-marker").filter(|text| !text.is_empty());
        Ok(Self {
            object: head.object()?,
            version: head.version()?,
            key: header::customer_key(head)?,
            wanted: Wanted::parse(&head.header(HEADER).unwrap_or_default())?,
            after: marker.map_or(Ok(0), |text| parse_count("x-amz-part-number-marker", &text))?,
            limit: parse_limit("x-amz-max-parts", head.header("x-amz-max-parts").as_deref())?,
        })
    }

    async fn run(self, ctx: &Context, _: Sealed) -> Result<Reply, S3Error> {
        let (version, key) = (self.version, self.key.clone());
        let request = GetRequest { version, key, ..GetRequest::default() };
        let object = ctx.store.head_object(&self.object, &request).await?.object;
        may_tell(&object, self.key.as_ref())?;
        let parts = self.parts(ctx, &object).await?;
        let reply = Reply::xml("GetObjectAttributesResponse", |w| {
            self.write(w, &object, parts.as_ref());
        });
        Ok(reply
            .header(LAST_MODIFIED, object.last_modified.http_date())
            .optional(VERSION_ID, object_reply::version(Some(object.version))))
    }
}

impl GetObjectAttributes {
    /// The parts of an object that was completed from parts, where they are asked for.
    async fn parts(
        &self,
        ctx: &Context,
        object: &ObjectInfo,
    ) -> Result<Option<ObjectParts>, S3Error> {
        if !self.wanted.has(Wanted::PARTS) || object.parts_count.is_none() {
            return Ok(None);
        }
        // The version that was looked at, even if another has become the current one since.
        let version = Some(object.version);
        match ctx.store.object_parts(&self.object, version, self.after, self.limit).await {
            Err(StoreError::CustomerKey(KeyFault::Missing)) if self.key.is_some() => {
                self.parts_by_key(ctx, object).await.map(Some)
            }
            parts => Ok(Some(parts?)),
        }
    }

    /// The same one by one, from a store that shows parts to nobody without the customer's key.
    async fn parts_by_key(
        &self,
        ctx: &Context,
        object: &ObjectInfo,
    ) -> Result<ObjectParts, S3Error> {
        let count = object.parts_count.unwrap_or_default();
        let limit = u32::try_from(self.limit).unwrap_or(u32::MAX);
        let last = self.after.saturating_add(limit).min(count);
        let numbers = self.after.saturating_add(1)..=last;
        let parts = stream::iter(numbers)
            .map(|number| self.part_by_key(ctx, object.version, number))
            .buffered(AT_ONCE)
            .try_collect::<Vec<ObjectPart>>()
            .await?;
        let next = parts.last().map(|part| part.number).filter(|last| *last < count);
        Ok(ObjectParts { parts, next })
    }

    async fn part_by_key(
        &self,
        ctx: &Context,
        version: VersionId,
        number: u32,
    ) -> Result<ObjectPart, S3Error> {
        let no_part = || S3Error::new(Code::InvalidPartNumber);
        let number = u16::try_from(number).ok().and_then(PartNumber::new).ok_or_else(no_part)?;
        let request = GetRequest {
            version: Some(version),
            selection: Selection::Part(number),
            key: self.key.clone(),
            ..GetRequest::default()
        };
        let head = ctx.store.head_object(&self.object, &request).await?;
        // The only part of an object that has but one is the whole of it.
        let whole = || ObjectPart { number: 1, size: head.object.size, checksum: None };
        Ok(head.part.clone().unwrap_or_else(whole))
    }

    fn write(&self, w: &mut Writer, object: &ObjectInfo, parts: Option<&ObjectParts>) {
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
