use super::{ADMIN, ALT, Gateway, MAIN, NOBODY};

fn located(region: &str) -> String {
    format!(
        "<CreateBucketConfiguration xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">\
         <LocationConstraint>{region}</LocationConstraint></CreateBucketConfiguration>"
    )
}

#[tokio::test]
async fn a_bucket_is_made_found_and_removed() {
    let gateway = Gateway::new();
    let made = gateway.send(MAIN, "PUT", "/b12/", &[], b"").await;
    assert_eq!((made.status.as_u16(), made.header("location")), (200, "/b12"));
    let head = gateway.send(MAIN, "HEAD", "/b12", &[], b"").await;
    assert_eq!((head.status.as_u16(), head.header("x-amz-bucket-region")), (200, "us-east-1"));
    assert_eq!(gateway.send(MAIN, "DELETE", "/b12", &[], b"").await.status, 204);
    let head = gateway.send(MAIN, "HEAD", "/b12", &[], b"").await;
    assert_eq!((head.status.as_u16(), head.body.len()), (404, 0));
    assert_eq!(head.header("x-amz-bucket-region"), "us-east-1");
    let gone = gateway.send(MAIN, "DELETE", "/b12", &[], b"").await;
    assert_eq!(gone.error(), (404, "NoSuchBucket"));
}

#[tokio::test]
async fn a_bucket_with_objects_stays() {
    let gateway = Gateway::with_bucket().await;
    gateway.send(MAIN, "PUT", "/b12/k", &[], b"x").await;
    let refused = gateway.send(MAIN, "DELETE", "/b12", &[], b"").await;
    assert_eq!(refused.error(), (409, "BucketNotEmpty"));
    gateway.send(MAIN, "DELETE", "/b12/k", &[], b"").await;
    assert_eq!(gateway.send(MAIN, "DELETE", "/b12", &[], b"").await.status, 204);
}

#[tokio::test]
async fn making_a_bucket_again_depends_on_region_owner_and_acl() {
    let gateway = Gateway::with_bucket().await;
    assert_eq!(gateway.send(MAIN, "PUT", "/b12", &[], b"").await.status, 200);
    let private = [("x-amz-acl", "private")];
    assert_eq!(gateway.send(MAIN, "PUT", "/b12", &private, b"").await.status, 200);
    let public = [("x-amz-acl", "public-read")];
    let other_acl = gateway.send(MAIN, "PUT", "/b12", &public, b"").await;
    assert_eq!(other_acl.error(), (409, "BucketAlreadyExists"));
    for who in [ALT, ADMIN] {
        let taken = gateway.send(who, "PUT", "/b12", &[], b"").await;
        assert_eq!(taken.error(), (409, "BucketAlreadyExists"));
        assert_eq!(taken.element("BucketName"), "b12");
    }
    let new = gateway.send(MAIN, "PUT", "/b13", &public, b"").await;
    assert_eq!(new.error(), (400, "InvalidBucketAclWithObjectOwnership"));

    let elsewhere = Gateway::in_region("eu-west-1");
    assert_eq!(elsewhere.send(MAIN, "PUT", "/b12", &[], b"").await.status, 200);
    let again = elsewhere.send(MAIN, "PUT", "/b12", &[], b"").await;
    assert_eq!(again.error(), (409, "BucketAlreadyOwnedByYou"));
}

#[tokio::test]
async fn the_location_is_the_gateways_or_none() {
    for (region, shown) in [("us-east-1", ""), ("eu-west-1", "eu-west-1")] {
        let gateway = Gateway::in_region(region);
        let body = located(region);
        assert_eq!(gateway.send(MAIN, "PUT", "/b12", &[], body.as_bytes()).await.status, 200);
        let location = gateway.send(MAIN, "GET", "/b12?location", &[], b"").await;
        let root = "<LocationConstraint xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">";
        assert!(location.text().ends_with(&format!("{root}{shown}</LocationConstraint>")));
        let body = located("mars-1");
        let foreign = gateway.send(MAIN, "PUT", "/b13", &[], body.as_bytes()).await;
        assert_eq!(foreign.error(), (400, "InvalidLocationConstraint"));
        let broken = gateway.send(MAIN, "PUT", "/b13", &[], b"<Other/>").await;
        assert_eq!(broken.error(), (400, "MalformedXML"));
        let missing = gateway.send(MAIN, "GET", "/b13?location", &[], b"").await;
        assert_eq!(missing.error(), (404, "NoSuchBucket"));
    }
}

