//! The examples of AWS's developer guide for Version 2, and every way to be refused.

use http::request::Parts;

use super::*;
use crate::auth::testing::{ACCESS_KEY, NOW, SECRET, authenticator_at, key, request, settings};
use crate::auth::{AuthSettings, Authenticator, Caller, Keyring, Scheme, Verified};
use crate::body::Payload;
use crate::object::Clock;

const EXAMPLE_KEY: &str = "AKIAIOSFODNN7EXAMPLE";
const EXAMPLE_SECRET: &str = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";

struct At(i64);

impl Clock for At {
    fn now(&self) -> Timestamp {
        Timestamp(self.0 * 1000)
    }
}

/// The examples' requests all go to the bucket in the host name but for the last two.
fn verify_example(head: &Parts, bucket: Option<&str>, now: i64) -> Result<Verified, AuthError> {
    let keys = Keyring::new([key(EXAMPLE_KEY, EXAMPLE_SECRET)]);
    Authenticator::new(keys, settings(), Arc::new(At(now))).verify(head, bucket, Payload::empty())
}

fn example(method: &str, target: &str, signature: &str, headers: &[(&str, &str)]) -> Parts {
    let authorization = format!("AWS {EXAMPLE_KEY}:{signature}");
    let mut headers = headers.to_vec();
    headers.push(("authorization", &authorization));
    request(method, target, &headers)
}

#[test]
fn the_examples_of_the_developer_guide_are_accepted() {
    let bucket = Some("awsexamplebucket1");
    let get = ("date", "Tue, 27 Mar 2007 19:36:42 +0000");
    let at = 1_175_024_202;
    let head = example("GET", "/photos/puppy.jpg", "qgk2+6Sv9/oM7G3qLEjTH1a1l1g=", &[get]);
    let verified = verify_example(&head, bucket, at).unwrap();
    assert_eq!(verified.scheme, Scheme::V2Header);
    assert!(matches!(verified.caller, Caller::Key(_)));

    let headers = [
        ("content-type", "image/jpeg"),
        ("content-length", "94328"),
        ("date", "Tue, 27 Mar 2007 21:15:45 +0000"),
    ];
    let head = example("PUT", "/photos/puppy.jpg", "iqRzw+ileNPu1fhspnRs8nOjjIA=", &headers);
    verify_example(&head, bucket, at + 5943).unwrap();

    let headers = [("date", "Tue, 27 Mar 2007 19:42:41 +0000"), ("user-agent", "Mozilla/5.0")];
    let target = "/?prefix=photos&max-keys=50&marker=puppy";
    let head = example("GET", target, "m0WP8eCtspQl5Ahe6L1SozdX9YA=", &headers);
    verify_example(&head, bucket, at).unwrap();

    let headers = [("date", "Tue, 27 Mar 2007 19:44:46 +0000")];
    let head = example("GET", "/?acl", "82ZHiFIjc+WbcwFKGUVEQspPn+0=", &headers);
    verify_example(&head, bucket, at).unwrap();

    let headers = [("date", "Wed, 28 Mar 2007 01:29:59 +0000")];
    let head = example("GET", "/", "qGdzdERIC03wnaRNKh6OqZehG9s=", &headers);
    verify_example(&head, None, at + 21_197).unwrap();

    let headers = [("date", "Wed, 28 Mar 2007 01:49:49 +0000")];
    let target = "/dictionary/fran%C3%A7ais/pr%c3%a9f%c3%a8re";
    let head = example("GET", target, "DNEZGsoieTZ92F3bUfSPQcbGmlM=", &headers);
    verify_example(&head, None, at + 22_387).unwrap();
}

/// Signs a text as a client would.
fn signature(text: &str) -> String {
    sign(&Secret::new(SECRET), text.as_bytes())
}

fn verify(head: &Parts, bucket: Option<&str>) -> Result<Verified, AuthError> {
    authenticator_at(NOW, settings()).verify(head, bucket, Payload::empty())
}

fn signed(method: &str, target: &str, text: &str, headers: &[(&str, &str)]) -> Parts {
    let authorization = format!("AWS {ACCESS_KEY}:{}", signature(text));
    let mut headers = headers.to_vec();
    headers.push(("authorization", &authorization));
    request(method, target, &headers)
}

const DATE: (&str, &str) = ("date", "Fri, 24 May 2013 00:00:00 GMT");

#[test]
fn amz_headers_are_sorted_joined_and_trimmed() {
    let headers = [
        ("x-amz-meta-b", " 2 "),
        ("x-amz-meta-a", "1"),
        ("x-amz-meta-b", "3"),
        ("x-amz-date", "20130524T000000Z"),
        ("content-md5", "md5"),
        ("content-type", "text/plain"),
        DATE,
    ];
    let text = "PUT\nmd5\ntext/plain\n\nx-amz-date:20130524T000000Z\nx-amz-meta-a:1\n\
                x-amz-meta-b:2,3\n/b/k";
    let head = signed("PUT", "/b/k", text, &headers);
    verify(&head, None).unwrap();
}

