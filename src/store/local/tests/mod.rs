//! The store from outside: conformance, restarts, crashes, damage.

#![allow(clippy::disallowed_methods, reason = "tests prepare files of their own")]

mod compact;
mod crash;
mod damage;
mod dropped;
mod encryption;
mod every_call;
mod faults;
mod harness;
mod ledger;
mod loss;
mod operations;
mod original;
mod quota;
mod removal;
mod restart;
mod room;
mod rotation;
mod settings;
mod usage;

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use super::{LocalOptions, LocalStore};
use crate::object::{EncryptionDefaults, MasterKeys};
use crate::store::Home;
use crate::store::conformance::{self, Subject};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn conforms() {
    conformance::all(subject).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keeps_settings() {
    conformance::settings::all(subject).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keeps_acls() {
    conformance::acls::all(subject).await;
}

async fn subject() -> Subject {
    let dir = tempfile::tempdir().unwrap();
    let clock = Subject::clock();
    let options = LocalOptions { segment_size: 1 << 20, ..LocalOptions::default() };
    let store = LocalStore::open(dir.path(), options, clock.clone()).unwrap();
    store.ready().await.unwrap();
    Subject::new(Arc::new(store), clock).keeping(dir)
}

/// What every store does, it does as well where everything is encrypted.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn conforms_where_everything_is_encrypted() {
    for pack_limit in [0, 128 << 10] {
        conformance::all(|| async {
            let dir = tempfile::tempdir().unwrap();
            let clock = Subject::clock();
            let options = LocalOptions { pack_limit, ..LocalOptions::default() };
            let store = LocalStore::open(dir.path(), options, clock.clone()).unwrap();
            let defaults = EncryptionDefaults { everywhere: true, ..EncryptionDefaults::default() };
            store.set_encryption(MasterKeys::default(), defaults, false).unwrap();
            store.ready().await.unwrap();
            Subject::new(Arc::new(store), clock).keeping(dir)
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn encrypts() {
    conformance::encryption::all(|| async {
        let dir = tempfile::tempdir().unwrap();
        let clock = Subject::clock();
        let store = LocalStore::open(dir.path(), LocalOptions::default(), clock.clone()).unwrap();
        store.ready().await.unwrap();
        Subject::new(Arc::new(store), clock).keeping(dir)
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keeps_a_ledger() {
    let dir = tempfile::tempdir().unwrap();
    let made = AtomicU32::new(0);
    conformance::ledger::all(|| async {
        let place = dir.path().join(made.fetch_add(1, Ordering::Relaxed).to_string());
        let store = LocalStore::open(&place, LocalOptions::default(), Subject::clock()).unwrap();
        store.ready().await.unwrap();
        Arc::new(store) as Arc<dyn Home>
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn holds_bodies() {
    let dir = tempfile::tempdir().unwrap();
    let store = LocalStore::open(dir.path(), LocalOptions::default(), Subject::clock()).unwrap();
    store.ready().await.unwrap();
    conformance::holding::all(&store).await;
}
