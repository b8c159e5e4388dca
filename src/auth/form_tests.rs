use super::*;
use crate::auth::Secret;
use crate::auth::testing::{
    ACCESS_KEY, NOW, NOW_TEXT, SCOPE, SECRET, authenticator_at, request, settings,
};
use crate::body::BodyError;

const UNTIL: &str = "2013-05-24T01:00:00Z";

fn policy(conditions: &str) -> String {
    STANDARD.encode(format!("{{\"expiration\": \"{UNTIL}\", \"conditions\": [{conditions}]}}"))
}

fn v4_signature(policy: &str) -> String {
    let whole = format!("{ACCESS_KEY}/{SCOPE}");
    let credential = Credential::parse(&whole).unwrap();
    SigningKey::derive(&Secret::new(SECRET), &credential, NOW).sign(policy.as_bytes())
}

fn v2_signature(policy: &str) -> String {
    let mut mac = Hmac::<Sha1>::new_from_slice(SECRET.as_bytes()).unwrap();
    mac.update(policy.as_bytes());
    STANDARD.encode(mac.finalize().into_bytes())
}

const COVERED: &str = r#"{"bucket": "bucket"}, {"x-amz-algorithm": "AWS4-HMAC-SHA256"},
    ["starts-with", "$x-amz-credential", ""], ["starts-with", "$x-amz-date", ""],
    ["starts-with", "$key", ""]"#;

/// The fields of a form signed with Version 4.
fn v4() -> Vec<(&'static str, String)> {
    let policy = policy(COVERED);
    vec![
        ("bucket", "bucket".to_owned()),
        ("key", "k".to_owned()),
        ("x-amz-algorithm", "AWS4-HMAC-SHA256".to_owned()),
        ("x-amz-credential", format!("{ACCESS_KEY}/{SCOPE}")),
        ("x-amz-date", NOW_TEXT.to_owned()),
        ("x-amz-signature", v4_signature(&policy)),
        ("policy", policy),
    ]
}

