//! What refers to a record, and how that is written anew.

use std::collections::{BTreeMap, HashMap, HashSet};

use bytes::Bytes;

use super::super::catalog::Catalog;
use super::super::commit::{Found, Move, Moved};
use super::super::core::Core;
use super::super::effects::upload_id;
use super::super::format::entry::ObjectEntry;
use super::super::format::meta::{
    Assembly, At, CompleteUpload, CreateBucket, CreateUpload, Described, KeepBucket, KeepCompleted,
    KeepUpload, Meta, MoveManifest, Replaces, UploadPart,
};
use super::super::format::place::{Body, BucketId, Carried, Dead, RecordRef};
use super::super::read::{describe, manifest};
use super::victim::{Line, Victim};
use crate::store::{Result, StoreError};

/// How many records are looked at before anything is written.
const LOOKED_AT: u64 = 1000;
/// How many are written at once.
const AT_ONCE: usize = 64;
/// How many bytes of bodies are in memory at once, but for the last one's.
const BYTES_AT_ONCE: u64 = 2 << 20;

/// What is to be written anew of the next records of a segment.
#[derive(Default)]
pub(super) struct Portion {
    /// Each with the record that it was found by.
    pub(super) jobs: Vec<(Line, Job)>,
    /// How many records were looked at.
    pub(super) looked_at: u64,
    /// Whether the segment has no more.
    pub(super) is_last: bool,
}

/// Something to be written anew.
pub(super) enum Job {
    /// By one record.
    Move(Box<Move>),
    /// By one for each part whose bytes move, and one for the object.
    Manifest(Box<ManifestJob>),
}

/// An object of several parts.
pub(super) struct ManifestJob {
    pub(super) bucket: String,
    found: Found,
    complete: CompleteUpload,
    assembly: Assembly,
    /// The places in the assembly of those whose bytes move, their records, and their bytes.
    pub(super) parts: Vec<(usize, RecordRef, Bytes)>,
    pub(super) frees: bool,
}

/// Looks at the next records of a segment until there is enough to do.
pub(super) fn look(core: &Core, victim: &mut Victim, frees: bool) -> Result<Portion> {
    let catalog = core.whole_catalog()?;
    let names = core.buckets().into_iter().map(|(name, bucket)| (bucket.id, name)).collect();
    let looker = Looker { core, catalog, names, bound: victim.id, frees };
    let mut portion = Portion::default();
    let (mut bytes, mut assembled) = (0, HashSet::new());
    while portion.looked_at < LOOKED_AT && portion.jobs.len() < AT_ONCE && bytes < BYTES_AT_ONCE {
        let Some(line) = victim.next()? else {
            portion.is_last = true;
            break;
        };
        let Some(job) = looker.job(&line)? else {
            portion.looked_at += 1;
            continue;
        };
        // What moves one part of an object may move others, whose records come next.
        if let Job::Manifest(job) = &job
            && !assembled.insert(job.found.at.clone())
        {
            victim.again(line);
            break;
        }
        portion.looked_at += 1;
        bytes += job.bytes();
        portion.jobs.push((line, job));
    }
    Ok(portion)
}

struct Looker<'a> {
    core: &'a Core,
    catalog: Catalog,
    names: HashMap<BucketId, String>,
    /// What lies in segments up to this one moves.
    bound: u64,
    frees: bool,
}

