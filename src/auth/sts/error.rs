//! Why there are no credentials.

use std::time::Duration;

use crate::auth::grants::Malformed;

/// A refusal of the Security Token Service. The client sees the code that stands behind it, and
/// never why a token is not believed in more than general words; `Display` is for the operator.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StsError {
    /// `AccessDenied`: nobody who asks so may do that.
    #[error("{0}")]
    Denied(String),
    /// `InvalidIdentityToken`: the token is not believed.
    #[error("the web identity token: {0}")]
    InvalidToken(String),
    /// `ExpiredTokenException`: the token was good once.
    #[error("the web identity token has expired")]
    ExpiredToken,
    /// `IDPRejectedClaim`: a claim that the role needs is missing or unusable.
    #[error("the web identity token's claim {0} is missing or unusable")]
    Claim(String),
    /// `IDPCommunicationError`: the provider's keys cannot be had.
    #[error("the keys of the identity provider {0} cannot be had")]
    ProviderAway(String),
    /// `MalformedPolicyDocument`.
    #[error("the session policy: {0}")]
    MalformedPolicy(Malformed),
    /// `PackedPolicyTooLarge`: a token would have that many percent of what it may have.
    #[error("policy, tags and claims of the session take {0} % of the space for them")]
    TooLarge(usize),
    /// `ValidationError`: a parameter is not what it may be.
    #[error("{0}")]
    Invalid(String),
    /// `ValidationError`: longer than the role's sessions last.
    #[error("the role's sessions last {0:?} at most")]
    TooLong(Duration),
    /// `InternalFailure`.
    #[error("{0}")]
    Internal(&'static str),
}
