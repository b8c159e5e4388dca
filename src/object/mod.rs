//! The vocabulary: pure values with no I/O, parsed once at the edge and used everywhere.
//!
//! Knows nothing of HTTP, of the stores, or of the wire format's XML.

mod acl;
mod bucket_setting;
mod checksum;
mod completion;
mod crc;
mod encryption;
mod etag;
mod forwarding;
mod latency;
mod lifecycle;
mod listing;
mod master_key;
mod metadata;
mod month;
mod name;
mod owner;
pub mod percent;
mod precondition;
mod range;
mod record;
mod request_id;
mod roll;
mod tags;
mod template;
mod templates;
mod time;
mod version;

pub use acl::{Acl, Grant, Grantee, Group, Permission, PortableAcl};
pub use bucket_setting::{BucketSetting, MAX_SETTING_BYTES, SettingDocument, SettingTooLong};
pub use checksum::{Algorithm, Checksum, ChecksumError, ChecksumKind, ChecksumValue};
pub use completion::{
    Assembled, CompletedPart, Completion, CompletionError, MIN_PART_SIZE, PartSummary,
    plan_completion,
};
pub use encryption::{
    CustomerKey, CustomerKeyError, Encrypted, Encryption, EncryptionDefaults, KeyFault,
    encrypts_by_default,
};
pub use etag::ETag;
pub use forwarding::is_forwarding;
pub use latency::Latency;
pub use lifecycle::{Due, Expiration, Lifecycle, LifecycleFilter, LifecycleRule};
pub use listing::{
    BucketsPage, BucketsQuery, ListEntry, ListPage, ListQuery, PartsPage, PartsQuery, UploadEntry,
    UploadsPage, UploadsQuery, VersionEntry, VersionMarker, VersionsPage, VersionsQuery,
};
pub use master_key::{MasterKey, MasterKeyError, MasterKeys};
pub use metadata::{
    Caching, ContentHeaders, MAX_USER_METADATA_BYTES, ObjectMetadata, UserMetadata,
    decode_header_value, encode_header_value, stored_content_encoding,
};
pub use month::Month;
pub use name::{BucketName, InvalidBucketName, InvalidKey, MAX_KEY_BYTES, ObjectKey};
pub use owner::Owner;
pub use precondition::{
    ConditionHeader, ETagMatch, ReadConditions, ReadVerdict, WriteCondition, WriteVerdict,
};
pub use range::{ByteRange, RangeSpec, Unsatisfiable};
pub use record::{
    Bucket, ChecksumChoice, MAX_PART_NUMBER, ObjectInfo, ObjectPart, Original, PartNumber,
    Replication, Upload, UploadId,
};
pub use request_id::RequestId;
pub use roll::{Offer, Roll, Rolled, RolledPage, Start, fill_page};
pub use tags::{MAX_BUCKET_TAGS, MAX_OBJECT_TAGS, TagError, TagSet};
pub use template::{InvalidTemplate, KeyLabels, KeyTemplate};
pub use templates::KeyTemplates;
pub use time::{Clock, ManualClock, SystemClock, Timestamp};
pub use version::VersionId;