#[test]
fn sub_resources_and_overrides_are_signed_decoded_and_sorted() {
    let target = "/b/k?response-content-type=text%2Fplain&prefix=x&versionId=1&acl&uploads=";
    let text = format!(
        "GET\n\n\n{}\n/b/k?acl&response-content-type=text/plain&uploads=&versionId=1",
        DATE.1
    );
    let head = signed("GET", target, &text, &[DATE]);
    verify(&head, None).unwrap();
    assert!(SIGNED_PARAMETERS.is_sorted(), "it is searched by halves");
}

#[test]
fn the_bucket_in_the_host_name_stands_in_front() {
    let text = format!("GET\n\n\n{}\n/bucket/k%20l?acl", DATE.1);
    let head = signed("GET", "/k%20l?acl", &text, &[DATE]);
    verify(&head, Some("bucket")).unwrap();
    assert!(matches!(verify(&head, Some("other")), Err(AuthError::Mismatch { .. })));
    assert!(matches!(verify(&head, None), Err(AuthError::Mismatch { .. })));
}

#[test]
fn a_path_may_be_signed_more_encoded_than_it_is_sent() {
    let text = format!("GET\n\n\n{}\n/b/a%40b", DATE.1);
    verify(&signed("GET", "/b/a@b", &text, &[DATE]), None).unwrap();
}

#[test]
fn header_signatures_are_refused_for_the_right_reason() {
    let text = format!("GET\n\n\n{}\n/b/k", DATE.1);
    let right = signed("GET", "/b/k", &text, &[DATE]);
    verify(&right, None).unwrap();

    let mut wrong = right.clone();
    wrong.method = http::Method::PUT;
    let error = verify(&wrong, None).unwrap_err();
    let AuthError::Mismatch { access_key, string_to_sign, canonical_request, .. } = error else {
        panic!("{error}");
    };
    assert_eq!((access_key.as_str(), canonical_request), (ACCESS_KEY, None));
    assert_eq!(string_to_sign, text.replace("GET", "PUT"));

    let mut unknown = right.clone();
    unknown.headers.insert("authorization", "AWS AKOTHER:c2ln".parse().unwrap());
    assert_eq!(verify(&unknown, None).unwrap_err(), AuthError::UnknownKey("AKOTHER".into()));

    let mut token = right.clone();
    token.headers.insert("x-amz-security-token", "t".parse().unwrap());
    assert_eq!(verify(&token, None).unwrap_err(), AuthError::InvalidToken);

    let mut undated = right.clone();
    undated.headers.remove("date");
    assert!(matches!(verify(&undated, None), Err(AuthError::AccessDenied(_))));
    undated.headers.insert("date", "today".parse().unwrap());
    assert!(matches!(verify(&undated, None), Err(AuthError::AccessDenied(_))));

    let later = Timestamp(NOW.0 + date::MAX_SKEW_MILLIS + 1);
    let result = authenticator_at(later, settings()).verify(&right, None, Payload::empty());
    assert!(matches!(result, Err(AuthError::Skewed { .. })));

    let without = AuthSettings { sigv2: false, ..settings() };
    let result = authenticator_at(NOW, without).verify(&right, None, Payload::empty());
    let Err(AuthError::InvalidRequest(message)) = result else { panic!("accepted") };
    assert!(message.contains("AWS4-HMAC-SHA256"));
}

const EXPIRES: i64 = NOW.0 / 1000 + 60;

fn presigned(method: &str, path: &str, text: &str, query: &str, headers: &[(&str, &str)]) -> Parts {
    let mut encoded = Vec::new();
    recode(&mut encoded, signature(text).as_bytes(), Plus::Literal, Slash::Encode);
    let encoded = String::from_utf8(encoded).unwrap();
    let target =
        format!("{path}?AWSAccessKeyId={ACCESS_KEY}&Signature={encoded}{query}&Expires={EXPIRES}");
    request(method, &target, headers)
}

#[test]
fn a_presigned_url_is_valid_until_it_expires() {
    let text = format!("GET\n\n\n{EXPIRES}\n/b/k");
    let head = presigned("GET", "/b/k", &text, "", &[]);
    let verified = verify(&head, None).unwrap();
    assert_eq!(verified.scheme, Scheme::V2Query);

    let at = Timestamp(EXPIRES * 1000);
    let error = authenticator_at(at, settings()).verify(&head, None, Payload::empty()).unwrap_err();
    assert_eq!(error, AuthError::Expired { seconds: None, expires: at, server_time: at });

    let without = AuthSettings { sigv2: false, ..settings() };
    let result = authenticator_at(NOW, without).verify(&head, None, Payload::empty());
    assert!(matches!(result, Err(AuthError::InvalidRequest(_))));
}

