use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::Mutex;
use std::time::Duration;

use async_trait::async_trait;
use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use futures_util::FutureExt as _;
use serde_json::{Value, json};

use super::remote::NoFetching;
use super::*;
use crate::auth::Secret;
use crate::object::Timestamp;

/// 2015-10-21T07:28:00Z, when the tokens of the fixture were issued.
const NOW: Timestamp = Timestamp(1_445_412_480_000);
const SECRET: &str = "a secret that both of them know, and nobody else";
const FIXTURE: &str = include_str!("../../../fixtures/jwt/tokens.json");

fn fixture() -> Value {
    serde_json::from_str(FIXTURE).unwrap()
}

fn set() -> Vec<u8> {
    fixture()["jwks"].to_string().into_bytes()
}

fn after(seconds: i64) -> Timestamp {
    Timestamp(NOW.0 + seconds * 1000)
}

fn provider(keys: KeySource) -> IdentityProvider {
    IdentityProvider {
        name: "idp".to_owned(),
        issuer: Some("https://id.example".to_owned()),
        audiences: vec!["stowgate".to_owned(), "other".to_owned()],
        algorithms: Algorithm::ALL.to_vec(),
        leeway: Duration::from_secs(30),
        names: ClaimNames { subject: "sub".to_owned(), role: None, company: None, session: None },
        kept: None,
        keys,
    }
}

fn public() -> IdentityProvider {
    provider(KeySource::Known(VerifyKey::parse_set(&set()).unwrap().into()))
}

fn shared() -> IdentityProvider {
    provider(KeySource::Known(Arc::from([VerifyKey::shared(Secret::new(SECRET))])))
}

fn claims() -> Value {
    json!({
        "iss": "https://id.example", "aud": "stowgate", "sub": "7",
        "exp": NOW.seconds() + 3600, "iat": NOW.seconds(),
    })
}

/// The same claims, one of them with another value; null takes it away.
fn with(name: &str, value: Value) -> Value {
    let mut claims = claims();
    match value {
        Value::Null => drop(claims.as_object_mut().unwrap().remove(name)),
        value => claims[name] = value,
    }
    claims
}

fn signed(header: &Value, claims: &[u8]) -> String {
    let part = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    let text = format!("{}.{}", part(header.to_string().as_bytes()), part(claims));
    let (_, kind) = [("HS384", hmac::HMAC_SHA384), ("HS512", hmac::HMAC_SHA512)]
        .into_iter()
        .find(|(name, _)| header["alg"] == *name)
        .unwrap_or(("HS256", hmac::HMAC_SHA256));
    let tag = hmac::sign(&hmac::Key::new(kind, SECRET.as_bytes()), text.as_bytes());
    format!("{text}.{}", part(tag.as_ref()))
}

fn token(claims: &Value) -> String {
    signed(&json!({"alg": "HS256", "typ": "JWT"}), claims.to_string().as_bytes())
}

fn verify_at(provider: &IdentityProvider, text: &str, now: Timestamp) -> Result<Claims, Fault> {
    let token = Token::parse(text)?;
    provider.verify(&token, &NoFetching, now).now_or_never().expect("nothing is waited for")
}

fn fault(provider: &IdentityProvider, text: &str) -> String {
    match verify_at(provider, text, NOW) {
        Ok(_) => "none".to_owned(),
        Err(fault) => fault.to_string(),
    }
}

#[test]
fn every_algorithm_of_public_keys_is_verified() {
    let fixture = fixture();
    for (name, text) in fixture["good"].as_object().unwrap() {
        let text = text.as_str().unwrap();
        let claims = verify_at(&public(), text, NOW).expect(name);
        assert_eq!(claims.text("role").as_deref(), Some("manager"));
        let only = Algorithm::named(name).unwrap();
        let others = Algorithm::ALL.into_iter().filter(|it| *it != only).collect();
        let others = IdentityProvider { algorithms: others, ..public() };
        assert_eq!(fault(&others, text), "its algorithm is not one of the provider's", "{name}");
        // Any other text under the signature, and any other signature.
        let (head, signature) = text.rsplit_once('.').unwrap();
        let (header, _) = head.split_once('.').unwrap();
        let body = URL_SAFE_NO_PAD.encode(with("role", json!("admin")).to_string());
        let forged = format!("{header}.{body}.{signature}");
        assert_eq!(fault(&public(), &forged), "its signature is wrong", "{name}");
        for signature in ["", "AAAA", &signature[..40]] {
            let forged = format!("{head}.{signature}");
            assert_eq!(fault(&public(), &forged), "its signature is wrong", "{name}");
        }
    }
    assert!(verify_at(&public(), fixture["without_key_id"].as_str().unwrap(), NOW).is_ok());
}

