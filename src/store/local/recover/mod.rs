//! From what a stop left behind to a store that works.
//!
//! | how it stopped | index |
//! | --- | --- |
//! | cleanly, and the log ends where CLEAN says | used as it is |
//! | the process died | used, records after the checkpoint replayed |
//! | the machine died, or the index is missing, unreadable, or behind the checkpoint | made anew |

mod rebuild;
mod tail;

use std::path::Path;
use std::sync::Arc;

pub(crate) use rebuild::recount;

use super::apply::apply_record;
use super::catalog::{Applied, Catalog};
use super::core::{Core, Progress};
use super::effects::Effects;
use super::format::checkpoint::{Checkpoint, Position};
use super::format::entry::SCHEMA;
use super::format::meta::Meta;
use super::format::record::Record;
use super::format::segment::SegmentHeader;
use super::format::store_file::CleanStop;
use super::index::IndexHome;
use super::keeper::{read_checkpoints, write_checkpoint};
use super::log::{self, Appender, FIRST_OFFSET, Scanned};
use super::tally::Tally;
use super::vfs;
use crate::store::StoreError;

/// There only after a clean stop.
pub(crate) const CLEAN: &str = "CLEAN";
/// No CLEAN is longer.
const MAX_CLEAN: usize = 1 << 16;

type Result<T> = std::result::Result<T, StoreError>;

/// Where writing goes on.
pub(crate) struct Started {
    /// The end of the log; `None` where it is damaged, and nothing may be written.
    pub(crate) log: Option<Appender>,
    /// The last record.
    pub(crate) last: u64,
    /// Whether the stop before was not a clean one.
    pub(crate) crashed: bool,
    /// Segments before the last, each with its last record.
    pub(crate) full: Vec<(u64, u64)>,
    /// The segment that the log begins with.
    pub(crate) first: u64,
}

/// Opens the log and the index, replaying or rebuilding as far as that is needed.
pub(crate) fn start(core: &Core, home: &dyn IndexHome) -> Result<Started> {
    let segments = tail::survey(core)?;
    let checkpoint = read_checkpoints(&*core.vfs)?.map(|(_, checkpoint)| checkpoint);
    let checkpoint = checkpoint.filter(|checkpoint| checkpoint.store == core.store);
    let clean = take_clean(core)?;
    if segments.is_empty() {
        return begin(core, home, checkpoint.as_ref(), clean.as_ref());
    }
    let mut segments = segments;
    let from = Start::of(&segments, checkpoint);
    // Those before have nothing in them that anything refers to, and may be incomplete.
    segments.retain(|header| header.identity.segment >= from.first);
    if let Some(checkpoint) = &from.checkpoint {
        core.add_damage(checkpoint.damage.clone());
        core.add_damage(tail::missing_segments(&segments, checkpoint));
    }
    let started = match trusted_index(core, home, &from, clean.as_ref())? {
        Some(catalog) => replay(core, catalog, &segments, &from)?,
        None => rebuild::rebuild(core, home, &segments, &from)?,
    };
    let first_damage = core.damage().first().map(|damage| damage.what.clone());
    if let Some(what) = first_damage {
        core.make_read_only(format!("the log is damaged, run `stowgate check`: {what}"));
    }
    // What a process that died had written and not synced: durable before a checkpoint counts on it.
    log::sync_end(&*core.vfs, started.position.segment)?;
    let log = if core.read_only().is_none() {
        let (vfs, size) = (Arc::clone(&core.vfs), core.options.segment_size);
        Some(Appender::resume(vfs, core.store, size, started.position)?)
    } else {
        None
    };
    // Notes the machine's start.
    write_checkpoint(core)?;
    segments.retain(|header| header.identity.segment >= started.first);
    let pairs = segments.iter().zip(segments.iter().skip(1));
    let full = pairs.map(|(header, next)| (header.identity.segment, next.first_lsn - 1)).collect();
    let Progress { applied: last, first, .. } = started;
    Ok(Started { log, last, crashed: clean.is_none(), full, first })
}

/// From where the log is read.
struct Start {
    checkpoint: Option<Checkpoint>,
    position: Position,
    applied: u64,
    /// The segment that the log begins with, as far as that is known.
    first: u64,
}

impl Start {
    fn of(segments: &[SegmentHeader], checkpoint: Option<Checkpoint>) -> Self {
        if let Some(checkpoint) = checkpoint {
            let (position, applied) = (checkpoint.position, checkpoint.applied);
            let first = checkpoint.segments.iter().map(|row| row.id).min().unwrap_or_default();
            return Self { checkpoint: Some(checkpoint), position, applied, first };
        }
        let first = segments.first();
        let segment = first.map_or(0, |header| header.identity.segment);
        let applied = first.map_or(0, |header| header.first_lsn.saturating_sub(1));
        let position = Position { segment, offset: FIRST_OFFSET };
        Self { checkpoint: None, position, applied, first: 0 }
    }
}

/// A store that has no log yet.
fn begin(
    core: &Core,
    home: &dyn IndexHome,
    checkpoint: Option<&Checkpoint>,
    clean: Option<&CleanStop>,
) -> Result<Started> {
    let had_records = checkpoint.is_some_and(|checkpoint| checkpoint.applied > 0)
        || clean.is_some_and(|clean| clean.last_lsn > 0);
    // The first blob comes after the first segment.
    if had_records || !core.blobs.is_empty()? {
        let what = "the store was in use but has no log: its segments are missing".to_owned();
        return Err(StoreError::Damaged { what });
    }
    home.discard()?;
    core.set_catalog(Some(Catalog::new(home.open()?)));
    core.settings.show([]);
    let (vfs, size) = (Arc::clone(&core.vfs), core.options.segment_size);
    let log = Appender::create(vfs, core.store, size, 1, 1, core.clock.now())?;
    {
        let mut progress = core.progress();
        progress.tally.begin_segment(1, 1);
        progress.position = log.position();
    }
    write_checkpoint(core)?;
    Ok(Started { log: Some(log), last: 0, crashed: false, full: Vec::new(), first: 0 })
}

