//! Short-lived credentials: calls that give them, and what their holders may.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use aws_credential_types::Credentials;
use aws_lc_rs::hmac;
use aws_sigv4::http_request::{SignableBody, SignatureLocation, SigningSettings};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::Request;
use serde_json::{Value, json};

use super::{ADMIN, Answer, COMPANY, Gateway, MAIN, NOBODY, START, credentials, unsigned};
use crate::auth::grants::Policy;
use crate::auth::{
    Algorithm, AssumableRole, Binding, ClaimNames, IdentityProvider, KeySource, SealKey, SealKeys,
    Secret, Sts, TrustedIdentity, VerifyKey,
};
use crate::body::Payload;
use crate::object::Owner;

const SHARED: &str = "a secret that both of them know, and nobody else";
const FORM: &str = "application/x-www-form-urlencoded";
const NAMESPACE: &str = "xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"";
/// Managers write below the prefix of their company, and everybody below that of their subject.
const POLICY: &str = r#"{"Version": "2012-10-17", "Statement": [
    {"Effect": "Allow", "Action": ["s3:GetObject", "s3:PutObject", "s3:DeleteObject"],
     "Resource": ["arn:aws:s3:::b12/attachments/*", "arn:aws:s3:::b12/home/${jwt:sub}/*",
                  "arn:aws:s3:::b12/by/${aws:userid}/*", "arn:aws:s3:::b12/team/${aws:PrincipalTag/team}/*"]},
    {"Effect": "Allow", "Action": "s3:ListBucket", "Resource": "arn:aws:s3:::b12"},
    {"Effect": "Deny", "Action": "s3:DeleteObject", "Resource": "*",
     "Condition": {"StringNotEquals": {"jwt:staff": "true"}}}]}"#;

fn role(name: &str, company: Binding) -> Arc<AssumableRole> {
    let claims = BTreeMap::from([("role".to_owned(), vec![name.to_owned()])]);
    Arc::new(AssumableRole {
        name: name.to_owned(),
        owner: Owner { id: "main-id".to_owned(), display_name: "main".to_owned() },
        policy: Arc::new(Policy::for_identity(POLICY.as_bytes()).unwrap()),
        company,
        max_session: Duration::from_hours(2),
        keys: BTreeSet::from([MAIN.to_owned(), COMPANY.to_owned()]),
        identities: vec![TrustedIdentity {
            provider: "makeplus".to_owned(),
            audiences: Vec::new(),
            claims,
        }],
        session_tags: true,
    })
}

fn configured() -> Sts {
    let provider = IdentityProvider {
        name: "makeplus".to_owned(),
        issuer: Some("https://makeplus.example".to_owned()),
        audiences: vec!["stowgate".to_owned()],
        algorithms: vec![Algorithm::Hs256],
        leeway: Duration::ZERO,
        names: ClaimNames { subject: "sub".to_owned(), role: None, company: None, session: None },
        kept: None,
        keys: KeySource::Known(Arc::from([VerifyKey::shared(Secret::new(SHARED))])),
    };
    let company = Binding::Claim("company".to_owned());
    let roles = vec![role("manager", Binding::Free), role("clerk", company)];
    Sts { roles, providers: vec![provider] }
}

fn seals(secret: &str) -> SealKeys {
    SealKeys::new(SealKey::derive(&Secret::new(secret)))
}

async fn gateway() -> Gateway {
    let gateway = Gateway::with_bucket().await;
    gateway.auth.replace(gateway.auth.keys(), configured(), seals("the secret"));
    gateway
}

fn token(claims: &Value) -> String {
    let mut all = json!({
        "iss": "https://makeplus.example", "aud": "stowgate", "sub": "7", "role": "manager",
        "exp": START / 1000 + 60,
    });
    for (name, value) in claims.as_object().unwrap() {
        all[name] = value.clone();
    }
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let text = format!("{}.{}", part(&json!({"alg": "HS256"})), part(&all));
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, SHARED.as_bytes()), text.as_bytes());
    format!("{text}.{}", URL_SAFE_NO_PAD.encode(tag.as_ref()))
}

fn web_form(role: &str, token: &str, more: &str) -> String {
    format!(
        "Action=AssumeRoleWithWebIdentity&Version=2011-06-15&RoleSessionName=alice\
         &RoleArn=arn%3Aaws%3Aiam%3A%3A123456789012%3Arole%2F{role}&WebIdentityToken={token}{more}"
    )
}

