//! What is known of a request beside who asks for what.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::pattern::ConditionKey;

/// A request's values by condition key. Asked for only those that a policy names.
pub trait Facts: Send + Sync {
    /// The values of `key`; a key that the request does not have has none at all, which is not the
    /// same as an empty text.
    fn values(&self, key: &ConditionKey) -> Values<'_>;

    /// Whether so many more characters may be compared for this request. Once it is refused, what
    /// is decided counts for nothing.
    fn allows(&self, _steps: usize) -> bool {
        true
    }
}

/// The values of one key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Values<'a> {
    /// The key is not in the request.
    None,
    /// One value, or those of a key that can have several.
    Some(Vec<Cow<'a, str>>),
    /// The request has the key, but what it is cannot be told. Whatever asks for it denies as if
    /// it were the worst value there is, and allows nothing.
    Unknown,
}

/// Nothing is known.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoFacts;

/// Values that were put together before.
#[derive(Debug, Clone, Default)]
pub struct FixedFacts(BTreeMap<ConditionKey, Option<Vec<String>>>);

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
        let values = self.0.entry(ConditionKey::new(key)).or_default();
        values.get_or_insert_default().push(value.into());
        self
    }

    /// Makes `key` one that cannot be told.
    #[must_use]
    pub fn unknown(mut self, key: &str) -> Self {
        self.0.insert(ConditionKey::new(key), None);
        self
    }
}

impl Facts for FixedFacts {
    fn values(&self, key: &ConditionKey) -> Values<'_> {
        match self.0.get(key) {
            None => Values::None,
            Some(None) => Values::Unknown,
            Some(Some(values)) => {
                Values::Some(values.iter().map(|value| value.as_str().into()).collect())
            }
        }
    }
}
