//! What a token says.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

/// The claims of a token.
#[derive(Clone, PartialEq)]
pub(in crate::auth) struct Claims(Map<String, Value>);

impl Claims {
    pub(super) fn parse(text: &[u8]) -> Option<Self> {
        serde_json::from_slice(text).ok().map(Self)
    }

    /// The texts of a claim: one, or those of a list; none where there is no such claim. Numbers
    /// and booleans are texts, too. What is in an object is named with dots:
    /// `realm_access.roles`.
    pub(in crate::auth) fn texts(&self, name: &str) -> Vec<String> {
        self.value(name).map(texts_of).unwrap_or_default()
    }

    /// A claim of one text.
    pub(in crate::auth) fn text(&self, name: &str) -> Option<String> {
        let mut texts = self.texts(name);
        if texts.len() == 1 { texts.pop() } else { None }
    }

    /// A point in time, in seconds since 1970 with what is behind the point left out; an error where
    /// the claim is none.
    pub(super) fn seconds(&self, name: &str) -> Result<Option<i64>, ()> {
        match self.0.get(name) {
            None => Ok(None),
            Some(Value::Number(number)) => {
                let whole = number.as_i64().or_else(|| number.as_f64().and_then(whole));
                whole.map(Some).ok_or(())
            }
            Some(_) => Err(()),
        }
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// All that are texts or lists of them, names in lower case; with `only`, those alone.
    pub(in crate::auth) fn kept(&self, only: Option<&[String]>) -> BTreeMap<String, Vec<String>> {
        let mut kept = BTreeMap::new();
        match only {
            Some(names) => {
                let found = names.iter().map(|name| (name.to_ascii_lowercase(), self.texts(name)));
                kept.extend(found.filter(|(_, texts)| !texts.is_empty()));
            }
            None => collect("", &self.0, &mut kept),
        }
        kept
    }

    /// Session tags as AWS has them in tokens (IAM User Guide, "Passing session tags using
    /// AssumeRoleWithWebIdentity").
    pub(in crate::auth) fn session_tags(&self) -> BTreeMap<String, String> {
        const TAGS: &str = "https://aws.amazon.com/tags";
        let tags = self.0.get(TAGS).and_then(|tags| tags.get("principal_tags"));
        let tags = tags.and_then(Value::as_object).into_iter().flatten();
        tags.filter_map(|(key, value)| match texts_of(value).as_slice() {
            [one] => Some((key.to_ascii_lowercase(), one.clone())),
            _ => None,
        })
        .collect()
    }

    fn value(&self, name: &str) -> Option<&Value> {
        if let Some(value) = self.0.get(name) {
            return Some(value);
        }
        let mut parts = name.split('.');
        let first = self.0.get(parts.next()?)?;
        parts.try_fold(first, |value, part| value.get(part))
    }
}

fn texts_of(value: &Value) -> Vec<String> {
    match value {
        Value::Array(list) => list.iter().filter_map(scalar).collect(),
        one => scalar(one).into_iter().collect(),
    }
}

fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(value) => Some(value.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

fn collect(before: &str, from: &Map<String, Value>, into: &mut BTreeMap<String, Vec<String>>) {
    for (name, value) in from {
        let name = format!("{before}{}", name.to_ascii_lowercase());
        match value {
            Value::Object(inner) => collect(&format!("{name}."), inner, into),
            other => {
                let texts = texts_of(other);
                if !texts.is_empty() {
                    into.insert(name, texts);
                }
            }
        }
    }
}

#[allow(clippy::cast_possible_truncation, reason = "within the bounds that are checked")]
fn whole(number: f64) -> Option<i64> {
    const MOST: f64 = 1e15;
    (number.is_finite() && number.abs() < MOST).then(|| number.floor() as i64)
}
