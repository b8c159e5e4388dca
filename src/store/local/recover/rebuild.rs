//! Making the index anew, from the newest record to the oldest: the first record seen of a key
//! is the last one written, so whatever is found in the index meanwhile is final.

use std::collections::HashSet;
use std::hash::{BuildHasher, RandomState};
use std::ops::ControlFlow;

use super::super::blob::ExtentError;
use super::super::catalog::Catalog;
use super::super::core::{Core, Phase, Progress};
use super::super::effects::{Change, UsageDelta, upload_id};
use super::super::format::checkpoint::Checkpoint;
use super::super::format::counts::{Claimed, Counts};
use super::super::format::entry::{
    BucketEntry, CompletedEntry, LedgerEntry, ObjectEntry, PartEntry, SettingEntry, UploadEntry,
};
use super::super::format::hint::HintEntry;
use super::super::format::meta::{At, CompleteUpload, CreateUpload, KeepBucket, Meta, SetEntry};
use super::super::format::place::{Body, BucketId, RecordRef};
use super::super::format::record::Header;
use super::super::format::segment::SegmentHeader;
use super::super::index::IndexHome;
use super::super::log;
use super::super::read::manifest;
use super::super::recount::count_bucket;
use super::super::split::Split;
use super::super::tally::Tally;
use super::super::vfs::Access;
use super::{Result, Start, tail};
use crate::object::Timestamp;
use crate::store::StoreError;

/// Throws the index away and makes a new one from the log.
pub(super) fn rebuild(
    core: &Core,
    home: &dyn IndexHome,
    segments: &[SegmentHeader],
    from: &Start,
) -> Result<Progress> {
    let (end, first) = find_buckets(core, segments, from)?;
    if from.checkpoint.is_none() {
        core.add_damage(tail::missing_front(segments, first));
    }
    core.progress().first = first;
    let before = segments.iter().take_while(|header| header.identity.segment < first).count();
    let segments = segments.get(before..).unwrap_or_default();
    home.discard()?;
    let catalog = Catalog::new(home.open()?);
    core.set_catalog(Some(catalog.clone()));
    let buckets = core.buckets();
    for (name, bucket) in &buckets {
        catalog.apply(&Change::Bucket(name.clone(), bucket.clone()))?;
    }
    let mut builder = Builder {
        core,
        catalog,
        alive: buckets.values().map(|bucket: &BucketEntry| bucket.id).collect(),
        gone: Seen::default(),
        struck: Seen::default(),
        settings: HashSet::new(),
        ended: HashSet::new(),
        remember_from: core.remembered_since(),
    };
    let total = segments.len() as u64;
    for (done, at) in (0..segments.len()).rev().enumerate() {
        core.phase.send_replace(Phase::Rebuilding { done: done as u64, total });
        let Some(header) = segments.get(at) else { continue };
        let last = match segments.get(at + 1) {
            Some(next) => next.first_lsn - 1,
            None => end.last,
        };
        let is_last = at + 1 == segments.len();
        builder.segment(header, last, is_last)?;
    }
    let Builder { catalog, .. } = builder;
    core.settings.show(catalog.settings()?);
    let progress = super::finish(core, segments, end, from.applied);
    let known = from.checkpoint.as_ref().map(|it| Tally::load(&it.usage, &it.segments));
    let mut known = known.unwrap_or_default();
    for (name, bucket) in &buckets {
        // One that no checkpoint tells of is counted as if it were made now.
        if known.split(bucket.id).is_none() {
            known.set_split(bucket.id, Split::empty(core.template(name)));
        }
    }
    let (tally, unreadable) = recount(core, &catalog, &known)?;
    for error in unreadable {
        tracing::error!(error, "an object's list of parts cannot be read");
    }
    let mut counting = core.progress();
    counting.tally = tally;
    super::begin_segments(&mut counting, segments);
    drop(counting);
    Ok(progress)
}

