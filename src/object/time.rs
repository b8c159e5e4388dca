//! Points in time as S3 shows them, and where they come from.

use std::time::{SystemTime, UNIX_EPOCH};

use ::time::OffsetDateTime;
use ::time::format_description::FormatItem;
use ::time::macros::format_description;

const HTTP_DATE: &[FormatItem<'_>] = format_description!(
    "[weekday repr:short], [day] [month repr:short] [year] [hour]:[minute]:[second] GMT"
);
const ISO_8601: &[FormatItem<'_>] =
    format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]Z");

/// Milliseconds since 1970-01-01T00:00:00Z, leap seconds ignored.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
pub struct Timestamp(pub i64);

/// Where the time comes from, so that tests decide it.
pub trait Clock: Send + Sync {
    /// The present.
    fn now(&self) -> Timestamp;
}

/// The machine's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
    }
}

impl Timestamp {
    /// The next whole second, or itself where it is one.
    ///
    /// Last-Modified is made so: whole seconds, and never earlier than the start of the upload
    /// (`aws s3 sync` uploads again whatever is newer locally).
    #[must_use]
    pub fn ceil_second(self) -> Self {
        Self(self.0.saturating_add(999).div_euclid(1000).saturating_mul(1000))
    }

    /// Seconds since the epoch, fractions cut off.
    pub fn seconds(self) -> i64 {
        self.0.div_euclid(1000)
    }

    /// RFC 1123 form for headers: `Wed, 21 Oct 2015 07:28:00 GMT`.
    pub fn http_date(self) -> String {
        self.formatted(HTTP_DATE)
    }

    /// ISO 8601 form for XML: `2015-10-21T07:28:00.000Z`.
    pub fn iso8601(self) -> String {
        self.formatted(ISO_8601)
    }

    /// The calendar form, in UTC. Times beyond the calendar's year 9999 are cut to the epoch.
    pub fn utc(self) -> OffsetDateTime {
        OffsetDateTime::from_unix_timestamp_nanos(i128::from(self.0) * 1_000_000)
            .unwrap_or(OffsetDateTime::UNIX_EPOCH)
    }

    fn formatted(self, form: &[FormatItem<'_>]) -> String {
        self.utc().format(form).unwrap_or_default()
    }
}
