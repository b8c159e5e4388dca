//! Version 4 in the query: presigned URLs.

use super::*;

fn get() -> Parts {
    request("GET", "/bucket/key?versionId=null", &[])
}

#[test]
fn a_presigned_url_is_its_keys() {
    let verified = verify(&presign(get(), "host")).unwrap();
    assert_eq!(verified.scheme, Scheme::V4Query);
    assert!(matches!(verified.caller, Caller::Key(_)));
}

#[test]
fn the_signature_may_stand_anywhere() {
    let head = presign(get(), "host");
    let target = head.uri.to_string();
    let (before, signature) = target.rsplit_once("&X-Amz-Signature=").unwrap();
    let mut sorted = head;
    let moved = before.replace(
        "&X-Amz-SignedHeaders",
        &format!("&X-Amz-Signature={signature}&X-Amz-SignedHeaders"),
    );
    sorted.uri = moved.parse().unwrap();
    assert!(verify(&sorted).is_ok());
}

#[test]
fn all_six_parameters_are_required() {
    for missing in [
        "X-Amz-Algorithm",
        "X-Amz-Credential",
        "X-Amz-Date",
        "X-Amz-Expires",
        "X-Amz-SignedHeaders",
        "X-Amz-Signature",
    ] {
        let mut head = presign(get(), "host");
        replace_in_target(&mut head, missing, "X-Other");
        let error = error(&head);
        assert!(matches!(error, AuthError::QueryParameters(_)), "{missing}: {error}");
    }
}

#[test]
fn malformed_parameters_are_query_errors() {
    for (from, to) in [
        ("=AWS4-HMAC-SHA256", "=AWS4-HMAC-SHA512"),
        ("=AWS4-HMAC-SHA256", "=AWS4-ECDSA-P256-SHA256"),
        ("%2Fs3%2F", "%2Fec2%2F"),
        ("%2Fs3%2F", "%2F"),
        ("aws4_request", "aws5_request"),
        ("%2F20130524", "%2F130524"),
        ("%2F20130524", "%2F20130525"),
        ("Date=20130524T000000Z", "Date=20130524"),
        ("Date=20130524T000000Z", "Date=Fri%2C%2024%20May%202013%2000:00:00%20GMT"),
        ("SignedHeaders=host", "SignedHeaders=ho%20st"),
        ("Expires=3600", "Expires=soon"),
        ("Expires=3600", "Expires=-1"),
        ("Expires=3600", "Expires=604801"),
        ("Expires=3600", "Expires=99999999999999999999"),
        ("Expires=3600", "Expires=1.5"),
    ] {
        let mut head = presign(get(), "host");
        replace_in_target(&mut head, from, to);
        let error = error(&head);
        assert!(matches!(error, AuthError::QueryParameters(_)), "{to}: {error}");
    }
    let strict = AuthSettings { strict_region: true, region: "eu-west-1".into(), ..settings() };
    let head = presign(get(), "host");
    let result = authenticator_at(NOW, strict).verify(&head, None, Payload::empty());
    assert!(matches!(result, Err(AuthError::QueryParameters(_))));
}

fn at(expires: &str, seconds: i64) -> Result<Verified, AuthError> {
    let head = presign_with(get(), &presign_parameters(expires, "host"));
    let now = Timestamp(NOW.0 + seconds * 1000);
    authenticator_at(now, settings()).verify(&head, None, Payload::empty())
}

#[test]
fn a_url_is_valid_until_it_expires() {
    assert!(at("3600", 3599).is_ok());
    assert!(at("604800", 604_799).is_ok());
    for (expires, seconds) in [("3600", 3600), ("0", 0), ("1", 86_400), ("604800", 604_800)] {
        let error = at(expires, seconds).unwrap_err();
        let AuthError::Expired { seconds: given, expires: when, server_time } = error else {
            panic!("{error}");
        };
        let given = i64::try_from(given.unwrap()).unwrap();
        assert_eq!(given.to_string(), expires);
        assert_eq!(when, Timestamp(NOW.0 + given * 1000));
        assert_eq!(server_time, Timestamp(NOW.0 + seconds * 1000));
    }
}

#[test]
fn a_url_may_start_a_little_in_the_future() {
    assert!(at("3600", -900).is_ok());
    assert!(matches!(at("3600", -901), Err(AuthError::AccessDenied(_))));
}

