//! Version 4 in the header.

use super::*;

#[test]
fn a_signed_request_is_its_keys() {
    let verified = verify(&signed_get(&[])).unwrap();
    assert_eq!(verified.scheme, Scheme::V4Header);
    let Caller::Key(identity) = verified.caller else { panic!("anonymous") };
    assert_eq!(identity.access_key, ACCESS_KEY);
}

#[test]
fn authorization_headers_of_other_kinds_are_invalid_arguments() {
    for value in [
        "",
        "AWS4-HMAC-SHA256",
        "Bearer",
        "Bearer token",
        "Basic dXNlcjpwYXNz",
        "aws a:b",
        "AWS4-HMAC-SHA512 Credential=a",
        "AWS nocolon",
    ] {
        let mut head = signed_get(&[]);
        set(&mut head, "authorization", value);
        let error = error(&head);
        let AuthError::InvalidArgument { name: "Authorization", .. } = error else {
            panic!("{value}: {error}");
        };
    }
    let mut twice = signed_get(&[]);
    let value = twice.headers["authorization"].clone();
    twice.headers.append("authorization", value);
    assert!(matches!(error(&twice), AuthError::InvalidArgument { .. }));
    let mut bytes = signed_get(&[]);
    let value = http::HeaderValue::from_bytes(b"AWS4-HMAC-SHA256 \xff").unwrap();
    bytes.headers.insert("authorization", value);
    assert!(matches!(error(&bytes), AuthError::InvalidArgument { .. }));
}

#[test]
fn malformed_components_and_scopes_are_named() {
    for (from, to, word) in [
        ("Credential=", "Credentials=", "components"),
        (", SignedHeaders=", ", SignedHeader=", "components"),
        (", Signature=", ", Signature=,x=", "components"),
        ("/us-east-1/s3", "/us-east-1", "Credential is mal-formed"),
        (ACCESS_KEY, "", "Access Key"),
        ("/20130524/", "/130524/", "yyyyMMdd"),
        ("/s3/", "/ec2/", "service"),
        ("/aws4_request", "/aws5_request", "terminal"),
        ("=host;", "=ho st;", "SignedHeaders"),
        ("/20130524/", "/20130525/", "Invalid credential date"),
    ] {
        let mut head = signed_get(&[]);
        replace_in_authorization(&mut head, from, to);
        let error = error(&head);
        let AuthError::HeaderMalformed { message, region: None } = error else {
            panic!("{from} -> {to}: {error}");
        };
        assert!(message.contains(word), "{message}");
    }
}

#[test]
fn an_access_key_may_contain_slashes() {
    let mut head = signed_get(&[]);
    replace_in_authorization(&mut head, ACCESS_KEY, "team/b");
    assert!(verify(&head).is_ok(), "the signature does not depend on the key's id");
}

#[test]
fn a_form_for_iam_is_refused_quickly() {
    let form = request("POST", "/", &[("content-type", "application/x-www-form-urlencoded")]);
    let mut form = sign(with_standard(form));
    replace_in_authorization(&mut form, SCOPE, "20130524//iam/aws4_request");
    form.headers.remove("x-amz-content-sha256");
    assert!(matches!(error(&form), AuthError::HeaderMalformed { .. }));
}

#[test]
fn dates_in_either_header_are_accepted() {
    for date in [
        NOW_TEXT,
        "Fri, 24 May 2013 00:00:00 GMT",
        "Fri, 24 May 2013 00:00:00 +0000",
        "Fri, 24 May 2013 00:00:00 UTC",
    ] {
        let head = request("GET", "/b/k", &[("date", date)]);
        let mut head = with_standard(head);
        head.headers.remove("x-amz-date");
        assert!(verify(&sign(head)).is_ok(), "{date}");
    }
    let stale = [("date", "Fri, 24 May 1913 00:00:00 GMT")];
    assert!(verify(&signed_get(&stale)).is_ok(), "x-amz-date goes before Date");
}

#[test]
fn without_a_usable_date_access_is_denied() {
    for date in ["", "yesterday", "Fri, 24 May 2013 00:00:00 GMT", "20130524"] {
        let head = signed_get(&[("x-amz-date", date)]);
        assert!(matches!(error(&head), AuthError::AccessDenied(_)), "{date}");
    }
    let mut head = signed_get(&[]);
    head.headers.remove("x-amz-date");
    assert!(matches!(error(&head), AuthError::AccessDenied(_)));
    set(&mut head, "date", "yesterday");
    assert!(matches!(error(&head), AuthError::AccessDenied(_)));
}

