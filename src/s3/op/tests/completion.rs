use super::multipart::{document, part, upload};
use crate::object::{Algorithm, ChecksumValue};
use crate::s3::testing::{Gateway, texts};

const FIVE_MIB: usize = 5 << 20;

fn refusal(status: u16, code: &str) -> (u16, String) {
    (status, code.to_owned())
}

fn line(number: i64, etag: &str) -> String {
    format!("<Part><PartNumber>{number}</PartNumber><ETag>{etag}</ETag></Part>")
}

async fn refused(
    gateway: &Gateway,
    id: &str,
    headers: &[(&str, &str)],
    parts: &[String],
) -> (u16, String) {
    let target = format!("/bucket/key?uploadId={id}");
    gateway.refused("POST", &target, headers, document(parts)).await
}

#[tokio::test]
async fn parts_become_an_object_with_what_the_creation_said() {
    let gateway = Gateway::new().await;
    let headers = [("x-amz-meta-color", "blue"), ("x-amz-tagging", "a=1"), ("content-type", "x/y")];
    let id = upload(&gateway, "a/k%20y", &headers).await;
    let first = part(&gateway, "a/k%20y", &id, 1, &[], vec![b'a'; FIVE_MIB]).await;
    let ignored = [("x-amz-meta-color", "red")];
    let second = part(&gateway, "a/k%20y", &id, 9, &ignored, "tail").await;
    part(&gateway, "a/k%20y", &id, 10, &[], "discarded").await;
    let target = format!("/bucket/a/k%20y?uploadId={id}");
    let body = document(&[first, second]);
    let answer = gateway.ok("POST", &target, &[], body.clone()).await;
    let result = answer.xml("CompleteMultipartUploadResult");
    assert_eq!(result.required_text("Location"), Ok("http://localhost/bucket/a/k%20y"));
    assert_eq!(result.required_text("Bucket"), Ok("bucket"));
    assert_eq!(result.required_text("Key"), Ok("a/k y"));
    let etag = result.required_text("ETag").unwrap();
    assert!(etag.ends_with("-2\""), "{etag}");
    assert_eq!(result.required_text("ChecksumType"), Ok("FULL_OBJECT"));
    assert!(result.required_text("ChecksumCRC64NVME").is_ok());

    let object = gateway.info("a/k y").await;
    assert_eq!(object.etag.quoted(), etag);
    assert_eq!(object.size, FIVE_MIB as u64 + 4);
    assert_eq!(object.metadata.user.0["color"], "blue");
    assert_eq!(object.metadata.headers.content_type.as_deref(), Some("x/y"));
    assert_eq!(object.tag_count, 1);
    let again = gateway.ok("POST", &target, &[], body).await;
    assert_eq!(again.xml("CompleteMultipartUploadResult").required_text("ETag"), Ok(etag));
    let uploads = gateway.ok("GET", "/bucket?uploads", &[], "").await;
    assert!(texts(&uploads.xml("ListMultipartUploadsResult"), "Upload/Key").is_empty());
}

#[tokio::test]
async fn a_list_that_does_not_fit_is_refused() {
    let gateway = Gateway::new().await;
    let id = upload(&gateway, "key", &[]).await;
    let one = part(&gateway, "key", &id, 1, &[], "small").await;
    let two = part(&gateway, "key", &id, 2, &[], "body").await;
    let etag = "841a2d689ad86bd1611447453c22c6fc";
    for (parts, code) in [
        (vec![two.clone(), one.clone()], "InvalidPartOrder"),
        (vec![two.clone(), two.clone()], "InvalidPartOrder"),
        (vec![line(3, etag)], "InvalidPart"),
        (vec![line(1, etag)], "InvalidPart"),
        (vec![line(2, "")], "InvalidPart"),
        (vec![line(10_001, etag)], "InvalidPart"),
        (vec![line(0, etag)], "InvalidArgument"),
        (vec![line(-1, etag)], "InvalidArgument"),
        (vec![one.clone(), two.clone()], "EntityTooSmall"),
        (vec![], "MalformedXML"),
        (vec!["<Part><PartNumber>1</PartNumber></Part>".to_owned()], "MalformedXML"),
        (vec!["<Part><ETag>x</ETag></Part>".to_owned()], "MalformedXML"),
    ] {
        let refused = refused(&gateway, &id, &[], &parts).await;
        assert_eq!(refused, refusal(400, code), "{parts:?}");
    }
    let target = format!("/bucket/key?uploadId={id}");
    for body in ["", "text", "<Complete/>"] {
        let refused = gateway.refused("POST", &target, &[], body).await;
        assert_eq!(refused, refusal(400, "MalformedXML"), "{body}");
    }
    let unknown = refused(&gateway, "unknown", &[], std::slice::from_ref(&two)).await;
    assert_eq!(unknown, refusal(404, "NoSuchUpload"));
    // Every form of the tag is the same tag.
    let body = document(&[line(2, &format!("&quot;{etag}&quot;"))]);
    gateway.ok("POST", &target, &[], body).await;
}

