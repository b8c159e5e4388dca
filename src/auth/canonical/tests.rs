//! AWS's signing test suite, and the readings in which signers differ.

use http::{HeaderMap, HeaderValue};
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::*;
use crate::auth::Secret;
use crate::auth::scope::Credential;
use crate::auth::signing_key::SigningKey;
use crate::auth::testing::request;
use crate::auth::{date, header::Authorization};

const SUITE: &str = include_str!("../../../fixtures/sigv4/suite.json");

/// One signed request of the suite, taken apart as the gateway does it.
struct Case<'a> {
    case: &'a Value,
    method: Method,
    path: String,
    query: String,
    headers: HeaderMap,
    host: String,
    credential: String,
    signed: SignedHeaders,
    signature: String,
    time: String,
}

impl<'a> Case<'a> {
    fn of(case: &'a Value) -> Self {
        let text = |name: &str| case[name].as_str().unwrap().to_owned();
        let target = text("target");
        let (path, query) = target.split_once('?').unwrap_or((&target, ""));
        let mut headers = HeaderMap::new();
        for header in case["headers"].as_array().unwrap() {
            let (name, value) = (header[0].as_str().unwrap(), header[1].as_str().unwrap());
            let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
            headers.append(name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
        }
        let value = |name: &str| headers[name].to_str().unwrap().to_owned();
        let (credential, signed, signature, time) = if text("form") == "header" {
            let authorization = value("authorization");
            let (_, items) = authorization.split_once(' ').unwrap();
            let items = Authorization::parse(items).unwrap();
            let signed = items.signed_headers.to_owned();
            let (credential, signature) = (items.credential.into(), items.signature.into());
            (credential, signed, signature, value("x-amz-date"))
        } else {
            let get = |name| Query(query.as_bytes()).get(name).unwrap();
            let signed = get("X-Amz-SignedHeaders");
            (get("X-Amz-Credential"), signed, get("X-Amz-Signature"), get("X-Amz-Date"))
        };
        // In this one case the token was added after signing, as some services want it.
        let query: Vec<&str> = query
            .split('&')
            .filter(|it| {
                text("name") != "post-sts-header-after" || !it.starts_with("X-Amz-Security-Token")
            })
            .collect();
        Self {
            case,
            method: text("method").parse().unwrap(),
            path: path.to_owned(),
            query: query.join("&"),
            host: value("host"),
            headers,
            credential,
            signed: SignedHeaders::parse(&signed).unwrap(),
            signature,
            time,
        }
    }

    fn expected(&self, name: &str) -> &'a str {
        self.case[name].as_str().unwrap()
    }

    fn canonical(&self) -> String {
        let subject = Subject {
            method: &self.method,
            path: self.path.as_bytes(),
            query: Query(self.query.as_bytes()),
            headers: &self.headers,
            host: Some(self.host.as_bytes()),
        };
        // The suite's service does not repeat the payload's hash in a header.
        let (_, payload_hash) = self.expected("canonical_request").rsplit_once('\n').unwrap();
        let without = Some("X-Amz-Signature");
        let canonical =
            canonical_request(&subject, &self.signed, payload_hash, without, Reading::FIRST);
        String::from_utf8(canonical).unwrap()
    }
}

#[test]
fn the_signing_test_suite_holds_under_the_rules_of_s3() {
    let suite: Value = serde_json::from_str(SUITE).unwrap();
    let secret = Secret::new(suite["secret_key"].as_str().unwrap());
    let mut held = 0;
    for case in suite["cases"].as_array().unwrap() {
        let case = Case::of(case);
        let name = format!("{} in the {}", case.expected("name"), case.expected("form"));
        if case.case["s3"] == false {
            assert_ne!(case.canonical(), case.expected("canonical_request"), "{name}");
            continue;
        }
        held += 1;
        let canonical = case.canonical();
        assert_eq!(canonical, case.expected("canonical_request"), "{name}");

        let credential = Credential::parse(&case.credential).unwrap();
        assert_eq!((credential.service, credential.region), ("service", "us-east-1"));
        let hash = hex::encode(Sha256::digest(&canonical));
        let text = format!("AWS4-HMAC-SHA256\n{}\n{}\n{hash}", case.time, credential.scope);
        assert_eq!(text, case.expected("string_to_sign"), "{name}");

        let time = date::parse_iso_basic(&case.time).unwrap();
        let signature = SigningKey::derive(&secret, &credential, time).sign(text.as_bytes());
        assert_eq!(signature, case.expected("signature"), "{name}");
        assert_eq!(signature, case.signature, "{name}");
    }
    assert_eq!(held, 64, "32 cases in two forms");
}

