//! Which requests of pages from elsewhere a bucket's rules allow (S3 User Guide, "Using cross-origin
//! resource sharing"). Pure.

mod check;
mod reply;

use bytes::Bytes;

pub(super) use reply::{allow, vary};

use super::configured::Configuration;
use super::error::S3Error;
use super::xml::{self, CorsDocument, CorsRuleDocument};
use crate::object::BucketSetting;

/// The methods that a rule can allow.
const METHODS: [&str; 5] = ["GET", "PUT", "HEAD", "POST", "DELETE"];

/// A bucket's rules.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Cors {
    rules: Vec<Rule>,
}

/// One rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Rule {
    origins: Vec<Pattern>,
    methods: Vec<String>,
    headers: Vec<Pattern>,
    exposed: Vec<String>,
    max_age: Option<u32>,
}

/// A text in which one `*` may stand for any characters, or none.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Pattern {
    before: String,
    after: Option<String>,
}

/// What a page asks for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asked<'a> {
    /// Where the page is from.
    pub(super) origin: &'a str,
    /// What it wants to do.
    pub(super) method: &'a str,
    /// The headers that it wants to send, if that is a question.
    pub(super) headers: &'a [String],
}

/// The rule that allows it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Allowed<'a> {
    rule: &'a Rule,
    /// Whether the rule allows every origin alike.
    any: bool,
}

impl Cors {
    /// The first rule that allows all that is asked for.
    pub(super) fn find(&self, asked: Asked<'_>) -> Option<Allowed<'_>> {
        self.rules.iter().find_map(|rule| rule.allows(asked))
    }
}

impl Configuration for Cors {
    const SETTING: BucketSetting = BucketSetting::Cors;

    fn check(bytes: &[u8]) -> Result<Bytes, S3Error> {
        let document = CorsDocument::parse(bytes)?;
        check::check(&document)?;
        Ok(xml::document(CorsDocument::ROOT, |writer| document.write(writer)))
    }

    fn read(bytes: &[u8]) -> Result<Self, S3Error> {
        let document = CorsDocument::parse(bytes)?;
        Ok(Self { rules: document.rules.into_iter().map(Rule::from).collect() })
    }
}

impl From<CorsRuleDocument> for Rule {
    fn from(document: CorsRuleDocument) -> Self {
        let header = |name: &String| Pattern::new(&name.to_ascii_lowercase());
        Self {
            origins: document.origins.iter().map(|origin| Pattern::new(origin)).collect(),
            methods: document.methods,
            headers: document.headers.iter().map(header).collect(),
            exposed: document.exposed,
            max_age: document.max_age,
        }
    }
}

impl Rule {
    fn allows(&self, asked: Asked<'_>) -> Option<Allowed<'_>> {
        let origin = self.origins.iter().find(|origin| origin.matches(asked.origin))?;
        let method = self.methods.iter().any(|method| method == asked.method);
        let header = |name: &String| {
            let name = name.to_ascii_lowercase();
            self.headers.iter().any(|header| header.matches(&name))
        };
        (method && asked.headers.iter().all(header))
            .then(|| Allowed { rule: self, any: origin.is_anything() })
    }
}

impl Pattern {
    fn new(text: &str) -> Self {
        match text.split_once('*') {
            Some((before, after)) => {
                Self { before: before.to_owned(), after: Some(after.to_owned()) }
            }
            None => Self { before: text.to_owned(), after: None },
        }
    }

    fn matches(&self, text: &str) -> bool {
        match &self.after {
            None => text == self.before,
            Some(after) => {
                text.strip_prefix(self.before.as_str()).is_some_and(|rest| rest.ends_with(after))
            }
        }
    }

    fn is_anything(&self) -> bool {
        self.before.is_empty() && self.after.as_deref() == Some("")
    }
}

/// Whether a rule can allow the method.
pub(super) fn is_method(method: &str) -> bool {
    METHODS.contains(&method)
}

/// The names in an `Access-Control-Request-Headers`.
pub(super) fn header_names(text: &str) -> Vec<String> {
    let names = text.split(',').map(str::trim).filter(|name| !name.is_empty());
    names.map(str::to_ascii_lowercase).collect()
}

#[cfg(test)]
mod tests;
