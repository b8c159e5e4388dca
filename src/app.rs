//! From a configuration to a running gateway: the only place that knows everyone.
//!
//! The port is bound and answered first, then the store is opened, however long that takes.
//! Stopping goes the other way: connections are drained, then what waits to be forwarded, then
//! workers, then the store is closed; all of it within 20 s.

mod absent;
mod buckets;
mod compaction;
mod disk;
mod expiry;
mod gateway;
mod key_fetcher;
mod layers;
mod lifecycle;
mod rotation;
mod rules;
mod session_secret;
mod side;
mod storage;
mod trials;
mod upstreams;

use std::net::SocketAddr;
use std::sync::{Arc, OnceLock, Weak};
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::{OptionFuture, join};
use sha2::{Digest as _, Sha256};
use tokio::time::Instant;

use crate::admin::{Admin, Cleanups, Counting, Jobs, Links, Metrics, Prices, Rule, Surveys, Views};
use crate::auth::{AuthSettings, Authenticator, Keyring};
use crate::background::{Next, Supervisor, Worker as _};
use crate::config::{self, Config, ConfigError};
use crate::migrate;
use crate::object::{Clock, SystemClock};
use crate::s3::{self, TokenKey};
use crate::server::{Server, Settings, TlsConfig, TlsSwitch};
use crate::store::local::LocalStore;

use buckets::ConfiguredBuckets;
use compaction::LogCompaction;
use expiry::UploadExpiry;
use gateway::Gateway;
use key_fetcher::KeyFetcher;
use layers::Layers;
use lifecycle::LifecycleWorker;
use rotation::KeyRotation;
use side::Side;
pub(crate) use storage::store_options;
use storage::{Storage, set_encryption};
use upstreams::Upstreams;

/// Where the journals of clean-ups are in the data directory.
const CLEANUPS: &str = "cleanups";
/// For how long after having been told to stop something may be forwarded.
const FORWARDING: Duration = Duration::from_secs(14);
/// How long workers may finish what they are at after that.
const WORKER_DRAIN: Duration = Duration::from_secs(3);

/// Why the gateway does not run.
#[derive(Debug, thiserror::Error)]
pub enum AppError {
    /// The configuration is wrong.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The address can't be listened on.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// The system's own words.
        source: std::io::Error,
    },
    /// The store can't be opened.
    #[error("the store cannot be opened: {0}")]
    Store(String),
}

/// A gateway that is bound to its address.
pub struct App {
    config: Config,
    upstreams: Upstreams,
    server: Server,
    /// Where the side API is served, if not beside S3.
    side: Option<Server>,
    gateway: Arc<Gateway>,
    control: Control,
}

/// What can be changed while the gateway runs.
#[derive(Clone)]
pub struct Control {
    auth: Arc<Authenticator>,
    admin: Arc<Admin>,
    metrics: Arc<Metrics>,
    tls: Vec<TlsSwitch>,
    address: SocketAddr,
    /// Whether the server believes proxies, which only a restart changes.
    behind_proxies: bool,
    /// The store, once it is open.
    store: Arc<OnceLock<Weak<LocalStore>>>,
}

impl App {
    /// Checks what the configuration names and binds the addresses. Opens nothing yet.
    pub async fn bind(config: Config) -> Result<Self, AppError> {
        let tls = config.tls.as_ref().map(tls).transpose()?;
        let upstreams = Upstreams::connect(&config, &clock()).await?;
        let server = bound(config.listen, &config.server, tls.clone()).await?;
        let side = match config.admin_listen {
            Some(address) => Some(bound(address, &config.server, tls).await?),
            None => None,
        };
        let auth = Arc::new(authenticator(&config));
        // Below all of them paths are objects' keys.
        let domains = [&config.server.base_domains, &config.website.domains];
        let domains = domains.into_iter().flatten().cloned().collect();
        let admin = Arc::new(Admin::new(domains, rule(&config), Arc::clone(&auth)));
        let metrics = Arc::new(Metrics::default());
        let gateway = Gateway::new(&config, &admin, Arc::clone(&metrics));
        let gateway = Arc::new(gateway);
        let tls = [Some(&server), side.as_ref()].into_iter().flatten().map(Server::tls).collect();
        let address = server.address();
        let behind_proxies = !config.server.trusted_proxies.is_empty();
        let store = Arc::default();
        let control = Control { auth, admin, metrics, tls, address, behind_proxies, store };
        Ok(Self { config, upstreams, server, side, gateway, control })
    }

    /// The address that it is bound to.
    pub fn address(&self) -> SocketAddr {
        self.server.address()
    }

    /// Where it serves the side API, if not beside S3.
    pub fn side_address(&self) -> Option<SocketAddr> {
        self.side.as_ref().map(Server::address)
    }

    /// What changes it while it runs.
    pub fn control(&self) -> Control {
        self.control.clone()
    }

