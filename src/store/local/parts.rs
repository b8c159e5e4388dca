//! Parts of uploads under way: taken in, and encrypted as their upload is.

use super::LocalStore;
use super::blob::{BlobFooter, PartOf};
use super::commit::{Command, NewPart};
use super::format::seal::{Seal, Sealing};
use super::read::blocking;
use super::receive::{Received, receive};
use super::sealing::{NewBody, new_body, open_seal, secret_tag};
use super::uploads::{open, parse_id};
use crate::body::Payload;
use crate::object::{
    ByteRange, Checksum, CustomerKey, ETag, Encrypted, KeyFault, ObjectMetadata, PartNumber,
    PartSummary, TagSet, Timestamp,
};
use crate::store::{Result, StoreError, UploadChoice, UploadPath};

impl LocalStore {
    /// Takes a part in.
    pub(super) async fn store_part(
        &self,
        upload: &UploadPath,
        number: PartNumber,
        body: Payload,
        sealed: Option<PartKey>,
    ) -> Result<PartSummary> {
        let id = parse_id(&upload.id).ok_or(StoreError::NoSuchUpload)?;
        let core = &self.core;
        let (key, sealing, secret_tag) = match sealed {
            None => (None, None, None),
            Some(PartKey { body, seal, secret_tag }) => {
                let sealing = Sealing { seal: Some(seal), body: Some(body.id) };
                (Some(body.key), Some(sealing), secret_tag)
            }
        };
        let sealed_id = sealing.as_ref().and_then(|sealing| sealing.body);
        let etag =
            |digests: &Received| secret_tag.clone().unwrap_or_else(|| ETag::from_md5(digests.md5));
        let footer = |digests: &Received| BlobFooter {
            sealing,
            etag: etag(digests),
            ..part_footer(upload, number, digests, core.clock.now())
        };
        let (content, digests) = receive(core, body, key, footer).await?;
        let summary = PartSummary {
            number,
            size: digests.size,
            etag: etag(&digests),
            last_modified: core.clock.now().ceil_second(),
            checksum: digests.checksum,
        };
        let part = NewPart {
            number: number.get(),
            size: summary.size,
            modified: summary.last_modified,
            tag: (&summary.etag).into(),
            checksum: summary.checksum.clone(),
            sealed: sealed_id,
        };
        let at = upload.object.clone();
        let command = Command::Part { at, id, part: Box::new(part), content };
        self.submitter.submit(command).await?;
        Ok(summary)
    }

    /// What a part of the upload is to go by, and what it is to be encrypted with.
    pub(super) async fn part_key(
        &self,
        upload: &UploadPath,
        key: Option<&CustomerKey>,
    ) -> Result<(UploadChoice, Option<PartKey>)> {
        let (upload, given) = (upload.clone(), key.cloned());
        blocking(&self.core, move |core| {
            let open = open(core, &upload)?;
            let choice = open.choice();
            let seal = open.entry.seal;
            let key = open_seal(core, &upload.object, seal.as_ref(), given.as_ref());
            let Some((key, seal)) = key.map_err(of_part)?.zip(seal) else {
                return Ok((choice, None));
            };
            let secret_tag = match choice.encryption {
                Some(Encrypted::Customer) => Some(secret_tag()?),
                Some(Encrypted::Managed { .. }) | None => None,
            };
            Ok((choice, Some(PartKey { body: new_body(&key)?, seal, secret_tag })))
        })
        .await
    }
}

/// What a part is encrypted with.
pub(super) struct PartKey {
    body: NewBody,
    /// The upload's.
    seal: Seal,
    secret_tag: Option<ETag>,
}

/// The fault of a customer's key, as it is told of a part.
pub(super) fn of_part(error: StoreError) -> StoreError {
    match error {
        StoreError::CustomerKey(KeyFault::Missing) => KeyFault::PartMissing.into(),
        StoreError::CustomerKey(KeyFault::Unneeded) => KeyFault::PartUnneeded.into(),
        StoreError::CustomerKey(KeyFault::Wrong) => KeyFault::PartWrong.into(),
        other => other,
    }
}

fn part_footer(
    upload: &UploadPath,
    number: PartNumber,
    digests: &Received,
    now: Timestamp,
) -> BlobFooter {
    BlobFooter {
        bucket: upload.object.bucket.as_str().to_owned(),
        key: upload.object.key.as_str().to_owned(),
        version: None,
        part: Some(PartOf { upload: upload.id.as_str().to_owned(), number: number.get() }),
        etag: ETag::from_md5(digests.md5),
        checksum: digests.checksum.clone().map(Checksum::full_object),
        metadata: ObjectMetadata::default(),
        tags: TagSet::default(),
        created: now,
        sealing: None,
    }
}

/// The range of a part copy is never cut to the source: it lies inside or is refused.
pub(super) fn part_range(size: u64, range: Option<(u64, u64)>) -> Result<ByteRange> {
    match range {
        None => Ok(ByteRange::whole(size)),
        Some((first, last)) if first <= last && last < size => {
            Ok(ByteRange { offset: first, length: last - first + 1 })
        }
        Some(_) => Err(StoreError::SourceRange { size }),
    }
}
