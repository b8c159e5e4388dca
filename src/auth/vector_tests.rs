//! The worked examples of the S3 API Reference, through the whole of verification.

use std::sync::Arc;

use bytes::Bytes;
use http::Request;
use serde_json::Value;

use super::testing::{NOW, key, settings};
use super::{AuthError, Authenticator, Caller, Keyring, Scheme, Verified};
use crate::body::testing::{cut, drain};
use crate::body::{BodyError, Payload};
use crate::object::{Clock, Timestamp};

const BOTOCORE: &str = include_str!("../../fixtures/sigv4/botocore.json");
const EXAMPLES: &str = include_str!("../../fixtures/sigv4/s3-examples.json");

struct Noon;

impl Clock for Noon {
    fn now(&self) -> Timestamp {
        Timestamp(NOW.0 + 60_000)
    }
}

fn examples() -> Value {
    serde_json::from_str(EXAMPLES).unwrap()
}

fn example(name: &str) -> Value {
    let examples = examples();
    let cases = examples["cases"].as_array().unwrap();
    cases.iter().find(|case| case["name"] == name).unwrap().clone()
}

fn head_of(case: &Value) -> http::request::Parts {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let mut request =
        Request::builder().method(text(&case["method"]).as_str()).uri(text(&case["target"]));
    for header in case["headers"].as_array().unwrap() {
        request = request.header(text(&header[0]), text(&header[1]));
    }
    request.body(()).unwrap().into_parts().0
}

fn verify(head: &http::request::Parts, body: Payload) -> Result<Verified, AuthError> {
    authenticator().verify(head, None, body)
}

/// One that knows the key of AWS's examples.
fn authenticator() -> Authenticator {
    let examples = examples();
    let text = |name: &str| examples[name].as_str().unwrap().to_owned();
    let keys = Keyring::new([key(&text("access_key"), &text("secret_key"))]);
    Authenticator::new(keys, settings(), Arc::new(Noon))
}

#[test]
fn what_botocore_signs_is_accepted_and_nothing_else() {
    let recorded: Value = serde_json::from_str(BOTOCORE).unwrap();
    let authenticator = authenticator();
    let mut schemes = std::collections::HashMap::new();
    for case in recorded["cases"].as_array().unwrap() {
        let (name, bucket) = (&case["name"], case["bucket"].as_str());
        let mut head = head_of(case);
        let verified = authenticator.verify(&head, bucket, Payload::empty());
        let verified = verified.unwrap_or_else(|error| panic!("{name}: {error:?}"));
        assert!(matches!(verified.caller, Caller::Key(_)), "{name}");
        *schemes.entry(verified.scheme).or_insert(0) += 1;

        head.method = http::Method::PATCH;
        let error = authenticator.verify(&head, bucket, Payload::empty()).unwrap_err();
        assert!(matches!(error, AuthError::Mismatch { .. }), "{name}: {error:?}");
    }
    let expected = [
        (Scheme::V4Header, 35),
        (Scheme::V4Query, 28),
        (Scheme::V2Header, 35),
        (Scheme::V2Query, 28),
    ];
    assert_eq!(schemes, expected.into());
}

#[test]
fn every_example_is_accepted() {
    let examples = examples();
    for case in examples["cases"].as_array().unwrap() {
        let verified = verify(&head_of(case), Payload::empty()).unwrap();
        assert!(matches!(verified.caller, Caller::Key(_)));
        let scheme = if case["form"] == "query" { Scheme::V4Query } else { Scheme::V4Header };
        assert_eq!(verified.scheme, scheme);
    }
}

#[test]
fn an_example_with_another_method_is_refused_with_what_was_compared() {
    for case in examples()["cases"].as_array().unwrap() {
        let mut head = head_of(case);
        head.method = http::Method::DELETE;
        let error = verify(&head, Payload::empty()).unwrap_err();
        let AuthError::Mismatch { provided, canonical_request, .. } = error else {
            panic!("{error}");
        };
        assert_eq!(provided, case["signature"].as_str().unwrap());
        let expected = case["canonical_request"].as_str().unwrap();
        let method = case["method"].as_str().unwrap();
        let expected = format!("DELETE{}", expected.strip_prefix(method).unwrap());
        assert_eq!(canonical_request, Some(expected));
    }
}

#[tokio::test]
async fn the_literal_hash_of_the_put_example_is_enforced() {
    let head = head_of(&example("put-object"));
    let right = verify(&head, Payload::from_bytes("Welcome to Amazon S3.")).unwrap().body;
    assert_eq!(right.content_length(), Some(21));
    assert_eq!(right.open().collect(100).await.unwrap(), "Welcome to Amazon S3.");
    let wrong = verify(&head, Payload::from_bytes("Welcome to Amazon S4.")).unwrap().body;
    assert!(matches!(wrong.open().collect(100).await, Err(BodyError::Sha256 { .. })));
}

/// The body of a chunk example: 65,536 and 1,024 times `a`.
fn framed(case: &Value) -> Bytes {
    let mut out = Vec::new();
    for (size, signature) in [65_536, 1024, 0].into_iter().zip(case["chunks"].as_array().unwrap()) {
        let signature = signature.as_str().unwrap();
        out.extend_from_slice(format!("{size:x};chunk-signature={signature}\r\n").as_bytes());
        out.extend_from_slice(&vec![b'a'; size]);
        if size > 0 {
            out.extend_from_slice(b"\r\n");
        }
    }
    if let Some(trailer) = case["trailer"].as_str() {
        let signature = case["trailer_signature"].as_str().unwrap();
        let trailer = format!("{trailer}\r\nx-amz-trailer-signature:{signature}\r\n");
        out.extend_from_slice(trailer.as_bytes());
    }
    out.extend_from_slice(b"\r\n");
    Bytes::from(out)
}

#[tokio::test]
async fn the_chunk_examples_decode() {
    for (name, trailer) in
        [("put-object-signed-chunks", None), ("put-object-signed-trailer", Some("sOO8/Q=="))]
    {
        let case = example(name);
        let framed = framed(&case);
        for cuts in [&[][..], &[1, 80, 81, 30_000, 65_620, 66_000, 66_800]] {
            let body = verify(&head_of(&case), cut(&framed, cuts)).unwrap().body;
            assert!(body.is_streaming());
            assert_eq!(body.content_length(), Some(66_560));
            let (content, body) = drain(body.open()).await.unwrap();
            assert_eq!(content, vec![b'a'; 66_560]);
            assert_eq!(body.trailer("x-amz-checksum-crc32c"), trailer);
        }
        if trailer.is_none() {
            assert_eq!(framed.len(), 66_824, "the Content-Length of the example");
        }
    }
}

#[tokio::test]
async fn a_chunk_example_with_one_wrong_byte_is_refused() {
    for name in ["put-object-signed-chunks", "put-object-signed-trailer"] {
        let case = example(name);
        let framed = framed(&case);
        for at in [0, 20, 90, 65_000, 65_640, 66_000, 66_800] {
            let mut damaged = framed.to_vec();
            damaged[at] ^= 1;
            let body = verify(&head_of(&case), Payload::from_bytes(damaged)).unwrap().body;
            assert!(drain(body.open()).await.is_err(), "{name} {at}");
        }
    }
}
