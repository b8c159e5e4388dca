use crate::auth::Role;
use crate::s3::testing::{Gateway, texts};
use crate::s3::xml::Element;

fn document(objects: &str) -> String {
    format!("<Delete>{objects}</Delete>")
}

async fn delete(gateway: &Gateway, objects: &str) -> Element {
    let answer = gateway.ask_with_md5("POST", "/bucket?delete", &document(objects)).await;
    answer.xml("DeleteResult")
}

async fn keys(gateway: &Gateway) -> Vec<String> {
    let page = gateway.ok("GET", "/bucket", &[], "").await.xml("ListBucketResult");
    texts(&page, "Contents/Key")
}

#[tokio::test]
async fn deletes_what_is_there_and_reports_what_is_not_the_same() {
    let gateway = Gateway::new().await;
    for key in ["a", " b \n", "c&d", "dir/", "dir/e"] {
        gateway.put(key, "body").await;
    }
    let result = delete(
        &gateway,
        "<Object><Key>a</Key></Object><Quiet>false</Quiet><Object><Key> b \n</Key></Object>\
         <Object><Key>c&amp;d</Key></Object><Object><Key>dir</Key></Object>\
         <Object><Key>missing</Key></Object>",
    )
    .await;
    let deleted = texts(&result, "Deleted/Key");
    assert_eq!(deleted, ["a", " b \n", "c&d", "dir", "missing"]);
    assert!(texts(&result, "Error/Key").is_empty());
    assert_eq!(keys(&gateway).await, ["dir/", "dir/e"]);
}

#[tokio::test]
async fn quiet_reports_only_errors() {
    let gateway = Gateway::new().await;
    gateway.put("a", "body").await;
    let long = "k".repeat(1025);
    let result = delete(
        &gateway,
        &format!(
            "<Quiet>true</Quiet><Object><Key>a</Key></Object><Object><Key>{long}</Key></Object>"
        ),
    )
    .await;
    assert!(texts(&result, "Deleted/Key").is_empty());
    assert_eq!(texts(&result, "Error/Key"), [long]);
    assert_eq!(texts(&result, "Error/Code"), ["KeyTooLongError"]);
    assert!(keys(&gateway).await.is_empty());
}

#[tokio::test]
async fn versions_are_judged_per_key() {
    let gateway = Gateway::new().await;
    gateway.put("a", "body").await;
    gateway.put("b", "body").await;
    let result = delete(
        &gateway,
        "<Object><Key>a</Key><VersionId>null</VersionId></Object>\
         <Object><Key>b</Key><VersionId>nonsense</VersionId></Object>",
    )
    .await;
    assert_eq!(texts(&result, "Deleted/Key"), ["a"]);
    assert_eq!(texts(&result, "Deleted/VersionId"), ["null"]);
    assert_eq!(texts(&result, "Error/Code"), ["NoSuchVersion"]);
    assert_eq!(texts(&result, "Error/VersionId"), ["nonsense"]);
    assert_eq!(keys(&gateway).await, ["b"]);
}

#[tokio::test]
async fn tags_of_content_are_conditions_per_key() {
    let gateway = Gateway::new().await;
    let etag = gateway.put("a", "body").await.etag;
    gateway.put("b", "body").await;
    let result = delete(
        &gateway,
        &format!(
            "<Object><Key>a</Key><ETag>{}</ETag></Object>\
             <Object><Key>b</Key><ETag>\"0000\"</ETag></Object>",
            etag.as_str()
        ),
    )
    .await;
    assert_eq!(texts(&result, "Deleted/Key"), ["a"]);
    assert_eq!(texts(&result, "Error/Code"), ["PreconditionFailed"]);
    assert_eq!(keys(&gateway).await, ["b"]);
}

#[tokio::test]
async fn a_digest_is_required_and_compared() {
    let gateway = Gateway::new().await;
    gateway.put("a", "body").await;
    let body = document("<Object><Key>a</Key></Object>");
    let ask = |headers: &'static [(&'static str, &'static str)]| {
        gateway.refused("POST", "/bucket?delete", headers, body.clone())
    };
    assert_eq!(ask(&[]).await, (400, "InvalidRequest".to_owned()));
    let wrong = ask(&[("content-md5", "1B2M2Y8AsgTpgAmY7PhCfg==")]).await;
    assert_eq!(wrong, (400, "BadDigest".to_owned()));
    let wrong = ask(&[("x-amz-checksum-crc32", "AAAAAA==")]).await;
    assert_eq!(wrong, (400, "BadDigest".to_owned()));
    let unreadable = ask(&[("content-md5", "AAAA")]).await;
    assert_eq!(unreadable, (400, "InvalidDigest".to_owned()));
    assert_eq!(keys(&gateway).await, ["a"]);

    let crc = crate::object::Algorithm::Crc32.digest(body.as_bytes()).to_base64();
    let headers =
        [("x-amz-checksum-crc32", crc.as_str()), ("x-amz-sdk-checksum-algorithm", "CRC32")];
    gateway.ok("POST", "/bucket?delete", &headers, body.clone()).await;
    assert!(keys(&gateway).await.is_empty());
}

#[tokio::test]
async fn a_thousand_keys_and_no_more() {
    let gateway = Gateway::new().await;
    let many = "<Object><Key>k</Key></Object>".repeat(1000);
    assert_eq!(texts(&delete(&gateway, &many).await, "Deleted/Key").len(), 1000);
    for body in [
        document(&format!("{many}<Object><Key>k</Key></Object>")),
        document(""),
        document("<Object><Key></Key></Object>"),
        "<Delete>".to_owned(),
        "<!DOCTYPE x><Delete><Object><Key>k</Key></Object></Delete>".to_owned(),
    ] {
        let refused = gateway.refused_with_md5("POST", "/bucket?delete", &body).await;
        assert_eq!(refused, (400, "MalformedXML".to_owned()), "{body}");
    }
}

#[tokio::test]
async fn readers_delete_nothing() {
    let gateway = Gateway::new().await;
    gateway.put("a", "body").await;
    let reader = gateway.asked_by("alice", Role::ReadOnly);
    let body = document("<Object><Key>a</Key></Object>");
    let refused = reader.refused_with_md5("POST", "/bucket?delete", &body).await;
    assert_eq!(refused, (403, "AccessDenied".to_owned()));
    let refused = gateway.refused_with_md5("POST", "/missing?delete", &body).await;
    assert_eq!(refused, (404, "NoSuchBucket".to_owned()));
    assert_eq!(keys(&gateway).await, ["a"]);
}

#[tokio::test]
async fn a_condition_that_is_not_served_deletes_nothing() {
    let gateway = Gateway::new().await;
    gateway.put("a", "body").await;
    gateway.put("b", "body").await;
    let result = delete(
        &gateway,
        "<Object><Key>a</Key><Size>4</Size></Object><Object><Key>b</Key>\
         <LastModifiedTime>Wed, 21 Oct 2015 07:28:00 GMT</LastModifiedTime></Object>",
    )
    .await;
    assert_eq!(texts(&result, "Error/Key"), ["a", "b"]);
    assert_eq!(texts(&result, "Error/Code"), ["NotImplemented", "NotImplemented"]);
    assert_eq!(keys(&gateway).await, ["a", "b"]);
}
