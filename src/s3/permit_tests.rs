use super::*;
use crate::s3::header::tests::head;
use crate::s3::route::route;

fn needs(method: &str, target: &str, headers: &[(&str, &str)]) -> String {
    let head = head(method, target, headers);
    let permit = Permit::of(route(&head).unwrap(), &head);
    let names = |actions: &[Action]| {
        actions
            .iter()
            .map(|action| action.name().trim_start_matches("s3:"))
            .collect::<Vec<_>>()
            .join("+")
    };
    match names(&permit.extras) {
        extras if extras.is_empty() => names(&permit.actions),
        extras => format!("{} extra {extras}", names(&permit.actions)),
    }
}

#[test]
fn operations_need_the_actions_of_the_reference() {
    for (method, target, expected) in [
        ("GET", "/", "ListAllMyBuckets"),
        ("PUT", "/b12", "CreateBucket"),
        ("HEAD", "/b12", "ListBucket"),
        ("GET", "/b12", "ListBucket"),
        ("GET", "/b12?list-type=2", "ListBucket"),
        ("GET", "/b12?versions", "ListBucketVersions"),
        ("GET", "/b12?uploads", "ListBucketMultipartUploads"),
        ("GET", "/b12?location", "GetBucketLocation"),
        ("GET", "/b12?tagging", "GetBucketTagging"),
        ("PUT", "/b12?tagging", "PutBucketTagging"),
        ("DELETE", "/b12?tagging", "PutBucketTagging"),
        ("GET", "/b12?acl", "GetBucketAcl"),
        ("GET", "/b12?policy", "GetBucketPolicy"),
        ("GET", "/b12?policyStatus", "GetBucketPolicyStatus"),
        ("PUT", "/b12?policy", "PutBucketPolicy"),
        ("PUT", "/b12?acl", "PutBucketAcl"),
        ("PUT", "/b12?publicAccessBlock", "PutBucketPublicAccessBlock"),
        ("PUT", "/b12?ownershipControls", "PutBucketOwnershipControls"),
        ("PUT", "/b12?cors", "PutBucketCORS"),
        ("DELETE", "/b12?website", "DeleteBucketWebsite"),
        ("DELETE", "/b12?policy", "DeleteBucketPolicy"),
        ("GET", "/b12?publicAccessBlock", "GetBucketPublicAccessBlock"),
        ("DELETE", "/b12?publicAccessBlock", "PutBucketPublicAccessBlock"),
        ("GET", "/b12?ownershipControls", "GetBucketOwnershipControls"),
        ("GET", "/b12?versioning", "GetBucketVersioning"),
        ("DELETE", "/b12", "DeleteBucket"),
        ("POST", "/b12?delete", ""),
        ("GET", "/b12/k", "GetObject"),
        ("GET", "/b12/k?versionId=null", "GetObjectVersion"),
        ("HEAD", "/b12/k", "GetObject"),
        ("GET", "/b12/k?attributes", "GetObject+GetObjectAttributes"),
        ("GET", "/b12/k?attributes&versionId=null", "GetObjectVersion+GetObjectVersionAttributes"),
        ("GET", "/b12/k?tagging", "GetObjectTagging"),
        ("PUT", "/b12/k?tagging", "PutObjectTagging"),
        ("PUT", "/b12/k?tagging&versionId=null", "PutObjectVersionTagging"),
        ("DELETE", "/b12/k?tagging", "DeleteObjectTagging"),
        ("GET", "/b12/k?acl", "GetObjectAcl"),
        ("PUT", "/b12/k?acl", "PutObjectAcl"),
        ("PUT", "/b12/k", "PutObject"),
        ("DELETE", "/b12/k", "DeleteObject"),
        ("DELETE", "/b12/k?versionId=null", "DeleteObjectVersion"),
        ("POST", "/b12/k?uploads", "PutObject"),
        ("PUT", "/b12/k?partNumber=1&uploadId=u", "PutObject"),
        ("POST", "/b12/k?uploadId=u", "PutObject"),
        ("GET", "/b12/k?uploadId=u", "ListMultipartUploadParts"),
        ("DELETE", "/b12/k?uploadId=u", "AbortMultipartUpload"),
        ("PUT", "/b12/k?retention", "PutObjectRetention"),
        ("PUT", "/b12?replication", "PutReplicationConfiguration"),
        ("POST", "/b12/k?restore", "PutObject"),
        ("OPTIONS", "/b12/k", ""),
    ] {
        assert_eq!(needs(method, target, &[]), expected, "{method} {target}");
    }
}

#[test]
fn headers_of_a_new_object_need_more() {
    let put = |headers: &[(&str, &str)]| needs("PUT", "/b12/k", headers);
    assert_eq!(put(&[("x-amz-tagging", "a=b")]), "PutObject extra PutObjectTagging");
    assert_eq!(put(&[("x-amz-acl", "public-read")]), "PutObject extra PutObjectAcl");
    assert_eq!(put(&[("x-amz-grant-read", "id=x")]), "PutObject extra PutObjectAcl");
    let copy = [("x-amz-copy-source", "b/k"), ("x-amz-acl", "private")];
    assert_eq!(put(&copy), "PutObject extra PutObjectAcl");
    let bucket = [("x-amz-object-ownership", "ObjectWriter"), ("x-amz-acl", "public-read")];
    let both = "CreateBucket extra PutBucketOwnershipControls+PutBucketAcl";
    assert_eq!(needs("PUT", "/b12", &bucket), both);
}

#[test]
fn listings_reach_what_begins_with_their_prefix() {
    let reach_of = |target: &str| {
        let head = head("GET", target, &[]);
        format!("{:?}", reach(route(&head).unwrap(), &head))
    };
    assert_eq!(reach_of("/b12?prefix=a%2F"), "Prefix(\"a/\")");
    assert_eq!(reach_of("/b12"), "Prefix(\"\")");
    assert_eq!(reach_of("/b12?uploads&prefix=a"), "Prefix(\"a\")");
    assert_eq!(reach_of("/b12?location"), "Nothing");
    assert_eq!(reach_of("/b12?policy"), "Everything");
}
