//! The table of errors, row by row.

use super::*;
use crate::store::upstream::UpstreamKey;
use crate::store::upstream::operation::Operation;

fn site(endpoint: Option<&str>, key: bool) -> Site {
    let mut options = UpstreamOptions::new("main");
    options.endpoint = endpoint.map(str::to_owned);
    options.credentials = key.then(|| UpstreamKey {
        access_key: "AKIAEXAMPLE".to_owned(),
        secret_key: "hush".to_owned(),
        session_token: None,
    });
    Site::new(&options)
}

fn asked(operation: Operation) -> Asked {
    Asked { operation, bucket: "bills".to_owned(), prefix: "p/".to_owned() }
}

fn refused(status: u16, code: Option<&str>, document: &str) -> StoreError {
    let answer = Answer::told(status, code, document);
    site(None, true).refusal(&asked(Operation::PutObject), &Fault::Answered(Box::new(answer)))
}

fn unavailable(error: StoreError) -> String {
    match error {
        StoreError::Unavailable { what } => what,
        other => panic!("expected Unavailable, got {other:?}"),
    }
}

#[test]
fn the_clients_matters_stay_the_clients() {
    for (status, code, expected) in [
        (404, "NoSuchKey", "NoSuchKey"),
        (404, "NoSuchVersion", "NoSuchVersion"),
        (404, "NoSuchUpload", "NoSuchUpload"),
        (412, "PreconditionFailed", "PreconditionFailed(IfMatch)"),
        (409, "ConditionalRequestConflict", "Conflict"),
        (409, "OperationAborted", "Conflict"),
        (501, "NotImplemented", "Unsupported"),
        (400, "InvalidArgument", "Refused"),
        (400, "EntityTooLarge", "Refused"),
        (400, "EntityTooSmall", "Refused"),
        (400, "InvalidPart", "Refused"),
        (400, "KeyTooLongError", "Refused"),
        (400, "MetadataTooLarge", "Refused"),
        (400, "InvalidTag", "Refused"),
        (403, "InvalidObjectState", "Refused"),
        (405, "MethodNotAllowed", "Refused"),
        (416, "InvalidRange", "Refused"),
    ] {
        let error = format!("{:?}", refused(status, Some(code), "<Error/>"));
        assert!(error.starts_with(expected), "{code}: {error}");
    }
    let range = refused(416, Some("InvalidRange"), "<ActualObjectSize>7</ActualObjectSize>");
    assert!(matches!(range, StoreError::InvalidRange { size: 7 }));
    let condition =
        refused(412, Some("PreconditionFailed"), "<Condition>If-None-Match</Condition>");
    assert!(matches!(condition, StoreError::PreconditionFailed(ConditionHeader::IfNoneMatch)));
}

#[test]
fn keys_and_rights_are_the_operators() {
    for (status, code, words) in [
        (403, "AccessDenied", "the key AKIAEXAMPLE needs s3:PutObject on arn:aws:s3:::bills/p/*"),
        (403, "InvalidAccessKeyId", "does not know the key AKIAEXAMPLE"),
        (403, "SignatureDoesNotMatch", "the secret key does not belong to the key AKIAEXAMPLE"),
        (400, "XAdminUserNotFound", "does not know the key AKIAEXAMPLE"),
        (400, "ExpiredToken", "the session token of the key AKIAEXAMPLE has run out"),
        (400, "InvalidToken", "refuses the key AKIAEXAMPLE"),
        (403, "RequestTimeTooSkewed", "this machine's clock"),
        (404, "NoSuchBucket", "there is no bucket bills"),
        (301, "PermanentRedirect", "the bucket is not here; check region (us-east-1)"),
        (404, "XAdminUserNotFound", "does not know the key AKIAEXAMPLE"),
        (403, "SomethingOfItsOwn", "SomethingOfItsOwn on PutObject"),
        (404, "NoSuchProject", "NoSuchProject on PutObject"),
        (503, "SlowDown", "fewer requests"),
        (429, "TooManyRequests", "fewer requests"),
        (500, "InternalError", "InternalError on PutObject"),
        (503, "ServiceUnavailable", "ServiceUnavailable on PutObject"),
        (507, "XMinioStorageFull", "is full"),
        (400, "RequestTimeout", "RequestTimeout on PutObject"),
        (400, "BadDigest", "BadDigest on PutObject"),
    ] {
        let what = unavailable(refused(status, Some(code), "<Error/>"));
        assert!(what.starts_with("upstream main (AWS), bucket bills: "), "{what}");
        assert!(what.contains(code) && what.contains(words), "{code}: {what}");
        assert!(!what.contains("hush"));
    }
    let chain = Answer::told(403, Some("AccessDenied"), "<Error/>");
    let chain = Fault::Answered(Box::new(chain));
    let what = unavailable(site(None, false).refusal(&asked(Operation::HeadObject), &chain));
    assert!(what.contains("the key of the AWS default chain needs s3:GetObject"), "{what}");
}