#[test]
fn tokens_made_to_be_mistaken_are_refused() {
    let fixture = fixture();
    let bad = fixture["bad"].as_object().unwrap();
    assert!(bad.len() >= 13);
    for (what, text) in bad {
        let text = text.as_str().unwrap();
        assert!(verify_at(&public(), text, NOW).is_err(), "{what}");
        assert!(verify_at(&shared(), text, NOW).is_err(), "{what}");
    }
}

#[test]
fn shared_secrets_sign_with_their_algorithms_alone() {
    for name in ["HS256", "HS384", "HS512"] {
        let text = signed(&json!({"alg": name}), claims().to_string().as_bytes());
        assert_eq!(fault(&shared(), &text), "none", "{name}");
        let named = signed(&json!({"alg": name, "kid": "k"}), claims().to_string().as_bytes());
        assert_eq!(fault(&shared(), &named), "none", "{name}");
        let unsuited = "it is signed with a key that the provider does not have";
        assert_eq!(fault(&public(), &text), unsuited, "{name}");
        let other =
            VerifyKey::shared(Secret::new("another secret, of which nobody knows anything"));
        let other = provider(KeySource::Known(Arc::from([other])));
        assert_eq!(fault(&other, &text), "its signature is wrong", "{name}");
    }
    let rsa = fixture()["good"]["RS256"].as_str().unwrap().to_owned();
    assert_eq!(fault(&shared(), &rsa), "it is signed with a key that the provider does not have");
}

#[test]
fn claims_are_held_to_issuer_audience_and_time() {
    const ISSUER: &str = "its issuer is not the provider's";
    const AUDIENCE: &str = "it is for another audience";
    const EARLY: &str = "it is not valid yet";
    const LATE: &str = "it has expired";
    const EXP: &str = "its claim exp is missing or unusable";
    let now = NOW.seconds();
    for (name, value, expected) in [
        ("iss", json!("https://id.example"), "none"),
        ("iss", json!("https://id.example/"), ISSUER),
        ("iss", json!(null), ISSUER),
        ("iss", json!(7), ISSUER),
        ("iss", json!({}), ISSUER),
        ("iss", json!(["https://id.example", "https://other.example"]), ISSUER),
        ("aud", json!(["x", "stowgate"]), "none"),
        ("aud", json!("other"), "none"),
        ("aud", json!("Stowgate"), AUDIENCE),
        ("aud", json!([]), AUDIENCE),
        ("aud", json!(null), AUDIENCE),
        ("aud", json!({"a": "stowgate"}), AUDIENCE),
        ("exp", json!(null), EXP),
        ("exp", json!("9999999999"), EXP),
        ("exp", json!([now + 60]), EXP),
        ("exp", json!(1e300), EXP),
        ("exp", json!(now - 29), "none"),
        ("exp", json!(now - 30), LATE),
        ("exp", json!(0), LATE),
        ("exp", json!(-1), LATE),
        ("exp", json!(1_445_412_540.75), "none"),
        ("nbf", json!(now + 30), "none"),
        ("nbf", json!(now + 31), EARLY),
        ("nbf", json!("x"), "its claim nbf is missing or unusable"),
        ("iat", json!(now + 31), EARLY),
        ("iat", json!("now"), "its claim iat is missing or unusable"),
        ("iat", json!(null), "none"),
    ] {
        let text = token(&with(name, value.clone()));
        assert_eq!(fault(&shared(), &text), expected, "{name}: {value}");
    }
}

#[test]
fn a_provider_without_issuer_and_audience_takes_tokens_without() {
    let bare = IdentityProvider { issuer: None, audiences: Vec::new(), ..shared() };
    let mut plain = with("iss", Value::Null);
    plain.as_object_mut().unwrap().remove("aud");
    assert_eq!(fault(&bare, &token(&plain)), "none");
    assert_eq!(fault(&bare, &token(&claims())), "its issuer is not the provider's");
    let without_issuer = token(&with("iss", Value::Null));
    assert_eq!(fault(&bare, &without_issuer), "it is for another audience");
}

