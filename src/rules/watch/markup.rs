//! Scripts in markup that is shown as a picture or a document.

use super::super::sniff::Text;

/// How much of what was read is read again with what follows: more than any pattern is long.
const CARRY: usize = 64;
const SCRIPT: &str = "it holds a script";
/// Elements that run or show something of somebody else's.
const ELEMENTS: &[(&str, &str)] = &[
    ("script", SCRIPT),
    ("handler", SCRIPT),
    ("foreignobject", "it holds a page"),
    ("iframe", "it holds a page"),
    ("embed", "it holds other content"),
    ("object", "it holds other content"),
];
/// What is dangerous wherever it stands.
const ANYWHERE: &[(&str, &str)] = &[
    ("<!entity", "it defines entities, which can hide a script"),
    ("<?xml-stylesheet", "it is shown by a style sheet, which can be a script"),
    ("data:text/html", "it holds a page"),
    ("http://www.w3.org/1999/xhtml", "it holds a page"),
];
const SCHEMES: &[&str] = &["javascript:", "vbscript:"];

/// A search for scripts.
#[derive(Debug, Default)]
pub(in crate::rules) struct Markup {
    text: Text,
    /// The end of what was read.
    carry: Vec<u8>,
}

impl Markup {
    /// Reads on; says what it finds.
    pub(super) fn read(&mut self, bytes: &[u8]) -> Option<&'static str> {
        let mut read = std::mem::take(&mut self.carry);
        self.text.read(bytes, &mut read);
        let found = find(&String::from_utf8_lossy(&read));
        self.carry = read.split_off(read.len().saturating_sub(CARRY));
        found
    }
}

fn find(text: &str) -> Option<&'static str> {
    if let Some((_, says)) = ANYWHERE.iter().find(|(wanted, _)| text.contains(wanted)) {
        return Some(says);
    }
    if let Some(says) = text.split('<').skip(1).find_map(dangerous_element) {
        return Some(says);
    }
    // A scheme may have white space in it.
    let dense: String = text.chars().filter(|letter| *letter != ' ').collect();
    if SCHEMES.iter().any(|scheme| dense.contains(scheme)) || has_handler(text) {
        return Some(SCRIPT);
    }
    None
}

/// What the element that begins here is, with or without a prefix.
fn dangerous_element(tag: &str) -> Option<&'static str> {
    let is_name =
        |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, ':' | '-' | '_');
    let name = tag.split(|letter| !is_name(letter)).next().unwrap_or_default();
    // The name may go on in what is still to come.
    let whole = name.len() < tag.len();
    let local = name.rsplit(':').next().unwrap_or_default();
    let known = ELEMENTS.iter().find(|(element, _)| whole && local == *element);
    known.map(|(_, says)| *says)
}

/// Whether an attribute such as `onload=` is there.
fn has_handler(text: &str) -> bool {
    text.match_indices("on").any(|(at, _)| {
        let before = text.get(..at).and_then(|before| before.chars().next_back());
        let behind = text.get(at + 2..).unwrap_or_default();
        let letters = behind.bytes().take_while(u8::is_ascii_alphabetic).count();
        let rest = behind.get(letters..).unwrap_or_default().trim_start();
        before.is_some_and(|before| matches!(before, ' ' | '"' | '\'' | '/'))
            && letters >= 3
            && rest.starts_with('=')
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &[u8], piece: usize) -> Option<&'static str> {
        let mut markup = Markup::default();
        text.chunks(piece).find_map(|piece| markup.read(piece))
    }

    #[test]
    fn scripts_are_found_however_they_are_written() {
        let utf16: Vec<u8> = "<svg><script>".encode_utf16().flat_map(u16::to_be_bytes).collect();
        for text in [
            &b"<svg><script>alert(1)</script></svg>"[..],
            b"<svg><SCRIPT\nhref='x'/></svg>",
            b"<x:svg xmlns:x='u'><x:script>1</x:script></x:svg>",
            b"<svg onload='alert(1)'/>",
            b"<svg\tONLOAD =\n'alert(1)'/>",
            b"<svg a=''onclick=\"x\"/>",
            b"<svg/onfocus=x>",
            b"<a xlink:href='javascript:alert(1)'>",
            b"<a href=' java\nscript:x'>",
            b"<a href='&#106;avascript&#x3a;x'>",
            b"<svg><foreignObject><b/></foreignObject></svg>",
            b"<!DOCTYPE svg [<!ENTITY x 'y'>]>",
            b"<?xml-stylesheet href='x.xsl'?><svg/>",
            b"<svg><iframe src='x'/></svg>",
            &utf16,
        ] {
            for piece in [1, 3, 7, 1000] {
                assert!(found(text, piece).is_some(), "{} {piece}", String::from_utf8_lossy(text));
            }
        }
    }

    #[test]
    fn pictures_without_any_pass() {
        for text in [
            &b"<?xml version=\"1.0\"?><svg version=\"1.1\" contentScriptType='x'><path d='M 0'/></svg>"[..],
            b"<svg><text>only a description = text, once upon a time</text></svg>",
            b"<svg><g id='scripted' class='on' font-family='x'/><animation/></svg>",
            b"<svg style='fill:&#35;fff'>&amp;&lt;</svg>",
        ] {
            for piece in [1, 5, 1000] {
                assert_eq!(found(text, piece), None, "{}", String::from_utf8_lossy(text));
            }
        }
    }
}
