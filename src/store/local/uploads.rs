//! Multipart uploads.

use std::ops::ControlFlow;
use std::sync::Arc;

use async_trait::async_trait;
use sha2::{Digest, Sha256};

use super::LocalStore;
use super::buckets::{TRIES, upload_dead};
use super::catalog::Catalog;
use super::commit::{Command, Outcome};
use super::core::Core;
use super::effects::upload_id;
use super::format::entry::{PartEntry, UploadEntry};
use super::format::meta::{Assembly, At, CreateUpload, Described, ManifestPart, Meta};
use super::format::place::{Body, Dead, RecordRef};
use super::format::seal::{Seal, Sealing};
use super::format::subject;
use super::listing;
use super::objects::described_info;
use super::parts::part_range;
use super::read::blocking;
use super::receive::own_fault;
use super::sealing::{Taken, told, under_active};
use crate::body::{Expected, Payload, digesting};
use crate::object::{
    Assembled, BucketName, Completion, CustomerKey, MasterKeys, ObjectKey, PartNumber, PartSummary,
    PartsPage, PartsQuery, Timestamp, Upload, UploadId, UploadsPage, UploadsQuery, VersionId,
    WriteCondition, plan_completion,
};
use crate::store::{
    CopyPartRequest, Multipart, NewUpload, ObjectPath, Result, StoreError, Stored, UploadChoice,
    UploadPath,
};

/// An upload under way that was looked up.
pub(super) struct Open {
    catalog: Catalog,
    at: At,
    id: u128,
    /// Its entry.
    pub(super) entry: UploadEntry,
    /// Whose the object will be.
    owner: crate::object::Owner,
}

#[async_trait]
impl Multipart for LocalStore {
    async fn create_upload(&self, at: &ObjectPath, new: NewUpload) -> Result<UploadId> {
        self.core.writable()?;
        self.bucket_now(&at.bucket)?;
        self.may_have_acl(new.acl.as_ref()).await?;
        let seal = self.seal(at, new.encryption.as_ref()).await?;
        let command = Command::CreateUpload {
            at: at.clone(),
            upload: Box::new(new),
            seal: seal.as_ref().map(|new| new.seal.clone()),
        };
        let keys = seal.and_then(|new| new.keys);
        match self.submitter.submit_under(command, keys).await? {
            Outcome::Done(lsn) => Ok(text_of(upload_id(self.core.store, lsn))),
            Outcome::Placed(_) | Outcome::Nothing | Outcome::Retry => Err(StoreError::Conflict),
        }
    }

    async fn upload_choice(&self, upload: &UploadPath) -> Result<UploadChoice> {
        let upload = upload.clone();
        blocking(&self.core, move |core| Ok(open(core, &upload)?.choice())).await
    }

    async fn put_part(
        &self,
        upload: &UploadPath,
        number: PartNumber,
        body: Payload,
        key: Option<&CustomerKey>,
    ) -> Result<PartSummary> {
        self.core.writable()?;
        let (_, sealed) = self.part_key(upload, key).await?;
        self.store_part(upload, number, body, sealed).await
    }

    async fn copy_part(
        &self,
        source: &ObjectPath,
        upload: &UploadPath,
        number: PartNumber,
        request: CopyPartRequest,
    ) -> Result<PartSummary> {
        self.core.writable()?;
        let (choice, sealed) = self.part_key(upload, request.key.as_ref()).await?;
        let (version, range, limit) = (request.source_version, request.range, request.size_limit);
        let part = move |size| {
            let range = part_range(size, range)?;
            if range.length > limit {
                return Err(StoreError::SourceTooLarge { size: range.length, limit });
            }
            Ok(range)
        };
        let conditions = &request.source_conditions;
        let source = self.source(source, version, conditions, request.source_key, part);
        let (_, body) = source.await?;
        let expected = Expected { compute: Some(choice.checksum.algorithm), ..Expected::default() };
        let body = digesting(body, expected);
        self.store_part(upload, number, body, sealed).await.map_err(own_fault)
    }

    async fn list_parts(&self, upload: &UploadPath, query: &PartsQuery) -> Result<PartsPage> {
        let (upload, query) = (upload.clone(), *query);
        blocking(&self.core, move |core| parts_page(core, &upload, query)).await
    }

