//! Roles, and who may assume them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use crate::auth::grants::{Company, Policy};
use crate::auth::jwt::{Claims, IdentityProvider};
use crate::object::Owner;

/// A role that can be assumed for a while.
#[derive(Debug, Clone, PartialEq)]
pub struct AssumableRole {
    /// Its name.
    pub name: String,
    /// The account that it is in.
    pub owner: Owner,
    /// What it may.
    pub policy: Arc<Policy>,
    /// To which company its sessions are bound.
    pub company: Binding,
    /// The longest that a session lasts.
    pub max_session: Duration,
    /// The access keys whose holders may assume it.
    pub keys: BTreeSet<String>,
    /// Whose tokens may assume it: any of these.
    pub identities: Vec<TrustedIdentity>,
    /// Whether the holders of keys may give their sessions tags.
    pub session_tags: bool,
}

/// To which company sessions are bound.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Binding {
    /// To none, unless the provider's claim or the assuming key is.
    Free,
    /// To that one.
    Company(Company),
    /// To the one that the claim names.
    Claim(String),
}

/// Tokens of a provider that may assume a role: all of it has to hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrustedIdentity {
    /// The provider's name.
    pub provider: String,
    /// Where there are any, `aud` has one of them.
    pub audiences: Vec<String>,
    /// Claims, each with the values of which it has one.
    pub claims: BTreeMap<String, Vec<String>>,
}

impl TrustedIdentity {
    /// Whether these claims are what it asks for.
    pub(super) fn admits(&self, claims: &Claims) -> bool {
        let has = |name: &str, wanted: &[String]| {
            claims.texts(name).iter().any(|value| wanted.contains(value))
        };
        (self.audiences.is_empty() || has("aud", &self.audiences))
            && self.claims.iter().all(|(name, wanted)| has(name, wanted))
    }
}

impl AssumableRole {
    /// The claim that names the company of sessions for a token of that provider.
    pub(super) fn company_claim<'a>(&'a self, provider: &'a IdentityProvider) -> Option<&'a str> {
        match &self.company {
            Binding::Claim(name) => Some(name),
            Binding::Free => provider.names.company.as_deref(),
            Binding::Company(_) => None,
        }
    }

    /// Whether the token's role claim, where the provider has one, names this role.
    pub(super) fn is_named_by(&self, provider: &IdentityProvider, claims: &Claims) -> bool {
        let claim = provider.names.role.as_deref();
        claim.is_none_or(|claim| claims.texts(claim).contains(&self.name))
    }
}

/// The name in a role's ARN. The account is the role's owner, or one of AWS's form, as applications
/// have it that were made for AWS; there is one role of each name.
pub(super) fn name_in(arn: &str) -> Option<(&str, &str)> {
    let parts: Vec<&str> = arn.splitn(6, ':').collect();
    let ["arn", partition, "iam", "", account, role] = parts.as_slice() else { return None };
    if !partition.starts_with("aws") {
        return None;
    }
    let path = role.strip_prefix("role/")?;
    let name = path.rsplit('/').next().filter(|name| !name.is_empty())?;
    Some((account, name))
}

/// Whether a role of `owner` may be meant by an ARN with that account.
pub(super) fn is_account_of(account: &str, owner: &Owner) -> bool {
    let of_aws = account.len() == 12 && account.bytes().all(|byte| byte.is_ascii_digit());
    account.is_empty() || of_aws || account == owner.id
}