    /// Serves, opens the store, calls `announce`, and goes on until `drain` is done; `abort` cuts
    /// short what then still goes on.
    pub async fn run(
        self,
        announce: impl FnOnce(),
        drain: impl Future<Output = ()>,
        abort: impl Future<Output = ()>,
    ) -> Result<(), AppError> {
        let Self { config, upstreams, server, side, gateway, control } = self;
        let opened = open(&config, upstreams, &gateway, &control);
        let (drain, abort) = (drain.shared(), abort.shared());
        let serving = server.serve(Arc::clone(&gateway) as _, drain.clone(), abort.clone());
        let beside = Side::new(Arc::clone(&control.admin), Arc::clone(&control.metrics));
        let beside = side.map(|side| side.serve(Arc::new(beside), drain.clone(), abort.clone()));
        let serving = join(serving, OptionFuture::from(beside)).map(|_| ());
        tokio::pin!(opened, serving);
        let Running { storage, layers, workers } = tokio::select! {
            running = &mut opened => running?,
            // Told to stop before the store was open.
            () = &mut serving => return Ok(()),
        };
        announce();
        let stopping = async {
            let told = async {
                drain.await;
                Instant::now()
            };
            let (told, ()) = join(told, serving).await;
            let rest = FORWARDING.saturating_sub(told.elapsed());
            tokio::select! {
                () = layers.drain(rest) => {}
                () = abort => {}
            }
            workers.drain(WORKER_DRAIN).await;
        };
        let result = tokio::select! {
            reason = storage.failed() => Err(AppError::Store(reason)),
            () = stopping => Ok(()),
        };
        storage.close().await;
        result
    }
}

impl Control {
    /// Takes over access keys, roles, identity providers, master keys and certificate, all or nothing. Whatever else changed needs a restart.
    pub fn reload(&self, config: &Config) -> Result<(), ConfigError> {
        let reloaded = self.take_over(config);
        self.metrics.reload(reloaded.is_ok(), clock().now());
        reloaded
    }

    /// From here on reloading changes the keys of this store.
    fn encrypts(&self, store: &Arc<LocalStore>) {
        // It is opened once.
        let _ = self.store.set(Arc::downgrade(store));
    }

    /// A configuration could not even be read.
    pub fn not_reloaded(&self) {
        self.metrics.reload(false, clock().now());
    }

    fn take_over(&self, config: &Config) -> Result<(), ConfigError> {
        let tls = config.tls.as_ref().map(tls).transpose()?;
        if config.keys.any_public() && !self.address.ip().is_loopback() {
            return Err(ConfigError::new(
                "[[key]]",
                format!("the built-in secret is not for {}, which others reach", self.address),
            ));
        }
        if let Some(store) = self.store.get().and_then(Weak::upgrade) {
            set_encryption(&store, &config.at_rest)
                .map_err(|error| ConfigError::new("[encryption]", error.to_string()))?;
        }
        let config::Sessions { seals, sts } = config.sessions.clone();
        self.auth.replace(config.keys.ring.clone(), sts, seals);
        let rule = rule(config);
        let behind_proxies = rule.behind_proxies || self.behind_proxies;
        self.admin.replace_rule(Rule { behind_proxies, ..rule });
        if let Some(tls) = tls {
            self.tls.iter().for_each(|switch| switch.replace(tls.clone()));
        }
        Ok(())
    }
}

/// What goes on beside the server.
struct Running {
    storage: Storage,
    layers: Layers,
    workers: Supervisor,
}

