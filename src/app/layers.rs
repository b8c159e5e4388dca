//! From the local store and the upstreams to what S3 is served from, and the work beside it.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use crate::admin::{Trials, UpstreamView};
use crate::background::Supervisor;
use crate::config::{self, Config};
use crate::migrate::{self, Migrations};
use crate::object::{BucketName, BucketsQuery, Clock};
use crate::placement::locks::KeyLocks;
use crate::placement::spool::{Backoff, Depth, Spool, SpoolOptions};
use crate::placement::{Placement, Route, Routes, Upstream};
use crate::store::{Front, Home, Store, StoreError};

use super::absent::AbsentUpstream;
use super::gateway::Gateway;
use super::storage::Storage;
use super::trials::{PermissionTrials, Tried};
use super::upstreams::{Connected, UpstreamUrls, Upstreams};

/// Where the files of migrations are in the data directory.
const MIGRATIONS: &str = "migrations";
/// How often draining looks whether it goes on.
const LOOK: Duration = Duration::from_millis(200);

/// All buckets, each through its mode.
pub(super) struct Layers {
    store: Arc<dyn Front>,
    /// There where any bucket has an upstream.
    placement: Option<Arc<Placement>>,
    pub(super) routes: Arc<Routes>,
    /// There where any bucket has an upstream.
    pub(super) spool: Option<Arc<Spool>>,
    upstreams: Vec<(Connected, PermissionTrials)>,
}

impl Layers {
    /// Puts everything together over the local store `home`. Asks nothing of the upstreams.
    pub(super) async fn build(
        config: &Config,
        upstreams: Upstreams,
        home: Arc<dyn Home>,
        clock: &Arc<dyn Clock>,
    ) -> Self {
        let mut routes = upstreams.routes(config);
        keep_recorded(&mut routes, &*home).await;
        let routes = Arc::new(routes);
        let trials = |connected: Connected| {
            let trials = trials(&connected, &home, &routes, clock);
            (connected, trials)
        };
        let upstreams = upstreams.0.into_iter().map(trials).collect();
        if !has_upstream(&routes) {
            // Nothing stands between S3 and the disk.
            return Self { store: home, placement: None, routes, spool: None, upstreams };
        }
        let (keys, options) = (KeyLocks::default(), spool_options(&config.spool));
        let clock = || Arc::clone(clock);
        let (home_too, routes_too) = (Arc::clone(&home), Arc::clone(&routes));
        let spool = Spool::new(home_too, routes_too, keys, options, clock());
        let (routes_too, spool_too) = (Arc::clone(&routes), Arc::clone(&spool));
        let placement = Arc::new(Placement::new(home, routes_too, spool_too, clock()));
        let store = Arc::clone(&placement) as Arc<dyn Front>;
        Self { store, placement: Some(placement), routes, spool: Some(spool), upstreams }
    }

    /// What moves objects between the layers, with what an earlier process left under way. Where
    /// its files cannot be used, there is none, and everything else goes on.
    pub(super) async fn migrations(
        &self,
        config: &Config,
        storage: &Storage,
        gateway: &Gateway,
        clock: &Arc<dyn Clock>,
    ) -> Option<Arc<Migrations>> {
        let placement = self.placement.as_ref()?;
        let requests = gateway.requests();
        let context = migrate::Context {
            transfers: placement.transfers(),
            shelf: Arc::new(migrate::Folder::at(config.data_dir.join(MIGRATIONS))),
            templates: config.usage.templates.clone(),
            clock: Arc::clone(clock),
            room: storage.room(&config.data_dir, config.store.min_free),
            busy: Arc::new(move || requests.load(Ordering::Relaxed)),
            totals: migrate::Totals::default(),
        };
        match Migrations::open(context).await {
            Ok(migrations) => Some(migrations),
            Err(error) => {
                tracing::error!(%error, "the files of migrations cannot be used; none is run");
                None
            }
        }
    }

    /// What S3 is served from.
    pub(super) fn front(&self) -> Arc<dyn Front> {
        Arc::clone(&self.store)
    }

    /// The same without what only requests need.
    pub(super) fn store(&self) -> Arc<dyn Store> {
        self.front()
    }

    /// Starts what goes on beside requests. Nobody waits for it.
    pub(super) fn start(&self, workers: &mut Supervisor) {
        for (connected, trials) in &self.upstreams {
            workers.start(connected.guard.prober());
            if connected.in_use {
                workers.start(trials.clone());
            }
        }
        if let Some(spool) = &self.spool {
            workers.start(spool.resume());
            spool.forwarders().into_iter().for_each(|forwarder| workers.start(forwarder));
        }
    }