impl Looker<'_> {
    /// What is to be done where something refers to the record.
    ///
    /// Where a part of an upload is looked for, the upload is asked before the object: a completion
    /// makes the object lead to the part before the upload ceases to.
    fn job(&self, (record, meta): &Line) -> Result<Option<Job>> {
        let record = *record;
        match meta {
            Meta::PutObject(put) => self.object(record, &put.at),
            Meta::ChangeObject(change) => self.object(record, &change.at),
            Meta::CompleteUpload(complete) => self.completed(record, complete),
            Meta::MoveManifest(moved) => self.completed(record, &moved.complete),
            Meta::KeepCompleted(kept) => self.remembered(record, &kept.complete),
            Meta::MovePart(part) => self.object(record, &part.at),
            Meta::UploadPart(part) => match self.upload_part(record, part)? {
                Some(job) => Ok(Some(job)),
                None => self.object(record, &part.at),
            },
            Meta::CreateUpload(upload) => self.upload(record, record.lsn, upload),
            Meta::KeepUpload(kept) => self.upload(record, kept.lsn, &kept.upload),
            Meta::SetEntry(set) if set.present => self.entry(record, &set.at),
            Meta::BucketSetting(set) if set.present => {
                let now = self.catalog.setting(set.bucket, &set.setting)?;
                if now != Some(record) {
                    return Ok(None);
                }
                let value = self.core.log.read(record)?.data();
                Ok(self.one(set.bucket, Moved::Setting(record, set.clone(), value)))
            }
            Meta::CreateBucket(made) => Ok(self.bucket(BucketId(record.lsn), made)),
            Meta::KeepBucket(kept) => Ok(self.bucket(kept.id, &kept.made)),
            Meta::SetEntry(_)
            | Meta::BucketSetting(_)
            | Meta::DeleteObject(_)
            | Meta::DeleteBucket(_)
            | Meta::AbortUpload(_)
            | Meta::TrimLog(_) => Ok(None),
        }
    }

    /// Nothing is to be done in a bucket that is gone.
    fn one(&self, bucket: BucketId, what: Moved) -> Option<Job> {
        let name = self.names.get(&bucket)?;
        Some(Job::Move(Box::new(Move { bucket: name.clone(), what, frees: self.frees })))
    }

    fn bucket(&self, id: BucketId, made: &CreateBucket) -> Option<Job> {
        self.one(id, Moved::Bucket(KeepBucket { id, made: made.clone() }))
    }

    fn entry(&self, record: RecordRef, at: &At) -> Result<Option<Job>> {
        let now = self.catalog.entry(at.bucket, &at.key)?;
        if now.is_none_or(|now| now.head != record) || !self.names.contains_key(&at.bucket) {
            return Ok(None);
        }
        let value = self.core.log.read(record)?.data();
        Ok(self.one(at.bucket, Moved::Entry(record, at.clone(), value)))
    }

    fn upload(&self, record: RecordRef, lsn: u64, upload: &CreateUpload) -> Result<Option<Job>> {
        let (at, id) = (&upload.at, upload_id(self.core.store, lsn));
        let now = self.catalog.upload(at.bucket, &at.key, id)?;
        if now.is_none_or(|now| now.head != record) {
            return Ok(None);
        }
        let upload = Box::new(upload.clone());
        Ok(self.one(at.bucket, Moved::Upload(KeepUpload { lsn, replaces: record, upload })))
    }

    fn upload_part(&self, record: RecordRef, part: &UploadPart) -> Result<Option<Job>> {
        let id = upload_id(self.core.store, part.upload);
        let now = self.catalog.part(id, part.number)?;
        if now.is_none_or(|now| now.head != record)
            || self.catalog.upload(part.at.bucket, &part.at.key, id)?.is_none()
        {
            return Ok(None);
        }
        let bytes = match part.carried {
            Carried::Here => self.core.log.read(record)?.data(),
            Carried::Empty | Carried::Blob(_) => Bytes::new(),
        };
        Ok(self.one(part.at.bucket, Moved::UploadPart(record, part.clone(), bytes)))
    }

    /// An object of several parts; where it is another by now, the answer to whoever completes the
    /// upload again.
    fn completed(&self, record: RecordRef, complete: &CompleteUpload) -> Result<Option<Job>> {
        match self.object(record, &complete.at)? {
            Some(job) => Ok(Some(job)),
            None => self.remembered(record, complete),
        }
    }

    fn remembered(&self, record: RecordRef, complete: &CompleteUpload) -> Result<Option<Job>> {
        let now = self.catalog.completed(upload_id(self.core.store, complete.upload))?;
        let since = self.core.remembered_since();
        if now.is_none_or(|now| now.head != record || now.time < since) {
            return Ok(None);
        }
        let object = Described { acl: None, ..complete.object.clone() };
        let complete = CompleteUpload { object, replaces: Replaces::default(), ..complete.clone() };
        let kept = KeepCompleted { complete: Box::new(complete) };
        Ok(self.one(kept.complete.at.bucket, Moved::Completed(kept)))
    }

    /// The object of a key, if it has the record as its description, its bytes, its list of parts,
    /// or the bytes of a part.
    fn object(&self, record: RecordRef, at: &At) -> Result<Option<Job>> {
        let Some(name) = self.names.get(&at.bucket) else { return Ok(None) };
        let Some(entry) = self.catalog.object(at.bucket, &at.key)? else { return Ok(None) };
        let named = entry.head == record
            || matches!(entry.body, Body::Packed(of) | Body::Manifest(of) if of == record);
        if let Body::Manifest(list) = entry.body {
            let assembly = manifest(self.core, list)?;
            if !named && !assembly.packed().any(|part| part == record) {
                return Ok(None);
            }
            return self.assembled(name, at, &entry, (list, assembly)).map(Some);
        }
        if !named {
            return Ok(None);
        }
        let found = self.found(at, &entry)?;
        let what = match entry.body {
            Body::Packed(body) => Moved::Packed(found, self.core.log.read(body)?.data()),
            _ => Moved::Described(found),
        };
        Ok(self.one(at.bucket, what))
    }

    fn found(&self, at: &At, entry: &ObjectEntry) -> Result<Found> {
        let object = Box::new(describe(self.core, entry.head)?);
        Ok(Found { at: at.clone(), head: entry.head, body: entry.body, object })
    }

    fn assembled(
        &self,
        name: &str,
        at: &At,
        entry: &ObjectEntry,
        (list, assembly): (RecordRef, Assembly),
    ) -> Result<Job> {
        let found = self.found(at, entry)?;
        let complete = completed_by(self.core, list)?;
        let (mut parts, mut bytes) = (Vec::new(), 0);
        for (place, part) in assembly.parts.iter().enumerate() {
            match part.body {
                Body::Packed(record) if record.segment <= self.bound && bytes < BYTES_AT_ONCE => {
                    let data = self.core.log.read(record)?.data();
                    bytes += data.len() as u64;
                    parts.push((place, record, data));
                }
                _ => {}
            }
        }
        let (bucket, frees) = (name.to_owned(), self.frees);
        Ok(Job::Manifest(Box::new(ManifestJob { bucket, found, complete, assembly, parts, frees })))
    }
}

