//! Upload rules on every path in: what is refused is refused alike, and stored nowhere.

use super::{Answer, Gateway, MAIN, NOBODY};
use crate::object::{BucketName, PartNumber};
use crate::rules::{Names, Rule, Rulebook, TypePattern};

const PDF: &[u8] = b"%PDF-1.7\n1 0 obj\n<<>>\nendobj\n";
const SCRIPT: &[u8] = b"<svg xmlns='u'><script>1</script></svg>";

async fn gateway(rule: Rule) -> Gateway {
    let rule = Rule {
        name: "uploads".to_owned(),
        bucket: Some(BucketName::parse("b12").unwrap()),
        prefix: "in/".to_owned(),
        ..rule
    };
    let gateway = Gateway::with("us-east-1", Rulebook::new([rule], None));
    assert_eq!(gateway.send(MAIN, "PUT", "/b12", &[], b"").await.status, 200);
    gateway
}

async fn keys(gateway: &Gateway, prefix: &str) -> Vec<String> {
    let target = format!("/b12?list-type=2&prefix={prefix}");
    let listing = gateway.send(MAIN, "GET", &target, &[], b"").await;
    let parts = listing.text().split("<Key>").skip(1);
    parts.map(|rest| rest.split("</Key>").next().unwrap().to_owned()).collect()
}

/// Uploads in one part, of whatever size.
async fn in_parts(gateway: &Gateway, key: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
    let begun = gateway.send(MAIN, "POST", &format!("/b12/{key}?uploads"), headers, b"").await;
    if begun.status != 200 {
        return begun;
    }
    let id = begun.element("UploadId").to_owned();
    let target = format!("/b12/{key}?uploadId={id}");
    let part = gateway.send(MAIN, "PUT", &format!("{target}&partNumber=1"), &[], body).await;
    if part.status != 200 {
        return part;
    }
    let etag = part.header("etag").to_owned();
    let number = PartNumber::new(1).unwrap().get();
    let list = format!(
        "<CompleteMultipartUpload><Part><PartNumber>{number}</PartNumber><ETag>{etag}</ETag></Part>\
         </CompleteMultipartUpload>"
    );
    gateway.send(MAIN, "POST", &target, &[], list.as_bytes()).await
}

