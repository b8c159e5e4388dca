//! What a blob says about itself, so that it can be salvaged when the log is gone.

use serde::{Deserialize, Serialize};

use super::super::format::seal::Sealing;
use crate::object::{Checksum, ETag, ObjectMetadata, TagSet, Timestamp, VersionId};

/// The longest encoded footer. S3's own limits keep every footer far below it.
pub(super) const MAX_FOOTER: usize = 1 << 20;

/// What is in a blob. A hint: the log decides.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct BlobFooter {
    /// The bucket's name.
    pub(crate) bucket: String,
    /// The object's key.
    pub(crate) key: String,
    /// The object's version, where it was known when the blob was written.
    pub(crate) version: Option<VersionId>,
    /// Which part of an upload this is, if it is one.
    pub(crate) part: Option<PartOf>,
    /// The MD5 of the data, as a tag.
    pub(crate) etag: ETag,
    /// The checksum of the data, where there is one.
    pub(crate) checksum: Option<Checksum>,
    /// Headers and user metadata.
    pub(crate) metadata: ObjectMetadata,
    /// Tags as they were when the object was stored.
    pub(crate) tags: TagSet,
    /// When it was stored.
    pub(crate) created: Timestamp,
    /// How the data is encrypted; stands behind the rest, in blobs of format 2 alone.
    #[serde(skip)]
    pub(crate) sealing: Option<Sealing>,
}

impl BlobFooter {
    /// Its bytes.
    pub(super) fn encode(&self) -> Result<Vec<u8>, postcard::Error> {
        let bytes = postcard::to_stdvec(self)?;
        match &self.sealing {
            None => Ok(bytes),
            Some(sealing) => postcard::to_extend(sealing, bytes),
        }
    }

    /// Reads one.
    pub(super) fn decode(bytes: &[u8], is_sealed: bool) -> Result<Self, postcard::Error> {
        if !is_sealed {
            return postcard::from_bytes(bytes);
        }
        let (footer, rest): (Self, _) = postcard::take_from_bytes(bytes)?;
        Ok(Self { sealing: Some(postcard::from_bytes(rest)?), ..footer })
    }
}

/// A part's place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PartOf {
    /// The upload's id.
    pub(crate) upload: String,
    /// The part's number.
    pub(crate) number: u16,
}
