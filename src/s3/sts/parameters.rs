//! The parameters of a call: those of the query and those of the form.

use std::collections::BTreeMap;

use super::error::Fault;
use crate::object::percent::{self, Plus};

/// Parameters by name; each once.
pub(super) struct Parameters(BTreeMap<String, String>);

impl Parameters {
    /// Reads both.
    pub(super) fn parse(query: &str, form: &[u8]) -> Result<Self, Fault> {
        let form = std::str::from_utf8(form).map_err(|_| malformed())?;
        let mut found = BTreeMap::new();
        for pair in query.split('&').chain(form.split('&')).filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let decode = |text| percent::decode(text, Plus::Space).map_err(|_| malformed());
            if found.insert(decode(name)?, decode(value)?).is_some() {
                return Err(malformed());
            }
        }
        Ok(Self(found))
    }

    /// A parameter; an empty one is none.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// A parameter that has to be there.
    pub(super) fn required(&self, name: &str) -> Result<&str, Fault> {
        self.get(name).ok_or_else(|| {
            let mut field = name.to_owned();
            if let Some(first) = field.get_mut(..1) {
                first.make_ascii_lowercase();
            }
            Fault::validation(format!(
                "1 validation error detected: Value null at '{field}' failed to satisfy \
                 constraint: Member must not be null"
            ))
        })
    }

    /// Whether there are parameters whose names begin so.
    pub(super) fn has_any(&self, prefix: &str) -> bool {
        self.0.keys().any(|name| name.starts_with(prefix))
    }

    /// A whole number.
    pub(super) fn number(&self, name: &str) -> Result<Option<u64>, Fault> {
        let Some(text) = self.get(name) else { return Ok(None) };
        text.parse()
            .map(Some)
            .map_err(|_| Fault::validation(format!("{name} should be a whole number of seconds")))
    }

    /// `Tags.member.N.Key` and `.Value`, in the order of their numbers.
    pub(super) fn tags(&self) -> Result<Vec<(String, String)>, Fault> {
        let mut tags: BTreeMap<u32, (Option<&str>, Option<&str>)> = BTreeMap::new();
        for (name, value) in &self.0 {
            let Some(rest) = name.strip_prefix("Tags.member.") else { continue };
            let parts = rest.split_once('.').and_then(|(n, part)| Some((n.parse().ok()?, part)));
            let (number, part) = parts.ok_or_else(malformed)?;
            let tag = tags.entry(number).or_default();
            match part {
                "Key" => tag.0 = Some(value),
                "Value" => tag.1 = Some(value),
                _ => return Err(malformed()),
            }
        }
        let whole = |(key, value): (Option<&str>, Option<&str>)| {
            Ok((key.ok_or_else(malformed)?.to_owned(), value.unwrap_or_default().to_owned()))
        };
        tags.into_values().map(whole).collect()
    }
}

fn malformed() -> Fault {
    Fault::sender(
        400,
        "MalformedInput",
        "The parameters are no form, or one of them is there twice.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn query_and_form_are_one() {
        let form = b"Tags.member.2.Key=b&Tags.member.1.Key=a&Tags.member.1.Value=x+%26&Empty=";
        let parameters = Parameters::parse("Action=A&&", form).ok().unwrap();
        assert_eq!((parameters.get("Action"), parameters.get("Empty")), (Some("A"), None));
        let tags = parameters.tags().ok().unwrap();
        assert_eq!(tags, [("a".to_owned(), "x &".to_owned()), ("b".to_owned(), String::new())]);
        assert!(parameters.has_any("Tags.") && !parameters.has_any("PolicyArns."));
    }

    #[test]
    fn what_is_twice_there_or_no_form_is_refused() {
        for (query, form) in [("a=1", &b"a=2"[..]), ("", b"a=%zz"), ("", b"\xff"), ("a=%ff", b"")] {
            assert!(Parameters::parse(query, form).is_err(), "{query} {form:?}");
        }
        for form in [&b"Tags.member.x.Key=a"[..], b"Tags.member.1.Value=a", b"Tags.member.1=a"] {
            assert!(Parameters::parse("", form).ok().unwrap().tags().is_err(), "{form:?}");
        }
    }
}
