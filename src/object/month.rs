//! Calendar months, by which use is told.

use std::fmt;

use super::Timestamp;

/// A month of a year, in UTC.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
pub struct Month(u16);

impl Month {
    /// The month that a point in time lies in. Years before 0 and after 5460 are cut to those.
    pub fn of(time: Timestamp) -> Self {
        let at = time.utc();
        let year = u16::try_from(at.year().clamp(0, 5460)).unwrap_or_default();
        Self(year * 12 + u16::from(u8::from(at.month())) - 1)
    }

    /// Reads `2025-03`.
    pub fn parse(text: &str) -> Option<Self> {
        let (year, month) = text.split_once('-')?;
        let digits =
            |text: &str, len| text.len() == len && text.bytes().all(|b| b.is_ascii_digit());
        if !digits(year, 4) || !digits(month, 2) {
            return None;
        }
        let (year, month): (u16, u16) = (year.parse().ok()?, month.parse().ok()?);
        (year <= 5460 && (1..=12).contains(&month)).then(|| Self(year * 12 + month - 1))
    }

    /// Its number, by which it is kept: months since the beginning of year 0.
    pub fn number(self) -> u16 {
        self.0
    }

    /// The month with that number.
    pub fn from_number(number: u16) -> Self {
        Self(number)
    }
}

impl fmt::Display for Month {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}", self.0 / 12, self.0 % 12 + 1)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn months_are_those_of_the_calendar() {
        for (text, month) in [
            ("2024-02-29T23:59:59.999Z", "2024-02"),
            ("2024-03-01T00:00:00Z", "2024-03"),
            ("1969-12-31T23:59:59Z", "1969-12"),
            ("2025-12-31T12:00:00Z", "2025-12"),
        ] {
            let time = Timestamp::parse_http_date(text).expect(text);
            assert_eq!(Month::of(time).to_string(), month, "{text}");
            assert_eq!(Month::parse(month), Some(Month::of(time)));
        }
        for text in ["", "2024", "2024-0", "2024-13", "2024-00", "24-01", "+024-01", "9999-01"] {
            assert_eq!(Month::parse(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_time_has_a_month_that_reads_back(time in any::<i64>()) {
            let month = Month::of(Timestamp(time));
            prop_assert_eq!(Month::from_number(month.number()), month);
            prop_assert_eq!(Month::parse(&month.to_string()), Some(month));
        }
    }
}
