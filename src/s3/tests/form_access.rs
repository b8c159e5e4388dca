//! Who may send which form: what holds for PutObject holds for forms, of the key that is written.

use super::forms::{FREELY, Form, keys, send};
use super::{COMPANY, Gateway, MAIN, NOBODY, USER};

fn statement(effect: &str, resource: &str, more: &str) -> String {
    format!(
        r#"{{"Effect":"{effect}","Principal":"*","Action":"s3:PutObject",
        "Resource":"arn:aws:s3:::b12/{resource}"{more}}}"#
    )
}

async fn with_policy(statements: &[String]) -> Gateway {
    let gateway = Gateway::with_bucket().await;
    let statements = statements.join(",");
    let policy = format!(r#"{{"Version":"2012-10-17","Statement":[{statements}]}}"#);
    let put = gateway.send(MAIN, "PUT", "/b12?policy", &[], policy.as_bytes()).await;
    assert_eq!(put.status, 204, "{}", put.text());
    gateway
}

#[tokio::test]
async fn nobody_sends_forms_where_anybody_may_write_and_nowhere_else() {
    let gateway = with_policy(&[statement("Allow", "drop/*", "")]).await;
    let tags = "<Tagging><TagSet><Tag><Key>t</Key><Value>1</Value></Tag></TagSet></Tagging>";
    for form in [
        Form::empty().field("key", "${filename}"),
        Form::empty().field("key", "${filename}").file("drop/x", "content"),
        Form::empty().field("key", "other/${filename}"),
        Form::empty().field("key", "drop/a").field("acl", "public-read"),
        Form::empty().field("key", "drop/a").field("tagging", tags),
        Form::signed(USER, FREELY).field("key", "user/a"),
    ] {
        let answer = form.post(&gateway).await;
        assert_eq!(answer.error(), (403, "AccessDenied"), "{}", answer.text());
        assert_eq!(keys(&gateway).await, "");
    }
    let taken = Form::empty().field("key", "drop/${filename}").post(&gateway).await;
    assert_eq!(taken.status, 204, "{}", taken.text());
    assert_eq!(taken.audit.access_key, None);
    assert_eq!(keys(&gateway).await, "drop/cat.jpg");
    // Whose policy lets him write nothing is let in by the bucket's.
    let taken = Form::signed(USER, FREELY).field("key", "drop/user").post(&gateway).await;
    assert_eq!(taken.status, 204, "{}", taken.text());
}

#[tokio::test]
async fn policies_ask_how_and_from_where_a_form_came() {
    let only_forms = r#","Condition":{"StringNotEquals":{"s3:authType":"POST"}}"#;
    let only_ours = r#","Condition":{"StringLike":{"aws:Referer":"https://app.example.com/*"}}"#;
    let gateway = with_policy(&[
        statement("Deny", "in/*", only_forms),
        statement("Allow", "out/*", only_ours),
    ])
    .await;
    let put = gateway.send(MAIN, "PUT", "/b12/in/a", &[], b"x").await;
    assert_eq!(put.error(), (403, "AccessDenied"));
    let form = Form::signed(MAIN, FREELY).field("key", "in/a").post(&gateway).await;
    assert_eq!(form.status, 204, "{}", form.text());
    let form = Form::empty().field("key", "out/a").encoded();
    for (referer, status) in [("https://app.example.com/a", 204), ("https://other/", 403)] {
        let headers =
            [("content-type", "multipart/form-data; boundary=frontier"), ("referer", referer)];
        let answer = gateway.send(NOBODY, "POST", "/b12", &headers, &form).await;
        assert_eq!(answer.status.as_u16(), status, "{referer}");
    }
    assert_eq!(send(&gateway, "/b12", &form).await.status, 403);
}

#[tokio::test]
async fn a_company_s_forms_write_below_its_own_prefix_alone() {
    let gateway = Gateway::with_bucket().await;
    let theirs = "attachments/invoice/company_2/a";
    let put = gateway.send(MAIN, "PUT", &format!("/b12/{theirs}"), &[], b"theirs").await;
    assert_eq!(put.status, 200);
    let mut answers = Vec::new();
    for key in [theirs, "attachments/invoice/company_2/none", "readme"] {
        let answer = Form::signed(COMPANY, FREELY).field("key", key).post(&gateway).await;
        assert_eq!(answer.error(), (403, "AccessDenied"), "{key}");
        answers.push(answer.text().replace(key, "KEY"));
    }
    answers.dedup();
    assert_eq!(answers.len(), 1, "{answers:?}");
    let kept = gateway.send(MAIN, "GET", &format!("/b12/{theirs}"), &[], b"").await;
    assert_eq!(kept.text(), "theirs");
    let own = "attachments/invoice/company_1/${filename}";
    let answer = Form::signed(COMPANY, FREELY).field("key", own).post(&gateway).await;
    assert_eq!(answer.status, 204, "{}", answer.text());
}

#[tokio::test]
async fn a_form_asks_for_encryption_with_its_fields() {
    let gateway = Gateway::with_bucket().await;
    let name = "x-amz-server-side-encryption";
    let conditions = format!(r#"{FREELY}, ["starts-with", "${name}", ""]"#);
    let form = |value| Form::signed(MAIN, &conditions).field("key", "k").field(name, value);
    assert_eq!(form("aws:kms").post(&gateway).await.error(), (501, "NotImplemented"));
    assert_eq!(keys(&gateway).await, "");
    let taken = form("AES256").post(&gateway).await;
    assert_eq!((taken.status.as_u16(), taken.header(name)), (204, "AES256"));
    let got = gateway.send(MAIN, "GET", "/b12/k", &[], b"").await;
    assert_eq!((got.text(), got.header(name)), ("content", "AES256"));
}
