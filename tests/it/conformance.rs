//! The store on disk passes what every store passes, whatever it packs into its log.

use std::sync::Arc;

use stowgate::store::conformance::{self, Subject};
use stowgate::store::local::{LocalOptions, LocalStore};

async fn subject(options: LocalOptions) -> Subject {
    let dir = tempfile::tempdir().unwrap();
    let clock = Subject::clock();
    let store = LocalStore::open(dir.path(), options, clock.clone()).unwrap();
    store.ready().await.unwrap();
    Subject::new(Arc::new(store), clock).keeping(dir)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_the_settings_of_production() {
    conformance::all(|| subject(LocalOptions::default())).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_nothing_packed_and_everything_checkpointed() {
    let options = LocalOptions {
        pack_limit: 0,
        segment_size: 64 << 10,
        checkpoint_records: 5,
        reserve: 0,
        free_space_watermark: 0,
        ..LocalOptions::default()
    };
    conformance::all(|| subject(options)).await;
}
