//! From a command to the records that carry it out, or to why not.

use bytes::Bytes;

use super::super::effects::upload_lsn;
use super::super::format::StoreId;
use super::super::format::counts::{Amount, Claimed, Counted, Counts};
use super::super::format::entry::ObjectEntry;
use super::super::format::meta::{
    AbortUpload, At, BucketSetting, ChangeObject, CompleteUpload, CreateBucket, CreateUpload,
    DeleteBucket, DeleteObject, Meta, PutObject, Replaces, SetEntry, TrimLog, UploadPart,
};
use super::super::format::place::{BucketId, Carried, Dead};
use super::super::format::record::block_crcs;
use super::moves::decide_move;
use super::overlay::View;
use super::{Command, Content};
use crate::object::{Timestamp, VersionId, WriteCondition, WriteVerdict};
use crate::store::{ClaimReader, ObjectPath, StoreError};

/// A record to be written.
pub(super) struct Draft {
    /// What it says.
    pub(super) meta: Meta,
    /// What to count of it.
    pub(super) counts: Counts,
    /// Its data.
    pub(super) data: Bytes,
    /// The data's checksums.
    pub(super) crcs: Vec<u32>,
}

/// What a command comes to.
pub(super) enum Decision {
    /// These records; none where there is nothing to do.
    Write(Vec<Draft>),
    /// The caller has to look again.
    Retry,
}

pub(super) type Decided = Result<Decision, StoreError>;

/// Decides about a command after everything in `view`.
pub(super) fn decide(
    view: &View,
    command: &Command,
    store: StoreId,
    now: Timestamp,
    claims: ClaimReader,
) -> Decided {
    match command {
        // It is done when there is nothing more to decide.
        Command::Roll => Ok(Decision::Write(Vec::new())),
        Command::Move(wanted) => decide_move(view, store, wanted, claims),
        Command::Trim { first } => Ok(write(Meta::TrimLog(TrimLog { first: *first }))),
        Command::CreateBucket { name, owner } => match view.bucket(name) {
            Some(bucket) => Err(StoreError::BucketExists { owner: bucket.owner.clone() }),
            None => Ok(write(Meta::CreateBucket(CreateBucket {
                name: name.clone(),
                owner: owner.clone(),
                created: now,
            }))),
        },
        Command::DeleteBucket { name, as_of, aborts } => {
            delete_bucket(view, name, *as_of, aborts, now)
        }
        Command::SetSetting { bucket, setting, value } => {
            let bucket = bucket_id(view, bucket)?;
            let (setting, present) = ((*setting).to_owned(), value.is_some());
            let meta = Meta::BucketSetting(BucketSetting { bucket, setting, present });
            let (data, counts) = (value.clone().unwrap_or_default(), Counts::default());
            let crcs = block_crcs(&data);
            Ok(Decision::Write(vec![Draft { meta, counts, data, crcs }]))
        }
        Command::SetEntry { at, value } => {
            let at = located(view, at)?;
            let old = view.entry(&at)?;
            if value.is_none() && old.is_none() {
                return Ok(Decision::Write(Vec::new()));
            }
            let claimed = value.as_ref().map(|value| Claimed::from(claims.0(value)));
            let object = view.object(&at)?.map(|object| object.amount());
            let counts = Counts {
                before: Counted::of(object, old.and_then(|old| old.claimed)),
                after: Counted::of(object, claimed),
                claimed,
            };
            let replaces = old.map(|old| old.head);
            let meta = Meta::SetEntry(SetEntry { at, present: value.is_some(), replaces });
            let data = value.clone().unwrap_or_default();
            let crcs = block_crcs(&data);
            Ok(Decision::Write(vec![Draft { meta, counts, data, crcs }]))
        }
        Command::Put { at, object, content, condition } => {
            let at = located(view, at)?;
            let old = allowed(view, &at, condition.as_ref())?;
            let counts = counted(view, &at, old.as_ref(), Some(object.amount()))?;
            let replaces = old.map(|old| replaced(&old));
            let (carried, data, crcs) = content.draft();
            let (object, replaces) = ((**object).clone(), replaces.unwrap_or_default());
            let meta = Meta::PutObject(PutObject { at, object, carried, replaces });
            Ok(Decision::Write(vec![Draft { meta, counts, data, crcs }]))
        }
        Command::Delete { at, condition } => {
            let at = located(view, at)?;
            // What is not there is deleted, whatever the condition says.
            let Some(old) = view.object(&at)? else { return Ok(Decision::Write(Vec::new())) };
            check_condition(condition.as_ref(), Some(&old))?;
            let counts = counted(view, &at, Some(&old), None)?;
            let meta = Meta::DeleteObject(DeleteObject {
                at,
                version: VersionId::Null,
                time: now,
                replaces: replaced(&old),
            });
            Ok(Decision::Write(vec![Draft::with(meta, Vec::new()).counting(counts)]))
        }
        Command::Change { at, head, object } => {
            let at = located(view, at)?;
            match view.object(&at)? {
                Some(old) if old.head.lsn == *head => {
                    let dead = old.dead_description();
                    let counts = counted(view, &at, Some(&old), Some(object.amount()))?;
                    let meta = Meta::ChangeObject(ChangeObject {
                        at,
                        object: (**object).clone(),
                        body: old.body,
                        replaces: Replaces { size: None, dead },
                    });
                    Ok(Decision::Write(vec![Draft::with(meta, Vec::new()).counting(counts)]))
                }
                _ => Ok(Decision::Retry),
            }
        }
        Command::CreateUpload { at, upload, seal } => Ok(write(Meta::CreateUpload(CreateUpload {
            at: located(view, at)?,
            initiated: now,
            initiator: upload.initiator.clone(),
            checksum: upload.checksum,
            metadata: upload.metadata.clone(),
            tags: upload.tags.clone(),
            seal: seal.clone(),
            acl: upload.acl.clone(),
        }))),
        Command::Part { at, id, .. } => part(view, command, &located(view, at)?, *id),
        Command::Complete { at, id, .. } => complete(view, command, located(view, at)?, *id, now),
        Command::Abort { at, id, as_of, dead } => abort(view, at, *id, *as_of, dead),
    }
}

