//! Everything that credentials are looked up in, replaced as a whole: keys, roles, providers, and the
//! secrets of sessions.

use std::sync::Arc;

use super::grants::Registry;
use super::seal::{SealKeys, is_temporary};
use super::signing_key::SigningKeys;
use super::sts::{self, Sts};
use super::{AuthError, Identity, Keyring, Secret};
use crate::object::Timestamp;

/// What is in force.
#[derive(Default)]
pub(super) struct Ring {
    keys: Keyring,
    derived: SigningKeys,
    sts: Sts,
    seals: SealKeys,
}

/// Whose an access key id is, and the secret that its signatures are made with.
pub(super) struct Holder {
    pub(super) secret: Secret,
    pub(super) identity: Arc<Identity>,
}

impl Registry for Ring {
    fn has_account(&self, account: &str) -> bool {
        let roles = self.sts.roles.iter().map(|role| &role.owner);
        let mut owners = self.keys.iter().map(|key| &key.identity.owner).chain(roles);
        owners.any(|owner| owner.id == account)
    }

    fn has_user(&self, account: &str, access_key: &str) -> bool {
        let owner = self.keys.get(access_key).map(|key| &key.identity.owner);
        owner.is_some_and(|owner| account.is_empty() || owner.id == account)
    }

    fn has_role(&self, account: &str, role: &str) -> bool {
        self.sts.role(role).is_some_and(|role| role.owner.id == account)
    }
}

impl Ring {
    pub(super) fn new(keys: Keyring, sts: Sts, seals: SealKeys) -> Self {
        Self { keys, derived: SigningKeys::default(), sts, seals }
    }

    /// The keys.
    pub(super) fn keys(&self) -> &Keyring {
        &self.keys
    }

    /// What was derived from them.
    pub(super) fn derived(&self) -> &SigningKeys {
        &self.derived
    }

    /// The roles and providers.
    pub(super) fn sts(&self) -> &Sts {
        &self.sts
    }

    /// What seals sessions.
    pub(super) fn seals(&self) -> &SealKeys {
        &self.seals
    }

    /// Who signs with that access key id. `token` is the session token that came with it, wherever
    /// the request carries it: a header, a parameter, or a field of a form. Keys for good have none,
    /// and short-lived ones are nobody's without.
    pub(super) fn holder(
        &self,
        access_key: &str,
        token: Option<&str>,
        now: Timestamp,
    ) -> Result<Holder, AuthError> {
        let unknown = || AuthError::UnknownKey(access_key.to_owned());
        match (self.keys.get(access_key), token) {
            (Some(key), None) => {
                Ok(Holder { secret: key.secret.clone(), identity: Arc::clone(&key.identity) })
            }
            (Some(_), Some(_)) => Err(AuthError::InvalidToken),
            (None, Some(token)) if is_temporary(access_key) => {
                let (identity, secret) = self.open(access_key, token, now)?;
                Ok(Holder { secret, identity })
            }
            (None, _) => Err(unknown()),
        }
    }

    /// Who the session of a token is, and its secret.
    pub(super) fn open(
        &self,
        access_key: &str,
        token: &str,
        now: Timestamp,
    ) -> Result<(Arc<Identity>, Secret), AuthError> {
        sts::open(access_key, token, &self.seals, &self.keys, &self.sts, now)
    }
}
