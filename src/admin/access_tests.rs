//! The access rule, row by row.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use http::Request;
use sha1::Sha1;

use super::*;
use crate::auth::{AuthSettings, Identity, Key, Keyring};
use crate::object::{ManualClock, Owner, Timestamp};

const TOKEN: &str = "the token of the side API";
/// 2015-10-21T07:28:00Z.
const NOW: Timestamp = Timestamp(1_445_412_480_000);
const DATE: &str = "Wed, 21 Oct 2015 07:28:00 GMT";

fn key(access_key: &str, role: Role) -> Key {
    let owner = Owner { id: "id".into(), display_name: "name".into() };
    let identity = Identity::new(access_key, role, owner);
    let (access_key, secret) = (access_key.to_owned(), Secret::new("secret"));
    Key { access_key, secret, identity: Arc::new(identity) }
}

fn access(token: bool, only_built_in_keys: bool) -> Access {
    let keys = [("ADMIN", Role::Admin), ("WRITER", Role::ReadWrite), ("READER", Role::ReadOnly)];
    let ring = Keyring::new(keys.map(|(name, role)| key(name, role)));
    let region = "us-east-1".to_owned();
    let settings = AuthSettings { sigv2: true, region, strict_region: false };
    let clock = Arc::new(ManualClock::new(NOW));
    let authenticator = Arc::new(Authenticator::new(ring, settings, clock));
    let token = token.then(|| Secret::new(TOKEN));
    Access::new(Rule { token, only_built_in_keys, behind_proxies: false }, authenticator)
}

/// The status of a refusal, or 200; and the reason.
fn ask(access: &Access, from: &str, headers: &[(&str, &str)]) -> (u16, String) {
    ask_at(access, from, "/storage/info", headers)
}

fn ask_at(access: &Access, from: &str, uri: &str, headers: &[(&str, &str)]) -> (u16, String) {
    let mut request = Request::builder().uri(uri);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let (head, ()) = request.body(()).expect("a good request").into_parts();
    let (address, encrypted) = match from.strip_prefix("tls ") {
        Some(address) => (address, true),
        None => (from, false),
    };
    let address = address.parse().expect("an address");
    let origin = Origin { address, encrypted, host: None };
    match access.check(&head, &origin, Payload::empty()) {
        Ok(_) => (200, String::new()),
        Err(fault) => (fault.status.as_u16(), fault.message),
    }
}

fn signed(access_key: &str, secret: &str) -> String {
    let mut mac = Hmac::<Sha1>::new_from_slice(secret.as_bytes()).expect("any length");
    mac.update(format!("GET\n\n\n{DATE}\n/storage/info").as_bytes());
    format!("AWS {access_key}:{}", STANDARD.encode(mac.finalize().into_bytes()))
}

const HOST_HERE: (&str, &str) = ("host", "127.0.0.1:9000");

#[test]
fn a_token_lets_anyone_in_from_anywhere() {
    let rightly = format!("Bearer {TOKEN}");
    for from in ["127.0.0.1", "203.0.113.9", "2001:db8::1"] {
        let headers = [
            ("host", "s3.example.com"),
            ("x-forwarded-for", "198.51.100.1"),
            ("authorization", rightly.as_str()),
        ];
        assert_eq!(ask(&access(true, false), from, &headers).0, 200, "{from}");
        assert_eq!(ask(&access(true, true), from, &headers).0, 200, "{from}");
    }
    let lower_case = format!("bearer  {TOKEN}");
    let headers = [HOST_HERE, ("authorization", lower_case.as_str())];
    assert_eq!(ask(&access(true, false), "127.0.0.1", &headers).0, 200);
}

#[test]
fn a_wrong_token_is_401_even_for_one_who_needs_none() {
    let longer = format!("Bearer {TOKEN}x");
    let shorter = format!("Bearer {}", &TOKEN[1..]);
    for wrong in ["Bearer x", "Bearer ", &longer, &shorter] {
        let headers = [HOST_HERE, ("authorization", wrong)];
        for (token, hint) in [(true, "is not the one of"), (false, "no token is configured")] {
            let (status, reason) = ask(&access(token, true), "127.0.0.1", &headers);
            assert_eq!(status, 401, "{wrong}");
            assert!(reason.contains(hint), "{reason}");
            assert!(!reason.contains(TOKEN), "{reason}");
        }
    }
}

