//! Points in time as S3 shows them, and where they come from.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use ::time::format_description::FormatItem;
use ::time::format_description::well_known::Iso8601;
use ::time::macros::format_description;
use ::time::{Date, Month, OffsetDateTime, PrimitiveDateTime, Time};

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

/// A clock that stands still until it is told otherwise.
#[derive(Debug)]
pub struct ManualClock(AtomicI64);

impl ManualClock {
    /// A clock that shows `now`.
    pub fn new(now: Timestamp) -> Self {
        Self(AtomicI64::new(now.0))
    }

    /// Shows `now` from here on.
    pub fn set(&self, now: Timestamp) {
        self.0.store(now.0, Ordering::SeqCst);
    }

    /// Moves on by so many milliseconds.
    pub fn advance(&self, millis: i64) {
        self.0.fetch_add(millis, Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp(self.0.load(Ordering::SeqCst))
    }
}

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

    /// Reads a date of a conditional header: RFC 1123 with a day of one or two digits, RFC 850,
    /// asctime, or ISO 8601. `None` means that the header is to be ignored.
    ///
    /// The weekday is not compared with the date. Two-digit years are those from 1970 to 2069.
    pub fn parse_http_date(text: &str) -> Option<Self> {
        let text = text.trim();
        if text.starts_with(|c: char| c.is_ascii_digit()) {
            return OffsetDateTime::parse(text, &Iso8601::PARSING).ok().map(Self::from_utc);
        }
        let words: Vec<&str> =
            text.split([' ', ',', '-', ':']).filter(|word| !word.is_empty()).collect();
        // asctime alone has no zone, and the year at its end.
        let ([_, day, month, year, time @ .., "GMT" | "UTC"] | [_, month, day, time @ .., year]) =
            words.as_slice()
        else {
            return None;
        };
        let [h, m, s] = time else { return None };
        let date =
            Date::from_calendar_date(full_year(year)?, month_of(month)?, small(day)?).ok()?;
        let time = Time::from_hms(small(h)?, small(m)?, small(s)?).ok()?;
        Some(Self::from_utc(PrimitiveDateTime::new(date, time).assume_utc()))
    }

    /// The point in time that a calendar form names, fractions of a millisecond cut off.
    pub fn from_utc(at: OffsetDateTime) -> Self {
        Self(i64::try_from(at.unix_timestamp_nanos().div_euclid(1_000_000)).unwrap_or(i64::MAX))
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

fn full_year(text: &str) -> Option<i32> {
    let year: i32 = digits(text)?.parse().ok()?;
    match text.len() {
        2 if year < 70 => Some(2000 + year),
        2 => Some(1900 + year),
        4 => Some(year),
        _ => None,
    }
}

fn month_of(text: &str) -> Option<Month> {
    const NAMES: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let index = NAMES.iter().position(|name| name.eq_ignore_ascii_case(text))?;
    Month::try_from(u8::try_from(index + 1).ok()?).ok()
}

fn small(text: &str) -> Option<u8> {
    digits(text).filter(|text| text.len() <= 2)?.parse().ok()
}

fn digits(text: &str) -> Option<&str> {
    text.bytes().all(|b| b.is_ascii_digit()).then_some(text)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SAMPLE: Timestamp = Timestamp(784_111_777_000);

    #[test]
    fn dates_in_every_form() {
        for text in [
            "Sun, 06 Nov 1994 08:49:37 GMT",
            "Sun, 6 Nov 1994 08:49:37 GMT",
            "Sunday, 06-Nov-94 08:49:37 GMT",
            "Sun Nov  6 08:49:37 1994",
            "1994-11-06T08:49:37Z",
            "1994-11-06T08:49:37.000Z",
            "1994-11-06T09:49:37+01:00",
            "19941106T084937Z",
        ] {
            assert_eq!(Timestamp::parse_http_date(text), Some(SAMPLE), "{text}");
        }
        assert_eq!(
            Timestamp::parse_http_date("Friday, 01-Jan-21 00:00:00 GMT"),
            Timestamp::parse_http_date("Fri, 01 Jan 2021 00:00:00 GMT"),
        );
    }

    #[test]
    fn what_is_no_date() {
        for text in [
            "",
            "yesterday",
            "784111777",
            "Sun, 06 Nov 1994 08:49:37 CET",
            "Sun, 31 Feb 1994 08:49:37 GMT",
            "Sun, 06 Nov 1994 25:49:37 GMT",
            "Sun, +6 Nov 1994 08:49:37 GMT",
            "Sun, 06 Nov 94444 08:49:37 GMT",
            "1994-11-06",
        ] {
            assert_eq!(Timestamp::parse_http_date(text), None, "{text}");
        }
    }

    #[test]
    fn shown_forms() {
        assert_eq!(SAMPLE.http_date(), "Sun, 06 Nov 1994 08:49:37 GMT");
        assert_eq!(SAMPLE.iso8601(), "1994-11-06T08:49:37.000Z");
        assert_eq!(Timestamp(1).ceil_second(), Timestamp(1000));
        assert_eq!(Timestamp(1000).ceil_second(), Timestamp(1000));
    }

    proptest! {
        #[test]
        fn what_is_shown_is_read(seconds in 0i64..200_000_000_000) {
            let at = Timestamp(seconds * 1000);
            prop_assert_eq!(Timestamp::parse_http_date(&at.http_date()), Some(at));
            prop_assert_eq!(Timestamp::parse_http_date(&at.iso8601()), Some(at));
        }

        #[test]
        fn never_panics(text in "\\PC{0,40}") {
            let _ = Timestamp::parse_http_date(&text);
        }
    }
}
