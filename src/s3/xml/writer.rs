//! Writes answers.

use std::fmt::{Display, Write as _};

use bytes::Bytes;

/// The first bytes of every answer. Nothing may come before them, not even white space.
pub const DECLARATION: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";

const NAMESPACE: &str = "http://s3.amazonaws.com/doc/2006-03-01/";

/// Writes the content of an element.
#[derive(Debug)]
pub struct Writer {
    out: String,
    illegal: Illegal,
}

/// What becomes of characters that XML 1.0 cannot carry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Illegal {
    /// A numeric reference, as S3 writes in keys: no strict parser reads it, but nothing is lost.
    Reference,
    /// Left out: an error must be readable.
    Strip,
}

/// A whole answer: declaration, and a root of that name in S3's namespace.
pub fn document(name: &str, content: impl FnOnce(&mut Writer)) -> Bytes {
    let mut writer = Writer::new(DECLARATION, Illegal::Reference);
    writer.root(NAMESPACE, name, content);
    writer.out.into()
}

/// The same in another namespace, with what XML cannot carry left out.
pub fn document_in(namespace: &str, name: &str, content: impl FnOnce(&mut Writer)) -> Bytes {
    let mut writer = Writer::new(DECLARATION, Illegal::Strip);
    writer.root(namespace, name, content);
    writer.out.into()
}

/// The same without its declaration, for answers whose declaration has been sent already.
pub fn root(name: &str, content: impl FnOnce(&mut Writer)) -> Bytes {
    let mut writer = Writer::new("", Illegal::Reference);
    writer.root(NAMESPACE, name, content);
    writer.out.into()
}

/// A whole answer whose root is in no namespace.
pub fn plain_document(name: &str, content: impl FnOnce(&mut Writer)) -> Bytes {
    let mut writer = Writer::new(DECLARATION, Illegal::Reference);
    writer.element(name, content);
    writer.out.into()
}

/// A whole error answer: its root `Error` is in no namespace.
pub fn error_document(content: impl FnOnce(&mut Writer)) -> Bytes {
    let mut writer = Writer::new(DECLARATION, Illegal::Strip);
    writer.element("Error", content);
    writer.out.into()
}

/// The same without its declaration.
pub fn error_root(content: impl FnOnce(&mut Writer)) -> Bytes {
    let mut writer = Writer::new("", Illegal::Strip);
    writer.element("Error", content);
    writer.out.into()
}

impl Writer {
    fn new(start: &str, illegal: Illegal) -> Self {
        Self { out: start.to_owned(), illegal }
    }

    fn root(&mut self, namespace: &str, name: &str, content: impl FnOnce(&mut Self)) {
        self.raw(&["<", name, " xmlns=\"", namespace, "\">"]);
        content(self);
        self.raw(&["</", name, ">"]);
    }

    /// An element with what `content` writes.
    pub fn element(&mut self, name: &str, content: impl FnOnce(&mut Self)) {
        self.raw(&["<", name, ">"]);
        content(self);
        self.raw(&["</", name, ">"]);
    }

    /// An element with text.
    pub fn text(&mut self, name: &str, text: &str) {
        self.element(name, |writer| writer.escaped(text));
    }

    /// Text in the element that is being written.
    pub fn characters(&mut self, text: &str) {
        self.escaped(text);
    }

    /// An element with text, where there is any.
    pub fn optional(&mut self, name: &str, text: Option<&str>) {
        if let Some(text) = text {
            self.text(name, text);
        }
    }

    /// An element with a number, a boolean, or whatever else shows itself without markup.
    pub fn value(&mut self, name: &str, value: impl Display) {
        self.text(name, &value.to_string());
    }

    /// An element with attributes that it needs verbatim: `Grantee` and its type.
    pub fn element_with(
        &mut self,
        name: &str,
        attributes: &[(&str, &str)],
        content: impl FnOnce(&mut Self),
    ) {
        self.raw(&["<", name]);
        for (attribute, value) in attributes {
            self.raw(&[" ", attribute, "=\""]);
            self.escaped(value);
            self.raw(&["\""]);
        }
        self.raw(&[">"]);
        content(self);
        self.raw(&["</", name, ">"]);
    }

