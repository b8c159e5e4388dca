use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use futures_util::FutureExt as _;
use serde_json::{Value, json};

use super::*;
use crate::auth::grants::{Company, Policy, Principal};
use crate::auth::jwt::{Algorithm, ClaimNames, KeySource, VerifyKey};
use crate::auth::testing::{ACCESS_KEY, NOW, SECRET, key, settings};
use crate::auth::{
    AuthError, Authenticator, Identity, Key, Keyring, Role, SealKey, SealKeys, Secret,
};
use crate::object::{Owner, Timestamp};

const SHARED: &str = "a secret that both of them know, and nobody else";
const POLICY: &str = r#"{"Statement": {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}}"#;
const ARN: &str = "arn:aws:iam::123456789012:role/manager";

struct Fixed(Timestamp);

impl crate::object::Clock for Fixed {
    fn now(&self) -> Timestamp {
        self.0
    }
}

fn owner() -> Owner {
    Owner { id: "main-id".to_owned(), display_name: "Main".to_owned() }
}

fn role() -> AssumableRole {
    let claims = BTreeMap::from([("role".to_owned(), vec!["manager".to_owned()])]);
    AssumableRole {
        name: "manager".to_owned(),
        owner: owner(),
        policy: Arc::new(Policy::for_identity(POLICY.as_bytes()).unwrap()),
        company: Binding::Free,
        max_session: Duration::from_hours(2),
        keys: BTreeSet::from([ACCESS_KEY.to_owned(), "AKCOMPANY".to_owned()]),
        identities: vec![TrustedIdentity {
            provider: "idp".to_owned(),
            audiences: Vec::new(),
            claims,
        }],
        session_tags: true,
    }
}

fn provider() -> IdentityProvider {
    IdentityProvider {
        name: "idp".to_owned(),
        issuer: Some("https://id.example".to_owned()),
        audiences: vec!["stowgate".to_owned()],
        algorithms: vec![Algorithm::Hs256],
        leeway: Duration::ZERO,
        names: ClaimNames { subject: "sub".to_owned(), role: None, company: None, session: None },
        kept: None,
        keys: KeySource::Known(Arc::from([VerifyKey::shared(Secret::new(SHARED))])),
    }
}

fn keys() -> Keyring {
    let company = key("AKCOMPANY", SECRET);
    let identity = Identity { company: Company::new("1"), ..(*company.identity).clone() };
    let company = Key { identity: Arc::new(identity), ..company };
    Keyring::new([key(ACCESS_KEY, SECRET), key("AKOTHER", SECRET), company])
}

fn seals() -> SealKeys {
    SealKeys::new(SealKey::derive(&Secret::new("the secret of sessions")))
}

fn gateway_at(now: Timestamp, role: AssumableRole, provider: IdentityProvider) -> Authenticator {
    let auth = Authenticator::new(Keyring::default(), settings(), Arc::new(Fixed(now)));
    let sts = Sts { roles: vec![Arc::new(role)], providers: vec![provider] };
    auth.replace(keys(), sts, seals());
    auth
}

fn gateway(role: AssumableRole, provider: IdentityProvider) -> Authenticator {
    gateway_at(NOW, role, provider)
}

fn token(claims: &Value) -> String {
    let mut all = json!({
        "iss": "https://id.example", "aud": "stowgate", "sub": "7", "role": "manager",
        "exp": NOW.seconds() + 60,
    });
    for (name, value) in claims.as_object().unwrap() {
        all[name] = value.clone();
    }
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let text = format!("{}.{}", part(&json!({"alg": "HS256"})), part(&all));
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, SHARED.as_bytes()), text.as_bytes());
    format!("{text}.{}", URL_SAFE_NO_PAD.encode(tag.as_ref()))
}

fn request() -> AssumeRequest {
    AssumeRequest {
        role_arn: ARN.to_owned(),
        session_name: "alice".to_owned(),
        ..AssumeRequest::default()
    }
}

fn by_web(
    auth: &Authenticator,
    request: &AssumeRequest,
    claims: &Value,
) -> Result<Issued, StsError> {
    let token = token(claims);
    let answer = auth.assume_with_web_identity(request, &token, None);
    answer.now_or_never().expect("nothing is waited for")
}

fn by_key(
    auth: &Authenticator,
    access_key: &str,
    request: &AssumeRequest,
) -> Result<Issued, StsError> {
    let caller = auth.keys().get(access_key).unwrap().identity.clone();
    auth.assume_role(&caller, request)
}