#[test]
fn what_is_no_token_is_refused_before_anything_is_verified() {
    let good = token(&claims());
    let header = |text: &str| {
        let rest = good.split_once('.').unwrap().1;
        format!("{}.{rest}", URL_SAFE_NO_PAD.encode(text))
    };
    let huge = format!("{good}{}", "A".repeat(20_000));
    for text in [
        "",
        ".",
        "..",
        "a.b.c",
        "not a token",
        &format!("{good}.x"),
        &format!("{good}=="),
        &format!(" {good}"),
        &good.replace('.', ""),
        &header("{}"),
        &header("[]"),
        &header("{\"alg\": null}"),
        &header("{\"alg\": [\"HS256\"]}"),
        &header("{\"alg\": \"HS256\", \"alg\": \"HS256\"}"),
        &header("{\"alg\": \"hs256\"}"),
        &header("{\"alg\": \"\"}"),
        &header("{\"alg\": \"HS256\", \"crit\": [\"b64\"], \"b64\": false}"),
        &huge,
    ] {
        assert!(verify_at(&shared(), text, NOW).is_err(), "{text}");
    }
    for claims in [&b"[]"[..], b"\"x\"", b"null", b"", b"{", b"\xff"] {
        let text = signed(&json!({"alg": "HS256"}), claims);
        assert_eq!(fault(&shared(), &text), "it is no signed JWT: its claims are no object");
    }
    let deep = format!("{{\"a\":{}", "[".repeat(10_000));
    assert!(verify_at(&shared(), &signed(&json!({"alg": "HS256"}), deep.as_bytes()), NOW).is_err());
}

#[test]
fn faults_and_keys_show_nothing_of_tokens_and_secrets() {
    let text = token(&with("iss", json!("https://evil.example")));
    let shown = format!("{} {:?}", fault(&shared(), &text), shared());
    assert!(!shown.contains(SECRET) && !shown.contains("evil"), "{shown}");
}

#[test]
fn claims_are_texts_lists_and_what_is_in_objects() {
    let text = token(&json!({
        "iss": "https://id.example", "aud": "stowgate", "exp": NOW.seconds() + 60,
        "company": 12, "staff": true, "Groups": ["a", "b", 3, null], "empty": [],
        "realm": {"Roles": ["x"], "deep": {"er": "y"}}, "a.b": "dotted",
        "https://aws.amazon.com/tags": {"principal_tags": {"Team": ["red"], "two": ["a", "b"]}},
    }));
    let claims = verify_at(&shared(), &text, NOW).unwrap();
    assert_eq!(claims.texts("Groups"), ["a", "b", "3"]);
    assert_eq!(claims.text("Groups"), None);
    assert_eq!(claims.text("company").as_deref(), Some("12"));
    assert_eq!(claims.texts("realm.deep.er"), ["y"]);
    assert_eq!(claims.texts("a.b"), ["dotted"]);
    assert!(claims.texts("realm").is_empty() && claims.texts("none").is_empty());
    let kept = claims.kept(None);
    assert_eq!(kept["staff"], ["true"]);
    assert_eq!(kept["realm.roles"], ["x"]);
    assert!(!kept.contains_key("empty"));
    let only = claims.kept(Some(&["Groups".to_owned(), "none".to_owned()]));
    assert_eq!(only.into_keys().collect::<Vec<_>>(), ["groups"]);
    let tags = BTreeMap::from([("team".to_owned(), "red".to_owned())]);
    assert_eq!(claims.session_tags(), tags);
}

#[test]
fn sets_hold_what_can_be_used_and_at_least_one_of_it() {
    let ids = |keys: Vec<VerifyKey>| keys.into_iter().filter_map(|key| key.id).collect::<Vec<_>>();
    assert_eq!(ids(VerifyKey::parse_set(&set()).unwrap()), ["rsa", "p256", "p384", "ed"]);
    for text in
        ["", "[]", "{}", "{\"keys\": 1}", "{\"keys\": []}", "{\"keys\": [{\"kty\": \"oct\"}]}"]
    {
        assert!(VerifyKey::parse_set(text.as_bytes()).is_err(), "{text}");
    }
    let many = json!({"keys": vec![json!({}); 101]}).to_string();
    assert_eq!(VerifyKey::parse_set(many.as_bytes()).unwrap_err(), "has more than 100 keys");
}

proptest::proptest! {
    #[test]
    fn whatever_is_sent_is_an_answer(header in ".{0,60}", claims in ".{0,60}", rest in ".{0,60}") {
        let text = format!(
            "{}.{}.{rest}", URL_SAFE_NO_PAD.encode(&header), URL_SAFE_NO_PAD.encode(&claims)
        );
        for text in [text, rest] {
            proptest::prop_assert!(verify_at(&shared(), &text, NOW).is_err());
        }
    }
}

/// Serves what it is told to, and counts.
#[derive(Default)]
struct Server(Mutex<(Option<Vec<u8>>, usize)>);