    /// The upstreams as the side API shows them.
    pub(super) fn views(&self) -> Vec<UpstreamView> {
        let view = |(connected, trials): &(Connected, PermissionTrials)| {
            let Connected { config, guard, .. } = connected;
            UpstreamView {
                name: config.name.as_str().into(),
                endpoint: config.endpoint.clone(),
                region: config.region.clone(),
                access_key: config.credentials.as_ref().map(|key| key.access_key.clone()),
                guard: Arc::clone(guard),
                trials: Arc::new(trials.clone()) as Arc<dyn Trials>,
                presigner: Arc::new(UpstreamUrls(Arc::clone(&connected.store))),
            }
        };
        self.upstreams.iter().map(view).collect()
    }

    /// Waits until nothing waits to be forwarded, or no upstream takes it, for `limit` at most.
    pub(super) async fn drain(&self, limit: Duration) {
        let Some(spool) = &self.spool else { return };
        let forwarding = async {
            while spool.snapshot().buckets.iter().any(|bucket| self.may_be_forwarded(bucket)) {
                spool.flush(LOOK).await;
            }
        };
        let _ = tokio::time::timeout(limit, forwarding).await;
        let left = spool.snapshot().total.waiting;
        if left > 0 {
            tracing::info!(left, "what waits to be forwarded waits for the next start");
        }
    }

    /// Whether something of a bucket waits, and its upstream isn't known to fail.
    fn may_be_forwarded(&self, (bucket, depth): &(BucketName, Depth)) -> bool {
        let upstream = self.routes.of(bucket).upstream.as_ref();
        let guard = upstream.and_then(|upstream| {
            let mut all = self.upstreams.iter().map(|(connected, _)| &connected.guard);
            all.find(|guard| guard.name() == &*upstream.name)
        });
        depth.waiting > 0 && guard.is_some_and(|guard| !guard.is_open_for(bucket))
    }
}

fn has_upstream(routes: &Routes) -> bool {
    let mut all = routes.named.values().chain([&routes.default]);
    all.any(|route| route.upstream.is_some())
}

fn trials(
    connected: &Connected,
    home: &Arc<dyn Home>,
    routes: &Arc<Routes>,
    clock: &Arc<dyn Clock>,
) -> PermissionTrials {
    PermissionTrials::new(Tried {
        upstream: connected.config.name.as_str().into(),
        store: Arc::clone(&connected.store),
        guard: Arc::clone(&connected.guard),
        home: Arc::clone(home) as _,
        routes: Arc::clone(routes),
        clock: Arc::clone(clock),
    })
}

/// Gives an upstream that is never there to every bucket that has records and no upstream: not
/// knowing what they name is 503, not 404.
async fn keep_recorded(routes: &mut Routes, home: &dyn Home) {
    let Some(recorded) = recorded_without_upstream(routes, home).await else {
        // The index is not there yet, so it may be any bucket.
        for route in routes.named.values_mut().chain([&mut routes.default]) {
            route.upstream.get_or_insert_with(absent_upstream);
        }
        return;
    };
    for name in recorded {
        tracing::warn!(
            bucket = name.as_str(),
            "objects of the bucket are recorded at an upstream that is configured no more; they \
             cannot be read"
        );
        let route = routes.of(&name);
        let route = Route { upstream: Some(absent_upstream()), ..route.clone() };
        routes.named.insert(name, route);
    }
}

/// `None` where that is not known.
async fn recorded_without_upstream(routes: &Routes, home: &dyn Home) -> Option<Vec<BucketName>> {
    let mut recorded = Vec::new();
    let mut query = BucketsQuery { limit: 1000, ..BucketsQuery::default() };
    loop {
        let page = home.list_buckets(&query).await.ok()?;
        for bucket in page.buckets {
            if routes.of(&bucket.name).upstream.is_some() {
                continue;
            }
            match home.has_entries(&bucket.name).await {
                Ok(false) | Err(StoreError::NoSuchBucket) => {}
                Ok(true) => recorded.push(bucket.name),
                Err(_) => return None,
            }
        }
        query.after = page.next;
        if query.after.is_none() {
            return Some(recorded);
        }
    }
}

fn absent_upstream() -> Upstream {
    Upstream {
        name: "missing".into(),
        store: Arc::new(AbsentUpstream),
        target: Arc::new(|bucket| (bucket.as_str().to_owned(), String::new())),
    }
}

/// What the spool's section means to it.
fn spool_options(spool: &config::Spool) -> SpoolOptions {
    let defaults = SpoolOptions::default();
    let cap = spool.max_backoff;
    SpoolOptions {
        max_bytes: spool.max_bytes,
        max_objects: spool.max_objects,
        max_age: spool.max_age,
        key: Backoff { base: defaults.key.base.min(cap), cap },
        attempts: spool.attempts,
        concurrency: spool.concurrency,
        seed: uuid::Uuid::new_v4().as_u64_pair().0,
        ..defaults
    }
}

#[cfg(test)]
#[path = "layers_tests.rs"]
mod tests;
