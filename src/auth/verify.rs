//! The one entrance: from a request's head and body to a verified caller.

use std::sync::{Arc, OnceLock};

use arc_swap::ArcSwap;
use http::HeaderMap;
use http::header::{AUTHORIZATION, HOST};
use http::request::Parts;

use super::content::Content;
use super::grants::{Malformed, Policy};
use super::jwt::{FetchKeys, NoFetching};
use super::query::Query;
use super::ring::Ring;
use super::scope::SERVICE;
use super::seal::{SealKey, SealKeys};
use super::sts::Sts;
use super::{AuthError, Identity, Keyring, Sealed, header, presigned, sigv2, v4};
use crate::body::{ChunkSigner, Payload};
use crate::object::{Clock, Timestamp};

/// What can be set.
#[derive(Debug, Clone)]
pub struct AuthSettings {
    /// Whether Signature Version 2 is accepted.
    pub sigv2: bool,
    /// The gateway's region.
    pub region: String,
    /// Whether only that region is accepted in a credential scope.
    pub strict_region: bool,
}

/// Verifies requests.
pub struct Authenticator {
    ring: ArcSwap<Ring>,
    settings: AuthSettings,
    clock: Arc<dyn Clock>,
    /// Seals sessions where the configuration has no secret for that, and opens them in any case.
    own_seal: OnceLock<SealKey>,
    fetcher: Arc<dyn FetchKeys>,
}

/// On whose behalf a request is made.
#[derive(Debug, Clone, PartialEq)]
pub enum Caller {
    /// Nobody signed it.
    Anonymous,
    /// The holder of a key.
    Key(Arc<Identity>),
}

/// How a request was signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scheme {
    /// Not at all.
    None,
    /// Signature Version 4 in the `Authorization` header.
    V4Header,
    /// Signature Version 4 in the query.
    V4Query,
    /// Signature Version 2 in the header.
    V2Header,
    /// Signature Version 2 in the query.
    V2Query,
    /// Signature Version 4 in the fields of a form.
    V4Form,
    /// Signature Version 2 in the fields of a form.
    V2Form,
}

/// A request whose head is genuine.
#[derive(Debug)]
pub struct Verified {
    /// Who.
    pub caller: Caller,
    /// How.
    pub scheme: Scheme,
    /// The body, to be opened.
    pub body: Sealed,
}

/// A request under verification, and what it is verified with.
pub(super) struct Incoming<'a> {
    pub(super) head: &'a Parts,
    pub(super) query: Query<'a>,
    /// The bucket in the host name.
    pub(super) bucket: Option<&'a str>,
    pub(super) ring: &'a Ring,
    /// What the scope of Version 4 has to be for.
    pub(super) service: &'static str,
    /// The digest of the body, where that has been read.
    pub(super) digest: Option<&'a str>,
    pub(super) settings: &'a AuthSettings,
    pub(super) now: Timestamp,
}

/// A head whose signature holds.
pub(super) struct Genuine {
    pub(super) identity: Arc<Identity>,
    /// What it says about the body.
    pub(super) content: Content,
    /// Continues the signature over the body's chunks.
    pub(super) signer: Option<Box<dyn ChunkSigner>>,
}

