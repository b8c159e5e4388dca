//! How the life-cycle rules of buckets are carried out. The rules themselves are set by clients.

use std::time::Duration;

use super::document::Document;
use super::error::ConfigError;
use super::{bounds, file};

const SECOND: Duration = Duration::from_secs(1);
const DAY: Duration = Duration::from_hours(24);

/// When buckets are gone through for their life-cycle rules, and how fast.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lifecycle {
    /// The longest time between two passes.
    pub period: Duration,
    /// How many objects and uploads are removed in a second, at most.
    pub rate: u32,
}

/// The section, checked.
pub(super) fn build(
    in_file: &file::Lifecycle,
    document: &Document,
) -> Result<Lifecycle, ConfigError> {
    Ok(Lifecycle {
        period: bounds::period(in_file.period.as_ref(), DAY, SECOND..=365 * DAY, document)?,
        rate: bounds::number(in_file.rate.as_ref(), 200, 1..=1_000_000, document)?,
    })
}
