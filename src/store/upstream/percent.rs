//! Percent-encoding (RFC 3986 section 2.1) as the upstream's headers and listings have it.

use std::fmt::Write as _;

/// Encodes every byte but the unreserved characters and those of `kept`.
pub(super) fn encode(text: &str, kept: &[u8]) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) || kept.contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

/// Decodes what `encoding-type=url` gave: services write a space as `%20` or as a plus, and a
/// plus always as `%2B`. `None` where it is not encoded text.
pub(super) fn decode(text: &str) -> Option<String> {
    let mut decoded = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        decoded.push(match byte {
            b'%' => {
                let mut digit = || bytes.next().and_then(|byte| char::from(byte).to_digit(16));
                let (high, low) = (digit()?, digit()?);
                u8::try_from(high << 4 | low).ok()?
            }
            b'+' => b' ',
            other => other,
        });
    }
    String::from_utf8(decoded).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_and_back() {
        for text in ["", "a b+c", "ü/日本%41", "\0\u{10ffff}~"] {
            assert_eq!(decode(&encode(text, b"/")).as_deref(), Some(text));
        }
        assert_eq!(encode("a/b c", b"/"), "a/b%20c");
        assert_eq!(encode("a/b", b""), "a%2Fb");
        assert_eq!(decode("a+b%2Bc").as_deref(), Some("a b+c"));
        for broken in ["%", "%4", "%zz", "%ff"] {
            assert_eq!(decode(broken), None, "{broken}");
        }
    }
}
