//! Who sent a browser's form, and whether its policy allows it (S3 API Reference, "Authenticating
//! requests: browser-based uploads using POST").
//!
//! What is signed is the policy. The file comes back as [`Sealed`] like every other body, held to
//! the size that the policy allows.

use std::sync::Arc;

use hmac::{Hmac, KeyInit, Mac};
use http::request::Parts;
use sha1::Sha1;
use subtle::ConstantTimeEq;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::post_policy::{FormField, PostPolicy};
use super::ring::{Holder, Ring};
use super::scope::{Credential, SERVICE};
use super::signing_key::SigningKey;
use super::v4::ALGORITHM;
use super::verify::{Presented, unsupported_mechanism};
use super::{
    AuthError, AuthSettings, Authenticator, Caller, Identity, Scheme, Sealed, Verified, date,
};
use crate::body::{Payload, within};
use crate::object::Timestamp;

const POLICY: &str = "policy";
const V2_KEY: &str = "awsaccesskeyid";
const V2_SIGNATURE: &str = "signature";
const V4: [&str; 4] = ["x-amz-algorithm", "x-amz-credential", "x-amz-date", "x-amz-signature"];
const TOKEN: &str = "x-amz-security-token";

/// A form under verification.
struct Form<'a> {
    fields: &'a [FormField],
    ring: &'a Ring,
    settings: &'a AuthSettings,
    now: Timestamp,
}

impl Authenticator {
    /// Verifies a form from its fields. `fields` are all that came before the file, and the bucket
    /// that the form was sent to as `bucket`. A form without policy and signature is
    /// [`Caller::Anonymous`].
    pub fn verify_form(
        &self,
        head: &Parts,
        fields: &[FormField],
        file: Payload,
    ) -> Result<Verified, AuthError> {
        Presented::nothing_in(head)?;
        let ring = self.ring();
        let form = Form { fields, ring: &ring, settings: self.settings(), now: self.now() };
        let has = |names: &[&str]| names.iter().any(|name| form.get(name).is_some());
        let scheme = match (has(&V4), has(&[V2_KEY, V2_SIGNATURE])) {
            (true, true) => return Err(several_mechanisms()),
            (true, false) => Scheme::V4Form,
            (false, true) => Scheme::V2Form,
            (false, false) if form.get(POLICY).is_none() => {
                let body = Sealed::plain(file);
                return Ok(Verified { caller: Caller::Anonymous, scheme: Scheme::None, body });
            }
            (false, false) => return Err(missing("AWSAccessKeyId")),
        };
        let policy = form.required(POLICY, POLICY)?;
        let identity = match scheme {
            Scheme::V4Form => form.verify_v4(policy)?,
            _ => form.verify_v2(policy)?,
        };
        let policy = PostPolicy::parse(policy)
            .map_err(|error| AuthError::InvalidPolicyDocument(error.to_string()))?;
        let sizes = policy.check(self.now(), fields)?;
        let body = Sealed::plain(within(file, sizes));
        Ok(Verified { caller: Caller::Key(identity), scheme, body })
    }
}

impl<'a> Form<'a> {
    fn get(&self, name: &str) -> Option<&'a str> {
        let field = self.fields.iter().find(|field| field.name == name)?;
        Some(field.value.as_str())
    }

    fn required(&self, name: &str, shown: &'static str) -> Result<&'a str, AuthError> {
        self.get(name).filter(|value| !value.is_empty()).ok_or_else(|| missing(shown))
    }

    fn verify_v4(&self, policy: &str) -> Result<Arc<Identity>, AuthError> {
        let algorithm = self.required("x-amz-algorithm", "X-Amz-Algorithm")?;
        if algorithm != ALGORITHM {
            return Err(refused("X-Amz-Algorithm", algorithm, format!("It must be {ALGORITHM}.")));
        }
        let whole = self.required("x-amz-credential", "X-Amz-Credential")?;
        let day = self.required("x-amz-date", "X-Amz-Date")?;
        let provided = self.required("x-amz-signature", "X-Amz-Signature")?;
        let credential = Credential::parse(whole)
            .and_then(|credential| credential.for_service(SERVICE))
            .map_err(|error| refused("X-Amz-Credential", whole, error.to_string()))?;
        let time = date::parse_iso_basic(day).ok_or_else(|| {
            let words = "X-Amz-Date must be in the ISO8601 Long Format \"yyyyMMdd'T'HHmmss'Z'\"";
            refused("X-Amz-Date", day, words.to_owned())
        })?;
        if day.get(..8) != Some(credential.date) {
            let words = "The credential's date is not the same as X-Amz-Date.".to_owned();
            return Err(refused("X-Amz-Credential", whole, words));
        }
        if self.settings.strict_region && credential.region != self.settings.region {
            let (wrong, right) = (credential.region, &self.settings.region);
            return Err(AuthError::HeaderMalformed {
                message: format!("The region '{wrong}' is wrong; expecting '{right}'"),
                region: Some(right.clone()),
            });
        }
        let holder = self.holder(credential.access_key)?;
        let derived = self.ring.derived();
        let cached = derived.get(&credential);
        let is_new = cached.is_none();
        let key = cached.unwrap_or_else(|| SigningKey::derive(&holder.secret, &credential, time));
        compare(&key.sign(policy.as_bytes()), provided, credential.access_key, policy)?;
        if is_new {
            derived.remember(&credential, &key);
        }
        Ok(holder.identity)
    }

    fn verify_v2(&self, policy: &str) -> Result<Arc<Identity>, AuthError> {
        if !self.settings.sigv2 {
            return Err(unsupported_mechanism());
        }
        let access_key = self.required(V2_KEY, "AWSAccessKeyId")?;
        let provided = self.required(V2_SIGNATURE, "Signature")?;
        let holder = self.holder(access_key)?;
        #[allow(clippy::expect_used, reason = "HMAC takes keys of every length")]
        let mut mac =
            Hmac::<Sha1>::new_from_slice(holder.secret.expose().as_bytes()).expect("any length");
        mac.update(policy.as_bytes());
        let signature = STANDARD.encode(mac.finalize().into_bytes());
        compare(&signature, provided, access_key, policy)?;
        Ok(holder.identity)
    }

    /// Who signs with that access key id and the session token of the form.
    fn holder(&self, access_key: &str) -> Result<Holder, AuthError> {
        self.ring.holder(access_key, self.get(TOKEN), self.now)
    }
}

fn compare(right: &str, provided: &str, access_key: &str, policy: &str) -> Result<(), AuthError> {
    if bool::from(right.as_bytes().ct_eq(provided.as_bytes())) {
        return Ok(());
    }
    Err(AuthError::Mismatch {
        access_key: access_key.to_owned(),
        provided: provided.to_owned(),
        string_to_sign: policy.to_owned(),
        canonical_request: None,
    })
}

fn missing(name: &'static str) -> AuthError {
    let words = format!(
        "Bucket POST must contain a field named '{name}'.  If it is specified, please check the \
         order of the fields."
    );
    refused(name, "", words)
}

fn refused(name: &'static str, value: &str, message: String) -> AuthError {
    AuthError::InvalidArgument { message, name, value: value.to_owned() }
}

fn several_mechanisms() -> AuthError {
    let words = "Only one auth mechanism allowed: the fields of Signature Version 4, or \
                 AWSAccessKeyId and signature.";
    refused("Signature", "", words.to_owned())
}

#[cfg(test)]
#[path = "form_tests.rs"]
mod tests;
