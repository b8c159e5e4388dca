//! The parts of a completed object.

use aws_sdk_s3::operation::get_object_attributes::GetObjectAttributesOutput;
use aws_sdk_s3::types::{ObjectAttributes, ObjectPart as SdkPart};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};

use super::checksum::{self, texts};
use super::operation::Operation;
use super::{UpstreamStore, page_length, size, version_text};
use crate::object::{ObjectPart, PartNumber, VersionId};
use crate::store::{GetRequest, ObjectParts, ObjectPath, Result, Selection, StoreError};

/// How many parts are asked for at once where each has to be asked for.
const AT_ONCE: usize = 8;

impl UpstreamStore {
    /// Parts behind `after`: by one call where the service lists them, which it does for
    /// composite checksums, and else by a HEAD of each.
    pub(super) async fn parts(
        &self,
        at: &ObjectPath,
        version: Option<VersionId>,
        after: u32,
        limit: usize,
    ) -> Result<ObjectParts> {
        let whole = GetRequest { version, ..GetRequest::default() };
        let head = self.head(at, &whole).await?;
        let Some(count) = head.object.parts_count.filter(|count| *count > after) else {
            return Ok(ObjectParts::default());
        };
        let last = after.saturating_add(u32::try_from(limit).unwrap_or(u32::MAX)).min(count);
        if last == after {
            return Ok(ObjectParts::default());
        }
        let parts = match self.listed_parts(at, version, after, last - after).await {
            Some(parts) => parts,
            None => self.asked_parts(at, version, after, last).await?,
        };
        Ok(ObjectParts { parts, next: Some(last).filter(|last| *last < count) })
    }

    /// The parts as the service lists them, where it does so.
    async fn listed_parts(
        &self,
        at: &ObjectPath,
        version: Option<VersionId>,
        after: u32,
        wanted: u32,
    ) -> Option<Vec<ObjectPart>> {
        let asked = self.asked_about(Operation::GetObjectAttributes, at).ok()?;
        let wanted = usize::try_from(wanted).ok()?;
        let call = self
            .clients
            .plain
            .get_object_attributes()
            .bucket(&asked.bucket)
            .key(asked.key(at))
            .set_version_id(version_text(version))
            .set_part_number_marker((after > 0).then(|| after.to_string()))
            .max_parts(page_length(wanted))
            .object_attributes(ObjectAttributes::ObjectParts);
        let out = call.send().await.ok()?;
        let parts: Vec<ObjectPart> = sdk_parts(&out).iter().filter_map(object_part).collect();
        let follow = (after + 1..).zip(&parts).all(|(number, part)| part.number == number);
        (follow && parts.len() == wanted).then_some(parts)
    }

    async fn asked_parts(
        &self,
        at: &ObjectPath,
        version: Option<VersionId>,
        after: u32,
        last: u32,
    ) -> Result<Vec<ObjectPart>> {
        stream::iter(after + 1..=last)
            .map(|number| self.asked_part(at, version, number))
            .buffered(AT_ONCE)
            .try_collect()
            .await
    }

    async fn asked_part(
        &self,
        at: &ObjectPath,
        version: Option<VersionId>,
        number: u32,
    ) -> Result<ObjectPart> {
        let of_upload = u16::try_from(number).ok().and_then(PartNumber::new);
        let number = of_upload.ok_or(StoreError::InvalidPartNumber { count: number })?;
        let selection = Selection::Part(number);
        let request = GetRequest { version, selection, ..GetRequest::default() };
        let head = self.head(at, &request).await?;
        let count = head.object.parts_count.unwrap_or(1);
        head.part.ok_or(StoreError::InvalidPartNumber { count })
    }
}

fn sdk_parts(out: &GetObjectAttributesOutput) -> &[SdkPart] {
    out.object_parts().map(aws_sdk_s3::types::GetObjectAttributesParts::parts).unwrap_or_default()
}

fn object_part(part: &SdkPart) -> Option<ObjectPart> {
    Some(ObjectPart {
        number: u32::try_from(part.part_number()?).ok()?,
        size: size(part.size()),
        checksum: checksum::of_part(texts!(part)),
    })
}