/// The buckets that there are at the end of the log with their settings, where that is, and with
/// which segment the log begins. Known first: what is found of other buckets is dead.
fn find_buckets(core: &Core, segments: &[SegmentHeader], from: &Start) -> Result<(tail::End, u64)> {
    core.with_buckets(|buckets| {
        let known = from.checkpoint.iter().flat_map(|checkpoint| checkpoint.buckets.clone());
        *buckets = known.collect();
    });
    match &from.checkpoint {
        // The whole log is read: whatever was set is in it.
        None => core.settings.show([]),
        // Of before settings were noted: they are known when the index is.
        Some(Checkpoint { settings: None, .. }) => {}
        Some(Checkpoint { settings: Some(settings), .. }) => core.settings.show(settings.clone()),
    }
    let mut first = from.first;
    let end = tail::walk(core, segments, from.position, from.applied, &mut |scanned| {
        let header = scanned.record.header;
        match Meta::decode(header.kind, header.format, scanned.record.meta) {
            Ok(Meta::CreateBucket(made)) => {
                let id = BucketId(header.lsn);
                let bucket = BucketEntry { id, owner: made.owner, created: made.created };
                core.with_buckets(|buckets| buckets.insert(made.name, bucket));
            }
            Ok(Meta::DeleteBucket(gone)) => {
                core.with_buckets(|buckets| buckets.remove(&gone.name));
                core.settings.forget(gone.bucket);
            }
            Ok(Meta::BucketSetting(set)) => {
                core.settings.set(set.bucket, &set.setting, set.present.then_some(scanned.at));
            }
            Ok(Meta::KeepBucket(KeepBucket { id, made })) => {
                let bucket = BucketEntry { id, owner: made.owner, created: made.created };
                core.with_buckets(|buckets| buckets.insert(made.name, bucket));
            }
            Ok(Meta::TrimLog(trim)) => first = first.max(trim.first),
            Ok(_) => {}
            Err(flaw) => {
                return Err(StoreError::Damaged { what: format!("record {}: {flaw}", header.lsn) });
            }
        }
        Ok(())
    })?;
    Ok((end, first))
}

/// Texts that were seen, at 16 bytes each: two keyed hashes of 64 bits do not collide.
#[derive(Default)]
struct Seen {
    hashes: HashSet<(u64, u64)>,
    keys: (RandomState, RandomState),
}

impl Seen {
    fn hash(&self, at: &At) -> (u64, u64) {
        (self.keys.0.hash_one(at), self.keys.1.hash_one(at))
    }

    fn insert(&mut self, at: &At) {
        let hash = self.hash(at);
        self.hashes.insert(hash);
    }

    fn contains(&self, at: &At) -> bool {
        self.hashes.contains(&self.hash(at))
    }
}

struct Builder<'a> {
    core: &'a Core,
    catalog: Catalog,
    alive: HashSet<BucketId>,
    /// Keys whose newest record is a delete.
    gone: Seen,
    /// Keys whose newest ledger record is that there is none.
    struck: Seen,
    /// Settings that were seen.
    settings: HashSet<(BucketId, String)>,
    /// Uploads that were completed or aborted.
    ended: HashSet<u64>,
    remember_from: Timestamp,
}

