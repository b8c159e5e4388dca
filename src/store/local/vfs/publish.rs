//! Small files that are replaced as a whole.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::{Access, Result, Vfs, VfsError, VfsFile};

/// The end of names that are not yet the file: leftovers of a crash, safe to remove.
pub(crate) const TEMPORARY_SUFFIX: &str = ".tmp";

/// Writes a small file so that a crash leaves the old content or the new, durably: temporary
/// file, sync, rename, sync of the directory.
pub(crate) fn replace_file(vfs: &dyn Vfs, path: &Path, content: &[u8]) -> Result<()> {
    replace(vfs, path, content, |temporary| vfs.create(temporary))
}

/// The same with a file that nobody but its owner can read.
pub(crate) fn replace_private_file(vfs: &dyn Vfs, path: &Path, content: &[u8]) -> Result<()> {
    replace(vfs, path, content, |temporary| vfs.create_private(temporary))
}

fn replace(
    vfs: &dyn Vfs,
    path: &Path,
    content: &[u8],
    create: impl FnOnce(&Path) -> Result<Arc<dyn VfsFile>>,
) -> Result<()> {
    let mut temporary = path.as_os_str().to_owned();
    temporary.push(TEMPORARY_SUFFIX);
    let temporary = PathBuf::from(temporary);
    vfs.unlink(&temporary)?;
    let file = create(&temporary)?;
    file.write_at(content, 0)?;
    file.sync_data()?;
    drop(file);
    vfs.rename(&temporary, path)?;
    vfs.sync_dir(path.parent().unwrap_or(Path::new("")))
}

/// Reads a small file whole; `None` where there is none. More than `limit` bytes is an error, so
/// that a strange file cannot fill the memory.
pub(crate) fn read_whole(vfs: &dyn Vfs, path: &Path, limit: usize) -> Result<Option<Vec<u8>>> {
    let file = match vfs.open(path, Access::Read) {
        Ok(file) => file,
        Err(error) if error.is_not_found() => return Ok(None),
        Err(error) => return Err(error),
    };
    let len = file.len()?;
    let fits = usize::try_from(len).ok().filter(|len| *len <= limit);
    let len = fits.ok_or_else(|| {
        let doing = format!("read {}", vfs.describe(path));
        VfsError::new(doing, std::io::Error::other(format!("{len} bytes are too many")))
    })?;
    let mut content = vec![0; len];
    file.read_exact_at(&mut content, 0)?;
    Ok(Some(content))
}