impl Gateway {
    /// Posts a form, signed for `sts` or by nobody.
    async fn call(&self, who: Option<&Credentials>, form: &str) -> Answer {
        self.call_for(who, "sts", form).await
    }

    async fn call_for(&self, who: Option<&Credentials>, service: &str, form: &str) -> Answer {
        let body = Payload::from_bytes(form.to_owned());
        let mut request = unsigned("POST", "/", &[("content-type", FORM)], body);
        if let Some(who) = who {
            let body = SignableBody::Bytes(form.as_bytes());
            self.sign_as(who, service, &mut request, SigningSettings::default(), body);
        }
        Answer::read(self.service.handle(request).await).await
    }

    /// Credentials for a web identity with these claims.
    async fn session(&self, role: &str, claims: &Value) -> Credentials {
        self.call(None, &web_form(role, &token(claims), "")).await.credentials()
    }

    /// Sends a request to S3, signed with these credentials.
    async fn send_as(&self, who: &Credentials, method: &str, target: &str, body: &str) -> Answer {
        let payload = Payload::from_bytes(body.to_owned());
        let request = self.signed(who, unsigned(method, target, &[], payload));
        Answer::read(self.service.handle(request).await).await
    }

    fn signed(&self, who: &Credentials, mut request: Request<Payload>) -> Request<Payload> {
        let body = SignableBody::UnsignedPayload;
        self.sign_as(who, "s3", &mut request, SigningSettings::default(), body);
        request
    }

    fn presign_as(&self, who: &Credentials, method: &str, target: &str) -> String {
        let uri = format!("http://localhost:9000{target}");
        let mut request = unsigned(method, &uri, &[], Payload::empty());
        request.headers_mut().remove("content-length");
        let mut settings = SigningSettings::default();
        settings.signature_location = SignatureLocation::QueryParams;
        settings.expires_in = Some(Duration::from_hours(24));
        self.sign_as(who, "s3", &mut request, settings, SignableBody::UnsignedPayload);
        request.uri().path_and_query().unwrap().to_string()
    }
}

impl Answer {
    fn credentials(&self) -> Credentials {
        assert_eq!(self.status, 200, "{}", self.text());
        let [id, secret, token] =
            ["AccessKeyId", "SecretAccessKey", "SessionToken"].map(|name| self.element(name));
        assert!(id.starts_with("ASIA") && id.len() == 20, "{id}");
        assert_eq!(secret.len(), 40);
        Credentials::new(id, secret, Some(token.to_owned()), None, "test")
    }
}

/// The same credentials with another token.
fn with_token(who: &Credentials, token: Option<&str>) -> Credentials {
    let token = token.map(str::to_owned);
    Credentials::new(who.access_key_id(), who.secret_access_key(), token, None, "test")
}

#[tokio::test]
async fn a_web_identity_becomes_a_role_and_uploads_as_it() {
    let gateway = gateway().await;
    let answer = gateway.call(None, &web_form("manager", &token(&json!({})), "")).await;
    let session = answer.credentials();
    assert_eq!(answer.header("content-type"), "text/xml");
    assert_eq!(answer.header("cache-control"), "no-store");
    assert!(answer.text().contains(&format!("<AssumeRoleWithWebIdentityResponse {NAMESPACE}>")));
    assert_eq!(answer.element("Expiration"), "2015-10-21T08:28:00Z");
    assert_eq!(answer.element("AssumedRoleId"), "manager:alice");
    let arn = "arn:aws:sts::main-id:assumed-role/manager/alice";
    assert_eq!(answer.element("Arn"), arn);
    assert_eq!(answer.element("SubjectFromWebIdentityToken"), "7");
    assert_eq!(answer.element("Audience"), "stowgate");
    assert_eq!(answer.element("Provider"), "https://makeplus.example");
    assert_eq!(answer.element("RequestId"), "0000000000000ABC");
    let told = &answer.audit;
    assert_eq!(told.operation, Some("AssumeRoleWithWebIdentity"));
    assert_eq!((told.role.as_deref(), told.session.as_deref()), (Some("manager"), Some("alice")));
    assert_eq!(told.access_key.as_deref(), Some(session.access_key_id()));

    let put = gateway.send_as(&session, "PUT", "/b12/home/7/a", "hello").await;
    assert_eq!(put.status, 200, "{}", put.text());
    assert_eq!(put.audit.access_key.as_deref(), Some(session.access_key_id()));
    assert_eq!(
        (put.audit.role.as_deref(), put.audit.session.as_deref()),
        (Some("manager"), Some("alice"))
    );
    assert_eq!(gateway.send_as(&session, "GET", "/b12/home/7/a", "").await.text(), "hello");
    for (key, status) in
        [("home/8/a", 403), ("by/manager:alice/a", 200), ("by/manager:bob/a", 403), ("a", 403)]
    {
        let put = gateway.send_as(&session, "PUT", &format!("/b12/{key}"), "x").await;
        assert_eq!(put.status, status, "{key}");
    }
    // Deleting takes a claim that this token has not.
    let refused = gateway.send_as(&session, "DELETE", "/b12/home/7/a", "").await;
    assert_eq!(refused.error(), (403, "AccessDenied"));
    let staff = gateway.session("manager", &json!({"staff": true})).await;
    assert_eq!(gateway.send_as(&staff, "DELETE", "/b12/home/7/a", "").await.status, 204);
    let who = gateway.call(Some(&session), "Action=GetCallerIdentity&Version=2011-06-15").await;
    assert_eq!((who.element("Arn"), who.element("UserId")), (arn, "manager:alice"));
    assert_eq!(who.element("Account"), "main-id");
}

