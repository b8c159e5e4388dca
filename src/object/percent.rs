//! Percent-encoding (RFC 3986 section 2.1), as S3 has it in paths, queries, headers and listings.

/// Whether a slash stays: it does in paths, it does not in query strings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Slash {
    /// It stays.
    Keep,
    /// It is encoded.
    Encode,
}

/// What a plus sign stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Plus {
    /// Itself, as in paths.
    Literal,
    /// A space, as in queries and form data.
    Space,
}

/// A `%` without two hexadecimal digits behind it, or bytes that are no UTF-8.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Malformed;

/// Encodes every byte but the unreserved characters, in upper case: safe for those who decode a
/// plus as a space, too. Names need not be UTF-8.
pub fn encode(text: impl AsRef<[u8]>, slash: Slash) -> String {
    let text = text.as_ref();
    let mut out = Vec::with_capacity(text.len());
    for byte in text {
        push_encoded(&mut out, *byte, slash);
    }
    // All of it is ASCII.
    String::from_utf8(out).unwrap_or_default()
}

/// Encodes one byte behind `out`.
pub fn push_encoded(out: &mut Vec<u8>, byte: u8, slash: Slash) {
    match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => out.push(byte),
        b'/' if slash == Slash::Keep => out.push(byte),
        _ => out.extend([b'%', hex_digit(byte >> 4), hex_digit(byte & 15)]),
    }
}

/// Decodes once.
pub fn decode(text: &str, plus: Plus) -> Result<String, Malformed> {
    let mut decoded = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((byte, left)) = rest.split_first() {
        let (byte, left) = match (byte, left) {
            (b'%', [high, low, left @ ..]) => (escaped(*high, *low).ok_or(Malformed)?, left),
            (b'%', _) => return Err(Malformed),
            (b'+', left) if plus == Plus::Space => (b' ', left),
            (byte, left) => (*byte, left),
        };
        decoded.push(byte);
        rest = left;
    }
    String::from_utf8(decoded).map_err(|_| Malformed)
}

/// Whether decoding, by whatever rules, gives the text itself.
pub fn is_plain(text: &str) -> bool {
    !text.contains(['%', '+'])
}

/// The byte that a `%` with these two digits stands for, if they are some.
pub fn escaped(high: u8, low: u8) -> Option<u8> {
    let value = |digit: u8| char::from(digit).to_digit(16).and_then(|it| u8::try_from(it).ok());
    Some(value(high)? << 4 | value(low)?)
}

const fn hex_digit(value: u8) -> u8 {
    if value < 10 { b'0' + value } else { b'A' + value - 10 }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn decodes_exactly_once() {
        assert_eq!(decode("a%2Fb%20c+d%2B%2525", Plus::Literal), Ok("a/b c+d+%25".to_owned()));
        assert_eq!(decode("a+b%2Bc", Plus::Space), Ok("a b+c".to_owned()));
        assert_eq!(decode("%00%c3%A4", Plus::Literal), Ok("\0ä".to_owned()));
    }

    #[test]
    fn refuses_broken_escapes_and_bytes_that_are_no_text() {
        for text in ["%", "a%2", "%zz", "%+1", "%ff", "%c3%28"] {
            assert_eq!(decode(text, Plus::Literal), Err(Malformed), "{text}");
            assert_eq!(decode(text, Plus::Space), Err(Malformed), "{text}");
        }
    }

    #[test]
    fn encodes_all_but_unreserved_and_a_slash_that_is_kept() {
        assert_eq!(encode("a/b c+ü\n~", Slash::Keep), "a/b%20c%2B%C3%BC%0A~");
        assert_eq!(encode("a/b", Slash::Encode), "a%2Fb");
        assert_eq!(encode(b"\xff", Slash::Keep), "%FF");
    }

    proptest! {
        #[test]
        fn there_and_back(text in any::<String>()) {
            for slash in [Slash::Keep, Slash::Encode] {
                for plus in [Plus::Literal, Plus::Space] {
                    prop_assert_eq!(decode(&encode(&text, slash), plus), Ok(text.clone()));
                }
            }
        }
    }
}
