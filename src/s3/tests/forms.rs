//! Browser forms against the whole service: what is answered, and that nothing refused is stored.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha1::Sha1;

use super::{ALT, Answer, Gateway, MAIN, READER, secret};

const UNTIL: &str = "2015-10-21T08:00:00Z";
pub(super) const FREELY: &str = r#"["starts-with", "$key", ""], ["content-length-range", 0, 100]"#;

/// A form in its making; signed with Version 2, which is one HMAC.
pub(super) struct Form {
    fields: Vec<(String, String)>,
    file: Option<(String, Vec<u8>)>,
}

impl Form {
    pub(super) fn empty() -> Self {
        Self { fields: Vec::new(), file: Some(("cat.jpg".to_owned(), b"content".to_vec())) }
    }

    /// Signed by `who`, allowing what `conditions` say in the bucket `b12`.
    pub(super) fn signed(who: &str, conditions: &str) -> Self {
        Self::until(who, UNTIL, conditions)
    }

    fn until(who: &str, until: &str, conditions: &str) -> Self {
        let conditions = match conditions {
            "" => r#"{"bucket": "b12"}"#.to_owned(),
            more => format!(r#"{{"bucket": "b12"}}, {more}"#),
        };
        let policy = format!(r#"{{"expiration": "{until}", "conditions": [{conditions}]}}"#);
        let policy = BASE64_STANDARD.encode(policy);
        let mut mac = Hmac::<Sha1>::new_from_slice(secret(who).as_bytes()).unwrap();
        mac.update(policy.as_bytes());
        let signature = BASE64_STANDARD.encode(mac.finalize().into_bytes());
        Self::empty()
            .field("AWSAccessKeyId", who)
            .field("policy", &policy)
            .field("signature", &signature)
    }

    pub(super) fn field(mut self, name: &str, value: &str) -> Self {
        self.fields.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(super) fn file(mut self, name: &str, content: impl Into<Vec<u8>>) -> Self {
        self.file = Some((name.to_owned(), content.into()));
        self
    }

    fn without_file(mut self) -> Self {
        self.file = None;
        self
    }

    pub(super) fn encoded(&self) -> Vec<u8> {
        let mut out = Vec::new();
        for (name, value) in &self.fields {
            let part = format!(
                "--frontier\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n"
            );
            out.extend_from_slice(part.as_bytes());
        }
        if let Some((name, content)) = &self.file {
            let head = format!(
                "--frontier\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{name}\"\
                 \r\nContent-Type: image/jpeg\r\n\r\n"
            );
            out.extend_from_slice(head.as_bytes());
            out.extend_from_slice(content);
            out.extend_from_slice(b"\r\n");
        }
        out.extend_from_slice(b"--frontier--\r\n");
        out
    }

    pub(super) async fn post(&self, gateway: &Gateway) -> Answer {
        send(gateway, "/b12", &self.encoded()).await
    }
}

pub(super) async fn send(gateway: &Gateway, target: &str, body: &[u8]) -> Answer {
    let headers = [("content-type", "multipart/form-data; boundary=frontier")];
    gateway.send("", "POST", target, &headers, body).await
}

pub(super) async fn keys(gateway: &Gateway) -> String {
    let listing = gateway.send(MAIN, "GET", "/b12?list-type=2", &[], b"").await;
    assert_eq!(listing.status, 200);
    listing.element("Key").to_owned()
}

#[tokio::test]
async fn a_signed_form_stores_its_file() {
    let gateway = Gateway::with_bucket().await;
    let conditions = r#"["starts-with", "$key", "in/"], ["starts-with", "$Content-Type", "image/"],
        ["starts-with", "$x-amz-meta-a", ""], {"acl": "private"}, ["eq", "$Cache-Control", "no-store"],
        ["starts-with", "$tagging", ""], ["starts-with", "$x-amz-storage-class", ""]"#;
    let tags = "<Tagging><TagSet><Tag><Key>t</Key><Value>1</Value></Tag></TagSet></Tagging>";
    let form = Form::signed(MAIN, conditions)
        .field("Key", "in/${filename}")
        .field("Content-Type", "image/jpeg")
        .field("x-amz-meta-a", "of ${filename}")
        .field("acl", "private")
        .field("Cache-Control", "no-store")
        .field("tagging", tags)
        .field("x-amz-storage-class", "STANDARD_IA")
        .field("x-ignore-this", "anything");
    let answer = form.post(&gateway).await;
    assert_eq!((answer.status.as_u16(), answer.text()), (204, ""));
    assert_eq!(answer.header("etag"), "\"9a0364b9e99bb480dd25e1f0284c8555\"");
    assert_eq!(answer.header("location"), "http://localhost:9000/b12/in/cat.jpg");
    assert_eq!(answer.audit.operation, Some("PostObject"));
    assert_eq!(answer.audit.key.as_deref(), Some("in/cat.jpg"));
    assert_eq!(answer.audit.access_key.as_deref(), Some(MAIN));

    let got = gateway.send(MAIN, "GET", "/b12/in/cat.jpg", &[], b"").await;
    assert_eq!(got.text(), "content");
    for (header, value) in [
        ("content-type", "image/jpeg"),
        ("cache-control", "no-store"),
        ("x-amz-meta-a", "of cat.jpg"),
        ("x-amz-tagging-count", "1"),
        ("x-amz-storage-class", "STANDARD_IA"),
    ] {
        assert_eq!(got.header(header), value, "{header}");
    }
}

#[tokio::test]
async fn the_answer_is_the_one_that_the_form_asks_for() {
    let gateway = Gateway::with_bucket().await;
    let open = r#"["starts-with", "$key", ""], ["starts-with", "$success_action_status", ""],
        ["starts-with", "$success_action_redirect", ""], ["starts-with", "$redirect", ""]"#;
    for (status, redirect, expected) in [
        ("200", "", 200),
        ("201", "", 201),
        ("204", "", 204),
        ("404", "", 204),
        ("", "", 204),
        ("201", "http://app.example.com/done?x=1", 303),
        ("201", "javascript:alert(1)", 201),
    ] {
        let form = Form::signed(MAIN, open)
            .field("key", "a b/ü")
            .field("redirect", "")
            .field("success_action_status", status)
            .field("success_action_redirect", redirect);
        let answer = form.post(&gateway).await;
        assert_eq!(answer.status.as_u16(), expected, "{status} {redirect}");
        let address = "http://localhost:9000/b12/a%20b/%C3%BC";
        match expected {
            303 => assert_eq!(
                answer.header("location"),
                "http://app.example.com/done?x=1&bucket=b12&key=a%20b%2F%C3%BC\
                 &etag=%229a0364b9e99bb480dd25e1f0284c8555%22"
            ),
            201 => {
                assert!(answer.text().contains("<PostResponse><Location>"), "{}", answer.text());
                assert_eq!(answer.element("Location"), address);
                assert_eq!(answer.element("Bucket"), "b12");
                assert_eq!(answer.element("Key"), "a b/ü");
                let etag = "&quot;9a0364b9e99bb480dd25e1f0284c8555&quot;";
                assert_eq!(answer.element("ETag"), etag);
            }
            _ => assert_eq!((answer.header("location"), answer.text()), (address, "")),
        }
    }
}

#[tokio::test]
async fn what_is_refused_stores_nothing() {
    let gateway = Gateway::with_bucket().await;
    let form = |conditions: &str| Form::signed(MAIN, conditions);
    let keyed = |conditions: &str| form(conditions).field("key", "k");
    let range = r#"["starts-with", "$key", ""], ["content-length-range", 3, 6]"#;
    let free = |field: &str| format!(r#"{FREELY}, ["starts-with", "${field}", ""]"#);
    let forged = |name: &str, value: &str| {
        let mut form = keyed(FREELY);
        form.fields.retain(|(known, _)| known != name);
        form.field(name, value)
    };
    let large = "x".repeat(20 * 1024);
    for (form, status, code, words) in [
        (Form::empty().field("key", "k"), 403, "AccessDenied", "Access Denied"),
        (form(FREELY), 400, "InvalidArgument", "named &#39;key&#39;"),
        (form(FREELY).field("key", ""), 400, "InvalidArgument", "named &#39;key&#39;"),
        (form(FREELY).field("key", &"k".repeat(1025)), 400, "KeyTooLongError", ""),
        (keyed(FREELY).without_file(), 400, "InvalidArgument", "exactly one file"),
        (keyed(FREELY).field("a", &large), 400, "MaxPostPreDataLengthExceeded", ""),
        (keyed(FREELY).field("acl", "private"), 403, "AccessDenied", "Extra input fields: acl"),
        (keyed(""), 403, "AccessDenied", "Extra input fields: key"),
        (
            keyed(r#"["starts-with", "$key", "u/"]"#),
            403,
            "AccessDenied",
            "Policy Condition failed: [&quot;starts-with&quot;, &quot;$key&quot;, &quot;u/&quot;]",
        ),
        (
            keyed(FREELY).field("bucket", "other"),
            403,
            "AccessDenied",
            "[&quot;eq&quot;, &quot;$bucket&quot;, &quot;b12&quot;]",
        ),
        (
            Form::until(MAIN, "2015-10-21T07:28:00Z", FREELY).field("key", "k"),
            403,
            "AccessDenied",
            "Invalid according to Policy: Policy expired.",
        ),
        (keyed("5"), 400, "InvalidPolicyDocument", "Invalid Policy: "),
        (keyed(range).file("f", "0123456"), 400, "EntityTooLarge", ""),
        (keyed(range).file("f", "01"), 400, "EntityTooSmall", ""),
        (keyed(range).file("f", ""), 400, "EntityTooSmall", ""),
        (forged("signature", "AAAA"), 403, "SignatureDoesNotMatch", ""),
        (forged("AWSAccessKeyId", "AKNONE"), 403, "InvalidAccessKeyId", ""),
        (forged("AWSAccessKeyId", ALT), 403, "SignatureDoesNotMatch", ""),
        (forged("policy", ""), 400, "InvalidArgument", "named &#39;policy&#39;"),
        (Form::signed(READER, FREELY).field("key", "k"), 403, "AccessDenied", "Access Denied"),
        (Form::signed(ALT, FREELY).field("key", "k"), 403, "AccessDenied", "Access Denied"),
        (keyed(&free("acl")).field("acl", "public-read"), 400, "AccessControlListNotSupported", ""),
        (keyed(&free("tagging")).field("tagging", "a=b"), 400, "MalformedXML", ""),
        (keyed(&free("x-amz-meta-a")).field("x-amz-meta-a", "\u{1}"), 400, "InvalidArgument", ""),
        (
            keyed(&free("x-amz-storage-class")).field("x-amz-storage-class", "FAST"),
            400,
            "InvalidStorageClass",
            "",
        ),
        (keyed(FREELY).field("x-amz-checksum-crc32", "AAAAAA=="), 400, "BadDigest", "CRC32"),
        (keyed(FREELY).field("x-amz-checksum-crc32", "?"), 400, "InvalidRequest", ""),
        (keyed(FREELY).field("Content-MD5", "AAAAAAAAAAAAAAAAAAAAAA=="), 400, "BadDigest", "MD5"),
    ] {
        let answer = form.post(&gateway).await;
        assert_eq!(answer.error(), (status, code), "{words} {}", answer.text());
        assert!(answer.text().contains(words), "{words}: {}", answer.text());
        assert_eq!(keys(&gateway).await, "", "{code} {words}");
    }
}

#[tokio::test]
async fn a_form_that_is_none_or_that_broke_off_stores_nothing() {
    let gateway = Gateway::with_bucket().await;
    let whole = Form::signed(MAIN, FREELY).field("key", "k").encoded();
    let content = whole.windows(7).position(|window| window == b"content").unwrap();
    for left in [0, 20, content, content + 7, whole.len() - 5] {
        let answer = send(&gateway, "/b12", &whole[..left]).await;
        let expected =
            if left > 20 || left == 0 { "IncompleteBody" } else { "MalformedPOSTRequest" };
        assert_eq!(answer.error(), (400, expected), "{left}");
        assert_eq!(keys(&gateway).await, "");
    }
    let headers = [("content-type", "multipart/form-data")];
    let refused = gateway.send("", "POST", "/b12", &headers, &whole).await;
    assert_eq!(refused.error(), (400, "MalformedPOSTRequest"));
    let headers = [("content-type", "text/plain")];
    let refused = gateway.send("", "POST", "/b12", &headers, &whole).await;
    assert_eq!(refused.error(), (412, "PreconditionFailed"));
    assert_eq!(send(&gateway, "/b13", &whole).await.error(), (403, "AccessDenied"));
    assert_eq!(send(&gateway, "/b12/k", &whole).await.error(), (405, "MethodNotAllowed"));
    assert_eq!(keys(&gateway).await, "");
}

#[tokio::test]
async fn fields_behind_the_file_are_ignored() {
    let gateway = Gateway::with_bucket().await;
    let mut late = Form::signed(MAIN, FREELY).field("key", "k").encoded();
    late.truncate(late.len() - "--frontier--\r\n".len());
    late.extend_from_slice(
        b"--frontier\r\nContent-Disposition: form-data; name=\"key\"\r\n\r\nother\r\n--frontier--",
    );
    assert_eq!(send(&gateway, "/b12", &late).await.status, 204);
    assert_eq!(keys(&gateway).await, "k");
}

#[tokio::test]
async fn a_bucket_in_the_host_s_name_takes_forms_as_well() {
    let gateway = Gateway::with_bucket().await;
    let form = Form::signed(MAIN, FREELY).field("key", "k").encoded();
    let headers = [
        ("content-type", "multipart/form-data; boundary=frontier"),
        ("host", "b12.s3.localhost:9000"),
    ];
    let answer = gateway.send("", "POST", "/", &headers, &form).await;
    assert_eq!(answer.status, 204, "{}", answer.text());
    assert_eq!(answer.header("location"), "http://b12.s3.localhost:9000/k");
    assert_eq!(keys(&gateway).await, "k");
}
