//! Percent-encoding as Signature Version 4 has it: everything but RFC 3986's unreserved characters,
//! in upper case. Works on bytes: names need not be UTF-8.

use std::borrow::Cow;

/// Whether a slash stays: it does in paths, it does not in query strings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Slash {
    Keep,
    Encode,
}

/// What a raw `+` stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Plus {
    Literal,
    Space,
}

/// Decodes `raw` once and appends it encoded.
pub(super) fn recode(out: &mut Vec<u8>, mut raw: &[u8], plus: Plus, slash: Slash) {
    while let Some((byte, rest)) = next_decoded(raw, plus) {
        push_encoded(out, byte, slash);
        raw = rest;
    }
}

/// `text` encoded.
pub(super) fn encode(text: &[u8], slash: Slash) -> String {
    let mut out = Vec::with_capacity(text.len());
    for byte in text {
        push_encoded(&mut out, *byte, slash);
    }
    String::from_utf8(out).unwrap_or_default()
}

/// Decodes once. A `%` that no two hexadecimal digits follow stands for itself.
pub(super) fn decode(raw: &[u8], plus: Plus) -> Cow<'_, [u8]> {
    let plain = |byte: &u8| *byte != b'%' && (*byte != b'+' || plus == Plus::Literal);
    if raw.iter().all(plain) {
        return Cow::Borrowed(raw);
    }
    let mut out = Vec::with_capacity(raw.len());
    let mut raw = raw;
    while let Some((byte, rest)) = next_decoded(raw, plus) {
        out.push(byte);
        raw = rest;
    }
    Cow::Owned(out)
}

fn next_decoded(raw: &[u8], plus: Plus) -> Option<(u8, &[u8])> {
    match raw {
        [] => None,
        [b'%', high, low, rest @ ..] => match (hex_value(*high), hex_value(*low)) {
            (Some(high), Some(low)) => Some((high << 4 | low, rest)),
            _ => raw.split_first().map(|(byte, rest)| (*byte, rest)),
        },
        [b'+', rest @ ..] if plus == Plus::Space => Some((b' ', rest)),
        [byte, rest @ ..] => Some((*byte, rest)),
    }
}

fn push_encoded(out: &mut Vec<u8>, byte: u8, slash: Slash) {
    match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => out.push(byte),
        b'/' if slash == Slash::Keep => out.push(byte),
        _ => out.extend([b'%', hex_digit(byte >> 4), hex_digit(byte & 15)]),
    }
}

const fn hex_digit(value: u8) -> u8 {
    if value < 10 { b'0' + value } else { b'A' + value - 10 }
}

const fn hex_value(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(raw: &str) -> String {
        let mut out = Vec::new();
        recode(&mut out, raw.as_bytes(), Plus::Literal, Slash::Keep);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn recoding_decodes_once_and_encodes_in_upper_case() {
        assert_eq!(path("/a%2fb/%7Ec/ä@!"), "/a/b/~c/%C3%A4%40%21");
        assert_eq!(path("/%2525"), "/%2525");
        assert_eq!(path("/a+b%2Bc%20d"), "/a%2Bb%2Bc%20d");
        assert_eq!(path("//a//../b/./"), "//a//../b/./");
    }

    #[test]
    fn a_malformed_escape_stands_for_itself() {
        assert_eq!(path("/%zz%4"), "/%25zz%254");
        assert_eq!(&*decode(b"%", Plus::Space), b"%");
        assert_eq!(&*decode(b"%e", Plus::Space), b"%e");
    }

    #[test]
    fn plus_is_a_space_where_asked() {
        assert_eq!(&*decode(b"a+b%2B", Plus::Space), b"a b+");
        assert_eq!(&*decode(b"a+b%2B", Plus::Literal), b"a+b+");
        assert_eq!(encode(b"a/b c", Slash::Encode), "a%2Fb%20c");
    }
}
