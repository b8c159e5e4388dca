use bytes::Bytes;

use crate::auth::Role;
use crate::object::Algorithm;
use crate::object::percent::{self, Plus};
use crate::s3::testing::{Gateway, texts};

/// Starts an upload of a percent-encoded key in `bucket`: its id.
pub(super) async fn upload(gateway: &Gateway, key: &str, headers: &[(&str, &str)]) -> String {
    let answer = gateway.ok("POST", &format!("/bucket/{key}?uploads"), headers, "").await;
    let result = answer.xml("InitiateMultipartUploadResult");
    assert_eq!(result.required_text("Bucket"), Ok("bucket"));
    let decoded = percent::decode(key, Plus::Literal).unwrap();
    assert_eq!(result.required_text("Key"), Ok(decoded.as_str()));
    result.required_text("UploadId").unwrap().to_owned()
}

/// Uploads a part: its line of the completion's document.
pub(super) async fn part(
    gateway: &Gateway,
    key: &str,
    id: &str,
    number: u16,
    headers: &[(&str, &str)],
    body: impl Into<Bytes>,
) -> String {
    let target = format!("/bucket/{key}?uploadId={id}&partNumber={number}");
    let answer = gateway.ok("PUT", &target, headers, body).await;
    let etag = answer.header("etag").unwrap();
    format!("<Part><PartNumber>{number}</PartNumber><ETag>{etag}</ETag></Part>")
}

/// Completes an upload.
pub(super) async fn complete(gateway: &Gateway, key: &str, id: &str, parts: &[String]) {
    let body = document(parts);
    gateway.ok("POST", &format!("/bucket/{key}?uploadId={id}"), &[], body).await;
}

/// The completion's document.
pub(super) fn document(parts: &[String]) -> String {
    format!("<CompleteMultipartUpload>{}</CompleteMultipartUpload>", parts.concat())
}

fn refusal(status: u16, code: &str) -> (u16, String) {
    (status, code.to_owned())
}

#[tokio::test]
async fn the_checksum_choice_is_echoed_where_it_was_made() {
    let gateway = Gateway::new().await;
    let ask = |headers: Vec<(&'static str, &'static str)>| {
        let gateway = &gateway;
        async move { gateway.ok("POST", "/bucket/key?uploads", &headers, "").await }
    };
    let silent = ask(vec![]).await;
    assert_eq!(silent.header("x-amz-checksum-algorithm"), None);
    let crc = ask(vec![("x-amz-checksum-algorithm", "crc32")]).await;
    assert_eq!(crc.header("x-amz-checksum-algorithm"), Some("CRC32"));
    assert_eq!(crc.header("x-amz-checksum-type"), Some("COMPOSITE"));
    let full = [("x-amz-checksum-algorithm", "CRC32C"), ("x-amz-checksum-type", "full_object")];
    let full = ask(full.to_vec()).await;
    assert_eq!(full.header("x-amz-checksum-type"), Some("FULL_OBJECT"));
    for headers in [
        &[("x-amz-checksum-type", "COMPOSITE")][..],
        &[("x-amz-checksum-algorithm", "MD5")],
        &[("x-amz-checksum-algorithm", "SHA1"), ("x-amz-checksum-type", "FULL_OBJECT")],
        &[("x-amz-checksum-algorithm", "CRC64NVME"), ("x-amz-checksum-type", "COMPOSITE")],
        &[("x-amz-checksum-algorithm", "CRC32"), ("x-amz-checksum-type", "HALF")],
    ] {
        let refused = gateway.refused("POST", "/bucket/key?uploads", headers, "").await;
        assert_eq!(refused, refusal(400, "InvalidRequest"), "{headers:?}");
    }
}

#[tokio::test]
async fn a_part_echoes_its_tag_and_checksum() {
    let gateway = Gateway::new().await;
    let id = upload(&gateway, "key", &[]).await;
    let target = format!("/bucket/key?partNumber=1&uploadId={id}");
    let crc = Algorithm::Crc32.digest(b"body").to_base64();
    let answer = gateway.ok("PUT", &target, &[("x-amz-checksum-crc32", &crc)], "body").await;
    assert_eq!(answer.header("etag"), Some("\"841a2d689ad86bd1611447453c22c6fc\""));
    assert_eq!(answer.header("x-amz-checksum-crc32"), Some(crc.as_str()));
    let wrong = gateway.refused("PUT", &target, &[("x-amz-checksum-crc32", &crc)], "else").await;
    assert_eq!(wrong, refusal(400, "BadDigest"));
    let wrong = [("content-md5", "1B2M2Y8AsgTpgAmY7PhCfg==")];
    let wrong = gateway.refused("PUT", &target, &wrong, "body").await;
    assert_eq!(wrong, refusal(400, "BadDigest"));
}

