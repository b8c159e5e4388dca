//! The forms in which clients say when they signed.

use time::format_description::FormatItem;
use time::format_description::well_known::Rfc2822;
use time::macros::format_description;
use time::{Date, OffsetDateTime, PrimitiveDateTime};

use crate::object::Timestamp;

const ISO_BASIC: &[FormatItem<'_>] =
    format_description!("[year][month][day]T[hour][minute][second]Z");
const ISO_DAY: &[FormatItem<'_>] = format_description!("[year][month][day]");

/// How far a client's clock may be off, either way.
pub(super) const MAX_SKEW_MILLIS: i64 = 15 * 60 * 1000;

/// `yyyyMMddTHHmmssZ`, the form of `x-amz-date`.
pub(super) fn parse_iso_basic(text: &str) -> Option<Timestamp> {
    let time = PrimitiveDateTime::parse(unsigned(text)?, ISO_BASIC).ok()?;
    Some(timestamp(time.assume_utc()))
}

/// The form of `x-amz-date`, or one of RFC 1123, as in `Date`.
pub fn parse_any(text: &str) -> Option<Timestamp> {
    parse_iso_basic(text).or_else(|| parse_http(text))
}

/// `yyyyMMddTHHmmssZ` of a point in time.
pub(super) fn iso_basic(time: Timestamp) -> String {
    time.utc().format(ISO_BASIC).unwrap_or_default()
}

/// Whether `text` is a calendar day as `yyyyMMdd`.
pub(super) fn is_day(text: &str) -> bool {
    unsigned(text).is_some_and(|text| Date::parse(text, ISO_DAY).is_ok())
}

/// Whether the two are further apart than clocks may be.
pub(super) fn is_skewed(time: Timestamp, now: Timestamp) -> bool {
    time.0.abs_diff(now.0) > MAX_SKEW_MILLIS.unsigned_abs()
}

/// Refuses a year with a sign, which the calendar's parser would take.
fn unsigned(text: &str) -> Option<&str> {
    Some(text).filter(|text| text.starts_with(|first: char| first.is_ascii_digit()))
}

fn parse_http(text: &str) -> Option<Timestamp> {
    // RFC 2822 knows GMT and UT but not UTC.
    let time = match text.trim().strip_suffix("UTC") {
        Some(rest) => OffsetDateTime::parse(&format!("{rest}GMT"), &Rfc2822),
        None => OffsetDateTime::parse(text.trim(), &Rfc2822),
    };
    time.ok().map(timestamp)
}

fn timestamp(time: OffsetDateTime) -> Timestamp {
    Timestamp(time.unix_timestamp().saturating_mul(1000))
}

#[cfg(test)]
mod tests {
    use super::*;

    const EXAMPLE: Timestamp = Timestamp(1_369_353_600_000);

    #[test]
    fn every_form_is_read() {
        for text in [
            "20130524T000000Z",
            "Fri, 24 May 2013 00:00:00 GMT",
            "Fri, 24 May 2013 00:00:00 UTC",
            "Fri, 24 May 2013 00:00:00 +0000",
            "Fri, 24 May 2013 02:00:00 +0200",
            "Fri, 24 May 2013 00:00:00 -0000",
        ] {
            assert_eq!(parse_any(text), Some(EXAMPLE), "{text}");
        }
        assert_eq!(iso_basic(EXAMPLE), "20130524T000000Z");
    }

    #[test]
    fn what_is_no_date_is_refused() {
        for text in [
            "",
            "\u{7}",
            "20130524",
            "20130524T000000",
            "2013-05-24T00:00:00Z",
            "hello",
            "20130532T000000Z",
            "20130524T250000Z",
            "+20130524T000000Z",
            "20130524T000000Z ",
        ] {
            assert_eq!(parse_iso_basic(text), None, "{text}");
        }
        assert!(
            is_day("20130524")
                && !is_day("20130230")
                && !is_day("130524")
                && !is_day("+20130524")
                && !is_day("")
        );
    }
}