impl Server {
    fn serve(&self, set: Option<Vec<u8>>) {
        self.0.lock().unwrap().0 = set;
    }

    fn asked(&self) -> usize {
        self.0.lock().unwrap().1
    }
}

#[async_trait]
impl FetchKeys for Server {
    async fn fetch(&self, url: &str, _ca: Option<&[u8]>) -> Result<Vec<u8>, String> {
        assert_eq!(url, "https://id.example/jwks");
        tokio::task::yield_now().await;
        let mut state = self.0.lock().unwrap();
        state.1 += 1;
        state.0.clone().ok_or_else(|| "away".to_owned())
    }
}

fn remote() -> RemoteKeys {
    let (refresh, pause) = (Duration::from_mins(10), Duration::from_secs(10));
    RemoteKeys::new("https://id.example/jwks".to_owned(), None, refresh, pause)
}

/// The set with the keys of these ids alone.
fn some(ids: &[&str]) -> Vec<u8> {
    let mut set = fixture()["jwks"].clone();
    let keep = |key: &Value| key["kid"].as_str().is_some_and(|id| ids.contains(&id));
    set["keys"].as_array_mut().unwrap().retain(keep);
    set.to_string().into_bytes()
}

#[tokio::test]
async fn keys_are_fetched_once_and_again_for_what_is_unknown_or_old() {
    let (server, keys) = (Server::default(), remote());
    server.serve(Some(some(&["rsa"])));
    for _ in 0..3 {
        assert_eq!(keys.keys(Some("rsa"), &server, NOW).await.unwrap().len(), 1);
    }
    assert_eq!(server.asked(), 1);
    // An unknown key is looked for, but not with every token that names one.
    server.serve(Some(some(&["rsa", "ed"])));
    assert_eq!(keys.keys(Some("ed"), &server, after(9)).await.unwrap().len(), 1);
    assert_eq!(server.asked(), 1);
    assert_eq!(keys.keys(Some("ed"), &server, after(10)).await.unwrap().len(), 2);
    assert_eq!(keys.keys(Some("none"), &server, after(11)).await.unwrap().len(), 2);
    assert_eq!(server.asked(), 2);
    // Old ones are fetched again, and one that is taken back holds no longer.
    server.serve(Some(some(&["ed"])));
    assert_eq!(keys.keys(Some("rsa"), &server, after(609)).await.unwrap().len(), 2);
    assert_eq!(keys.keys(Some("rsa"), &server, after(611)).await.unwrap().len(), 1);
    assert_eq!(server.asked(), 3);
}

#[tokio::test]
async fn while_the_provider_is_away_the_last_keys_are_kept() {
    let (server, keys) = (Server::default(), remote());
    assert!(matches!(keys.keys(None, &server, NOW).await, Err(Fault::Away)));
    assert!(keys.keys(None, &server, after(5)).await.is_err());
    assert_eq!(server.asked(), 1);
    server.serve(Some(some(&["rsa"])));
    assert!(keys.keys(None, &server, after(10)).await.is_ok());
    for broken in [None, Some(b"<html>".to_vec()), Some(b"{\"keys\": []}".to_vec())] {
        server.serve(broken);
        assert_eq!(keys.keys(Some("rsa"), &server, after(86_400)).await.unwrap().len(), 1);
    }
    let mut other = remote();
    other.inherit(&keys);
    assert_eq!(other.keys(Some("rsa"), &server, after(20)).await.unwrap().len(), 1);
}

#[tokio::test]
async fn many_at_once_fetch_once() {
    let (server, keys) = (Server::default(), remote());
    server.serve(Some(some(&["rsa"])));
    let all = (0..20).map(|_| keys.keys(Some("rsa"), &server, NOW));
    for found in futures_util::future::join_all(all).await {
        assert_eq!(found.unwrap().len(), 1);
    }
    assert_eq!(server.asked(), 1);
}

#[tokio::test]
async fn a_remote_provider_verifies_with_what_it_fetched() {
    let server = Server::default();
    server.serve(Some(set()));
    let provider = provider(KeySource::Remote(remote()));
    let fixture = fixture();
    let text = fixture["good"]["ES256"].as_str().unwrap();
    let token = Token::parse(text).unwrap();
    assert!(provider.verify(&token, &server, NOW).await.is_ok());
    let unknown = fixture["bad"]["an unknown key"].as_str().unwrap();
    let token = Token::parse(unknown).unwrap();
    let refused = provider.verify(&token, &server, NOW).await.err().unwrap();
    assert_eq!(refused, Fault::UnknownKey);
}
