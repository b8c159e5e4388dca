use crate::s3::testing::{Gateway, texts};

#[tokio::test]
async fn versions_are_null_and_latest_while_versioning_is_off() {
    let gateway = Gateway::new().await;
    for key in ["a", "b/1", "b/2", "c"] {
        gateway.put(key, "body").await;
    }
    let page = gateway.ok("GET", "/bucket?versions&delimiter=/&max-keys=2", &[], "").await;
    assert_eq!(page.header("x-amz-bucket-region"), Some("us-east-1"));
    let page = page.xml("ListVersionsResult");
    assert_eq!(page.required_text("Name"), Ok("bucket"));
    assert_eq!(texts(&page, "Version/Key"), ["a"]);
    assert_eq!(texts(&page, "Version/VersionId"), ["null"]);
    assert_eq!(texts(&page, "Version/IsLatest"), ["true"]);
    assert_eq!(texts(&page, "Version/Owner/ID"), ["alice"]);
    assert_eq!(texts(&page, "Version/StorageClass"), ["STANDARD"]);
    assert_eq!(texts(&page, "CommonPrefixes/Prefix"), ["b/"]);
    assert_eq!(page.required_text("IsTruncated"), Ok("true"));
    assert_eq!(page.required_text("NextKeyMarker"), Ok("b/"));

    let rest = gateway.ok("GET", "/bucket?versions&delimiter=/&key-marker=b/", &[], "").await;
    let rest = rest.xml("ListVersionsResult");
    assert_eq!(texts(&rest, "Version/Key"), ["c"]);
    assert_eq!(rest.required_text("KeyMarker"), Ok("b/"));
    assert_eq!(rest.child_text("NextKeyMarker"), Ok(None));
}

#[tokio::test]
async fn a_page_that_ends_at_a_version_names_it() {
    let gateway = Gateway::new().await;
    gateway.put("a b", "body").await;
    gateway.put("c", "body").await;
    let page = gateway.ok("GET", "/bucket?versions&max-keys=1&encoding-type=url", &[], "").await;
    let page = page.xml("ListVersionsResult");
    assert_eq!(page.required_text("NextKeyMarker"), Ok("a%20b"));
    assert_eq!(page.required_text("NextVersionIdMarker"), Ok("null"));
    let target = "/bucket?versions&key-marker=a%20b&version-id-marker=null";
    let page = gateway.ok("GET", target, &[], "").await.xml("ListVersionsResult");
    assert_eq!(texts(&page, "Version/Key"), ["c"]);
    assert_eq!(page.required_text("VersionIdMarker"), Ok("null"));
}

#[tokio::test]
async fn markers_and_limits_are_checked() {
    let gateway = Gateway::new().await;
    let refused = (400, "InvalidArgument".to_owned());
    for query in [
        "version-id-marker=null",
        "key-marker=a&version-id-marker=nonsense",
        "max-keys=-1",
        "encoding-type=x",
    ] {
        let target = format!("/bucket?versions&{query}");
        assert_eq!(gateway.refused("GET", &target, &[], "").await, refused, "{query}");
    }
    gateway.ok("GET", "/bucket?versions&version-id-marker=", &[], "").await;
}