#[test]
fn answers_without_a_document_are_read_by_their_status() {
    for (status, words) in [
        (401, "needs s3:PutObject on"),
        (403, "needs s3:PutObject on"),
        (301, "the bucket is not here"),
        (307, "the bucket is not here"),
        (404, "is the endpoint S3?"),
        (429, "fewer requests"),
        (500, "HTTP 500"),
        (502, "HTTP 502"),
        (503, "HTTP 503"),
        (400, "HTTP 400"),
    ] {
        let what = unavailable(refused(status, None, ""));
        assert!(what.contains(words), "{status}: {what}");
    }
    assert!(matches!(refused(501, None, ""), StoreError::Unsupported { .. }));
    assert!(matches!(refused(412, None, ""), StoreError::PreconditionFailed(_)));
    assert!(matches!(refused(416, None, ""), StoreError::Refused { .. }));
}

#[test]
fn a_redirect_names_the_right_region() {
    let document = "<Error><Endpoint>bills.s3.eu-west-1.amazonaws.com</Endpoint></Error>";
    let what = unavailable(refused(301, Some("PermanentRedirect"), document));
    assert!(what.contains("is reached at bills.s3.eu-west-1.amazonaws.com"), "{what}");
    let document = "<Error><Region>eu-west-1</Region></Error>";
    let what = unavailable(refused(400, Some("AuthorizationHeaderMalformed"), document));
    assert!(what.contains("the bucket is in region eu-west-1, not in us-east-1"), "{what}");
    let mut answer = Answer::told(301, None, "");
    answer.region = Some("eu-west-1".to_owned());
    let fault = Fault::Answered(Box::new(answer));
    let what = unavailable(site(None, true).refusal(&asked(Operation::HeadBucket), &fault));
    assert!(what.contains("the bucket is in region eu-west-1, not in us-east-1"), "{what}");
}

#[test]
fn a_service_that_stumbles_over_the_form_of_bodies_says_what_to_set() {
    for (status, code) in [(400, "InvalidArgument"), (501, "NotImplemented"), (400, "Strange")] {
        let mut answer = Answer::told(status, Some(code), "<Error/>");
        answer.message = Some("STREAMING-UNSIGNED-PAYLOAD-TRAILER is unknown".to_owned());
        let fault = Fault::Answered(Box::new(answer));
        let what = unavailable(site(None, true).refusal(&asked(Operation::PutObject), &fault));
        assert!(what.contains("set checksums = \"when-required\""), "{what}");
    }
}

#[test]
fn one_cause_has_one_sentence_whatever_was_asked() {
    let site = site(Some("https://h"), true);
    let told = |fault: &Fault| {
        [Operation::PutObject, Operation::ListObjectsV2].map(|op| site.words(&asked(op), fault))
    };
    let codes = ["InvalidAccessKeyId", "SignatureDoesNotMatch", "NoSuchBucket", "SlowDown"];
    let answers = codes.map(|code| Fault::Answered(Box::new(Answer::told(400, Some(code), ""))));
    let chain = "dispatch failure: io error: client error (Connect): tcp connect error: Connection \
                 refused (os error 111)";
    for fault in answers.into_iter().chain([Fault::Silent { chain: chain.to_owned() }]) {
        let [put, list] = told(&fault);
        assert_eq!(put, list);
    }
    let [put, _] = told(&Fault::Silent { chain: chain.to_owned() });
    assert!(put.ends_with("(tcp connect error: Connection refused (os error 111))"), "{put}");
    let denied = Fault::Answered(Box::new(Answer::told(403, Some("AccessDenied"), "")));
    let [put, list] = told(&denied);
    assert_ne!(put, list);
}

#[test]
fn silence_is_explained() {
    for (endpoint, chain, words) in [
        (None, "dispatch failure: no credentials in the chain", "there are no credentials"),
        (None, "io error: tcp connect error: Connection refused (os error 111)", "is the service"),
        (None, "dns error: failed to lookup address information", "cannot be resolved"),
        (None, "HTTP connect timeout occurred after 3s", "do address and port lead there"),
        (None, "invalid peer certificate: UnknownIssuer", "is not trusted"),
        (None, "invalid peer certificate: certificate expired", "has expired"),
        (None, "invalid peer certificate: certificate not valid for name \"x\"", "another name"),
        (
            None,
            "received corrupt message of type InvalidContentType",
            "http:// instead of https://",
        ),
        (Some("http://h"), "invalid HTTP version parsed", "https:// instead of http://"),
        (Some("http://h"), "connection closed before message completed", "connection broke"),
        (None, "No route to host: network unreachable", "does not reach it"),
    ] {
        let fault = Fault::Silent { chain: chain.to_owned() };
        let what = unavailable(site(endpoint, true).refusal(&asked(Operation::GetObject), &fault));
        assert!(what.contains(words) && what.contains(innermost(chain)), "{chain}: {what}");
    }
    let timeout = "dispatch failure: timeout: HTTP read timeout occurred after 10s";
    let timeout = Fault::Silent { chain: timeout.to_owned() };
    let what = unavailable(site(None, true).refusal(&asked(Operation::GetObject), &timeout));
    assert!(what.contains("bucket bills: the service did not answer in time"), "{what}");
    let late = Fault::Late { what: "stopped taking the body".to_owned() };
    let what = unavailable(site(None, true).refusal(&asked(Operation::GetObject), &late));
    assert!(what.ends_with(": the service stopped taking the body"), "{what}");
    let garbled = Fault::Garbled { status: 200, what: "no XML".to_owned() };
    let what = unavailable(site(None, true).refusal(&asked(Operation::GetObject), &garbled));
    assert!(what.contains("(HTTP 200) is not S3's"), "{what}");
}
