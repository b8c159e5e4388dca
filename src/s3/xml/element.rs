//! The tree that a request document is read into.

use super::MalformedXml;

/// An element with either text or child elements.
///
/// Names are local names: S3's clients send its namespace, none at all, or a prefix for it.
/// Attributes are checked by the reader and not kept, no request document of ours has any.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Element {
    pub(super) name: String,
    pub(super) text: String,
    pub(super) children: Vec<Element>,
}

impl Element {
    /// The local name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The text, whitespace included. Refused where there are child elements instead.
    pub fn text(&self) -> Result<&str, MalformedXml> {
        if self.children.is_empty() {
            Ok(&self.text)
        } else {
            Err(MalformedXml("an element has children where text belongs"))
        }
    }

    /// All children of that name, in the document's order; others in between do not matter.
    pub fn children<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Self> {
        self.children.iter().filter(move |child| child.name == name)
    }

    /// The one child of that name. Refused where there are several.
    pub fn child(&self, name: &str) -> Result<Option<&Self>, MalformedXml> {
        let mut named = self.children.iter().filter(|child| child.name == name);
        let first = named.next();
        if named.next().is_some() {
            return Err(MalformedXml("an element is there more than once"));
        }
        Ok(first)
    }

    /// The one child of that name, which must be there.
    pub fn required(&self, name: &str) -> Result<&Self, MalformedXml> {
        self.child(name)?.ok_or(MalformedXml("a required element is missing"))
    }

    /// The text of the one child of that name, if it is there.
    pub fn child_text(&self, name: &str) -> Result<Option<&str>, MalformedXml> {
        self.child(name)?.map(Self::text).transpose()
    }

    /// The text of the one child of that name, which must be there.
    pub fn required_text(&self, name: &str) -> Result<&str, MalformedXml> {
        self.required(name)?.text()
    }

    /// The child of that name as `true` or `false` in any case, if it is there.
    pub fn child_bool(&self, name: &str) -> Result<Option<bool>, MalformedXml> {
        let Some(text) = self.child_text(name)? else {
            return Ok(None);
        };
        let text = text.trim();
        if text.eq_ignore_ascii_case("true") {
            Ok(Some(true))
        } else if text.eq_ignore_ascii_case("false") {
            Ok(Some(false))
        } else {
            Err(MalformedXml("a boolean is neither true nor false"))
        }
    }

    /// The child of that name as a whole number, which must be there.
    pub fn required_integer(&self, name: &str) -> Result<i64, MalformedXml> {
        let text = self.required_text(name)?;
        text.trim().parse().map_err(|_| MalformedXml("a number is not one"))
    }
}