#[tokio::test]
async fn a_session_policy_takes_away_and_never_gives() {
    let gateway = gateway().await;
    let policy = "&Policy=%7B%22Statement%22%3A%7B%22Effect%22%3A%22Allow%22%2C%22Action%22%3A%22\
                  s3%3A%2A%22%2C%22Resource%22%3A%5B%22arn%3Aaws%3As3%3A%3A%3Ab12%2Fhome%2F7%2Fa%22\
                  %2C%22arn%3Aaws%3As3%3A%3A%3Ab12%2Fother%22%5D%7D%7D";
    let answer = gateway.call(None, &web_form("manager", &token(&json!({})), policy)).await;
    let session = answer.credentials();
    for (key, status) in [("home/7/a", 200), ("home/7/b", 403), ("other", 403)] {
        let put = gateway.send_as(&session, "PUT", &format!("/b12/{key}"), "x").await;
        assert_eq!(put.status, status, "{key}");
    }
    assert_eq!(gateway.send_as(&session, "GET", "/b12", "").await.status, 403);
}

#[tokio::test]
async fn a_session_stays_within_the_company_of_its_claim() {
    let gateway = gateway().await;
    let session = gateway.session("clerk", &json!({"role": "clerk", "company": 1})).await;
    let path = |company| format!("/b12/attachments/invoice/company_{company}/a");
    assert_eq!(gateway.send_as(&session, "PUT", &path(1), "x").await.status, 200);
    assert_eq!(gateway.send(MAIN, "PUT", &path(2), &[], b"x").await.status, 200);
    for method in ["GET", "HEAD", "PUT", "DELETE"] {
        let refused = gateway.send_as(&session, method, &path(2), "").await;
        assert_eq!(refused.status, 403, "{method}");
    }
    assert_eq!(gateway.send_as(&session, "GET", "/b12", "").await.status, 403);
    let list = "/b12?prefix=attachments%2Finvoice%2Fcompany_1%2F";
    assert_eq!(gateway.send_as(&session, "GET", list, "").await.status, 200);
    let without =
        gateway.call(None, &web_form("clerk", &token(&json!({"role": "clerk"})), "")).await;
    assert_eq!(without.error(), (403, "IDPRejectedClaim"));
    // A key of a company stays in it, whatever role it assumes.
    let form = "Action=AssumeRole&Version=2011-06-15&RoleSessionName=bob\
                &RoleArn=arn:aws:iam::main-id:role/manager";
    let bound = gateway.call(Some(&credentials(COMPANY)), form).await.credentials();
    assert_eq!(gateway.send_as(&bound, "GET", &path(1), "").await.status, 200);
    assert_eq!(gateway.send_as(&bound, "GET", &path(2), "").await.status, 403);
}

