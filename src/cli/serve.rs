//! `stowgate serve`: runs the gateway until a signal ends it.
//!
//! SIGTERM and SIGINT drain it, a second one of them cuts it off; SIGHUP reloads keys,
//! certificate and log level.

use std::net::SocketAddr;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;

use super::{ConfigArgs, Failure, say};
use crate::app::{App, Control};
use crate::config::{BUILT_IN_ACCESS_KEY, BUILT_IN_SECRET_KEY, Config};
use crate::telemetry::Telemetry;

/// How far ending has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Stage {
    Running,
    Draining,
    Aborting,
}

pub(super) fn run(args: &ConfigArgs) -> Result<(), Failure> {
    let config = args.load()?;
    let telemetry = Telemetry::start(&config.log)
        .map_err(|error| Failure::Failed(format!("the log cannot be started: {error}")))?;
    raise_file_limit();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::Failed(format!("cannot start: {error}")))?;
    runtime.block_on(serve(args, config, telemetry))
}

async fn serve(args: &ConfigArgs, config: Config, telemetry: Telemetry) -> Result<(), Failure> {
    let signals = Signals::new()
        .map_err(|error| Failure::Failed(format!("cannot watch for signals: {error}")))?;
    let app = App::bind(config.clone()).await?;
    let address = app.address();
    tracing::info!(%address, version = env!("CARGO_PKG_VERSION"), "listening");
    let side = app.side_address();
    if let Some(address) = side {
        tracing::info!(%address, "listening for the side API");
    }
    let announcement = announcement(&config, address, side);
    let (stage, stages) = watch::channel(Stage::Running);
    let reloading = Reloading { args, config, telemetry, control: app.control() };
    let watching = signals.watch(stage, reloading);
    let reached = |wanted: Stage| {
        let mut stages = stages.clone();
        async move {
            // The sender lives as long as the watching below.
            let _ = stages.wait_for(|stage| *stage >= wanted).await;
        }
    };
    let announce = || say(announcement);
    let running = app.run(announce, reached(Stage::Draining), reached(Stage::Aborting));
    tokio::select! {
        result = running => result?,
        () = watching => {}
    }
    tracing::info!("stopped");
    Ok(())
}

/// Where it listens, and how to get in where only the built-in key is there.
fn announcement(config: &Config, address: SocketAddr, side: Option<SocketAddr>) -> String {
    let scheme = if config.tls.is_some() { "https" } else { "http" };
    let url = format!("{scheme}://{address}");
    let listening = match side {
        Some(side) => format!("listening on {url}\nthe side API is on {scheme}://{side}/storage/"),
        None => format!("listening on {url}"),
    };
    if !config.keys.built_in {
        return listening;
    }
    format!(
        "{listening}\n\
         no key is configured; for development on this machine, paste:\n  \
         export AWS_ACCESS_KEY_ID={BUILT_IN_ACCESS_KEY} \
         AWS_SECRET_ACCESS_KEY={BUILT_IN_SECRET_KEY} AWS_DEFAULT_REGION={} \
         AWS_ENDPOINT_URL={url}; aws s3 mb s3://my-bucket",
        config.region
    )
}

struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hang_up: Signal,
}

impl Signals {
    fn new() -> std::io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hang_up: signal(SignalKind::hangup())?,
        })
    }

    /// Acts on signals, for ever.
    async fn watch(mut self, stage: watch::Sender<Stage>, mut reloading: Reloading<'_>) {
        loop {
            tokio::select! {
                _ = self.terminate.recv() => end(&stage),
                _ = self.interrupt.recv() => end(&stage),
                _ = self.hang_up.recv() => reloading.reload(),
            }
        }
    }
}

fn end(stage: &watch::Sender<Stage>) {
    let next = match *stage.borrow() {
        Stage::Running => Stage::Draining,
        Stage::Draining | Stage::Aborting => Stage::Aborting,
    };
    tracing::info!(stage = ?next, "told to stop");
    stage.send_replace(next);
}

struct Reloading<'a> {
    args: &'a ConfigArgs,
    config: Config,
    telemetry: Telemetry,
    control: Control,
}

impl Reloading<'_> {
    /// Takes over the configuration as it is now: all of it, or, where anything is wrong, nothing.
    fn reload(&mut self) {
        let config = match self.args.load() {
            Ok(config) => config,
            Err(error) => {
                self.control.not_reloaded();
                return refuse(&error);
            }
        };
        if let Err(error) = self.control.reload(&config) {
            return refuse(&error);
        }
        self.telemetry.set_level(config.log.level.clone());
        let pending = self.config.needs_restart(&config);
        if pending.is_empty() {
            tracing::info!("reloaded keys, roles, certificate and log level");
        } else {
            let pending = pending.join(", ");
            tracing::warn!(pending, "reloaded; these settings changed too and need a restart");
        }
    }
}

fn refuse(error: &impl std::fmt::Display) {
    tracing::error!(%error, "not reloaded; everything stays as it was");
}

/// Connections and blobs need descriptors; the soft limit is often a mere 1024.
fn raise_file_limit() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

    let limit = getrlimit(Resource::Nofile);
    if limit.current == limit.maximum {
        return;
    }
    let raised = Rlimit { current: limit.maximum, maximum: limit.maximum };
    if let Err(error) = setrlimit(Resource::Nofile, raised) {
        tracing::debug!(%error, "the limit of open files stays as it is");
    }
}
