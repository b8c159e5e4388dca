//! Writing anew, at the end of the log, what lives in an old segment: only if it still is what was
//! found there, so that nothing that was replaced or removed meanwhile comes back.

use bytes::Bytes;

use super::super::effects::upload_id;
use super::super::format::StoreId;
use super::super::format::counts::{Claimed, Counted, Counts};
use super::super::format::meta::{
    At, BucketSetting, ChangeObject, Described, KeepBucket, KeepCompleted, KeepUpload, Meta,
    MoveManifest, MovePart, PutObject, Replaces, SetEntry, UploadPart,
};
use super::super::format::place::{Body, BucketId, Carried, Dead, RecordRef};
use super::super::format::record::block_crcs;
use super::decide::{Decided, Decision, Draft, counted};
use super::overlay::View;
use crate::store::{ClaimReader, StoreError};

/// Something that is to be written anew.
pub(crate) struct Move {
    /// The bucket's name. Where there is another bucket of that name by now, nothing is written.
    pub(crate) bucket: String,
    /// What it is.
    pub(crate) what: Moved,
    /// Whether it may use what is kept in reserve: it makes more room than it takes.
    pub(crate) frees: bool,
}

/// What is to be written anew.
pub(crate) enum Moved {
    /// An object whose bytes are in the record.
    Packed(Found, Bytes),
    /// An object whose bytes stay where they are.
    Described(Found),
    /// The bytes of a part of an object.
    Part(At, Bytes),
    /// An object some of whose parts are in other places by now, and the bytes of its list of parts.
    Manifest(Found, MoveManifest, Bytes),
    /// An upload under way.
    Upload(KeepUpload),
    /// A part of an upload under way: its record, what it says, and its data.
    UploadPart(RecordRef, UploadPart, Bytes),
    /// A key's ledger record: its record, whose, and its value.
    Entry(RecordRef, At, Bytes),
    /// A setting of a bucket: its record, what it says, and its value.
    Setting(RecordRef, BucketSetting, Bytes),
    /// A bucket.
    Bucket(KeepBucket),
    /// What is remembered of an upload that was completed.
    Completed(KeepCompleted),
}

/// An object as it was found.
pub(crate) struct Found {
    /// Which key.
    pub(crate) at: At,
    /// The record that describes it.
    pub(crate) head: RecordRef,
    /// Where its bytes are.
    pub(crate) body: Body,
    /// Its description.
    pub(crate) object: Box<Described>,
}

impl Moved {
    fn bucket(&self) -> BucketId {
        match self {
            Self::Packed(Found { at, .. }, _)
            | Self::Described(Found { at, .. })
            | Self::Manifest(Found { at, .. }, ..)
            | Self::Part(at, _)
            | Self::Entry(_, at, _) => at.bucket,
            Self::Upload(kept) => kept.upload.at.bucket,
            Self::UploadPart(_, part, _) => part.at.bucket,
            Self::Setting(_, setting, _) => setting.bucket,
            Self::Bucket(kept) => kept.id,
            Self::Completed(kept) => kept.complete.at.bucket,
        }
    }
}

