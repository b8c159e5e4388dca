//! Identity providers: whose tokens are believed, and what their claims are called.

use std::sync::Arc;
use std::time::Duration;

use super::token::{Fault, Token};
use super::{Algorithm, Claims, FetchKeys, RemoteKeys, VerifyKey};
use crate::object::Timestamp;

/// The most keys that are tried for a token that names none.
const MOST_TRIED: usize = 16;

/// Somebody whose tokens are believed.
#[derive(Debug, Clone, PartialEq)]
pub struct IdentityProvider {
    /// What roles call it.
    pub name: String,
    /// The claim `iss`; without, tokens have none.
    pub issuer: Option<String>,
    /// The values of which `aud` has one; without any, tokens have no `aud`.
    pub audiences: Vec<String>,
    /// How it signs.
    pub algorithms: Vec<Algorithm>,
    /// How far its clock may be from this one's.
    pub leeway: Duration,
    /// The claims that mean something here.
    pub names: ClaimNames,
    /// The claims that sessions keep for policies to ask for; without, all of them.
    pub kept: Option<Vec<String>>,
    /// Its keys.
    pub keys: KeySource,
}

/// What a provider calls its claims.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClaimNames {
    /// Who it is.
    pub subject: String,
    /// The roles that may be assumed; without, the conditions of the roles alone decide.
    pub role: Option<String>,
    /// The company that sessions are bound to, where the role names none.
    pub company: Option<String>,
    /// What sessions are called, whatever the client wants to call them.
    pub session: Option<String>,
}

/// Where a provider's keys are.
#[derive(Debug, Clone, PartialEq)]
pub enum KeySource {
    /// They were read with the configuration.
    Known(Arc<[VerifyKey]>),
    /// They are fetched.
    Remote(RemoteKeys),
}

impl IdentityProvider {
    /// Whether a token that says to be from `issuer` can be this provider's at all.
    pub(in crate::auth) fn may_issue(&self, issuer: Option<&str>) -> bool {
        self.issuer.as_deref() == issuer
    }

    /// The claims of a token that is genuine, from this provider, for this audience and valid now.
    pub(in crate::auth) async fn verify(
        &self,
        token: &Token<'_>,
        fetcher: &dyn FetchKeys,
        now: Timestamp,
    ) -> Result<Claims, Fault> {
        if !self.algorithms.contains(&token.algorithm) {
            return Err(Fault::Algorithm);
        }
        let key_id = token.key_id.as_deref();
        let keys = match &self.keys {
            KeySource::Known(keys) => Arc::clone(keys),
            KeySource::Remote(remote) => remote.keys(key_id, fetcher, now).await?,
        };
        check_signature(&keys, token)?;
        self.check_claims(&token.claims, now)?;
        Ok(token.claims.clone())
    }

    fn check_claims(&self, claims: &Claims, now: Timestamp) -> Result<(), Fault> {
        let issuer = claims.text("iss");
        if claims.has("iss") && issuer.is_none() || issuer != self.issuer {
            return Err(Fault::Issuer);
        }
        let audiences = claims.texts("aud");
        let meant = audiences.iter().any(|audience| self.audiences.contains(audience));
        if !meant && (claims.has("aud") || !self.audiences.is_empty()) {
            return Err(Fault::Audience);
        }
        self.check_times(claims, now.seconds())
    }

    fn check_times(&self, claims: &Claims, now: i64) -> Result<(), Fault> {
        let leeway = i64::try_from(self.leeway.as_secs()).unwrap_or(i64::MAX);
        let time = |name: &str| claims.seconds(name).map_err(|()| Fault::Claim(name.to_owned()));
        let expires = time("exp")?.ok_or_else(|| Fault::Claim("exp".to_owned()))?;
        if now >= expires.saturating_add(leeway) {
            return Err(Fault::Expired);
        }
        for name in ["nbf", "iat"] {
            if time(name)?.is_some_and(|from| from > now.saturating_add(leeway)) {
                return Err(Fault::NotYet);
            }
        }
        Ok(())
    }
}

fn check_signature(keys: &[VerifyKey], token: &Token<'_>) -> Result<(), Fault> {
    let named = |key: &&VerifyKey| match (&token.key_id, &key.id) {
        (Some(wanted), Some(id)) => wanted == id,
        // A shared secret has no name, and some sets have one key and no names.
        (Some(_), None) | (None, _) => true,
    };
    let suiting = keys.iter().filter(named).filter(|key| key.suits(token.algorithm));
    let mut tried = suiting.take(MOST_TRIED).peekable();
    if tried.peek().is_none() {
        return Err(Fault::UnknownKey);
    }
    let text = token.signed.as_bytes();
    if tried.any(|key| key.verifies(token.algorithm, text, &token.signature)) {
        Ok(())
    } else {
        Err(Fault::Signature)
    }
}
