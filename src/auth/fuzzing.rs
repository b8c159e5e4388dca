//! Bodies of fuzz targets: they take any bytes and must neither panic nor believe a forgery.

use std::sync::Arc;

use http::{HeaderValue, Request};

use super::{AuthSettings, Authenticator, Caller, Identity, Key, Keyring, Role, Secret, Verified};
use crate::body::Payload;
use crate::object::{Clock, Owner, Timestamp};

const ACCESS_KEY: &str = "AKIAIOSFODNN7EXAMPLE";
/// 2013-05-24T00:00:00Z, the day of AWS's examples, so that they make a corpus.
const NOW: Timestamp = Timestamp(1_369_353_600_000);

struct Fixed;

impl Clock for Fixed {
    fn now(&self) -> Timestamp {
        NOW
    }
}

/// Verifies a request with `data` as its `Authorization` header, then one with `data` as its
/// query. Nothing is signed with the key's secret, so nobody may come out as its holder.
pub fn authorization(data: &[u8]) {
    let authenticator = authenticator();
    if let Ok(value) = HeaderValue::from_bytes(data) {
        let request = Request::builder()
            .uri("/bucket/key?acl")
            .header("host", "localhost")
            .header("x-amz-date", "20130524T000000Z")
            .header("x-amz-content-sha256", "UNSIGNED-PAYLOAD")
            .header("authorization", value);
        check(&authenticator, request);
    }
    if let Ok(query) = std::str::from_utf8(data) {
        let target = format!("/bucket/key?{query}");
        check(&authenticator, Request::builder().uri(target).header("host", "localhost"));
    }
}

fn check(authenticator: &Authenticator, request: http::request::Builder) {
    // What the HTTP parser refuses never gets here.
    let Ok(request) = request.body(()) else { return };
    let verified = authenticator.verify(&request.into_parts().0, None, Payload::empty());
    let is_forged = matches!(verified, Ok(Verified { caller: Caller::Key(_), .. }));
    assert!(!is_forged, "a forged signature was accepted");
}

fn authenticator() -> Authenticator {
    let owner = Owner { id: "owner".to_owned(), display_name: "owner".to_owned() };
    let access_key = ACCESS_KEY.to_owned();
    let identity = Arc::new(Identity::new(access_key.clone(), Role::Admin, owner));
    let secret = Secret::new("a secret that no fuzzer finds");
    let keys = Keyring::new([Key { access_key, secret, identity }]);
    let settings =
        AuthSettings { sigv2: true, region: "us-east-1".to_owned(), strict_region: false };
    Authenticator::new(keys, settings, Arc::new(Fixed))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const WORDS: [&str; 34] = [
        "AWS4-HMAC-SHA256",
        "AWS",
        "AWS4-ECDSA-P256-SHA256",
        "Bearer",
        " ",
        ",",
        "=",
        ";",
        "/",
        ":",
        "&",
        "%",
        "%2",
        "%2F",
        "+",
        "Credential=",
        "SignedHeaders=",
        "Signature=",
        "AKIAIOSFODNN7EXAMPLE",
        "20130524",
        "20130524T000000Z",
        "us-east-1",
        "/s3/aws4_request",
        "host",
        "X-Amz-Algorithm=AWS4-HMAC-SHA256",
        "&X-Amz-Credential=",
        "&X-Amz-Date=",
        "&X-Amz-Expires=60",
        "&X-Amz-SignedHeaders=host",
        "&X-Amz-Signature=",
        "AWSAccessKeyId=",
        "&Expires=1369353660",
        "\u{e9}",
        "-1",
    ];

    #[test]
    fn well_formed_forgeries_are_refused() {
        let scope = "AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request";
        let zeros = "0".repeat(64);
        for forgery in [
            format!(
                "AWS4-HMAC-SHA256 Credential={scope},SignedHeaders=host;x-amz-date,\
                 Signature={zeros}"
            ),
            format!(
                "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential={scope}\
                 &X-Amz-Date=20130524T000000Z&X-Amz-Expires=60&X-Amz-SignedHeaders=host\
                 &X-Amz-Signature={zeros}"
            ),
            "AWSAccessKeyId=AKIAIOSFODNN7EXAMPLE&Expires=1369353660&Signature=AAAA".to_owned(),
        ] {
            authorization(forgery.as_bytes());
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_survived(data in prop::collection::vec(any::<u8>(), 0..300)) {
            authorization(&data);
        }

        #[test]
        fn pieces_of_signatures_are_survived(
            words in prop::collection::vec(prop::sample::select(WORDS.to_vec()), 0..24),
        ) {
            authorization(words.concat().as_bytes());
        }
    }
}
