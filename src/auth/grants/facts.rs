//! What is known of a request beside who asks for what.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::pattern::ConditionKey;

/// A request's values by condition key. Asked for only those that a policy names.
pub trait Facts: Send + Sync {
    /// The values of `key`; a key that the request does not have has none at all, which is not the
    /// same as an empty text.
    fn values(&self, key: &ConditionKey) -> Values<'_>;
}

/// The values of one key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Values<'a> {
    /// The key is not in the request.
    None,
    /// One value, or those of a key that can have several.
    Some(Vec<Cow<'a, str>>),
}

/// Nothing is known.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoFacts;

/// Values that were put together before.
#[derive(Debug, Clone, Default)]
pub struct FixedFacts(BTreeMap<ConditionKey, Vec<String>>);

impl<'a> Values<'a> {
    /// One value.
    pub fn one(value: impl Into<Cow<'a, str>>) -> Self {
        Self::Some(vec![value.into()])
    }

    /// One value, where there is one.
    pub fn optional(value: Option<impl Into<Cow<'a, str>>>) -> Self {
        value.map_or(Self::None, Self::one)
    }
}

impl Facts for NoFacts {
    fn values(&self, _key: &ConditionKey) -> Values<'_> {
        Values::None
    }
}

impl FixedFacts {
    /// Adds a value of `key`.
    #[must_use]
    pub fn with(mut self, key: &str, value: impl Into<String>) -> Self {
        self.0.entry(ConditionKey::new(key)).or_default().push(value.into());
        self
    }
}

impl Facts for FixedFacts {
    fn values(&self, key: &ConditionKey) -> Values<'_> {
        match self.0.get(key) {
            None => Values::None,
            Some(values) => {
                Values::Some(values.iter().map(|value| value.as_str().into()).collect())
            }
        }
    }
}