#[tokio::test]
async fn a_composite_checksum_is_compared_part_by_part_and_as_a_whole() {
    let gateway = Gateway::new().await;
    let id = upload(&gateway, "key", &[("x-amz-checksum-algorithm", "SHA256")]).await;
    let digest = Algorithm::Sha256.digest(b"body");
    let value = digest.to_base64();
    let plain = part(&gateway, "key", &id, 1, &[("x-amz-checksum-sha256", &value)], "body").await;
    let with = |value: &str| {
        plain.replace("</Part>", &format!("<ChecksumSHA256>{value}</ChecksumSHA256></Part>"))
    };
    let whole = Algorithm::Sha256.digest(&digest.digest).to_base64();
    let other = Algorithm::Sha256.digest(b"else").to_base64();
    let named = |text: &str| format!("{whole}{text}");
    let good = with(&value);
    for (parts, checksum, code) in [
        (plain.clone(), named("-1"), "InvalidRequest"),
        (plain.clone(), "bad".to_owned(), "BadDigest"),
        (with(&other), named("-1"), "InvalidPart"),
        (with("bad"), named("-1"), "InvalidPart"),
        (good.clone(), "bad".to_owned(), "BadDigest"),
        (good.clone(), format!("{other}-1"), "BadDigest"),
        (good.clone(), named("-2"), "BadDigest"),
    ] {
        let headers = [("x-amz-checksum-sha256", checksum.as_str())];
        let refused = refused(&gateway, &id, &headers, &[parts]).await;
        assert_eq!(refused, refusal(400, code), "{checksum}");
    }
    let kind = [("x-amz-checksum-type", "FULL_OBJECT")];
    let kind = refused(&gateway, &id, &kind, std::slice::from_ref(&good)).await;
    assert_eq!(kind, refusal(400, "InvalidRequest"));
    let headers = [("x-amz-checksum-sha256", &*named("-1")), ("x-amz-checksum-type", "COMPOSITE")];
    let target = format!("/bucket/key?uploadId={id}");
    let result = gateway.ok("POST", &target, &headers, document(&[good])).await;
    let result = result.xml("CompleteMultipartUploadResult");
    assert_eq!(result.required_text("ChecksumSHA256"), Ok(named("-1").as_str()));
    assert_eq!(result.required_text("ChecksumType"), Ok("COMPOSITE"));
}

#[tokio::test]
async fn composite_parts_are_numbered_without_gaps() {
    let gateway = Gateway::new().await;
    let id = upload(&gateway, "key", &[("x-amz-checksum-algorithm", "CRC32")]).await;
    let value = Algorithm::Crc32.digest(b"body").to_base64();
    let headers = [("x-amz-checksum-crc32", value.as_str())];
    let plain = part(&gateway, "key", &id, 2, &headers, "body").await;
    let line = plain.replace("</Part>", &format!("<ChecksumCRC32>{value}</ChecksumCRC32></Part>"));
    let gap = refused(&gateway, &id, &[], &[line]).await;
    assert_eq!(gap, refusal(400, "InvalidPartOrder"));
}

#[tokio::test]
async fn a_full_object_checksum_is_that_of_the_content() {
    let gateway = Gateway::new().await;
    let choice = [("x-amz-checksum-algorithm", "CRC32"), ("x-amz-checksum-type", "FULL_OBJECT")];
    let id = upload(&gateway, "key", &choice).await;
    let first = part(&gateway, "key", &id, 1, &[], vec![b'a'; FIVE_MIB]).await;
    let second = part(&gateway, "key", &id, 2, &[], "tail").await;
    let content = [vec![b'a'; FIVE_MIB], b"tail".to_vec()].concat();
    let value: ChecksumValue = Algorithm::Crc32.digest(&content);
    let parts = [first, second];
    let wrong = refused(&gateway, &id, &[("x-amz-checksum-crc32", "AAAAAA==")], &parts).await;
    assert_eq!(wrong, refusal(400, "BadDigest"));
    let several = [("x-amz-checksum-crc32", "AAAAAA=="), ("x-amz-checksum-sha1", "AAAAAA==")];
    let several = refused(&gateway, &id, &several, &parts).await;
    assert_eq!(several, refusal(400, "InvalidRequest"));
    let target = format!("/bucket/key?uploadId={id}");
    let headers = [("x-amz-checksum-crc32", value.to_base64())];
    let headers = headers.each_ref().map(|(name, value)| (*name, value.as_str()));
    let result = gateway.ok("POST", &target, &headers, document(&parts)).await;
    let result = result.xml("CompleteMultipartUploadResult");
    assert_eq!(result.required_text("ChecksumCRC32"), Ok(value.to_base64().as_str()));
    assert_eq!(result.required_text("ChecksumType"), Ok("FULL_OBJECT"));
}