/// The answers of every path in but the form's, which has a test of its own.
async fn every_path(
    gateway: &Gateway,
    key: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> Vec<(&'static str, Answer)> {
    let target = format!("/b12/{key}");
    let put = gateway.send(MAIN, "PUT", &target, headers, body).await;
    let url = gateway.presign(MAIN, "PUT", &target);
    let presigned = gateway.send("", "PUT", &url, headers, body).await;
    let parts = in_parts(gateway, key, headers, body).await;
    assert_eq!(gateway.send(MAIN, "PUT", "/b12/source", headers, body).await.status, 200);
    let copied = gateway.send(MAIN, "PUT", &target, &[("x-amz-copy-source", "b12/source")], b"");
    vec![("put", put), ("presigned", presigned), ("parts", parts), ("copy", copied.await)]
}

/// A rule, an upload that it refuses, and what is said: code and words.
type Case = (Rule, &'static str, &'static str, &'static [u8], (u16, &'static str), &'static str);

fn cases() -> Vec<Case> {
    const WRONG: (u16, &str) = (400, "InvalidArgument");
    let all = Rule::default;
    let pdf = || Some(vec![TypePattern::parse("application/pdf").unwrap()]);
    let extensions = Some(["pdf".to_owned()].into());
    let (plain, denied) = ("text/plain", (403, "AccessDenied"));
    let (large, small) = ((400, "EntityTooLarge"), (400, "EntityTooSmall"));
    vec![
        (Rule { extensions, ..all() }, "in/a.txt", plain, PDF, WRONG, "extension"),
        (Rule { content_types: pdf(), ..all() }, "in/a.pdf", plain, PDF, WRONG, plain),
        (Rule { detected_types: pdf(), ..all() }, "in/a.pdf", plain, b"hello", WRONG, plain),
        (Rule { match_content: true, ..all() }, "in/a.pdf", "image/png", PDF, WRONG, "image/png"),
        (Rule { max_size: Some(4), ..all() }, "in/a", plain, b"12345", large, "more than 4 bytes"),
        (Rule { min_size: 6, ..all() }, "in/a", plain, b"12345", small, "fewer than 6"),
        (Rule { block_dangerous: true, ..all() }, "in/a", plain, SCRIPT, denied, "a script"),
        (Rule { names: Names::Refuse, ..all() }, "in/a%20b", plain, b"x", WRONG, "safe"),
    ]
}

#[tokio::test]
async fn each_rule_refuses_on_every_path() {
    for (rule, key, kind, body, expected, words) in cases() {
        let (gateway, headers) = (gateway(rule).await, [("content-type", kind)]);
        for (path, answer) in every_path(&gateway, key, &headers, body).await {
            assert_eq!(answer.error(), expected, "{path}: {}", answer.text());
            let said = answer.element("Message");
            assert!(said.contains("&quot;uploads&quot;") && said.contains(words), "{path}: {said}");
        }
        assert_eq!(keys(&gateway, "in/").await, [""; 0], "{words}");
        // Outside its prefix the rule says nothing.
        assert_eq!(gateway.send(MAIN, "PUT", "/b12/out", &headers, body).await.status, 200);
    }
}

#[tokio::test]
async fn what_is_allowed_passes_on_every_path() {
    let rule = Rule {
        extensions: Some(["pdf".to_owned()].into()),
        match_content: true,
        block_dangerous: true,
        max_size: Some(PDF.len() as u64),
        min_size: PDF.len() as u64,
        ..Rule::default()
    };
    let gateway = gateway(rule).await;
    let headers = [("content-type", "application/pdf")];
    for (path, answer) in every_path(&gateway, "in/a.pdf", &headers, PDF).await {
        assert_eq!(answer.status, 200, "{path}: {}", answer.text());
        assert_eq!(answer.header("x-stowgate-key"), "", "{path}");
        let got = gateway.send(MAIN, "GET", "/b12/in/a.pdf", &[], b"").await;
        assert_eq!((got.body.as_slice(), got.header("content-type")), (PDF, "application/pdf"));
    }
}

#[tokio::test]
async fn a_refused_completion_leaves_the_upload_and_no_object() {
    let gateway = gateway(Rule { block_dangerous: true, ..Rule::default() }).await;
    let refused = in_parts(&gateway, "in/a.svg", &[], SCRIPT).await;
    assert_eq!(refused.error(), (403, "AccessDenied"));
    let uploads = gateway.send(MAIN, "GET", "/b12?uploads", &[], b"").await;
    assert_eq!(uploads.element("Key"), "in/a.svg");
    assert_eq!(keys(&gateway, "").await, [""; 0]);
}

#[tokio::test]
async fn names_are_made_safe_and_unique_and_the_answer_says_so() {
    let rule = Rule { names: Names::Safe, unique_names: true, ..Rule::default() };
    let gateway = gateway(rule).await;
    let mut stored = Vec::new();
    for (path, answer) in every_path(&gateway, "in/my%20file.pdf", &[], PDF).await {
        assert_eq!(answer.status, 200, "{path}: {}", answer.text());
        let key = answer.header("x-stowgate-key").to_owned();
        let unique = key.strip_prefix("in/my_file-").and_then(|rest| rest.strip_suffix(".pdf"));
        assert_eq!(unique.map(str::len), Some(12), "{path}: {key}");
        if path == "parts" {
            assert_eq!(answer.element("Key"), key);
        }
        assert_eq!(gateway.send(MAIN, "GET", &format!("/b12/{key}"), &[], b"").await.body, PDF);
        stored.push(key);
    }
    stored.sort();
    stored.dedup();
    assert_eq!(stored.len(), 4);
    assert_eq!(keys(&gateway, "in/").await, stored);
}

#[tokio::test]
async fn access_is_decided_of_the_name_that_is_given() {
    for (allowed, status) in [("in/my_file", 200), ("in/my file", 403)] {
        let gateway = gateway(Rule { names: Names::Safe, ..Rule::default() }).await;
        let policy = format!(
            r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":"*",
            "Action":"s3:PutObject","Resource":"arn:aws:s3:::b12/{allowed}"}}]}}"#
        );
        let put = gateway.send(MAIN, "PUT", "/b12?policy", &[], policy.as_bytes()).await;
        assert_eq!(put.status, 204, "{}", put.text());
        let answer = gateway.send(NOBODY, "PUT", "/b12/in/my%20file", &[], b"x").await;
        assert_eq!(answer.status.as_u16(), status, "{allowed}");
    }
}

#[tokio::test]
async fn rules_say_nothing_to_those_who_may_not_write() {
    for (rule, key, kind, body, _, _) in cases() {
        let gateway = gateway(rule).await;
        let headers = [("content-type", kind)];
        let answer = gateway.send(NOBODY, "PUT", &format!("/b12/{key}"), &headers, body).await;
        assert_eq!(answer.error(), (403, "AccessDenied"));
        assert_eq!(answer.element("Message"), "Access Denied");
    }
}

#[tokio::test]
async fn conditions_of_copies_under_rules_are_the_client_s() {
    let gateway = gateway(Rule { block_dangerous: true, ..Rule::default() }).await;
    let put = gateway.send(MAIN, "PUT", "/b12/source", &[], PDF).await;
    let etag = put.header("etag").to_owned();
    let copy = async |name, value| {
        let headers = [("x-amz-copy-source", "b12/source"), (name, value)];
        gateway.send(MAIN, "PUT", "/b12/in/copy", &headers, b"").await
    };
    for (name, value) in [
        ("x-amz-copy-source-if-match", "\"other\""),
        ("x-amz-copy-source-if-none-match", etag.as_str()),
        ("x-amz-copy-source-if-unmodified-since", "Wed, 21 Oct 2009 07:28:00 GMT"),
    ] {
        let refused = copy(name, value).await;
        assert_eq!(refused.error(), (412, "PreconditionFailed"), "{name}");
        assert!(refused.element("Condition").eq_ignore_ascii_case(name), "{name}");
    }
    assert_eq!(copy("x-amz-copy-source-if-match", &etag).await.status, 200);
    assert_eq!(copy("x-amz-copy-source-if-match", "*").await.status, 200);
}
