//! Markup, by its root: a page, a picture, or other XML. In UTF-8, UTF-16, or anything like them.

/// Elements with which a page may begin (WHATWG, "MIME Sniffing", section 7.1), and others that do
/// something in one.
const HTML: &[&str] = &[
    "html", "head", "script", "iframe", "h1", "div", "font", "table", "a", "style", "title", "b",
    "body", "br", "p", "img", "form", "meta", "link", "base", "object", "embed", "video", "audio",
    "input", "span", "center", "frameset", "template", "math",
];

/// What the root is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Root {
    Html,
    Svg,
    Xml,
}

/// Bytes of markup as they read: lower-case, without the zeros of UTF-16, numeric references
/// resolved, and of white space one blank.
#[derive(Debug, Default)]
pub(in crate::rules) struct Text {
    reference: Vec<u8>,
    blank: bool,
}

impl Text {
    /// Reads on; the reading goes behind `out`.
    pub(in crate::rules) fn read(&mut self, bytes: &[u8], out: &mut Vec<u8>) {
        for byte in bytes.iter().copied().filter(|byte| *byte != 0) {
            if self.reference.is_empty() {
                if byte == b'&' {
                    self.reference.push(byte);
                } else {
                    self.push(byte, out);
                }
                continue;
            }
            self.reference.push(byte.to_ascii_lowercase());
            if !self.goes_on() {
                self.resolve(out);
            }
        }
    }

    /// Whether what was read of a reference may still be one, and is not whole.
    fn goes_on(&self) -> bool {
        match self.reference.as_slice() {
            [b'&'] | [b'&', b'#'] | [b'&', b'#', b'x'] => true,
            [b'&', b'#', b'x', digits @ ..] => {
                digits.len() < 12 && digits.iter().all(u8::is_ascii_hexdigit)
            }
            [b'&', b'#', digits @ ..] => digits.len() < 12 && digits.iter().all(u8::is_ascii_digit),
            _ => false,
        }
    }

    fn resolve(&mut self, out: &mut Vec<u8>) {
        let reference = std::mem::take(&mut self.reference);
        let Some((&last, body)) = reference.split_last() else { return };
        let digits = std::str::from_utf8(body.get(2..).unwrap_or_default()).unwrap_or_default();
        let code = match digits.strip_prefix('x') {
            Some(digits) => u32::from_str_radix(digits, 16).ok(),
            None => digits.parse().ok(),
        };
        let code = code.and_then(|code| u8::try_from(code).ok()).filter(u8::is_ascii);
        let (read, whole) = match &code {
            Some(letter) => (std::slice::from_ref(letter), last == b';'),
            None => (body, false),
        };
        for byte in read {
            self.push(*byte, out);
        }
        if !whole {
            self.again(last, out);
        }
    }

    fn again(&mut self, byte: u8, out: &mut Vec<u8>) {
        if byte == b'&' {
            self.reference.push(byte);
        } else {
            self.push(byte, out);
        }
    }

    fn push(&mut self, byte: u8, out: &mut Vec<u8>) {
        let is_blank = byte.is_ascii_whitespace();
        if !(is_blank && self.blank) {
            out.push(if is_blank { b' ' } else { byte.to_ascii_lowercase() });
        }
        self.blank = is_blank;
    }
}