#[test]
fn a_quarter_of_an_hour_of_skew_is_allowed() {
    let head = signed_get(&[]);
    let quarter = 15 * 60 * 1000;
    for (skew, allowed) in
        [(quarter, true), (-quarter, true), (quarter + 1, false), (-quarter - 1, false)]
    {
        let now = Timestamp(NOW.0 + skew);
        let result = authenticator_at(now, settings()).verify(&head, None, Payload::empty());
        match result {
            Ok(_) => assert!(allowed, "{skew}"),
            Err(AuthError::Skewed { request_time, server_time }) => {
                assert!(!allowed, "{skew}");
                assert_eq!((request_time.as_str(), server_time), (NOW_TEXT, now));
            }
            Err(other) => panic!("{skew}: {other}"),
        }
    }
}

#[test]
fn an_unknown_key_is_named() {
    let mut head = signed_get(&[]);
    replace_in_authorization(&mut head, ACCESS_KEY, "AKOTHER");
    assert_eq!(error(&head), AuthError::UnknownKey("AKOTHER".to_owned()));
}

#[test]
fn changes_after_signing_do_not_match() {
    let changes: [fn(&mut Parts); 7] = [
        |head| head.method = http::Method::HEAD,
        |head| head.uri = "/bucket/key2".parse().unwrap(),
        |head| head.uri = "/bucket/key?acl".parse().unwrap(),
        |head| set(head, "host", "localhost:9001"),
        |head| set(head, "range", "bytes=1-2"),
        |head| drop(head.headers.remove("range")),
        |head| set(head, "x-amz-content-sha256", &"0".repeat(64)),
    ];
    for (number, change) in changes.into_iter().enumerate() {
        let mut head = signed_get(&[("range", "bytes=0-1")]);
        assert!(verify(&head).is_ok());
        change(&mut head);
        let error = error(&head);
        let AuthError::Mismatch { access_key, string_to_sign, canonical_request, .. } = error
        else {
            panic!("{number}: {error}");
        };
        assert_eq!(access_key, ACCESS_KEY);
        let canonical = canonical_request.unwrap();
        let hash = hex::encode(Sha256::digest(&canonical));
        assert_eq!(string_to_sign, format!("AWS4-HMAC-SHA256\n{NOW_TEXT}\n{SCOPE}\n{hash}"));
    }
}

#[test]
fn signatures_of_other_shapes_do_not_match() {
    let right = authorization_of(&signed_get(&[]));
    let (_, signature) = right.rsplit_once('=').unwrap();
    for wrong in ["0", &signature[..63], &format!("{signature}0"), &signature.to_uppercase()] {
        let mut head = signed_get(&[]);
        replace_in_authorization(&mut head, signature, wrong);
        assert!(matches!(error(&head), AuthError::Mismatch { .. }), "{wrong}");
    }
}

#[test]
fn secrets_in_a_mismatch_are_hidden() {
    let secret = [("x-amz-server-side-encryption-customer-key", "c2VjcmV0")];
    let mut head = signed_get(&secret);
    head.method = http::Method::PUT;
    let AuthError::Mismatch { canonical_request, .. } = error(&head) else { panic!() };
    let canonical = canonical_request.unwrap();
    assert!(!canonical.contains("c2VjcmV0"), "{canonical}");
}

#[test]
fn paths_are_accepted_encoded_and_as_sent() {
    for target in ["/b/a@b!c", "/b/%e4%f6", "/b/a%2fb", "/b//x/../y/./", "/b/a+b%20c", "/b/ä"] {
        let head = sign(with_standard(request("GET", target, &[])));
        assert!(verify(&head).is_ok(), "{target}, signed encoded");
    }
    // The same path, signed by someone who encodes more or less than they send.
    let mut sent = sign(with_standard(request("GET", "/b/a%40b", &[])));
    sent.uri = "/b/a@b".parse().unwrap();
    assert!(verify(&sent).is_ok());
}

#[test]
fn host_and_every_amz_header_must_be_signed() {
    let add = [("x-amz-meta-a", "1"), ("x-amz-copy-source", "/b/k")];
    let head = with_standard(request("PUT", "/b/k", &add));
    let head = sign_some(head, "host;x-amz-content-sha256;x-amz-date", SCOPE);
    let AuthError::HeadersNotSigned(names) = error(&head) else { panic!() };
    let mut names: Vec<&str> = names.split(", ").collect();
    names.sort_unstable();
    assert_eq!(names, ["x-amz-copy-source", "x-amz-meta-a"]);

    let head = with_standard(request("PUT", "/b/k", &[]));
    let head = sign_some(head, "x-amz-content-sha256;x-amz-date", SCOPE);
    assert_eq!(error(&head), AuthError::HeadersNotSigned("host".to_owned()));
}

