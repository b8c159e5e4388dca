//! The metas of the records: what each kind of mutation says.
//!
//! Every struct says enough to apply the mutation without asking the index: which bytes it makes
//! dead and how large the object was that it replaces. So counters and garbage are functions of
//! the log alone, however far ahead of the log's reader the index may be.

use serde::{Deserialize, Serialize};

pub(crate) use super::assembly::{Assembly, ManifestPart};
use super::counts::{Amount, Counts};
use super::place::{Body, BucketId, Carried, Dead, RecordRef};
pub(crate) use super::relocation::{
    KeepBucket, KeepCompleted, KeepUpload, MoveManifest, MovePart, TrimLog,
};
use super::seal::{BodyId, Seal, Sealing};
pub(crate) use super::tag::Tag;
use super::{Flaw, ledger_subject, read, subject, take, to_postcard};
use crate::object::{
    Acl, Checksum, ChecksumChoice, ChecksumValue, ObjectMetadata, Owner, TagSet, Timestamp,
    VersionId,
};

/// The format of metas that say what to count.
const COUNTED: u8 = 2;
/// The format of those that also say how the bytes are encrypted.
const SEALED: u8 = 3;
/// The format of those that also have an ACL, and may say how the bytes are encrypted.
const LISTED: u8 = 4;

/// Which key of which bucket.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) struct At {
    /// The bucket.
    pub(crate) bucket: BucketId,
    /// The key.
    pub(crate) key: String,
}

/// An object as every record that makes one describes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Described {
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
    /// How many parts it was completed from.
    pub(crate) parts_count: Option<u32>,
    /// Headers and user metadata.
    pub(crate) metadata: ObjectMetadata,
    /// Tags.
    pub(crate) tags: TagSet,
    /// How its bytes are encrypted; stands behind the meta.
    #[serde(skip)]
    pub(crate) sealing: Option<Sealing>,
    /// Its ACL, where it is not its bucket's owner's alone; stands behind the meta.
    #[serde(skip)]
    pub(crate) acl: Option<Acl>,
}

impl Described {
    /// The object as far as it is counted.
    pub(crate) fn amount(&self) -> Amount {
        Amount::new(self.size, self.modified)
    }
}

/// What a mutation replaces.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Replaces {
    /// The size of the object that was there.
    pub(crate) size: Option<u64>,
    /// What nothing refers to any more.
    pub(crate) dead: Dead,
}

/// Kind 1: an object of one PUT or copy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PutObject {
    /// Which key.
    pub(crate) at: At,
    /// The object.
    pub(crate) object: Described,
    /// Where its bytes are.
    pub(crate) carried: Carried,
    /// What was there.
    pub(crate) replaces: Replaces,
}

/// Kind 2: an object is no more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct DeleteObject {
    /// Which key.
    pub(crate) at: At,
    /// Which version.
    pub(crate) version: VersionId,
    /// When.
    pub(crate) time: Timestamp,
    /// What was there.
    pub(crate) replaces: Replaces,
}

/// Kind 4: a bucket; its id is the record's LSN.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct CreateBucket {
    /// Its name.
    pub(crate) name: String,
    /// Whose it is.
    pub(crate) owner: Owner,
    /// When it was made.
    pub(crate) created: Timestamp,
}

/// Kind 5: a bucket is no more. Its uploads were aborted by records before this one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct DeleteBucket {
    /// Its id.
    pub(crate) bucket: BucketId,
    /// Its name.
    pub(crate) name: String,
    /// When.
    pub(crate) time: Timestamp,
}

/// Kind 6: a setting of a bucket. The data is its value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct BucketSetting {
    /// Which bucket.
    pub(crate) bucket: BucketId,
    /// The setting's name, such as `tags`.
    pub(crate) setting: String,
    /// Whether it is there from now on, or no more.
    pub(crate) present: bool,
}

/// Kind 7: an upload; its id is made from the record's LSN.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct CreateUpload {
    /// The object it will be.
    pub(crate) at: At,
    /// When it was started.
    pub(crate) initiated: Timestamp,
    /// By whom.
    pub(crate) initiator: Owner,
    /// Which checksum it will have.
    pub(crate) checksum: ChecksumChoice,
    /// Its headers and user metadata.
    pub(crate) metadata: ObjectMetadata,
    /// Its tags.
    pub(crate) tags: TagSet,
    /// The key of its parts; stands behind the meta.
    #[serde(skip)]
    pub(crate) seal: Option<Seal>,
    /// The ACL of the object; stands behind the meta.
    #[serde(skip)]
    pub(crate) acl: Option<Acl>,
}

