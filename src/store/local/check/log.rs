//! Reading the whole log, and what must be in the index after it.

use std::collections::{BTreeMap, HashMap};
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;

use super::super::core::Core;
use super::super::effects::{Change, Effects};
use super::super::format::Identity;
use super::super::format::meta::{At, Meta};
use super::super::format::place::{BucketId, RecordRef};
use super::super::format::record::Record;
use super::super::log::{
    FIRST_OFFSET, Scanner, read_footer, read_segment_header, resync, segment_ids, segment_path,
    visit_frames_backwards,
};
use super::super::vfs::{Access, VfsFile};
use super::Report;
use crate::store::{Result, StoreError};

/// What the log says there is: for each thing the record that describes it.
#[derive(Default)]
pub(super) struct Newest {
    /// Objects, by two hashes of bucket and key, so that many millions fit into memory.
    objects: HashMap<(u64, u64), RecordRef>,
    /// Ledger records, by bucket and the same hashes.
    entries: HashMap<BucketId, HashMap<(u64, u64), RecordRef>>,
    hashers: (RandomState, RandomState),
    /// Uploads with their parts.
    pub(super) uploads: HashMap<u128, (Option<RecordRef>, BTreeMap<u16, RecordRef>)>,
    /// Buckets.
    pub(super) buckets: BTreeMap<String, BucketId>,
    /// Their settings.
    pub(super) settings: BTreeMap<(BucketId, String), RecordRef>,
}

impl Newest {
    fn hash(&self, at: &At) -> (u64, u64) {
        (self.hashers.0.hash_one(at), self.hashers.1.hash_one(at))
    }

    /// Takes out what the log says of an object.
    pub(super) fn take_object(&mut self, at: &At) -> Option<RecordRef> {
        let hash = self.hash(at);
        self.objects.remove(&hash)
    }

    /// Takes out what the log says of a key's ledger record.
    pub(super) fn take_entry(&mut self, at: &At) -> Option<RecordRef> {
        let hash = self.hash(at);
        self.entries.get_mut(&at.bucket)?.remove(&hash)
    }

    /// The objects and ledger records that were not taken out.
    pub(super) fn left(&self) -> impl Iterator<Item = RecordRef> {
        let entries = self.entries.values().flat_map(HashMap::values);
        self.objects.values().chain(entries).copied()
    }

    fn apply(&mut self, effects: &Effects) {
        let record = effects.record;
        for change in &effects.changes {
            match change {
                Change::Object(at, _) => {
                    let hash = self.hash(at);
                    self.objects.insert(hash, record);
                }
                Change::ObjectGone(at) => {
                    let hash = self.hash(at);
                    self.objects.remove(&hash);
                }
                // One that was moved comes behind its parts.
                Change::Upload(_, id, _) => {
                    self.uploads.entry(*id).or_default().0 = Some(record);
                }
                Change::Part(id, number, _) => {
                    self.uploads.entry(*id).or_default().1.insert(*number, record);
                }
                Change::UploadGone(_, id) => {
                    self.uploads.remove(id);
                }
                Change::Bucket(name, bucket) | Change::BucketKept(name, bucket) => {
                    self.buckets.insert(name.clone(), bucket.id);
                }
                Change::BucketGone(name, id) => {
                    self.buckets.remove(name);
                    self.entries.remove(id);
                    self.settings.retain(|(bucket, _), _| bucket != id);
                }
                Change::Setting(bucket, name, Some(setting)) => {
                    self.settings.insert((*bucket, name.clone()), setting.head);
                }
                Change::Setting(bucket, name, None) => {
                    self.settings.remove(&(*bucket, name.clone()));
                }
                Change::Entry(at, entry) => {
                    let hash = self.hash(at);
                    let entries = self.entries.entry(at.bucket).or_default();
                    match entry {
                        Some(_) => entries.insert(hash, record),
                        None => entries.remove(&hash),
                    };
                }
                Change::Completed(..) => {}
            }
        }
    }
}