fn opened(auth: &Authenticator, issued: &Issued) -> Result<Arc<Identity>, AuthError> {
    let token = Some(issued.token.expose());
    let holder = auth.ring().holder(&issued.access_key, token, auth.now())?;
    assert_eq!(holder.secret, issued.secret);
    Ok(holder.identity)
}

#[test]
fn a_token_becomes_a_session_of_the_role() {
    let auth = gateway(role(), provider());
    let issued = by_web(&auth, &request(), &json!({"groups": ["a", "b"]})).unwrap();
    assert_eq!(issued.expires, Timestamp(NOW.0 + 3_600_000));
    let web = issued.web_identity.clone().unwrap();
    assert_eq!((web.subject.as_str(), web.provider.as_str()), ("7", "https://id.example"));
    assert_eq!(web.audience.as_deref(), Some("stowgate"));
    let identity = opened(&auth, &issued).unwrap();
    assert_eq!(identity, issued.identity);
    assert_eq!((identity.role, &identity.owner), (Role::Policy, &owner()));
    let principal = Principal::of(&identity);
    assert_eq!(principal.caller_arn(), "arn:aws:sts::main-id:assumed-role/manager/alice");
    assert_eq!(principal.user_id(), "manager:alice");
    let session = identity.session.clone().unwrap();
    assert_eq!(session.claims["groups"], ["a", "b"]);
    assert_eq!((session.issued, session.expires), (NOW, issued.expires));
    // Another gateway with the same configuration takes it as well; one with another secret says
    // why it does not.
    assert!(opened(&gateway(role(), provider()), &issued).is_ok());
    let other = gateway(role(), provider());
    let secret = SealKeys::new(SealKey::derive(&Secret::new("another secret")));
    other.replace(keys(), Sts::default(), secret);
    assert!(matches!(opened(&other, &issued), Err(AuthError::EndedSession(_))));
}

#[test]
fn a_session_ends_when_it_expires_or_its_role_or_key_goes() {
    let auth = gateway(role(), provider());
    let of_role = by_web(&auth, &request(), &json!({})).unwrap();
    let of_key = auth.session_token(&auth.keys().get(ACCESS_KEY).unwrap().identity, Some(900));
    let of_key = of_key.unwrap();
    let later = |seconds: i64| gateway_at(Timestamp(NOW.0 + seconds * 1000), role(), provider());
    assert!(opened(&later(3599), &of_role).is_ok());
    assert_eq!(opened(&later(3600), &of_role), Err(AuthError::ExpiredToken));
    assert_eq!(opened(&later(900), &of_key), Err(AuthError::ExpiredToken));
    auth.replace(Keyring::default(), Sts::default(), seals());
    for issued in [&of_role, &of_key] {
        assert!(matches!(opened(&auth, issued), Err(AuthError::EndedSession(_))));
    }
}

#[test]
fn tokens_belong_to_their_access_key() {
    let auth = gateway(role(), provider());
    let [one, other] = [(); 2].map(|()| by_web(&auth, &request(), &json!({})).unwrap());
    let ring = auth.ring();
    let holder = |id: &str, token: Option<&str>| ring.holder(id, token, NOW).map(|_| ());
    let unknown = |id: &str| Err(AuthError::UnknownKey(id.to_owned()));
    let token = Some(one.token.expose());
    assert_eq!(holder(&one.access_key, token), Ok(()));
    assert_eq!(holder(&other.access_key, token), Err(AuthError::InvalidToken));
    assert_eq!(holder(&one.access_key, Some("")), Err(AuthError::InvalidToken));
    assert_eq!(holder(&one.access_key, None), unknown(&one.access_key));
    assert_eq!(holder(ACCESS_KEY, token), Err(AuthError::InvalidToken));
    assert_eq!(holder("AKNONE", token), unknown("AKNONE"));
}

