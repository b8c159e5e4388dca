use super::{Gateway, MAIN, NOBODY};

#[tokio::test]
async fn an_error_is_a_document_with_the_requests_ids() {
    let gateway = Gateway::with_bucket().await;
    let answer = gateway.send(MAIN, "GET", "/b12/a%3Cb%01", &[], b"").await;
    assert_eq!(answer.error(), (404, "NoSuchKey"));
    assert_eq!(answer.header("content-type"), "application/xml");
    assert!(answer.text().starts_with("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>"));
    assert_eq!(answer.element("Key"), "a&lt;b");
    assert_eq!(answer.element("Resource"), "/b12/a%3Cb%01");
    assert_eq!(answer.element("RequestId"), "0000000000000ABC");
    assert!(!answer.element("HostId").is_empty());
}

#[tokio::test]
async fn a_head_error_has_no_body() {
    let gateway = Gateway::with_bucket().await;
    let answer = gateway.send(MAIN, "HEAD", "/b12/k", &[], b"").await;
    assert_eq!((answer.status.as_u16(), answer.body.len()), (404, 0));
}

#[tokio::test]
async fn methods_and_targets_that_mean_nothing_are_refused() {
    let gateway = Gateway::with_bucket().await;
    let post = gateway.send(NOBODY, "POST", "/", &[], b"Action=ListUsers").await;
    assert_eq!(post.error(), (405, "MethodNotAllowed"));
    assert_eq!(post.header("allow"), "GET, OPTIONS");
    let patch = gateway.send(MAIN, "PATCH", "/b12/k", &[], b"").await;
    assert_eq!(patch.error(), (405, "MethodNotAllowed"));
    assert!(patch.header("allow").contains("PUT"));
    assert_eq!(gateway.send(MAIN, "GET", "/b12/%zz", &[], b"").await.error(), (400, "InvalidURI"));
    let long = format!("/b12/{}", "k".repeat(1025));
    assert_eq!(gateway.send(MAIN, "PUT", &long, &[], b"x").await.error(), (400, "KeyTooLongError"));
    let post = gateway.send(MAIN, "POST", "/b12/k", &[], b"").await;
    assert_eq!(
        (post.error(), post.header("allow")),
        ((405, "MethodNotAllowed"), "GET, HEAD, PUT, DELETE, OPTIONS")
    );
    let copy = [("x-amz-copy-source", "b12/k")];
    let copied = gateway.send(MAIN, "GET", "/b12/k", &copy, b"").await;
    assert_eq!(copied.error(), (400, "InvalidArgument"));
}

#[tokio::test]
async fn an_unknown_key_and_a_wrong_signature_are_told_apart() {
    let gateway = Gateway::with_bucket().await;
    let unknown = gateway.send("AKUNKNOWN", "GET", "/b12", &[], b"").await;
    assert_eq!(unknown.error(), (403, "InvalidAccessKeyId"));
    assert_eq!(unknown.element("AWSAccessKeyId"), "AKUNKNOWN");
    let forged = gateway
        .send(
            NOBODY,
            "GET",
            "/b12",
            &[
                (
                    "authorization",
                    "AWS4-HMAC-SHA256 Credential=AKMAIN/20151021/us-east-1/s3/aws4_request, \
                     SignedHeaders=host;x-amz-content-sha256;x-amz-date, \
                     Signature=0000000000000000000000000000000000000000000000000000000000000000",
                ),
                ("x-amz-date", "20151021T072800Z"),
                ("x-amz-content-sha256", "UNSIGNED-PAYLOAD"),
            ],
            b"",
        )
        .await;
    assert_eq!(forged.error(), (403, "SignatureDoesNotMatch"));
    assert!(forged.element("StringToSign").starts_with("AWS4-HMAC-SHA256"));
    assert!(!forged.element("CanonicalRequestBytes").is_empty());
}

#[tokio::test]
async fn an_old_request_is_refused_with_both_times() {
    let gateway = Gateway::with_bucket().await;
    let old = gateway
        .send(
            NOBODY,
            "GET",
            "/b12",
            &[
                (
                    "authorization",
                    "AWS4-HMAC-SHA256 Credential=AKMAIN/20151021/us-east-1/s3/aws4_request, \
                     SignedHeaders=host;x-amz-content-sha256;x-amz-date, \
                     Signature=0000000000000000000000000000000000000000000000000000000000000000",
                ),
                ("x-amz-date", "20151021T065800Z"),
                ("x-amz-content-sha256", "UNSIGNED-PAYLOAD"),
            ],
            b"",
        )
        .await;
    assert_eq!(old.error(), (403, "RequestTimeTooSkewed"));
    assert_eq!(old.element("MaxAllowedSkewMilliseconds"), "900000");
    assert_eq!(old.element("ServerTime"), "2015-10-21T07:28:00.250Z");
}

#[tokio::test]
async fn chunked_framing_is_for_uploads_only() {
    let gateway = Gateway::with_bucket().await;
    let framed = [("x-amz-content-sha256", "STREAMING-UNSIGNED-PAYLOAD-TRAILER")];
    let answer = gateway.send(NOBODY, "PUT", "/b12?tagging", &framed, b"0\r\n\r\n").await;
    assert!(answer.status.is_client_error());
}

#[tokio::test]
async fn what_is_wrong_with_a_copys_source_is_said_in_its_names() {
    let gateway = Gateway::with_bucket().await;
    gateway.send(MAIN, "PUT", "/b12/source", &[], b"x").await;
    let upload = gateway.send(MAIN, "POST", "/b12/k?uploads", &[], b"").await;
    let part = format!("/b12/k?partNumber=1&uploadId={}", upload.element("UploadId"));
    for target in ["/b12/k", part.as_str()] {
        let ask =
            async |headers: &[(&str, &str)]| gateway.send(MAIN, "PUT", target, headers, b"").await;
        let missing = ask(&[("x-amz-copy-source", "b12/no%20where")]).await;
        assert_eq!(missing.error(), (404, "NoSuchKey"));
        assert_eq!(missing.element("Key"), "no where");
        assert_eq!(missing.text().matches("<Key>").count(), 1);
        let missing = ask(&[("x-amz-copy-source", "missing/source")]).await;
        assert_eq!(missing.error(), (404, "NoSuchBucket"));
        assert_eq!(missing.element("BucketName"), "missing");
        assert_eq!(missing.text().matches("<BucketName>").count(), 1);
        let source = ("x-amz-copy-source", "b12/source");
        let failed = ask(&[source, ("x-amz-copy-source-if-match", "\"x\"")]).await;
        assert_eq!(failed.error(), (412, "PreconditionFailed"));
        assert_eq!(failed.element("Condition"), "x-amz-copy-source-If-Match");
    }
    let onto = [("x-amz-copy-source", "b12/k"), ("if-none-match", "*")];
    let taken = gateway.send(MAIN, "PUT", "/b12/source", &onto, b"").await;
    assert_eq!(
        (taken.error(), taken.element("Condition")),
        ((412, "PreconditionFailed"), "If-None-Match")
    );
}
