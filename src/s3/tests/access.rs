use super::{ADMIN, ALT, Gateway, MAIN, NOBODY, READER};

#[tokio::test]
async fn a_bucket_is_its_makers_and_the_admins() {
    let gateway = Gateway::with_bucket().await;
    for (who, read, write) in [
        (MAIN, 200, 200),
        (READER, 200, 403),
        (ALT, 403, 403),
        (ADMIN, 200, 200),
        (NOBODY, 403, 403),
    ] {
        let put = gateway.send(who, "PUT", "/b12/k", &[], b"x").await;
        assert_eq!(put.status, write, "{who} writes");
        assert_eq!(gateway.send(MAIN, "PUT", "/b12/k", &[], b"x").await.status, 200);
        assert_eq!(gateway.send(who, "GET", "/b12/k", &[], b"").await.status, read, "{who} reads");
        assert_eq!(gateway.send(who, "HEAD", "/b12", &[], b"").await.status, read);
        let location = gateway.send(who, "GET", "/b12?location", &[], b"").await;
        assert_eq!(location.status, read);
    }
}

#[tokio::test]
async fn a_missing_bucket_is_missing_for_everyone() {
    let gateway = Gateway::new();
    for who in [MAIN, READER, ALT, ADMIN, NOBODY] {
        let get = gateway.send(who, "GET", "/b12/k", &[], b"").await;
        assert_eq!(get.error(), (404, "NoSuchBucket"), "{who}");
        assert_eq!(get.element("BucketName"), "b12");
        let put = gateway.send(who, "PUT", "/b12/k", &[], b"x").await;
        assert_eq!(put.error(), (404, "NoSuchBucket"), "{who}");
    }
}

#[tokio::test]
async fn buckets_are_made_and_listed_by_signed_callers_only() {
    let gateway = Gateway::new();
    assert_eq!(gateway.send(NOBODY, "GET", "/", &[], b"").await.error(), (403, "AccessDenied"));
    assert_eq!(gateway.send(NOBODY, "PUT", "/b12", &[], b"").await.error(), (403, "AccessDenied"));
    assert_eq!(gateway.send(READER, "PUT", "/b12", &[], b"").await.error(), (403, "AccessDenied"));
    for (who, bucket) in [(MAIN, "main"), (ALT, "alt"), (ADMIN, "admin")] {
        assert_eq!(gateway.send(who, "PUT", &format!("/{bucket}-1"), &[], b"").await.status, 200);
    }
    for (who, owner) in [(MAIN, "main"), (READER, "main"), (ALT, "alt"), (ADMIN, "admin")] {
        let list = gateway.send(who, "GET", "/", &[], b"").await;
        assert_eq!(list.element("ID"), format!("{owner}-id"));
        assert_eq!(list.element("DisplayName"), owner);
        assert_eq!(list.text().matches("<Bucket>").count(), 1);
        assert_eq!(list.element("Name"), format!("{owner}-1"));
    }
}

#[tokio::test]
async fn the_expected_owner_must_be_the_owner() {
    let gateway = Gateway::with_bucket().await;
    let expecting = |owner| [("x-amz-expected-bucket-owner", owner)];
    let right = gateway.send(MAIN, "HEAD", "/b12", &expecting("main-id"), b"").await;
    assert_eq!(right.status, 200);
    let wrong = gateway.send(MAIN, "PUT", "/b12/k", &expecting("alt-id"), b"x").await;
    assert_eq!(wrong.error(), (403, "AccessDenied"));
    assert_eq!(gateway.send(MAIN, "GET", "/b12/k", &[], b"").await.error(), (404, "NoSuchKey"));
}

#[tokio::test]
async fn the_log_is_told_who_did_what() {
    let gateway = Gateway::with_bucket().await;
    let audit = gateway.send(ALT, "GET", "/b12/a%20b", &[], b"").await.audit;
    assert_eq!(audit.access_key.as_deref(), Some(ALT));
    assert_eq!(audit.operation, Some("GetObject"));
    assert_eq!((audit.bucket.as_deref(), audit.key.as_deref()), (Some("b12"), Some("a b")));
    assert_eq!(audit.error_code, Some("AccessDenied"));
    let audit = gateway.send(MAIN, "GET", "/b12?policyStatus", &[], b"").await.audit;
    assert_eq!(audit.operation, Some("GetBucketPolicyStatus"));
}

