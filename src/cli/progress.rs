//! How far a long piece of work is: a bar on a terminal, a line of JSON a second elsewhere.

use std::fmt::Write as _;
use std::io;
use std::io::Write as _;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use indicatif::{HumanBytes, HumanCount, HumanDuration, ProgressBar, ProgressState, ProgressStyle};
use serde_json::Value;
use tokio::time::Instant;

use super::output::{Style, count};
use super::say;

/// How often a line is written.
const LINES: Duration = Duration::from_secs(1);

const KNOWN: &str = "{msg} [{bar:18}] {percent:>3}%  {rate}, ETA {left}{prefix}";
const UNKNOWN: &str = "{spinner} {msg}  {elapsed}{prefix}";

/// Tells how far work is.
pub(super) struct Progress {
    bar: ProgressBar,
    /// When a line was last written; `None` where no lines are wanted.
    lines: Option<Mutex<Option<Instant>>>,
}

/// How far it is.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Reached {
    /// Objects seen to, and how many there are, where that is known.
    pub(super) objects: (u64, Option<u64>),
    /// The same in bytes.
    pub(super) bytes: (u64, Option<u64>),
    /// How many went wrong.
    pub(super) errors: u64,
}

impl Progress {
    /// Begins telling of `what`.
    pub(super) fn new(style: Style, what: &str) -> Self {
        let bar = match style {
            Style::Sentences => ProgressBar::new_spinner(),
            Style::Lines | Style::Whole => ProgressBar::hidden(),
        };
        bar.set_message(what.to_owned());
        bar.set_style(shape(UNKNOWN));
        bar.enable_steady_tick(Duration::from_millis(200));
        let lines = (style == Style::Lines).then(Mutex::default);
        Self { bar, lines }
    }

    /// Tells how far it is. `line` is what the line says.
    pub(super) fn tell(&self, reached: &Reached, line: impl FnOnce() -> Value) {
        self.draw(reached);
        let Some(lines) = &self.lines else { return };
        let mut last = lines.lock().unwrap_or_else(PoisonError::into_inner);
        if last.is_none_or(|last| last.elapsed() >= LINES) {
            *last = Some(Instant::now());
            drop(last);
            say(line());
        }
    }

    /// From now on it is called so.
    pub(super) fn name(&self, what: &str) {
        self.bar.set_message(what.to_owned());
    }

    /// Writes a line above the bar; nothing where there is no bar.
    pub(super) fn note(&self, line: &str) {
        self.bar.println(line);
    }

    /// Ends telling; the bar goes away or stays.
    pub(super) fn finish(&self) {
        if self.bar.length().is_some() {
            self.bar.abandon();
            if !self.bar.is_hidden() {
                // The bar leaves the cursor behind itself.
                let _ = writeln!(io::stderr());
            }
        } else {
            self.bar.finish_and_clear();
        }
    }

    fn draw(&self, reached: &Reached) {
        let Reached { objects, bytes, errors } = *reached;
        let mut behind = match objects.1 {
            Some(total) => format!(", {}/{}", HumanCount(objects.0), count(total, "object")),
            None => format!(", {}", count(objects.0, "object")),
        };
        if errors > 0 {
            // A text in memory takes all that is written.
            let _ = write!(behind, ", {}", count(errors, "error"));
        }
        self.bar.set_prefix(behind);
        let by_bytes = bytes.1.is_some_and(|total| total > 0);
        let (done, total) = if by_bytes { bytes } else { objects };
        if let Some(total) = total.filter(|total| *total > 0) {
            if self.bar.length() != Some(total) {
                self.bar.set_length(total);
                self.bar.set_style(
                    shape(KNOWN).with_key("rate", rate(by_bytes)).with_key("left", left),
                );
            }
            self.bar.set_position(done.min(total));
        }
    }
}

/// The templates are this file's own, and right.
fn shape(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template)
        .unwrap_or_else(|_| ProgressStyle::default_spinner())
        .progress_chars("=> ")
}

#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a rate is positive and shown in three digits"
)]
fn rate(by_bytes: bool) -> impl Fn(&ProgressState, &mut dyn std::fmt::Write) + Clone + Send + Sync {
    move |state, out| {
        let rate = state.per_sec().round() as u64;
        // The bar's own line takes all that is written.
        let _ = if by_bytes {
            write!(out, "{}/s", HumanBytes(rate))
        } else {
            write!(out, "{rate} objects/s")
        };
    }
}

fn left(state: &ProgressState, out: &mut dyn std::fmt::Write) {
    let left = state.eta();
    let _ = if left < Duration::from_secs(1) {
        write!(out, "-")
    } else {
        write!(out, "{:#}", HumanDuration(left))
    };
}