#[test]
fn an_older_secret_and_one_of_its_own_keep_sessions_alive() {
    let auth = gateway(role(), provider());
    let issued = by_web(&auth, &request(), &json!({})).unwrap();
    let sts = || Sts { roles: vec![Arc::new(role())], providers: vec![provider()] };
    let newer = SealKey::derive(&Secret::new("newer")).unwrap();
    let older = SealKey::derive(&Secret::new("the secret of sessions")).unwrap();
    auth.replace(keys(), sts(), SealKeys::new([newer.clone(), older.clone()]));
    assert!(opened(&auth, &issued).is_ok());
    let next = by_web(&auth, &request(), &json!({})).unwrap();
    auth.replace(keys(), sts(), SealKeys::new([newer.clone()]));
    assert!(opened(&auth, &issued).is_err() && opened(&auth, &next).is_ok());
    auth.keep_seal(older);
    assert!(opened(&auth, &issued).is_ok() && opened(&auth, &next).is_ok());
    auth.replace(keys(), sts(), SealKeys::default());
    assert!(opened(&auth, &issued).is_ok());
    let kept = gateway(role(), provider());
    kept.replace(keys(), sts(), SealKeys::default());
    assert!(by_web(&kept, &request(), &json!({})).is_ok());
    let none = Authenticator::new(keys(), settings(), Arc::new(Fixed(NOW)));
    none.replace(keys(), sts(), SealKeys::default());
    assert!(matches!(by_web(&none, &request(), &json!({})), Err(StsError::Internal(_))));
}

#[test]
fn claims_decide_whether_a_role_may_be_assumed() {
    let denied = |outcome| matches!(outcome, Err(StsError::Denied(_)));
    let auth = gateway(role(), provider());
    assert!(by_web(&auth, &request(), &json!({"role": ["guest", "manager"]})).is_ok());
    for claims in [json!({"role": "guest"}), json!({"role": []}), json!({"role": {"x": "manager"}})]
    {
        assert!(denied(by_web(&auth, &request(), &claims)), "{claims}");
    }
    let mut narrow = role();
    narrow.identities[0].audiences = vec!["other".to_owned()];
    assert!(denied(by_web(&gateway(narrow, provider()), &request(), &json!({}))));
    let mut by_claim = provider();
    by_claim.names.role = Some("roles".to_owned());
    let auth = gateway(role(), by_claim);
    assert!(by_web(&auth, &request(), &json!({"roles": ["x", "manager"]})).is_ok());
    assert!(denied(by_web(&auth, &request(), &json!({"roles": ["admin"]}))));
    assert!(denied(by_web(&auth, &request(), &json!({}))));
    let untrusting = AssumableRole { identities: Vec::new(), ..role() };
    let outcome = by_web(&gateway(untrusting, provider()), &request(), &json!({}));
    assert!(matches!(outcome, Err(StsError::InvalidToken(_))));
    let other = AssumeRequest { role_arn: ARN.replace("manager", "none"), ..request() };
    assert!(denied(by_web(&gateway(role(), provider()), &other, &json!({}))));
}

#[test]
fn faults_of_tokens_have_their_own_errors() {
    let auth = gateway(role(), provider());
    let outcome = |claims| by_web(&auth, &request(), &claims).err();
    assert_eq!(outcome(json!({"exp": NOW.seconds()})), Some(StsError::ExpiredToken));
    assert_eq!(outcome(json!({"sub": {}})), Some(StsError::Claim("sub".to_owned())));
    for claims in [json!({"iss": "x"}), json!({"aud": "x"}), json!({"nbf": NOW.seconds() + 9})] {
        assert!(matches!(outcome(claims), Some(StsError::InvalidToken(_))));
    }
    let wrong = auth.assume_with_web_identity(&request(), "no token", None).now_or_never();
    assert!(matches!(wrong, Some(Err(StsError::InvalidToken(_)))));
    let named = token(&json!({}));
    let named = |name| auth.assume_with_web_identity(&request(), &named, Some(name)).now_or_never();
    assert!(matches!(named("idp"), Some(Ok(_))));
    assert!(matches!(named("other"), Some(Err(StsError::InvalidToken(_)))));
}

