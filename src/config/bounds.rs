//! Values with bounds: absent is the default, out of bounds is a fault at its place.

use std::ops::RangeInclusive;
use std::time::Duration;

use toml::Spanned;

use super::amount::{Period, Size};
use super::document::Document;
use super::error::ConfigError;

/// A number of bytes.
pub(super) fn size(
    value: Option<&Spanned<Size>>,
    default: u64,
    allowed: RangeInclusive<u64>,
    document: &Document,
) -> Result<u64, ConfigError> {
    let Some(value) = value else { return Ok(default) };
    let bytes = value.get_ref().0;
    if allowed.contains(&bytes) {
        return Ok(bytes);
    }
    let (least, most) = (shown_size(*allowed.start()), shown_size(*allowed.end()));
    Err(document.error(&value.span(), format!("is out of bounds: {least} to {most}")))
}

fn shown_size(bytes: u64) -> String {
    let units = [("TiB", 40), ("GiB", 30), ("MiB", 20), ("KiB", 10)];
    let exact = |(_, shift): &(&str, u32)| bytes >> shift > 0 && bytes.trailing_zeros() >= *shift;
    match units.into_iter().find(exact) {
        Some((unit, shift)) => format!("{} {unit}", bytes >> shift),
        None => bytes.to_string(),
    }
}

/// A time.
pub(super) fn period(
    value: Option<&Spanned<Period>>,
    default: Duration,
    allowed: RangeInclusive<Duration>,
    document: &Document,
) -> Result<Duration, ConfigError> {
    let Some(value) = value else { return Ok(default) };
    let period = value.get_ref().0;
    if allowed.contains(&period) {
        return Ok(period);
    }
    let message = format!("is out of bounds: {:?} to {:?}", allowed.start(), allowed.end());
    Err(document.error(&value.span(), message))
}

/// A bare number.
pub(super) fn number<T: PartialOrd + Copy + std::fmt::Display>(
    value: Option<&Spanned<T>>,
    default: T,
    allowed: RangeInclusive<T>,
    document: &Document,
) -> Result<T, ConfigError> {
    let Some(value) = value else { return Ok(default) };
    if allowed.contains(value.get_ref()) {
        return Ok(*value.get_ref());
    }
    let message = format!("is out of bounds: {} to {}", allowed.start(), allowed.end());
    Err(document.error(&value.span(), message))
}
