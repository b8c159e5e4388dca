//! Configuration: flags, environment and file, checked once and made into a typed [`Config`].
//!
//! Flag beats environment beats file beats default. Whatever is wrong is a [`ConfigError`] that
//! names the place (file and line, variable or flag), the key, and what would be right. Nothing
//! here opens a socket or touches the data directory.

mod amount;
mod application;
mod at_rest;
mod bounds;
mod document;
mod env;
mod error;
mod file;
mod grants;
mod identity;
mod keys;
mod lifecycle;
mod overlap;
mod ownership;
mod proxies;
mod roles;
mod routes;
mod rules;
mod secret;
mod sections;
mod sessions;
mod spool;
mod upstream;
mod usage;
mod website;

#[cfg(test)]
mod routes_tests;
#[cfg(test)]
mod rules_tests;
#[cfg(test)]
mod sessions_tests;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod usage_tests;
#[cfg(test)]
mod website_tests;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use ipnet::IpNet;
use tracing_subscriber::filter::Targets;

pub use amount::{Period, Size};
pub use at_rest::AtRest;
pub use env::Env;
pub use error::ConfigError;
pub use keys::{BUILT_IN_ACCESS_KEY, BUILT_IN_SECRET_KEY};
pub use lifecycle::Lifecycle;
pub use routes::{Mapping, Mode, Route, Routes};
pub use rules::{Antivirus, Names, Rule, Rules, ScannerAddress};
pub use sessions::Sessions;
pub use spool::Spool;
pub use upstream::{Checksums, Credentials, Encryption, Upstream};
pub use usage::{EVERY_BUCKET, Links, Prices, Usage};
pub use website::Website;

use crate::auth::grants::OwnershipDefaults;
use crate::auth::{Keyring, Secret};
use crate::object::Owner;

/// The bucket name that `/storage/…` takes away.
pub const RESERVED_BUCKET: &str = "storage";

/// What the command line says.
#[derive(Debug, Clone, Default)]
pub struct Flags {
    /// `--config`.
    pub config: Option<PathBuf>,
    /// `--listen`.
    pub listen: Option<String>,
    /// `--data-dir`.
    pub data_dir: Option<PathBuf>,
    /// `--log-format`.
    pub log_format: Option<LogFormat>,
}

/// Everything that can be set, checked.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where to listen.
    pub listen: SocketAddr,
    /// Where the side API listens; without, it is served beside S3.
    pub admin_listen: Option<SocketAddr>,
    /// Where the local store lives.
    pub data_dir: PathBuf,
    /// The gateway's region.
    pub region: String,
    /// Certificate and key; plain HTTP without.
    pub tls: Option<Tls>,
    /// What signatures are accepted.
    pub auth: Auth,
    /// The access keys.
    pub keys: Keys,
    /// Limits and times of the HTTP server.
    pub server: Server,
    /// The log.
    pub log: Log,
    /// The local store.
    pub store: Store,
    /// The upstream services, by name.
    pub upstreams: Vec<Upstream>,
    /// The modes of all buckets.
    pub routes: Routes,
    /// The bounds of what waits to be forwarded.
    pub spool: Spool,
    /// How objects are counted, what they cost, and how their URLs are made.
    pub usage: Usage,
    /// Buckets as websites.
    pub website: Website,
    /// How life-cycle rules are carried out.
    pub lifecycle: Lifecycle,
    /// What may be stored.
    pub rules: Rules,
    /// The token of the side API.
    pub admin_token: Option<Secret>,
    /// How objects are encrypted where they lie.
    pub at_rest: AtRest,
    /// Short-lived credentials.
    pub sessions: Sessions,
    /// Whose objects are, and whether ACLs count, in buckets that do not say so themselves.
    pub ownerships: OwnershipDefaults,
}

/// Where certificate and private key are: PEM files, read at start and at every reload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tls {
    /// The certificate chain, the server's own first.
    pub cert: PathBuf,
    /// Its private key.
    pub key: PathBuf,
    /// Where the two were named, for messages.
    places: [String; 2],
}

/// What signatures are accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Auth {
    /// Signature Version 2.
    pub sigv2: bool,
    /// Only the configured region in a credential scope.
    pub strict_region: bool,
}

/// The access keys.
#[derive(Debug, Clone)]
pub struct Keys {
    /// All of them.
    pub ring: Keyring,
    /// Whether nothing was configured, so that the ring holds the built-in key.
    pub built_in: bool,
    /// Whose the configured buckets are: the owner behind the key in the environment, else behind
    /// the first `admin` key of the file, else behind its first key.
    pub operator: Owner,
}