#[tokio::test]
async fn the_size_given_must_be_the_size_there_is() {
    let gateway = Gateway::new().await;
    let id = upload(&gateway, "key", &[]).await;
    let parts = [part(&gateway, "key", &id, 1, &[], "body").await];
    for size in ["5", "-4", "x", ""] {
        let refused = refused(&gateway, &id, &[("x-amz-mp-object-size", size)], &parts).await;
        assert_eq!(refused, refusal(400, "InvalidRequest"), "{size}");
    }
    let target = format!("/bucket/key?uploadId={id}");
    gateway.ok("POST", &target, &[("x-amz-mp-object-size", "4")], document(&parts)).await;
}

#[tokio::test]
async fn conditions_hold_as_for_any_write() {
    let gateway = Gateway::new().await;
    let absent = [("if-none-match", "*")];
    let id = upload(&gateway, "key", &[]).await;
    let parts = [part(&gateway, "key", &id, 1, &[], "").await];
    let missing = refused(&gateway, &id, &[("if-match", "\"x\"")], &parts).await;
    assert_eq!(missing, refusal(404, "NoSuchKey"));
    let target = format!("/bucket/key?uploadId={id}");
    gateway.ok("POST", &target, &absent, document(&parts)).await;
    let etag = gateway.info("key").await.etag.quoted();

    let id = upload(&gateway, "key", &[]).await;
    let parts = [part(&gateway, "key", &id, 1, &[], "new").await];
    let exists = refused(&gateway, &id, &absent, &parts).await;
    assert_eq!(exists, refusal(412, "PreconditionFailed"));
    let other = refused(&gateway, &id, &[("if-match", "\"x\"")], &parts).await;
    assert_eq!(other, refusal(412, "PreconditionFailed"));
    let tags = refused(&gateway, &id, &[("if-none-match", "\"x\"")], &parts).await;
    assert_eq!(tags, refusal(501, "NotImplemented"));
    let target = format!("/bucket/key?uploadId={id}");
    gateway.ok("POST", &target, &[("if-match", &etag)], document(&parts)).await;
    assert_eq!(gateway.info("key").await.size, 3);
}

#[tokio::test]
async fn a_part_of_the_object_is_read_with_its_own_checksum_and_the_objects_kind() {
    let gateway = Gateway::new().await;
    let id = upload(&gateway, "key", &[("x-amz-checksum-algorithm", "SHA1")]).await;
    let value = Algorithm::Sha1.digest(b"body").to_base64();
    let headers = [("x-amz-checksum-sha1", value.as_str())];
    let plain = part(&gateway, "key", &id, 1, &headers, "body").await;
    let line = plain.replace("</Part>", &format!("<ChecksumSHA1>{value}</ChecksumSHA1></Part>"));
    let target = format!("/bucket/key?uploadId={id}");
    gateway.ok("POST", &target, &[], document(&[line])).await;
    let mode = [("x-amz-checksum-mode", "ENABLED")];
    let read = gateway.ok("GET", "/bucket/key?partNumber=1", &mode, "").await;
    assert_eq!(read.header("x-amz-checksum-sha1"), Some(value.as_str()));
    assert_eq!(read.header("x-amz-checksum-type"), Some("COMPOSITE"));
}

#[tokio::test]
async fn the_document_is_compared_with_its_own_digest() {
    let gateway = Gateway::new().await;
    let id = upload(&gateway, "key", &[]).await;
    let body = document(&[part(&gateway, "key", &id, 1, &[], "body").await]);
    let target = format!("/bucket/key?uploadId={id}");
    for (md5, code) in [("1B2M2Y8AsgTpgAmY7PhCfg==", "BadDigest"), ("x", "InvalidDigest")] {
        let headers = [("content-md5", md5)];
        let refused = gateway.refused("POST", &target, &headers, body.clone()).await;
        assert_eq!(refused, refusal(400, code));
    }
    let answer = gateway.ask_with_md5("POST", &target, &body).await;
    answer.xml("CompleteMultipartUploadResult");
}

#[tokio::test]
async fn an_empty_part_is_read_without_a_range_that_names_bytes() {
    let gateway = Gateway::new().await;
    let id = upload(&gateway, "key", &[]).await;
    let parts = [part(&gateway, "key", &id, 1, &[], "").await];
    gateway.ok("POST", &format!("/bucket/key?uploadId={id}"), &[], document(&parts)).await;
    let read = gateway.ok("GET", "/bucket/key?partNumber=1", &[], "").await;
    assert_eq!((read.status.as_u16(), read.header("content-range")), (200, None));
    assert_eq!(read.header("content-length"), Some("0"));
    assert_eq!(read.header("x-amz-mp-parts-count"), Some("1"));
}
