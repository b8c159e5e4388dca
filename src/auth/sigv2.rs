//! Signature Version 2, in the header and in the query (S3 User Guide, "Signing and authenticating
//! REST requests"): what boto3 and older tools still presign with.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use http::header::{CONTENT_TYPE, HeaderName};
use sha1::Sha1;
use subtle::ConstantTimeEq;

use super::canonical::Subject;
use super::content::Content;
use super::percent::{decode, recode};
use super::redact::redacted;
use super::verify::{Genuine, Incoming};
use super::{AuthError, Secret, date};
use crate::object::Timestamp;
use crate::object::percent::{Plus, Slash};

/// The query parameters that are part of the resource, sorted.
const SIGNED_PARAMETERS: [&str; 35] = [
    "accelerate",
    "acl",
    "analytics",
    "cors",
    "defaultObjectAcl",
    "delete",
    "inventory",
    "lifecycle",
    "location",
    "logging",
    "metrics",
    "notification",
    "object-lock",
    "partNumber",
    "policy",
    "replication",
    "requestPayment",
    "response-cache-control",
    "response-content-disposition",
    "response-content-encoding",
    "response-content-language",
    "response-content-type",
    "response-expires",
    "restore",
    "select",
    "select-type",
    "storageClass",
    "tagging",
    "torrent",
    "uploadId",
    "uploads",
    "versionId",
    "versioning",
    "versions",
    "website",
];

/// A signature and what it claims to cover.
struct Claim<'a> {
    access_key: &'a str,
    /// In base64, as received.
    provided: &'a str,
    carrier: Carrier<'a>,
}

/// Which part of the request carries the signature.
#[derive(Clone, Copy)]
enum Carrier<'a> {
    Header,
    /// With the text of `Expires`.
    Query(&'a str),
}

/// Readings of a request on which signers disagree.
#[derive(Clone, Copy)]
struct Reading {
    path: PathForm,
    plus: Plus,
}

#[derive(Clone, Copy)]
enum PathForm {
    Sent,
    /// botocore asks for `/bucket` and signs `/bucket/`, which is the same.
    SentWithSlash,
    /// Decoded once and encoded again.
    Recoded,
}

/// Every reading, the documented one first.
const READINGS: [Reading; 6] = [
    Reading { path: PathForm::Sent, plus: Plus::Literal },
    Reading { path: PathForm::SentWithSlash, plus: Plus::Literal },
    Reading { path: PathForm::Recoded, plus: Plus::Literal },
    Reading { path: PathForm::Sent, plus: Plus::Space },
    Reading { path: PathForm::SentWithSlash, plus: Plus::Space },
    Reading { path: PathForm::Recoded, plus: Plus::Space },
];

/// Verifies a request with `Authorization: AWS items`.
pub(super) fn verify_header(incoming: &Incoming<'_>, items: &str) -> Result<Genuine, AuthError> {
    let (access_key, provided) =
        items.trim().rsplit_once(':').ok_or_else(|| AuthError::InvalidArgument {
            message: "AWS authorization header is invalid.  Expected AwsAccessKeyId:signature"
                .to_owned(),
            name: "Authorization",
            value: format!("AWS {items}"),
        })?;
    let text = incoming.header("x-amz-date").or_else(|| incoming.header("date"));
    let (time, text) = text
        .and_then(|text| date::parse_any(&text).map(|time| (time, text)))
        .ok_or_else(|| denied("AWS authentication requires a valid Date or x-amz-date header"))?;
    if date::is_skewed(time, incoming.now) {
        return Err(AuthError::Skewed { request_time: text, server_time: incoming.now });
    }
    Claim { access_key, provided, carrier: Carrier::Header }.check(incoming)
}

/// Verifies a request with `AWSAccessKeyId`, `Expires` and `Signature` in its query.
pub(super) fn verify_query(incoming: &Incoming<'_>) -> Result<Genuine, AuthError> {
    let get = |name| {
        incoming.query.get(name).filter(|value| !value.is_empty()).ok_or_else(|| {
            denied(
                "Query-string authentication requires the Signature, Expires and AWSAccessKeyId \
                 parameters",
            )
        })
    };
    let (access_key, expires, provided) =
        (get("AWSAccessKeyId")?, get("Expires")?, get("Signature")?);
    let seconds: i64 = expires
        .parse()
        .map_err(|_| denied(&format!("Invalid date (should be seconds since epoch): {expires}")))?;
    let until = Timestamp(seconds.saturating_mul(1000));
    if incoming.now >= until {
        let server_time = incoming.now;
        return Err(AuthError::Expired { seconds: None, expires: until, server_time });
    }
    // Some signers put the base64 form into the URL as it is, where its plus reads as a space.
    let provided = provided.replace(' ', "+");
    let carrier = Carrier::Query(&expires);
    Claim { access_key: &access_key, provided: &provided, carrier }.check(incoming)
}

