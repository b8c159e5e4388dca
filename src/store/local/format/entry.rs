//! The values of the index: a format number, postcard, and a CRC over both.
//!
//! The index is never migrated: a new [`SCHEMA`] has it rebuilt.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::counts::{Amount, Claimed};
use super::meta::{CreateUpload, Described, Tag};
use super::place::{Body, BucketId, Dead, RecordRef};
use super::seal::{BodyId, Seal, Sealing};
use super::{Flaw, crc32c, to_postcard};
use crate::object::{
    Acl, Checksum, ChecksumChoice, ChecksumValue, ObjectMetadata, Owner, Timestamp, VersionId,
};

/// The number of this set of values and keys. An index of another is rebuilt.
pub(crate) const SCHEMA: u32 = 4;

/// Metadata up to this many bytes stands in the entry itself; longer one is read from the record.
const INLINE_METADATA: usize = 256;
/// ACLs up to this many bytes stand in the entry itself; longer ones are read from the record.
const INLINE_ACL: usize = 512;
/// Entity tags and storage classes beyond this are not kept in the entry.
const INLINE_TEXT: usize = 128;

/// An object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ObjectEntry {
    /// The record that describes it.
    pub(crate) head: RecordRef,
    /// Where its bytes are.
    pub(crate) body: Body,
    /// Its version.
    pub(crate) version: VersionId,
    /// Its size in bytes.
    pub(crate) size: u64,
    /// Last-Modified.
    pub(crate) modified: Timestamp,
    /// Its entity tag.
    pub(crate) tag: Tag,
    /// Its checksum.
    pub(crate) checksum: Option<Checksum>,
    /// How many tags it has.
    pub(crate) tag_count: u32,
    /// How many parts it was completed from.
    pub(crate) parts_count: Option<u32>,
    /// Its storage class, for listings.
    pub(crate) storage_class: Option<String>,
    /// Headers and user metadata without the storage class, where they are short.
    pub(crate) metadata: Option<ObjectMetadata>,
    /// How its bytes are encrypted.
    pub(crate) sealing: Option<Sealing>,
    /// Its ACL.
    pub(crate) acl: EntryAcl,
}

/// An object's ACL as far as its entry has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum EntryAcl {
    /// The object is its bucket's owner's alone.
    None,
    /// This one.
    Here(Acl),
    /// It is too long for the entry: the record has it.
    Record,
}

/// An upload under way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct UploadEntry {
    /// The record that started it.
    pub(crate) head: RecordRef,
    /// When it was started.
    pub(crate) initiated: Timestamp,
    /// By whom.
    pub(crate) initiator: Owner,
    /// Which checksum the object will have.
    pub(crate) checksum: ChecksumChoice,
    /// Headers and user metadata, where they are short.
    pub(crate) metadata: Option<ObjectMetadata>,
    /// The key of its parts.
    pub(crate) seal: Option<Seal>,
    /// Whose the object will be, where its ACL says so.
    pub(crate) owner: Option<Owner>,
}

/// A part of an upload under way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PartEntry {
    /// The record that stored it.
    pub(crate) head: RecordRef,
    /// Where its bytes are.
    pub(crate) body: Body,
    /// Its size in bytes.
    pub(crate) size: u64,
    /// When it was stored.
    pub(crate) modified: Timestamp,
    /// Its entity tag.
    pub(crate) tag: Tag,
    /// Its checksum.
    pub(crate) checksum: Option<ChecksumValue>,
    /// The id of its bytes, where they are encrypted.
    pub(crate) sealed: Option<BodyId>,
}

/// An upload that was completed: remembered for a while, so that completing it again gives the
/// same answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct CompletedEntry {
    /// The record that completed it.
    pub(crate) head: RecordRef,
    /// What the client had listed, as a hash.
    pub(crate) request: [u8; 16],
    /// When.
    pub(crate) time: Timestamp,
}

/// A bucket.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct BucketEntry {
    /// Its id.
    pub(crate) id: BucketId,
    /// Whose it is.
    pub(crate) owner: Owner,
    /// When it was made.
    pub(crate) created: Timestamp,
}

/// A setting of a bucket: the record that holds it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SettingEntry {
    /// The record.
    pub(crate) head: RecordRef,
}

