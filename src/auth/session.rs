//! What short-lived credentials carry beside the identity that they were made for.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::grants::{Policy, Values};
use crate::object::Timestamp;

/// A session: of a role, or of a key.
#[derive(Debug, Clone, PartialEq)]
pub struct Session {
    /// The access key id of its credentials.
    pub access_key: String,
    /// The role that was assumed; without, the session is the key that it was made with.
    pub role: Option<String>,
    /// What the session was called by whoever assumed it.
    pub name: String,
    /// What it is limited to, where it was given such a limit.
    pub policy: Option<Arc<Policy>>,
    /// When it began.
    pub issued: Timestamp,
    /// When it ends.
    pub expires: Timestamp,
    /// Whether its beginning was confirmed by a second factor.
    pub multi_factor: bool,
    /// On whose behalf it was begun, where that was said.
    pub source_identity: Option<String>,
    /// Its tags, `aws:PrincipalTag/…`, their keys in lower case.
    pub tags: BTreeMap<String, String>,
    /// The claims of the token that it was given for, `jwt:…`, their names in lower case.
    pub claims: BTreeMap<String, Vec<String>>,
}

impl Session {
    /// A tag's value.
    pub(super) fn tag(&self, key: &str) -> Option<&str> {
        self.tags.get(key).map(String::as_str)
    }

    /// A claim's values.
    pub(super) fn claim(&self, name: &str) -> Values<'_> {
        self.claims.get(name).map_or(Values::None, |values| {
            Values::Some(values.iter().map(|value| value.as_str().into()).collect())
        })
    }
}