#[tokio::test]
async fn presigned_urls_of_sessions_end_with_them() {
    let gateway = gateway().await;
    let session = gateway.session("manager", &json!({})).await;
    let put = gateway.presign_as(&session, "PUT", "/b12/home/7/a");
    assert!(put.contains("X-Amz-Security-Token="), "{put}");
    assert_eq!(gateway.send(NOBODY, "PUT", &put, &[], b"hello").await.status, 200);
    let get = gateway.presign_as(&session, "GET", "/b12/home/7/a");
    assert_eq!(gateway.send(NOBODY, "GET", &get, &[], b"").await.text(), "hello");
    let other = gateway.presign_as(&session, "GET", "/b12/home/8/a");
    assert_eq!(gateway.send(NOBODY, "GET", &other, &[], b"").await.status, 403);
    let parameter = |pair: &&str| !pair.starts_with("X-Amz-Security-Token=");
    let (path, query) = get.split_once('?').unwrap();
    let without = query.split('&').filter(parameter).collect::<Vec<_>>().join("&");
    let without = gateway.send(NOBODY, "GET", &format!("{path}?{without}"), &[], b"").await;
    assert_eq!(without.error(), (403, "InvalidAccessKeyId"));
    gateway.advance(3_600_000);
    let late = gateway.send(NOBODY, "GET", &get, &[], b"").await;
    assert_eq!(late.error(), (400, "ExpiredToken"));
    assert!(!late.text().contains(session.session_token().unwrap()));
}

#[tokio::test]
async fn tokens_that_do_not_belong_are_refused_as_s3_does() {
    let gateway = gateway().await;
    let [one, other] = [
        gateway.session("manager", &json!({})).await,
        gateway.session("manager", &json!({})).await,
    ];
    let target = "/b12/home/7/a";
    let changed = one.session_token().unwrap().replace('A', "B");
    for (who, expected) in [
        (one.clone(), (404, "NoSuchKey")),
        (with_token(&one, None), (403, "InvalidAccessKeyId")),
        (with_token(&one, other.session_token()), (400, "InvalidToken")),
        (with_token(&one, Some(&changed)), (400, "InvalidToken")),
        (with_token(&one, Some("garbage")), (400, "InvalidToken")),
        (with_token(&credentials(MAIN), one.session_token()), (400, "InvalidToken")),
        (with_token(&credentials("AKNONE"), one.session_token()), (403, "InvalidAccessKeyId")),
    ] {
        let answer = gateway.send_as(&who, "GET", target, "").await;
        assert_eq!(answer.error(), expected);
        assert!(!answer.text().contains(one.session_token().unwrap()), "{}", answer.text());
    }
    let wrong = Credentials::new(
        one.access_key_id(),
        "wrong",
        one.session_token().map(str::to_owned),
        None,
        "test",
    );
    let answer = gateway.send_as(&wrong, "GET", target, "").await;
    assert_eq!(answer.error(), (403, "SignatureDoesNotMatch"));
    assert!(!answer.text().contains(one.session_token().unwrap()), "{}", answer.text());
    let twice = unsigned("GET", "/b12/home/7/a?X-Amz-Security-Token=x", &[], Payload::empty());
    let answer = Answer::read(gateway.service.handle(gateway.signed(&one, twice)).await).await;
    assert_eq!(answer.error(), (400, "InvalidToken"));
    gateway.advance(3_600_000);
    let late = gateway.send_as(&one, "GET", target, "").await;
    assert_eq!(late.error(), (400, "ExpiredToken"));
}

#[tokio::test]
async fn a_session_outlives_restarts_and_ends_with_its_role_or_secret() {
    let gateway = gateway().await;
    let session = gateway.session("manager", &json!({})).await;
    let again = self::gateway().await;
    assert_eq!(again.send_as(&session, "PUT", "/b12/home/7/a", "x").await.status, 200);
    for (sts, secret, why) in [
        (Sts::default(), "the secret", "the role manager of the session is gone"),
        (configured(), "another", "which is not configured here"),
    ] {
        again.auth.replace(again.auth.keys(), sts, seals(secret));
        let ended = again.send_as(&session, "GET", "/b12/home/7/a", "").await;
        assert_eq!(ended.error(), (400, "InvalidToken"));
        let cause = ended.audit.cause.unwrap();
        assert!(cause.contains(why), "{cause}");
    }
}

