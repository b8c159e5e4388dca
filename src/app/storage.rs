//! The local store under the gateway: how it is opened and closed.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::disk::LocalDisk;
use crate::admin::Disk;
use crate::config::{self, AtRest, Config};
use crate::object::Clock;
use crate::placement::Location;
use crate::store::local::{KeyringError, LocalOptions, LocalStore, OpenError, Phase};
use crate::store::{ClaimReader, Home};

/// How long a start waits for another process to let go of the store: a command that reads it, or a
/// gateway that is nearly at its end.
const LOCKED_PATIENCE: Duration = Duration::from_secs(5);
/// How often it tries meanwhile.
const LOCKED_RETRY: Duration = Duration::from_millis(50);

/// An open store.
pub(super) struct Storage(Arc<LocalStore>);

impl Storage {
    /// Opens the store that `config` describes. It answers from then on, though it may still be
    /// rebuilding its index.
    pub(super) async fn open(config: &Config, clock: Arc<dyn Clock>) -> Result<Self, String> {
        let store = opened(config, clock).await?;
        match store.phase() {
            Phase::Failed(reason) => Err(reason),
            Phase::Opening | Phase::Rebuilding { .. } | Phase::Ready => Ok(Self(Arc::new(store))),
        }
    }

    /// The store itself, for what only this kind of store does.
    pub(super) fn store(&self) -> Arc<LocalStore> {
        Arc::clone(&self.0)
    }

    /// The store and its records.
    pub(super) fn home(&self) -> Arc<dyn Home> {
        Arc::clone(&self.0) as _
    }

    /// The disk under it, which is at `dir`; `buckets_made` says that all configured buckets exist.
    pub(super) fn disk(&self, dir: &Path, buckets_made: Arc<AtomicBool>) -> Arc<dyn Disk> {
        Arc::new(LocalDisk { store: Arc::clone(&self.0), dir: dir.to_owned(), buckets_made })
    }

    /// How many bytes of objects there is room for: on the disk, where so much stays free, and within
    /// the quota.
    pub(super) fn room(
        &self,
        dir: &Path,
        spare: u64,
    ) -> Arc<dyn Fn() -> Option<u64> + Send + Sync> {
        let (store, disk) = (Arc::clone(&self.0), self.disk(dir, Arc::default()));
        Arc::new(move || {
            let on_disk = disk.space().map(|space| space.free.saturating_sub(spare));
            on_disk.into_iter().chain(store.quota_left()).min()
        })
    }

    /// Done where the store turns out not to be usable; says why. Else this never ends.
    pub(super) fn failed(&self) -> impl Future<Output = String> + use<> {
        let store = Arc::clone(&self.0);
        async move {
            if let Err(error) = store.ready().await {
                return error.to_string();
            }
            tracing::info!("the store is ready");
            drop(store);
            std::future::pending().await
        }
    }

    /// Brings everything to the disk that is not there yet, so that the next start is quick.
    pub(super) async fn close(self) {
        let store = self.0;
        match tokio::task::spawn_blocking(move || store.close()).await {
            Ok(Ok(())) => tracing::info!("the store is closed"),
            Ok(Err(error)) => tracing::error!(%error, "the store could not be closed cleanly"),
            Err(error) => tracing::error!(%error, "closing the store panicked"),
        }
    }
}

/// The store of `config`, for which another process may make it wait a while.
async fn opened(config: &Config, clock: Arc<dyn Clock>) -> Result<LocalStore, String> {
    let began = Instant::now();
    let mut told = false;
    loop {
        let (dir, options) = (config.data_dir.clone(), store_options(&config.store));
        let (templates, at_rest) = (config.usage.templates.clone(), config.at_rest.clone());
        let clock = Arc::clone(&clock);
        let opening = move || {
            let store = LocalStore::open_counting(&dir, options, templates, clock)?;
            Ok(set_encryption(&store, &at_rest).map(|()| store))
        };
        let opened = tokio::task::spawn_blocking(opening).await;
        match opened.map_err(|panic| panic.to_string())? {
            Err(OpenError::Locked { path, by }) if began.elapsed() < LOCKED_PATIENCE => {
                if !told {
                    tracing::warn!(path, by, "another process has the store open; waiting for it");
                    told = true;
                }
                sleep(LOCKED_RETRY).await;
            }
            Err(error) => return Err(error.to_string()),
            Ok(encrypting) => return encrypting.map_err(|error| error.to_string()),
        }
    }
}

/// Hands master keys and defaults over.
pub(super) fn set_encryption(store: &LocalStore, at_rest: &AtRest) -> Result<(), KeyringError> {
    let AtRest { keys, defaults, allow_missing_keys } = at_rest.clone();
    store.set_encryption(keys, defaults, allow_missing_keys)
}

/// What the store's section of the configuration means to it.
pub(crate) fn store_options(store: &config::Store) -> LocalOptions {
    LocalOptions {
        pack_limit: store.pack_limit,
        segment_size: store.segment_size,
        cache_bytes: store.cache_size,
        checkpoint_interval: store.checkpoint_interval,
        free_space_watermark: store.min_free,
        quota: store.quota,
        allow_network: store.allow_network,
        claims: ClaimReader(Location::claim),
        ..LocalOptions::default()
    }
}
