//! The machine's own file system.

mod file;
mod kind;
mod unnamed;

use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::fs::FlockOperation;

use super::{
    Access, DirEntry, FsKind, Lock, LockError, Result, Space, Stat, UnnamedFile, Vfs, VfsError,
    VfsFile,
};
use file::RealFile;
use unnamed::Naming;

/// The longest holder that is read out of a lock file.
const HOLDER_LIMIT: u64 = 1024;

/// The tree below a directory of the machine.
pub(crate) struct RealVfs {
    root: PathBuf,
    naming: Naming,
}

impl RealVfs {
    /// The tree below `root`, which is made where it is missing.
    pub(crate) fn open(root: &Path) -> Result<Self> {
        make_root(root).map_err(|e| VfsError::new(format!("create {}", root.display()), e))?;
        let doing = || format!("open {}", root.display());
        let root = fs::canonicalize(root).map_err(|e| VfsError::new(doing(), e))?;
        let naming = Naming::of(&root)?;
        Ok(Self { root, naming })
    }

    /// The same, as on a file system whose files all have names.
    #[cfg(test)]
    pub(crate) fn open_with_temporaries(root: &Path) -> Result<Self> {
        Ok(Self { naming: Naming::Temporary, ..Self::open(root)? })
    }

    /// The directory itself, for the index, which keeps its own files.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    fn at<T>(
        &self,
        verb: &str,
        path: &Path,
        call: impl FnOnce(&Path) -> io::Result<T>,
    ) -> Result<T> {
        let path = self.root.join(path);
        call(&path).map_err(|e| VfsError::new(format!("{verb} {}", path.display()), e))
    }
}

/// Makes the directory with its parents, and each of the new names durable.
fn make_root(root: &Path) -> io::Result<()> {
    if root.is_dir() {
        return Ok(());
    }
    let parent = match root.parent() {
        Some(parent) if parent.as_os_str().is_empty() => Path::new("."),
        Some(parent) => parent,
        None => return fs::create_dir(root),
    };
    make_root(parent)?;
    match fs::create_dir(root) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
        _ => {}
    }
    File::open(parent)?.sync_all()
}