#[test]
fn a_presigned_put_covers_its_content_type() {
    let text = format!("PUT\n\ntext/plain\n{EXPIRES}\n/b/k");
    let with_type = [("content-type", "text/plain")];
    // botocore repeats the header in the query.
    let head = presigned("PUT", "/b/k", &text, "&content-type=text%2Fplain", &with_type);
    verify(&head, None).unwrap();
    let head = presigned("PUT", "/b/k", &text, "", &with_type);
    verify(&head, None).unwrap();
    let other = [("content-type", "text/html")];
    let head = presigned("PUT", "/b/k", &text, "&content-type=text%2Fplain", &other);
    assert!(matches!(verify(&head, None), Err(AuthError::Mismatch { .. })));
    let untyped = format!("PUT\n\n\n{EXPIRES}\n/b/k");
    let head = presigned("PUT", "/b/k", &untyped, "", &with_type);
    assert!(matches!(verify(&head, None), Err(AuthError::Mismatch { .. })));
}

#[test]
fn amz_parameters_of_a_presigned_url_are_signed_as_headers() {
    let text = format!("PUT\n\n\n{EXPIRES}\nx-amz-acl:private\n/b/k");
    let head = presigned("PUT", "/b/k", &text, "&x-amz-acl=private", &[]);
    verify(&head, None).unwrap();
    let head = presigned("PUT", "/b/k", &text, "&x-amz-acl=public-read", &[]);
    assert!(matches!(verify(&head, None), Err(AuthError::Mismatch { .. })));
    let head = presigned("PUT", "/b/k", &text, "", &[("x-amz-acl", "private")]);
    verify(&head, None).unwrap();
    for (query, sent, accepted) in [
        ("private", "private", true),
        ("public-read", "private", false),
        ("private", "public-read", false),
    ] {
        let query = format!("&x-amz-acl={query}");
        let head = presigned("PUT", "/b/k", &text, &query, &[("x-amz-acl", sent)]);
        assert_eq!(verify(&head, None).is_ok(), accepted, "{query} {sent}");
    }
    let plain = format!("PUT\n\n\n{EXPIRES}\n/b/k");
    for (query, headers) in
        [("&x-amz-acl=public-read", &[][..]), ("", &[("x-amz-acl", "public-read")][..])]
    {
        let head = presigned("PUT", "/b/k", &plain, query, headers);
        assert!(matches!(verify(&head, None), Err(AuthError::Mismatch { .. })), "{query}");
    }
}

#[test]
fn overrides_and_signatures_may_have_plus_signs() {
    let override_text = "attachment; filename=a b.txt";
    let text = format!("GET\n\n\n{EXPIRES}\n/b/k?response-content-disposition={override_text}");
    for encoded in ["attachment%3B%20filename%3Da%20b.txt", "attachment%3B+filename%3Da+b.txt"] {
        let query = format!("&response-content-disposition={encoded}");
        verify(&presigned("GET", "/b/k", &text, &query, &[]), None).unwrap();
    }
    // A key is searched whose signature has a plus sign, and that is sent as it is.
    let (path, text) = (0..1000)
        .map(|number| (format!("/b/{number}"), format!("GET\n\n\n{EXPIRES}\n/b/{number}")))
        .find(|(_, text)| signature(text).contains('+'))
        .unwrap();
    let target = format!(
        "{path}?AWSAccessKeyId={ACCESS_KEY}&Signature={}&Expires={EXPIRES}",
        signature(&text)
    );
    verify(&request("GET", &target, &[]), None).unwrap();
}

#[test]
fn presigned_urls_with_missing_or_odd_parameters_are_denied() {
    for query in [
        "AWSAccessKeyId=AKTEST&Signature=c2ln",
        "AWSAccessKeyId=AKTEST&Expires=1369353660",
        "Signature=c2ln&Expires=1369353660",
        "Signature=c2ln",
        "AWSAccessKeyId=AKTEST&Signature=c2ln&Expires=soon",
        "AWSAccessKeyId=AKTEST&Signature=c2ln&Expires=",
    ] {
        let head = request("GET", &format!("/b/k?{query}"), &[]);
        assert!(matches!(verify(&head, None), Err(AuthError::AccessDenied(_))), "{query}");
    }
}

#[test]
fn secrets_in_a_mismatch_are_hidden() {
    let headers = [DATE, ("x-amz-server-side-encryption-customer-key", "c2VjcmV0")];
    let head = signed("GET", "/b/k", "something else", &headers);
    let Err(AuthError::Mismatch { string_to_sign, .. }) = verify(&head, None) else {
        panic!("accepted");
    };
    assert!(!string_to_sign.contains("c2VjcmV0"), "{string_to_sign}");
}
