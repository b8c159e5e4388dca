//! Access keys, whose they are and what they may do.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use super::Session;
use super::grants::{Company, Directory, Policy};
use crate::object::Owner;

/// What a key may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Everything, in every owner's buckets.
    Admin,
    /// Everything in its owner's buckets.
    ReadWrite,
    /// Reading and listing in its owner's buckets.
    ReadOnly,
    /// What its policies allow, and nothing else.
    Policy,
}

/// A secret: never shown by `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

/// An access key as configured.
#[derive(Debug, Clone)]
pub struct Key {
    /// The access key id.
    pub access_key: String,
    /// The secret access key.
    pub secret: Secret,
    /// Whose it is and what it may do.
    pub identity: Arc<Identity>,
}

/// On whose behalf a request is made.
#[derive(Debug, Clone, PartialEq)]
pub struct Identity {
    /// The access key id, for the log.
    pub access_key: String,
    /// What it may do.
    pub role: Role,
    /// Who owns what it makes.
    pub owner: Owner,
    /// The owner's mail address, where configured.
    pub email: Option<String>,
    /// What it is allowed and denied beside its role.
    pub policies: Vec<Arc<Policy>>,
    /// The company outside which it reaches no key.
    pub company: Option<Company>,
    /// The session, where the credentials are short-lived.
    pub session: Option<Arc<Session>>,
}

/// All keys.
#[derive(Debug, Clone, Default)]
pub struct Keyring(HashMap<String, Key>);

impl Secret {
    /// Wraps a secret.
    pub fn new(secret: impl Into<String>) -> Self {
        Self(secret.into())
    }

    /// The secret itself.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

impl Identity {
    /// An identity of that role, with nothing beside it.
    pub fn new(access_key: impl Into<String>, role: Role, owner: Owner) -> Self {
        Self {
            access_key: access_key.into(),
            role,
            owner,
            email: None,
            policies: Vec::new(),
            company: None,
            session: None,
        }
    }
}

impl Directory for Keyring {
    fn by_id(&self, id: &str) -> Option<Owner> {
        self.iter().map(|key| &key.identity.owner).find(|owner| owner.id == id).cloned()
    }

    fn by_email(&self, email: &str) -> Option<Owner> {
        let has = |identity: &Identity| {
            identity.email.as_ref().is_some_and(|known| known.eq_ignore_ascii_case(email))
        };
        let mut owners =
            self.iter().filter(|key| has(&key.identity)).map(|key| &key.identity.owner);
        let first = owners.next()?;
        owners.all(|other| other.id == first.id).then(|| first.clone())
    }
}

impl Keyring {
    /// A ring of `keys`; of two with the same id the later stays.
    pub fn new(keys: impl IntoIterator<Item = Key>) -> Self {
        Self(keys.into_iter().map(|key| (key.access_key.clone(), key)).collect())
    }

    /// The key of that id.
    pub fn get(&self, access_key: &str) -> Option<&Key> {
        self.0.get(access_key)
    }

    /// Every key, in no order.
    pub fn iter(&self) -> impl Iterator<Item = &Key> {
        self.0.values()
    }
}
