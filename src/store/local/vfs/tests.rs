//! The real file system and the simulated one against the same expectations.

use std::ffi::OsString;
use std::io::ErrorKind;
use std::path::Path;
use std::sync::Arc;

use super::sim::Sim;
use super::{Access, Allocation, FsKind, LockError, RealVfs, Vfs, read_whole, replace_file};

fn path(text: &str) -> &Path {
    Path::new(text)
}

/// Runs a test on each kind of file system.
fn on_each(test: impl Fn(Arc<dyn Vfs>)) {
    test(Sim::new().vfs());
    let dir = tempfile::tempdir().unwrap();
    test(Arc::new(RealVfs::open(&dir.path().join("new/root")).unwrap()));
    let dir = tempfile::tempdir().unwrap();
    test(Arc::new(RealVfs::open_with_temporaries(dir.path()).unwrap()));
}

fn names(vfs: &dyn Vfs, dir: &str) -> Vec<OsString> {
    let mut names: Vec<_> = vfs.list(path(dir)).unwrap().into_iter().map(|e| e.name).collect();
    names.retain(|name| name != "tmp");
    names.sort();
    names
}

#[test]
fn files_hold_what_is_written() {
    on_each(|vfs| {
        let file = vfs.create(path("a")).unwrap();
        file.write_at(b"hello", 3).unwrap();
        file.write_at(b" world", 8).unwrap();
        assert_eq!(file.len().unwrap(), 14);
        let mut buf = [1; 14];
        file.read_exact_at(&mut buf, 0).unwrap();
        assert_eq!(&buf, b"\0\0\0hello world");
        assert!(file.read_exact_at(&mut buf, 1).unwrap_err().is_past_end());
        file.set_len(6).unwrap();
        file.allocate(0, 100, Allocation::KeepLength).unwrap();
        assert_eq!(file.len().unwrap(), 6);
        file.allocate(0, 10, Allocation::Extend).unwrap();
        file.sync_data().unwrap();
        file.drop_cached(0, 10).unwrap();
        file.expect_sequential().unwrap();
        assert_eq!(read_whole(&*vfs, path("a"), 10).unwrap().unwrap(), b"\0\0\0hel\0\0\0\0");
        read_whole(&*vfs, path("a"), 9).unwrap_err();
        let reader = vfs.open(path("a"), Access::Read).unwrap();
        reader.write_at(b"x", 0).unwrap_err();
        vfs.open(path("a"), Access::Write).unwrap().write_at(b"x", 0).unwrap();
    });
}

#[test]
fn names_are_made_taken_and_removed() {
    on_each(|vfs| {
        assert!(vfs.create_dir(path("d")).unwrap());
        assert!(!vfs.create_dir(path("d")).unwrap());
        assert!(vfs.create_dir(path("x/y")).unwrap_err().is_not_found());
        vfs.create(path("d/a")).unwrap();
        assert!(
            vfs.create(path("d/a")).map(|_| ()).unwrap_err().source.kind()
                == ErrorKind::AlreadyExists
        );
        assert!(vfs.open(path("d/b"), Access::Read).map(|_| ()).unwrap_err().is_not_found());
        vfs.rename(path("d/a"), path("d/c")).unwrap();
        assert_eq!(names(&*vfs, "d"), ["c"]);
        assert!(vfs.stat(path("d")).unwrap().unwrap().is_dir);
        assert_eq!(vfs.stat(path("d/c")).unwrap().unwrap().len, 0);
        assert_eq!(vfs.stat(path("d/a")).unwrap(), None);
        vfs.sync_dir(path("d")).unwrap();
        vfs.sync_dir(path("")).unwrap();
        assert!(vfs.unlink(path("d/c")).unwrap());
        assert!(!vfs.unlink(path("d/c")).unwrap());
        vfs.create(path("d/e")).unwrap();
        vfs.remove_tree(path("d")).unwrap();
        vfs.remove_tree(path("d")).unwrap();
        assert!(vfs.list(path("d")).unwrap_err().is_not_found());
        assert_eq!(names(&*vfs, ""), Vec::<OsString>::new());
    });
}

#[test]
fn an_unnamed_file_is_nowhere_until_published() {
    on_each(|vfs| {
        vfs.create_dir(path("d")).unwrap();
        let file = vfs.create_unnamed(path("d")).unwrap();
        file.file().write_at(b"content", 0).unwrap();
        assert_eq!(names(&*vfs, "d"), Vec::<OsString>::new());
        file.publish(path("d/a")).unwrap();
        assert_eq!(names(&*vfs, "d"), ["a"]);
        assert_eq!(read_whole(&*vfs, path("d/a"), 99).unwrap().unwrap(), b"content");
        drop(vfs.create_unnamed(path("d")).unwrap());
        let second = vfs.create_unnamed(path("d")).unwrap();
        assert!(second.publish(path("d/a")).unwrap_err().source.kind() == ErrorKind::AlreadyExists);
        assert_eq!(names(&*vfs, "d"), ["a"]);
        assert!(
            vfs.create_unnamed(path("e")).map(|_| ()).is_err()
                || vfs.stat(path("tmp")).unwrap().is_some()
        );
        vfs.clear_unnamed().unwrap();
        assert_eq!(names(&*vfs, ""), ["d"]);
    });
}

#[test]
fn an_unlinked_file_reads_on() {
    on_each(|vfs| {
        vfs.create(path("a")).unwrap().write_at(b"still here", 0).unwrap();
        let file = vfs.open(path("a"), Access::Read).unwrap();
        vfs.unlink(path("a")).unwrap();
        let mut buf = [0; 10];
        file.read_exact_at(&mut buf, 0).unwrap();
        assert_eq!(&buf, b"still here");
    });
}

#[test]
fn small_files_are_replaced_whole() {
    on_each(|vfs| {
        assert_eq!(read_whole(&*vfs, path("a"), 9).unwrap(), None);
        for content in [&b"first"[..], b"", b"third"] {
            replace_file(&*vfs, path("a"), content).unwrap();
            assert_eq!(read_whole(&*vfs, path("a"), 9).unwrap().unwrap(), content);
        }
        vfs.create(path("a.tmp")).unwrap();
        replace_file(&*vfs, path("a"), b"over a leftover").unwrap();
        assert_eq!(names(&*vfs, ""), ["a"]);
    });
}

#[test]
fn a_lock_is_had_once() {
    on_each(|vfs| {
        let lock = vfs.lock(path("LOCK"), "pid 1").unwrap();
        match vfs.lock(path("LOCK"), "pid 2").map(|_| ()) {
            Err(LockError::Held { by }) => assert_eq!(by, "pid 1"),
            other => panic!("{other:?}"),
        }
        drop(lock);
        drop(vfs.lock(path("LOCK"), "pid 3").unwrap());
    });
}

#[test]
fn the_machine_is_known() {
    let dir = tempfile::tempdir().unwrap();
    let vfs = RealVfs::open(dir.path()).unwrap();
    assert_eq!(vfs.boot_id().unwrap().len(), 36);
    let space = vfs.space().unwrap();
    assert!(space.free_bytes <= space.total_bytes && space.total_bytes > 0);
    assert!(!matches!(vfs.kind().unwrap(), FsKind::Network(_)));
    assert!(vfs.describe(path("a/b")).ends_with("/a/b"));
    let file = RealVfs::open(dir.path()).unwrap().create(path("a")).unwrap();
    assert!(file.describe().ends_with("/a"));
    let error = vfs.open(path("b"), Access::Read).map(|_| ()).unwrap_err();
    assert!(error.to_string().starts_with("open /"), "{error}");
}
