//! What a session token holds, and whom it makes of its holder.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{Binding, Sts};
use crate::auth::grants::{Company, Policy};
use crate::auth::seal::{SealKeys, Unopened};
use crate::auth::{AuthError, Identity, Keyring, Role, Secret, Session};
use crate::object::Timestamp;

/// The longest token, in characters: it stands in a header of every request.
const LONGEST: usize = 6 << 10;

/// A session as it is sealed. A change of its form takes another version of the seal.
#[derive(Serialize, Deserialize)]
pub(super) struct Contents {
    pub(super) acts_as: ActsAs,
    /// In seconds, as everything about a session's time.
    pub(super) issued: i64,
    pub(super) expires: i64,
    pub(super) name: String,
    pub(super) company: Option<String>,
    /// The JSON of its policy.
    pub(super) policy: Option<String>,
    pub(super) source_identity: Option<String>,
    pub(super) tags: BTreeMap<String, String>,
    pub(super) claims: BTreeMap<String, Vec<String>>,
}

#[derive(Serialize, Deserialize)]
pub(super) enum ActsAs {
    Role(String),
    Key(String),
}

impl Contents {
    pub(super) fn encode(&self) -> Vec<u8> {
        // Writing plain values to memory cannot fail.
        postcard::to_stdvec(self).unwrap_or_default()
    }
}

/// How full a token is, in percent.
pub(super) fn percent(token: &str) -> usize {
    (token.len() * 100).div_ceil(LONGEST)
}

/// Whose credentials these are, and their secret. `token` came with the access key's id.
pub(in crate::auth) fn open(
    access_key: &str,
    token: &str,
    seals: &SealKeys,
    keys: &Keyring,
    sts: &Sts,
    now: Timestamp,
) -> Result<(Arc<Identity>, Secret), AuthError> {
    let (bytes, secret) = seals.open(access_key, token).map_err(|fault| match fault {
        Unopened::Forged => AuthError::InvalidToken,
        Unopened::OtherSecret(name) => AuthError::EndedSession(format!(
            "the session was begun with the secret {name}, which is not configured here"
        )),
    })?;
    let contents: Contents = postcard::from_bytes(&bytes).map_err(|_| AuthError::InvalidToken)?;
    if now.seconds() >= contents.expires {
        return Err(AuthError::ExpiredToken);
    }
    let identity = identity(access_key, contents, keys, sts)?;
    Ok((Arc::new(identity), secret))
}

fn identity(
    access_key: &str,
    contents: Contents,
    keys: &Keyring,
    sts: &Sts,
) -> Result<Identity, AuthError> {
    let base = match &contents.acts_as {
        ActsAs::Role(name) => of_role(access_key, name, contents.company.as_deref(), sts)?,
        ActsAs::Key(id) => match keys.get(id) {
            Some(key) => (*key.identity).clone(),
            None => return Err(ended(format!("the key {id} of the session is gone"))),
        },
    };
    let policy = contents.policy.map(|text| Policy::for_identity(text.as_bytes())).transpose();
    let policy = policy.map_err(|_| ended("the session's policy is not readable any more"))?;
    let role = match contents.acts_as {
        ActsAs::Role(name) => Some(name),
        ActsAs::Key(_) => None,
    };
    let session = Session {
        access_key: access_key.to_owned(),
        role,
        name: contents.name,
        policy: policy.map(Arc::new),
        issued: Timestamp(contents.issued.saturating_mul(1000)),
        expires: Timestamp(contents.expires.saturating_mul(1000)),
        multi_factor: false,
        source_identity: contents.source_identity,
        tags: contents.tags,
        claims: contents.claims,
    };
    Ok(Identity { session: Some(Arc::new(session)), ..base })
}

fn of_role(
    access_key: &str,
    name: &str,
    company: Option<&str>,
    sts: &Sts,
) -> Result<Identity, AuthError> {
    let role =
        sts.role(name).ok_or_else(|| ended(format!("the role {name} of the session is gone")))?;
    let company = company.and_then(Company::new);
    // What the role says now holds for sessions that were begun before.
    let company = match (&role.company, company) {
        (Binding::Company(fixed), Some(bound)) if *fixed != bound => {
            return Err(ended(format!("the role {name} is another company's now")));
        }
        (Binding::Company(fixed), _) => Some(fixed.clone()),
        (Binding::Claim(_), None) => {
            return Err(ended(format!(
                "the role {name} needs a company, which the session has not"
            )));
        }
        (Binding::Free | Binding::Claim(_), company) => company,
    };
    let policies = vec![Arc::clone(&role.policy)];
    let owner = role.owner.clone();
    Ok(Identity { policies, company, ..Identity::new(access_key, Role::Policy, owner) })
}

fn ended(why: impl Into<String>) -> AuthError {
    AuthError::EndedSession(why.into())
}
