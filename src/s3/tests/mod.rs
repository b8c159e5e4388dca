//! Whole requests against the service over the store in memory, signed as clients sign them.

mod access;
mod buckets;
mod configurations;
mod cross_origin;
mod errors;
mod form_access;
mod forms;
mod grants;
mod isolation;
mod lifecycle;
mod limits;
mod object_acls;
mod objects;
mod presigned;
mod rules;
mod settings;
mod sts;
mod uploads;
mod websites;

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, UNIX_EPOCH};

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{
    PayloadChecksumKind, PercentEncodingMode, SignableBody, SignableRequest, SignatureLocation,
    SigningSettings, UriPathNormalizationMode, sign,
};
use http::{HeaderMap, Request, StatusCode};

use super::{Audit, Expiring, Service, Settings, TokenKey, Websites};
use crate::auth::grants::{Company, OwnershipDefaults, Policy};
use crate::auth::{AuthSettings, Authenticator, Identity, Key, Keyring, Role, Secret};
use crate::body::Payload;
use crate::object::{BucketName, Clock, KeyTemplate, KeyTemplates, Owner, RequestId, Timestamp};
use crate::rules::Rulebook;
use crate::store::MemoryStore;

pub(super) const MAIN: &str = "AKMAIN";
pub(super) const READER: &str = "AKREADER";
pub(super) const ALT: &str = "AKALT";
pub(super) const ADMIN: &str = "AKADMIN";
/// Of MAIN's owner, with a policy alone.
pub(super) const USER: &str = "AKUSER";
/// Of MAIN's owner, bound to the company 1.
pub(super) const COMPANY: &str = "AKCOMPANY";
pub(super) const NOBODY: &str = "";

/// 2015-10-21T07:28:00.250Z.
const START: i64 = 1_445_412_480_250;

/// A clock that stands still until told.
#[derive(Debug)]
pub(super) struct TestClock(AtomicI64);

/// A service with keys and a store.
pub(super) struct Gateway {
    service: Service,
    auth: Arc<Authenticator>,
    clock: Arc<TestClock>,
    region: String,
}

/// A response, read whole.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Vec<u8>,
    pub(super) audit: Audit,
}

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        Timestamp(self.0.load(Ordering::Relaxed))
    }
}

impl Gateway {
    pub(super) fn new() -> Self {
        Self::in_region("us-east-1")
    }

    pub(super) fn in_region(region: &str) -> Self {
        Self::with(region, Rulebook::default())
    }

    /// A gateway with upload rules.
    pub(super) fn with(region: &str, rules: Rulebook) -> Self {
        let clock = Arc::new(TestClock(AtomicI64::new(START)));
        let store = Arc::new(MemoryStore::new(Arc::clone(&clock) as Arc<dyn Clock>));
        let keys = [
            key(MAIN, "main", Role::ReadWrite),
            key(READER, "main", Role::ReadOnly),
            key(ALT, "alt", Role::ReadWrite),
            key(ADMIN, "admin", Role::Admin),
            with_policy(key(USER, "main", Role::Policy)),
            of_company(key(COMPANY, "main", Role::ReadWrite)),
        ];
        let settings =
            AuthSettings { sigv2: true, region: region.to_owned(), strict_region: false };
        let clock_of_auth = Arc::clone(&clock) as Arc<dyn Clock>;
        let auth = Arc::new(Authenticator::new(Keyring::new(keys), settings, clock_of_auth));
        let settings = Settings {
            region: region.to_owned(),
            base_domains: vec!["s3.localhost".to_owned(), "localhost".to_owned()],
            token_key: TokenKey::new([7; 32]),
            rules,
            templates: templates(),
            websites: Websites {
                domains: vec!["site.localhost".to_owned()],
                public: [BucketName::parse("pages").unwrap()].into(),
            },
            ownerships: OwnershipDefaults::default(),
            expiring: Expiring::default(),
        };
        let service = Service::new(settings, store, Arc::clone(&auth));
        Self { service, auth, clock, region: region.to_owned() }
    }

    /// A gateway with the bucket `b12`, which belongs to `MAIN`.
    pub(super) async fn with_bucket() -> Self {
        let gateway = Self::new();
        assert_eq!(gateway.send(MAIN, "PUT", "/b12", &[], b"").await.status, 200);
        gateway
    }

    pub(super) fn advance(&self, milliseconds: i64) {
        self.clock.0.fetch_add(milliseconds, Ordering::Relaxed);
    }

