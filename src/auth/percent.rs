//! Percent-encoding as signatures have it: what a client sent is decoded leniently and encoded anew,
//! byte by byte, because names need not be UTF-8.

use std::borrow::Cow;

use crate::object::percent::{Plus, Slash, escaped, push_encoded};

/// Decodes `raw` once and appends it encoded.
pub(super) fn recode(out: &mut Vec<u8>, mut raw: &[u8], plus: Plus, slash: Slash) {
    while let Some((byte, rest)) = next_decoded(raw, plus) {
        push_encoded(out, byte, slash);
        raw = rest;
    }
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
        [b'%', high, low, rest @ ..] => match escaped(*high, *low) {
            Some(byte) => Some((byte, rest)),
            None => raw.split_first().map(|(byte, rest)| (*byte, rest)),
        },
        [b'+', rest @ ..] if plus == Plus::Space => Some((b' ', rest)),
        [byte, rest @ ..] => Some((*byte, rest)),
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
    }
}