#[tokio::test]
async fn a_part_fits_the_checksum_of_its_upload() {
    let gateway = Gateway::new().await;
    let composite = upload(&gateway, "key", &[("x-amz-checksum-algorithm", "SHA256")]).await;
    let target = format!("/bucket/key?partNumber=1&uploadId={composite}");
    let crc = Algorithm::Crc32.digest(b"body").to_base64();
    let other = gateway.refused("PUT", &target, &[("x-amz-checksum-crc32", &crc)], "body").await;
    assert_eq!(other, refusal(400, "InvalidRequest"));
    let none = gateway.refused("PUT", &target, &[], "body").await;
    assert_eq!(none, refusal(400, "InvalidRequest"));
    let sha = Algorithm::Sha256.digest(b"body").to_base64();
    gateway.ok("PUT", &target, &[("x-amz-checksum-sha256", &sha)], "body").await;

    let full = [("x-amz-checksum-algorithm", "CRC32"), ("x-amz-checksum-type", "FULL_OBJECT")];
    let full = upload(&gateway, "key", &full).await;
    let target = format!("/bucket/key?partNumber=1&uploadId={full}");
    let answer = gateway.ok("PUT", &target, &[], "body").await;
    assert_eq!(answer.header("x-amz-checksum-crc32"), Some(crc.as_str()));
}

#[tokio::test]
async fn numbers_and_uploads_are_checked() {
    let gateway = Gateway::new().await;
    let id = upload(&gateway, "key", &[]).await;
    for number in ["0", "10001", "-1", "x", ""] {
        let target = format!("/bucket/key?partNumber={number}&uploadId={id}");
        let refused = gateway.refused("PUT", &target, &[], "body").await;
        assert_eq!(refused, refusal(400, "InvalidArgument"), "{number}");
    }
    for target in [
        "/bucket/key?partNumber=1&uploadId=unknown".to_owned(),
        "/bucket/key?partNumber=1&uploadId=".to_owned(),
        format!("/bucket/other?partNumber=1&uploadId={id}"),
    ] {
        let refused = gateway.refused("PUT", &target, &[], "body").await;
        assert_eq!(refused, refusal(404, "NoSuchUpload"), "{target}");
    }
    part(&gateway, "key", &id, 10_000, &[], "body").await;
}

#[tokio::test]
async fn aborting_removes_an_upload_once() {
    let gateway = Gateway::new().await;
    let id = upload(&gateway, "key", &[]).await;
    part(&gateway, "key", &id, 1, &[], "body").await;
    let target = format!("/bucket/key?uploadId={id}");
    assert_eq!(gateway.ok("DELETE", &target, &[], "").await.status, 204);
    let gone = refusal(404, "NoSuchUpload");
    assert_eq!(gateway.refused("DELETE", &target, &[], "").await, gone);
    assert_eq!(gateway.refused("GET", &target, &[], "").await, gone);
}

