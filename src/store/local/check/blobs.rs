//! Bodies: that they are there, whole, and that nothing else is.

use std::collections::HashSet;
use std::sync::Arc;

use super::super::blob::ExtentError;
use super::super::catalog::Catalog;
use super::super::core::Core;
use super::super::format::place::{BlobId, Body, RecordRef};
use super::super::read::manifest;
use super::super::seal::sealed_len;
use super::super::sweep::candidates;
use super::{CheckOptions, Report};
use crate::store::Result;

/// The blobs that something leads to.
#[derive(Default)]
pub(super) struct Used(HashSet<BlobId>);

/// Reads the bytes of an object or part.
pub(super) fn check_body(
    core: &Arc<Core>,
    (body, sealed): (Body, bool),
    size: u64,
    what: &str,
    how: CheckOptions,
    used: &mut Used,
    report: &mut Report,
) {
    // What is stored is checked without any key: of encrypted bytes as many as they have to be.
    let stored = if sealed { sealed_len(size) } else { size };
    let found = match body {
        Body::Empty => Ok(0),
        Body::Packed(record) => packed_len(core, record),
        Body::Blob(blob) => {
            if !used.0.insert(blob) {
                report.problem("blob", format!("{what}: {blob} belongs to something else too"));
            }
            report.blobs += 1;
            blob_len(core, blob, how)
        }
        Body::Manifest(record) => match manifest(core, record) {
            Ok(assembly) => {
                for (number, part) in (1..).zip(&assembly.parts) {
                    let what = format!("part {number} of {what}");
                    let body = (part.body, part.sealed.is_some());
                    check_body(core, body, part.size, &what, how, used, report);
                }
                Ok(assembly.parts.iter().map(|part| part.size).sum())
            }
            Err(error) => Err(error.to_string()),
        },
    };
    match found {
        Ok(found) if found == stored => {}
        Ok(found) => report.problem("blob", format!("{what}: it has {found} bytes, not {stored}")),
        Err(error) => report.problem("blob", format!("{what}: {error}")),
    }
}

fn packed_len(core: &Core, record: RecordRef) -> std::result::Result<u64, String> {
    let read = core.log.read(record).map_err(|error| error.to_string())?;
    Ok(read.data().len() as u64)
}

fn blob_len(core: &Core, blob: BlobId, how: CheckOptions) -> std::result::Result<u64, String> {
    let check = || {
        let reader = core.blobs.read(blob)?;
        if how.skip_content {
            reader.footer()?;
        } else {
            reader.verify()?;
        }
        Ok::<u64, ExtentError>(reader.size())
    };
    check().map_err(|error| error.to_string())
}

/// Counts the blobs that nothing leads to.
pub(super) fn look_for_orphans(
    core: &Core,
    catalog: &Catalog,
    used: &Used,
    report: &mut Report,
) -> Result<()> {
    let dead: HashSet<BlobId> = catalog.dead()?.into_iter().map(|(blob, _)| blob).collect();
    for blob in dead.intersection(&used.0) {
        report.problem("blob", format!("{blob} is in use and to be removed"));
    }
    for blob in candidates(core)? {
        if used.0.contains(&blob) {
            continue;
        }
        if dead.contains(&blob) {
            report.dead_blobs += 1;
        } else {
            report.orphan_blobs += 1;
        }
    }
    Ok(())
}
