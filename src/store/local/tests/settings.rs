//! Settings of buckets through crashes, while the index is made anew, and from stores of before
//! checkpoints knew them.

use bytes::Bytes;

use super::harness::{KEYS, Machine, Operation, bucket, owner};
use crate::object::{BucketSetting, SettingDocument};
use crate::store::conformance::content;
use crate::store::local::LocalStore;
use crate::store::local::core::Phase;
use crate::store::local::format::checkpoint::Checkpoint;
use crate::store::local::keeper::read_checkpoints;
use crate::store::{Buckets, Result, StoreError};

/// The setting that stands for a key of the model; none for some.
pub(super) fn setting(key: u64) -> Option<BucketSetting> {
    BucketSetting::ALL.get(usize::try_from(key).unwrap()).copied()
}

pub(super) fn document(bytes: &Bytes) -> SettingDocument {
    SettingDocument::new(bytes.clone()).unwrap()
}

pub(super) async fn set(store: &LocalStore, key: u64, value: Option<&Bytes>) -> Result<()> {
    let Some(setting) = setting(key) else { return Ok(()) };
    store.set_bucket_setting(&bucket(), setting, value.map(document)).await
}

async fn read(store: &LocalStore, key: u64) -> Option<Bytes> {
    let document = store.bucket_setting(&bucket(), setting(key)?).await.unwrap();
    document.map(|document| document.bytes().clone())
}

impl Machine {
    /// Every setting is one that may be there.
    pub(super) async fn verify_settings(&mut self, store: &LocalStore) {
        for key in (0..KEYS).filter(|key| setting(*key).is_some()) {
            let value = read(store, key).await;
            let may = self.settings.entry(key).or_insert_with(|| vec![None]);
            assert!(may.contains(&value), "setting {key} is none that it may be");
            *may = vec![value];
        }
    }
}

/// Twice over each of some settings, the second time with a few removed.
async fn fill(machine: &mut Machine, store: &LocalStore) {
    for round in 0..2_u64 {
        for key in 0..5 {
            let value = (round == 0 || key > 1).then(|| content(key + 10 * round, 3000));
            let fine = machine.run(store, vec![Operation::Set(key, value)]).await;
            assert!(fine);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn are_known_before_the_index_is() {
    let mut machine = Machine::new(1).without_checkpoints();
    let store = machine.open().await.unwrap();
    fill(&mut machine, &store).await;
    crate::store::local::keeper::write_checkpoint(&store.core).unwrap();
    // Behind the checkpoint as well.
    let behind = vec![Operation::Set(2, None), Operation::Set(3, Some(content(77, 10)))];
    assert!(machine.run(&store, behind).await);
    drop(store);
    machine.crash();
    let store = machine.try_open().await.unwrap();
    // As if it were still at it.
    store.core.phase.send_replace(Phase::Rebuilding { done: 0, total: 1 });
    machine.verify_settings(&store).await;
    store.core.phase.send_replace(Phase::Opening);
    let opening = store.bucket_setting(&bucket(), BucketSetting::Cors).await;
    assert!(matches!(opening, Err(StoreError::Rebuilding)));
    store.core.phase.send_replace(Phase::Ready);
    machine.verify_settings(&store).await;
    drop(store);
    machine.kill();
    machine.check();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn are_found_behind_a_checkpoint_that_does_not_know_them() {
    let mut machine = Machine::new(2).without_checkpoints();
    let store = machine.open().await.unwrap();
    fill(&mut machine, &store).await;
    crate::store::local::keeper::write_checkpoint(&store.core).unwrap();
    let vfs = &*store.core.vfs;
    for name in ["CHECKPOINT.a", "CHECKPOINT.b"] {
        let (_, newest) = read_checkpoints(vfs).unwrap().unwrap();
        assert!(newest.settings.as_ref().is_some_and(|settings| settings.len() == 3));
        let old = Checkpoint { settings: None, ..newest };
        let path = std::path::Path::new(name);
        if vfs.unlink(path).unwrap() {
            crate::store::local::vfs::replace_file(vfs, path, &old.encode()).unwrap();
        }
        if read_checkpoints(vfs).unwrap().unwrap().1.settings.is_none() {
            break;
        }
    }
    drop(store);
    machine.crash();
    let store = machine.try_open().await.unwrap();
    machine.verify_settings(&store).await;
    // Written again with the settings in it.
    let (_, newest) = read_checkpoints(&*store.core.vfs).unwrap().unwrap();
    assert!(newest.settings.is_some_and(|settings| settings.len() == 3));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_a_bucket_that_is_gone_are_in_no_checkpoint() {
    let machine = Machine::new(3).without_checkpoints();
    let store = machine.open().await.unwrap();
    let text = Some(document(&content(1, 100)));
    store.set_bucket_setting(&bucket(), BucketSetting::Website, text).await.unwrap();
    assert_eq!(store.core.settings.rows().unwrap().len(), 1);
    store.delete_bucket(&bucket()).await.unwrap();
    assert_eq!(store.core.settings.rows().unwrap(), []);
    assert_eq!(store.core.catalog().unwrap().settings().unwrap(), []);
    store.create_bucket(&bucket(), &owner()).await.unwrap();
    assert_eq!(store.bucket_setting(&bucket(), BucketSetting::Website).await.unwrap(), None);
}
