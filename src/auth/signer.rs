//! Signs requests of this program's own with Signature Version 4: the counterpart of
//! [`super::header`] and [`super::presigned`].

use std::time::Duration;

use http::header::{AUTHORIZATION, HeaderName};
use http::{HeaderMap, HeaderValue, Method, header};
use sha2::{Digest as _, Sha256};

use super::canonical::{Reading, SignedHeaders, Subject, canonical_request};
use super::content::{CONTENT_SHA256, UNSIGNED_PAYLOAD};
use super::presign::LONGEST_PRESIGNED;
use super::query::Query;
use super::scope::{Credential, SERVICE};
use super::signing_key::SigningKey;
use super::v4::ALGORITHM;
use super::{Key, Secret, date};
use crate::object::Timestamp;
use crate::object::percent::{Slash, encode};

/// `x-amz-content-sha256` of a body that comes aws-chunked, unsigned, with a trailer.
pub const UNSIGNED_TRAILER: &str = "STREAMING-UNSIGNED-PAYLOAD-TRAILER";

/// A key, and the region in which it signs.
#[derive(Debug, Clone)]
pub struct Signer {
    access_key: String,
    secret: Secret,
    region: String,
}

/// An object as a URL names it.
#[derive(Debug, Clone, Copy)]
pub struct Target<'a> {
    /// The Host header.
    pub host: &'a str,
    /// Its bucket.
    pub bucket: &'a str,
    /// Its key.
    pub key: &'a str,
}

impl Signer {
    /// Signs with `key` in `region`.
    pub fn new(key: &Key, region: &str) -> Self {
        let (access_key, secret) = (key.access_key.clone(), key.secret.clone());
        Self { access_key, secret, region: region.to_owned() }
    }

    /// Adds what proves that the request comes from the key's holder. All of `headers` is signed, the
    /// Host among it; `content` is what the body's hash is said to be.
    pub fn sign(
        &self,
        method: &Method,
        path_and_query: &str,
        headers: &mut HeaderMap,
        content: &str,
        now: Timestamp,
    ) {
        let time = date::iso_basic(now);
        headers.insert("x-amz-date", value(&time));
        headers.insert(CONTENT_SHA256, value(content));
        let mut names: Vec<&str> = headers.keys().map(HeaderName::as_str).collect();
        names.sort_unstable();
        let names = names.join(";");
        let whole = self.credential(&time);
        let (path, query) = path_and_query.split_once('?').unwrap_or((path_and_query, ""));
        let subject = Subject {
            method,
            path: path.as_bytes(),
            query: Query(query.as_bytes()),
            headers,
            host: headers.get(header::HOST).map(HeaderValue::as_bytes),
        };
        let signature = self.signature(&subject, &names, content, &whole, &time, now);
        let line =
            format!("{ALGORITHM} Credential={whole}, SignedHeaders={names}, Signature={signature}");
        headers.insert(AUTHORIZATION, value(&line));
    }

    /// What follows the host in a URL that does `method` to the object, valid for `expires` from
    /// `now`, at most [`LONGEST_PRESIGNED`].
    pub fn presign(
        &self,
        method: &Method,
        target: Target<'_>,
        expires: Duration,
        now: Timestamp,
    ) -> String {
        let time = date::iso_basic(now);
        let whole = self.credential(&time);
        let path = format!("/{}/{}", target.bucket, encode(target.key.as_bytes(), Slash::Keep));
        let query = format!(
            "X-Amz-Algorithm={ALGORITHM}&X-Amz-Credential={}&X-Amz-Date={time}&X-Amz-Expires={}\
             &X-Amz-SignedHeaders=host",
            encode(whole.as_bytes(), Slash::Encode),
            expires.min(LONGEST_PRESIGNED).as_secs(),
        );
        let subject = Subject {
            method,
            path: path.as_bytes(),
            query: Query(query.as_bytes()),
            headers: &HeaderMap::new(),
            host: Some(target.host.as_bytes()),
        };
        let signature = self.signature(&subject, "host", UNSIGNED_PAYLOAD, &whole, &time, now);
        format!("{path}?{query}&X-Amz-Signature={signature}")
    }

