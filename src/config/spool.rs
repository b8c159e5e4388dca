//! The bounds of what waits to be forwarded to an upstream.

use std::time::Duration;

use super::document::Document;
use super::error::ConfigError;
use super::{bounds, file};

const SECOND: Duration = Duration::from_secs(1);
const DAY: Duration = Duration::from_hours(24);

/// How much is taken in while an upstream is away, and how it is forwarded afterwards.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Spool {
    /// The most bytes that wait.
    pub max_bytes: u64,
    /// The most keys that wait.
    pub max_objects: usize,
    /// The longest that anything may have been waiting while more is taken in.
    pub max_age: Duration,
    /// The longest pause between two tries of one key.
    pub max_backoff: Duration,
    /// After how many tries that the upstream refused a key becomes a dead letter.
    pub attempts: u32,
    /// How many keys are forwarded at one time to one upstream.
    pub concurrency: usize,
}

/// The section, checked.
pub(super) fn build(in_file: &file::Spool, document: &Document) -> Result<Spool, ConfigError> {
    let period = |value: &Option<_>, default, allowed| {
        bounds::period(value.as_ref(), default, allowed, document)
    };
    let bytes = 1 << 20..=1 << 50;
    let objects = 1..=100_000_000;
    Ok(Spool {
        max_bytes: bounds::size(in_file.max_bytes.as_ref(), 64 << 30, bytes, document)?,
        max_objects: bounds::number(in_file.max_objects.as_ref(), 1_000_000, objects, document)?,
        max_age: period(&in_file.max_age, 7 * DAY, 10 * SECOND..=3650 * DAY)?,
        max_backoff: period(&in_file.max_backoff, 600 * SECOND, SECOND..=DAY)?,
        attempts: bounds::number(in_file.attempts.as_ref(), 8, 1..=1_000_000, document)?,
        concurrency: bounds::number(in_file.concurrency.as_ref(), 4, 1..=256, document)?,
    })
}