#[tokio::test]
async fn parts_are_listed_in_pages_with_all_they_have() {
    let gateway = Gateway::new().await;
    let headers = [("x-amz-checksum-algorithm", "CRC32"), ("x-amz-storage-class", "STANDARD_IA")];
    let id = upload(&gateway, "key", &headers).await;
    let crc = Algorithm::Crc32.digest(b"body").to_base64();
    for number in [1, 3, 5] {
        part(&gateway, "key", &id, number, &[("x-amz-checksum-crc32", &crc)], "body").await;
    }
    let page = |query: &'static str| {
        let (gateway, id) = (&gateway, &id);
        async move {
            let target = format!("/bucket/key?uploadId={id}{query}");
            gateway.ok("GET", &target, &[], "").await.xml("ListPartsResult")
        }
    };
    let all = page("").await;
    assert_eq!(all.required_text("Bucket"), Ok("bucket"));
    assert_eq!(all.required_text("Key"), Ok("key"));
    assert_eq!(all.required_text("UploadId"), Ok(id.as_str()));
    assert_eq!(texts(&all, "Initiator/ID"), ["alice"]);
    assert_eq!(texts(&all, "Owner/DisplayName"), ["alice's name"]);
    assert_eq!(all.required_text("StorageClass"), Ok("STANDARD_IA"));
    assert_eq!(all.required_text("ChecksumAlgorithm"), Ok("CRC32"));
    assert_eq!(all.required_text("ChecksumType"), Ok("COMPOSITE"));
    assert_eq!(all.required_text("MaxParts"), Ok("1000"));
    assert_eq!(all.required_text("IsTruncated"), Ok("false"));
    assert_eq!(all.required_text("NextPartNumberMarker"), Ok("5"));
    assert_eq!(texts(&all, "Part/PartNumber"), ["1", "3", "5"]);
    assert_eq!(texts(&all, "Part/Size"), ["4", "4", "4"]);
    assert_eq!(texts(&all, "Part/ChecksumCRC32"), [crc.as_str(); 3]);
    let some = page("&max-parts=1&part-number-marker=1").await;
    assert_eq!(texts(&some, "Part/PartNumber"), ["3"]);
    assert_eq!(some.required_text("PartNumberMarker"), Ok("1"));
    assert_eq!(some.required_text("NextPartNumberMarker"), Ok("3"));
    assert_eq!(some.required_text("IsTruncated"), Ok("true"));
    for query in ["max-parts=-1", "max-parts=x", "part-number-marker=-1"] {
        let target = format!("/bucket/key?uploadId={id}&{query}");
        let refused = gateway.refused("GET", &target, &[], "").await;
        assert_eq!(refused, refusal(400, "InvalidArgument"), "{query}");
    }
}

#[tokio::test]
async fn uploads_are_listed_in_pages_and_never_among_objects() {
    let gateway = Gateway::new().await;
    let first = upload(&gateway, "a", &[("x-amz-checksum-algorithm", "SHA1")]).await;
    let second = upload(&gateway, "a", &[]).await;
    upload(&gateway, "d/e", &[]).await;
    upload(&gateway, "d/f", &[]).await;
    let list = |query: String| {
        let gateway = &gateway;
        async move {
            let target = format!("/bucket?uploads&{query}");
            gateway.ok("GET", &target, &[], "").await.xml("ListMultipartUploadsResult")
        }
    };
    let all = list("delimiter=/&encoding-type=url".to_owned()).await;
    assert_eq!(all.required_text("Bucket"), Ok("bucket"));
    assert_eq!(texts(&all, "Upload/Key"), ["a", "a"]);
    let mut ids = texts(&all, "Upload/UploadId");
    let listed = ids.clone();
    ids.sort();
    assert_eq!(ids, {
        let mut both = [first, second];
        both.sort();
        both
    });
    assert_eq!(texts(&all, "Upload/Initiator/ID"), ["alice", "alice"]);
    assert_eq!(texts(&all, "Upload/Owner/ID"), ["alice", "alice"]);
    assert_eq!(texts(&all, "Upload/StorageClass"), ["STANDARD", "STANDARD"]);
    assert_eq!(texts(&all, "Upload/ChecksumAlgorithm"), ["SHA1"]);
    assert_eq!(texts(&all, "Upload/Initiated"), ["2015-10-21T07:28:00.000Z"; 2]);
    assert_eq!(texts(&all, "CommonPrefixes/Prefix"), ["d/"]);
    assert_eq!(all.required_text("IsTruncated"), Ok("false"));

    let one = list("max-uploads=1".to_owned()).await;
    assert_eq!(texts(&one, "Upload/UploadId"), listed[..1]);
    assert_eq!(one.required_text("NextKeyMarker"), Ok("a"));
    assert_eq!(one.required_text("NextUploadIdMarker"), Ok(listed[0].as_str()));
    let rest = list(format!("key-marker=a&upload-id-marker={}", listed[0])).await;
    assert_eq!(texts(&rest, "Upload/Key"), ["a", "d/e", "d/f"]);
    assert_eq!(texts(&rest, "Upload/UploadId")[0], listed[1]);
    let after = list("key-marker=a&prefix=d/".to_owned()).await;
    assert_eq!(texts(&after, "Upload/Key"), ["d/e", "d/f"]);

    for query in ["max-uploads=-1", "max-uploads=x", "encoding-type=x"] {
        let refused = gateway.refused("GET", &format!("/bucket?uploads&{query}"), &[], "").await;
        assert_eq!(refused, refusal(400, "InvalidArgument"), "{query}");
    }
    let objects = gateway.ok("GET", "/bucket", &[], "").await.xml("ListBucketResult");
    assert!(texts(&objects, "Contents/Key").is_empty());
}