#[test]
fn a_signature_lets_in_the_role_admin_alone() {
    let cases = [
        ("ADMIN", "secret", 200, ""),
        ("ADMIN", "other", 403, ""),
        ("WRITER", "secret", 403, "does not have the role admin"),
        ("READER", "secret", 403, "does not have the role admin"),
        ("NOBODY", "secret", 403, "NOBODY"),
    ];
    for (access_key, secret, status, hint) in cases {
        let signature = signed(access_key, secret);
        let headers = [HOST_HERE, ("date", DATE), ("authorization", signature.as_str())];
        let (answer, reason) = ask(&access(false, false), "203.0.113.9", &headers);
        assert_eq!(answer, status, "{access_key}: {reason}");
        assert!(reason.contains(hint), "{reason}");
    }
    for wrong in ["AWS", "Basic c3Rvd2dhdGU6eA==", "AWS4-HMAC-SHA256 Credential=x"] {
        let headers = [HOST_HERE, ("authorization", wrong)];
        let (status, reason) = ask(&access(true, true), "127.0.0.1", &headers);
        assert!((400..=403).contains(&status) && !reason.is_empty(), "{wrong}: {status}");
    }
}

#[test]
fn a_presigned_url_is_no_way_in() {
    let uri = "/storage/info?AWSAccessKeyId=ADMIN&Expires=1445412999&Signature=x";
    let (status, _) = ask_at(&access(false, false), "127.0.0.1", uri, &[HOST_HERE]);
    assert_eq!(status, 401);
}

#[test]
fn without_a_token_only_the_built_in_keys_on_this_machine_do() {
    let open = access(false, true);
    let ports = ["127.0.0.1", "127.8.8.8", "::1", "::ffff:127.0.0.1"];
    for from in ports {
        assert_eq!(ask(&open, from, &[HOST_HERE]).0, 200, "{from}");
    }
    for from in ["192.168.0.7", "203.0.113.9", "0.0.0.0", "2001:db8::1", "::ffff:10.0.0.1"] {
        let (status, reason) = ask(&open, from, &[HOST_HERE]);
        assert_eq!(status, 403, "{from}");
        assert!(reason.contains("not on this machine"), "{reason}");
    }
    for (token, built_in) in [(true, true), (true, false), (false, false)] {
        let (status, reason) = ask(&access(token, built_in), "127.0.0.1", &[HOST_HERE]);
        assert_eq!(status, 401, "a key or a token is configured");
        assert!(reason.contains("STOWGATE_ADMIN_TOKEN"), "{reason}");
    }
}

#[test]
fn without_a_token_the_host_is_a_loopback_name() {
    let open = access(false, true);
    let good = [
        "localhost",
        "LocalHost:9000",
        "localhost.",
        "s3.localhost:9000",
        "127.0.0.1",
        "127.1.2.3:80",
        "[::1]",
        "[::1]:9000",
        "[::ffff:127.0.0.1]:9000",
    ];
    for host in good {
        assert_eq!(ask(&open, "127.0.0.1", &[("host", host)]).0, 200, "{host}");
    }
    let bad = [
        "",
        "example.com",
        "localhost.example.com:9000",
        "evil-localhost",
        "127.0.0.1.example.com",
        "10.0.0.1:9000",
        "0.0.0.0:9000",
        "[::]:9000",
        "[2001:db8::1]:9000",
        "[::1",
        "[::1]9000",
        "localhost:9000:9000",
        "localhost:x",
        "localhost@example.com",
    ];
    for host in bad {
        let (status, reason) = ask(&open, "127.0.0.1", &[("host", host)]);
        assert_eq!(status, 403, "{host}");
        assert!(reason.contains("Host"), "{reason}");
    }
    assert_eq!(ask(&open, "127.0.0.1", &[]).0, 403, "no Host at all");
    assert_eq!(ask(&open, "127.0.0.1", &[HOST_HERE, HOST_HERE]).0, 403, "two of them");
    let absolute = |uri, host| ask_at(&open, "127.0.0.1", uri, &[("host", host)]).0;
    assert_eq!(absolute("http://localhost:9000/storage/info", "localhost:9000"), 200);
    assert_eq!(absolute("http://example.com/storage/info", "localhost:9000"), 403);
    assert_eq!(absolute("http://localhost:9000/storage/info", "example.com"), 403);
    let http2 = ask_at(&open, "127.0.0.1", "http://localhost:9000/storage/info", &[]).0;
    assert_eq!(http2, 200, "HTTP/2 names the host in the target alone");
}