    async fn complete_upload(
        &self,
        upload: &UploadPath,
        completion: &Completion,
        condition: Option<WriteCondition>,
    ) -> Result<Stored> {
        self.core.writable()?;
        for _ in 0..TRIES {
            let (path, wanted) = (upload.clone(), completion.clone());
            let condition = condition.clone();
            let planned =
                blocking(&self.core, move |core| plan(core, &path, &wanted, condition)).await?;
            let (stored, command, keys) = match planned {
                Planned::Already(stored) => return Ok(stored),
                Planned::Now(stored, command, keys) => (stored, command, keys),
            };
            match self.submitter.submit_under(*command, keys).await? {
                Outcome::Retry => {}
                _ => return Ok(stored),
            }
        }
        Err(StoreError::Conflict)
    }

    async fn abort_upload(&self, upload: &UploadPath) -> Result<()> {
        self.core.writable()?;
        for _ in 0..TRIES {
            let path = upload.clone();
            let command = blocking(&self.core, move |core| {
                let as_of = core.applied();
                let Open { catalog, at, id, entry, .. } = open(core, &path)?;
                let dead = upload_dead(&catalog, id, entry.head)?;
                Ok(Command::Abort { at, id, as_of, dead })
            });
            match self.submitter.submit(command.await?).await? {
                Outcome::Retry => {}
                _ => return Ok(()),
            }
        }
        Err(StoreError::Conflict)
    }

    async fn list_uploads(&self, bucket: &BucketName, query: &UploadsQuery) -> Result<UploadsPage> {
        let (bucket, query) = (bucket.clone(), query.clone());
        blocking(&self.core, move |core| listing::uploads(core, &bucket, &query)).await
    }

    async fn expire_uploads(&self, deadline: Timestamp, limit: usize) -> Result<usize> {
        self.core.writable()?;
        let expired = blocking(&self.core, move |core| expired(core, deadline, limit)).await?;
        let mut done = 0;
        for (at, id) in expired {
            let command = blocking(&self.core, move |core| {
                let (as_of, catalog) = (core.applied(), core.whole_catalog()?);
                let Some(upload) = catalog.upload(at.bucket, &at.key, id)? else { return Ok(None) };
                let dead = upload_dead(&catalog, id, upload.head)?;
                Ok(Some(Command::Abort { at, id, as_of, dead }))
            });
            let Some(command) = command.await? else { continue };
            // One that was completed or got a part meanwhile is left to the next time.
            if let Outcome::Done(_) = self.submitter.submit(command).await? {
                done += 1;
            }
        }
        Ok(done)
    }
}

impl Open {
    /// What its parts have to go by.
    pub(super) fn choice(&self) -> UploadChoice {
        let UploadEntry { checksum, seal, .. } = &self.entry;
        UploadChoice { checksum: *checksum, encryption: told(seal.as_ref()) }
    }
}

/// An upload's id as text: 32 hexadecimal digits, which order as the numbers do.
fn text_of(id: u128) -> UploadId {
    UploadId::new(format!("{id:032x}"))
}

/// The number in an upload's id.
pub(super) fn parse_id(id: &UploadId) -> Option<u128> {
    let number = u128::from_str_radix(id.as_str(), 16).ok()?;
    (text_of(number) == *id).then_some(number)
}

/// Looks an upload up.
pub(super) fn open(core: &Core, path: &UploadPath) -> Result<Open> {
    let catalog = core.whole_catalog()?;
    let bucket = core.bucket(&path.object.bucket)?;
    let id = parse_id(&path.id).ok_or(StoreError::NoSuchUpload)?;
    let at = At { bucket: bucket.id, key: path.object.key.as_str().to_owned() };
    let entry = catalog.upload(at.bucket, &at.key, id)?;
    // Itself or a part of it may be among what is lost.
    let lsn = entry.as_ref().map_or(0, |entry| entry.head.lsn);
    core.believe(|| subject(at.bucket.0, &at.key), lsn)?;
    let entry = entry.ok_or(StoreError::NoSuchUpload)?;
    let owner = entry.owner.clone().unwrap_or(bucket.owner);
    Ok(Open { catalog, at, id, entry, owner })
}