async fn open(
    config: &Config,
    upstreams: Upstreams,
    gateway: &Gateway,
    control: &Control,
) -> Result<Running, AppError> {
    let clock = clock();
    let started = clock.now();
    let storage = Storage::open(config, Arc::clone(&clock)).await.map_err(AppError::Store)?;
    let mut workers = Supervisor::default();
    let mut configured = ConfiguredBuckets::new(config, storage.home());
    let buckets_made = configured.made();
    if configured.step().await != Next::Done {
        workers.start(configured);
    }
    let without_secret = config.sessions.seals.is_empty();
    if let Some(seal) = session_secret::of(&config.data_dir, without_secret).await {
        control.auth.keep_seal(seal);
    }
    control.encrypts(&storage.store());
    workers.start(KeyRotation::new(storage.store()));
    if config.store.compaction {
        workers.start(LogCompaction::new(storage.store(), config.store.compaction_rate));
    }
    let layers = Layers::build(config, upstreams, storage.home(), &clock).await;
    layers.start(&mut workers);
    let expiry = config.store.multipart_expiry;
    workers.start(UploadExpiry::new(layers.store(), Arc::clone(&clock), expiry));
    workers.start(LifecycleWorker::new(lifecycle::Parts {
        home: storage.home(),
        store: layers.store(),
        routes: Arc::clone(&layers.routes),
        clock: Arc::clone(&clock),
        metrics: Arc::clone(&control.metrics),
        options: config.lifecycle,
    }));
    let settings = s3::Settings {
        region: config.region.clone(),
        base_domains: config.server.base_domains.clone(),
        token_key: token_key(&config.keys.ring),
        templates: config.usage.templates.clone(),
        websites: s3::Websites {
            domains: config.website.domains.clone(),
            public: config.website.public.clone(),
        },
        ownerships: config.ownerships.clone(),
        rules: rules::rulebook(&config.rules),
        expiring: lifecycle::expiring(&layers.routes),
    };
    let migrations = layers.migrations(config, &storage, gateway, &clock).await;
    if let Some(migrations) = &migrations {
        workers.start(migrations.engine());
    }
    gateway.open(s3::Service::new(settings, layers.front(), Arc::clone(&control.auth)));
    let jobs = Arc::new(Jobs::new(Arc::clone(&clock)));
    workers.start(jobs.worker());
    let journals = Arc::new(migrate::Folder::at(config.data_dir.join(CLEANUPS)));
    let cleanups = Cleanups::new(journals, Arc::clone(&clock));
    cleanups.recall(&jobs).await;
    workers.start(cleanups.keeper(&jobs));
    control.admin.open(Views {
        clock,
        started,
        disk: storage.disk(&config.data_dir, buckets_made),
        home: storage.home(),
        routes: Arc::clone(&layers.routes),
        upstreams: layers.views(),
        spool: layers.spool.clone(),
        store: layers.store(),
        counting: counting(&config.usage),
        jobs,
        cleanups,
        upload_expiry: expiry,
        metrics: Arc::clone(&control.metrics),
        surveys: Arc::new(Surveys::default()),
        migrations,
    });
    tracing::info!(data_dir = %config.data_dir.display(), "the store is open");
    Ok(Running { storage, layers, workers })
}

/// How objects are counted, and what they cost.
fn counting(usage: &config::Usage) -> Counting {
    let config::Prices { currency, local, s3 } = usage.prices.clone();
    let links = usage.links.iter().map(|(bucket, links)| {
        let config::Links { public, local } = links.clone();
        (bucket.clone(), Links { public, local })
    });
    let prices = Prices { currency, local, s3 };
    Counting { templates: usage.templates.clone(), prices, links: links.collect() }
}

fn clock() -> Arc<dyn Clock> {
    Arc::new(SystemClock)
}

/// Who may use the side API.
fn rule(config: &Config) -> Rule {
    Rule {
        token: config.admin_token.clone(),
        only_built_in_keys: config.keys.built_in,
        behind_proxies: !config.server.trusted_proxies.is_empty(),
    }
}

fn authenticator(config: &Config) -> Authenticator {
    let settings = AuthSettings {
        sigv2: config.auth.sigv2,
        region: config.region.clone(),
        strict_region: config.auth.strict_region,
    };
    let keys = config.keys.ring.clone();
    let auth = Authenticator::new(keys.clone(), settings, Arc::new(SystemClock));
    let auth = auth.fetching(Arc::new(KeyFetcher));
    let config::Sessions { seals, sts } = config.sessions.clone();
    auth.replace(keys, sts, seals);
    auth
}

fn tls(files: &config::Tls) -> Result<TlsConfig, ConfigError> {
    let (cert, key) = files.read()?;
    TlsConfig::from_pem(&cert, &key).map_err(|error| files.unusable(&error.to_string()))
}

async fn bound(
    address: SocketAddr,
    settings: &config::Server,
    tls: Option<TlsConfig>,
) -> Result<Server, AppError> {
    // Where its request ids begin.
    let seed = uuid::Uuid::new_v4().as_u64_pair().0;
    Server::bind(address, server_settings(settings), tls, seed)
        .await
        .map_err(|source| AppError::Listen { address, source })
}

fn server_settings(server: &config::Server) -> Settings {
    Settings {
        max_connections: server.max_connections,
        max_header_size: server.max_header_size,
        header_timeout: server.header_timeout,
        idle_timeout: server.idle_timeout,
        body_timeout: server.body_timeout,
        write_timeout: server.write_timeout,
        handshake_timeout: server.handshake_timeout,
        drain_timeout: server.drain_timeout,
        trusted_proxies: server.trusted_proxies.clone(),
    }
}

/// Continuation tokens hold across restarts and between gateways with the same keys.
fn token_key(keys: &Keyring) -> TokenKey {
    let mut lines: Vec<String> =
        keys.iter().map(|key| format!("{}\n{}\n", key.access_key, key.secret.expose())).collect();
    lines.sort_unstable();
    let mut digest = Sha256::new_with_prefix("stowgate continuation tokens\n");
    for line in &lines {
        digest.update(line);
    }
    TokenKey::new(digest.finalize().into())
}