fn canonical(head: &request::Parts, names: &str, reading: Reading) -> String {
    let signed = SignedHeaders::parse(names).unwrap();
    let canonical = canonical_request(&Subject::of(head), &signed, "HASH", None, reading);
    String::from_utf8_lossy(&canonical).into_owned()
}

#[test]
fn names_sort_before_values_and_repetitions_stay() {
    let head = request("GET", "/?a=b&a-b=1&a=a&A=3&acl&p=a/b&q=x+y%2B", &[]);
    assert_eq!(
        canonical(&head, "host", Reading::FIRST),
        "GET\n/\nA=3&a=a&a=b&a-b=1&acl=&p=a%2Fb&q=x%20y%2B\nhost:localhost:9000\n\nhost\nHASH"
    );
}

#[test]
fn header_values_are_bytes() {
    let mut head = request("GET", "/", &[]);
    let latin1 = HeaderValue::from_bytes(b"caf\xe9").unwrap();
    head.headers.insert("x-amz-meta-a", latin1);
    let signed = SignedHeaders::parse("x-amz-meta-a").unwrap();
    let canonical = canonical_request(&Subject::of(&head), &signed, "", None, Reading::FIRST);
    assert!(canonical.windows(5).any(|piece| piece == b"caf\xe9\n"));
}

#[test]
fn signed_headers_are_lowered_sorted_and_unique() {
    let signed = SignedHeaders::parse("X-Amz-Date;host;date;host").unwrap();
    let names: Vec<&str> = signed.iter().map(HeaderName::as_str).collect();
    assert_eq!(names, ["date", "host", "x-amz-date"]);
    assert!(signed.contains("date") && !signed.contains("range"));
    for list in ["", ";", "host;", "a b", ":authority", "host;\u{e9}"] {
        assert_eq!(SignedHeaders::parse(list), None, "{list}");
    }
}

#[test]
fn only_readings_that_differ_are_tried() {
    let readings = |target, value| {
        let head = request("GET", target, &[("x-amz-meta-a", value)]);
        let signed = SignedHeaders::parse("host;x-amz-meta-a").unwrap();
        Reading::all(&Subject::of(&head), &signed).collect::<Vec<_>>()
    };
    assert_eq!(readings("/a%20b/~c?x=%2B", "a  b"), [Reading::FIRST]);
    assert_eq!(readings("/a@b", "a").len(), 2);
    assert_eq!(readings("/%2fb", "a").len(), 2);
    assert_eq!(readings("/", "a\tb").len(), 2);
    assert_eq!(readings("/?a=b+c", "a").len(), 2);
    assert_eq!(readings("/@?a=b+c", "a\tb").len(), 8);
    assert_eq!(readings("/@?a=b+c", "a\tb").first(), Some(&Reading::FIRST));
}

#[test]
fn blanks_collapse_in_two_ways() {
    let head = request("GET", "/", &[("x-amz-meta-a", "a \t b  c"), ("x-amz-meta-a", "  d ")]);
    let signed = SignedHeaders::parse("x-amz-meta-a").unwrap();
    let lines: Vec<String> = Reading::all(&Subject::of(&head), &signed)
        .map(|reading| canonical(&head, "x-amz-meta-a", reading))
        .map(|text| text.lines().nth(3).unwrap().to_owned())
        .collect();
    assert_eq!(lines, ["x-amz-meta-a:a b c,d", "x-amz-meta-a:a \t b c,d"]);
}

#[test]
fn http_2_has_the_host_in_its_authority() {
    let mut head = request("GET", "https://bucket.localhost:9000/key", &[]);
    assert_eq!(Subject::of(&head).host, Some(&b"localhost:9000"[..]));
    head.version = http::Version::HTTP_2;
    assert_eq!(Subject::of(&head).host, Some(&b"bucket.localhost:9000"[..]));
    head.headers.clear();
    assert_eq!(Subject::of(&head).host, Some(&b"bucket.localhost:9000"[..]));
    assert!(Subject::of(&head).has_header(&HOST));
}
