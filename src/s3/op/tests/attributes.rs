use super::multipart::{complete, part, upload};
use crate::s3::testing::{Gateway, texts};

const ALL: (&str, &str) =
    ("x-amz-object-attributes", "ETag,Checksum,ObjectParts, StorageClass,ObjectSize");

#[tokio::test]
async fn an_object_of_one_put_has_no_parts() {
    let gateway = Gateway::new().await;
    let object = gateway.put("key", "body").await;
    let answer = gateway.ok("GET", "/bucket/key?attributes", &[ALL], "").await;
    assert_eq!(answer.header("last-modified"), Some("Wed, 21 Oct 2015 07:28:00 GMT"));
    assert_eq!(answer.header("x-amz-version-id"), None);
    let attributes = answer.xml("GetObjectAttributesResponse");
    assert_eq!(attributes.required_text("ETag"), Ok(object.etag.as_str()));
    assert_eq!(attributes.required_text("ObjectSize"), Ok("4"));
    assert_eq!(attributes.required_text("StorageClass"), Ok("STANDARD"));
    assert_eq!(texts(&attributes, "Checksum/ChecksumType"), ["FULL_OBJECT"]);
    assert_eq!(texts(&attributes, "Checksum/ChecksumCRC32").len(), 1);
    assert_eq!(attributes.child("ObjectParts"), Ok(None));
}

#[tokio::test]
async fn only_what_is_asked_for_is_shown() {
    let gateway = Gateway::new().await;
    gateway.put("key", "body").await;
    let one = [("x-amz-object-attributes", "ObjectSize")];
    let answer = gateway.ok("GET", "/bucket/key?attributes", &one, "").await;
    let attributes = answer.xml("GetObjectAttributesResponse");
    assert_eq!(attributes.required_text("ObjectSize"), Ok("4"));
    for absent in ["ETag", "Checksum", "StorageClass", "ObjectParts"] {
        assert_eq!(attributes.child(absent), Ok(None), "{absent}");
    }
    let two = [("x-amz-object-attributes", "ObjectSize"), ("x-amz-object-attributes", "ETag")];
    let answer = gateway.ok("GET", "/bucket/key?attributes", &two, "").await;
    assert!(answer.xml("GetObjectAttributesResponse").required("ETag").is_ok());
}

#[tokio::test]
async fn parts_are_listed_in_pages() {
    let gateway = Gateway::new().await;
    let id = upload(&gateway, "key", &[]).await;
    let body = vec![b'a'; 5 << 20];
    let mut parts = Vec::new();
    for number in [2, 4, 7] {
        parts.push(part(&gateway, "key", &id, number, &[], body.clone()).await);
    }
    complete(&gateway, "key", &id, &parts).await;

    let page = |max: &'static str, marker: &'static str| {
        let headers = [ALL, ("x-amz-max-parts", max), ("x-amz-part-number-marker", marker)];
        let gateway = &gateway;
        async move {
            let answer = gateway.ok("GET", "/bucket/key?attributes", &headers, "").await;
            let attributes = answer.xml("GetObjectAttributesResponse");
            assert!(attributes.required_text("ETag").unwrap().ends_with("-3"));
            attributes.required("ObjectParts").unwrap().clone()
        }
    };
    let first = page("2", "").await;
    assert_eq!(first.required_text("PartsCount"), Ok("3"));
    assert_eq!(first.required_text("PartNumberMarker"), Ok("0"));
    assert_eq!(first.required_text("NextPartNumberMarker"), Ok("2"));
    assert_eq!(first.required_text("MaxParts"), Ok("2"));
    assert_eq!(first.required_text("IsTruncated"), Ok("true"));
    assert_eq!(texts(&first, "Part/PartNumber"), ["1", "2"]);
    assert_eq!(texts(&first, "Part/Size"), ["5242880", "5242880"]);
    assert_eq!(texts(&first, "Part/ChecksumCRC64NVME").len(), 2);
    let second = page("2", "2").await;
    assert_eq!(texts(&second, "Part/PartNumber"), ["3"]);
    assert_eq!(second.required_text("IsTruncated"), Ok("false"));
}

#[tokio::test]
async fn unknown_or_no_attributes_and_missing_objects_are_errors() {
    let gateway = Gateway::new().await;
    gateway.put("key", "body").await;
    let invalid = (400, "InvalidArgument".to_owned());
    for headers in [
        &[][..],
        &[("x-amz-object-attributes", "")],
        &[("x-amz-object-attributes", "ETag,Colour")],
        &[("x-amz-object-attributes", "etag")],
        &[ALL, ("x-amz-max-parts", "-1")],
        &[ALL, ("x-amz-part-number-marker", "x")],
    ] {
        let refused = gateway.refused("GET", "/bucket/key?attributes", headers, "").await;
        assert_eq!(refused, invalid, "{headers:?}");
    }
    let missing = gateway.refused("GET", "/bucket/missing?attributes", &[ALL], "").await;
    assert_eq!(missing, (404, "NoSuchKey".to_owned()));
}