#[test]
fn without_a_token_nothing_is_forwarded() {
    let open = access(false, true);
    let proxies = [
        ("forwarded", "for=192.0.2.60"),
        ("x-forwarded-for", "127.0.0.1"),
        ("x-forwarded-host", "localhost"),
        ("X-Forwarded-Proto", "http"),
        ("x-forwarded-server", "a"),
        ("x-real-ip", "127.0.0.1"),
        ("via", "1.1 proxy"),
        ("x-client-ip", ""),
        ("true-client-ip", "1.1.1.1"),
        ("cf-connecting-ip", "1.1.1.1"),
    ];
    for header in proxies {
        let (status, reason) = ask(&open, "127.0.0.1", &[HOST_HERE, header]);
        assert_eq!(status, 403, "{header:?}");
        assert!(reason.contains(&header.0.to_ascii_lowercase()), "{reason}");
    }
}

/// Host, further headers, and the status that they get.
type Case<'a> = (&'a str, &'a [(&'a str, &'a str)], u16);

#[test]
fn without_a_token_no_other_site_asks() {
    let open = access(false, true);
    let cases: &[Case<'_>] = &[
        ("127.0.0.1", &[("origin", "http://127.0.0.1:9000")], 200),
        ("127.0.0.1", &[("origin", "http://127.0.0.1:9001")], 403),
        ("127.0.0.1", &[("origin", "https://127.0.0.1:9000")], 403),
        ("tls 127.0.0.1", &[("origin", "https://127.0.0.1:9000")], 200),
        ("tls 127.0.0.1", &[("origin", "http://127.0.0.1:9000")], 403),
        ("127.0.0.1", &[("origin", "http://localhost:9000")], 403),
        ("127.0.0.1", &[("origin", "null")], 403),
        ("127.0.0.1", &[("origin", "")], 403),
        ("127.0.0.1", &[("origin", "https://example.com")], 403),
        ("127.0.0.1", &[("sec-fetch-site", "same-origin")], 200),
        ("127.0.0.1", &[("sec-fetch-site", "none")], 200),
        ("127.0.0.1", &[("sec-fetch-site", "same-site")], 403),
        ("127.0.0.1", &[("sec-fetch-site", "cross-site")], 403),
        ("127.0.0.1", &[("sec-fetch-site", "none"), ("sec-fetch-site", "cross-site")], 403),
        (
            "127.0.0.1",
            &[("origin", "http://127.0.0.1:9000"), ("sec-fetch-site", "cross-site")],
            403,
        ),
    ];
    for (from, headers, status) in cases {
        let headers: Vec<_> = [HOST_HERE].iter().chain(*headers).copied().collect();
        assert_eq!(ask(&open, from, &headers).0, *status, "{from} {headers:?}");
    }
}

#[test]
fn a_new_rule_holds_at_once() {
    let access = access(false, true);
    assert_eq!(ask(&access, "127.0.0.1", &[HOST_HERE]).0, 200);
    access.replace(Rule::default());
    assert_eq!(ask(&access, "127.0.0.1", &[HOST_HERE]).0, 401);
}

#[test]
fn a_configured_proxy_ends_access_without_a_token() {
    let open = access(false, true);
    assert_eq!(ask(&open, "127.0.0.1", &[HOST_HERE]).0, 200);
    open.replace(Rule { only_built_in_keys: true, behind_proxies: true, ..Rule::default() });
    let (status, reason) = ask(&open, "127.0.0.1", &[HOST_HERE]);
    assert_eq!(status, 403);
    assert!(reason.contains("trusted_proxies"), "{reason}");
    let signature = signed("ADMIN", "secret");
    let headers = [HOST_HERE, ("date", DATE), ("authorization", signature.as_str())];
    assert_eq!(ask(&open, "127.0.0.1", &headers).0, 200);
}