#[test]
fn other_headers_may_be_signed_or_not() {
    let others = [
        ("amz-sdk-invocation-id", "1"),
        ("amz-sdk-request", "attempt=1"),
        ("expect", "100-continue"),
        ("user-agent", "test"),
        ("x-amzn-trace-id", "1"),
        ("content-type", "text/plain"),
        ("content-length", "0"),
        ("accept-encoding", "identity"),
    ];
    assert!(verify(&signed_get(&others)).is_ok());
    let head = with_standard(request("GET", "/b/k", &others));
    let head = sign_some(head, "host;x-amz-content-sha256;x-amz-date", SCOPE);
    assert!(verify(&head).is_ok());
    // The hash is signed as the canonical request's last line.
    let head = with_standard(request("GET", "/b/k", &[]));
    let mut head = sign_some(head, "host;x-amz-date", SCOPE);
    assert!(verify(&head).is_ok());
    set(&mut head, "x-amz-content-sha256", &"0".repeat(64));
    assert!(matches!(error(&head), AuthError::Mismatch { .. }));
}

#[test]
fn a_signed_header_that_is_absent_is_not_an_empty_one() {
    let mut head = signed_get(&[("x-amz-meta-a", "")]);
    assert!(verify(&head).is_ok());
    head.headers.remove("x-amz-meta-a");
    assert!(matches!(error(&head), AuthError::Mismatch { .. }));
}

#[test]
fn a_second_host_is_refused() {
    let mut head = signed_get(&[]);
    head.headers.append("host", "other.example".parse().unwrap());
    assert!(matches!(error(&head), AuthError::InvalidRequest(_)));
}

#[test]
fn session_tokens_are_refused() {
    let head = signed_get(&[("x-amz-security-token", "token")]);
    assert_eq!(error(&head), AuthError::InvalidToken);
}

#[test]
fn sigv4a_is_refused() {
    let mut head = signed_get(&[("x-amz-region-set", "*")]);
    replace_in_authorization(&mut head, "AWS4-HMAC-SHA256", "AWS4-ECDSA-P256-SHA256");
    assert!(matches!(error(&head), AuthError::InvalidRequest(_)));
}

#[test]
fn header_and_query_together_are_refused() {
    for query in [
        "X-Amz-Signature=0",
        "X-Amz-Algorithm=AWS4-HMAC-SHA256",
        "X-Amz-Credential=a",
        "AWSAccessKeyId=a",
        "Signature=a",
    ] {
        let head = request("GET", &format!("/b/k?{query}"), &[]);
        let head = sign(with_standard(head));
        assert!(matches!(error(&head), AuthError::InvalidArgument { .. }), "{query}");
    }
    let both = request("GET", "/b/k?AWSAccessKeyId=a&X-Amz-Signature=0", &[]);
    assert!(matches!(error(&both), AuthError::InvalidArgument { .. }));
}

#[test]
fn regions_matter_only_where_they_are_strict() {
    let signed_for = |target, region: &str| {
        let head = with_standard(request("GET", target, &[]));
        let scope = format!("20130524/{region}/s3/aws4_request");
        sign_some(head, "host;x-amz-content-sha256;x-amz-date", &scope)
    };
    let strict = AuthSettings { strict_region: true, region: "eu-west-1".into(), ..settings() };
    let strict = authenticator_at(NOW, strict);
    let verify_strictly = |head: &Parts| strict.verify(head, None, Payload::empty());

    assert!(verify(&signed_for("/b/k", "anywhere-7")).is_ok());
    assert!(verify_strictly(&signed_for("/b/k", "eu-west-1")).is_ok());
    assert!(verify_strictly(&signed_for("/", "us-east-1")).is_ok());
    let error = verify_strictly(&signed_for("/b/k", "us-east-1")).unwrap_err();
    let AuthError::HeaderMalformed { message, region } = error else { panic!("{error}") };
    assert_eq!(region.as_deref(), Some("eu-west-1"));
    assert!(message.contains("the region 'us-east-1' is wrong; expecting 'eu-west-1'"));
}

#[test]
fn replaced_keys_take_effect_at_once() {
    let authenticator = authenticator_at(NOW, settings());
    let head = signed_get(&[]);
    assert!(authenticator.verify(&head, None, Payload::empty()).is_ok());
    let key = crate::auth::testing::key(ACCESS_KEY, "another secret");
    authenticator.replace_keys(Keyring::new([key]));
    let error = authenticator.verify(&head, None, Payload::empty()).unwrap_err();
    assert!(matches!(error, AuthError::Mismatch { .. }));
    authenticator.replace_keys(Keyring::default());
    let error = authenticator.verify(&head, None, Payload::empty()).unwrap_err();
    assert!(matches!(error, AuthError::UnknownKey(_)));
}
