//! Files without a name: `O_TMPFILE` where the file system has it, else a temporary name.

use std::fs::{self, File};
use std::io;
use std::os::fd::AsRawFd as _;
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, CWD, Mode, OFlags};

use super::super::publish::TEMPORARY_SUFFIX;
use super::super::{Result, UnnamedFile, VfsError, VfsFile};
use super::file::RealFile;

/// Where files are that would have no name, on file systems that cannot do without.
pub(super) const TEMPORARY_DIR: &str = "tmp";

/// How a file system makes files that have no name yet.
pub(super) enum Naming {
    /// It can: nothing is left of them after a crash.
    Unnamed,
    /// It can't: they have random names in [`TEMPORARY_DIR`]. Numbers would not do: a process that
    /// ends may still remove its own while the next one, in another container, has the same id.
    Temporary,
}

impl Naming {
    /// Finds out by trying.
    pub(super) fn of(root: &Path) -> Result<Self> {
        let probe = root.join(format!("probe-{}{TEMPORARY_SUFFIX}", random_name()));
        let tried = open_unnamed(root).and_then(|file| link_unnamed(&file, &probe));
        match tried {
            Ok(()) => {
                fs::remove_file(&probe)
                    .map_err(|e| VfsError::new(format!("remove {}", probe.display()), e))?;
                Ok(Self::Unnamed)
            }
            Err(_) => Ok(Self::Temporary),
        }
    }

    /// Makes one in the directory.
    pub(super) fn create(&self, root: &Path, dir: &Path) -> io::Result<Box<dyn UnnamedFile>> {
        let root = root.to_owned();
        match self {
            Self::Unnamed => {
                let file = RealFile::new(open_unnamed(dir)?, dir);
                Ok(Box::new(RealUnnamed { root, file, temporary: None }))
            }
            Self::Temporary => {
                let dir = root.join(TEMPORARY_DIR);
                fs::create_dir_all(&dir)?;
                let name = dir.join(random_name());
                let file = File::options().read(true).write(true).create_new(true).open(&name)?;
                let file = RealFile::new(file, &name);
                Ok(Box::new(RealUnnamed { root, file, temporary: Some(name) }))
            }
        }
    }
}

fn random_name() -> String {
    uuid::Uuid::new_v4().simple().to_string()
}

fn open_unnamed(dir: &Path) -> io::Result<File> {
    let flags = OFlags::TMPFILE | OFlags::RDWR | OFlags::CLOEXEC;
    let mode = Mode::RUSR | Mode::WUSR | Mode::RGRP | Mode::ROTH;
    Ok(File::from(rustix::fs::openat(CWD, dir, flags, mode)?))
}

/// By way of `/proc`, which needs no privilege (open(2), "O_TMPFILE").
fn link_unnamed(file: &File, path: &Path) -> io::Result<()> {
    let own = format!("/proc/self/fd/{}", file.as_raw_fd());
    Ok(rustix::fs::linkat(CWD, own, CWD, path, AtFlags::SYMLINK_FOLLOW)?)
}

struct RealUnnamed {
    root: PathBuf,
    file: RealFile,
    temporary: Option<PathBuf>,
}

impl UnnamedFile for RealUnnamed {
    fn file(&self) -> &dyn VfsFile {
        &self.file
    }

    fn publish(mut self: Box<Self>, path: &Path) -> Result<()> {
        let path = self.root.join(path);
        self.file.renamed(&path);
        self.file.sync_data()?;
        let named = match &self.temporary {
            None => link_unnamed(self.file.inner(), &path),
            // A second name and not a rename, because a rename would replace what is there. The
            // first name goes with `self`.
            Some(temporary) => fs::hard_link(temporary, &path),
        };
        named.map_err(|e| self.file.failed("publish", e))
    }
}

impl Drop for RealUnnamed {
    fn drop(&mut self) {
        if let Some(temporary) = &self.temporary {
            // What remains is removed at the next start.
            let _ = fs::remove_file(temporary);
        }
    }
}