impl Vfs for RealVfs {
    fn create_dir(&self, path: &Path) -> Result<bool> {
        self.at("create directory", path, |path| match fs::create_dir(path) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists && path.is_dir() => {
                Ok(false)
            }
            Err(error) => Err(error),
        })
    }

    fn open(&self, path: &Path, access: Access) -> Result<Arc<dyn VfsFile>> {
        self.at("open", path, |path| {
            let mut options = File::options();
            options.read(true).write(access == Access::Write);
            Ok(RealFile::new(options.open(path)?, path))
        })
        .map(|file| Arc::new(file) as Arc<dyn VfsFile>)
    }

    fn create(&self, path: &Path) -> Result<Arc<dyn VfsFile>> {
        self.at("create", path, |path| {
            let file = File::options().read(true).write(true).create_new(true).open(path)?;
            Ok(RealFile::new(file, path))
        })
        .map(|file| Arc::new(file) as Arc<dyn VfsFile>)
    }

    fn create_private(&self, path: &Path) -> Result<Arc<dyn VfsFile>> {
        self.at("create", path, |path| {
            let mut options = File::options();
            options.read(true).write(true).create_new(true).mode(0o600);
            Ok(RealFile::new(options.open(path)?, path))
        })
        .map(|file| Arc::new(file) as Arc<dyn VfsFile>)
    }

    fn create_unnamed(&self, dir: &Path) -> Result<Box<dyn UnnamedFile>> {
        self.at("create a file in", dir, |dir| self.naming.create(&self.root, dir))
    }

    fn clear_unnamed(&self) -> Result<()> {
        self.remove_tree(Path::new(unnamed::TEMPORARY_DIR))
    }

    fn rename(&self, from: &Path, to: &Path) -> Result<()> {
        let to = self.root.join(to);
        self.at("rename", from, |from| fs::rename(from, to))
    }

    fn unlink(&self, path: &Path) -> Result<bool> {
        self.at("remove", path, |path| found(fs::remove_file(path)))
    }

    fn remove_tree(&self, path: &Path) -> Result<()> {
        self.at("remove", path, |path| found(fs::remove_dir_all(path)).map(|_| ()))
    }

    fn list(&self, dir: &Path) -> Result<Vec<DirEntry>> {
        self.at("list", dir, |dir| {
            let entry = |entry: io::Result<fs::DirEntry>| {
                let entry = entry?;
                Ok(DirEntry { is_dir: entry.file_type()?.is_dir(), name: entry.file_name() })
            };
            fs::read_dir(dir)?.map(entry).collect()
        })
    }

    fn sync_dir(&self, dir: &Path) -> Result<()> {
        self.at("sync", dir, |dir| File::open(dir)?.sync_all())
    }

    fn stat(&self, path: &Path) -> Result<Option<Stat>> {
        self.at("look at", path, |path| match fs::symlink_metadata(path) {
            Ok(found) => Ok(Some(Stat { is_dir: found.is_dir(), len: found.len() })),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        })
    }

    fn lock(&self, path: &Path, holder: &str) -> std::result::Result<Box<dyn Lock>, LockError> {
        let locked = self.at("lock", path, |path| {
            let mut options = File::options();
            let mut file =
                options.read(true).write(true).create(true).truncate(false).open(path)?;
            match rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive) {
                Ok(()) => {}
                Err(rustix::io::Errno::WOULDBLOCK) => {
                    let mut by = Vec::new();
                    file.take(HOLDER_LIMIT).read_to_end(&mut by)?;
                    return Ok(Err(String::from_utf8_lossy(&by).trim_end().to_owned()));
                }
                Err(error) => return Err(error.into()),
            }
            file.set_len(0)?;
            file.write_all(holder.as_bytes())?;
            Ok(Ok(file))
        })?;
        match locked {
            Ok(file) => Ok(Box::new(RealLock(file))),
            Err(by) => Err(LockError::Held { by }),
        }
    }

    fn space(&self) -> Result<Space> {
        self.at("measure the room at", Path::new(""), |root| {
            let found = rustix::fs::statvfs(root)?;
            Ok(Space {
                total_bytes: found.f_blocks.saturating_mul(found.f_frsize),
                free_bytes: found.f_bavail.saturating_mul(found.f_frsize),
                total_files: found.f_files,
                free_files: found.f_favail,
            })
        })
    }

    fn kind(&self) -> Result<FsKind> {
        self.at("look at the file system of", Path::new(""), |root| {
            Ok(kind::of(rustix::fs::statfs(root)?.f_type))
        })
    }

    fn boot_id(&self) -> Result<String> {
        let path = "/proc/sys/kernel/random/boot_id";
        let id = fs::read_to_string(path).map_err(|e| VfsError::new(format!("read {path}"), e))?;
        Ok(id.trim().to_owned())
    }

    fn describe(&self, path: &Path) -> String {
        self.root.join(path).display().to_string()
    }
}

/// A removal, where a missing thing is no error.
fn found(removed: io::Result<()>) -> io::Result<bool> {
    match removed {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

struct RealLock(File);

impl Lock for RealLock {}

impl Drop for RealLock {
    /// Closing is not enough: a process that is just being started as a child of this one has the
    /// descriptor, too, until it becomes another program (flock(2)).
    fn drop(&mut self) {
        if let Err(error) = rustix::fs::flock(&self.0, FlockOperation::Unlock) {
            tracing::warn!(%error, "the lock stays until its file is closed");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_of_the_descriptor_holds_no_lock_that_was_let_go_of() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("LOCK");
        let lock = RealLock(File::create(&path).unwrap());
        let exclusive = FlockOperation::NonBlockingLockExclusive;
        rustix::fs::flock(&lock.0, exclusive).unwrap();
        let copy = lock.0.try_clone().unwrap();
        let other = File::open(&path).unwrap();
        assert_eq!(rustix::fs::flock(&other, exclusive), Err(rustix::io::Errno::WOULDBLOCK));
        drop(lock);
        rustix::fs::flock(&other, exclusive).unwrap();
        drop(copy);
    }
}