    fn credential(&self, time: &str) -> String {
        let day = time.get(..8).unwrap_or_default();
        format!("{}/{day}/{}/{SERVICE}/aws4_request", self.access_key, self.region)
    }

    fn signature(
        &self,
        subject: &Subject<'_>,
        names: &str,
        content: &str,
        whole: &str,
        time: &str,
        now: Timestamp,
    ) -> String {
        // What this file makes itself is of the right form.
        let (Some(signed), Ok(credential)) =
            (SignedHeaders::parse(names), Credential::parse(whole))
        else {
            return String::new();
        };
        let canonical = canonical_request(subject, &signed, content, None, Reading::FIRST);
        let hash = hex::encode(Sha256::digest(canonical));
        let text = format!("{ALGORITHM}\n{time}\n{}\n{hash}", credential.scope);
        SigningKey::derive(&self.secret, &credential, now).sign(text.as_bytes())
    }
}

/// What this file writes is visible ASCII; an access key with anything else never matches anyway.
fn value(text: &str) -> HeaderValue {
    HeaderValue::from_str(text).unwrap_or(HeaderValue::from_static(""))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use http::Request;

    use super::*;
    use crate::auth::{AuthSettings, Authenticator, Caller, Identity, Keyring, Role};
    use crate::body::Payload;
    use crate::object::{ManualClock, Owner};

    const NOW: Timestamp = Timestamp(1_704_067_200_000);

    fn world() -> (Signer, Authenticator) {
        let owner = Owner { id: "id".to_owned(), display_name: "name".to_owned() };
        let access_key = "A+ADMIN/x".to_owned();
        let identity = Identity::new(access_key.clone(), Role::Admin, owner);
        let identity = Arc::new(identity);
        let key = Key { access_key, secret: Secret::new("secret-of-it"), identity };
        let region = "eu-west-1".to_owned();
        let settings = AuthSettings { sigv2: false, region, strict_region: true };
        let clock = Arc::new(ManualClock::new(NOW));
        let signer = Signer::new(&key, "eu-west-1");
        (signer, Authenticator::new(Keyring::new([key]), settings, clock))
    }

    fn believed(auth: &Authenticator, request: Request<()>) -> bool {
        let (head, ()) = request.into_parts();
        let verified = auth.verify(&head, None, Payload::empty());
        verified.is_ok_and(|verified| matches!(verified.caller, Caller::Key(_)))
    }

    #[test]
    fn what_is_signed_is_believed_and_nothing_else() {
        let (signer, auth) = world();
        let target = "/bucket/a%20b/%C3%BC+%25?list-type=2&prefix=a%2Fb&x";
        let mut headers = HeaderMap::new();
        headers.insert("host", "here:9000".parse().unwrap());
        headers.insert("x-amz-meta-mtime", "1.5".parse().unwrap());
        signer.sign(&Method::GET, target, &mut headers, UNSIGNED_PAYLOAD, NOW);
        let request = |target: &str, headers: HeaderMap| {
            let mut request = Request::get(target).body(()).unwrap();
            *request.headers_mut() = headers;
            request
        };
        assert!(believed(&auth, request(target, headers.clone())));
        assert!(!believed(&auth, request("/bucket/other", headers.clone())));
        headers.insert("x-amz-meta-mtime", "2".parse().unwrap());
        assert!(!believed(&auth, request(target, headers)));
    }

    #[test]
    fn a_url_is_good_for_its_method_alone() {
        let (signer, auth) = world();
        let object = Target { host: "here:9000", bucket: "bucket", key: "a b/ü+%.txt" };
        let url = signer.presign(&Method::PUT, object, Duration::from_mins(1), NOW);
        let request =
            |method: &str| Request::builder().method(method).uri(&url).header("host", "here:9000");
        assert!(believed(&auth, request("PUT").body(()).unwrap()));
        assert!(!believed(&auth, request("GET").body(()).unwrap()));
    }
}
