//! Questions to a listing and their answers.
//!
//! Everything is in ascending order of UTF-8 bytes. Pages hold what a page asks for as long as
//! there is any; `next` is present exactly when something remains after it.

use super::{
    Algorithm, Bucket, ChecksumKind, ETag, ObjectKey, Owner, Timestamp, Upload, UploadId, VersionId,
};

/// A page of objects is asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ListQuery {
    /// Only keys that start so.
    pub prefix: String,
    /// Rolls up what lies between the prefix and its first occurrence; any text, never empty.
    pub delimiter: Option<String>,
    /// Only keys and common prefixes greater than this text. A common prefix that is not
    /// greater hides all keys under it.
    pub after: Option<String>,
    /// How many keys and common prefixes together; 0 gives an empty page without `next`.
    pub limit: usize,
}

/// A page of objects.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ListPage {
    /// Objects and common prefixes in one order.
    pub entries: Vec<ListEntry>,
    /// What to give as `after` to go on: the last key or common prefix of this page.
    pub next: Option<String>,
}

/// A line of a listing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ListEntry {
    /// An object.
    Object {
        /// Its key.
        key: ObjectKey,
        /// Its size in bytes.
        size: u64,
        /// Its entity tag.
        etag: ETag,
        /// When it was stored.
        last_modified: Timestamp,
        /// Algorithm and kind of its checksum.
        checksum: Option<(Algorithm, ChecksumKind)>,
        /// Its storage class where it isn't `STANDARD`.
        storage_class: Option<String>,
    },
    /// Everything whose key starts so and was rolled up.
    CommonPrefix(String),
}

/// Where a page of versions starts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VersionMarker {
    /// Versions of greater keys only ...
    pub key: String,
    /// ... and, where given, those of this very key that are older than this version. Without
    /// versioning there are none.
    pub version: Option<VersionId>,
}

/// A page of versions is asked for; the fields as in [`ListQuery`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct VersionsQuery {
    /// Only keys that start so.
    pub prefix: String,
    /// Rolls up.
    pub delimiter: Option<String>,
    /// Where to start.
    pub after: Option<VersionMarker>,
    /// How many versions and common prefixes together.
    pub limit: usize,
}

/// A page of versions: by key, and newest first within a key.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct VersionsPage {
    /// Versions, delete markers and common prefixes.
    pub entries: Vec<VersionEntry>,
    /// Where to go on.
    pub next: Option<VersionMarker>,
}

/// A line of a listing of versions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum VersionEntry {
    /// A version with content.
    Object {
        /// Its version id.
        version: VersionId,
        /// Whether it is the key's newest.
        latest: bool,
        /// The object's line, always [`ListEntry::Object`].
        entry: ListEntry,
    },
    /// A delete marker.
    DeleteMarker {
        /// The key.
        key: ObjectKey,
        /// Its version id.
        version: VersionId,
        /// Whether it is the key's newest.
        latest: bool,
        /// When it was made.
        last_modified: Timestamp,
    },
    /// Everything whose key starts so and was rolled up.
    CommonPrefix(String),
}

/// A page of buckets is asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BucketsQuery {
    /// Only those of this owner id; all of them when absent.
    pub owner: Option<String>,
    /// Only names that start so.
    pub prefix: String,
    /// Only names greater than this.
    pub after: Option<String>,
    /// How many; 0 gives an empty page without `next`.
    pub limit: usize,
}

/// A page of buckets, by name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BucketsPage {
    /// The buckets.
    pub buckets: Vec<Bucket>,
    /// What to give as `after` to go on.
    pub next: Option<String>,
}

/// A page of uploads under way is asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UploadsQuery {
    /// Only keys that start so.
    pub prefix: String,
    /// Rolls up.
    pub delimiter: Option<String>,
    /// Only keys greater than this; with an upload id, also that key's uploads with greater ids
    /// (S3 orders the uploads of one key by their start; ids of a store are made to agree).
    pub after: Option<(String, Option<UploadId>)>,
    /// How many uploads and common prefixes together.
    pub limit: usize,
}

/// A page of uploads: by key, then by start.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UploadsPage {
    /// Uploads and common prefixes.
    pub entries: Vec<UploadEntry>,
    /// What to give as `after` to go on.
    pub next: Option<(String, Option<UploadId>)>,
}

/// A line of a listing of uploads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UploadEntry {
    /// An upload.
    Upload(Box<Upload>),
    /// Everything whose key starts so and was rolled up.
    CommonPrefix(String),
}

/// A page of an upload's parts is asked for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PartsQuery {
    /// Only numbers greater than this.
    pub after: u32,
    /// How many.
    pub limit: usize,
}

/// A page of an upload's parts, by number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartsPage {
    /// The upload they belong to.
    pub upload: Upload,
    /// Who owns the bucket.
    pub owner: Owner,
    /// The parts.
    pub parts: Vec<super::PartSummary>,
    /// What to give as `after` to go on.
    pub next: Option<u32>,
}
