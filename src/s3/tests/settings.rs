use super::{ALT, Gateway, MAIN};

#[tokio::test]
async fn settings_that_were_never_set_answer_as_on_s3() {
    let gateway = Gateway::with_bucket().await;
    for (name, code) in [
        ("cors", "NoSuchCORSConfiguration"),
        ("policy", "NoSuchBucketPolicy"),
        ("policyStatus", "NoSuchBucketPolicy"),
        ("lifecycle", "NoSuchLifecycleConfiguration"),
        ("website", "NoSuchWebsiteConfiguration"),
        ("encryption", "ServerSideEncryptionConfigurationNotFoundError"),
        ("object-lock", "ObjectLockConfigurationNotFoundError"),
        ("ownershipControls", "OwnershipControlsNotFoundError"),
        ("publicAccessBlock", "NoSuchPublicAccessBlockConfiguration"),
        ("replication", "ReplicationConfigurationNotFoundError"),
        ("tagging", "NoSuchTagSet"),
    ] {
        let answer = gateway.send(MAIN, "GET", &format!("/b12?{name}"), &[], b"").await;
        assert_eq!(answer.error(), (404, code), "{name}");
    }
    for (name, root) in [
        ("versioning", "VersioningConfiguration"),
        ("logging", "BucketLoggingStatus"),
        ("notification", "NotificationConfiguration"),
        ("accelerate", "AccelerateConfiguration"),
    ] {
        let answer = gateway.send(MAIN, "GET", &format!("/b12?{name}"), &[], b"").await;
        assert_eq!(answer.status, 200);
        let document =
            format!("<{root} xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"></{root}>");
        assert!(answer.text().ends_with(&document), "{}", answer.text());
    }
    let payer = gateway.send(MAIN, "GET", "/b12?requestPayment", &[], b"").await;
    assert_eq!(payer.element("Payer"), "BucketOwner");
}

#[tokio::test]
async fn the_owner_has_full_control_of_bucket_and_objects() {
    let gateway = Gateway::with_bucket().await;
    gateway.send(MAIN, "PUT", "/b12/k", &[], b"x").await;
    for target in ["/b12?acl", "/b12/k?acl"] {
        let acl = gateway.send(MAIN, "GET", target, &[], b"").await;
        assert_eq!(acl.element("Permission"), "FULL_CONTROL");
        assert_eq!(acl.text().matches("<ID>main-id</ID>").count(), 2);
        assert!(acl.text().contains("xsi:type=\"CanonicalUser\""));
        assert_eq!(gateway.send(ALT, "GET", target, &[], b"").await.status, 403);
    }
    let missing = gateway.send(MAIN, "GET", "/b12/none?acl", &[], b"").await;
    assert_eq!(missing.error(), (404, "NoSuchKey"));
}

#[tokio::test]
async fn removing_settings_succeeds_and_setting_them_is_not_served() {
    let gateway = Gateway::with_bucket().await;
    for name in ["replication"] {
        let target = format!("/b12?{name}");
        assert_eq!(gateway.send(MAIN, "DELETE", &target, &[], b"").await.status, 204, "{name}");
        let put = gateway.send(MAIN, "PUT", &target, &[], b"<x/>").await;
        assert_eq!(put.error(), (501, "NotImplemented"), "{name}");
        let missing = gateway.send(MAIN, "DELETE", &format!("/b13?{name}"), &[], b"").await;
        assert_eq!(missing.error(), (404, "NoSuchBucket"));
    }
    for name in [
        "versioning",
        "logging",
        "notification",
        "accelerate",
        "object-lock",
        "requestPayment",
        "inventory&id=1",
        "metrics&id=1",
        "analytics&id=1",
        "intelligent-tiering&id=1",
        "metadataTable",
    ] {
        let put = gateway.send(MAIN, "PUT", &format!("/b12?{name}"), &[], b"<x/>").await;
        assert_eq!(put.error(), (501, "NotImplemented"), "{name}");
    }
    assert_eq!(gateway.send(MAIN, "HEAD", "/b12", &[], b"").await.status, 200);
}

#[tokio::test]
async fn sub_resources_of_objects_never_fall_through() {
    let gateway = Gateway::with_bucket().await;
    gateway.send(MAIN, "PUT", "/b12/k", &[], b"kept").await;
    for (method, name) in [
        ("PUT", "retention"),
        ("PUT", "legal-hold"),
        ("PUT", "renameObject"),
        ("PUT", "encryption"),
        ("DELETE", "acl"),
        ("DELETE", "retention"),
        ("POST", "restore"),
        ("POST", "select&select-type=2"),
    ] {
        let target = format!("/b12/k?{name}");
        let answer = gateway.send(MAIN, method, &target, &[], b"other").await;
        assert_eq!(answer.error(), (501, "NotImplemented"), "{method} {name}");
    }
    assert_eq!(gateway.send(MAIN, "GET", "/b12/k", &[], b"").await.text(), "kept");
    let torrent = gateway.send(MAIN, "GET", "/b12/k?torrent", &[], b"").await;
    assert_eq!(torrent.error(), (404, "NoSuchKey"));
    for name in ["retention", "legal-hold"] {
        let answer = gateway.send(MAIN, "GET", &format!("/b12/k?{name}"), &[], b"").await;
        assert_eq!(answer.error(), (400, "InvalidRequest"));
    }
}
