//! The upstreams that buckets are routed to: made from the configuration, each behind its guard.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use crate::admin::Presigner;
use crate::config::{self, Checksums, Config, ConfigError, Encryption, Mapping};
use crate::object::{BucketName, Clock};
use crate::placement::guard::{GuardOptions, Guarded};
use crate::placement::{Mode, Route, Routes, Upstream};
use crate::store::upstream::{Quirks, UpstreamBucket, UpstreamKey, UpstreamOptions, UpstreamStore};
use crate::store::{ObjectPath, Store, StoreError};

/// An upstream that some bucket is routed to.
pub(super) struct Connected {
    pub(super) config: config::Upstream,
    pub(super) store: Arc<UpstreamStore>,
    pub(super) guard: Arc<Guarded>,
    /// Whether a mode calls it for more than what is recorded there.
    pub(super) in_use: bool,
}

/// All of them, in the order of their names.
#[derive(Default)]
pub(super) struct Upstreams(pub(super) Vec<Connected>);

impl Upstreams {
    /// Gets every upstream ready that a bucket is routed to. Asks nothing of them.
    pub(super) async fn connect(
        config: &Config,
        clock: &Arc<dyn Clock>,
    ) -> Result<Self, ConfigError> {
        let mut connected = Vec::new();
        for upstream in &config.upstreams {
            let routes = routes_to(config, &upstream.name);
            if routes.is_empty() {
                continue;
            }
            let in_use = routes.iter().any(|route| route.mode != config::Mode::Local);
            let options = options(config, upstream);
            let guard = guard_options(upstream);
            let store = UpstreamStore::connect(options, Arc::clone(clock))
                .await
                .map_err(|it| ConfigError::new(format!("[upstream.{}]", upstream.name), it.what))?;
            let store = Arc::new(store);
            let layer: Arc<dyn Store> = Arc::clone(&store) as _;
            let guard = Arc::new(Guarded::new(upstream.name.as_str(), layer, guard));
            connected.push(Connected { config: upstream.clone(), store, guard, in_use });
        }
        Ok(Self(connected))
    }

    /// The routes of the configuration.
    pub(super) fn routes(&self, config: &Config) -> Routes {
        let named = config.routes.named.iter();
        let named = named.map(|(name, route)| (name.clone(), self.route(route, true)));
        Routes { named: named.collect(), default: self.route(&config.routes.default, false) }
    }

    fn route(&self, route: &config::Route, configured: bool) -> Route {
        let upstream = route.upstream.as_ref().and_then(|mapping| self.upstream(mapping));
        Route { mode: mode(route.mode), upstream, configured }
    }

    fn upstream(&self, mapping: &Mapping) -> Option<Upstream> {
        let found = self.0.iter().find(|it| it.config.name == mapping.upstream)?;
        let store = Arc::clone(&found.store);
        Some(Upstream {
            name: found.config.name.as_str().into(),
            store: Arc::clone(&found.guard) as _,
            target: Arc::new(move |bucket| store.target(bucket)),
        })
    }
}

/// Signs URLs at an upstream.
pub(super) struct UpstreamUrls(pub(super) Arc<UpstreamStore>);

#[async_trait]
impl Presigner for UpstreamUrls {
    async fn presigned_get(
        &self,
        at: &ObjectPath,
        expires: Duration,
    ) -> Result<String, StoreError> {
        self.0.presigned_get(at, expires).await
    }
}

impl fmt::Debug for Upstreams {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().map(|it| &it.config.name)).finish()
    }
}

fn routes_to<'a>(config: &'a Config, upstream: &str) -> Vec<&'a config::Route> {
    let leads_there = |route: &&config::Route| {
        route.upstream.as_ref().is_some_and(|mapping| mapping.upstream == upstream)
    };
    let all = config.routes.named.values().chain([&config.routes.default]);
    all.filter(leads_there).collect()
}

fn mode(mode: config::Mode) -> Mode {
    match mode {
        config::Mode::Local => Mode::Local,
        config::Mode::Upstream => Mode::Upstream,
        config::Mode::Fallback => Mode::Fallback,
    }
}

/// What the upstream's section means to its store.
fn options(config: &Config, upstream: &config::Upstream) -> UpstreamOptions {
    let quirks = Quirks {
        checksums: upstream.checksums == Checksums::WhenSupported,
        conditional_writes: upstream.conditional_writes,
        tags: upstream.tags,
    };
    let credentials = upstream.credentials.as_ref().map(|key| UpstreamKey {
        access_key: key.access_key.clone(),
        secret_key: key.secret_key.expose().to_owned(),
        session_token: key.session_token.as_ref().map(|token| token.expose().to_owned()),
    });
    UpstreamOptions {
        name: upstream.name.clone(),
        endpoint: upstream.endpoint.clone(),
        region: upstream.region.clone(),
        path_style: upstream.path_style,
        credentials,
        sse: upstream.sse.map(|Encryption::Aes256| "AES256".to_owned()),
        trusted: upstream.ca.clone(),
        connect_timeout: upstream.connect_timeout,
        first_byte_timeout: upstream.first_byte_timeout,
        stall_timeout: upstream.stall_timeout,
        quirks,
        owner: config.keys.operator.clone(),
        buckets: buckets(config, &upstream.name),
    }
}

fn buckets(config: &Config, upstream: &str) -> HashMap<BucketName, UpstreamBucket> {
    let mapped = config.routes.named.iter().filter_map(|(name, route)| {
        let mapping = route.upstream.as_ref().filter(|mapping| mapping.upstream == upstream)?;
        let (bucket, prefix) = (mapping.bucket_of(name).to_owned(), mapping.prefix.clone());
        Some((name.clone(), UpstreamBucket { bucket, prefix }))
    });
    mapped.collect()
}

/// The guard waits as long as a call that goes well may take, and not for a repetition of it.
fn guard_options(upstream: &config::Upstream) -> GuardOptions {
    let defaults = GuardOptions::default();
    let answer = upstream.first_byte_timeout.max(upstream.stall_timeout);
    let answer = upstream.connect_timeout + answer;
    GuardOptions { answer, long: defaults.long.max(answer), ..defaults }
}