/// Where a request's signature stands, with what follows the algorithm's name in the header.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Presented<'a> {
    Nothing,
    V4Header(&'a str),
    V4Query,
    V2Header(&'a str),
    V2Query,
}

impl Authenticator {
    /// Verifies with `keys`.
    pub fn new(keys: Keyring, settings: AuthSettings, clock: Arc<dyn Clock>) -> Self {
        let ring = Ring::new(keys, Sts::default(), SealKeys::default());
        Self {
            ring: ArcSwap::from_pointee(ring),
            settings,
            clock,
            own_seal: OnceLock::new(),
            fetcher: Arc::new(NoFetching),
        }
    }

    /// Fetches the keys of identity providers with `fetcher`.
    #[must_use]
    pub fn fetching(self, fetcher: Arc<dyn FetchKeys>) -> Self {
        Self { fetcher, ..self }
    }

    /// Replaces keys, roles, providers and the secrets of sessions at once, for the requests that
    /// start from now on. Where no secret would be left, those in force stay: sessions can always be
    /// begun.
    pub fn replace(&self, keys: Keyring, sts: Sts, seals: SealKeys) {
        let older = self.ring();
        let mut seals = seals.or(self.own_seal.get());
        if seals.is_empty() && !older.seals().is_empty() {
            tracing::warn!("the secret of sessions was taken away; it holds until a restart");
            seals = older.seals().clone();
        }
        let gone = older.seals().missing_in(&seals);
        if !gone.is_empty() {
            tracing::warn!(
                secrets = ?gone,
                "sessions that were begun with these secrets have ended: keep the older secret \
                 behind the newer one for as long as sessions last"
            );
        }
        let sts = sts.inheriting(older.sts());
        self.ring.store(Arc::new(Ring::new(keys, sts, seals)));
    }

    /// Has a secret of its own to seal sessions with, where the configuration has none. The first
    /// one stays.
    pub fn keep_seal(&self, seal: SealKey) {
        if self.own_seal.set(seal).is_ok() {
            let ring = self.ring();
            self.replace(ring.keys().clone(), ring.sts().clone(), ring.seals().clone());
        }
    }

    /// Replaces all keys at once, for the requests that start from now on.
    pub fn replace_keys(&self, keys: Keyring) {
        let ring = self.ring();
        self.replace(keys, ring.sts().clone(), ring.seals().clone());
    }

    /// The keys in force.
    pub fn keys(&self) -> Keyring {
        self.ring().keys().clone()
    }

    /// Refuses a bucket's policy that names somebody whom the configuration does not know.
    pub fn check_principals(&self, policy: &Policy) -> Result<(), Malformed> {
        policy.check_principals(&*self.ring())
    }

    /// Everything in force.
    pub(super) fn ring(&self) -> Arc<Ring> {
        self.ring.load_full()
    }

    /// What fetches the keys of identity providers.
    pub(super) fn fetcher(&self) -> &dyn FetchKeys {
        &*self.fetcher
    }

    /// What is set.
    pub(super) fn settings(&self) -> &AuthSettings {
        &self.settings
    }

    /// The gateway's region.
    pub(super) fn region(&self) -> &str {
        &self.settings.region
    }

    /// The present.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Verifies a request from its head. `virtual_bucket` is the bucket in the host name, which
    /// Signature Version 2 signs as part of the resource. A request without any credentials is
    /// [`Caller::Anonymous`]; whoever decides about access refuses it or not.
    pub fn verify(
        &self,
        head: &Parts,
        virtual_bucket: Option<&str>,
        body: Payload,
    ) -> Result<Verified, AuthError> {
        if head.headers.get_all(HOST).iter().nth(1).is_some() {
            // Which of them is signed, and which one names the bucket?
            return Err(AuthError::InvalidRequest("A request has one Host header".to_owned()));
        }
        let ring = self.ring.load();
        let incoming = Incoming {
            head,
            query: Query(head.uri.query().unwrap_or_default().as_bytes()),
            bucket: virtual_bucket,
            ring: &ring,
            service: SERVICE,
            digest: None,
            settings: &self.settings,
            now: self.clock.now(),
        };
        let presented = Presented::by(&head.headers, incoming.query)?;
        let scheme = presented.scheme();
        if !self.settings.sigv2 && matches!(scheme, Scheme::V2Header | Scheme::V2Query) {
            return Err(unsupported_mechanism());
        }
        let genuine = match presented {
            Presented::Nothing => {
                let content = Content::in_headers(&head.headers);
                let content = content.map_or(Ok(Content::Unsigned), |it| Content::parse(&it))?;
                let body = content.seal(&head.headers, body, None)?;
                return Ok(Verified { caller: Caller::Anonymous, scheme, body });
            }
            Presented::V4Header(items) => header::verify(&incoming, items),
            Presented::V4Query => presigned::verify(&incoming),
            Presented::V2Header(items) => sigv2::verify_header(&incoming, items),
            Presented::V2Query => sigv2::verify_query(&incoming),
        }?;
        let body = genuine.content.seal(&head.headers, body, genuine.signer)?;
        Ok(Verified { caller: Caller::Key(genuine.identity), scheme, body })
    }
}

impl Incoming<'_> {
    /// A header's first value, as text.
    pub(super) fn header(&self, name: &str) -> Option<String> {
        let value = self.head.headers.get(name)?;
        Some(String::from_utf8_lossy(value.as_bytes()).into_owned())
    }

    /// The session token that came along, in header or query; two that differ are none.
    pub(super) fn token(&self) -> Result<Option<String>, AuthError> {
        const TOKEN: &str = "x-amz-security-token";
        let headers = self.head.headers.get_all(TOKEN).iter();
        let mut found = self.query.get_any_case(TOKEN);
        for value in headers.map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned()) {
            if found.as_ref().is_some_and(|other| *other != value) {
                return Err(AuthError::InvalidToken);
            }
            found = Some(value);
        }
        Ok(found)
    }

    /// What is signed of the body: what was said of it, or, where it has been read, what it is.
    pub(super) fn payload_hash(&self, said: Option<String>) -> Result<Option<String>, AuthError> {
        match (self.digest, said) {
            (None, said) => Ok(said),
            (Some(digest), Some(said)) if said != digest => Err(AuthError::InvalidRequest(
                "The provided 'x-amz-content-sha256' header does not match what was computed"
                    .to_owned(),
            )),
            (Some(digest), _) => Ok(Some(digest.to_owned())),
        }
    }
}