#[tokio::test]
async fn only_signed_requests_replace_headers_of_their_responses() {
    let gateway = Gateway::with_bucket().await;
    gateway.send(MAIN, "PUT", "/b12/k", &[], b"x").await;
    for name in ["content-type", "expires"] {
        let target = format!("/b12/k?response-{name}=x");
        let anonymous = gateway.send(NOBODY, "GET", &target, &[], b"").await;
        assert_eq!(anonymous.error(), (400, "InvalidRequest"));
        assert_eq!(gateway.send(NOBODY, "HEAD", &target, &[], b"").await.status, 400);
        assert_eq!(gateway.send(MAIN, "GET", &target, &[], b"").await.header(name), "x");
    }
    let listing = gateway.send(NOBODY, "GET", "/b12?response-expires=x", &[], b"").await;
    assert_eq!(listing.error(), (403, "AccessDenied"));
}

/// Every operation on what is in `b12`; those that change something come second.
const READS: [(&str, &str); 14] = [
    ("HEAD", "/b12"),
    ("GET", "/b12"),
    ("GET", "/b12?list-type=2"),
    ("GET", "/b12?versions"),
    ("GET", "/b12?uploads"),
    ("GET", "/b12?location"),
    ("GET", "/b12?tagging"),
    ("GET", "/b12?policy"),
    ("GET", "/b12/k"),
    ("HEAD", "/b12/k"),
    ("GET", "/b12/k?attributes"),
    ("GET", "/b12/k?tagging"),
    ("GET", "/b12/k?acl"),
    ("GET", "/b12/k?uploadId=u"),
];
const WRITES: [(&str, &str); 15] = [
    ("PUT", "/b12/k"),
    ("DELETE", "/b12/k"),
    ("PUT", "/b12/k?tagging"),
    ("DELETE", "/b12/k?tagging"),
    ("PUT", "/b12/k?acl"),
    ("POST", "/b12/k?uploads"),
    ("PUT", "/b12/k?partNumber=1&uploadId=u"),
    ("POST", "/b12/k?uploadId=u"),
    ("DELETE", "/b12/k?uploadId=u"),
    ("POST", "/b12?delete"),
    ("PUT", "/b12?tagging"),
    ("DELETE", "/b12?tagging"),
    ("PUT", "/b12?policy"),
    ("DELETE", "/b12?policy"),
    ("DELETE", "/b12"),
];

#[tokio::test]
async fn no_operation_reaches_what_is_not_the_callers() {
    let gateway = Gateway::with_bucket().await;
    gateway.send(MAIN, "PUT", "/b12/k", &[], b"kept").await;
    for (method, target) in READS.into_iter().chain(WRITES) {
        for who in [ALT, NOBODY] {
            let answer = gateway.send(who, method, target, &[], b"").await;
            assert_eq!(answer.error(), (403, "AccessDenied"), "{who} {method} {target}");
            assert_eq!(answer.header("x-amz-bucket-region"), "us-east-1");
        }
        if WRITES.contains(&(method, target)) {
            let answer = gateway.send(READER, method, target, &[], b"").await;
            assert_eq!(answer.error(), (403, "AccessDenied"), "{method} {target}");
        }
    }
    for (method, target) in READS {
        for who in [ADMIN, READER] {
            let answer = gateway.send(who, method, target, &[], b"").await;
            assert_ne!(answer.status, 403, "{who} {method} {target}");
        }
    }
    assert_eq!(gateway.send(MAIN, "GET", "/b12/k", &[], b"").await.text(), "kept");
}

#[tokio::test]
async fn a_copy_needs_both_ends() {
    let gateway = Gateway::with_bucket().await;
    gateway.send(MAIN, "PUT", "/b12/k", &[], b"secret").await;
    gateway.send(ALT, "PUT", "/alt", &[], b"").await;
    let upload = gateway.send(ALT, "POST", "/alt/copy?uploads", &[], b"").await;
    let part = format!("/alt/copy?partNumber=1&uploadId={}", upload.element("UploadId"));
    let source = [("x-amz-copy-source", "/b12/k")];
    for target in ["/alt/copy", part.as_str()] {
        for who in [ALT, MAIN, READER, NOBODY] {
            let copy = gateway.send(who, "PUT", target, &source, b"").await;
            assert_eq!(copy.error(), (403, "AccessDenied"), "{who} {target}");
        }
        let other = [source[0], ("x-amz-source-expected-bucket-owner", "alt-id")];
        let copy = gateway.send(ADMIN, "PUT", target, &other, b"").await;
        assert_eq!(copy.error(), (403, "AccessDenied"), "{target}");
        let own = [source[0], ("x-amz-source-expected-bucket-owner", "main-id")];
        assert_eq!(gateway.send(ADMIN, "PUT", target, &own, b"").await.status, 200, "{target}");
    }
}
