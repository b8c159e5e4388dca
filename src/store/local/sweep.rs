//! Finding the files that no record names: what was uploaded and never acknowledged before a
//! crash. They go into quarantine, never away.

use std::collections::HashSet;
use std::ops::ControlFlow;
use std::path::{Component, Path};

use super::blob::BlobDir;
use super::catalog::Catalog;
use super::core::Core;
use super::format::place::{BlobId, Body, RecordRef};
use super::read::manifest;
use super::store::QUARANTINE;
use crate::store::{Result, StoreError};

/// Every blob there is now.
pub(crate) fn candidates(core: &Core) -> Result<Vec<BlobId>> {
    let mut blobs = Vec::new();
    for dir in BlobDir::all() {
        blobs.extend(core.blobs.ids_in(dir)?);
    }
    Ok(blobs)
}

/// The blobs that the index leads to, and those that it knows to be dead.
///
/// While the store is being written to, a blob passes from an upload to an object and from there
/// to the dead, always noted in the next place before it leaves the last: looked through in that
/// order, none is missed.
pub(crate) fn known(core: &Core, catalog: &Catalog) -> Result<(HashSet<BlobId>, HashSet<BlobId>)> {
    let mut used = HashSet::new();
    let mut manifests: Vec<RecordRef> = Vec::new();
    let mut note = |body: Body, used: &mut HashSet<BlobId>| match body {
        Body::Blob(blob) => {
            used.insert(blob);
        }
        Body::Manifest(record) => manifests.push(record),
        Body::Empty | Body::Packed(_) => {}
    };
    let mut uploads = Vec::new();
    catalog.uploads(None, |_, id, _| {
        uploads.push(id);
        ControlFlow::Continue(())
    })?;
    for id in uploads {
        catalog.parts(id, 0, |_, part| {
            note(part.body, &mut used);
            ControlFlow::Continue(())
        })?;
    }
    catalog.objects(|_, object| {
        note(object.body, &mut used);
        ControlFlow::Continue(())
    })?;
    for record in manifests {
        for part in manifest(core, record)?.parts {
            if let Body::Blob(blob) = part.body {
                used.insert(blob);
            }
        }
    }
    let dead = catalog.dead()?.into_iter().map(|(blob, _)| blob).collect();
    Ok((used, dead))
}

/// The files in quarantine: names in order, and bytes.
pub(crate) fn quarantined(core: &Core) -> Result<Vec<(String, u64)>> {
    let mut found = Vec::new();
    for entry in core.vfs.list(Path::new(QUARANTINE))? {
        // The store makes no other names.
        let Ok(name) = entry.name.into_string() else { continue };
        let stat = core.vfs.stat(&Path::new(QUARANTINE).join(&name))?;
        if let Some(stat) = stat.filter(|stat| !stat.is_dir) {
            found.push((name, stat.len));
        }
    }
    found.sort();
    Ok(found)
}

/// Removes a file that is in quarantine; `false` where there is none of that name.
pub(crate) fn remove_quarantined(core: &Core, name: &str) -> Result<bool> {
    core.refusal()?;
    let mut parts = Path::new(name).components();
    let plain = matches!(parts.next(), Some(Component::Normal(_))) && parts.next().is_none();
    Ok(plain && core.vfs.unlink(&Path::new(QUARANTINE).join(name))?)
}

/// Moves those of the candidates that nothing leads to into quarantine, and says how many.
pub(crate) fn quarantine(core: &Core, candidates: Vec<BlobId>) -> Result<usize> {
    if candidates.is_empty() || core.refusal().is_err() || core.believe_all().is_err() {
        return Ok(0);
    }
    let (used, dead) = known(core, &core.catalog()?)?;
    let orphans =
        candidates.into_iter().filter(|blob| !used.contains(blob) && !dead.contains(blob));
    let mut moved = 0;
    for blob in orphans {
        let path = blob.path();
        let Some(name) = path.file_name() else { continue };
        match core.vfs.rename(&path, &Path::new(QUARANTINE).join(name)) {
            Ok(()) => moved += 1,
            // It was dead, and is removed by now.
            Err(error) if error.is_not_found() => {}
            Err(error) => return Err(StoreError::from(error)),
        }
    }
    Ok(moved)
}