fn write(meta: Meta) -> Decision {
    Decision::Write(vec![Draft::with(meta, Vec::new())])
}

/// What a key is counted as before and after its object here is replaced.
pub(super) fn counted(
    view: &View,
    at: &At,
    old: Option<&ObjectEntry>,
    new: Option<Amount>,
) -> Result<Counts, StoreError> {
    let claimed = view.entry(at)?.and_then(|entry| entry.claimed);
    let before = Counted::of(old.map(ObjectEntry::amount), claimed);
    Ok(Counts { before, after: Counted::of(new, claimed), claimed: None })
}

fn bucket_id(view: &View, name: &str) -> Result<BucketId, StoreError> {
    view.bucket(name).map(|bucket| bucket.id).ok_or(StoreError::NoSuchBucket)
}

fn located(view: &View, path: &ObjectPath) -> Result<At, StoreError> {
    let bucket = bucket_id(view, path.bucket.as_str())?;
    Ok(At { bucket, key: path.key.as_str().to_owned() })
}

/// What is at the key, if the condition lets the write through.
fn allowed(
    view: &View,
    at: &At,
    condition: Option<&WriteCondition>,
) -> Result<Option<ObjectEntry>, StoreError> {
    let old = view.object(at)?;
    check_condition(condition, old.as_ref())?;
    Ok(old)
}

/// Whether a condition lets a write through, given what is at the key.
pub(crate) fn check_condition(
    condition: Option<&WriteCondition>,
    old: Option<&ObjectEntry>,
) -> Result<(), StoreError> {
    let Some(condition) = condition else { return Ok(()) };
    let current = old.map(|old| (old.tag.etag(), old.modified));
    match condition.check(current.as_ref().map(|(etag, modified)| (etag, *modified))) {
        WriteVerdict::Proceed => Ok(()),
        WriteVerdict::Missing => Err(StoreError::NoSuchKey),
        WriteVerdict::Failed(header) => Err(StoreError::PreconditionFailed(header)),
    }
}