#[tokio::test]
async fn keys_get_sessions_of_their_own_and_of_roles() {
    let gateway = gateway().await;
    let main = credentials(MAIN);
    let answer = gateway.call(Some(&main), "Action=GetSessionToken&Version=2011-06-15").await;
    assert!(answer.text().contains(&format!("<GetSessionTokenResponse {NAMESPACE}>")));
    assert_eq!(answer.element("AssumedRoleUser"), "");
    assert_eq!(answer.audit.access_key.as_deref(), Some(MAIN));
    let session = answer.credentials();
    // All that the key may, buckets and their policies among it.
    assert_eq!(gateway.send_as(&session, "PUT", "/fresh", "").await.status, 200);
    let put = gateway.send_as(&session, "PUT", "/fresh/k", "x").await;
    assert_eq!((put.status.as_u16(), put.audit.session.as_deref()), (200, Some(MAIN)));
    assert_eq!(gateway.send(MAIN, "GET", "/fresh/k", &[], b"").await.text(), "x");
    let who = gateway.call(Some(&session), "Action=GetCallerIdentity").await;
    assert_eq!(who.element("Arn"), "arn:aws:iam::main-id:user/AKMAIN");
    let again = gateway.call(Some(&session), "Action=GetSessionToken").await;
    assert_eq!(again.error(), (403, "AccessDenied"));
    let assume = |more: &str| {
        format!(
            "Action=AssumeRole&RoleSessionName=job-1{more}\
             &RoleArn=arn:aws:iam::main-id:role/manager"
        )
    };
    let tagged = "&Tags.member.1.Key=Team&Tags.member.1.Value=red&SourceIdentity=ticket-1";
    let assumed = gateway.call(Some(&session), &assume(tagged)).await;
    assert_eq!(assumed.element("SourceIdentity"), "ticket-1");
    let assumed = assumed.credentials();
    assert_eq!(gateway.send_as(&assumed, "PUT", "/b12/team/red/k", "x").await.status, 200);
    assert_eq!(gateway.send_as(&assumed, "PUT", "/b12/team/blue/k", "x").await.status, 403);
    for who in [&assumed, &credentials(ADMIN)] {
        let refused = gateway.call(Some(who), &assume("")).await;
        assert_eq!(refused.error(), (403, "AccessDenied"));
        assert!(
            refused.element("Message").contains("is not authorized to perform: sts:AssumeRole")
        );
    }
}

#[tokio::test]
async fn signatures_for_sts_are_taken_there_and_nowhere_else() {
    let gateway = gateway().await;
    let main = credentials(MAIN);
    let form = "Action=GetCallerIdentity&Version=2011-06-15";
    assert_eq!(gateway.call(Some(&main), form).await.status, 200);
    let for_s3 = gateway.call_for(Some(&main), "s3", form).await;
    assert_eq!(for_s3.error(), (400, "IncompleteSignature"));
    let mut request = unsigned("GET", "/b12", &[], Payload::empty());
    let body = SignableBody::UnsignedPayload;
    gateway.sign_as(&main, "sts", &mut request, SigningSettings::default(), body);
    let for_sts = Answer::read(gateway.service.handle(request).await).await;
    assert_eq!(for_sts.error(), (400, "AuthorizationHeaderMalformed"));
    // In the query of a GET, and presigned.
    let uri = format!("http://localhost:9000/?{form}");
    let mut request = unsigned("GET", &uri, &[], Payload::empty());
    gateway.sign_as(
        &main,
        "sts",
        &mut request,
        SigningSettings::default(),
        SignableBody::Bytes(b""),
    );
    assert_eq!(Answer::read(gateway.service.handle(request).await).await.status, 200);
    let mut request = unsigned("GET", &uri, &[], Payload::empty());
    request.headers_mut().remove("content-length");
    let mut settings = SigningSettings::default();
    settings.signature_location = SignatureLocation::QueryParams;
    settings.expires_in = Some(Duration::from_mins(1));
    gateway.sign_as(&main, "sts", &mut request, settings, SignableBody::Bytes(b""));
    let presigned = Answer::read(gateway.service.handle(request).await).await;
    assert_eq!(presigned.element("Account"), "main-id", "{}", presigned.text());
}