    /// Sends a request, signed by that key or by nobody.
    pub(super) async fn send(
        &self,
        who: &str,
        method: &str,
        target: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Answer {
        let body = body.to_vec();
        self.send_payload(who, method, target, headers, Payload::from_bytes(body)).await
    }

    /// Sends a request whose body is a stream.
    pub(super) async fn send_payload(
        &self,
        who: &str,
        method: &str,
        target: &str,
        headers: &[(&str, &str)],
        body: Payload,
    ) -> Answer {
        let mut request = unsigned(method, target, headers, body);
        if !who.is_empty() {
            self.sign(who, &mut request);
        }
        Answer::read(self.service.handle(request).await).await
    }

    /// A URL that `who` has signed for this method, valid for a minute.
    pub(super) fn presign(&self, who: &str, method: &str, target: &str) -> String {
        let request =
            Request::builder().method(method).uri(format!("http://localhost:9000{target}"));
        let mut request = request.header("host", "localhost:9000").body(Payload::empty()).unwrap();
        let mut settings = SigningSettings::default();
        settings.signature_location = SignatureLocation::QueryParams;
        settings.expires_in = Some(Duration::from_mins(1));
        self.sign_as(
            &credentials(who),
            "s3",
            &mut request,
            settings,
            SignableBody::UnsignedPayload,
        );
        request.uri().path_and_query().unwrap().to_string()
    }

    fn sign(&self, who: &str, request: &mut Request<Payload>) {
        let hash = request.headers_mut().remove("x-amz-content-sha256");
        let body = match &hash {
            Some(hash) => SignableBody::Precomputed(hash.to_str().unwrap().to_owned()),
            None => SignableBody::UnsignedPayload,
        };
        self.sign_as(&credentials(who), "s3", request, SigningSettings::default(), body);
    }

    fn sign_as(
        &self,
        credentials: &Credentials,
        service: &str,
        request: &mut Request<Payload>,
        mut settings: SigningSettings,
        body: SignableBody<'_>,
    ) {
        settings.percent_encoding_mode = PercentEncodingMode::Single;
        settings.payload_checksum_kind = PayloadChecksumKind::XAmzSha256;
        settings.uri_path_normalization_mode = UriPathNormalizationMode::Disabled;
        let identity = credentials.clone().into();
        let now = u64::try_from(self.clock.now().seconds()).unwrap();
        let parameters = aws_sigv4::sign::v4::SigningParams::builder()
            .identity(&identity)
            .region(&self.region)
            .name(service)
            .time(UNIX_EPOCH + Duration::from_secs(now))
            .settings(settings)
            .build()
            .unwrap()
            .into();
        let headers = request.headers().clone();
        let headers: Vec<(&str, &str)> = headers
            .iter()
            .map(|(name, value)| (name.as_str(), std::str::from_utf8(value.as_bytes()).unwrap()))
            .collect();
        let uri = request.uri().to_string();
        let signable =
            SignableRequest::new(request.method().as_str(), uri, headers.into_iter(), body)
                .unwrap();
        let (instructions, _) = sign(signable, &parameters).unwrap().into_parts();
        instructions.apply_to_request_http1x(request);
    }
}

impl Answer {
    async fn read(response: http::Response<Payload>) -> Self {
        let (parts, body) = response.into_parts();
        let audit = parts.extensions.get::<Audit>().unwrap().clone();
        let body = body.collect(usize::MAX).await.unwrap().to_vec();
        Self { status: parts.status, headers: parts.headers, body, audit }
    }

    /// A header, or an empty text.
    pub(super) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map(|value| value.to_str().unwrap()).unwrap_or_default()
    }

    /// The body as text.
    pub(super) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    /// The text of the first element of that name, or nothing.
    pub(super) fn element(&self, name: &str) -> &str {
        let text = self.text();
        let Some((_, rest)) = text.split_once(&format!("<{name}>")) else { return "" };
        rest.split_once(&format!("</{name}>")).unwrap().0
    }

    /// Status and error code; the code of the document and of the log agree.
    pub(super) fn error(&self) -> (u16, &str) {
        let code = self.audit.error_code.unwrap_or_default();
        if !self.body.is_empty() {
            assert_eq!(self.element("Code"), code, "{}", self.text());
        }
        (self.status.as_u16(), code)
    }
}

/// A request as it is before anybody signs it.
fn unsigned(
    method: &str,
    target: &str,
    headers: &[(&str, &str)],
    body: Payload,
) -> Request<Payload> {
    let mut request = Request::builder().method(method).uri(target);
    if !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("host")) {
        request = request.header("host", "localhost:9000");
    }
    if let Some(length) = body.length() {
        request = request.header("content-length", length);
    }
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.extension(RequestId(0xabc)).body(body).unwrap()
}

fn credentials(who: &str) -> Credentials {
    Credentials::new(who, secret(who), None, None, "test")
}

fn key(access_key: &str, owner: &str, role: Role) -> Key {
    let owner = Owner { id: format!("{owner}-id"), display_name: owner.to_owned() };
    let identity = Identity::new(access_key, role, owner);
    Key {
        access_key: access_key.to_owned(),
        secret: Secret::new(secret(access_key)),
        identity: Arc::new(identity),
    }
}

fn templates() -> KeyTemplates {
    let mut templates = KeyTemplates::default();
    templates.set_default(KeyTemplate::default());
    templates
}

/// A key that reads what is below `user/` in `b12`, and lists that.
fn with_policy(key: Key) -> Key {
    let text = br#"{"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": ["s3:GetObject", "s3:DeleteObject"],
         "Resource": "arn:aws:s3:::b12/user/*"},
        {"Effect": "Deny", "Action": "s3:*", "Resource": "arn:aws:s3:::b12/user/secret"},
        {"Effect": "Allow", "Action": "s3:ListBucket", "Resource": "arn:aws:s3:::b12",
         "Condition": {"StringLike": {"s3:prefix": "user/*"}}}]}"#;
    let policy = Policy::for_identity(text).unwrap();
    let identity = Identity { policies: vec![Arc::new(policy)], ..(*key.identity).clone() };
    Key { identity: Arc::new(identity), ..key }
}

/// The same key, bound to the company 1.
fn of_company(key: Key) -> Key {
    let identity = Identity { company: Company::new("1"), ..(*key.identity).clone() };
    Key { identity: Arc::new(identity), ..key }
}

fn secret(access_key: &str) -> String {
    format!("secret-of-{access_key}")
}
