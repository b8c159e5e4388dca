//! Verification against `aws_sigv4::http_request::sign`, an independent signer: whatever it signs
//! is accepted, and whatever was changed afterwards is not.

use std::time::{Duration, UNIX_EPOCH};

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{
    PayloadChecksumKind, PercentEncodingMode, SignableBody, SignableRequest, SignatureLocation,
    SigningSettings, UriPathNormalizationMode, sign,
};
use aws_sigv4::sign::v4::SigningParams;
use http::Request;
use http::request::Parts;
use proptest::prelude::*;

use super::testing::{ACCESS_KEY, NOW, SECRET, verify};
use super::{AuthError, Caller, Scheme, Verified};
use crate::object::percent::{Slash, encode};

const HOST: &str = "bucket.example:9000";

/// A request before it is signed.
#[derive(Debug, Clone)]
struct Draft {
    method: &'static str,
    path: String,
    query: String,
    headers: Vec<(&'static str, String)>,
}

impl Draft {
    /// Signs the request with the other implementation.
    fn signed(&self, location: SignatureLocation) -> Parts {
        let target = match self.query.as_str() {
            "" => self.path.clone(),
            query => format!("{}?{query}", self.path),
        };
        let mut settings = SigningSettings::default();
        settings.percent_encoding_mode = PercentEncodingMode::Single;
        settings.uri_path_normalization_mode = UriPathNormalizationMode::Disabled;
        settings.payload_checksum_kind = PayloadChecksumKind::XAmzSha256;
        settings.excluded_headers = None;
        settings.signature_location = location;
        settings.expires_in = Some(Duration::from_mins(1));
        let identity = Credentials::new(ACCESS_KEY, SECRET, None, None, "test").into();
        let seconds = u64::try_from(NOW.seconds()).unwrap();
        let parameters = SigningParams::builder()
            .identity(&identity)
            .region("us-east-1")
            .name("s3")
            .time(UNIX_EPOCH + Duration::from_secs(seconds))
            .settings(settings)
            .build()
            .unwrap()
            .into();

        let mut request = Request::builder().method(self.method).uri(&target).header("host", HOST);
        for (name, value) in &self.headers {
            request = request.header(*name, value);
        }
        let mut request = request.body(()).unwrap();
        let headers: Vec<(String, String)> = request
            .headers()
            .iter()
            .map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()))
            .collect();
        let pairs = headers.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let uri = format!("http://{HOST}{target}");
        let body = SignableBody::UnsignedPayload;
        let signable = SignableRequest::new(self.method, uri, pairs, body).unwrap();
        let (instructions, _) = sign(signable, &parameters).unwrap().into_parts();
        instructions.apply_to_request_http1x(&mut request);
        request.into_parts().0
    }
}

fn locations() -> impl Strategy<Value = SignatureLocation> {
    prop::sample::select(vec![SignatureLocation::Headers, SignatureLocation::QueryParams])
}

/// Encoded by ourselves, or as some clients send it.
fn paths() -> impl Strategy<Value = String> {
    let encoded = any::<String>().prop_map(|key| encode(key.as_bytes(), Slash::Keep));
    let raw = "[a-zA-Z0-9/._~!$'()*,:;=@+-]{0,20}(%[0-9a-fA-F]{2}){0,3}";
    prop_oneof![encoded, raw].prop_map(|key| format!("/{key}"))
}

fn queries() -> impl Strategy<Value = String> {
    let text = prop_oneof![any::<String>(), "[a-c +/=&%-]{0,4}"]
        .prop_map(|text| encode(text.as_bytes(), Slash::Encode));
    let raw = "[a-zA-Z0-9/._~!$()*,:;@+-]{1,8}";
    let name = prop_oneof!["[a-c-]{1,3}", raw].prop_filter("a parameter of signatures", |name| {
        !["Signature", "AWSAccessKeyId"].contains(&name.as_str())
    });
    let value = prop_oneof![text.prop_map(Some), raw.prop_map(Some), Just(None)];
    let pair = (name, value).prop_map(|(name, value)| match value {
        Some(value) => format!("{name}={value}"),
        None => name,
    });
    prop::collection::vec(pair, 0..5).prop_map(|pairs| pairs.join("&"))
}

fn header_lists() -> impl Strategy<Value = Vec<(&'static str, String)>> {
    let name = prop::sample::select(vec![
        "x-amz-meta-a",
        "x-amz-meta-b",
        "content-type",
        "range",
        "accept-encoding",
        "x-amz-tagging",
    ]);
    // Without blanks at the ends: the HTTP parser has taken them away.
    let value = "([!-~][ -~\t]{0,12})?[!-~]";
    prop::collection::vec((name, value), 0..5)
}

fn drafts() -> impl Strategy<Value = Draft> {
    let method = prop::sample::select(vec!["GET", "PUT", "HEAD", "DELETE", "POST"]);
    (method, paths(), queries(), header_lists()).prop_map(|(method, path, query, headers)| Draft {
        method,
        path,
        query,
        headers,
    })
}

proptest! {
    #[test]
    fn what_another_implementation_signs_is_accepted(draft in drafts(), location in locations()) {
        let verified = verify(&draft.signed(location));
        prop_assert!(
            matches!(&verified, Ok(Verified { caller: Caller::Key(_), .. })),
            "{:?}",
            verified
        );
        let scheme = match location {
            SignatureLocation::QueryParams => Scheme::V4Query,
            _ => Scheme::V4Header,
        };
        prop_assert_eq!(verified.unwrap().scheme, scheme);
    }

    #[test]
    fn a_changed_request_is_refused(
        draft in drafts(),
        location in locations(),
        change in 0_u8..6,
        at: usize,
    ) {
        let mut head = draft.signed(location);
        let target = head.uri.to_string();
        match change {
            0 => head.method = "PATCH".parse().unwrap(),
            1 => head.uri = format!("/changed{target}").parse().unwrap(),
            2 => {
                let joint = if target.contains('?') { '&' } else { '?' };
                head.uri = format!("{target}{joint}versionId=1").parse().unwrap();
            }
            3 => drop(head.headers.insert("host", "other.example".parse().unwrap())),
            4 => drop(head.headers.append("x-amz-meta-a", "added".parse().unwrap())),
            _ => {
                // One digit of the signature.
                let find = |text: &str| text.rfind("ignature=").unwrap() + 9 + at % 64;
                let swap = |text: &str| {
                    let at = find(text);
                    let digit = if &text[at..=at] == "0" { "1" } else { "0" };
                    format!("{}{digit}{}", &text[..at], &text[at + 1..])
                };
                match head.headers.get("authorization") {
                    Some(value) => {
                        let value = swap(value.to_str().unwrap());
                        head.headers.insert("authorization", value.parse().unwrap());
                    }
                    None => head.uri = swap(&target).parse().unwrap(),
                }
            }
        }
        let error = verify(&head);
        prop_assert!(
            matches!(error, Err(AuthError::Mismatch { .. } | AuthError::HeadersNotSigned(_))),
            "{:?}",
            error
        );
    }
}
