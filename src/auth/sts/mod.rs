//! Short-lived credentials: roles, who may assume them, and the sessions that come of it.
//!
//! A session is nowhere but in its token ([`super::seal`]), so it lives through restarts and on
//! every gateway with the same secret. What its role may is looked up with every request: a role
//! that is changed or removed is so for its sessions, too.

mod assume;
mod contents;
mod error;
mod limits;
mod role;
mod verify;

#[cfg(test)]
mod tests;

use std::sync::Arc;

pub use assume::{AssumeRequest, Issued, WebIdentity};
pub use error::StsError;
pub use role::{AssumableRole, Binding, TrustedIdentity};

pub(super) use contents::open;

use super::jwt::{IdentityProvider, KeySource};

/// The roles, and whose tokens are believed.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Sts {
    /// The roles, each of another name.
    pub roles: Vec<Arc<AssumableRole>>,
    /// The identity providers, each of another name.
    pub providers: Vec<IdentityProvider>,
}

impl Sts {
    /// The role of that name.
    pub(super) fn role(&self, name: &str) -> Option<&Arc<AssumableRole>> {
        self.roles.iter().find(|role| role.name == name)
    }

    /// The provider of that name.
    pub(super) fn provider(&self, name: &str) -> Option<&IdentityProvider> {
        self.providers.iter().find(|provider| provider.name == name)
    }

    /// The same, with the keys that `older` has fetched already.
    #[must_use]
    pub(super) fn inheriting(mut self, older: &Self) -> Self {
        let remote = |provider: &IdentityProvider| match &provider.keys {
            KeySource::Remote(keys) => Some(keys.clone()),
            KeySource::Known(_) => None,
        };
        let known: Vec<_> = older.providers.iter().filter_map(remote).collect();
        for provider in &mut self.providers {
            if let KeySource::Remote(keys) = &mut provider.keys {
                for older in &known {
                    keys.inherit(older);
                }
            }
        }
        self
    }
}