    fn raw(&mut self, pieces: &[&str]) {
        for piece in pieces {
            self.out.push_str(piece);
        }
    }

    fn escaped(&mut self, text: &str) {
        for character in text.chars() {
            match character {
                '&' => self.out.push_str("&amp;"),
                '<' => self.out.push_str("&lt;"),
                '>' => self.out.push_str("&gt;"),
                '"' => self.out.push_str("&quot;"),
                '\'' => self.out.push_str("&#39;"),
                // Written raw it would be read as a line feed.
                '\r' => self.out.push_str("&#13;"),
                _ if is_legal_character(character) => self.out.push(character),
                _ => self.illegal(character),
            }
        }
    }

    fn illegal(&mut self, character: char) {
        if self.illegal == Illegal::Reference {
            // Writing to a String cannot fail.
            let _ = write!(self.out, "&#x{:X};", u32::from(character));
        }
    }
}

/// Whether XML 1.0 can carry the whole text.
pub fn is_legal(text: &str) -> bool {
    text.chars().all(is_legal_character)
}

/// Whether XML 1.0's production `Char` allows it.
fn is_legal_character(character: char) -> bool {
    matches!(character,
        '\t' | '\n' | '\r' | '\u{20}'..='\u{fffd}' | '\u{10000}'..='\u{10ffff}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::s3::xml::parse;

    #[test]
    fn a_document_starts_with_its_declaration_and_has_the_namespace_first() {
        let bytes = document("ListBucketResult", |w| {
            w.text("Name", "b");
            w.value("KeyCount", 2);
            w.optional("Delimiter", None);
            w.element("Contents", |w| w.optional("Key", Some("k")));
        });
        assert_eq!(
            std::str::from_utf8(&bytes).unwrap(),
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
             <ListBucketResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">\
             <Name>b</Name><KeyCount>2</KeyCount><Contents><Key>k</Key></Contents>\
             </ListBucketResult>"
        );
    }

    #[test]
    fn an_error_has_no_namespace_and_loses_what_xml_cannot_carry() {
        let bytes = error_document(|w| w.text("Key", "a\u{1}\u{fffe}\r\nb"));
        assert_eq!(
            std::str::from_utf8(&bytes).unwrap(),
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Key>a&#13;\nb</Key></Error>"
        );
        assert_eq!(&*error_root(|w| w.text("Code", "x")), b"<Error><Code>x</Code></Error>");
    }

    #[test]
    fn markup_is_escaped_and_illegal_characters_become_references() {
        let bytes = root("K", |w| w.text("Key", "<&>\"'\u{0}\u{1f}\u{7f}\u{ffff}\u{1F600}"));
        let text = std::str::from_utf8(&bytes).unwrap();
        assert!(
            text.contains("<Key>&lt;&amp;&gt;&quot;&#39;&#x0;&#x1F;\u{7f}&#xFFFF;\u{1F600}</Key>"),
            "{text}"
        );
    }

    #[test]
    fn attributes_are_written_escaped() {
        let bytes = root("K", |w| w.element_with("G", &[("a", "<\">")], |w| w.text("ID", "1")));
        let text = std::str::from_utf8(&bytes).unwrap();
        assert!(text.ends_with("<G a=\"&lt;&quot;&gt;\"><ID>1</ID></G></K>"), "{text}");
    }

    #[test]
    fn every_character_but_nul_reads_back_as_written() {
        for start in (1..0x11_0000_u32).step_by(4096) {
            let text: String = (start..start + 4096).filter_map(char::from_u32).collect();
            let bytes = document("K", |w| w.text("Key", &text));
            let read = parse(&bytes).unwrap();
            assert_eq!(read.required_text("Key").unwrap(), text, "from {start:#x}");
        }
    }
}
