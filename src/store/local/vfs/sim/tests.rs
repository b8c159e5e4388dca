//! The simulator must be able to lose what a test relies on losing.

use std::path::Path;

use super::{Fault, Op, Sim};
use crate::store::local::vfs::{Access, Vfs, replace_file};

const SEEDS: std::ops::Range<u64> = 0..64;

fn path(text: &str) -> &Path {
    Path::new(text)
}

/// A machine with a durable directory `d`, on which `act` was done before it crashed.
fn crashed(seed: u64, act: impl FnOnce(&Sim, &dyn Vfs)) -> Sim {
    let sim = Sim::new();
    let vfs = sim.vfs();
    vfs.create_dir(path("d")).unwrap();
    vfs.sync_dir(path("")).unwrap();
    act(&sim, &*vfs);
    sim.crash(seed);
    sim
}

#[test]
fn what_is_synced_survives_every_crash() {
    for seed in SEEDS {
        let sim = crashed(seed, |_, vfs| {
            let file = vfs.create(path("d/a")).unwrap();
            file.write_at(&[7; 10_000], 0).unwrap();
            file.sync_data().unwrap();
            vfs.sync_dir(path("d")).unwrap();
            file.write_at(&[8; 100], 20_000).unwrap();
        });
        let content = sim.content(path("d/a")).unwrap();
        assert_eq!(content[..10_000], [7; 10_000]);
        assert!(content.len() <= 20_100);
    }
}

#[test]
fn names_without_a_directory_sync_are_sometimes_lost() {
    let survives = |seed| {
        let sim = crashed(seed, |_, vfs| {
            let file = vfs.create(path("d/a")).unwrap();
            file.sync_data().unwrap();
        });
        sim.content(path("d/a")).is_some()
    };
    assert!(SEEDS.into_iter().any(survives));
    assert!(!SEEDS.into_iter().all(survives));
}

#[test]
fn content_without_a_sync_is_whole_torn_or_lost() {
    let mut seen = std::collections::BTreeSet::new();
    for seed in SEEDS {
        let sim = crashed(seed, |_, vfs| {
            let file = vfs.create(path("d/a")).unwrap();
            file.write_at(&[1; 4096], 0).unwrap();
            file.sync_data().unwrap();
            vfs.sync_dir(path("d")).unwrap();
            file.write_at(&[2; 4096], 0).unwrap();
        });
        let content = sim.content(path("d/a")).unwrap();
        assert_eq!(content.len(), 4096);
        let mut kinds = content.chunks(512).map(|sector| {
            assert!(sector.iter().all(|byte| *byte == sector[0]), "a sector is never torn");
            sector[0]
        });
        let first = kinds.next().unwrap();
        seen.insert(if kinds.any(|kind| kind != first) { 0 } else { first });
    }
    assert_eq!(seen.into_iter().collect::<Vec<_>>(), [0, 1, 2]);
}

#[test]
fn a_rename_is_there_or_not_and_never_half() {
    let mut seen = std::collections::BTreeSet::new();
    for seed in SEEDS {
        let sim = crashed(seed, |_, vfs| {
            replace_file(vfs, path("d/a"), b"old").unwrap();
            let file = vfs.create(path("d/b")).unwrap();
            file.write_at(b"new", 0).unwrap();
            file.sync_data().unwrap();
            vfs.sync_dir(path("d")).unwrap();
            vfs.rename(path("d/b"), path("d/a")).unwrap();
        });
        let found = (sim.content(path("d/a")).unwrap(), sim.content(path("d/b")));
        let renamed = found == (b"new".to_vec(), None);
        assert!(renamed || found == (b"old".to_vec(), Some(b"new".to_vec())));
        seen.insert(renamed);
    }
    assert_eq!(seen.len(), 2);
}

#[test]
fn replacing_a_file_leaves_the_old_or_the_new_wherever_it_stops() {
    for seed in SEEDS {
        for stop in 0.. {
            let mut done = false;
            let sim = crashed(seed, |sim, vfs| {
                replace_file(vfs, path("d/a"), b"old").unwrap();
                sim.stop_at(sim.calls() + stop);
                done = replace_file(vfs, path("d/a"), b"new").is_ok();
            });
            let content = sim.content(path("d/a")).unwrap();
            assert!(content == b"new" || (content == b"old" && !done));
            if done {
                break;
            }
        }
    }
}

