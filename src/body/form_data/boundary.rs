//! What stands between two parts, and how it is found in a stream.

use super::head::parameters;

/// The longest boundary (RFC 2046, section 5.1.1).
const LONGEST: usize = 70;

/// The end of a line, two dashes and the boundary.
pub(super) struct Delimiter {
    text: Vec<u8>,
    /// By the last byte of a window: how far on the next window can begin.
    skips: [u8; 256],
}

impl Delimiter {
    /// The delimiter that a request's content type names.
    pub(super) fn of(content_type: &str) -> Option<Self> {
        let (kind, rest) = content_type.split_once(';')?;
        if !kind.trim().eq_ignore_ascii_case("multipart/form-data") {
            return None;
        }
        let boundary = parameters(rest).into_iter().find(|(name, _)| name == "boundary")?.1;
        let allowed = |byte: u8| matches!(byte, b' '..=b'~');
        let fits = (1..=LONGEST).contains(&boundary.len()) && boundary.bytes().all(allowed);
        fits.then(|| Self::new(&boundary))
    }

    fn new(boundary: &str) -> Self {
        let text = [b"\r\n--", boundary.as_bytes()].concat();
        let length = u8::try_from(text.len()).unwrap_or(u8::MAX);
        let mut skips = [length; 256];
        for (byte, from_end) in text.iter().zip((1..length).rev()) {
            if let Some(skip) = skips.get_mut(usize::from(*byte)) {
                *skip = from_end;
            }
        }
        Self { text, skips }
    }

    /// How many bytes it has.
    pub(super) fn len(&self) -> usize {
        self.text.len()
    }

    /// Where it first stands. Looks at a fraction of the bytes (Horspool's search).
    pub(super) fn find(&self, content: &[u8]) -> Option<usize> {
        let mut at = 0;
        while let Some(window) = content.get(at..at + self.text.len()) {
            if window == self.text {
                return Some(at);
            }
            let last = window.last().copied().unwrap_or_default();
            at += usize::from(self.skips.get(usize::from(last)).copied().unwrap_or(1));
        }
        None
    }

    /// How many bytes at the end may be the beginning of one.
    pub(super) fn begun(&self, content: &[u8]) -> usize {
        let longest = content.len().min(self.text.len() - 1);
        let begins = |length: &usize| {
            self.text.get(..*length).is_some_and(|beginning| content.ends_with(beginning))
        };
        (1..=longest).rev().find(begins).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn boundaries_are_read_from_content_types() {
        let text = |content_type| Delimiter::of(content_type).map(|it| it.text);
        let found = Some(b"\r\n--x y".to_vec());
        assert_eq!(text("Multipart/Form-Data; charset=utf-8; Boundary=\"x y\""), found);
        assert_eq!(text("multipart/form-data;boundary=x"), Some(b"\r\n--x".to_vec()));
        for none in [
            "multipart/form-data",
            "multipart/form-data; boundary=",
            "multipart/mixed; boundary=x",
            "multipart/form-data; boundary=\"a\tb\"",
            &format!("multipart/form-data; boundary={}", "b".repeat(71)),
        ] {
            assert_eq!(text(none), None, "{none}");
        }
    }

    proptest! {
        #[test]
        fn the_first_one_is_found(boundary in "[ab-]{1,5}", content in "[ab\r\n-]{0,60}") {
            let delimiter = Delimiter::new(&boundary);
            let wanted = format!("\r\n--{boundary}");
            prop_assert_eq!(delimiter.find(content.as_bytes()), content.find(&wanted));
        }

        #[test]
        fn no_beginning_is_overlooked(boundary in "[ab-]{1,5}", content in "[ab\r\n-]{0,20}") {
            let delimiter = Delimiter::new(&boundary);
            let begun = delimiter.begun(content.as_bytes());
            let whole = format!("\r\n--{boundary}");
            for length in 1..whole.len() {
                if content.ends_with(&whole[..length]) {
                    prop_assert!(begun >= length);
                }
            }
            prop_assert!(content.ends_with(&whole[..begun]));
        }
    }
}
