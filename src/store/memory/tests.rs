//! The reference model passes what every store passes.

use std::sync::Arc;

use super::MemoryStore;
use crate::store::Home;
use crate::store::conformance::{self, Subject};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn conforms() {
    conformance::all(|| async {
        let clock = Subject::clock();
        Subject::new(Arc::new(MemoryStore::new(clock.clone())), clock)
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keeps_settings() {
    conformance::settings::all(|| async {
        let clock = Subject::clock();
        Subject::new(Arc::new(MemoryStore::new(clock.clone())), clock)
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keeps_acls() {
    conformance::acls::all(|| async {
        let clock = Subject::clock();
        Subject::new(Arc::new(MemoryStore::new(clock.clone())), clock)
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keeps_a_ledger() {
    conformance::ledger::all(|| async {
        Arc::new(MemoryStore::new(Subject::clock())) as Arc<dyn Home>
    })
    .await;
}