#[test]
fn an_unnamed_file_appears_whole_or_not_at_all() {
    let mut seen = std::collections::BTreeSet::new();
    for seed in SEEDS {
        let sim = crashed(seed, |_, vfs| {
            let file = vfs.create_unnamed(path("d")).unwrap();
            file.file().write_at(&[3; 9000], 0).unwrap();
            file.publish(path("d/a")).unwrap();
        });
        let content = sim.content(path("d/a"));
        assert!(content.is_none() || content == Some(vec![3; 9000]));
        seen.insert(content.is_some());
    }
    assert_eq!(seen.len(), 2);
}

#[test]
fn a_failed_sync_lies_until_the_cache_is_dropped() {
    let mut lost = 0;
    for seed in SEEDS {
        let sim = Sim::new();
        sim.crash(seed);
        let vfs = sim.vfs();
        let file = vfs.create(path("a")).unwrap();
        file.set_len(4096).unwrap();
        file.sync_data().unwrap();
        file.write_at(&[9; 4096], 0).unwrap();
        sim.fail(Op::Sync, 0, Fault::Eio);
        file.sync_data().unwrap_err();
        file.sync_data().unwrap();
        assert_eq!(sim.content(path("a")).unwrap(), [9; 4096]);
        file.drop_cached(0, 4096).unwrap();
        lost += u32::from(sim.content(path("a")).unwrap() != [9; 4096]);
    }
    assert!(lost > 0);
}

#[test]
fn faults_come_when_planned() {
    let sim = Sim::new();
    let vfs = sim.vfs();
    let file = vfs.create(path("a")).unwrap();
    sim.fail(Op::Write, 1, Fault::Eio);
    sim.fail(Op::Write, 2, Fault::Full);
    sim.fail(Op::Write, 3, Fault::Short);
    file.write_at(b"0123", 0).unwrap();
    assert_eq!(file.write_at(b"x", 0).unwrap_err().source.raw_os_error(), Some(5));
    assert!(file.write_at(b"x", 0).unwrap_err().is_full());
    file.write_at(b"456789", 4).unwrap_err();
    let content = sim.content(path("a")).unwrap();
    assert!(b"012345678".starts_with(&content[..]) && content.len() >= 4);
    file.write_at(b"x", 0).unwrap();
}

#[test]
fn a_full_disk_takes_no_more_until_something_is_removed() {
    let sim = Sim::new();
    let vfs = sim.vfs();
    sim.set_capacity(Some(10_000));
    let file = vfs.create(path("a")).unwrap();
    file.write_at(&[1; 8000], 0).unwrap();
    let second = vfs.create(path("b")).unwrap();
    assert!(second.write_at(&[1; 8000], 0).unwrap_err().is_full());
    assert!(second.allocate(0, 8000, super::super::Allocation::KeepLength).unwrap_err().is_full());
    file.write_at(&[2; 8000], 0).unwrap();
    vfs.unlink(path("a")).unwrap();
    assert!(second.write_at(&[1; 8000], 0).unwrap_err().is_full(), "it is still open");
    drop(file);
    second.write_at(&[1; 8000], 0).unwrap();
    assert_eq!(vfs.space().unwrap().free_bytes, 2000);
}

#[test]
fn a_stopped_machine_does_nothing_and_a_dead_process_never_comes_back() {
    let sim = Sim::new();
    let vfs = sim.vfs();
    let file = vfs.create(path("a")).unwrap();
    sim.stop_at(sim.calls() + 1);
    file.write_at(b"1", 0).unwrap();
    assert!(!sim.is_stopped());
    file.write_at(b"2", 0).unwrap_err();
    assert!(sim.is_stopped());
    vfs.create(path("b")).map(|_| ()).unwrap_err();
    sim.kill();
    assert_eq!(sim.content(path("a")).unwrap(), b"1");
    assert_eq!(sim.files(), [path("a")]);
    file.write_at(b"3", 0).unwrap_err();
    vfs.open(path("a"), Access::Read).map(|_| ()).unwrap_err();
    let vfs = sim.vfs();
    vfs.open(path("a"), Access::Read).unwrap();
    assert_eq!(vfs.boot_id().unwrap(), "boot-0");
    sim.crash(1);
    assert_eq!(sim.vfs().boot_id().unwrap(), "boot-1");
}

#[test]
fn the_same_seed_leaves_the_same() {
    let left = |seed| {
        let sim = crashed(seed, |_, vfs| {
            for name in ["d/a", "d/b", "d/c"] {
                let file = vfs.create(path(name)).unwrap();
                file.write_at(name.repeat(3000).as_bytes(), 0).unwrap();
            }
        });
        let files = sim.files();
        files.into_iter().map(|file| (sim.content(&file), file)).collect::<Vec<_>>()
    };
    for seed in SEEDS {
        assert_eq!(left(seed), left(seed));
    }
}