/// What the completion said that made the list of parts.
fn completed_by(core: &Core, list: RecordRef) -> Result<CompleteUpload> {
    let record = core.log.read(list)?;
    match Meta::decode(record.header.kind, record.header.format, record.meta()) {
        Ok(Meta::CompleteUpload(complete)) => Ok(complete),
        Ok(Meta::MoveManifest(moved)) => Ok(*moved.complete),
        _ => {
            let what = format!("record {} is no list of parts", list.lsn);
            Err(StoreError::Damaged { what })
        }
    }
}

impl Job {
    /// The bytes of bodies that it holds.
    fn bytes(&self) -> u64 {
        match self {
            Self::Move(wanted) => match &wanted.what {
                Moved::Packed(_, bytes)
                | Moved::UploadPart(_, _, bytes)
                | Moved::Entry(_, _, bytes)
                | Moved::Setting(_, _, bytes) => bytes.len() as u64,
                _ => 0,
            },
            Self::Manifest(job) => {
                job.parts.iter().map(|(_, _, bytes)| bytes.len() as u64).sum::<u64>()
            }
        }
    }
}

impl ManifestJob {
    /// Which key.
    pub(super) fn at(&self) -> &At {
        &self.found.at
    }

    /// The record that makes the object have its parts where they are by now.
    pub(super) fn finish(self, placed: &BTreeMap<usize, RecordRef>) -> Move {
        let Self { bucket, found, complete, mut assembly, parts, frees } = self;
        let mut records = vec![found.head];
        if let Body::Manifest(list) = found.body
            && list != found.head
        {
            records.push(list);
        }
        for (place, record, _) in parts {
            if let (Some(new), Some(part)) = (placed.get(&place), assembly.parts.get_mut(place)) {
                part.body = Body::Packed(*new);
                records.push(record);
            }
        }
        // What of the upload was dead when it was completed is so since then.
        assembly.dead = Dead::default();
        let dead = Dead { records, ..Dead::default() };
        let complete = CompleteUpload {
            object: (*found.object).clone(),
            replaces: Replaces { size: Some(found.object.size), dead },
            ..complete
        };
        let raised = placed.values().copied().collect();
        let manifest = MoveManifest { complete: Box::new(complete), raised };
        let list = Bytes::from(assembly.encode());
        Move { bucket, what: Moved::Manifest(found, manifest, list), frees }
    }
}