impl Builder<'_> {
    /// Takes in a segment whose last record is `last`.
    fn segment(&mut self, header: &SegmentHeader, last: u64, is_last: bool) -> Result<()> {
        if last < header.first_lsn {
            return Ok(());
        }
        let identity = header.identity;
        let path = log::segment_path(identity.segment);
        let file = self.core.vfs.open(&path, Access::Read)?;
        let footer = log::read_footer(&*file, &identity)?.filter(|footer| {
            !is_last && footer.last_lsn == last && footer.first_lsn == header.first_lsn
        });
        if let Some(footer) = footer {
            let visited = log::visit_frames_backwards(&*file, &identity, &footer, |entries| {
                entries.iter().rev().try_for_each(|entry| self.hint(identity.segment, entry))
            });
            match visited {
                Ok(()) => return Ok(()),
                Err(Visited::Unreadable(error)) => {
                    tracing::warn!(%error, "hints cannot be read: the records are");
                }
                Err(Visited::Failed(error)) => return Err(error),
            }
        }
        self.records(header, last)
    }

    fn hint(&mut self, segment: u64, entry: &HintEntry<'_>) -> std::result::Result<(), Visited> {
        let (lsn, offset) = (entry.lsn, u64::from(entry.offset));
        let record = RecordRef { lsn, segment, offset, len: entry.len };
        let meta = Meta::decode_counted(entry.kind, entry.format, entry.meta).map_err(|flaw| {
            Visited::Unreadable(ExtentError::Damaged { what: format!("hint of {lsn}: {flaw}") })
        })?;
        self.record(record, meta).map_err(Visited::Failed)
    }

    /// A segment without hints: its records are found from the front and visited from the back.
    fn records(&mut self, header: &SegmentHeader, last: u64) -> Result<()> {
        let core = self.core;
        let mut found: Vec<(u32, u32)> = Vec::new();
        let before = header.first_lsn - 1;
        // All of them are known to be durable, in the last segment too: they were read before, or a
        // checkpoint vouches for them.
        let next = Some(last + 1);
        tail::read_segment(core, header, log::FIRST_OFFSET, before, next, &mut |scanned| {
            found.push((u32::try_from(scanned.at.offset).unwrap_or(u32::MAX), scanned.at.len));
            Ok(())
        })?;
        let identity = header.identity;
        let file = core.vfs.open(&log::segment_path(identity.segment), Access::Read)?;
        let mut head = vec![0; log::HEAD_GUESS];
        for (offset, len) in found.iter().rev() {
            let at = u64::from(*offset);
            let damaged = |flaw| {
                let what = format!("{} at {at}: {flaw}", file.describe());
                StoreError::Damaged { what }
            };
            head.resize(log::HEAD_GUESS.min(*len as usize), 0);
            file.read_exact_at(&mut head, at)?;
            let header = Header::decode(&identity, &head).map_err(damaged)?;
            if header.meta_end() > head.len() {
                head.resize(header.meta_end(), 0);
                file.read_exact_at(&mut head, at)?;
            }
            let meta = header
                .meta(&head)
                .and_then(|meta| Meta::decode_counted(header.kind, header.format, meta))
                .map_err(damaged)?;
            let (lsn, segment) = (header.lsn, identity.segment);
            self.record(RecordRef { lsn, segment, offset: at, len: *len }, meta)?;
        }
        Ok(())
    }

    /// Takes in a record older than all before.
    fn record(&mut self, record: RecordRef, (meta, counts): (Meta, Option<Counts>)) -> Result<()> {
        match meta {
            Meta::PutObject(put) => {
                let entry = ObjectEntry::new(record, put.carried.body(record), &put.object);
                self.object(put.at, entry)
            }
            Meta::ChangeObject(change) => {
                let entry = ObjectEntry::new(record, change.body, &change.object);
                self.object(change.at, entry)
            }
            Meta::CompleteUpload(complete) => self.completed(record, complete),
            Meta::MoveManifest(moved) => self.completed(record, *moved.complete),
            Meta::KeepCompleted(kept) => self.remember(record, &kept.complete),
            Meta::DeleteObject(delete) => {
                if self.is_alive(&delete.at) && !self.is_settled(&delete.at)? {
                    self.gone.insert(&delete.at);
                }
                Ok(())
            }
            Meta::AbortUpload(abort) => {
                self.ended.insert(abort.upload);
                Ok(())
            }
            Meta::CreateUpload(upload) => self.upload(record, record.lsn, upload),
            Meta::KeepUpload(kept) => self.upload(record, kept.lsn, *kept.upload),
            Meta::UploadPart(part) => {
                let id = upload_id(self.core.store, part.upload);
                let dead = !self.is_alive(&part.at) || self.ended.contains(&part.upload);
                if dead || self.catalog.part(id, part.number)?.is_some() {
                    return Ok(());
                }
                let entry = PartEntry {
                    head: record,
                    body: part.carried.body(record),
                    size: part.size,
                    modified: part.modified,
                    tag: part.tag,
                    checksum: part.checksum,
                    sealed: part.sealed,
                };
                self.catalog.apply(&Change::Part(id, part.number, Box::new(entry)))
            }
            Meta::BucketSetting(setting) => {
                let of = (setting.bucket, setting.setting);
                if !self.alive.contains(&of.0) || !self.settings.insert(of.clone()) {
                    return Ok(());
                }
                let entry = setting.present.then_some(SettingEntry { head: record });
                self.catalog.apply(&Change::Setting(of.0, of.1, entry))
            }
            Meta::SetEntry(set) => {
                let claimed = match counts {
                    Some(counts) => counts.claimed,
                    None => self.claim_of(record),
                };
                self.entry(LedgerEntry { head: record, claimed }, set)
            }
            // Buckets are known from the checkpoint and the log behind it, and moved bytes from the
            // list of parts that has them.
            Meta::CreateBucket(_)
            | Meta::DeleteBucket(_)
            | Meta::KeepBucket(_)
            | Meta::MovePart(_)
            | Meta::TrimLog(_) => Ok(()),
        }
    }

    /// An upload that became an object, by its newest record or an older one.
    fn completed(&mut self, record: RecordRef, complete: CompleteUpload) -> Result<()> {
        self.remember(record, &complete)?;
        let entry = ObjectEntry::new(record, Body::Manifest(record), &complete.object);
        self.object(complete.at, entry)
    }

    fn remember(&mut self, record: RecordRef, complete: &CompleteUpload) -> Result<()> {
        let is_newest = self.ended.insert(complete.upload);
        if is_newest && complete.time >= self.remember_from && self.is_alive(&complete.at) {
            let (request, time) = (complete.request, complete.time);
            let entry = CompletedEntry { head: record, request, time };
            let id = upload_id(self.core.store, complete.upload);
            self.catalog.apply(&Change::Completed(id, entry))?;
        }
        Ok(())
    }

    /// An upload under way that was started by the record of that LSN.
    fn upload(&self, record: RecordRef, lsn: u64, upload: CreateUpload) -> Result<()> {
        let (at, id) = (upload.at.clone(), upload_id(self.core.store, lsn));
        let over = !self.is_alive(&at) || self.ended.contains(&lsn);
        if over || self.catalog.upload(at.bucket, &at.key, id)?.is_some() {
            return Ok(());
        }
        let entry = UploadEntry::new(record, upload);
        self.catalog.apply(&Change::Upload(at, id, Box::new(entry)))
    }

    fn object(&self, at: At, entry: ObjectEntry) -> Result<()> {
        if !self.is_alive(&at) || self.is_settled(&at)? {
            return Ok(());
        }
        self.catalog.apply(&Change::Object(at, Box::new(entry)))
    }

    fn entry(&mut self, entry: LedgerEntry, set: SetEntry) -> Result<()> {
        let at = set.at;
        if !self.is_alive(&at) || self.struck.contains(&at) {
            return Ok(());
        }
        match self.catalog.entry(at.bucket, &at.key)? {
            Some(_) => Ok(()),
            None if set.present => self.catalog.apply(&Change::Entry(at, Some(entry))),
            None => {
                self.struck.insert(&at);
                Ok(())
            }
        }
    }

    /// What a ledger record says that was written before that was noted.
    fn claim_of(&self, record: RecordRef) -> Option<Claimed> {
        let read = self.core.log.read(record).ok()?;
        Some(self.core.options.claims.0(&read.data()).into())
    }

    fn is_alive(&self, at: &At) -> bool {
        self.alive.contains(&at.bucket)
    }

    fn is_settled(&self, at: &At) -> Result<bool> {
        Ok(self.gone.contains(at) || self.catalog.object(at.bucket, &at.key)?.is_some())
    }
}