/// What an upload was created with.
fn created_with(core: &Core, head: RecordRef) -> Result<CreateUpload> {
    let record = core.log.read(head)?;
    match Meta::decode(record.header.kind, record.header.format, record.meta()) {
        Ok(Meta::CreateUpload(upload)) => Ok(upload),
        Ok(Meta::KeepUpload(kept)) => Ok(*kept.upload),
        _ => Err(StoreError::Damaged { what: format!("record {} starts no upload", head.lsn) }),
    }
}

/// An upload as listings show it.
pub(crate) fn upload_of(
    core: &Core,
    key: ObjectKey,
    id: u128,
    entry: UploadEntry,
) -> Result<Upload> {
    let metadata = match entry.metadata {
        Some(metadata) => metadata,
        None => created_with(core, entry.head)?.metadata,
    };
    Ok(Upload {
        key,
        id: text_of(id),
        initiated: entry.initiated,
        initiator: entry.initiator,
        metadata,
        checksum: entry.checksum,
    })
}

fn summary(number: u16, part: &PartEntry) -> Option<PartSummary> {
    Some(PartSummary {
        number: PartNumber::new(number)?,
        size: part.size,
        etag: part.tag.etag(),
        last_modified: part.modified,
        checksum: part.checksum.clone(),
    })
}

fn parts_page(core: &Arc<Core>, path: &UploadPath, query: PartsQuery) -> Result<PartsPage> {
    let _reading = core.garbage.enter();
    let Open { catalog, at, id, entry, owner } = open(core, path)?;
    let upload = upload_of(core, path.object.key.clone(), id, entry)?;
    let mut parts = Vec::new();
    let mut more = false;
    let after = u16::try_from(query.after).unwrap_or(u16::MAX);
    catalog.parts(id, after, |number, part| {
        more = parts.len() >= query.limit;
        if more {
            return ControlFlow::Break(());
        }
        parts.extend(summary(number, &part));
        ControlFlow::Continue(())
    })?;
    // Parts go after their upload: if that is still there, none of them was missed.
    catalog.upload(at.bucket, &at.key, id)?.ok_or(StoreError::NoSuchUpload)?;
    let next = parts.last().filter(|_| more).map(|last| u32::from(last.number.get()));
    Ok(PartsPage { upload, owner, parts, next })
}

/// What a completion comes to.
enum Planned {
    /// It was done before: this was the answer.
    Already(Stored),
    /// It is to be done like this, under these keys.
    Now(Stored, Box<Command>, Option<Arc<MasterKeys>>),
}

fn plan(
    core: &Arc<Core>,
    path: &UploadPath,
    completion: &Completion,
    condition: Option<WriteCondition>,
) -> Result<Planned> {
    let _reading = core.garbage.enter();
    let as_of = core.applied();
    let request = request_hash(completion);
    let Open { catalog, at, id, entry, .. } = match open(core, path) {
        Err(StoreError::NoSuchUpload) => return repeated(core, path, request),
        opened => opened?,
    };
    let mut stored = Vec::new();
    let mut entries = Vec::new();
    catalog.parts(id, 0, |number, part| {
        stored.extend(summary(number, &part));
        entries.push((number, part));
        ControlFlow::Continue(())
    })?;
    if catalog.upload(at.bucket, &at.key, id)?.is_none() {
        // It was ended meanwhile, and some of its parts may have been missed.
        return repeated(core, path, request);
    }
    let assembled = plan_completion(entry.checksum, &stored, completion)?;
    let created = created_with(core, entry.head)?;
    let (seal, keys) = match &created.seal {
        None => (None, None),
        Some(seal) => {
            let Taken { seal, keys, .. } = under_active(core, &path.object, seal)?;
            (Some(seal), keys)
        }
    };
    let object = Described {
        version: VersionId::Null,
        size: assembled.size,
        modified: match &completion.original {
            Some(original) => original.last_modified,
            None => core.clock.now().ceil_second(),
        },
        tag: completion.original.as_ref().map_or(&assembled.etag, |it| &it.etag).into(),
        checksum: assembled.checksum.clone(),
        parts_count: u32::try_from(assembled.parts.len()).ok(),
        metadata: created.metadata,
        tags: created.tags,
        sealing: seal.map(Sealing::of),
        acl: created.acl,
    };
    let answer = Stored { object: described_info(&path.object, &object), version: None };
    core.within_quota(answer.object.size)?;
    let command = Command::Complete {
        at: path.object.clone(),
        id,
        as_of,
        object: Box::new(object),
        request,
        assembly: assembly(entry.head, &entries, &assembled),
        condition,
    };
    Ok(Planned::Now(answer, Box::new(command), keys))
}

