//! Percent-encoding (RFC 3986 section 2.1) as S3 uses it in paths, queries and listings.

use std::fmt::Write as _;

/// A `%` without two hexadecimal digits behind it, or bytes that are no UTF-8.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Malformed;

/// What a plus sign stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Plus {
    /// Itself, as in paths.
    Literal,
    /// A space, as in queries and form data.
    Space,
}

/// Decodes once.
pub(super) fn decode(text: &str, plus: Plus) -> Result<String, Malformed> {
    let mut decoded = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        decoded.push(match byte {
            b'%' => {
                let high = bytes.next().and_then(hex_digit).ok_or(Malformed)?;
                let low = bytes.next().and_then(hex_digit).ok_or(Malformed)?;
                high << 4 | low
            }
            b'+' if plus == Plus::Space => b' ',
            other => other,
        });
    }
    String::from_utf8(decoded).map_err(|_| Malformed)
}

/// Encodes every byte but the unreserved characters and the slash: safe for those who decode a
/// plus as a space, too.
pub(super) fn encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => {
                encoded.push(char::from(byte));
            }
            other => {
                // Writing to a String cannot fail.
                let _ = write!(encoded, "%{other:02X}");
            }
        }
    }
    encoded
}

/// Whether decoding, by whatever rules, gives the text itself.
pub(super) fn is_plain(text: &str) -> bool {
    !text.contains(['%', '+'])
}

fn hex_digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decodes_exactly_once() {
        assert_eq!(decode("a%2Fb%20c+d%2B%2525", Plus::Literal), Ok("a/b c+d+%25".to_owned()));
        assert_eq!(decode("a+b%2Bc", Plus::Space), Ok("a b+c".to_owned()));
        assert_eq!(decode("%00", Plus::Literal), Ok("\0".to_owned()));
    }

    #[test]
    fn refuses_broken_escapes_and_bytes_that_are_no_text() {
        for text in ["%", "a%2", "%zz", "%+1", "%ff", "%c3%28"] {
            assert_eq!(decode(text, Plus::Literal), Err(Malformed), "{text}");
        }
    }

    #[test]
    fn encodes_all_but_unreserved_and_slash() {
        assert_eq!(encode("a/b c+ü\n~"), "a/b%20c%2B%C3%BC%0A~");
    }
}