fn replaced(old: &ObjectEntry) -> Replaces {
    Replaces { size: Some(old.size), dead: Dead::of(old.head, old.body) }
}

fn part(view: &View, command: &Command, at: &At, id: u128) -> Decided {
    let Command::Part { part, content, .. } = command else { return Ok(Decision::Retry) };
    view.upload(at, id)?.ok_or(StoreError::NoSuchUpload)?;
    let old = view.part(id, part.number)?;
    let dead = old.map(|old| Dead::of(old.head, old.body)).unwrap_or_default();
    let (carried, data, crcs) = content.draft();
    let meta = Meta::UploadPart(UploadPart {
        at: at.clone(),
        upload: upload_lsn(id),
        number: part.number,
        size: part.size,
        modified: part.modified,
        tag: part.tag.clone(),
        checksum: part.checksum.clone(),
        carried,
        replaces: Replaces { size: None, dead },
        sealed: part.sealed,
    });
    let counts = Counts::default();
    Ok(Decision::Write(vec![Draft { meta, counts, data, crcs }]))
}

fn complete(view: &View, command: &Command, at: At, id: u128, now: Timestamp) -> Decided {
    let Command::Complete { as_of, object, request, assembly, condition, .. } = command else {
        return Ok(Decision::Retry);
    };
    // Whoever completed or aborted it in between decides what the caller finds when it looks again.
    if view.upload(&at, id)?.is_none() || view.upload_changed(id, *as_of) {
        return Ok(Decision::Retry);
    }
    let old = allowed(view, &at, condition.as_ref())?;
    let counts = counted(view, &at, old.as_ref(), Some(object.amount()))?;
    let replaces = old.map(|old| replaced(&old));
    let meta = Meta::CompleteUpload(CompleteUpload {
        at,
        upload: upload_lsn(id),
        object: (**object).clone(),
        request: *request,
        time: now,
        replaces: replaces.unwrap_or_default(),
    });
    Ok(Decision::Write(vec![Draft::with(meta, assembly.encode()).counting(counts)]))
}

fn abort(view: &View, at: &At, id: u128, as_of: u64, dead: &Dead) -> Decided {
    if view.upload(at, id)?.is_none() || view.upload_changed(id, as_of) {
        return Ok(Decision::Retry);
    }
    Ok(Decision::Write(vec![abort_draft(at, id, dead)]))
}

fn abort_draft(at: &At, id: u128, dead: &Dead) -> Draft {
    let meta = AbortUpload { at: at.clone(), upload: upload_lsn(id) };
    Draft::with(Meta::AbortUpload(meta), dead.encode())
}

fn delete_bucket(
    view: &View,
    name: &str,
    as_of: u64,
    aborts: &[(At, u128, Dead)],
    now: Timestamp,
) -> Decided {
    let bucket = bucket_id(view, name)?;
    if view.bucket_changed(bucket, as_of) {
        return Ok(Decision::Retry);
    }
    let mut drafts: Vec<Draft> =
        aborts.iter().map(|(at, id, dead)| abort_draft(at, *id, dead)).collect();
    let meta = DeleteBucket { bucket, name: name.to_owned(), time: now };
    drafts.push(Draft::with(Meta::DeleteBucket(meta), Vec::new()));
    Ok(Decision::Write(drafts))
}

impl Draft {
    fn with(meta: Meta, data: Vec<u8>) -> Self {
        let crcs = block_crcs(&data);
        Self { meta, counts: Counts::default(), data: Bytes::from(data), crcs }
    }

    fn counting(self, counts: Counts) -> Self {
        Self { counts, ..self }
    }
}

impl Content {
    fn draft(&self) -> (Carried, Bytes, Vec<u32>) {
        match self {
            Self::Empty => (Carried::Empty, Bytes::new(), Vec::new()),
            Self::Packed(bytes, crcs) => (Carried::Here, bytes.clone(), crcs.clone()),
            Self::Blob(blob) => (Carried::Blob(blob.id()), Bytes::new(), Vec::new()),
        }
    }
}
