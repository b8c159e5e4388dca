//! Signature Version 4 in the query: presigned URLs (S3 API Reference, "Authenticating requests:
//! using query parameters").

use super::canonical::{SignedHeaders, Subject};
use super::content::{CONTENT_SHA256, Content, UNSIGNED_PAYLOAD};
use super::scope::Credential;
use super::v4::{ALGORITHM, Claim};
use super::verify::{Genuine, Incoming};
use super::{AuthError, date, region};
use crate::object::Timestamp;

/// The longest time for which a URL may be valid: seven days, in seconds.
const LONGEST: u64 = 604_800;
const SIGNATURE: &str = "X-Amz-Signature";

/// The parameters that make up the signature, decoded.
struct Parameters {
    algorithm: String,
    credential: String,
    date: String,
    expires: String,
    signed_headers: String,
    signature: String,
}

/// Verifies a request whose query says who signed it.
pub(super) fn verify(incoming: &Incoming<'_>) -> Result<Genuine, AuthError> {
    let parameters = Parameters::of(incoming)?;
    if parameters.algorithm != ALGORITHM {
        return Err(refused(format!("X-Amz-Algorithm only supports \"{ALGORITHM}\"")));
    }
    let credential = Credential::parse(&parameters.credential)
        .and_then(|it| it.for_service(incoming.service))
        .map_err(|error| {
            refused(format!("Error parsing the X-Amz-Credential parameter; {error}"))
        })?;
    let head = incoming.head;
    let right = region::refused(incoming.settings, credential.region, head, incoming.bucket);
    if let Some(right) = right {
        let wrong = credential.region;
        return Err(refused(format!(
            "Error parsing the X-Amz-Credential parameter; the region '{wrong}' is wrong; \
             expecting '{right}'"
        )));
    }
    let signed = SignedHeaders::parse(&parameters.signed_headers)
        .ok_or_else(|| refused("X-Amz-SignedHeaders must be names of headers".to_owned()))?;
    let time = parameters.check_times(&credential, incoming.now)?;
    let payload_hash =
        incoming.query.get_any_case(CONTENT_SHA256).or_else(|| Content::in_headers(&head.headers));
    let payload_hash = incoming.payload_hash(payload_hash)?;
    let payload_hash = payload_hash.unwrap_or_else(|| UNSIGNED_PAYLOAD.to_owned());
    let content = Content::parse(&payload_hash)?;
    if matches!(content, Content::Streaming(_)) {
        return Err(AuthError::InvalidRequest(
            "A presigned URL cannot be used with an aws-chunked body".to_owned(),
        ));
    }

    let claim = Claim {
        subject: Subject::of(head),
        credential,
        signed,
        signature: &parameters.signature,
        time,
        time_text: &parameters.date,
        payload_hash: &payload_hash,
        unsigned_parameter: Some(SIGNATURE),
        token: incoming.token()?,
        now: incoming.now,
    };
    let proof = claim.check(incoming.ring)?;
    Ok(Genuine { identity: proof.identity, content, signer: None })
}

impl Parameters {
    fn of(incoming: &Incoming<'_>) -> Result<Self, AuthError> {
        let get = |name| {
            incoming.query.get(name).filter(|value| !value.is_empty()).ok_or_else(|| {
                refused(
                    "Query-string authentication version 4 requires the X-Amz-Algorithm, \
                     X-Amz-Credential, X-Amz-Signature, X-Amz-Date, X-Amz-SignedHeaders, and \
                     X-Amz-Expires parameters."
                        .to_owned(),
                )
            })
        };
        Ok(Self {
            algorithm: get("X-Amz-Algorithm")?,
            credential: get("X-Amz-Credential")?,
            date: get("X-Amz-Date")?,
            expires: get("X-Amz-Expires")?,
            signed_headers: get("X-Amz-SignedHeaders")?,
            signature: get(SIGNATURE)?,
        })
    }

    /// When the URL was signed, given that it is valid now.
    fn check_times(
        &self,
        credential: &Credential<'_>,
        now: Timestamp,
    ) -> Result<Timestamp, AuthError> {
        let start = date::parse_iso_basic(&self.date).ok_or_else(|| {
            refused("X-Amz-Date must be in the ISO8601 Long Format \"yyyyMMdd'T'HHmmss'Z'\"".into())
        })?;
        if self.date.get(..8) != Some(credential.date) {
            return Err(refused(format!(
                "Invalid credential date \"{}\". This date is not the same as X-Amz-Date: \"{}\".",
                credential.date, self.date
            )));
        }
        let seconds = self.valid_seconds()?;
        if start.0 > now.0.saturating_add(date::MAX_SKEW_MILLIS) {
            return Err(AuthError::AccessDenied("Request is not yet valid".to_owned()));
        }
        let millis = i64::try_from(seconds.saturating_mul(1000)).unwrap_or(i64::MAX);
        let expires = Timestamp(start.0.saturating_add(millis));
        if now >= expires {
            return Err(AuthError::Expired { seconds: Some(seconds), expires, server_time: now });
        }
        Ok(start)
    }

    fn valid_seconds(&self) -> Result<u64, AuthError> {
        let seconds: i64 = self
            .expires
            .parse()
            .map_err(|_| refused("X-Amz-Expires should be a number".to_owned()))?;
        let seconds = u64::try_from(seconds)
            .map_err(|_| refused("X-Amz-Expires must be non-negative".to_owned()))?;
        if seconds > LONGEST {
            return Err(refused(format!(
                "X-Amz-Expires must be less than a week (in seconds); that is, the given \
                 X-Amz-Expires must be less than {LONGEST} seconds"
            )));
        }
        Ok(seconds)
    }
}

fn refused(message: String) -> AuthError {
    AuthError::QueryParameters(message)
}