impl Claim<'_> {
    fn check(&self, incoming: &Incoming<'_>) -> Result<Genuine, AuthError> {
        let token = incoming.token()?;
        let key = incoming.ring.holder(self.access_key, token.as_deref(), incoming.now)?;
        let content = Content::in_headers(&incoming.head.headers);
        let content = content.map_or(Ok(Content::Unsigned), |value| Content::parse(&value))?;
        let subject = Subject::of(incoming.head);
        for reading in READINGS {
            let text = self.string_to_sign(&subject, incoming.bucket, reading);
            let signature = sign(&key.secret, &text);
            if bool::from(signature.as_bytes().ct_eq(self.provided.as_bytes())) {
                let identity = Arc::clone(&key.identity);
                return Ok(Genuine { identity, content, signer: None });
            }
        }
        let [first, ..] = READINGS;
        Err(AuthError::Mismatch {
            access_key: self.access_key.to_owned(),
            provided: self.provided.to_owned(),
            string_to_sign: redacted(&self.string_to_sign(&subject, incoming.bucket, first)),
            canonical_request: None,
        })
    }

    fn string_to_sign(
        &self,
        subject: &Subject<'_>,
        bucket: Option<&str>,
        reading: Reading,
    ) -> Vec<u8> {
        let mut out = Vec::with_capacity(256);
        let mut push_line = |line: &[u8]| {
            out.extend_from_slice(line);
            out.push(b'\n');
        };
        push_line(subject.method.as_str().as_bytes());
        push_line(&self.content_header(subject, "content-md5", reading));
        push_line(&self.content_header(subject, CONTENT_TYPE.as_str(), reading));
        match self.carrier {
            Carrier::Query(expires) => push_line(expires.as_bytes()),
            Carrier::Header if subject.headers.contains_key("x-amz-date") => push_line(b""),
            Carrier::Header => push_line(&joined(subject, "date")),
        }
        for (name, value) in amz_headers(subject, reading) {
            push_line(&[name.as_bytes(), b":", &value].concat());
        }
        push_resource(&mut out, subject, bucket, reading);
        out
    }

    /// A content header. botocore presigns with it in the query, and the client sends it again as
    /// a header; whoever leaves it out there has signed the query's value.
    fn content_header(&self, subject: &Subject<'_>, name: &str, reading: Reading) -> Vec<u8> {
        let sent = subject.headers.contains_key(name);
        if sent || matches!(self.carrier, Carrier::Header) {
            return joined(subject, name);
        }
        let in_query = subject.query.pairs().find(|(known, _)| *known == name.as_bytes());
        let (_, value) = in_query.unwrap_or_default();
        decode(value.unwrap_or_default(), reading.plus).into_owned()
    }
}

/// Every `x-amz-*` header, and every `x-amz-*` query parameter, which stands for a header: nothing
/// that an operation listens to goes unsigned. botocore presigns with the headers in the query,
/// and its users send them again as headers: what is in both with one value counts once.
fn amz_headers(subject: &Subject<'_>, reading: Reading) -> BTreeMap<String, Vec<u8>> {
    let names = subject.headers.keys().map(HeaderName::as_str);
    let mut found: BTreeMap<String, Vec<u8>> = names
        .filter(|name| name.starts_with("x-amz-"))
        .map(|name| (name.to_owned(), joined(subject, name)))
        .collect();
    for (name, value) in subject.query.pairs() {
        let name = String::from_utf8_lossy(&decode(name, reading.plus)).to_ascii_lowercase();
        if !name.starts_with("x-amz-") {
            continue;
        }
        let value = decode(value.unwrap_or_default(), reading.plus);
        match found.entry(name) {
            Entry::Vacant(place) => drop(place.insert(value.trim_ascii().to_vec())),
            Entry::Occupied(known) if known.get().as_slice() == value.trim_ascii() => {}
            Entry::Occupied(mut known) => {
                known.get_mut().push(b',');
                known.get_mut().extend_from_slice(value.trim_ascii());
            }
        }
    }
    found
}

/// A header's values without blanks at their ends, joined by commas.
fn joined(subject: &Subject<'_>, name: &str) -> Vec<u8> {
    let values = subject.headers.get_all(name).into_iter();
    let values: Vec<&[u8]> = values.map(|value| value.as_bytes().trim_ascii()).collect();
    values.join(&b',')
}

/// The path as sent, with the bucket in front where the host names it, and those parameters that
/// choose a sub-resource or change the response.
fn push_resource(out: &mut Vec<u8>, subject: &Subject<'_>, bucket: Option<&str>, reading: Reading) {
    if let Some(bucket) = bucket {
        out.push(b'/');
        out.extend_from_slice(bucket.as_bytes());
    }
    match reading.path {
        PathForm::Sent => out.extend_from_slice(subject.path),
        PathForm::SentWithSlash => {
            out.extend_from_slice(subject.path);
            let names_a_bucket = bucket.is_none()
                && subject.path.len() > 1
                && subject.path.iter().rposition(|byte| *byte == b'/') == Some(0);
            if names_a_bucket {
                out.push(b'/');
            }
        }
        PathForm::Recoded => recode(out, subject.path, Plus::Literal, Slash::Keep),
    }
    let is_signed = |name: &[u8]| {
        SIGNED_PARAMETERS.binary_search_by(|known| known.as_bytes().cmp(name)).is_ok()
    };
    let mut parameters: Vec<_> =
        subject.query.pairs().filter(|(name, _)| is_signed(name)).collect();
    parameters.sort_by_key(|(name, _)| *name);
    for (position, (name, value)) in parameters.into_iter().enumerate() {
        out.push(if position == 0 { b'?' } else { b'&' });
        out.extend_from_slice(name);
        if let Some(value) = value {
            out.push(b'=');
            out.extend_from_slice(&decode(value, reading.plus));
        }
    }
}

fn sign(secret: &Secret, text: &[u8]) -> String {
    #[allow(clippy::expect_used, reason = "HMAC takes keys of every length")]
    let mut mac = Hmac::<Sha1>::new_from_slice(secret.expose().as_bytes()).expect("any length");
    mac.update(text);
    STANDARD.encode(mac.finalize().into_bytes())
}

fn denied(message: &str) -> AuthError {
    AuthError::AccessDenied(message.to_owned())
}

#[cfg(test)]
mod tests;