#[tokio::test]
async fn a_part_is_copied_whole_or_in_a_range() {
    let gateway = Gateway::new().await;
    gateway.put("source", "0123456789").await;
    let id = upload(&gateway, "key", &[("x-amz-checksum-algorithm", "CRC64NVME")]).await;
    let copy = |range: Option<&'static str>| {
        let target = format!("/bucket/key?partNumber=1&uploadId={id}");
        let mut headers = vec![("x-amz-copy-source", "/bucket/source")];
        headers.extend(range.map(|range| ("x-amz-copy-source-range", range)));
        let gateway = &gateway;
        async move { gateway.ask("PUT", &target, &headers, "").await }
    };
    let whole = copy(None).await.xml("CopyPartResult");
    assert_eq!(whole.required_text("ETag"), Ok("\"781e5e245d69b566979b86e28d23f2c7\""));
    assert_eq!(whole.required_text("LastModified"), Ok("2015-10-21T07:28:00.000Z"));
    let crc = Algorithm::Crc64Nvme.digest(b"234").to_base64();
    let some = copy(Some("bytes=2-4")).await.xml("CopyPartResult");
    assert_eq!(some.required_text("ChecksumCRC64NVME"), Ok(crc.as_str()));
    for (range, status, code) in [
        ("bytes=0-10", 416, "InvalidRange"),
        ("bytes=10-10", 416, "InvalidRange"),
        ("bytes=4-2", 400, "InvalidArgument"),
        ("bytes=1-", 400, "InvalidArgument"),
        ("bytes=-1", 400, "InvalidArgument"),
        ("0-1", 400, "InvalidArgument"),
        ("", 400, "InvalidArgument"),
    ] {
        let refused = copy(Some(range)).await;
        assert_eq!(refused.status, status, "{range}");
        let error = refused.xml("Error");
        assert_eq!(error.required_text("Code"), Ok(code), "{range}");
    }
}

#[tokio::test]
async fn a_copied_part_needs_its_source_and_upload() {
    let gateway = Gateway::new().await;
    gateway.put("source", "body").await;
    let id = upload(&gateway, "key", &[]).await;
    let target = format!("/bucket/key?partNumber=1&uploadId={id}");
    let unknown = "/bucket/key?partNumber=1&uploadId=unknown".to_owned();
    let none_match = ("x-amz-copy-source-if-none-match", "*");
    for (target, source, condition, expected) in [
        (&target, "bucket/missing", None, (404, "NoSuchKey")),
        (&target, "missing/source", None, (404, "NoSuchBucket")),
        (&target, "bucket", None, (400, "InvalidArgument")),
        (&unknown, "bucket/source", None, (404, "NoSuchUpload")),
        (&target, "bucket/source", Some(none_match), (412, "PreconditionFailed")),
    ] {
        let mut headers = vec![("x-amz-copy-source", source)];
        headers.extend(condition);
        let refused = gateway.refused("PUT", target, &headers, "").await;
        assert_eq!(refused, refusal(expected.0, expected.1), "{source}");
    }
    let bob = gateway.asked_by("bob", Role::ReadWrite);
    bob.put_bucket("bobs").await;
    let refused = gateway.refused("PUT", &target, &[("x-amz-copy-source", "bobs/x")], "").await;
    assert_eq!(refused, refusal(403, "AccessDenied"));
}

#[tokio::test]
async fn a_copied_part_takes_a_whole_key_or_none() {
    let gateway = Gateway::new().await;
    gateway.put("source", "body").await;
    let id = upload(&gateway, "key", &[]).await;
    let target = format!("/bucket/key?partNumber=1&uploadId={id}");
    let customer = ("x-amz-server-side-encryption-customer-algorithm", "AES256");
    let headers = [("x-amz-copy-source", "/bucket/source"), customer];
    let refused = gateway.refused("PUT", &target, &headers, "").await;
    assert_eq!(refused, (400, "InvalidArgument".to_owned()));
}
