//! Whether a store is what it should be: log, index, blobs and counters against each other.
//!
//! Offline: takes the store's lock. Begins as any start does, replaying the log's end or making
//! the index anew, then reads everything. Repairs nothing beyond what a start does.

mod blobs;
mod index;
mod log;
mod report;

use std::path::Path;
use std::sync::Arc;

pub use report::{Problem, Report};

use super::catalog::Catalog;
use super::core::Core;
use super::index::IndexHome;
use super::keyring::masters;
use super::options::LocalOptions;
use super::recover;
use super::store::{OpenError, Prepared, close_index, prepare, sled_home};
use super::vfs::RealVfs;
use crate::object::Clock;
use crate::store::StoreError;

/// How a store is checked.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CheckOptions {
    /// Throw the index away first, so that it is made from the log.
    pub rebuild_index: bool,
    /// Do not read the content of blobs, only what says what they are.
    pub skip_content: bool,
}

/// Checks the store in `dir`, which must exist and which no process may have open.
pub fn check(
    dir: &Path,
    options: LocalOptions,
    how: CheckOptions,
    clock: Arc<dyn Clock>,
) -> Result<Report, OpenError> {
    let vfs = Arc::new(RealVfs::open(dir)?);
    let home = sled_home(&vfs, &options);
    let prepared = prepare(vfs, options, clock)?;
    Ok(check_prepared(&prepared, &home, how))
}

/// Checks a store that is locked and not opened yet.
pub(super) fn check_prepared(
    prepared: &Prepared,
    home: &dyn IndexHome,
    how: CheckOptions,
) -> Report {
    let core = &prepared.core;
    let mut report = Report::new(core.store);
    if let Err(error) = run(core, home, how, &mut report) {
        report.problem("store", error.to_string());
    }
    report
}

fn run(
    core: &Arc<Core>,
    home: &dyn IndexHome,
    how: CheckOptions,
    report: &mut Report,
) -> Result<(), StoreError> {
    if how.rebuild_index {
        home.discard()?;
        report.index_rebuilt = true;
    }
    drop(recover::start(core, home)?);
    for damage in core.damage() {
        report.problem("log", damage.what);
    }
    let newest = log::read(core, report)?;
    let catalog = core.catalog()?;
    let mut used = blobs::Used::default();
    index::compare(core, &catalog, newest, how, &mut used, report)?;
    index::count(core, &catalog, report)?;
    keys(core, &catalog, report)?;
    blobs::look_for_orphans(core, &catalog, &used, report)?;
    drop(catalog);
    close_index(core, home)
}

/// KEYS against the index: a key that is missing there would be missed by the first read alone.
fn keys(core: &Core, catalog: &Catalog, report: &mut Report) -> Result<(), StoreError> {
    let noted = core.keyring.in_use();
    for id in masters(catalog)?.difference(&noted) {
        report.problem(
            "keys",
            format!("KEYS does not name the master key {id}, which objects are encrypted with"),
        );
    }
    Ok(())
}