#[test]
fn sessions_are_bound_to_the_company_of_role_or_claim() {
    let company = |issued: Issued| issued.identity.company.clone().map(|it| it.to_string());
    let claim = Binding::Claim("company_id".to_owned());
    let fixed = Binding::Company(Company::new("9").unwrap());
    let mut named = provider();
    named.names.company = Some("company_id".to_owned());
    for (binding, provider, claims, expected) in [
        (Binding::Free, provider(), json!({}), Ok(None)),
        (fixed, named.clone(), json!({"company_id": 7}), Ok(Some("9"))),
        (claim.clone(), provider(), json!({"company_id": 7}), Ok(Some("7"))),
        (claim.clone(), provider(), json!({}), Err(())),
        (claim.clone(), provider(), json!({"company_id": ["7", "8"]}), Err(())),
        (claim.clone(), provider(), json!({"company_id": "a/b"}), Err(())),
        (claim, provider(), json!({"company_id": ""}), Err(())),
        (Binding::Free, named.clone(), json!({"company_id": "7"}), Ok(Some("7"))),
        (Binding::Free, named, json!({}), Err(())),
    ] {
        let auth = gateway(AssumableRole { company: binding, ..role() }, provider);
        match (by_web(&auth, &request(), &claims), expected) {
            (Ok(issued), expected) => assert_eq!(company(issued).as_deref(), expected.unwrap()),
            (Err(error), expected) => {
                assert!(expected.is_err(), "{claims}: {error}");
                assert_eq!(error, StsError::Claim("company_id".to_owned()), "{claims}");
            }
        }
    }
}

#[test]
fn keys_assume_what_trusts_them_and_never_leave_their_company() {
    let denied = |outcome| matches!(outcome, Err(StsError::Denied(_)));
    let auth = gateway(role(), provider());
    let issued = by_key(&auth, ACCESS_KEY, &request()).unwrap();
    assert_eq!((issued.identity.company.as_ref(), &issued.web_identity), (None, &None));
    let bound = by_key(&auth, "AKCOMPANY", &request()).unwrap();
    assert_eq!(bound.identity.company, Company::new("1"));
    assert!(denied(by_key(&auth, "AKOTHER", &request())));
    assert!(denied(auth.assume_role(&issued.identity, &request())));
    let fixed = Binding::Company(Company::new("9").unwrap());
    let auth = gateway(AssumableRole { company: fixed, ..role() }, provider());
    assert!(denied(by_key(&auth, "AKCOMPANY", &request())));
    assert_eq!(by_key(&auth, ACCESS_KEY, &request()).unwrap().identity.company, Company::new("9"));
    let claim = Binding::Claim("company".to_owned());
    let auth = gateway(AssumableRole { company: claim, ..role() }, provider());
    assert!(denied(by_key(&auth, ACCESS_KEY, &request())));
    let bound = by_key(&auth, "AKCOMPANY", &request()).unwrap();
    assert_eq!(bound.identity.company, Company::new("1"));
}

#[test]
fn a_session_of_a_key_is_the_key_for_a_while() {
    let auth = gateway(role(), provider());
    let key = auth.keys().get(ACCESS_KEY).unwrap().identity.clone();
    let issued = auth.session_token(&key, None).unwrap();
    assert_eq!(issued.expires, Timestamp(NOW.0 + 43_200_000));
    let identity = opened(&auth, &issued).unwrap();
    assert_eq!(Principal::of(&identity), Principal::of(&key));
    assert_eq!((identity.role, &identity.policies), (key.role, &key.policies));
    let again = auth.session_token(&identity, None).err();
    assert!(matches!(again, Some(StsError::Denied(_))));
    // It assumes roles that trust its key.
    assert!(auth.assume_role(&identity, &request()).is_ok());
    let bound = auth.session_token(&auth.keys().get("AKCOMPANY").unwrap().identity, None).unwrap();
    assert_eq!(bound.identity.company, Company::new("1"));
}

#[test]
fn sessions_last_as_long_as_is_allowed() {
    let auth = gateway(role(), provider());
    let web = |duration| by_web(&auth, &AssumeRequest { duration, ..request() }, &json!({}));
    assert!(web(Some(900)).is_ok() && web(Some(7200)).is_ok());
    assert_eq!(web(Some(7201)).err(), Some(StsError::TooLong(Duration::from_hours(2))));
    for seconds in [0, 899, 43_201] {
        assert!(matches!(web(Some(seconds)).err(), Some(StsError::Invalid(_))), "{seconds}");
    }
    let short = AssumableRole { max_session: Duration::from_secs(5), ..role() };
    let issued = by_web(&gateway(short, provider()), &request(), &json!({})).unwrap();
    assert_eq!(issued.expires, Timestamp(NOW.0 + 5000));
    let key = auth.keys().get(ACCESS_KEY).unwrap().identity.clone();
    assert!(auth.session_token(&key, Some(129_600)).is_ok());
    for seconds in [899, 129_601] {
        assert!(auth.session_token(&key, Some(seconds)).is_err(), "{seconds}");
    }
}