/// Kind 8: a part of an upload.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct UploadPart {
    /// The object it will belong to.
    pub(crate) at: At,
    /// The upload, by the LSN of its record.
    pub(crate) upload: u64,
    /// The part's number.
    pub(crate) number: u16,
    /// Its size in bytes.
    pub(crate) size: u64,
    /// When it was stored.
    pub(crate) modified: Timestamp,
    /// Its entity tag.
    pub(crate) tag: Tag,
    /// Its checksum.
    pub(crate) checksum: Option<ChecksumValue>,
    /// Where its bytes are.
    pub(crate) carried: Carried,
    /// What was there under that number; no size, as parts are not counted as objects.
    pub(crate) replaces: Replaces,
    /// The id of its bytes, where the upload is encrypted; stands behind the meta.
    #[serde(skip)]
    pub(crate) sealed: Option<BodyId>,
}

/// Kind 9: an upload becomes an object. The data is an [`Assembly`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct CompleteUpload {
    /// Which key.
    pub(crate) at: At,
    /// The upload.
    pub(crate) upload: u64,
    /// The object.
    pub(crate) object: Described,
    /// What the client listed, as a hash: tells a repeated request from another one.
    pub(crate) request: [u8; 16],
    /// When, unlike Last-Modified to the millisecond.
    pub(crate) time: Timestamp,
    /// The object that was there.
    pub(crate) replaces: Replaces,
}

/// Kind 10: an upload is dropped. The data is the [`Dead`] of its parts and its own record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct AbortUpload {
    /// The object it would have been.
    pub(crate) at: At,
    /// The upload.
    pub(crate) upload: u64,
}

/// Kind 11: an object with the same bytes, described anew.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ChangeObject {
    /// Which key.
    pub(crate) at: At,
    /// The object.
    pub(crate) object: Described,
    /// Where its bytes are, in another record or file.
    pub(crate) body: Body,
    /// The description that was there; its size is the object's own.
    pub(crate) replaces: Replaces,
}

/// Kind 15: a key's ledger record. The data is its value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SetEntry {
    /// Which key.
    pub(crate) at: At,
    /// Whether it is there from now on, or no more.
    pub(crate) present: bool,
    /// The record that held it before.
    pub(crate) replaces: Option<RecordRef>,
}

impl PutObject {
    /// The kind's number.
    pub(crate) const KIND: u8 = 1;
}

impl UploadPart {
    /// The kind's number.
    pub(crate) const KIND: u8 = 8;
}

/// The meta of any record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Meta {
    /// Kind 1.
    PutObject(PutObject),
    /// Kind 2.
    DeleteObject(DeleteObject),
    /// Kind 4.
    CreateBucket(CreateBucket),
    /// Kind 5.
    DeleteBucket(DeleteBucket),
    /// Kind 6.
    BucketSetting(BucketSetting),
    /// Kind 7.
    CreateUpload(CreateUpload),
    /// Kind 8.
    UploadPart(UploadPart),
    /// Kind 9.
    CompleteUpload(CompleteUpload),
    /// Kind 10.
    AbortUpload(AbortUpload),
    /// Kind 11.
    ChangeObject(ChangeObject),
    /// Kind 15.
    SetEntry(SetEntry),
    /// Kind 12.
    MovePart(MovePart),
    /// Kind 16.
    KeepBucket(KeepBucket),
    /// Kind 17.
    KeepUpload(KeepUpload),
    /// Kind 18.
    MoveManifest(MoveManifest),
    /// Kind 19.
    TrimLog(TrimLog),
    /// Kind 20.
    KeepCompleted(KeepCompleted),
}

impl Meta {
    /// The kind's number in the header.
    pub(crate) fn kind(&self) -> u8 {
        match self {
            Self::PutObject(_) => PutObject::KIND,
            Self::DeleteObject(_) => 2,
            Self::CreateBucket(_) => 4,
            Self::DeleteBucket(_) => 5,
            Self::BucketSetting(_) => 6,
            Self::CreateUpload(_) => 7,
            Self::UploadPart(_) => UploadPart::KIND,
            Self::CompleteUpload(_) => 9,
            Self::AbortUpload(_) => 10,
            Self::ChangeObject(_) => 11,
            Self::SetEntry(_) => 15,
            Self::MovePart(_) => MovePart::KIND,
            Self::KeepBucket(_) => 16,
            Self::KeepUpload(_) => 17,
            Self::MoveManifest(_) => 18,
            Self::TrimLog(_) => 19,
            Self::KeepCompleted(_) => 20,
        }
    }

