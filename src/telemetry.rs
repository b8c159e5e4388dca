//! Where log lines go: to standard error, as text for people or JSON for machines.
//!
//! Standard output is left to what people paste and programs parse.

use std::io::{self, IsTerminal as _};

use tracing::Level;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::{Layer as _, SubscriberExt as _};
use tracing_subscriber::util::{SubscriberInitExt as _, TryInitError};
use tracing_subscriber::{Registry, fmt, reload};

use crate::config::{Log, LogFormat};

/// Warns of every connection that a service broke off, which is told once elsewhere.
const CHATTY: &str = "aws_smithy_http_client::client";

/// Writes whatever is signed in detail, and with it the headers that carry customers' keys.
const TELLTALE: &[&str] = &["aws_sigv4", "aws_runtime", "aws_smithy_runtime"];

/// The running log.
#[derive(Debug, Clone)]
pub struct Telemetry(reload::Handle<Targets, Registry>);

impl Telemetry {
    /// Starts logging, once in a process.
    pub fn start(log: &Log) -> Result<Self, TryInitError> {
        let (level, handle) = reload::Layer::new(tempered(log.level.clone()));
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
        if let Err(error) = self.0.reload(tempered(level)) {
            tracing::error!(%error, "the log level could not be changed");
        }
    }
}

/// Keeps down what says the same again and again, unless the log is to have every detail, and what
/// would tell secrets, always: also where its parts are named.
fn tempered(level: Targets) -> Targets {
    let (fallback, mut named) = (level.default_level(), Vec::new());
    for (target, level) in level {
        let tells = TELLTALE.iter().any(|it| target.starts_with(it));
        named.push((target, if tells { level.min(LevelFilter::INFO) } else { level }));
    }
    let level =
        Targets::new().with_default(fallback.unwrap_or(LevelFilter::OFF)).with_targets(named);
    let level = TELLTALE.iter().fold(level, |level, target| {
        let capped = if level.would_enable(target, &Level::DEBUG) {
            LevelFilter::INFO
        } else {
            return level;
        };
        level.with_target(*target, capped)
    });
    without_chatter(level)
}

fn without_chatter(level: Targets) -> Targets {
    let warns = level.would_enable(CHATTY, &Level::WARN);
    if warns && !level.would_enable(CHATTY, &Level::DEBUG) {
        return level.with_target(CHATTY, Level::ERROR);
    }
    level
}

#[cfg(test)]
mod tests;
