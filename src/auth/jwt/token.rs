//! A token in its compact form, taken apart.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde::de::IgnoredAny;

use super::{Algorithm, Claims};

/// The longest token that is looked at (STS API Reference, AssumeRoleWithWebIdentity).
const LONGEST: usize = 20_000;

/// A token about which nothing is known to be true yet.
pub(in crate::auth) struct Token<'a> {
    pub(super) algorithm: Algorithm,
    pub(super) key_id: Option<String>,
    /// Header and claims as they were signed.
    pub(super) signed: &'a str,
    pub(super) signature: Vec<u8>,
    pub(super) claims: Claims,
}

/// Why a token is not believed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(in crate::auth) enum Fault {
    /// It is none.
    #[error("it is no signed JWT: {0}")]
    Malformed(&'static str),
    /// It is signed in a way that the provider does not sign in.
    #[error("its algorithm is not one of the provider's")]
    Algorithm,
    /// It is signed with a key that the provider does not have.
    #[error("it is signed with a key that the provider does not have")]
    UnknownKey,
    /// Its signature is wrong.
    #[error("its signature is wrong")]
    Signature,
    /// Another has issued it.
    #[error("its issuer is not the provider's")]
    Issuer,
    /// It is for another audience.
    #[error("it is for another audience")]
    Audience,
    /// It has expired.
    #[error("it has expired")]
    Expired,
    /// It holds from a later time on.
    #[error("it is not valid yet")]
    NotYet,
    /// A claim is missing or is not what it should be.
    #[error("its claim {0} is missing or unusable")]
    Claim(String),
    /// The provider's keys cannot be had.
    #[error("the provider's keys cannot be fetched")]
    Away,
}

#[derive(Deserialize)]
struct Header {
    alg: String,
    kid: Option<String>,
    /// Extensions that must be understood; there are none here.
    crit: Option<IgnoredAny>,
}

impl<'a> Token<'a> {
    /// Takes a token apart. What is no JWT, is unsigned or wants what is not understood here is
    /// refused.
    pub(in crate::auth) fn parse(text: &'a str) -> Result<Self, Fault> {
        if text.len() > LONGEST {
            return Err(Fault::Malformed("it is too long"));
        }
        let (signed, signature) = text.rsplit_once('.').ok_or(Fault::Malformed("one part"))?;
        let (header, claims) = signed.split_once('.').ok_or(Fault::Malformed("two parts"))?;
        if claims.contains('.') {
            return Err(Fault::Malformed("more than three parts"));
        }
        let decode = |part: &str| {
            URL_SAFE_NO_PAD.decode(part).map_err(|_| Fault::Malformed("it is not base64url"))
        };
        let header: Header = serde_json::from_slice(&decode(header)?)
            .map_err(|_| Fault::Malformed("its header is not readable"))?;
        if header.crit.is_some() {
            return Err(Fault::Malformed("it has extensions that are not understood here"));
        }
        let algorithm = Algorithm::named(&header.alg).ok_or(Fault::Algorithm)?;
        let claims =
            Claims::parse(&decode(claims)?).ok_or(Fault::Malformed("its claims are no object"))?;
        Ok(Self { algorithm, key_id: header.kid, signed, signature: decode(signature)?, claims })
    }

    /// Whom it says it is from, before that is known to be true.
    pub(in crate::auth) fn issuer(&self) -> Option<String> {
        self.claims.text("iss")
    }
}
