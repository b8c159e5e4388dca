//! Where in a tree an object's file belongs, and whether it can be there.

use std::io;
use std::path::{Path, PathBuf};

/// The folder at the root of a tree in which files are made before they get their names.
pub(super) const WORKSHOP: &str = ".stowgate-export";

/// What an object becomes.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// A file at this path below the root.
    File(PathBuf),
    /// A folder: the key ends with a slash, and there is nothing in the object.
    Folder(PathBuf),
}

/// The place of an object whose key, without the prefix, is `name`.
pub(super) fn place(name: &str, size: u64) -> Result<Place, &'static str> {
    let (path, is_folder) = match name.strip_suffix('/') {
        Some(path) => (path, true),
        None => (name, false),
    };
    if is_folder && size > 0 {
        return Err("its key ends with a slash, as no file's name does");
    }
    if path.is_empty() || path.split('/').any(str::is_empty) {
        return Err("its key has an empty part between slashes, as no path has");
    }
    if path.split('/').any(|part| matches!(part, "." | "..")) {
        return Err(
            "its key has a part that is . or .., which a path would take for another folder",
        );
    }
    if path.contains('\0') {
        return Err("its key has a character that no path can have");
    }
    if path.split('/').any(|part| part.len() > 255) {
        return Err(
            "its key has a part of more than 255 bytes, which is too long for a file's name",
        );
    }
    if path.split('/').next() == Some(WORKSHOP) {
        return Err("its key begins with the name of the folder in which files are made");
    }
    let path = PathBuf::from(path);
    Ok(if is_folder { Place::Folder(path) } else { Place::File(path) })
}

/// Makes a folder below the root with all that are above it. A link among them is refused: it could
/// lead out of the tree.
pub(super) async fn make_folder(root: &Path, below: &Path) -> Result<(), String> {
    let mut folder = root.to_owned();
    for part in below {
        folder.push(part);
        match tokio::fs::create_dir(&folder).await {
            Ok(()) => continue,
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(format!("{}: {error}", folder.display())),
        }
        let what = tokio::fs::symlink_metadata(&folder).await;
        let what = what.map_err(|error| format!("{}: {error}", folder.display()))?;
        if what.is_symlink() {
            return Err(format!("{} is a symbolic link", folder.display()));
        }
        if !what.is_dir() {
            return Err(format!("{} is no folder: another key is its beginning", folder.display()));
        }
    }
    Ok(())
}

#[cfg(test)]
#[allow(clippy::disallowed_methods, reason = "a test makes its own files")]
mod tests {
    use super::*;

    #[test]
    fn keys_that_are_no_paths_have_no_place() {
        let file = |name: &str| Ok(Place::File(PathBuf::from(name)));
        assert_eq!(place("a/b c", 1), file("a/b c"));
        assert_eq!(place("..a/...", 0), file("..a/..."));
        assert_eq!(place("a/", 0), Ok(Place::Folder(PathBuf::from("a"))));
        let long = "x".repeat(256);
        for name in ["", "/", "/a", "a//b", "a/../b", "..", ".", "a/.", "a\0", "a//", &long] {
            assert!(place(name, 0).is_err(), "{name}");
        }
        assert!(place("a/", 1).is_err());
        assert!(place(".stowgate-export/a", 1).is_err());
    }

    #[tokio::test]
    async fn no_link_leads_out_of_the_tree() {
        let (root, out) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        std::os::unix::fs::symlink(out.path(), root.path().join("link")).unwrap();
        std::fs::write(root.path().join("file"), "x").unwrap();
        assert_eq!(make_folder(root.path(), Path::new("a/b")).await, Ok(()));
        let why = make_folder(root.path(), Path::new("link/b")).await.unwrap_err();
        assert!(why.contains("symbolic link"), "{why}");
        let why = make_folder(root.path(), Path::new("file/b")).await.unwrap_err();
        assert!(why.contains("no folder"), "{why}");
        assert!(!out.path().join("b").exists());
    }
}
