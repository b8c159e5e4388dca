//! A key of one company, and everything that is another's.

use super::grants::crc32;
use super::{Answer, COMPANY, Gateway, MAIN};

const OWN: &str = "attachments/invoice/company_1/a";
const THEIRS: &str = "attachments/invoice/company_2/a";
const NONE: &str = "attachments/invoice/company_2/none";
const UPLOAD: &str = "partNumber=1&uploadId=";

/// Method, parameters, headers.
type Asked = (&'static str, &'static str, &'static [(&'static str, &'static str)]);

/// Every operation on an object.
const ON_OBJECTS: [Asked; 24] = [
    ("GET", "", &[]),
    ("HEAD", "", &[]),
    ("GET", "", &[("range", "bytes=0-0")]),
    ("GET", "", &[("if-none-match", "*")]),
    ("HEAD", "", &[("if-match", "\"x\"")]),
    ("GET", "?partNumber=1", &[]),
    ("GET", "?versionId=null", &[]),
    ("GET", "?attributes", &[("x-amz-object-attributes", "ETag")]),
    ("GET", "?tagging", &[]),
    ("PUT", "?tagging", &[]),
    ("DELETE", "?tagging", &[]),
    ("GET", "?acl", &[]),
    ("PUT", "?acl", &[]),
    ("GET", "?retention", &[]),
    ("GET", "?legal-hold", &[]),
    ("GET", "?torrent", &[]),
    ("PUT", "", &[]),
    ("PUT", "", &[("if-none-match", "*")]),
    ("PUT", "", &[("if-match", "\"x\"")]),
    ("PUT", "", &[("x-amz-copy-source", "/b12/attachments/invoice/company_1/a")]),
    ("DELETE", "", &[]),
    ("DELETE", "?versionId=null", &[]),
    ("POST", "?uploads", &[]),
    ("GET", "?uploadId=u", &[]),
];

async fn gateway() -> Gateway {
    let gateway = Gateway::with_bucket().await;
    for key in [OWN, THEIRS, "readme"] {
        let put = gateway.send(MAIN, "PUT", &format!("/b12/{key}"), &[], b"content").await;
        assert_eq!(put.status, 200);
    }
    gateway
}

/// All that a client sees of an answer, with the key that it asked for left out.
fn seen(answer: &Answer, key: &str) -> (u16, String, Vec<String>) {
    let headers = answer.headers.iter().map(|(name, value)| format!("{name}: {value:?}"));
    (answer.status.as_u16(), answer.text().replace(key, "KEY"), headers.collect())
}

#[tokio::test]
async fn a_company_does_with_its_own_what_its_role_may() {
    let gateway = gateway().await;
    let get = gateway.send(COMPANY, "GET", &format!("/b12/{OWN}"), &[], b"").await;
    assert_eq!(get.text(), "content");
    let none = gateway.send(COMPANY, "GET", &format!("/b12/{OWN}-none"), &[], b"").await;
    assert_eq!(none.error(), (404, "NoSuchKey"));
    let prefix = "attachments%2Finvoice%2Fcompany_1%2F";
    for parameters in ["", "&list-type=2", "&versions", "&uploads"] {
        let target = format!("/b12?prefix={prefix}{parameters}");
        assert_eq!(gateway.send(COMPANY, "GET", &target, &[], b"").await.status, 200, "{target}");
    }
    assert_eq!(gateway.send(COMPANY, "HEAD", "/b12", &[], b"").await.status, 200);
    let copy = [("x-amz-copy-source", "/b12/attachments/invoice/company_1/a")];
    let copied = gateway.send(COMPANY, "PUT", &format!("/b12/{OWN}-copy"), &copy, b"").await;
    assert_eq!(copied.status, 200);
    let signed = gateway.presign(COMPANY, "GET", &format!("/b12/{OWN}"));
    assert_eq!(gateway.send("", "GET", &signed, &[], b"").await.status, 200);
}

#[tokio::test]
async fn anothers_key_answers_alike_whether_it_is_there_or_not() {
    let gateway = gateway().await;
    for (method, parameters, headers) in ON_OBJECTS {
        let mut answers = Vec::new();
        for key in [THEIRS, NONE] {
            let target = format!("/b12/{key}{parameters}");
            let answer = gateway.send(COMPANY, method, &target, headers, b"").await;
            assert_eq!(answer.error(), (403, "AccessDenied"), "{method} {target} {headers:?}");
            answers.push(seen(&answer, key));
        }
        assert_eq!(answers[0], answers[1], "{method} {parameters} {headers:?}");
    }
    let kept = gateway.send(MAIN, "GET", &format!("/b12/{THEIRS}"), &[], b"").await;
    assert_eq!(kept.text(), "content");
    let made = gateway.send(MAIN, "GET", &format!("/b12/{NONE}"), &[], b"").await;
    assert_eq!(made.error(), (404, "NoSuchKey"));
}

#[tokio::test]
async fn nothing_is_copied_in_from_another_company() {
    let gateway = gateway().await;
    let upload = gateway.send(COMPANY, "POST", &format!("/b12/{OWN}?uploads"), &[], b"").await;
    let part = format!("/b12/{OWN}?{UPLOAD}{}", upload.element("UploadId"));
    for target in [format!("/b12/{OWN}-copy"), part] {
        let mut answers = Vec::new();
        for source in [THEIRS, NONE] {
            let source = format!("/b12/{source}");
            let copy = [("x-amz-copy-source", source.as_str())];
            let answer = gateway.send(COMPANY, "PUT", &target, &copy, b"").await;
            assert_eq!(answer.error(), (403, "AccessDenied"), "{target}");
            answers.push(seen(&answer, &source));
        }
        assert_eq!(answers[0], answers[1], "{target}");
    }
}

#[tokio::test]
async fn uploads_of_others_cannot_be_reached() {
    let gateway = gateway().await;
    let upload = gateway.send(MAIN, "POST", &format!("/b12/{THEIRS}?uploads"), &[], b"").await;
    let id = upload.element("UploadId").to_owned();
    for (method, key) in [("GET", THEIRS), ("PUT", THEIRS), ("POST", THEIRS), ("DELETE", THEIRS)] {
        let number = if method == "PUT" { "partNumber=1&" } else { "" };
        let target = format!("/b12/{key}?{number}uploadId={id}");
        let answer = gateway.send(COMPANY, method, &target, &[], b"").await;
        assert_eq!(answer.error(), (403, "AccessDenied"), "{method}");
    }
    let own = gateway.send(COMPANY, "GET", &format!("/b12/{OWN}?uploadId={id}"), &[], b"").await;
    assert_eq!(own.error(), (404, "NoSuchUpload"));
}

#[tokio::test]
async fn listings_stay_inside() {
    let gateway = gateway().await;
    for prefix in [
        "",
        "attachments%2F",
        "attachments%2Finvoice%2F",
        "attachments%2Finvoice%2Fcompany_",
        "attachments%2Finvoice%2Fcompany_1",
        "attachments%2Finvoice%2Fcompany_2%2F",
        "attachments%2Finvoice%2Fcompany_3%2F",
        "attachments%2Finvoice%2Fcompany_2%2Fcompany_1%2F",
        "readme",
    ] {
        for more in ["", "&list-type=2", "&versions", "&uploads", "&delimiter=%2F", "&max-keys=0"] {
            let target = format!("/b12?prefix={prefix}{more}");
            let answer = gateway.send(COMPANY, "GET", &target, &[], b"").await;
            assert_eq!(answer.error(), (403, "AccessDenied"), "{target}");
        }
    }
}

#[tokio::test]
async fn the_bucket_itself_is_not_the_companys() {
    let gateway = gateway().await;
    for (method, target) in [
        ("DELETE", "/b12"),
        ("GET", "/b12?policy"),
        ("PUT", "/b12?policy"),
        ("DELETE", "/b12?policy"),
        ("GET", "/b12?acl"),
        ("PUT", "/b12?acl"),
        ("GET", "/b12?tagging"),
        ("PUT", "/b12?tagging"),
        ("PUT", "/b12?cors"),
        ("PUT", "/b12?publicAccessBlock"),
        ("PUT", "/new"),
    ] {
        let answer = gateway.send(COMPANY, method, target, &[], b"").await;
        assert_eq!(answer.error(), (403, "AccessDenied"), "{method} {target}");
    }
}

#[tokio::test]
async fn each_key_of_a_deletion_is_asked_for() {
    let gateway = gateway().await;
    let entry = |key: &str| format!("<Object><Key>{key}</Key></Object>");
    let keys = [OWN, THEIRS, NONE].map(entry).concat();
    let document = format!("<Delete>{keys}</Delete>");
    let crc = crc32(document.as_bytes());
    let headers = [("x-amz-checksum-crc32", crc.as_str())];
    let answer = gateway.send(COMPANY, "POST", "/b12?delete", &headers, document.as_bytes()).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.text().matches("<Deleted>").count(), 1);
    let refusal = "<Code>AccessDenied</Code><Message>Access Denied</Message>";
    for key in [THEIRS, NONE] {
        let error = format!("<Error><Key>{key}</Key>{refusal}</Error>");
        assert!(answer.text().contains(&error), "{}", answer.text());
    }
    let kept = gateway.send(MAIN, "GET", &format!("/b12/{THEIRS}"), &[], b"").await;
    assert_eq!(kept.status, 200);
}