/// Decides about a move after everything in `view`.
pub(super) fn decide_move(
    view: &View,
    store: StoreId,
    wanted: &Move,
    claims: ClaimReader,
) -> Decided {
    let bucket = wanted.what.bucket();
    if view.bucket(&wanted.bucket).is_none_or(|there| there.id != bucket) {
        return Ok(Decision::Retry);
    }
    let draft = match &wanted.what {
        Moved::Packed(found, bytes) => object(view, found, |dead| {
            let meta = PutObject {
                at: found.at.clone(),
                object: (*found.object).clone(),
                carried: Carried::Here,
                replaces: Replaces { size: Some(found.object.size), dead },
            };
            (Meta::PutObject(meta), bytes.clone())
        })?,
        Moved::Described(found) => object(view, found, |dead| {
            let meta = ChangeObject {
                at: found.at.clone(),
                object: (*found.object).clone(),
                body: found.body,
                replaces: Replaces { size: None, dead },
            };
            (Meta::ChangeObject(meta), Bytes::new())
        })?,
        Moved::Manifest(found, manifest, list) => {
            object(view, found, |_| (Meta::MoveManifest(manifest.clone()), list.clone()))?
        }
        Moved::Part(at, bytes) => {
            Some(draft(Meta::MovePart(MovePart { at: at.clone() }), bytes.clone()))
        }
        Moved::Upload(kept) => upload(view, store, kept)?,
        Moved::UploadPart(head, part, bytes) => upload_part(view, store, *head, part, bytes)?,
        Moved::Entry(head, at, value) => entry(view, *head, at, value, claims)?,
        Moved::Setting(head, setting, value) => {
            let now = view.setting(setting.bucket, &setting.setting)?;
            let same = now == Some(*head);
            same.then(|| draft(Meta::BucketSetting(setting.clone()), value.clone()))
        }
        Moved::Bucket(kept) => Some(draft(Meta::KeepBucket(kept.clone()), Bytes::new())),
        // Nothing but a compaction writes anything more of it, and what was remembered for too
        // long is forgotten again.
        Moved::Completed(kept) => Some(draft(Meta::KeepCompleted(kept.clone()), Bytes::new())),
    };
    Ok(draft.map_or(Decision::Retry, |draft| Decision::Write(vec![draft])))
}

fn draft(meta: Meta, data: Bytes) -> Draft {
    let crcs = block_crcs(&data);
    Draft { meta, counts: Counts::default(), data, crcs }
}

type Drafted = Result<Option<Draft>, StoreError>;

/// An object, if it is the one that was found; `make` is told which records die.
fn object(view: &View, found: &Found, make: impl FnOnce(Dead) -> (Meta, Bytes)) -> Drafted {
    let now = view.object(&found.at)?;
    let Some(now) = now.filter(|now| now.head == found.head && now.body == found.body) else {
        return Ok(None);
    };
    let counts = counted(view, &found.at, Some(&now), Some(found.object.amount()))?;
    let mut records = vec![now.head];
    if let Body::Packed(record) = now.body
        && record != now.head
    {
        records.push(record);
    }
    let (meta, data) = make(Dead { records, ..Dead::default() });
    Ok(Some(Draft { counts, ..draft(meta, data) }))
}

fn upload(view: &View, store: StoreId, kept: &KeepUpload) -> Drafted {
    let now = view.upload(&kept.upload.at, upload_id(store, kept.lsn))?;
    let same = now.is_some_and(|now| now.head == kept.replaces);
    Ok(same.then(|| draft(Meta::KeepUpload(kept.clone()), Bytes::new())))
}

fn upload_part(
    view: &View,
    store: StoreId,
    head: RecordRef,
    part: &UploadPart,
    bytes: &Bytes,
) -> Drafted {
    let id = upload_id(store, part.upload);
    if view.upload(&part.at, id)?.is_none() {
        return Ok(None);
    }
    let now = view.part(id, part.number)?;
    if now.is_none_or(|now| now.head != head) {
        return Ok(None);
    }
    let dead = Dead { records: vec![head], ..Dead::default() };
    let meta = UploadPart { replaces: Replaces { size: None, dead }, ..part.clone() };
    Ok(Some(draft(Meta::UploadPart(meta), bytes.clone())))
}

fn entry(view: &View, head: RecordRef, at: &At, value: &Bytes, claims: ClaimReader) -> Drafted {
    let Some(old) = view.entry(at)?.filter(|old| old.head == head) else { return Ok(None) };
    let object = view.object(at)?.map(|object| object.amount());
    let claimed = Some(Claimed::from(claims.0(value)));
    let counts = Counts {
        before: Counted::of(object, old.claimed),
        after: Counted::of(object, claimed),
        claimed,
    };
    let meta = SetEntry { at: at.clone(), present: true, replaces: Some(head) };
    Ok(Some(Draft { counts, ..draft(Meta::SetEntry(meta), value.clone()) }))
}
