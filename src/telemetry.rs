//! Where log lines go: to standard error, as text for people or JSON for machines.
//!
//! Standard output is left to what people paste and programs parse.

use std::io::{self, IsTerminal as _};

use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::{Layer as _, SubscriberExt as _};
use tracing_subscriber::util::{SubscriberInitExt as _, TryInitError};
use tracing_subscriber::{Registry, fmt, reload};

use crate::config::{Log, LogFormat};

/// The running log.
#[derive(Debug, Clone)]
pub struct Telemetry(reload::Handle<Targets, Registry>);

impl Telemetry {
    /// Starts logging, once in a process.
    pub fn start(log: &Log) -> Result<Self, TryInitError> {
        let (level, handle) = reload::Layer::new(log.level.clone());
        let terminal = io::stderr().is_terminal();
        let lines = fmt::layer().with_writer(io::stderr);
        let lines = match (log.format, terminal) {
            (LogFormat::Text, _) | (LogFormat::Auto, true) => {
                let colours = terminal && std::env::var_os("NO_COLOR").is_none();
                lines.with_ansi(colours).boxed()
            }
            (LogFormat::Json, _) | (LogFormat::Auto, false) => lines
                .json()
                .flatten_event(true)
                .with_current_span(false)
                .with_span_list(false)
                .boxed(),
        };
        tracing_subscriber::registry().with(level).with(lines).try_init()?;
        Ok(Self(handle))
    }

    /// Logs at `level` from now on.
    pub fn set_level(&self, level: Targets) {
        if let Err(error) = self.0.reload(level) {
            tracing::error!(%error, "the log level could not be changed");
        }
    }
}
