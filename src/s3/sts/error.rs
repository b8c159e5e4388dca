//! Errors in this service's own form, with its own codes (STS API Reference, "Common error types").

use http::StatusCode;

use crate::auth::{AuthError, StsError};
use crate::body::BodyError;

/// A refusal.
#[derive(Debug)]
pub(super) struct Fault {
    pub(super) status: StatusCode,
    pub(super) code: &'static str,
    pub(super) message: String,
    /// What is behind it, for the operator.
    pub(super) cause: Option<String>,
}

impl Fault {
    pub(super) fn sender(status: u16, code: &'static str, message: impl Into<String>) -> Self {
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_REQUEST);
        Self { status, code, message: message.into(), cause: None }
    }

    pub(super) fn validation(message: impl Into<String>) -> Self {
        Self::sender(400, "ValidationError", message)
    }

    pub(super) fn internal(cause: &str) -> Self {
        let message = "The request processing has failed because of an internal error.";
        Self::sender(500, "InternalFailure", message).because(cause)
    }

    /// Nobody signed what has to be signed.
    pub(super) fn unsigned() -> Self {
        let message = "Request is missing Authentication Token";
        Self::sender(403, "MissingAuthenticationToken", message)
    }

    pub(super) fn of_body(error: &BodyError) -> Self {
        match error {
            BodyError::TooLarge { .. } => {
                Self::sender(413, "RequestEntityTooLarge", "The request is too large.")
            }
            _ => Self::sender(400, "MalformedInput", "The request's body is not whole."),
        }
    }

    /// `Receiver` where it is this side's fault.
    pub(super) fn kind(&self) -> &'static str {
        if self.status.is_server_error() { "Receiver" } else { "Sender" }
    }

    pub(super) fn log(&self, action: Option<&str>) {
        if self.status.is_server_error() {
            tracing::error!(action, cause = self.cause, "a call for credentials failed");
        }
    }

    #[must_use]
    pub(super) fn because(self, cause: impl Into<String>) -> Self {
        Self { cause: Some(cause.into()), ..self }
    }
}

impl From<AuthError> for Fault {
    fn from(error: AuthError) -> Self {
        let why = error.to_string();
        let mismatch = |message: String| Self::sender(403, "SignatureDoesNotMatch", message);
        match error {
            AuthError::UnknownKey(_) | AuthError::InvalidToken | AuthError::EndedSession(_) => {
                let message = "The security token included in the request is invalid.";
                Self::sender(403, "InvalidClientTokenId", message).because(why)
            }
            AuthError::ExpiredToken => {
                let message = "The security token included in the request is expired";
                Self::sender(403, "ExpiredToken", message)
            }
            AuthError::Mismatch { .. } => mismatch(
                "The request signature we calculated does not match the signature you provided. \
                 Check your AWS Secret Access Key and signing method."
                    .to_owned(),
            ),
            AuthError::Skewed { request_time, server_time } => mismatch(format!(
                "Signature not current: {request_time} is too far from {}",
                server_time.iso8601()
            )),
            AuthError::Expired { expires, server_time, .. } => mismatch(format!(
                "Signature expired: {} is now earlier than {}",
                expires.iso8601(),
                server_time.iso8601()
            )),
            AuthError::HeadersNotSigned(_) => mismatch(why),
            _ => Self::sender(400, "IncompleteSignature", why),
        }
    }
}

/// How a call that may not be done is told: by whom, and about what.
pub(super) fn refused(error: StsError, action: &str, who: Option<&str>, role: &str) -> Fault {
    let why = error.to_string();
    let fault = match error {
        StsError::Denied(_) => {
            let message = match who {
                None => format!("Not authorized to perform sts:{action}"),
                Some(who) => format!(
                    "User: {who} is not authorized to perform: sts:{action}{}{role}",
                    if role.is_empty() { "" } else { " on resource: " }
                ),
            };
            return Fault::sender(403, "AccessDenied", message).because(why);
        }
        StsError::InvalidToken(reason) => {
            let message =
                format!("The web identity token that was passed could not be validated: {reason}");
            Fault::sender(400, "InvalidIdentityToken", message)
        }
        StsError::ExpiredToken => Fault::sender(
            400,
            "ExpiredTokenException",
            "The web identity token that was passed is expired. Get a new identity token from the \
             identity provider and then retry the request.",
        ),
        StsError::Claim(claim) => Fault::sender(
            403,
            "IDPRejectedClaim",
            format!("The token's claim {claim} is missing or is not what the role needs."),
        ),
        StsError::ProviderAway(_) => Fault::sender(
            400,
            "IDPCommunicationError",
            "The identity provider that is asked to verify the incoming identity token could not be \
             reached. Retry the request.",
        ),
        StsError::MalformedPolicy(fault) => {
            Fault::sender(400, "MalformedPolicyDocument", fault.to_string())
        }
        StsError::TooLarge(percent) => Fault::sender(
            400,
            "PackedPolicyTooLarge",
            format!("Packed size of session policy, tags and claims is {percent} % of the limit."),
        ),
        StsError::Invalid(message) => return Fault::validation(message),
        StsError::TooLong(_) => {
            return Fault::validation(
                "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.",
            );
        }
        StsError::Internal(cause) => return Fault::internal(cause),
    };
    fault.because(why)
}