/// Limits and times of the HTTP server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Server {
    /// The host names of the service, lower-case; `bucket.` before one of them is a virtual host.
    pub base_domains: Vec<String>,
    /// The proxies whose word for their clients is taken. Where one of them says nothing that is
    /// understood, the client has no address: what policies deny by it is then denied.
    pub trusted_proxies: Vec<IpNet>,
    /// The most connections at one time.
    pub max_connections: usize,
    /// The most bytes of header names and values in one request.
    pub max_header_size: u64,
    /// How long a request's head may take, from its first byte to its last.
    pub header_timeout: Duration,
    /// How long a connection may be idle between requests.
    pub idle_timeout: Duration,
    /// How long a request's body may stall.
    pub body_timeout: Duration,
    /// How long a client may leave a response unread.
    pub write_timeout: Duration,
    /// How long a TLS handshake may take.
    pub handshake_timeout: Duration,
    /// How long requests under way may go on after SIGTERM.
    pub drain_timeout: Duration,
}

/// The log.
#[derive(Debug, Clone, PartialEq)]
pub struct Log {
    /// What is logged: a level, or levels by target.
    pub level: Targets,
    /// How a line looks.
    pub format: LogFormat,
}

/// How a log line looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// Text on a terminal, JSON otherwise.
    #[default]
    Auto,
    /// For people.
    Text,
    /// For machines: one JSON object a line.
    Json,
}

/// The local store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Store {
    /// Bodies up to this size are packed into the log, in bytes.
    pub pack_limit: u64,
    /// The size of a log segment, in bytes.
    pub segment_size: u64,
    /// The index's cache, in bytes.
    pub cache_size: u64,
    /// How often the index is made a checkpoint of.
    pub checkpoint_interval: Duration,
    /// How old an unfinished multipart upload may become.
    pub multipart_expiry: Duration,
    /// Free space under which new bodies are refused, in bytes; never more than a twentieth of
    /// the file system.
    pub min_free: u64,
    /// How many bytes objects on this disk may have altogether.
    pub quota: Option<u64>,
    /// Whether the data directory may lie on a network file system.
    pub allow_network: bool,
    /// Whether the log is compacted without being asked.
    pub compaction: bool,
    /// How many bytes that writes in a second, at most.
    pub compaction_rate: u64,
}

impl Keys {
    /// Whether one of them has the built-in secret, which everyone knows.
    pub fn any_public(&self) -> bool {
        self.ring.iter().any(|key| key.secret.expose() == BUILT_IN_SECRET_KEY)
    }
}

impl Tls {
    /// Reads certificate chain and key.
    pub fn read(&self) -> Result<(Vec<u8>, Vec<u8>), ConfigError> {
        let read = |path: &PathBuf, place: &String| {
            std::fs::read(path).map_err(|error| {
                let path = path.display();
                ConfigError::new(place, format!("{path} cannot be read: {error}"))
            })
        };
        let [cert, key] = &self.places;
        Ok((read(&self.cert, cert)?, read(&self.key, key)?))
    }

    /// The fault that what was read cannot be used.
    pub fn unusable(&self, reason: &str) -> ConfigError {
        let (cert, key) = (self.cert.display(), self.key.display());
        let [place, _] = &self.places;
        ConfigError::new(place, format!("cert {cert}, key {key}: {reason}"))
    }
}

impl Config {
    /// Reads flags, environment and the file that one of them names.
    pub fn load(flags: &Flags, env: &Env) -> Result<Self, ConfigError> {
        let named = match &flags.config {
            Some(path) => Some(path.clone()),
            None => env.get("STOWGATE_CONFIG")?.map(PathBuf::from),
        };
        let document = match named {
            Some(path) => document::Document::read(&path)?,
            None => document::Document::absent(),
        };
        sections::build(flags, env, &document)
    }

    /// The upstream of that name.
    pub fn upstream(&self, name: &str) -> Option<&Upstream> {
        self.upstreams.iter().find(|upstream| upstream.name == name)
    }

    /// The names of those changed settings that only a restart brings into force.
    pub fn needs_restart(&self, new: &Self) -> Vec<&'static str> {
        let changed = [
            ("listen", self.listen != new.listen),
            ("[admin] listen", self.admin_listen != new.admin_listen),
            ("data_dir", self.data_dir != new.data_dir),
            ("region", self.region != new.region),
            ("[tls]", self.tls.is_some() != new.tls.is_some()),
            ("[auth]", self.auth != new.auth),
            ("[server]", self.server != new.server),
            ("[log] format", self.log.format != new.log.format),
            ("[store]", self.store != new.store),
            ("[upstream]", self.upstreams != new.upstreams),
            ("[[bucket]]", self.routes != new.routes),
            ("[spool]", self.spool != new.spool),
            ("[usage]", self.usage != new.usage),
            ("[lifecycle]", self.lifecycle != new.lifecycle),
            ("[website]", self.website != new.website),
            ("[[rule]]", self.rules.rules != new.rules.rules),
            ("[antivirus]", self.rules.antivirus != new.rules.antivirus),
        ];
        changed.into_iter().filter_map(|(name, differs)| differs.then_some(name)).collect()
    }
}
