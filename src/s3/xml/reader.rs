//! From bytes to an [`Element`] tree.
//!
//! quick-xml gives the events; what it leaves open is decided here: one root and nothing after it,
//! no DOCTYPE, no entities but the five predefined ones and character references, all elements
//! closed, and bounds on depth, elements and attributes.

use quick_xml::events::{BytesDecl, BytesRef, BytesStart, Event};
use quick_xml::{Reader, XmlVersion};

use super::{Element, MalformedXml};

/// The deepest nesting; S3's own request documents stay under ten.
const MAX_DEPTH: usize = 32;
/// The most elements: a completion of 10,000 parts with a checksum of each algorithm has 80,001.
const MAX_ELEMENTS: usize = 120_000;
/// The most attributes of one element: looking for duplicates takes quadratic time.
const MAX_ATTRIBUTES: usize = 32;

const ILL_FORMED: MalformedXml = MalformedXml("the document is not well-formed XML");

/// Reads a document.
///
/// Raw control characters in text are let through although XML 1.0 forbids them: some SDKs write
/// keys so, and refusing would make such objects impossible to delete.
pub fn parse(bytes: &[u8]) -> Result<Element, MalformedXml> {
    let text = std::str::from_utf8(bytes).map_err(|_| MalformedXml("the document is not UTF-8"))?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut reader = Reader::from_str(text);
    reader.config_mut().enable_all_checks(true);
    let mut tree = Tree::default();
    let mut first = true;
    loop {
        match reader.read_event().map_err(|_| ILL_FORMED)? {
            Event::Decl(declaration) if first => check_declaration(&declaration)?,
            Event::Decl(_) => return Err(ILL_FORMED),
            Event::DocType(_) => return Err(MalformedXml("a document type is not accepted")),
            Event::Start(start) => tree.open(&start)?,
            Event::Empty(start) => {
                tree.open(&start)?;
                tree.close()?;
            }
            Event::End(_) => tree.close()?,
            Event::Text(text) if text.contains("]]>") => return Err(ILL_FORMED),
            Event::Text(text) => tree.text(&text.xml10_content())?,
            Event::CData(data) => tree.character_data(&data.xml10_content())?,
            Event::GeneralRef(reference) => tree.character_data(resolve(&reference)?.as_str())?,
            Event::Comment(_) | Event::PI(_) => {}
            Event::Eof => return tree.finish(),
        }
        first = false;
    }
}

/// Reads a document whose root has that name.
pub fn parse_root(bytes: &[u8], name: &str) -> Result<Element, MalformedXml> {
    let root = parse(bytes)?;
    if root.name() == name { Ok(root) } else { Err(MalformedXml("the root element is another")) }
}

#[derive(Default)]
struct Tree {
    open: Vec<Element>,
    root: Option<Element>,
    elements: usize,
}

impl Tree {
    fn open(&mut self, start: &BytesStart<'_>) -> Result<(), MalformedXml> {
        self.elements += 1;
        if self.root.is_some() {
            return Err(MalformedXml("the document has more than one root"));
        }
        if self.open.len() >= MAX_DEPTH || self.elements > MAX_ELEMENTS {
            return Err(MalformedXml("the document has too many elements"));
        }
        check_attributes(start)?;
        let name = start.local_name();
        let name: &str = name.as_ref();
        if name.is_empty() {
            return Err(ILL_FORMED);
        }
        self.open.push(Element { name: name.to_owned(), ..Element::default() });
        Ok(())
    }

    fn close(&mut self) -> Result<(), MalformedXml> {
        let mut element = self.open.pop().ok_or(ILL_FORMED)?;
        if !element.children.is_empty() {
            if !is_blank(&element.text) {
                return Err(MalformedXml("there is text between elements"));
            }
            element.text = String::new();
        }
        match self.open.last_mut() {
            Some(parent) => parent.children.push(element),
            None => self.root = Some(element),
        }
        Ok(())
    }

    fn text(&mut self, text: &str) -> Result<(), MalformedXml> {
        if self.open.is_empty() && is_blank(text) {
            return Ok(());
        }
        self.character_data(text)
    }

    fn character_data(&mut self, text: &str) -> Result<(), MalformedXml> {
        let element = self.open.last_mut().ok_or(MalformedXml("there is text outside the root"))?;
        element.text.push_str(text);
        Ok(())
    }

    fn finish(self) -> Result<Element, MalformedXml> {
        if !self.open.is_empty() {
            return Err(ILL_FORMED);
        }
        self.root.ok_or(MalformedXml("the document is empty"))
    }
}

/// XML's own idea of white space, narrower than Unicode's.
fn is_blank(text: &str) -> bool {
    text.bytes().all(|byte| matches!(byte, b' ' | b'\t' | b'\r' | b'\n'))
}

fn check_declaration(declaration: &BytesDecl<'_>) -> Result<(), MalformedXml> {
    declaration.version().map_err(|_| ILL_FORMED)?;
    let Some(encoding) = declaration.encoding() else {
        return Ok(());
    };
    let encoding = encoding.map_err(|_| ILL_FORMED)?;
    let known = ["UTF-8", "UTF8", "US-ASCII", "ASCII"];
    if known.iter().any(|name| name.eq_ignore_ascii_case(&encoding)) {
        Ok(())
    } else {
        Err(MalformedXml("the document's encoding is not UTF-8"))
    }
}

fn check_attributes(start: &BytesStart<'_>) -> Result<(), MalformedXml> {
    for (count, attribute) in start.attributes().enumerate() {
        if count >= MAX_ATTRIBUTES {
            return Err(MalformedXml("an element has too many attributes"));
        }
        let attribute = attribute.map_err(|_| ILL_FORMED)?;
        attribute.normalized_value(XmlVersion::Implicit1_0).map_err(|_| ILL_FORMED)?;
    }
    Ok(())
}

/// What a reference stands for; characters that XML 1.0 forbids are accepted in this form.
fn resolve(reference: &BytesRef<'_>) -> Result<String, MalformedXml> {
    if let Some(character) = reference.resolve_char_ref().map_err(|_| ILL_FORMED)? {
        return Ok(character.to_string());
    }
    let name: &str = reference;
    let text = match name {
        "lt" => "<",
        "gt" => ">",
        "amp" => "&",
        "apos" => "'",
        "quot" => "\"",
        _ => return Err(MalformedXml("the document uses an entity that is not predefined")),
    };
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests;