impl<'a> Presented<'a> {
    /// Refuses a request that is signed in its head, where that is not the place.
    pub(super) fn nothing_in(head: &'a Parts) -> Result<(), AuthError> {
        let query = Query(head.uri.query().unwrap_or_default().as_bytes());
        match Self::by(&head.headers, query)? {
            Self::Nothing => Ok(()),
            _ => Err(authorization(
                "Only one auth mechanism allowed; a form is signed in its fields",
                "",
            )),
        }
    }

    pub(super) fn by(headers: &'a HeaderMap, query: Query<'_>) -> Result<Self, AuthError> {
        let has = |names: &[&str]| names.iter().any(|name| query.has(name));
        let v4_query = has(&["X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Signature"]);
        let v2_query = has(&["AWSAccessKeyId", "Signature"]);
        let mut values = headers.get_all(AUTHORIZATION).iter();
        let value = values.next().map(|value| String::from_utf8_lossy(value.as_bytes()));
        let several = usize::from(v4_query) + usize::from(v2_query) + usize::from(value.is_some());
        if several > 1 || values.next().is_some() {
            return Err(authorization(
                "Only one auth mechanism allowed; only the X-Amz-Algorithm query parameter, \
                 Signature query string parameter or the Authorization header should be specified",
                value.as_deref().unwrap_or_default(),
            ));
        }
        match headers.get(AUTHORIZATION) {
            Some(value) => Self::by_header(value),
            None if v4_query => Ok(Self::V4Query),
            None if v2_query => Ok(Self::V2Query),
            None => Ok(Self::Nothing),
        }
    }

    fn by_header(value: &'a http::HeaderValue) -> Result<Self, AuthError> {
        let Ok(text) = value.to_str() else {
            return Err(authorization("The Authorization header is not plain text", ""));
        };
        let (algorithm, items) = text.trim().split_once([' ', '\t']).ok_or_else(|| {
            authorization(
                "Authorization header is invalid -- one and only one ' ' (space) required",
                text,
            )
        })?;
        match algorithm {
            v4::ALGORITHM => Ok(Self::V4Header(items)),
            "AWS" => Ok(Self::V2Header(items)),
            "AWS4-ECDSA-P256-SHA256" => Err(unsupported_mechanism()),
            _ => Err(authorization("Unsupported Authorization Type", text)),
        }
    }

    fn scheme(&self) -> Scheme {
        match self {
            Self::Nothing => Scheme::None,
            Self::V4Header(_) => Scheme::V4Header,
            Self::V4Query => Scheme::V4Query,
            Self::V2Header(_) => Scheme::V2Header,
            Self::V2Query => Scheme::V2Query,
        }
    }
}

fn authorization(message: &str, value: &str) -> AuthError {
    let (message, value) = (message.to_owned(), value.to_owned());
    AuthError::InvalidArgument { message, name: "Authorization", value }
}

pub(super) fn unsupported_mechanism() -> AuthError {
    AuthError::InvalidRequest(format!(
        "The authorization mechanism you have provided is not supported. Please use {}.",
        v4::ALGORITHM
    ))
}

#[cfg(test)]
mod tests;
