//! Sealed texts: what short-lived credentials say of themselves, encrypted and authenticated, so
//! that the client carries it and nobody but a gateway with the same secret can read or make it.
//!
//! A token is, in base64 for URLs, one byte of version, four that name the secret, the nonce of
//! AES-256-GCM, and the ciphertext with its tag. What stands before the nonce and the access key id
//! are authenticated with it.

use std::fmt;
use std::sync::Arc;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::hkdf::{HKDF_SHA256, KeyType, Prk, Salt};
use aws_lc_rs::hmac;
use aws_lc_rs::rand::{SecureRandom as _, SystemRandom};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};

use super::Secret;

const VERSION: u8 = 1;
const ID_LEN: usize = 4;
const HEAD_LEN: usize = 1 + ID_LEN;
/// Of the digest that the secret access key is made of: 40 characters, as AWS's have.
const SECRET_LEN: usize = 30;
/// What the ids of short-lived access keys begin with.
const PREFIX: &str = "ASIA";
const ID_CHARACTERS: usize = 16;
const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// Seals with one secret.
#[derive(Clone)]
pub struct SealKey {
    id: [u8; ID_LEN],
    key: Arc<LessSafeKey>,
    /// Makes secret access keys out of tokens.
    secrets: hmac::Key,
}

/// The secrets in force: the first seals, all of them open.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SealKeys(Vec<SealKey>);

/// Why a token is not opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Unopened {
    /// It is none, was changed, or belongs to another access key.
    Forged,
    /// It was made with a secret that is not known here; its name.
    OtherSecret(String),
}

/// The system gives no random numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct NoRandomness;

/// Sealed contents, and the id of the access key that they belong to.
pub(super) struct SealedToken {
    pub(super) access_key: String,
    pub(super) token: String,
}

/// So many bytes of key material.
struct Length(usize);

impl KeyType for Length {
    fn len(&self) -> usize {
        self.0
    }
}

impl SealKey {
    /// Derives everything from a secret; `None` never happens with lengths that are fixed here.
    pub fn derive(secret: &Secret) -> Option<Self> {
        let salt = Salt::new(HKDF_SHA256, b"stowgate session credentials");
        let root = salt.extract(secret.expose().as_bytes());
        let sealing = root.expand(&[b"token"], &AES_256_GCM).ok()?;
        let secrets = root.expand(&[b"secret access key"], hmac::HMAC_SHA256).ok()?;
        let mut id = [0; ID_LEN];
        fill(&root, b"name", &mut id)?;
        let key = Arc::new(LessSafeKey::new(UnboundKey::from(sealing)));
        Some(Self { id, key, secrets: hmac::Key::from(secrets) })
    }

    /// What the secret is called in the log: says nothing about it.
    pub fn name(&self) -> String {
        hex::encode(self.id)
    }

    fn seal(&self, contents: &[u8]) -> Result<SealedToken, NoRandomness> {
        let random = SystemRandom::new();
        let (mut nonce, mut id) = ([0; NONCE_LEN], [0; ID_CHARACTERS]);
        random.fill(&mut nonce).map_err(|_| NoRandomness)?;
        random.fill(&mut id).map_err(|_| NoRandomness)?;
        let letter = |byte: u8| ALPHABET.get(usize::from(byte % 32)).copied().map(char::from);
        let access_key: String = PREFIX.chars().chain(id.into_iter().filter_map(letter)).collect();
        let head = self.head();
        let mut sealed = contents.to_vec();
        let aad = Aad::from(associated(&head, &access_key));
        let nonce_value = Nonce::assume_unique_for_key(nonce);
        self.key
            .seal_in_place_append_tag(nonce_value, aad, &mut sealed)
            .map_err(|_| NoRandomness)?;
        let token = URL_SAFE_NO_PAD.encode([&head[..], &nonce, &sealed].concat());
        Ok(SealedToken { access_key, token })
    }

    fn open(&self, access_key: &str, bytes: &[u8]) -> Option<Vec<u8>> {
        let (head, rest) = bytes.split_at_checked(HEAD_LEN)?;
        let (nonce, sealed) = rest.split_at_checked(NONCE_LEN)?;
        let aad = Aad::from(associated(head, access_key));
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let mut sealed = sealed.to_vec();
        let length = self.key.open_in_place(nonce, aad, &mut sealed).ok()?.len();
        sealed.truncate(length);
        Some(sealed)
    }

    fn secret_of(&self, token: &str) -> Secret {
        let digest = hmac::sign(&self.secrets, token.as_bytes());
        Secret::new(STANDARD.encode(digest.as_ref().get(..SECRET_LEN).unwrap_or_default()))
    }

    fn head(&self) -> [u8; HEAD_LEN] {
        let [a, b, c, d] = self.id;
        [VERSION, a, b, c, d]
    }
}

impl PartialEq for SealKey {
    fn eq(&self, other: &Self) -> bool {
        self.id == other.id
    }
}

impl fmt::Debug for SealKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SealKey({})", self.name())
    }
}

impl SealKeys {
    /// The first of them seals.
    pub fn new(keys: impl IntoIterator<Item = SealKey>) -> Self {
        Self(keys.into_iter().collect())
    }

    /// These, then `other`, which only opens where there is one before it.
    #[must_use]
    pub fn or(mut self, other: Option<&SealKey>) -> Self {
        self.0.extend(other.filter(|other| !self.0.contains(other)).cloned());
        self
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The names of those that `newer` has not.
    pub fn missing_in(&self, newer: &Self) -> Vec<String> {
        self.0.iter().filter(|key| !newer.0.contains(key)).map(SealKey::name).collect()
    }

    /// Credentials that carry these contents; `None` without any secret.
    pub(super) fn seal(&self, contents: &[u8]) -> Result<Option<SealedToken>, NoRandomness> {
        self.0.first().map(|key| key.seal(contents)).transpose()
    }

    /// What a token carries, and the secret that belongs to it.
    pub(super) fn open(
        &self,
        access_key: &str,
        token: &str,
    ) -> Result<(Vec<u8>, Secret), Unopened> {
        let bytes = URL_SAFE_NO_PAD.decode(token).map_err(|_| Unopened::Forged)?;
        let [VERSION, id @ ..] = bytes.get(..HEAD_LEN).ok_or(Unopened::Forged)? else {
            return Err(Unopened::Forged);
        };
        let Some(key) = self.0.iter().find(|key| key.id == *id) else {
            return Err(Unopened::OtherSecret(hex::encode(id)));
        };
        let contents = key.open(access_key, &bytes).ok_or(Unopened::Forged)?;
        Ok((contents, key.secret_of(token)))
    }
}

/// Whether an access key id is one of short-lived credentials, by its form.
pub(super) fn is_temporary(access_key: &str) -> bool {
    access_key.strip_prefix(PREFIX).is_some_and(|rest| {
        rest.len() == ID_CHARACTERS && rest.bytes().all(|byte| ALPHABET.contains(&byte))
    })
}

fn associated(head: &[u8], access_key: &str) -> Vec<u8> {
    [head, access_key.as_bytes()].concat()
}

fn fill(root: &Prk, label: &[u8], out: &mut [u8]) -> Option<()> {
    root.expand(&[label], Length(out.len())).ok()?.fill(out).ok()
}

#[cfg(test)]
#[path = "seal_tests.rs"]
mod tests;
