//! What the tests of authentication share: a fixed time, keys, and requests signed by the
//! gateway's own code. That this code signs as AWS does is shown by the vectors and the oracle.

use std::sync::Arc;

use http::request::Parts;
use http::{HeaderValue, Request};
use sha2::{Digest, Sha256};

use super::canonical::{Reading, SignedHeaders, Subject, canonical_request};
use super::chunked::ChunkChain;
use super::content::UNSIGNED_PAYLOAD;
use super::scope::Credential;
use super::signing_key::SigningKey;
use super::{
    AuthError, AuthSettings, Authenticator, Identity, Key, Keyring, Role, Secret, Verified,
};
use crate::body::Payload;
use crate::object::{Clock, Owner, Timestamp};

pub(super) const ACCESS_KEY: &str = "AKTEST";
pub(super) const SECRET: &str = "a/secret+of/the=tests";
/// 2013-05-24T00:00:00Z, the day of AWS's examples.
pub(super) const NOW: Timestamp = Timestamp(1_369_353_600_000);
pub(super) const NOW_TEXT: &str = "20130524T000000Z";
pub(super) const SCOPE: &str = "20130524/us-east-1/s3/aws4_request";

struct Fixed(Timestamp);

impl Clock for Fixed {
    fn now(&self) -> Timestamp {
        self.0
    }
}

pub(super) fn settings() -> AuthSettings {
    AuthSettings { sigv2: true, region: "us-east-1".to_owned(), strict_region: false }
}

pub(super) fn key(access_key: &str, secret: &str) -> Key {
    let owner = Owner { id: "owner".to_owned(), display_name: "Owner".to_owned() };
    let identity = Identity::new(access_key, Role::Admin, owner);
    let (access_key, secret) = (access_key.to_owned(), Secret::new(secret));
    Key { access_key, secret, identity: Arc::new(identity) }
}

pub(super) fn authenticator_at(now: Timestamp, settings: AuthSettings) -> Authenticator {
    let keys = Keyring::new([key(ACCESS_KEY, SECRET), key("team/b", SECRET)]);
    Authenticator::new(keys, settings, Arc::new(Fixed(now)))
}

/// Verifies at the time at which the requests here are signed.
pub(super) fn verify(head: &Parts) -> Result<Verified, AuthError> {
    authenticator_at(NOW, settings()).verify(head, None, Payload::empty())
}

/// A request to `target` with a host and the given headers.
pub(super) fn request(method: &str, target: &str, headers: &[(&str, &str)]) -> Parts {
    let mut request =
        Request::builder().method(method).uri(target).header("host", "localhost:9000");
    for (name, value) in headers {
        request = request.header(*name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
    }
    request.body(()).unwrap().into_parts().0
}

/// A signed GET of one object, as most tests need it.
pub(super) fn signed_get(headers: &[(&str, &str)]) -> Parts {
    sign(with_standard(request("GET", "/bucket/key", headers)))
}

/// Adds the headers without which nothing can be signed.
pub(super) fn with_standard(mut head: Parts) -> Parts {
    let value = HeaderValue::from_static(NOW_TEXT);
    head.headers.entry("x-amz-date").or_insert(value);
    let value = HeaderValue::from_static(UNSIGNED_PAYLOAD);
    head.headers.entry("x-amz-content-sha256").or_insert(value);
    head
}

/// Signs all headers of a request, in the header.
pub(super) fn sign(head: Parts) -> Parts {
    let names: Vec<String> = head.headers.keys().map(ToString::to_string).collect();
    sign_some(head, &names.join(";"), SCOPE)
}

/// Signs some headers of a request.
pub(super) fn sign_some(mut head: Parts, names: &str, scope: &str) -> Parts {
    let payload = head.headers.get("x-amz-content-sha256").map(|value| value.to_str().unwrap());
    let payload = payload.unwrap_or(UNSIGNED_PAYLOAD).to_owned();
    let time = head.headers.get("x-amz-date").map(|value| value.to_str().unwrap());
    let time = time.unwrap_or(NOW_TEXT).to_owned();
    let signature = signature(&head, names, &payload, &time, scope, None);
    let value = format!(
        "AWS4-HMAC-SHA256 Credential={ACCESS_KEY}/{scope}, SignedHeaders={names}, \
         Signature={signature}"
    );
    head.headers.insert("authorization", value.try_into().unwrap());
    head
}

/// The parameters of a presigned URL, in their order, without the signature.
pub(super) fn presign_parameters(expires: &str, names: &str) -> Vec<(&'static str, String)> {
    vec![
        ("X-Amz-Algorithm", "AWS4-HMAC-SHA256".to_owned()),
        ("X-Amz-Credential", format!("{ACCESS_KEY}/{SCOPE}").replace('/', "%2F")),
        ("X-Amz-Date", NOW_TEXT.to_owned()),
        ("X-Amz-Expires", expires.to_owned()),
        ("X-Amz-SignedHeaders", names.replace(';', "%3B")),
    ]
}

/// Presigns a request with the given parameters, whatever they are.
pub(super) fn presign_with(mut head: Parts, parameters: &[(&'static str, String)]) -> Parts {
    let get =
        |wanted| parameters.iter().find(|(name, _)| *name == wanted).map(|(_, it)| it.as_str());
    let names = get("X-Amz-SignedHeaders").unwrap_or("host").replace("%3B", ";");
    let payload = get("X-Amz-Content-Sha256").unwrap_or(UNSIGNED_PAYLOAD).to_owned();
    let time = get("X-Amz-Date").unwrap_or(NOW_TEXT).to_owned();
    let pairs: Vec<String> = parameters.iter().map(|(name, it)| format!("{name}={it}")).collect();
    let joint = if head.uri.query().is_some() { '&' } else { '?' };
    let target = format!("{}{joint}{}", head.uri, pairs.join("&"));
    head.uri = target.parse().unwrap();
    let signature = signature(&head, &names, &payload, &time, SCOPE, Some("X-Amz-Signature"));
    head.uri = format!("{target}&X-Amz-Signature={signature}").parse().unwrap();
    head
}

/// Presigns a request for an hour.
pub(super) fn presign(head: Parts, names: &str) -> Parts {
    presign_with(head, &presign_parameters("3600", names))
}

fn signature(
    head: &Parts,
    names: &str,
    payload: &str,
    time: &str,
    scope: &str,
    without: Option<&str>,
) -> String {
    let signed = SignedHeaders::parse(names).unwrap();
    let subject = Subject::of(head);
    let canonical = canonical_request(&subject, &signed, payload, without, Reading::FIRST);
    let hash = hex::encode(Sha256::digest(canonical));
    let text = format!("AWS4-HMAC-SHA256\n{time}\n{scope}\n{hash}");
    signing_key(scope).sign(text.as_bytes())
}

fn signing_key(scope: &str) -> SigningKey {
    let whole = format!("{ACCESS_KEY}/{scope}");
    SigningKey::derive(&Secret::new(SECRET), &Credential::parse(&whole).unwrap(), NOW)
}

/// The chain of chunk signatures that follows a signed head.
pub(super) fn chunk_chain(head: &Parts) -> ChunkChain {
    let authorization = head.headers["authorization"].to_str().unwrap();
    let (_, seed) = authorization.rsplit_once("Signature=").unwrap();
    ChunkChain::new(signing_key(SCOPE), NOW_TEXT, SCOPE, seed.to_owned())
}
