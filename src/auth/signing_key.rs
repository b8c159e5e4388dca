//! Signing keys: derived once for each access key, day, region and service, then remembered.

use std::collections::HashMap;
use std::fmt;
use std::sync::{PoisonError, RwLock};
use std::time::{Duration, UNIX_EPOCH};

use aws_sigv4::sign::v4::{calculate_signature, generate_signing_key};

use super::Secret;
use super::scope::Credential;
use crate::object::Timestamp;

/// How many derived keys are remembered. One is in use for each key and day; more than that many
/// come only from callers who change the region with every request.
const MOST: usize = 1024;

/// A derived key: signs, and is never shown.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct SigningKey(Vec<u8>);

/// The keys derived so far, by credential.
#[derive(Default)]
pub(super) struct SigningKeys(RwLock<HashMap<String, SigningKey>>);

impl SigningKey {
    /// Derives the key of a credential whose date is that of `time`.
    pub(super) fn derive(secret: &Secret, credential: &Credential<'_>, time: Timestamp) -> Self {
        let seconds = u64::try_from(time.seconds()).unwrap_or_default();
        let time = UNIX_EPOCH + Duration::from_secs(seconds);
        let (region, service) = (credential.region, credential.service);
        Self(generate_signing_key(secret.expose(), time, region, service).as_ref().to_vec())
    }

    /// The signature of a text, in lower-case hexadecimal.
    pub(super) fn sign(&self, string_to_sign: &[u8]) -> String {
        calculate_signature(&self.0, string_to_sign)
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningKey(…)")
    }
}

impl SigningKeys {
    pub(super) fn get(&self, credential: &Credential<'_>) -> Option<SigningKey> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).get(credential.whole).cloned()
    }

    /// Remembers a key. Called once a signature has matched, so that strangers cannot fill it.
    pub(super) fn remember(&self, credential: &Credential<'_>, key: &SigningKey) {
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= MOST {
            known.clear();
        }
        known.insert(credential.whole.to_owned(), key.clone());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIME: Timestamp = Timestamp(1_369_353_600_000);

    #[test]
    fn what_is_remembered_is_bounded() {
        let keys = SigningKeys::default();
        let secret = Secret::new("secret");
        for number in 0..=MOST {
            let whole = format!("A/20130524/region-{number}/s3/aws4_request");
            let credential = Credential::parse(&whole).unwrap();
            let key = SigningKey::derive(&secret, &credential, TIME);
            keys.remember(&credential, &key);
            assert_eq!(keys.get(&credential), Some(key));
        }
        assert!(keys.0.read().unwrap().len() <= MOST);
    }

    #[test]
    fn each_region_has_its_own_key() {
        let derive = |whole| {
            let credential = Credential::parse(whole).unwrap();
            SigningKey::derive(&Secret::new("secret"), &credential, TIME).sign(b"text")
        };
        let signature = derive("A/20130524/eu-west-1/s3/aws4_request");
        assert_eq!(signature.len(), 64);
        assert_ne!(signature, derive("A/20130524/us-east-1/s3/aws4_request"));
    }
}