#[tokio::test]
async fn faults_are_told_in_the_form_of_sts() {
    let gateway = gateway().await;
    let main = credentials(MAIN);
    let web = |claims: &Value, more: &str| web_form("manager", &token(claims), more);
    let no_key = credentials("AKNONE");
    let wrong = Credentials::new(MAIN, "wrong", None, None, "test");
    let malformed = "&Policy=%7B%7D";
    for (who, form, expected) in [
        (None, String::new(), (400, "MissingAction")),
        (None, "Action=ListUsers&Version=2010-05-08".to_owned(), (400, "InvalidAction")),
        (None, "Action=GetFederationToken".to_owned(), (400, "InvalidAction")),
        (None, "Action=GetCallerIdentity".to_owned(), (403, "MissingAuthenticationToken")),
        (Some(&no_key), "Action=GetCallerIdentity".to_owned(), (403, "InvalidClientTokenId")),
        (Some(&wrong), "Action=GetCallerIdentity".to_owned(), (403, "SignatureDoesNotMatch")),
        (Some(&main), "Action=AssumeRole".to_owned(), (400, "ValidationError")),
        (
            Some(&main),
            "Action=GetSessionToken&DurationSeconds=1".to_owned(),
            (400, "ValidationError"),
        ),
        (Some(&main), "Action=GetSessionToken&TokenCode=123456".to_owned(), (403, "AccessDenied")),
        (None, web(&json!({"role": "guest"}), ""), (403, "AccessDenied")),
        (None, web(&json!({"aud": "x"}), ""), (400, "InvalidIdentityToken")),
        (None, web(&json!({"exp": 1}), ""), (400, "ExpiredTokenException")),
        (None, web_form("manager", "garbage", ""), (400, "InvalidIdentityToken")),
        (None, web_form("manager", "", ""), (400, "ValidationError")),
        (None, web_form("nobody", &token(&json!({})), ""), (403, "AccessDenied")),
        (None, web(&json!({}), malformed), (400, "MalformedPolicyDocument")),
        (None, web(&json!({}), "&DurationSeconds=10800"), (400, "ValidationError")),
        (None, web(&json!({}), "&PolicyArns.member.1.arn=x"), (400, "ValidationError")),
        (None, web(&json!({"x": "y".repeat(8000)}), ""), (400, "PackedPolicyTooLarge")),
        (None, web(&json!({}), "&Action=x"), (400, "MalformedInput")),
        (None, format!("a={}", "x".repeat(70_000)), (413, "RequestEntityTooLarge")),
    ] {
        let answer = gateway.call(who, &form).await;
        assert_eq!(answer.error(), expected, "{form}");
        assert!(answer.text().contains(&format!("<ErrorResponse {NAMESPACE}>")), "{form}");
        assert_eq!(answer.element("Type"), "Sender");
        let shown = format!("{} {:?}", answer.text(), answer.audit);
        assert!(!shown.contains("eyJ") && !shown.contains(SHARED), "{shown}");
    }
}

#[tokio::test]
async fn pages_of_every_origin_may_call() {
    let gateway = gateway().await;
    let asked = [
        ("origin", "https://app.example"),
        ("access-control-request-method", "POST"),
        ("access-control-request-headers", "amz-sdk-request,content-type"),
    ];
    let preflight = gateway.send(NOBODY, "OPTIONS", "/", &asked, b"").await;
    assert_eq!(preflight.status, 200);
    assert_eq!(preflight.header("access-control-allow-origin"), "*");
    assert_eq!(preflight.header("access-control-allow-headers"), "amz-sdk-request,content-type");
    let form = web_form("manager", &token(&json!({})), "");
    let headers = [("origin", "https://app.example"), ("content-type", FORM)];
    let answer = gateway.send(NOBODY, "POST", "/", &headers, form.as_bytes()).await;
    assert_eq!(answer.header("access-control-allow-origin"), "*");
    answer.credentials();
}

#[tokio::test]
async fn what_is_no_call_stays_with_s3() {
    let gateway = gateway().await;
    let plain = gateway.send(NOBODY, "POST", "/", &[("content-type", "text/plain")], b"x").await;
    assert_eq!(plain.error(), (405, "MethodNotAllowed"));
    let form = [("content-type", FORM)];
    let object = gateway.send(NOBODY, "POST", "/b12", &form, b"Action=GetCallerIdentity").await;
    assert!(!object.text().contains("sts.amazonaws.com"), "{}", object.text());
    let host = [("content-type", FORM), ("host", "b12.s3.localhost")];
    let bucket = gateway.send(NOBODY, "POST", "/", &host, b"Action=GetCallerIdentity").await;
    assert!(!bucket.text().contains("sts.amazonaws.com"), "{}", bucket.text());
}