#[test]
fn parameters_are_what_aws_takes() {
    let auth = gateway(role(), provider());
    let outcome = |request: AssumeRequest| by_key(&auth, ACCESS_KEY, &request).err();
    for name in ["", "a", "with space", "a/b", &"x".repeat(65), "é!"] {
        let request = AssumeRequest { session_name: name.to_owned(), ..request() };
        assert!(matches!(outcome(request), Some(StsError::Invalid(_))), "{name}");
    }
    for arn in ["manager", "arn:aws:iam::1:user/x", "arn:aws:s3:::manager", "arn:aws:iam::1:role/"]
    {
        let request = AssumeRequest { role_arn: arn.to_owned(), ..request() };
        assert!(matches!(outcome(request), Some(StsError::Invalid(_))), "{arn}");
    }
    for arn in ["arn:aws:iam::main-id:role/manager", "arn:aws:iam:::role/path/manager", ARN] {
        assert_eq!(outcome(AssumeRequest { role_arn: arn.to_owned(), ..request() }), None);
    }
    let foreign = AssumeRequest { role_arn: ARN.replace("123456789012", "other"), ..request() };
    assert!(matches!(outcome(foreign), Some(StsError::Denied(_))));
    let policy = |text: &str| outcome(AssumeRequest { policy: Some(text.into()), ..request() });
    assert_eq!(policy(POLICY), None);
    assert!(matches!(policy("{}"), Some(StsError::MalformedPolicy(_))));
    assert!(matches!(policy(&" ".repeat(2049)), Some(StsError::Invalid(_))));
    let tags = |tags: &[(&str, &str)]| {
        let tags = tags.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
        outcome(AssumeRequest { tags: tags.collect(), ..request() })
    };
    assert_eq!(tags(&[("Team", "red"), ("other", "")]), None);
    assert!(matches!(tags(&[("Team", "red"), ("team", "x")]), Some(StsError::Invalid(_))));
    assert!(matches!(tags(&[("", "x")]), Some(StsError::Invalid(_))));
    let source = AssumeRequest { source_identity: Some("a b".to_owned()), ..request() };
    assert!(matches!(outcome(source), Some(StsError::Invalid(_))));
    let auth = gateway(AssumableRole { session_tags: false, ..role() }, provider());
    let tagged = AssumeRequest { tags: vec![("a".into(), "b".into())], ..request() };
    assert!(matches!(by_key(&auth, ACCESS_KEY, &tagged), Err(StsError::Denied(_))));
}

#[test]
fn what_a_provider_says_of_session_tags_and_source_is_kept() {
    let mut named = provider();
    named.names.session = Some("email".to_owned());
    named.kept = Some(vec!["email".to_owned()]);
    let auth = gateway(role(), named);
    let claims = json!({
        "email": "alice@example.com", "https://aws.amazon.com/source_identity": "ticket-7",
        "https://aws.amazon.com/tags": {"principal_tags": {"Team": ["red"]}},
    });
    let issued = by_web(&auth, &request(), &claims).unwrap();
    let session = issued.identity.session.clone().unwrap();
    assert_eq!(session.name, "alice@example.com");
    assert_eq!(session.source_identity.as_deref(), Some("ticket-7"));
    assert_eq!(session.tags["team"], "red");
    assert_eq!(session.claims.keys().collect::<Vec<_>>(), ["email"]);
    for email in [json!(null), json!("a b"), json!("x")] {
        let refused = by_web(&auth, &request(), &json!({"email": email})).err();
        assert_eq!(refused, Some(StsError::Claim("email".to_owned())));
    }
}

#[test]
fn what_does_not_fit_into_a_header_is_refused() {
    let auth = gateway(role(), provider());
    let refused = by_web(&auth, &request(), &json!({"big": "x".repeat(6000)})).err();
    assert!(matches!(refused, Some(StsError::TooLarge(percent)) if percent > 100), "{refused:?}");
    let fits = by_web(&auth, &request(), &json!({"big": "x".repeat(3000)})).unwrap();
    assert!((60..=100).contains(&fits.packed), "{}", fits.packed);
}

#[test]
fn nothing_of_a_session_shows_its_secrets() {
    let auth = gateway(role(), provider());
    let issued = by_web(&auth, &request(), &json!({})).unwrap();
    let shown = format!("{issued:?} {:?}", provider());
    for secret in [issued.secret.expose(), issued.token.expose(), SHARED] {
        assert!(!shown.contains(secret), "{shown}");
    }
}
