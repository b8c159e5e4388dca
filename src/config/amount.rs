//! Sizes and times as people write them: `"128 KiB"`, `"7d"`.

use std::time::Duration;

use serde::Deserialize;
use serde::de::{Deserializer, Error as _, Visitor};

/// A number of bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Size(pub u64);

/// A length of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Period(pub Duration);

const SIZE_UNITS: &[(&str, u64)] = &[
    ("", 1),
    ("b", 1),
    ("kb", 1000),
    ("mb", 1_000_000),
    ("gb", 1_000_000_000),
    ("tb", 1_000_000_000_000),
    ("kib", 1 << 10),
    ("mib", 1 << 20),
    ("gib", 1 << 30),
    ("tib", 1 << 40),
];

const TIME_UNITS: &[(&str, u64)] =
    &[("ms", 1), ("s", 1000), ("m", 60_000), ("min", 60_000), ("h", 3_600_000), ("d", 86_400_000)];

const SIZE_FORM: &str = "a size such as 8192, \"128 KiB\" or \"1 GiB\"";
const TIME_FORM: &str = "a time such as \"500ms\", \"30s\", \"5m\", \"2h\" or \"7d\"";

impl Size {
    /// Reads `"128 KiB"`; a bare number is bytes.
    pub fn parse(text: &str) -> Result<Self, String> {
        scaled(text, SIZE_UNITS).map(Self).ok_or_else(|| wrong(text, SIZE_FORM))
    }
}

impl Period {
    /// Reads `"7d"`; the unit is never left out.
    pub fn parse(text: &str) -> Result<Self, String> {
        let milliseconds = scaled(text, TIME_UNITS).ok_or_else(|| wrong(text, TIME_FORM))?;
        Ok(Self(Duration::from_millis(milliseconds)))
    }
}

fn wrong(text: &str, form: &str) -> String {
    format!("{text:?} is not {form}")
}

fn scaled(text: &str, units: &[(&str, u64)]) -> Option<u64> {
    let text = text.trim();
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at_checked(digits)?;
    let unit = unit.trim_start().to_ascii_lowercase();
    let factor = units.iter().find(|(name, _)| *name == unit)?.1;
    number.parse::<u64>().ok()?.checked_mul(factor)
}

impl<'de> Deserialize<'de> for Size {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Reader;

        impl Visitor<'_> for Reader {
            type Value = Size;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(SIZE_FORM)
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Size, E> {
                Size::parse(text).map_err(E::custom)
            }

            fn visit_i64<E: serde::de::Error>(self, bytes: i64) -> Result<Size, E> {
                let bytes =
                    u64::try_from(bytes).map_err(|_| E::custom("a size is not negative"))?;
                Ok(Size(bytes))
            }
        }

        from.deserialize_any(Reader)
    }
}

impl<'de> Deserialize<'de> for Period {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Reader;

        impl Visitor<'_> for Reader {
            type Value = Period;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(TIME_FORM)
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Period, E> {
                Period::parse(text).map_err(E::custom)
            }
        }

        from.deserialize_any(Reader).map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_with_and_without_unit() {
        let cases = [("0", 0), ("8192", 8192), ("128 KiB", 131_072), ("128kib", 131_072)];
        for (text, bytes) in cases.into_iter().chain([("1GB", 1_000_000_000), (" 2 TiB ", 2 << 40)])
        {
            assert_eq!(Size::parse(text), Ok(Size(bytes)), "{text}");
        }
        for text in ["", "KiB", "-1", "1.5 MiB", "1 XB", "99999999999 TiB", "1 Ki B"] {
            assert!(Size::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn times_need_their_unit() {
        let cases = [("500ms", 500), ("30s", 30_000), ("5m", 300_000), ("7 d", 604_800_000)];
        for (text, milliseconds) in cases {
            assert_eq!(Period::parse(text), Ok(Period(Duration::from_millis(milliseconds))));
        }
        for text in ["", "30", "s", "1w", "-3s", "1h30m"] {
            assert!(Period::parse(text).is_err(), "{text}");
        }
    }
}
