//! What `x-amz-content-sha256` says about a body, and how the body is sealed accordingly.

use http::HeaderMap;

use super::{AuthError, Sealed};
use crate::body::{ChunkSigner, Framing, Payload};
use crate::object::Algorithm;

pub(super) const CONTENT_SHA256: &str = "x-amz-content-sha256";
/// `x-amz-content-sha256` of a body that the signature does not cover.
pub const UNSIGNED_PAYLOAD: &str = "UNSIGNED-PAYLOAD";
const DECODED_LENGTH: &str = "x-amz-decoded-content-length";
const TRAILER: &str = "x-amz-trailer";
const TRAILER_SIGNATURE: &str = "x-amz-trailer-signature";

/// A value of `x-amz-content-sha256`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Content {
    /// The body is not covered by the signature.
    Unsigned,
    /// The body has this hash.
    Sha256([u8; 32]),
    /// The body is aws-chunked.
    Streaming(Framing),
}

impl Content {
    /// Reads a value.
    pub(super) fn parse(value: &str) -> Result<Self, AuthError> {
        Ok(match value {
            UNSIGNED_PAYLOAD => Self::Unsigned,
            "STREAMING-AWS4-HMAC-SHA256-PAYLOAD" => Self::Streaming(Framing::Signed),
            "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER" => Self::Streaming(Framing::SignedTrailer),
            "STREAMING-UNSIGNED-PAYLOAD-TRAILER" => Self::Streaming(Framing::UnsignedTrailer),
            "STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD"
            | "STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD-TRAILER" => {
                return Err(AuthError::NotImplemented(format!(
                    "The payload signing method {value} is not implemented"
                )));
            }
            _ => Self::Sha256(literal(value)?),
        })
    }

    /// The header, where there is one.
    pub(super) fn in_headers(headers: &HeaderMap) -> Option<String> {
        let value = headers.get(CONTENT_SHA256)?;
        Some(String::from_utf8_lossy(value.as_bytes()).into_owned())
    }

    /// Closes a body whose head is genuine. `signer` stands where the head was signed with
    /// Version 4; a body with signed chunks can't do without.
    pub(super) fn seal(
        self,
        headers: &HeaderMap,
        body: Payload,
        signer: Option<Box<dyn ChunkSigner>>,
    ) -> Result<Sealed, AuthError> {
        let trailers = announced_trailers(headers)?;
        match self {
            Self::Unsigned => Ok(Sealed::plain(body).with_trailers(trailers)),
            Self::Sha256(hash) => Ok(Sealed::hashed(body, hash).with_trailers(trailers)),
            Self::Streaming(framing) => {
                let signer = match (&framing, signer) {
                    (Framing::UnsignedTrailer, _) => None,
                    (_, Some(signer)) => Some(signer),
                    (_, None) => return Err(signed_chunks_unsigned_head()),
                };
                let length = decoded_length(headers)?;
                Ok(Sealed::chunked(body, framing, length, signer).with_trailers(trailers))
            }
        }
    }
}

fn literal(value: &str) -> Result<[u8; 32], AuthError> {
    let mut hash = [0; 32];
    hex::decode_to_slice(value, &mut hash).map_err(|_| AuthError::InvalidArgument {
        message: "x-amz-content-sha256 must be UNSIGNED-PAYLOAD, \
                  STREAMING-UNSIGNED-PAYLOAD-TRAILER, STREAMING-AWS4-HMAC-SHA256-PAYLOAD, \
                  STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER, or a valid sha256 value."
            .to_owned(),
        name: CONTENT_SHA256,
        value: value.to_owned(),
    })?;
    Ok(hash)
}

fn signed_chunks_unsigned_head() -> AuthError {
    AuthError::InvalidRequest(
        "Signed chunks need a request signed with AWS4-HMAC-SHA256 in its Authorization header"
            .to_owned(),
    )
}

fn decoded_length(headers: &HeaderMap) -> Result<u64, AuthError> {
    let text = headers.get(DECODED_LENGTH).and_then(|value| value.to_str().ok());
    // `parse` would take a sign.
    text.filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()))
        .and_then(|text| text.parse().ok())
        .ok_or(AuthError::MissingContentLength)
}

/// The names in `x-amz-trailer`, lower-case. Clients that also name the trailer's signature mean
/// no trailer of their own by it.
fn announced_trailers(headers: &HeaderMap) -> Result<Vec<String>, AuthError> {
    let mut names: Vec<String> = Vec::new();
    for value in headers.get_all(TRAILER) {
        let list = String::from_utf8_lossy(value.as_bytes()).to_ascii_lowercase();
        for name in list.split(',').map(str::trim) {
            if name.is_empty() || name == TRAILER_SIGNATURE || names.iter().any(|it| it == name) {
                continue;
            }
            if Algorithm::ALL.iter().all(|algorithm| algorithm.header_name() != name) {
                return Err(AuthError::InvalidRequest(
                    "The value specified in the x-amz-trailer header is not supported".to_owned(),
                ));
            }
            names.push(name.to_owned());
        }
    }
    Ok(names)
}