/// The index, if what stopped the store cannot have harmed it.
fn trusted_index(
    core: &Core,
    home: &dyn IndexHome,
    from: &Start,
    clean: Option<&CleanStop>,
) -> Result<Option<Catalog>> {
    let Some(checkpoint) = &from.checkpoint else { return Ok(None) };
    let same_boot = checkpoint.boot_id == core.vfs.boot_id()?;
    if !same_boot && !clean.is_some_and(|clean| is_of(clean, core, checkpoint)) {
        tracing::info!("the machine stopped while the store was open: the index is made anew");
        return Ok(None);
    }
    if !tail::ends_at(core, from.position, from.applied)? {
        tracing::error!("the log does not reach the checkpoint: all of it is read");
        return Ok(None);
    }
    let catalog = match home.open() {
        Ok(index) => Catalog::new(index),
        Err(error) => {
            tracing::warn!(%error, "the index cannot be opened and is made anew");
            return Ok(None);
        }
    };
    let is_ours = |applied: Applied| {
        applied.store == core.store && applied.schema == SCHEMA && applied.lsn >= from.applied
    };
    match catalog.applied() {
        Ok(Some(applied)) if is_ours(applied) => Ok(Some(catalog)),
        _ => {
            tracing::warn!("the index is not the one of the checkpoint and is made anew");
            Ok(None)
        }
    }
}

/// Takes CLEAN away, durably, before anything else changes: opening an index writes to it, and
/// from there on a crash of the machine can harm it.
fn take_clean(core: &Core) -> Result<Option<CleanStop>> {
    let content = vfs::read_whole(&*core.vfs, Path::new(CLEAN), MAX_CLEAN)?;
    if core.vfs.unlink(Path::new(CLEAN))? {
        core.vfs.sync_dir(Path::new(""))?;
    }
    Ok(content.and_then(|content| CleanStop::decode(&content).ok()))
}

/// Whether the store was stopped cleanly right after this checkpoint.
fn is_of(clean: &CleanStop, core: &Core, checkpoint: &Checkpoint) -> bool {
    clean.store_id == hex::encode(core.store.0)
        && clean.last_lsn == checkpoint.applied
        && clean.position() == checkpoint.position
}

/// Notes that the index has everything and is durable.
pub(crate) fn write_clean(core: &Core) -> Result<()> {
    let (last_lsn, position) = {
        let progress = core.progress();
        (progress.applied, progress.position)
    };
    let clean = CleanStop {
        store_id: hex::encode(core.store.0),
        boot_id: core.vfs.boot_id()?,
        last_lsn,
        segment: position.segment,
        offset: position.offset,
    };
    Ok(vfs::replace_file(&*core.vfs, Path::new(CLEAN), &clean.encode())?)
}

/// Brings a trusted index up to the end of the log.
fn replay(
    core: &Core,
    catalog: Catalog,
    segments: &[SegmentHeader],
    from: &Start,
) -> Result<Progress> {
    let known = catalog.buckets()?;
    core.with_buckets(|buckets| *buckets = known.into_iter().collect());
    core.settings.show(catalog.settings()?);
    for (blob, since) in catalog.dead()? {
        core.garbage.retire(blob, since);
    }
    core.set_catalog(Some(catalog));
    if let Some(checkpoint) = &from.checkpoint {
        let mut progress = core.progress();
        progress.tally = Tally::load(&checkpoint.usage, &checkpoint.segments);
        progress.first = from.first;
    }
    let mut replayed = 0_u64;
    let position = tail::walk(core, segments, from.position, from.applied, &mut |scanned| {
        let mut effects = effects(core, scanned)?;
        apply_record(core, &mut effects)?;
        replayed += 1;
        core.progress().add(core, &effects);
        Ok(())
    })?;
    tracing::info!(records = replayed, "the log is replayed");
    Ok(finish(core, segments, position, from.applied))
}

/// Notes where the log ends. `applied` is the least it can be: a tail may have had no records.
fn finish(core: &Core, segments: &[SegmentHeader], end: tail::End, applied: u64) -> Progress {
    let mut progress = core.progress();
    begin_segments(&mut progress, segments);
    progress.position = end.position;
    progress.applied = end.last.max(applied);
    let taken = progress.clone();
    drop(progress);
    core.set_applied(taken.applied);
    taken
}

/// The segments that the log consists of.
fn begin_segments(progress: &mut Progress, segments: &[SegmentHeader]) {
    let first = progress.first;
    for header in segments.iter().filter(|header| header.identity.segment >= first) {
        progress.tally.begin_segment(header.identity.segment, header.first_lsn);
    }
}

/// What a record does, with its dead manifests left as they are.
fn effects(core: &Core, scanned: &Scanned<'_>) -> Result<Effects> {
    let Record { header, meta, data, .. } = scanned.record;
    Meta::decode_counted(header.kind, header.format, meta)
        .and_then(|meta| Effects::of(core.store, scanned.at, meta, data))
        .map_err(|flaw| {
            let place = core.vfs.describe(&log::segment_path(scanned.at.segment));
            let what = format!("record {} at {} of {place}: {flaw}", header.lsn, scanned.at.offset);
            StoreError::Damaged { what }
        })
}
