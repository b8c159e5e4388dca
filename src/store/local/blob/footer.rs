//! What a blob says about itself, so that it can be salvaged when the log is gone.

use serde::{Deserialize, Serialize};

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
}

/// A part's place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PartOf {
    /// The upload's id.
    pub(crate) upload: String,
    /// The part's number.
    pub(crate) number: u16,
}
