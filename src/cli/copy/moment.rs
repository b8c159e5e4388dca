//! Modification times as rclone and s3fs keep them with an object: `x-amz-meta-mtime`, seconds since
//! 1970 with as many decimals as there are.

use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The header.
pub(super) const HEADER: &str = "x-amz-meta-mtime";

/// A point in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Moment {
    seconds: i64,
    nanos: u32,
}

impl Moment {
    pub(super) fn of(time: SystemTime) -> Self {
        match time.duration_since(UNIX_EPOCH) {
            Ok(since) => Self {
                seconds: i64::try_from(since.as_secs()).unwrap_or(i64::MAX),
                nanos: since.subsec_nanos(),
            },
            Err(before) => {
                let before = before.duration();
                let whole = i64::try_from(before.as_secs()).unwrap_or(i64::MAX);
                match before.subsec_nanos() {
                    0 => Self { seconds: -whole, nanos: 0 },
                    nanos => Self { seconds: -whole - 1, nanos: 1_000_000_000 - nanos },
                }
            }
        }
    }

    pub(super) fn from_seconds(seconds: i64) -> Self {
        Self { seconds, nanos: 0 }
    }

    /// Reads a header's value; `None` where it is none.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (whole, decimals) = text.split_once('.').unwrap_or((text, ""));
        let is_negative = whole.starts_with('-');
        let seconds: i64 = whole.parse().ok()?;
        if !decimals.bytes().all(|digit| digit.is_ascii_digit()) {
            return None;
        }
        let nanos: u32 = format!("{decimals:0<9}").get(..9)?.parse().ok()?;
        match (is_negative, nanos) {
            (true, 1..) => {
                Some(Self { seconds: seconds.checked_sub(1)?, nanos: 1_000_000_000 - nanos })
            }
            _ => Some(Self { seconds, nanos }),
        }
    }

    /// Whether both are the same, as far as both say: one may know whole seconds alone.
    pub(super) fn agrees(self, other: Self) -> bool {
        let known = self.nanos == 0 || other.nanos == 0 || self.nanos == other.nanos;
        self.seconds == other.seconds && known
    }

    /// `None` where the system cannot express it.
    pub(super) fn time(self) -> Option<SystemTime> {
        let whole = Duration::from_secs(self.seconds.unsigned_abs());
        let base = if self.seconds < 0 {
            UNIX_EPOCH.checked_sub(whole)
        } else {
            UNIX_EPOCH.checked_add(whole)
        };
        base?.checked_add(Duration::from_nanos(self.nanos.into()))
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (sign, seconds, nanos) = match (self.seconds < 0, self.nanos) {
            (true, 1..) => ("-", (self.seconds + 1).unsigned_abs(), 1_000_000_000 - self.nanos),
            (true, 0) => ("-", self.seconds.unsigned_abs(), 0),
            (false, nanos) => ("", self.seconds.unsigned_abs(), nanos),
        };
        if nanos == 0 {
            return write!(f, "{sign}{seconds}");
        }
        let decimals = format!("{nanos:09}");
        write!(f, "{sign}{seconds}.{}", decimals.trim_end_matches('0'))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again() {
        for (text, seconds, nanos) in [
            ("0", 0, 0),
            ("1354040105.123456789", 1_354_040_105, 123_456_789),
            ("1354040105.5", 1_354_040_105, 500_000_000),
            ("-1.25", -2, 750_000_000),
            ("-0.5", -1, 500_000_000),
            ("-3", -3, 0),
        ] {
            let moment = Moment::parse(text).expect(text);
            assert_eq!(moment, Moment { seconds, nanos }, "{text}");
            assert_eq!(moment.to_string(), text);
            assert_eq!(Moment::of(moment.time().expect(text)), moment);
        }
        for text in ["", "x", "1.x", "1,5", "."] {
            assert_eq!(Moment::parse(text), None, "{text}");
        }
    }

    #[test]
    fn whole_seconds_agree_with_any_part_of_them() {
        let at = |text| Moment::parse(text).unwrap();
        assert!(at("5").agrees(at("5.25")) && at("5.25").agrees(at("5.250")));
        assert!(!at("5.25").agrees(at("5.26")) && !at("5").agrees(at("6")));
    }
}