/// Why visiting hints ended.
enum Visited {
    /// The hints cannot be read; the records may be.
    Unreadable(ExtentError),
    /// The index failed.
    Failed(StoreError),
}

impl From<ExtentError> for Visited {
    fn from(error: ExtentError) -> Self {
        Self::Unreadable(error)
    }
}

/// Counts everything that the index leads to.
///
/// By class each bucket is counted as `known` has it. The packed parts of objects whose list of
/// parts cannot be read are not counted; the texts say which lists those are.
pub(crate) fn recount(
    core: &Core,
    catalog: &Catalog,
    known: &Tally,
) -> Result<(Tally, Vec<String>)> {
    let mut tally = Tally::default();
    let mut manifests = Vec::new();
    catalog.objects(|at, object| {
        tally.count(UsageDelta { bucket: at.bucket, added: Some(object.size), removed: None });
        tally.raise(object.head);
        if let Body::Packed(record) | Body::Manifest(record) = object.body
            && record.lsn != object.head.lsn
        {
            tally.raise(record);
        }
        if let Body::Manifest(record) = object.body {
            manifests.push(record);
        }
        ControlFlow::Continue(())
    })?;
    let alive: HashSet<BucketId> = core.buckets().values().map(|bucket| bucket.id).collect();
    catalog.entries_after(None, |at, entry| {
        if alive.contains(&at.bucket) {
            tally.raise(entry.head);
            tally.enter(at.bucket, entry.head);
        }
        ControlFlow::Continue(())
    })?;
    for bucket in &alive {
        let template = known.split(*bucket).and_then(|split| split.template.clone());
        tally.set_split(*bucket, count_bucket(catalog, *bucket, template)?);
    }
    let mut unreadable = Vec::new();
    for record in manifests {
        match manifest(core, record) {
            Ok(assembly) => assembly.packed().for_each(|record| tally.raise(record)),
            Err(error) => unreadable.push(error.to_string()),
        }
    }
    let mut uploads = Vec::new();
    catalog.uploads(None, |_, id, upload| {
        tally.raise(upload.head);
        uploads.push(id);
        ControlFlow::Continue(())
    })?;
    for id in uploads {
        catalog.parts(id, 0, |_, part| {
            tally.raise(part.head);
            ControlFlow::Continue(())
        })?;
    }
    Ok((tally, unreadable))
}