/// What the markup's root is; `None` where it is no markup.
pub(super) fn root(head: &[u8]) -> Option<Root> {
    let head = ["\u{feff}".as_bytes(), b"\xff\xfe", b"\xfe\xff"]
        .iter()
        .find_map(|mark| head.strip_prefix(*mark))
        .unwrap_or(head);
    let mut read = Vec::new();
    Text::default().read(head, &mut read);
    let read = String::from_utf8_lossy(&read);
    let mut rest = read.trim_start();
    let mut is_xml = false;
    loop {
        rest = rest.trim_start();
        if let Some(comment) = rest.strip_prefix("<!--") {
            // Browsers take a comment for the beginning of a page.
            let Some((_, after)) = comment.split_once("-->") else { return Some(Root::Html) };
            rest = after;
            is_xml = true;
        } else if let Some(declaration) = rest.strip_prefix("<!doctype") {
            match declaration.trim_start().get(..4) {
                Some("html") => return Some(Root::Html),
                Some("svg " | "svg>" | "svg[") => return Some(Root::Svg),
                _ => {}
            }
            let end = if declaration.split('>').next().is_some_and(|first| first.contains('[')) {
                "]>"
            } else {
                ">"
            };
            let declaration = declaration.replacen("] >", "]>", 1);
            let Some((_, after)) = declaration.split_once(end) else { return Some(Root::Xml) };
            return element(after.trim_start()).or(Some(Root::Xml));
        } else if rest.starts_with("<?xml") {
            is_xml = true;
            let Some((_, after)) = rest.split_once("?>") else { return Some(Root::Xml) };
            rest = after;
        } else {
            return element(rest).or(is_xml.then_some(Root::Xml));
        }
    }
}

fn element(text: &str) -> Option<Root> {
    let name = text.strip_prefix('<')?;
    let is_name =
        |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_' | ':');
    let end = name.find(|letter| !is_name(letter)).unwrap_or(name.len());
    let (name, after) = name.split_at(end);
    if !name.starts_with(|letter: char| letter.is_ascii_alphabetic()) {
        return None;
    }
    let local = name.rsplit(':').next().unwrap_or(name);
    if local == "svg" {
        return Some(Root::Svg);
    }
    if HTML.contains(&local) {
        return Some(Root::Html);
    }
    after.starts_with(['>', ' ', '/']).then_some(Root::Xml)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roots_are_found_behind_what_may_stand_before_them() {
        let utf16: Vec<u8> = "\u{feff}<svg/>".encode_utf16().flat_map(u16::to_le_bytes).collect();
        for (text, expected) in [
            (&b"<html>"[..], Some(Root::Html)),
            (b"\n <HTML lang=en>", Some(Root::Html)),
            (b"<!DOCTYPE html>", Some(Root::Html)),
            (b"<script>alert(1)</script>", Some(Root::Html)),
            (b"<!-- unfinished", Some(Root::Html)),
            (b"<!-- c --><svg>", Some(Root::Svg)),
            (b"<?xml version='1.0'?><!DOCTYPE svg PUBLIC 'a'><svg>", Some(Root::Svg)),
            (b"<!DOCTYPE x [<!ENTITY a 'b'>]><svg:svg xmlns:svg='u'>", Some(Root::Svg)),
            (b"<?xml version='1.0'?><html xmlns='u'>", Some(Root::Html)),
            (b"<?xml version='1.0'?><feed>", Some(Root::Xml)),
            (b"<note>x</note>", Some(Root::Xml)),
            (b"\xef\xbb\xbf<svg>", Some(Root::Svg)),
            (&utf16, Some(Root::Svg)),
            (b"< 5 is less", None),
            (b"<3", None),
            (b"plain <b>text</b>", None),
            (b"", None),
        ] {
            assert_eq!(root(text), expected, "{}", String::from_utf8_lossy(text));
        }
    }

    #[test]
    fn references_and_blanks_are_read_whatever_the_pieces() {
        let text = b"<A&#x20;&#104;REF=\"&#x6A;ava&#10;\t Script&amp;&#;&#x;&#99999;\"&";
        let mut whole = Vec::new();
        Text::default().read(text, &mut whole);
        let expected = "<a href=\"java script&amp;&#;&#x;&#99999;\"";
        assert_eq!(String::from_utf8_lossy(&whole), expected);
        let (mut pieces, mut reader) = (Vec::new(), Text::default());
        for byte in text {
            reader.read(&[*byte], &mut pieces);
        }
        assert_eq!(pieces, whole);
    }
}
