//! Signature Version 4 in the `Authorization` header (S3 API Reference, "Authenticating requests:
//! using the Authorization header").

use super::canonical::{SignedHeaders, Subject};
use super::chunked::ChunkChain;
use super::content::{CONTENT_SHA256, Content};
use super::scope::Credential;
use super::v4::Claim;
use super::verify::{Genuine, Incoming};
use super::{AuthError, date, region};
use crate::object::Timestamp;

/// The header's three components, as received.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Authorization<'a> {
    pub(super) credential: &'a str,
    pub(super) signed_headers: &'a str,
    pub(super) signature: &'a str,
}

impl<'a> Authorization<'a> {
    /// Reads what follows the algorithm: `name=value` items between commas, with or without
    /// blanks around them.
    pub(super) fn parse(items: &'a str) -> Result<Self, AuthError> {
        let (mut credential, mut signed_headers, mut signature) = (None, None, None);
        for item in items.split(',') {
            let (name, value) = item.trim().split_once('=').ok_or_else(|| components(items))?;
            let place = match name.trim_end() {
                "Credential" => &mut credential,
                "SignedHeaders" => &mut signed_headers,
                "Signature" => &mut signature,
                _ => return Err(components(items)),
            };
            if place.replace(value.trim_start()).is_some() {
                return Err(components(items));
            }
        }
        let present = |place: Option<&'a str>, name| {
            place.filter(|value| !value.is_empty()).ok_or_else(|| missing(name))
        };
        Ok(Self {
            credential: present(credential, "Credential")?,
            signed_headers: present(signed_headers, "SignedHeaders")?,
            signature: present(signature, "Signature")?,
        })
    }
}

/// Verifies a request whose `Authorization` header has `items` behind the algorithm.
pub(super) fn verify(incoming: &Incoming<'_>, items: &str) -> Result<Genuine, AuthError> {
    let authorization = Authorization::parse(items)?;
    let credential = Credential::parse(authorization.credential)
        .and_then(|it| it.for_service(incoming.service))
        .map_err(|error| malformed(&error.to_string()))?;
    let (settings, head) = (incoming.settings, incoming.head);
    if let Some(right) = region::refused(settings, credential.region, head, incoming.bucket) {
        let wrong = credential.region;
        return Err(AuthError::HeaderMalformed {
            message: format!(
                "The authorization header is malformed; the region '{wrong}' is wrong; expecting \
                 '{right}'"
            ),
            region: Some(right.to_owned()),
        });
    }
    let signed = SignedHeaders::parse(authorization.signed_headers)
        .ok_or_else(|| malformed("the SignedHeaders are not names of headers."))?;
    let (time, time_text) = signing_time(incoming)?;
    if time_text.get(..8) != Some(credential.date) {
        let day = credential.date;
        return Err(malformed(&format!(
            "Invalid credential date \"{day}\". This date is not the same as X-Amz-Date: \
             \"{time_text}\"."
        )));
    }
    if date::is_skewed(time, incoming.now) {
        return Err(AuthError::Skewed { request_time: time_text, server_time: incoming.now });
    }
    let payload_hash = incoming.payload_hash(Content::in_headers(&head.headers))?;
    let payload_hash = payload_hash.ok_or_else(|| {
        AuthError::InvalidRequest(format!(
            "Missing required header for this request: {CONTENT_SHA256}"
        ))
    })?;
    let content = Content::parse(&payload_hash)?;

    let claim = Claim {
        subject: Subject::of(head),
        credential,
        signed,
        signature: authorization.signature,
        time,
        time_text: &time_text,
        payload_hash: &payload_hash,
        unsigned_parameter: None,
        token: incoming.token()?,
        now: incoming.now,
    };
    let proof = claim.check(incoming.ring)?;
    let seed = authorization.signature.to_owned();
    let chain = ChunkChain::new(proof.key, &time_text, credential.scope, seed);
    Ok(Genuine { identity: proof.identity, content, signer: Some(Box::new(chain)) })
}

/// When the request was signed, and that in the form of `x-amz-date`.
fn signing_time(incoming: &Incoming<'_>) -> Result<(Timestamp, String), AuthError> {
    let time = match incoming.header("x-amz-date") {
        Some(text) => date::parse_iso_basic(&text).map(|time| (time, text)),
        None => incoming
            .header("date")
            .and_then(|text| date::parse_any(&text))
            .map(|time| (time, date::iso_basic(time))),
    };
    time.ok_or_else(|| {
        AuthError::AccessDenied(
            "AWS authentication requires a valid Date or x-amz-date header".to_owned(),
        )
    })
}

fn malformed(fault: &str) -> AuthError {
    let message = format!("The authorization header is malformed; {fault}");
    AuthError::HeaderMalformed { message, region: None }
}

fn missing(name: &str) -> AuthError {
    malformed(&format!("missing {name}."))
}

fn components(items: &str) -> AuthError {
    let count = items.split(',').count();
    malformed(&format!(
        "the authorization header needs the components Credential, SignedHeaders and Signature, \
         each once; {count} components are there."
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn components_come_in_any_order_with_and_without_blanks() {
        let expected =
            Authorization { credential: "A/d/r/s/t", signed_headers: "host;date", signature: "f0" };
        for items in [
            "Credential=A/d/r/s/t, SignedHeaders=host;date, Signature=f0",
            "Credential=A/d/r/s/t,SignedHeaders=host;date,Signature=f0",
            "  Signature=f0 ,\tCredential=A/d/r/s/t , SignedHeaders=host;date ",
        ] {
            assert_eq!(Authorization::parse(items), Ok(Authorization { ..expected }), "{items}");
        }
    }

    #[test]
    fn other_sets_of_components_are_malformed() {
        for items in [
            "",
            "Credential=a",
            "Credential=a,SignedHeaders=b",
            "Credential=a,SignedHeaders=b,Signature=",
            "Credential=a,SignedHeaders=b,Signature=c,",
            "Credential=a,SignedHeaders=b,Signature=c,Signature=d",
            "Credential=a,SignedHeaders=b,Signature=c,Other=d",
            "Credential a,SignedHeaders=b,Signature=c",
            "credential=a,signedheaders=b,signature=c",
        ] {
            let error = Authorization::parse(items).unwrap_err();
            assert!(matches!(error, AuthError::HeaderMalformed { region: None, .. }), "{items}");
        }
    }
}