/// The same with Version 2.
fn v2() -> Vec<(&'static str, String)> {
    let policy = policy(r#"{"bucket": "bucket"}, ["starts-with", "$key", ""]"#);
    vec![
        ("bucket", "bucket".to_owned()),
        ("key", "k".to_owned()),
        ("awsaccesskeyid", ACCESS_KEY.to_owned()),
        ("signature", v2_signature(&policy)),
        ("policy", policy),
    ]
}

/// The same fields, one of them with another value, or without it.
fn with(
    mut fields: Vec<(&'static str, String)>,
    name: &'static str,
    value: Option<&str>,
) -> Vec<(&'static str, String)> {
    fields.retain(|(known, _)| *known != name);
    fields.extend(value.map(|value| (name, value.to_owned())));
    fields
}

fn verify_at(
    head: &[(&str, &str)],
    fields: &[(&str, String)],
    settings: AuthSettings,
) -> Result<Verified, AuthError> {
    let fields: Vec<FormField> = fields
        .iter()
        .map(|(name, value)| FormField { name: (*name).to_owned(), value: value.clone() })
        .collect();
    let head = request("POST", "/bucket", head);
    authenticator_at(NOW, settings).verify_form(&head, &fields, Payload::from_bytes("file"))
}

fn verify(fields: &[(&str, String)]) -> Result<Verified, AuthError> {
    verify_at(&[], fields, settings())
}

#[test]
fn both_signatures_are_taken_for_their_key() {
    for (fields, scheme) in [(v4(), Scheme::V4Form), (v2(), Scheme::V2Form)] {
        let verified = verify(&fields).unwrap();
        assert_eq!(verified.scheme, scheme);
        let Caller::Key(identity) = verified.caller else { panic!("nobody") };
        assert_eq!(identity.access_key, ACCESS_KEY);
    }
}

#[test]
fn the_signature_of_aws_own_example_holds() {
    // S3 API Reference, "Example: browser-based upload using HTTP POST".
    let secret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
    let whole = "AKIAIOSFODNN7EXAMPLE/20151229/us-east-1/s3/aws4_request";
    let credential = Credential::parse(whole).unwrap();
    let time = date::parse_iso_basic("20151229T000000Z").unwrap();
    let policy = concat!(
        "eyAiZXhwaXJhdGlvbiI6ICIyMDE1LTEyLTMwVDEyOjAwOjAwLjAwMFoiLA0KICAiY29uZGl0aW9ucyI6IFsNCiA",
        "gICB7ImJ1Y2tldCI6ICJzaWd2NGV4YW1wbGVidWNrZXQifSwNCiAgICBbInN0YXJ0cy13aXRoIiwgIiRrZXkiLC",
        "AidXNlci91c2VyMS8iXSwNCiAgICB7ImFjbCI6ICJwdWJsaWMtcmVhZCJ9LA0KICAgIHsic3VjY2Vzc19hY3Rpb",
        "25fcmVkaXJlY3QiOiAiaHR0cDovL3NpZ3Y0ZXhhbXBsZWJ1Y2tldC5zMy5hbWF6b25hd3MuY29tL3N1Y2Nlc3Nm",
        "dWxfdXBsb2FkLmh0bWwifSwNCiAgICBbInN0YXJ0cy13aXRoIiwgIiRDb250ZW50LVR5cGUiLCAiaW1hZ2UvIl0",
        "sDQogICAgeyJ4LWFtei1tZXRhLXV1aWQiOiAiMTQzNjUxMjM2NTEyNzQifSwNCiAgICB7IngtYW16LXNlcnZlci",
        "1zaWRlLWVuY3J5cHRpb24iOiAiQUVTMjU2In0sDQogICAgWyJzdGFydHMtd2l0aCIsICIkeC1hbXotbWV0YS10Y",
        "WciLCAiIl0sDQoNCiAgICB7IngtYW16LWNyZWRlbnRpYWwiOiAiQUtJQUlPU0ZPRE5ON0VYQU1QTEUvMjAxNTEy",
        "MjkvdXMtZWFzdC0xL3MzL2F3czRfcmVxdWVzdCJ9LA0KICAgIHsieC1hbXotYWxnb3JpdGhtIjogIkFXUzQtSE1",
        "BQy1TSEEyNTYifSwNCiAgICB7IngtYW16LWRhdGUiOiAiMjAxNTEyMjlUMDAwMDAwWiIgfQ0KICBdDQp9",
    );
    let key = SigningKey::derive(&Secret::new(secret), &credential, time);
    assert_eq!(
        key.sign(policy.as_bytes()),
        "8afdbf4008c03f22c2cd3cdb72e4afbb1f6a588f3255ac628749a66d7f09699e"
    );
    assert!(PostPolicy::parse(policy).is_ok());
}

#[test]
fn a_form_without_any_is_anonymous() {
    let verified = verify(&[("key", "k".to_owned())]).unwrap();
    assert_eq!((verified.caller, verified.scheme), (Caller::Anonymous, Scheme::None));
}

#[test]
fn each_fault_is_the_error_that_it_is() {
    let code = |fields: &[(&str, String)]| match verify(fields).unwrap_err() {
        AuthError::InvalidArgument { name, .. } => name,
        AuthError::UnknownKey(_) => "unknown",
        AuthError::Mismatch { .. } => "mismatch",
        AuthError::InvalidToken => "token",
        AuthError::InvalidPolicyDocument(_) => "policy document",
        AuthError::AccessDenied(_) => "denied",
        other => panic!("{other:?}"),
    };
    let broken = STANDARD.encode("{}");
    let broken_v4 = with(v4(), "x-amz-signature", Some(&v4_signature(&broken)));
    let foreign = with(v4(), "bucket", Some("other"));
    for (fields, expected) in [
        (with(v4(), "x-amz-signature", Some("0")), "mismatch"),
        (with(v4(), "policy", Some(&policy(""))), "mismatch"),
        (with(v4(), "x-amz-signature", None), "X-Amz-Signature"),
        (with(v4(), "x-amz-credential", None), "X-Amz-Credential"),
        (with(v4(), "x-amz-credential", Some("a/b")), "X-Amz-Credential"),
        (with(v4(), "x-amz-date", None), "X-Amz-Date"),
        (with(v4(), "x-amz-date", Some("yesterday")), "X-Amz-Date"),
        (with(v4(), "x-amz-date", Some("20130525T000000Z")), "X-Amz-Credential"),
        (with(v4(), "x-amz-algorithm", Some("AWS4-HMAC-SHA1")), "X-Amz-Algorithm"),
        (with(v4(), "x-amz-credential", Some(&format!("AKNONE/{SCOPE}"))), "unknown"),
        (with(v4(), "x-amz-security-token", Some("t")), "token"),
        (with(v4(), "policy", None), "policy"),
        (with(broken_v4, "policy", Some(&broken)), "policy document"),
        (with(v4(), "acl", Some("private")), "denied"),
        (foreign, "denied"),
        (with(v4(), "signature", Some("s")), "Signature"),
        (with(v2(), "signature", Some("s")), "mismatch"),
        (with(v2(), "signature", None), "Signature"),
        (with(v2(), "awsaccesskeyid", None), "AWSAccessKeyId"),
        (with(v2(), "awsaccesskeyid", Some("AKNONE")), "unknown"),
        (with(v2(), "policy", None), "policy"),
        (vec![("policy", policy(""))], "AWSAccessKeyId"),
    ] {
        assert_eq!(code(&fields), expected, "{fields:?}");
    }
}

#[test]
fn version_2_and_other_regions_can_be_switched_off() {
    let without = AuthSettings { sigv2: false, ..settings() };
    let refused = verify_at(&[], &v2(), without).unwrap_err();
    assert!(matches!(refused, AuthError::InvalidRequest(_)), "{refused:?}");
    let strict = AuthSettings { strict_region: true, region: "eu-west-1".to_owned(), ..settings() };
    let refused = verify_at(&[], &v4(), strict).unwrap_err();
    assert!(matches!(refused, AuthError::HeaderMalformed { region: Some(_), .. }), "{refused:?}");
}

#[test]
fn a_form_is_not_signed_in_its_head() {
    for value in ["Bearer abc", "AWS a:b"] {
        let refused = verify_at(&[("authorization", value)], &v4(), settings()).unwrap_err();
        assert!(matches!(refused, AuthError::InvalidArgument { .. }), "{refused:?}");
    }
}

#[tokio::test]
async fn the_file_is_held_to_the_sizes_that_the_policy_allows() {
    let sized = policy(&format!("{COVERED}, [\"content-length-range\", 0, 3]"));
    let fields = with(v4(), "x-amz-signature", Some(&v4_signature(&sized)));
    let verified = verify(&with(fields, "policy", Some(&sized))).unwrap();
    let read = verified.body.open().collect(100).await;
    assert!(matches!(read, Err(BodyError::TooLarge { limit: 3 })), "{read:?}");
}
