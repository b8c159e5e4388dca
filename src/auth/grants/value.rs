//! What a condition compares with, read once: texts, numbers, points in time, networks.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use ipnet::IpNet;
use std::net::IpAddr;

use crate::object::Timestamp;

/// A number as conditions write it.
pub(super) fn number(text: &str) -> Option<f64> {
    let text = text.trim();
    let plain = |b: u8| b.is_ascii_digit() || matches!(b, b'.' | b'-' | b'+' | b'e' | b'E');
    if !text.bytes().all(plain) {
        return None;
    }
    text.parse().ok().filter(|value: &f64| value.is_finite())
}

/// A point in time: ISO 8601, or seconds since 1970; in milliseconds.
pub(super) fn date(text: &str) -> Option<i64> {
    let text = text.trim();
    if let Ok(seconds) = text.parse::<i64>()
        && !(text.len() == 4 && seconds > 0)
    {
        return seconds.checked_mul(1000);
    }
    let whole = match text.len() {
        4 => format!("{text}-01-01T00:00:00Z"),
        7 => format!("{text}-01T00:00:00Z"),
        10 => format!("{text}T00:00:00Z"),
        _ => text.to_owned(),
    };
    let begins = whole.starts_with(|c: char| c.is_ascii_digit());
    begins.then(|| Timestamp::parse_http_date(&whole)).flatten().map(|time| time.0)
}

/// `true` or `false`, in any case.
pub(super) fn boolean(text: &str) -> Option<bool> {
    match text.trim() {
        text if text.eq_ignore_ascii_case("true") => Some(true),
        text if text.eq_ignore_ascii_case("false") => Some(false),
        _ => None,
    }
}

/// Base64.
pub(super) fn binary(text: &str) -> Option<Vec<u8>> {
    BASE64_STANDARD.decode(text.trim()).ok()
}

/// A network, or an address as a network of one.
pub(super) fn network(text: &str) -> Option<IpNet> {
    let text = text.trim();
    let net = text.parse::<IpNet>().ok();
    net.or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from)).map(|net| net.trunc())
}

/// An address; one of IPv4 in IPv6's clothes is one of IPv4.
pub(super) fn address(text: &str) -> Option<IpAddr> {
    text.trim().parse::<IpAddr>().ok().map(|address| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_iso_or_seconds() {
        let iso = Some(1_445_412_480_000);
        assert_eq!(date("2015-10-21T07:28:00Z"), iso);
        assert_eq!(date("2015-10-21T09:28:00+02:00"), iso);
        assert_eq!(date("2015-10-21T07:28Z"), iso);
        assert_eq!(date("1445412480"), iso);
        assert_eq!(date("2015-10-21"), Some(1_445_385_600_000));
        assert_eq!(date("2015"), Some(1_420_070_400_000));
        for text in ["", "yesterday", "2015-13-01T00:00:00Z", "Wed, 21 Oct 2015 07:28:00 GMT"] {
            assert_eq!(date(text), None, "{text}");
        }
    }

    #[test]
    fn numbers_are_decimal() {
        assert_eq!(number(" 1.5 "), Some(1.5));
        assert_eq!(number("-7"), Some(-7.0));
        for text in ["", "inf", "nan", "0x1", "1,5", "1e999"] {
            assert_eq!(number(text), None, "{text}");
        }
    }

    #[test]
    fn networks_may_be_single_addresses() {
        assert!(network("10.0.0.0/8").is_some() && network("10.1.2.3").is_some());
        assert!(network("2001:db8::/32").is_some() && network("10.0.0.0/33").is_none());
        assert_eq!(address("::ffff:10.0.0.1"), address("10.0.0.1"));
    }
}
