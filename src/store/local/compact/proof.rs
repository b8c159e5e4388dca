//! That nothing in the index leads to segments that were cleaned: all of it is looked through,
//! whatever the counters say, and the counters have to say the same.

use std::collections::HashSet;
use std::ops::ControlFlow;

use super::super::catalog::Catalog;
use super::super::core::Core;
use super::super::format::checkpoint::SettingRow;
use super::super::format::meta::At;
use super::super::format::place::{Body, BucketId, RecordRef};
use crate::store::{Result, StoreError};

/// How many entries are looked at in one go.
const PORTION: usize = 4000;

/// How far the index is looked through.
pub(super) struct Proof {
    /// The segment that the log is to begin with.
    pub(super) first: u64,
    stage: Stage,
}

enum Stage {
    Objects(Option<At>),
    Entries(Option<At>),
    Rest,
}

impl Proof {
    /// Of segments before `first`.
    pub(super) fn new(first: u64) -> Self {
        Self { first, stage: Stage::Objects(None) }
    }

    /// Looks through a portion more; `true` at the end. An error is a reason not to remove
    /// anything.
    ///
    /// Nothing that was written since can lead to a cleaned segment: records there are named anew
    /// only by who was led to them before.
    pub(super) fn go_on(&mut self, core: &Core) -> Result<bool> {
        let catalog = core.whole_catalog()?;
        let first = self.first;
        let mut old = Found { first, old: None };
        match &mut self.stage {
            Stage::Objects(after) => {
                let last = portion(|count| {
                    let mut last = None;
                    catalog.objects_after(after.as_ref(), |at, entry| {
                        old.look(entry.head);
                        if let Body::Packed(record) | Body::Manifest(record) = entry.body {
                            old.look(record);
                        }
                        last = Some(at);
                        count()
                    })?;
                    Ok(last)
                })?;
                self.stage = match last {
                    Some(last) => Stage::Objects(Some(last)),
                    None => Stage::Entries(None),
                };
            }
            Stage::Entries(after) => {
                let alive: HashSet<BucketId> =
                    core.buckets().values().map(|bucket| bucket.id).collect();
                let last = portion(|count| {
                    let mut last = None;
                    catalog.entries_after(after.as_ref(), |at, entry| {
                        // Those of a bucket that is gone are seen by nobody.
                        if alive.contains(&at.bucket) {
                            old.look(entry.head);
                        }
                        last = Some(at);
                        count()
                    })?;
                    Ok(last)
                })?;
                self.stage = match last {
                    Some(last) => Stage::Entries(Some(last)),
                    None => Stage::Rest,
                };
            }
            Stage::Rest => {
                rest(&catalog, core.settings.rows(), &mut old)?;
                old.none()?;
                counters(core, first)?;
                return Ok(true);
            }
        }
        old.none()?;
        Ok(false)
    }
}

/// Visits some entries, and gives the last one if there may be more.
fn portion(
    visit: impl FnOnce(&mut dyn FnMut() -> ControlFlow<()>) -> Result<Option<At>>,
) -> Result<Option<At>> {
    let mut seen = 0;
    let last = visit(&mut || {
        seen += 1;
        if seen < PORTION { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    })?;
    Ok(last.filter(|_| seen >= PORTION))
}

/// The uploads with their parts, and the settings, of which readers have a list of their own.
fn rest(catalog: &Catalog, shown: Option<Vec<SettingRow>>, old: &mut Found) -> Result<()> {
    let mut uploads = Vec::new();
    catalog.uploads(None, |_, id, upload| {
        old.look(upload.head);
        uploads.push(id);
        ControlFlow::Continue(())
    })?;
    for id in uploads {
        catalog.parts(id, 0, |_, part| {
            old.look(part.head);
            ControlFlow::Continue(())
        })?;
    }
    for setting in catalog.settings()?.into_iter().chain(shown.into_iter().flatten()) {
        old.look(setting.head);
    }
    Ok(())
}

/// The parts of objects are not looked for here: each was looked for by its record, and all are
/// counted.
fn counters(core: &Core, first: u64) -> Result<()> {
    // Counters follow the index at the end of a batch: none may be half applied.
    let still = core.stand_still();
    let rows = core.progress().tally.segment_rows();
    drop(still);
    match rows.iter().find(|row| row.id < first && row.live > 0) {
        None => Ok(()),
        Some(row) => Err(StoreError::Damaged {
            what: format!(
                "{} bytes are counted as living in segment {:016x} of the log, where nothing was \
                 found: it is not removed; `stowgate check --rebuild-index` counts anew",
                row.live, row.id
            ),
        }),
    }
}

/// The first entry found that leads where it should not.
struct Found {
    first: u64,
    old: Option<RecordRef>,
}

impl Found {
    fn look(&mut self, record: RecordRef) {
        if record.segment < self.first {
            self.old.get_or_insert(record);
        }
    }

    fn none(&self) -> Result<()> {
        match self.old {
            None => Ok(()),
            Some(record) => Err(StoreError::Damaged {
                what: format!(
                    "the index leads to record {} of segment {:016x}, which was cleaned: it is not \
                     removed",
                    record.lsn, record.segment
                ),
            }),
        }
    }
}
