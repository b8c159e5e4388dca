//! The index against the log, both ways, and the counters against both.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::Arc;

use super::super::catalog::Catalog;
use super::super::core::Core;
use super::super::effects::{Change, Effects};
use super::super::format::checkpoint::SettingRow;
use super::super::format::entry::{LedgerEntry, ObjectEntry, PartEntry};
use super::super::format::meta::{At, Meta};
use super::super::format::place::{BucketId, RecordRef};
use super::super::recover::recount;
use super::blobs::{Used, check_body};
use super::log::Newest;
use super::{CheckOptions, Report};
use crate::store::Result;

/// Compares every entry of the index with the record that it names, and with what the log says.
pub(super) fn compare(
    core: &Arc<Core>,
    catalog: &Catalog,
    mut newest: Newest,
    how: CheckOptions,
    used: &mut Used,
    report: &mut Report,
) -> Result<()> {
    let buckets = buckets(core, catalog, &newest, report)?;
    let mut objects = Vec::new();
    // Entries are taken out in portions: reading records while scanning would hold the index.
    let mut after: Option<At> = None;
    loop {
        catalog.objects_after(after.as_ref(), |at, object| {
            objects.push((at, object));
            if objects.len() < PORTION { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        })?;
        let Some((last, _)) = objects.last() else { break };
        after = Some(last.clone());
        for (at, object) in objects.drain(..) {
            let name = buckets.get(&at.bucket).cloned().unwrap_or_default();
            if name.is_empty() {
                report.problem("index", format!("{:?} is in no bucket", at.key));
            }
            let what = format!("{name}/{}", at.key);
            object_entry(core, &at, &object, newest.take_object(&at), &what, report);
            report.objects += 1;
            report.object_bytes = report.object_bytes.saturating_add(object.size);
            let sealed = object.sealing.as_ref().is_some_and(|sealing| sealing.body.is_some());
            check_body(core, (object.body, sealed), object.size, &what, how, used, report);
        }
    }
    ledgers(core, catalog, &buckets, &mut newest, report)?;
    for record in newest.left() {
        let of = described(core, record).map_or_else(|error| error, |effects| name_of(&effects));
        report.problem("index", format!("record {} is not in it: {of}", record.lsn));
    }
    uploads(core, catalog, newest, how, used, report)
}

/// How many entries are held at once.
const PORTION: usize = 1024;

fn buckets(
    core: &Core,
    catalog: &Catalog,
    newest: &Newest,
    report: &mut Report,
) -> Result<BTreeMap<BucketId, String>> {
    let indexed: BTreeMap<String, BucketId> =
        catalog.buckets()?.into_iter().map(|(name, bucket)| (name, bucket.id)).collect();
    let shown: BTreeMap<String, BucketId> =
        core.buckets().into_iter().map(|(name, bucket)| (name, bucket.id)).collect();
    if indexed != newest.buckets || shown != newest.buckets {
        report.problem("index", "its buckets are not those of the log");
    }
    report.buckets = indexed.len() as u64;
    settings(core, catalog, newest, report)?;
    Ok(indexed.into_iter().map(|(name, id)| (id, name)).collect())
}

fn settings(core: &Core, catalog: &Catalog, newest: &Newest, report: &mut Report) -> Result<()> {
    let by_name = |rows: Vec<SettingRow>| -> BTreeMap<(BucketId, String), RecordRef> {
        rows.into_iter().map(|row| ((row.bucket, row.name), row.head)).collect()
    };
    let indexed = by_name(catalog.settings()?);
    let shown = by_name(core.settings.rows().unwrap_or_default());
    if indexed != newest.settings || shown != newest.settings {
        report.problem("index", "its settings of buckets are not those of the log");
    }
    for ((_, name), head) in &newest.settings {
        if let Err(error) = core.log.read(*head) {
            report.problem("log", format!("the setting {name} of a bucket: {error}"));
        }
    }
    Ok(())
}

/// What a record does; the text of an error says why that cannot be said.
fn described(core: &Core, record: RecordRef) -> std::result::Result<Effects, String> {
    let read = core.log.read(record).map_err(|error| error.to_string())?;
    Meta::decode_counted(read.header.kind, read.header.format, read.meta())
        .and_then(|meta| Effects::of(core.store, record, meta, &read.data()))
        .map_err(|flaw| format!("record {}: {flaw}", record.lsn))
}

fn name_of(effects: &Effects) -> String {
    let name = |change: &Change| match change {
        Change::Object(at, _) | Change::Upload(at, ..) => Some(at.key.clone()),
        Change::Entry(at, _) => Some(format!("the ledger record of {}", at.key)),
        _ => None,
    };
    effects.changes.iter().find_map(name).unwrap_or_default()
}

fn object_entry(
    core: &Core,
    at: &At,
    object: &ObjectEntry,
    newest: Option<RecordRef>,
    what: &str,
    report: &mut Report,
) {
    compare_heads(object.head, newest, what, report);
    match described(core, object.head) {
        Ok(effects) => {
            let says = |change: &Change| matches!(change, Change::Object(of, entry) if of == at && **entry == *object);
            if !effects.changes.iter().any(says) {
                report.problem("index", format!("{what}: its record says something else"));
            }
        }
        Err(error) => report.problem("log", format!("{what}: {error}")),
    }
}

/// The ledger records. Of buckets that are gone, what there still is goes by itself.
fn ledgers(
    core: &Core,
    catalog: &Catalog,
    buckets: &BTreeMap<BucketId, String>,
    newest: &mut Newest,
    report: &mut Report,
) -> Result<()> {
    let mut entries = Vec::new();
    let mut after: Option<At> = None;
    loop {
        catalog.entries_after(after.as_ref(), |at, entry| {
            entries.push((at, entry));
            if entries.len() < PORTION { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        })?;
        let Some((last, _)) = entries.last() else { return Ok(()) };
        after = Some(last.clone());
        for (at, entry) in entries.drain(..) {
            let Some(name) = buckets.get(&at.bucket) else { continue };
            report.ledger_records += 1;
            let what = format!("the ledger record of {name}/{}", at.key);
            ledger_entry(core, &at, entry, newest.take_entry(&at), &what, report);
        }
    }
}

fn ledger_entry(
    core: &Core,
    at: &At,
    entry: LedgerEntry,
    newest: Option<RecordRef>,
    what: &str,
    report: &mut Report,
) {
    compare_heads(entry.head, newest, what, report);
    match described(core, entry.head) {
        Ok(effects) => {
            let says = |change: &Change| matches!(change, Change::Entry(of, Some(_)) if of == at);
            if !effects.changes.iter().any(says) {
                report.problem("index", format!("{what}: its record says something else"));
            }
        }
        Err(error) => report.problem("log", format!("{what}: {error}")),
    }
}

/// Whether the record that the index has is the log's newest.
fn compare_heads(head: RecordRef, newest: Option<RecordRef>, what: &str, report: &mut Report) {
    match newest {
        Some(record) if record == head => {}
        Some(record) => {
            let (has, is) = (head.lsn, record.lsn);
            report.problem("index", format!("{what}: it has record {has}, the log {is}"));
        }
        None => report.problem("index", format!("{what}: it is not in the log")),
    }
}

fn uploads(
    core: &Arc<Core>,
    catalog: &Catalog,
    mut newest: Newest,
    how: CheckOptions,
    used: &mut Used,
    report: &mut Report,
) -> Result<()> {
    let mut open = Vec::new();
    catalog.uploads(None, |at, id, upload| {
        open.push((at, id, upload));
        ControlFlow::Continue(())
    })?;
    for (at, id, upload) in open {
        report.uploads += 1;
        let what = format!("upload {id:032x} of {}", at.key);
        let mut parts: Vec<(u16, PartEntry)> = Vec::new();
        catalog.parts(id, 0, |number, part| {
            parts.push((number, part));
            ControlFlow::Continue(())
        })?;
        report.parts += parts.len() as u64;
        let heads: BTreeMap<u16, RecordRef> =
            parts.iter().map(|(number, part)| (*number, part.head)).collect();
        match newest.uploads.remove(&id) {
            Some(logged) if logged == (Some(upload.head), heads) => {}
            Some(_) => report.problem("index", format!("{what}: the log has other parts")),
            None => report.problem("index", format!("{what}: the log has no such upload")),
        }
        for (number, part) in parts {
            let what = format!("part {number} of {what}");
            let body = (part.body, part.sealed.is_some());
            check_body(core, body, part.size, &what, how, used, report);
        }
    }
    for id in newest.uploads.keys() {
        report.problem("index", format!("the upload {id:032x} is not in it"));
    }
    Ok(())
}

/// Compares the counters with a recount.
pub(super) fn count(core: &Core, catalog: &Catalog, report: &mut Report) -> Result<()> {
    let mut kept = core.progress().tally.clone();
    let (mut counted, unreadable) = recount(core, catalog, &kept)?;
    if !unreadable.is_empty() {
        // Told with the objects that they belong to.
        return Ok(());
    }
    counted.forget_uncertain(&kept);
    kept.forget_uncertain(&kept.clone());
    if counted.usage_rows() != kept.usage_rows() {
        let (is, says) = (counted.usage_rows(), kept.usage_rows());
        report.problem("counter", format!("buckets have {is:?}, counted as {says:?}"));
    }
    for row in kept.segment_rows() {
        let live = counted.live(row.id);
        if live != row.live {
            let (id, says) = (row.id, row.live);
            report.problem("counter", format!("segment {id} has {live} live, counted as {says}"));
        }
    }
    Ok(())
}