    /// The bytes of the meta, of what it says about the counters, of how its bytes are encrypted,
    /// and of its ACL; and the format that they have.
    pub(crate) fn encode(&self, counts: &Counts) -> (u8, Vec<u8>) {
        let bytes = to_postcard(counts, self.encode_alone());
        match (self.sealing(), self.acl()) {
            (None, None) => (COUNTED, bytes),
            (Some(sealing), None) => (SEALED, to_postcard(&sealing, bytes)),
            (sealing, Some(acl)) => (LISTED, to_postcard(&(sealing, acl), bytes)),
        }
    }

    fn acl(&self) -> Option<&Acl> {
        match self {
            Self::PutObject(PutObject { object, .. })
            | Self::ChangeObject(ChangeObject { object, .. })
            | Self::CompleteUpload(CompleteUpload { object, .. }) => object.acl.as_ref(),
            Self::MoveManifest(moved) => moved.complete.object.acl.as_ref(),
            Self::CreateUpload(upload) => upload.acl.as_ref(),
            Self::KeepUpload(kept) => kept.upload.acl.as_ref(),
            _ => None,
        }
    }

    fn set_acl(&mut self, acl: Acl) -> Result<(), Flaw> {
        match self {
            Self::PutObject(PutObject { object, .. })
            | Self::ChangeObject(ChangeObject { object, .. })
            | Self::CompleteUpload(CompleteUpload { object, .. }) => object.acl = Some(acl),
            Self::MoveManifest(moved) => moved.complete.object.acl = Some(acl),
            Self::CreateUpload(upload) => upload.acl = Some(acl),
            Self::KeepUpload(kept) => kept.upload.acl = Some(acl),
            _ => return Err(Flaw("the record is of a kind that has no ACL")),
        }
        Ok(())
    }

    fn sealing(&self) -> Option<Sealing> {
        match self {
            Self::PutObject(PutObject { object, .. })
            | Self::ChangeObject(ChangeObject { object, .. })
            | Self::CompleteUpload(CompleteUpload { object, .. }) => object.sealing.clone(),
            Self::MoveManifest(moved) => moved.complete.object.sealing.clone(),
            Self::KeepCompleted(kept) => kept.complete.object.sealing.clone(),
            Self::CreateUpload(upload) => upload.seal.clone().map(Sealing::of),
            Self::KeepUpload(kept) => kept.upload.seal.clone().map(Sealing::of),
            Self::UploadPart(part) => {
                part.sealed.map(|body| Sealing { seal: None, body: Some(body) })
            }
            _ => None,
        }
    }

    fn set_sealing(&mut self, sealing: Sealing) -> Result<(), Flaw> {
        match self {
            Self::PutObject(PutObject { object, .. })
            | Self::ChangeObject(ChangeObject { object, .. })
            | Self::CompleteUpload(CompleteUpload { object, .. }) => object.sealing = Some(sealing),
            Self::MoveManifest(moved) => moved.complete.object.sealing = Some(sealing),
            Self::KeepCompleted(kept) => kept.complete.object.sealing = Some(sealing),
            Self::CreateUpload(upload) => upload.seal = sealing.seal,
            Self::KeepUpload(kept) => kept.upload.seal = sealing.seal,
            Self::UploadPart(part) => part.sealed = sealing.body,
            _ => return Err(Flaw("the record is of a kind that has nothing to encrypt")),
        }
        Ok(())
    }

    fn encode_alone(&self) -> Vec<u8> {
        let into = Vec::with_capacity(256);
        match self {
            Self::PutObject(meta) => to_postcard(meta, into),
            Self::DeleteObject(meta) => to_postcard(meta, into),
            Self::CreateBucket(meta) => to_postcard(meta, into),
            Self::DeleteBucket(meta) => to_postcard(meta, into),
            Self::BucketSetting(meta) => to_postcard(meta, into),
            Self::CreateUpload(meta) => to_postcard(meta, into),
            Self::UploadPart(meta) => to_postcard(meta, into),
            Self::CompleteUpload(meta) => to_postcard(meta, into),
            Self::AbortUpload(meta) => to_postcard(meta, into),
            Self::ChangeObject(meta) => to_postcard(meta, into),
            Self::SetEntry(meta) => to_postcard(meta, into),
            Self::MovePart(meta) => to_postcard(meta, into),
            Self::KeepBucket(meta) => to_postcard(meta, into),
            Self::KeepUpload(meta) => to_postcard(meta, into),
            Self::MoveManifest(meta) => to_postcard(meta, into),
            Self::TrimLog(meta) => to_postcard(meta, into),
            Self::KeepCompleted(meta) => to_postcard(meta, into),
        }
    }