#[tokio::test]
async fn names_that_are_none_are_refused() {
    let gateway = Gateway::new();
    for name in ["ab", "Upper", "under_score", "1.2.3.4", "a..b", "a.-b", "xn--b12", "storage"] {
        let refused = gateway.send(MAIN, "PUT", &format!("/{name}"), &[], b"").await;
        assert_eq!(refused.error(), (400, "InvalidBucketName"), "{name}");
    }
    let refused = gateway.send(MAIN, "PUT", "/", &[("host", "storage.s3.localhost")], b"").await;
    assert_eq!(refused.error(), (400, "InvalidBucketName"));
}

#[tokio::test]
async fn buckets_come_in_pages() {
    let gateway = Gateway::new();
    for name in ["a-1", "a-2", "b-1"] {
        gateway.send(MAIN, "PUT", &format!("/{name}"), &[], b"").await;
        gateway.send(ALT, "PUT", &format!("/alt-{name}"), &[], b"").await;
    }
    let first = gateway.send(MAIN, "GET", "/?max-buckets=2", &[], b"").await;
    assert_eq!(first.text().matches("<Bucket>").count(), 2);
    assert!(first.element("CreationDate").starts_with("2015-10-21T07:28:0"));
    assert_eq!(first.element("BucketRegion"), "us-east-1");
    let token = first.element("ContinuationToken").to_owned();
    let target = format!("/?max-buckets=2&continuation-token={token}");
    let second = gateway.send(MAIN, "GET", &target, &[], b"").await;
    assert_eq!((second.element("Name"), second.element("ContinuationToken")), ("b-1", ""));
    let stolen = gateway.send(ALT, "GET", &target, &[], b"").await;
    assert_eq!(stolen.error(), (400, "InvalidArgument"));

    let prefixed = gateway.send(MAIN, "GET", "/?prefix=b", &[], b"").await;
    assert_eq!((prefixed.element("Name"), prefixed.element("Prefix")), ("b-1", "b"));
    let foreign = gateway.send(MAIN, "GET", "/?bucket-region=mars-1", &[], b"").await;
    assert_eq!(foreign.element("Name"), "");
}

#[tokio::test]
async fn virtual_hosts_name_the_bucket() {
    let gateway = Gateway::new();
    let host = [("host", "b12.s3.localhost:9000")];
    assert_eq!(gateway.send(MAIN, "PUT", "/", &host, b"").await.status, 200);
    assert_eq!(gateway.send(MAIN, "PUT", "/b13/k", &host, b"x").await.status, 200);
    assert_eq!(gateway.send(MAIN, "GET", "/b12/b13/k", &[], b"").await.text(), "x");
    let service = gateway.send(MAIN, "GET", "/", &[("host", "s3.localhost")], b"").await;
    assert_eq!(service.element("Name"), "b12");
}

#[tokio::test]
async fn tags_come_with_the_bucket() {
    let gateway = Gateway::new();
    let body = b"<CreateBucketConfiguration><Tags><Tag><Key>k</Key><Value>v</Value></Tag></Tags>\
                 </CreateBucketConfiguration>";
    assert_eq!(gateway.send(MAIN, "PUT", "/b12", &[], body).await.status, 200);
    let tags = gateway.send(MAIN, "GET", "/b12?tagging", &[], b"").await;
    assert_eq!((tags.element("Key"), tags.element("Value")), ("k", "v"));
}

#[tokio::test]
async fn preflights_need_no_signature_and_find_no_configuration() {
    let gateway = Gateway::with_bucket().await;
    let asking = [("origin", "http://a.example"), ("access-control-request-method", "PUT")];
    let refused = gateway.send(NOBODY, "OPTIONS", "/b12/k", &asking, b"").await;
    assert_eq!(refused.error(), (403, "AccessForbidden"));
    assert!(refused.header("vary").contains("Origin"));
    assert_eq!(gateway.send(NOBODY, "OPTIONS", "/b12", &[], b"").await.status, 400);
}

#[tokio::test]
async fn a_bucket_in_a_host_name_of_an_unknown_domain_is_explained() {
    let gateway = Gateway::with_bucket().await;
    for (host, explained) in [
        ("b12.example.com", true),
        ("localhost:9000", false),
        ("s3.localhost", false),
        ("gateway", false),
        ("127.0.0.1:9000", false),
        ("[::1]:9000", false),
    ] {
        let answer = gateway.send(MAIN, "GET", "/key", &[("host", host)], b"").await;
        assert_eq!(answer.error(), (404, "NoSuchBucket"), "{host}");
        assert_eq!(answer.element("Message").contains("base domain"), explained, "{host}");
    }
    // The gateway's own name need not be configured for path-style requests.
    let path_style = [("host", "gateway.example.com")];
    assert_eq!(gateway.send(MAIN, "HEAD", "/b12", &path_style, b"").await.status, 200);
}