#[test]
fn other_methods_headers_and_parameters_do_not_match() {
    let headers = [("content-type", "text/plain")];
    let put = request("PUT", "/bucket/key?x-amz-meta-a=1", &headers);
    let head = presign(put, "content-type;host");
    assert!(verify(&head).is_ok());
    let changes: [fn(&mut Parts); 6] = [
        |head| head.method = http::Method::HEAD,
        |head| set(head, "content-type", "text/html"),
        |head| drop(head.headers.remove("content-type")),
        |head| replace_in_target(head, "x-amz-meta-a=1", "x-amz-meta-a=2"),
        |head| replace_in_target(head, "x-amz-meta-a=1&", ""),
        |head| replace_in_target(head, "/bucket/key", "/bucket/kez"),
    ];
    for (number, change) in changes.into_iter().enumerate() {
        let mut head = head.clone();
        change(&mut head);
        assert!(matches!(error(&head), AuthError::Mismatch { .. }), "{number}");
    }
}

#[test]
fn an_added_amz_header_is_not_signed() {
    let mut head = presign(get(), "host");
    set(&mut head, "x-amz-acl", "public-read");
    assert_eq!(error(&head), AuthError::HeadersNotSigned("x-amz-acl".to_owned()));
    let mut head = presign(get(), "range");
    set(&mut head, "range", "bytes=0-1");
    assert_eq!(error(&head), AuthError::HeadersNotSigned("host".to_owned()));
}

#[test]
fn unknown_keys_and_tokens_are_refused() {
    let mut head = presign(get(), "host");
    replace_in_target(&mut head, ACCESS_KEY, "AKOTHER");
    assert_eq!(error(&head), AuthError::UnknownKey("AKOTHER".to_owned()));
    let mut parameters = presign_parameters("60", "host");
    parameters.push(("X-Amz-Security-Token", "token".to_owned()));
    assert_eq!(error(&presign_with(get(), &parameters)), AuthError::InvalidToken);
}

#[tokio::test]
async fn a_hash_in_the_query_or_a_header_is_signed_and_enforced() {
    let hash = hex::encode(Sha256::digest("content"));
    let mut parameters = presign_parameters("60", "host");
    parameters.push(("X-Amz-Content-Sha256", hash.clone()));
    let in_query = presign_with(request("PUT", "/b/k", &[]), &parameters);
    let headers = [("x-amz-content-sha256", hash.as_str())];
    let in_header = request("PUT", "/b/k", &headers);
    // The signer of this test puts the parameter's value into the canonical request.
    let in_header = {
        let mut head = presign_with(in_header, &parameters);
        assert!(verify(&head).is_ok());
        replace_in_target(&mut head, &format!("&X-Amz-Content-Sha256={hash}"), "");
        head
    };
    assert!(matches!(error(&in_header), AuthError::Mismatch { .. }), "the query is signed");

    let authenticator = authenticator_at(NOW, settings());
    for (content, right) in [("content", true), ("CONTENT", false)] {
        let body = Payload::from_bytes(content);
        let body = authenticator.verify(&in_query, None, body).unwrap().body;
        let result = body.open().collect(100).await;
        assert_eq!(result.is_ok(), right, "{result:?}");
    }
}

#[test]
fn streaming_bodies_are_refused() {
    for value in ["STREAMING-AWS4-HMAC-SHA256-PAYLOAD", "STREAMING-UNSIGNED-PAYLOAD-TRAILER"] {
        let mut parameters = presign_parameters("60", "host");
        parameters.push(("X-Amz-Content-Sha256", value.to_owned()));
        let head = presign_with(request("PUT", "/b/k", &[]), &parameters);
        assert!(matches!(error(&head), AuthError::InvalidRequest(_)), "{value}");
    }
}

#[test]
fn a_raw_plus_may_mean_a_plus() {
    let mut head = presign(request("GET", "/b/k?prefix=a%2Bb", &[]), "host");
    replace_in_target(&mut head, "a%2Bb", "a+b");
    assert!(verify(&head).is_ok());
    let mut head = presign(request("GET", "/b/k?prefix=a%20b", &[]), "host");
    replace_in_target(&mut head, "a%20b", "a+b");
    assert!(verify(&head).is_ok());
}