    /// Reads the meta of a record of that kind and format.
    pub(crate) fn decode(kind: u8, format: u8, bytes: &[u8]) -> Result<Self, Flaw> {
        Self::decode_counted(kind, format, bytes).map(|(meta, _)| meta)
    }

    /// The same with what it says about the counters, which those of format 1 do not.
    pub(crate) fn decode_counted(
        kind: u8,
        format: u8,
        bytes: &[u8],
    ) -> Result<(Self, Option<Counts>), Flaw> {
        let (mut meta, rest) = Self::decode_front(kind, bytes)?;
        match (format, rest) {
            (1, []) => Ok((meta, None)),
            (1, _) => Err(Flaw("there are bytes behind the encoded value")),
            (COUNTED, rest) => Ok((meta, Some(read(rest)?))),
            (SEALED, rest) => {
                let (counts, rest) = take(rest)?;
                meta.set_sealing(read(rest)?)?;
                Ok((meta, Some(counts)))
            }
            (LISTED, rest) => {
                let (counts, rest) = take(rest)?;
                let (sealing, acl): (Option<Sealing>, Acl) = read(rest)?;
                if let Some(sealing) = sealing {
                    meta.set_sealing(sealing)?;
                }
                meta.set_acl(acl)?;
                Ok((meta, Some(counts)))
            }
            _ => Err(Flaw("the record is of a format that this version does not know")),
        }
    }

    fn decode_front(kind: u8, bytes: &[u8]) -> Result<(Self, &[u8]), Flaw> {
        match kind {
            1 => front(bytes, Self::PutObject),
            2 => front(bytes, Self::DeleteObject),
            4 => front(bytes, Self::CreateBucket),
            5 => front(bytes, Self::DeleteBucket),
            6 => front(bytes, Self::BucketSetting),
            7 => front(bytes, Self::CreateUpload),
            8 => front(bytes, Self::UploadPart),
            9 => front(bytes, Self::CompleteUpload),
            10 => front(bytes, Self::AbortUpload),
            11 => front(bytes, Self::ChangeObject),
            15 => front(bytes, Self::SetEntry),
            MovePart::KIND => front(bytes, Self::MovePart),
            16 => front(bytes, Self::KeepBucket),
            17 => front(bytes, Self::KeepUpload),
            18 => front(bytes, Self::MoveManifest),
            19 => front(bytes, Self::TrimLog),
            20 => front(bytes, Self::KeepCompleted),
            _ => Err(Flaw("the record is of a kind that this version does not know")),
        }
    }

    /// Whom the record is about.
    pub(crate) fn subject(&self) -> u64 {
        match self {
            Self::PutObject(PutObject { at, .. })
            | Self::DeleteObject(DeleteObject { at, .. })
            | Self::CreateUpload(CreateUpload { at, .. })
            | Self::UploadPart(UploadPart { at, .. })
            | Self::CompleteUpload(CompleteUpload { at, .. })
            | Self::AbortUpload(AbortUpload { at, .. })
            | Self::ChangeObject(ChangeObject { at, .. })
            | Self::MovePart(MovePart { at }) => subject(at.bucket.0, &at.key),
            Self::KeepUpload(KeepUpload { upload, .. }) => {
                subject(upload.at.bucket.0, &upload.at.key)
            }
            Self::MoveManifest(MoveManifest { complete, .. })
            | Self::KeepCompleted(KeepCompleted { complete }) => {
                subject(complete.at.bucket.0, &complete.at.key)
            }
            Self::KeepBucket(meta) => subject(0, &meta.made.name),
            Self::TrimLog(_) => subject(0, ""),
            Self::CreateBucket(meta) => subject(0, &meta.name),
            Self::DeleteBucket(meta) => subject(0, &meta.name),
            Self::BucketSetting(meta) => subject(meta.bucket.0, ""),
            Self::SetEntry(SetEntry { at, .. }) => ledger_subject(at.bucket.0, &at.key),
        }
    }
}

/// The value at the front of some bytes, made into a meta, and the bytes behind it.
fn front<'a, T: Deserialize<'a>>(
    bytes: &'a [u8],
    meta: fn(T) -> Meta,
) -> Result<(Meta, &'a [u8]), Flaw> {
    take(bytes).map(|(value, rest)| (meta(value), rest))
}