/// Reads every record of every segment.
pub(super) fn read(core: &Core, report: &mut Report) -> Result<Newest> {
    let mut newest = Newest::default();
    let ids = segment_ids(&*core.vfs)?;
    for id in &ids {
        report.segments += 1;
        let header = match read_segment_header(&*core.vfs, core.store, *id)? {
            Ok(header) => header,
            Err(why) => {
                let path = core.vfs.describe(&segment_path(*id));
                report.problem("log", format!("{path}: {why}"));
                continue;
            }
        };
        if report.last_lsn > 0 && header.first_lsn != report.last_lsn + 1 {
            let (first, last) = (header.first_lsn, report.last_lsn);
            report.problem("log", format!("segment {id} begins with {first} after {last}"));
        }
        report.last_lsn = header.first_lsn.saturating_sub(1);
        let file = core.vfs.open(&segment_path(*id), Access::Read)?;
        let end = records(core, &mut newest, *id, report)?;
        hints(core, &*file, *id, end, report)?;
        if Some(id) == ids.last() && end != core.progress().position.offset {
            let known = core.progress().position.offset;
            report.problem("log", format!("the log ends at {end}, not at {known}"));
        }
    }
    Ok(newest)
}

/// Reads the records of a segment and says where they end. One that cannot be read is a problem,
/// and passed over if another follows.
fn records(core: &Core, newest: &mut Newest, id: u64, report: &mut Report) -> Result<u64> {
    let identity = Identity { store: core.store, segment: id };
    let path = segment_path(id);
    let file = core.vfs.open(&path, Access::Read)?;
    let mut scanner = Scanner::new(Arc::clone(&file), identity, FIRST_OFFSET)?;
    let mut durable = 0;
    loop {
        let found = match scanner.next()? {
            Ok(found) => found,
            Err(end) => {
                let skipped = resync(Arc::clone(&file), identity, end.offset, report.last_lsn)?;
                let Some((offset, lsn)) = skipped.resume else { return Ok(end.offset) };
                let (at, next) = (end.offset, report.last_lsn + 1);
                let path = core.vfs.describe(&path);
                report.problem("log", format!("record {next} at {at} of {path}: {}", end.flaw));
                scanner.seek(offset);
                report.last_lsn = lsn - 1;
                continue;
            }
        };
        let Record { header, meta, data, .. } = found.record;
        let place = |what: &str| {
            let at = found.at.offset;
            format!("record {} at {at} of {}: {what}", header.lsn, core.vfs.describe(&path))
        };
        if header.lsn != report.last_lsn + 1 {
            report.problem("log", place(&format!("it comes after {}", report.last_lsn)));
        }
        if header.durable < durable || header.durable >= header.lsn {
            report.problem("log", place("its durable sequence number cannot be"));
        }
        durable = header.durable;
        let decoded = Meta::decode_counted(header.kind, header.format, meta).and_then(|meta| {
            let subject = meta.0.subject();
            Ok((subject, Effects::of(core.store, found.at, meta, data)?))
        });
        match decoded {
            Ok((subject, effects)) => {
                if subject != header.subject {
                    report.problem("log", place("its header is about something else"));
                }
                newest.apply(&effects);
            }
            Err(flaw) => report.problem("log", place(flaw.0)),
        }
        (report.records, report.last_lsn) = (report.records + 1, header.lsn);
    }
}

/// Compares the hints of a sealed segment with its records.
fn hints(core: &Core, file: &dyn VfsFile, id: u64, end: u64, report: &mut Report) -> Result<()> {
    let identity = Identity { store: core.store, segment: id };
    let Some(footer) = read_footer(file, &identity)? else { return Ok(()) };
    let path = core.vfs.describe(&segment_path(id));
    if footer.records_end != end {
        let hinted = footer.records_end;
        report.problem("log", format!("{path}: the records end at {end}, not at {hinted}"));
        return Ok(());
    }
    let mut heads: BTreeMap<u32, u64> = BTreeMap::new();
    let visited = visit_frames_backwards::<StoreError>(file, &identity, &footer, |entries| {
        heads.extend(entries.iter().map(|entry| (entry.offset, entry.lsn)));
        Ok(())
    });
    if let Err(error) = visited {
        report.problem("log", format!("{path}: {error}"));
        return Ok(());
    }
    let lsns: Vec<u64> = heads.into_values().collect();
    let expected = footer.first_lsn..footer.first_lsn + u64::from(footer.records);
    if !lsns.iter().copied().eq(expected) || footer.last_lsn != report.last_lsn {
        report.problem("log", format!("{path}: its hints are not those of its records"));
    }
    Ok(())
}