/// The object that a completion would make.
pub(super) struct PlannedAssembly {
    pub(super) size: u64,
    /// Its parts.
    pub(super) assembly: Assembly,
    /// How they are encrypted.
    pub(super) seal: Option<Seal>,
}

/// The object that a completion would make; `None` where it was made before.
pub(super) fn planned_assembly(
    core: &Arc<Core>,
    path: &UploadPath,
    completion: &Completion,
) -> Result<Option<PlannedAssembly>> {
    match plan(core, path, completion, None)? {
        Planned::Already(_) => Ok(None),
        Planned::Now(stored, command, _) => match *command {
            Command::Complete { assembly, object, .. } => Ok(Some(PlannedAssembly {
                size: stored.object.size,
                assembly,
                seal: object.sealing.and_then(|sealing| sealing.seal),
            })),
            _ => Err(StoreError::Conflict),
        },
    }
}

/// The object's parts, and what of the upload dies: its record, the records of parts whose bytes
/// are elsewhere, and the parts that the object does not have.
fn assembly(upload: RecordRef, entries: &[(u16, PartEntry)], assembled: &Assembled) -> Assembly {
    let mut assembly = Assembly::default();
    assembly.dead.records.push(upload);
    let mut used = assembled.parts.iter().peekable();
    for (number, entry) in entries {
        if used.next_if(|part| part.number.get() == *number).is_none() {
            assembly.dead.extend(Dead::of(entry.head, entry.body));
            continue;
        }
        if !matches!(entry.body, Body::Packed(_)) {
            assembly.dead.records.push(entry.head);
        }
        assembly.parts.push(ManifestPart {
            size: entry.size,
            checksum: entry.checksum.clone(),
            body: entry.body,
            sealed: entry.sealed,
        });
    }
    assembly
}

/// The answer to a completion that was done before, not long ago and with the same list.
fn repeated(core: &Core, path: &UploadPath, request: [u8; 16]) -> Result<Planned> {
    let id = parse_id(&path.id).ok_or(StoreError::NoSuchUpload)?;
    let since = core.remembered_since();
    let completed = core.whole_catalog()?.completed(id)?;
    let completed = completed.filter(|done| done.request == request && done.time >= since);
    let completed = completed.ok_or(StoreError::NoSuchUpload)?;
    let bucket = core.bucket(&path.object.bucket)?;
    let record = core.log.read(completed.head)?;
    let done = match Meta::decode(record.header.kind, record.header.format, record.meta()) {
        Ok(Meta::CompleteUpload(done)) => done,
        Ok(Meta::MoveManifest(moved)) => *moved.complete,
        Ok(Meta::KeepCompleted(kept)) => *kept.complete,
        Ok(_) => return Err(StoreError::NoSuchUpload),
        Err(flaw) => return Err(StoreError::Damaged { what: flaw.to_string() }),
    };
    if done.at.bucket != bucket.id || done.at.key != path.object.key.as_str() {
        return Err(StoreError::NoSuchUpload);
    }
    let object = described_info(&path.object, &done.object);
    Ok(Planned::Already(Stored { object, version: None }))
}

/// A hash of what the client lists.
fn request_hash(completion: &Completion) -> [u8; 16] {
    let mut hash = Sha256::new();
    for part in &completion.parts {
        hash.update(part.number.get().to_le_bytes());
        hash.update((part.etag.as_str().len() as u64).to_le_bytes());
        hash.update(part.etag.as_str());
    }
    let hash: [u8; 32] = hash.finalize().into();
    hash.first_chunk().copied().unwrap_or_default()
}

fn expired(core: &Arc<Core>, deadline: Timestamp, limit: usize) -> Result<Vec<(At, u128)>> {
    let mut expired = Vec::new();
    core.whole_catalog()?.uploads(None, |at, id, upload| {
        if expired.len() >= limit {
            return ControlFlow::Break(());
        }
        if upload.initiated < deadline {
            expired.push((at, id));
        }
        ControlFlow::Continue(())
    })?;
    Ok(expired)
}
