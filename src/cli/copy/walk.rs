//! The files of a tree, in the order of their names. Links are not followed.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use tokio::sync::mpsc;

use super::place::WORKSHOP;
use super::{Outcome, moment::Moment};

/// How many files are known ahead.
const AHEAD: usize = 256;

/// A file of the tree, or what stands in the place of one.
#[derive(Debug)]
pub(super) struct Found {
    /// Its path below the tree's root, with `/`; not exact where it is not UTF-8.
    pub(super) name: String,
    /// The file, or why it is none to be copied.
    pub(super) file: Result<Stat, Outcome>,
}

/// A file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Stat {
    /// Where it is.
    pub(super) path: PathBuf,
    /// Its size in bytes.
    pub(super) size: u64,
    /// When it was last changed.
    pub(super) modified: Moment,
}

impl Stat {
    pub(super) fn of(path: PathBuf, metadata: &std::fs::Metadata) -> Self {
        let modified = metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH);
        Self { path, size: metadata.len(), modified: Moment::of(modified) }
    }
}

/// Walks the tree beside the caller, as far ahead as it is listened to.
pub(super) fn files(root: &Path) -> mpsc::Receiver<Found> {
    let (sender, files) = mpsc::channel(AHEAD);
    let root = root.to_owned();
    tokio::task::spawn_blocking(move || {
        // Whoever listened has gone: nobody wants to know more.
        let _ = walk(&root, "", &mut |found| sender.blocking_send(found).map_err(drop));
    });
    files
}

/// How many files there are in the tree, and of how many bytes.
pub(super) fn count(root: &Path) -> (u64, u64) {
    let (mut files, mut bytes) = (0, 0);
    let _ = walk(root, "", &mut |found| {
        if let Ok(file) = &found.file {
            files += 1;
            bytes += file.size;
        }
        Ok(())
    });
    (files, bytes)
}

type Listener<'a> = &'a mut dyn FnMut(Found) -> Result<(), ()>;

#[allow(clippy::disallowed_methods, reason = "the user's tree is not the store's")]
fn walk(folder: &Path, above: &str, tell: Listener<'_>) -> Result<(), ()> {
    let entries = std::fs::read_dir(folder).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let mut entries = match entries {
        Ok(entries) => entries,
        Err(error) => {
            let why = format!("the folder cannot be read: {error}");
            return tell(Found { name: above.to_owned(), file: Err(Outcome::Failed(why)) });
        }
    };
    entries.sort_unstable_by_key(std::fs::DirEntry::file_name);
    for entry in entries {
        let file_name = entry.file_name();
        let name = format!("{above}{}", file_name.to_string_lossy());
        let path = entry.path();
        // Of the entry itself, not of what a link points to.
        let metadata = match entry.metadata() {
            Ok(metadata) => metadata,
            Err(error) => {
                tell(Found { name, file: Err(Outcome::Failed(error.to_string())) })?;
                continue;
            }
        };
        if metadata.is_dir() {
            if name != WORKSHOP {
                walk(&path, &format!("{name}/"), tell)?;
            }
            continue;
        }
        let file = if metadata.is_symlink() {
            Err(Outcome::Left("it is a symbolic link"))
        } else if !metadata.is_file() {
            Err(Outcome::Left("it is no file: a socket, a pipe or a device"))
        } else if file_name.to_str().is_none() || above.contains('\u{fffd}') {
            match path.to_str() {
                Some(_) => Ok(Stat::of(path, &metadata)),
                None => Err(Outcome::Failed("its name is not UTF-8, as keys are".to_owned())),
            }
        } else {
            Ok(Stat::of(path, &metadata))
        };
        tell(Found { name, file })?;
    }
    Ok(())
}

#[cfg(test)]
#[allow(clippy::disallowed_methods, reason = "a test makes its own files")]
mod tests {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt as _;

    use super::*;

    #[tokio::test]
    async fn files_come_by_name_and_links_stay() {
        let root = tempfile::tempdir().unwrap();
        let at = |name: &str| root.path().join(name);
        std::fs::create_dir_all(at("b/c")).unwrap();
        std::fs::create_dir_all(at(WORKSHOP)).unwrap();
        for name in ["b/c/2", "b/1", "a", ".stowgate-export/left"] {
            std::fs::write(at(name), name).unwrap();
        }
        std::os::unix::fs::symlink(at("a"), at("link")).unwrap();
        std::os::unix::fs::symlink(at("b"), at("round")).unwrap();
        std::fs::write(root.path().join(OsStr::from_bytes(b"\xff")), "x").unwrap();
        let mut files = files(root.path());
        let mut seen = Vec::new();
        while let Some(found) = files.recv().await {
            let what = match found.file {
                Ok(file) => file.size.to_string(),
                Err(Outcome::Left(why)) => why.to_owned(),
                Err(other) => format!("{other:?}"),
            };
            seen.push((found.name, what));
        }
        let names: Vec<&str> = seen.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["a", "b/1", "b/c/2", "link", "round", "\u{fffd}"]);
        assert_eq!(seen[2].1, "5");
        assert!(seen[3].1.contains("link") && seen[4].1.contains("link"));
        assert!(seen[5].1.contains("UTF-8"), "{:?}", seen[5]);
        assert_eq!(count(root.path()), (3, 1 + 3 + 5));
    }
}
