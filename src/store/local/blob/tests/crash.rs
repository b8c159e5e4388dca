//! A blob is there whole, or it was never acknowledged.

use super::super::{BLOCK, BlobId, Blobs, ExtentError};
use super::{ID, data, footer};
use crate::store::StoreError;
use crate::store::local::vfs;
use crate::store::local::vfs::sim::{Fault, Op, Sim};

fn put(blobs: &Blobs, id: BlobId, len: usize) -> vfs::Result<()> {
    let mut writer = blobs.create(id, Some(len as u64))?;
    writer.write(&data(len))?;
    let published = writer.finish(&footer())?;
    blobs.sync_dirs([published.dir])
}

fn is_missing(blobs: &Blobs, id: BlobId) -> bool {
    matches!(blobs.read(id).map(|_| ()), Err(ExtentError::Missing { .. }))
}

#[test]
fn wherever_the_machine_stops_an_acknowledged_blob_is_whole_and_others_are_whole_or_absent() {
    const LEN: usize = BLOCK + 5000;
    for seed in 0..16 {
        for stop in 0.. {
            let sim = Sim::new();
            sim.stop_at(stop);
            let acknowledged = Blobs::open(sim.vfs()).and_then(|blobs| {
                put(&blobs, ID, LEN)?;
                Ok(blobs)
            });
            let second = acknowledged.as_ref().is_ok_and(|blobs| put(blobs, BlobId(5), 10).is_ok());
            sim.crash(seed);
            let blobs = Blobs::open(sim.vfs()).unwrap();
            for (id, acknowledged) in [(ID, acknowledged.is_ok()), (BlobId(5), second)] {
                match blobs.read(id) {
                    Ok(reader) => assert_eq!(reader.verify().unwrap(), footer()),
                    Err(_) => assert!(!acknowledged && is_missing(&blobs, id)),
                }
            }
            put(&blobs, BlobId(6), LEN).unwrap();
            if second {
                break;
            }
        }
    }
}

#[test]
fn an_error_at_any_step_publishes_nothing() {
    let ops = [Op::Create, Op::Allocate, Op::Write, Op::Sync, Op::Link, Op::SyncDir];
    for op in ops {
        for nth in 0..3 {
            let sim = Sim::new();
            let blobs = Blobs::open(sim.vfs()).unwrap();
            sim.fail(op, nth, Fault::Eio);
            match put(&blobs, ID, 1000) {
                Ok(()) => assert_eq!(blobs.read(ID).unwrap().verify().unwrap(), footer()),
                Err(error) => {
                    assert!(matches!(StoreError::from(error), StoreError::Io { .. }));
                    assert!(is_missing(&blobs, ID) || op == Op::SyncDir);
                }
            }
        }
    }
}

#[test]
fn a_full_disk_is_met_before_the_body_where_its_length_is_known() {
    let sim = Sim::new();
    let blobs = Blobs::open(sim.vfs()).unwrap();
    sim.set_capacity(Some(200_000));
    let error = blobs.create(ID, Some(300_000)).map(|_| ()).unwrap_err();
    assert!(matches!(StoreError::from(error), StoreError::StorageFull));
    let mut writer = blobs.create(ID, None).unwrap();
    writer.write(&data(150_000)).unwrap();
    assert!(writer.write(&data(150_000)).unwrap_err().is_full());
    drop(writer);
    put(&blobs, ID, 150_000).unwrap();
    assert!(sim.vfs().space().unwrap().free_bytes < 50_000);
}
