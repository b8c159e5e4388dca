//! The policy of a browser's form (S3 API Reference, "Creating a POST policy"): what the form's
//! signer allows to be uploaded. Pure: who signed it is for others to find out.

mod parse;

use std::fmt;
use std::ops::RangeInclusive;

use super::AuthError;
use crate::object::Timestamp;

/// Fields that no condition needs to name. A checksum can only refuse what it does not fit.
const FREE: [&str; 6] =
    ["x-amz-signature", "file", "policy", "awsaccesskeyid", "signature", "content-md5"];
const FREE_PREFIXES: [&str; 2] = ["x-ignore-", "x-amz-checksum-"];
const CONTENT_TYPE: &str = "content-type";

/// A field of a form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FormField {
    /// Its name in lower case: case does not matter.
    pub name: String,
    /// Its value.
    pub value: String,
}

/// A policy.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct PostPolicy {
    expiration: Timestamp,
    conditions: Vec<Condition>,
}

/// What must hold.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Condition {
    /// A field has this value.
    Equals { field: String, value: String },
    /// A field's value begins so; of a content type each one in a list.
    StartsWith { field: String, value: String },
    /// The file has that many bytes.
    Length(RangeInclusive<u64>),
}

/// Why a text is no policy, in words for the client.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("Invalid Policy: {0}")]
pub(super) struct InvalidPolicy(String);

impl PostPolicy {
    /// Reads the field `policy`.
    pub(super) fn parse(encoded: &str) -> Result<Self, InvalidPolicy> {
        parse::policy(encoded)
    }

    /// Judges a form: its fields, the bucket it is sent to among them. Gives the sizes that the
    /// file may have.
    pub(super) fn check(
        &self,
        now: Timestamp,
        fields: &[FormField],
    ) -> Result<RangeInclusive<u64>, AuthError> {
        if now >= self.expiration {
            return Err(denied("Policy expired."));
        }
        if let Some(failed) = self.conditions.iter().find(|condition| !condition.holds(fields)) {
            return Err(denied(&format!("Policy Condition failed: {failed}")));
        }
        let mut extra: Vec<&str> = fields.iter().map(|field| field.name.as_str()).collect();
        extra.retain(|name| !is_free(name) && !self.names(name));
        extra.dedup();
        if !extra.is_empty() {
            return Err(denied(&format!("Extra input fields: {}", extra.join(", "))));
        }
        Ok(self.sizes())
    }

    fn names(&self, name: &str) -> bool {
        self.conditions.iter().any(|condition| match condition {
            Condition::Equals { field, .. } | Condition::StartsWith { field, .. } => field == name,
            Condition::Length(_) => false,
        })
    }

    /// What all ranges allow together.
    fn sizes(&self) -> RangeInclusive<u64> {
        let ranges = self.conditions.iter().filter_map(|condition| match condition {
            Condition::Length(range) => Some(range),
            Condition::Equals { .. } | Condition::StartsWith { .. } => None,
        });
        ranges.fold(0..=u64::MAX, |all, one| {
            *all.start().max(one.start())..=*all.end().min(one.end())
        })
    }
}

impl Condition {
    /// A field that is sent more than once must fulfil it each time; one that is not sent does not.
    fn holds(&self, fields: &[FormField]) -> bool {
        let all = |wanted: &str, fits: &dyn Fn(&str) -> bool| {
            let mut sent = fields.iter().filter(|field| field.name == wanted).peekable();
            sent.peek().is_some() && sent.all(|field| fits(&field.value))
        };
        match self {
            Self::Equals { field, value } => all(field, &|sent| sent == value),
            Self::StartsWith { field, value } if field == CONTENT_TYPE => all(field, &|sent| {
                sent.split(',').all(|one| one.trim_start().starts_with(value.as_str()))
            }),
            Self::StartsWith { field, value } => all(field, &|sent| sent.starts_with(value)),
            Self::Length(_) => true,
        }
    }
}

/// As it would stand in a policy.
impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let quoted = |text: &str| serde_json::Value::from(text).to_string();
        let named = |field: &str| quoted(&format!("${field}"));
        match self {
            Self::Equals { field, value } => {
                write!(f, "[\"eq\", {}, {}]", named(field), quoted(value))
            }
            Self::StartsWith { field, value } => {
                write!(f, "[\"starts-with\", {}, {}]", named(field), quoted(value))
            }
            Self::Length(range) => {
                write!(f, "[\"content-length-range\", {}, {}]", range.start(), range.end())
            }
        }
    }
}

fn is_free(name: &str) -> bool {
    FREE.contains(&name) || FREE_PREFIXES.iter().any(|prefix| name.starts_with(prefix))
}

fn denied(why: &str) -> AuthError {
    AuthError::AccessDenied(format!("Invalid according to Policy: {why}"))
}

#[cfg(test)]
mod tests;
