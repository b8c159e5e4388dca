//! The core of Signature Version 4, whichever part of the request carries the signature.

use std::sync::Arc;

use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::canonical::{Reading, SignedHeaders, Subject, canonical_request};
use super::content::CONTENT_SHA256;
use super::redact::redacted;
use super::ring::{Holder, Ring};
use super::scope::Credential;
use super::signing_key::{SigningKey, SigningKeys};
use super::{AuthError, Identity};
use crate::object::Timestamp;

/// The algorithm's name, in headers, queries and strings to sign.
pub(super) const ALGORITHM: &str = "AWS4-HMAC-SHA256";

/// A signature and everything it claims to cover.
pub(super) struct Claim<'a> {
    pub(super) subject: Subject<'a>,
    pub(super) credential: Credential<'a>,
    pub(super) signed: SignedHeaders,
    pub(super) signature: &'a str,
    pub(super) time: Timestamp,
    /// The same in the form of `x-amz-date`.
    pub(super) time_text: &'a str,
    /// The last line of the canonical request.
    pub(super) payload_hash: &'a str,
    /// The query parameter that holds the signature, and so is not signed.
    pub(super) unsigned_parameter: Option<&'static str>,
    /// The session token that came with it.
    pub(super) token: Option<String>,
    /// The present.
    pub(super) now: Timestamp,
}

/// What a claim that held has shown.
#[derive(Debug)]
pub(super) struct Proof {
    pub(super) identity: Arc<Identity>,
    pub(super) key: SigningKey,
}

impl Claim<'_> {
    /// Checks the claim: the key is known, all that must be signed is, and the signature is right.
    pub(super) fn check(&self, ring: &Ring) -> Result<Proof, AuthError> {
        let holder = ring.holder(self.credential.access_key, self.token.as_deref(), self.now)?;
        self.check_coverage()?;
        self.check_signature(&holder, ring.derived())
    }

    /// `host` and every `x-amz-*` header must be signed, so that none can be added to a captured
    /// request. `x-amz-content-sha256` is signed in any case, as the canonical request's last line.
    fn check_coverage(&self) -> Result<(), AuthError> {
        let headers = self.subject.headers.keys().map(http::HeaderName::as_str);
        let amz = headers.filter(|name| name.starts_with("x-amz-") && *name != CONTENT_SHA256);
        let missing: Vec<&str> =
            std::iter::once("host").chain(amz).filter(|name| !self.signed.contains(name)).collect();
        if missing.is_empty() {
            Ok(())
        } else {
            Err(AuthError::HeadersNotSigned(missing.join(", ")))
        }
    }

    fn check_signature(&self, known: &Holder, derived: &SigningKeys) -> Result<Proof, AuthError> {
        let cached = derived.get(&self.credential);
        let is_new = cached.is_none();
        let key = cached
            .unwrap_or_else(|| SigningKey::derive(&known.secret, &self.credential, self.time));
        // A header that is signed but absent is a wrong signature, not an empty header.
        if self.signed.iter().all(|name| self.subject.has_header(name)) {
            for reading in Reading::all(&self.subject, &self.signed) {
                let signature = key.sign(self.string_to_sign(&self.canonical(reading)).as_bytes());
                if bool::from(signature.as_bytes().ct_eq(self.signature.as_bytes())) {
                    if is_new {
                        derived.remember(&self.credential, &key);
                    }
                    return Ok(Proof { identity: Arc::clone(&known.identity), key });
                }
            }
        }
        Err(self.mismatch())
    }

    fn canonical(&self, reading: Reading) -> Vec<u8> {
        let (subject, without) = (&self.subject, self.unsigned_parameter);
        canonical_request(subject, &self.signed, self.payload_hash, without, reading)
    }

    fn string_to_sign(&self, canonical: &[u8]) -> String {
        let (time, scope) = (self.time_text, self.credential.scope);
        let hash = hex::encode(Sha256::digest(canonical));
        format!("{ALGORITHM}\n{time}\n{scope}\n{hash}")
    }

    fn mismatch(&self) -> AuthError {
        let canonical = self.canonical(Reading::FIRST);
        AuthError::Mismatch {
            access_key: self.credential.access_key.to_owned(),
            provided: self.signature.to_owned(),
            string_to_sign: self.string_to_sign(&canonical),
            canonical_request: Some(redacted(&canonical)),
        }
    }
}