/// A key's ledger record: the record of the log that holds it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct LedgerEntry {
    /// The record of the log.
    pub(crate) head: RecordRef,
    /// What it says of the key's object; nothing where it was written before that was noted.
    pub(crate) claimed: Option<Claimed>,
}

/// A dead file that waits to be removed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct DeadEntry {
    /// When it died.
    pub(crate) since: Timestamp,
}

/// The bytes of a value.
pub(crate) fn encode<T: Serialize>(entry: &T) -> Vec<u8> {
    let mut out = Vec::with_capacity(192);
    out.push(1);
    let mut out = to_postcard(entry, out);
    let crc = crc32c(&out);
    out.extend_from_slice(&crc.to_le_bytes());
    out
}

/// Reads a value.
pub(crate) fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Flaw> {
    let (checked, crc) =
        bytes.split_last_chunk::<4>().ok_or(Flaw("the index entry is too short"))?;
    if u32::from_le_bytes(*crc) != crc32c(checked) {
        return Err(Flaw("the index entry fails its checksum"));
    }
    match checked.split_first() {
        Some((1, value)) => {
            postcard::from_bytes(value).map_err(|_| Flaw("the index entry cannot be read"))
        }
        _ => Err(Flaw("the index entry is of another format")),
    }
}

impl UploadEntry {
    /// The entry of an upload that the record `head` holds.
    pub(crate) fn new(head: RecordRef, upload: CreateUpload) -> Self {
        Self {
            head,
            initiated: upload.initiated,
            initiator: upload.initiator,
            checksum: upload.checksum,
            metadata: inline(upload.metadata),
            seal: upload.seal,
            owner: upload.acl.map(|acl| acl.owner),
        }
    }
}

impl ObjectEntry {
    /// The entry of an object described by the record `head`.
    pub(crate) fn new(head: RecordRef, body: Body, object: &Described) -> Self {
        let short = |class: &&String| class.len() <= INLINE_TEXT;
        let storage_class = object.metadata.storage_class.as_ref().filter(short).cloned();
        let whole = storage_class == object.metadata.storage_class;
        let metadata = ObjectMetadata { storage_class: None, ..object.metadata.clone() };
        Self {
            head,
            body,
            version: object.version,
            size: object.size,
            modified: object.modified,
            tag: object.tag.clone(),
            checksum: object.checksum.clone(),
            tag_count: u32::try_from(object.tags.len()).unwrap_or(u32::MAX),
            parts_count: object.parts_count,
            storage_class,
            metadata: if whole { inline(metadata) } else { None },
            sealing: object.sealing.clone(),
            acl: EntryAcl::of(object.acl.as_ref()),
        }
    }

    /// The key of its bytes.
    pub(crate) fn seal(&self) -> Option<&Seal> {
        self.sealing.as_ref().and_then(|sealing| sealing.seal.as_ref())
    }

    /// The object as far as it is counted.
    pub(crate) fn amount(&self) -> Amount {
        Amount::new(self.size, self.modified)
    }

    /// What dies when the same bytes are described anew: the description, unless the bytes are in
    /// its record.
    pub(crate) fn dead_description(&self) -> Dead {
        match self.body {
            Body::Packed(record) | Body::Manifest(record) if record.lsn == self.head.lsn => {
                Dead::default()
            }
            _ => Dead { records: vec![self.head], ..Dead::default() },
        }
    }

    /// The whole metadata, where the entry has it.
    pub(crate) fn whole_metadata(&self) -> Option<ObjectMetadata> {
        let metadata = self.metadata.clone()?;
        Some(ObjectMetadata { storage_class: self.storage_class.clone(), ..metadata })
    }
}

/// The metadata, if it is short enough to stand in an entry.
fn inline(metadata: ObjectMetadata) -> Option<ObjectMetadata> {
    let bytes = to_postcard(&metadata, Vec::new());
    (bytes.len() <= INLINE_METADATA).then_some(metadata)
}

impl EntryAcl {
    fn of(acl: Option<&Acl>) -> Self {
        match acl {
            None => Self::None,
            Some(acl) if to_postcard(acl, Vec::new()).len() <= INLINE_ACL => {
                Self::Here(acl.clone())
            }
            Some(_) => Self::Record,
        }
    }
}
