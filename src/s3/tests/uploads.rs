use std::task::{Context, Poll};

use bytes::Bytes;

use super::{Answer, Gateway, MAIN};
use crate::body::{BodyError, Digests, Payload, Source};

/// MD5 of `hello`, in base64.
const MD5: &str = "XUFAKrxLKna5cZ2REBfFkg==";
const STREAMING: (&str, &str) = ("x-amz-content-sha256", "STREAMING-UNSIGNED-PAYLOAD-TRAILER");

async fn put(gateway: &Gateway, headers: &[(&str, &str)], body: &[u8]) -> Answer {
    gateway.send(MAIN, "PUT", "/b12/k", headers, body).await
}

async fn is_absent(gateway: &Gateway) -> bool {
    gateway.send(MAIN, "HEAD", "/b12/k", &[], b"").await.status == 404
}

/// A body that must not be read: reading it is a fault of the program.
struct Untouchable;

impl Source for Untouchable {
    fn poll_chunk(&mut self, _: &mut Context<'_>) -> Poll<Option<Result<Bytes, BodyError>>> {
        panic!("the body was read");
    }

    fn digests(&self) -> Option<&Digests> {
        None
    }

    fn trailer(&self, _: &str) -> Option<&str> {
        None
    }
}

async fn put_unread(gateway: &Gateway, length: Option<u64>, headers: &[(&str, &str)]) -> Answer {
    let body = Payload::new(length, Untouchable);
    gateway.send_payload(MAIN, "PUT", "/b12/k", headers, body).await
}

#[tokio::test]
async fn right_digests_are_accepted() {
    let gateway = Gateway::with_bucket().await;
    for headers in [
        &[("content-md5", MD5)][..],
        &[("x-amz-checksum-crc32", "NhCmhg=="), ("x-amz-sdk-checksum-algorithm", "CRC32")],
        &[("x-amz-checksum-sha1", "qvTGHdzF6KLavt4PO0gs2a6pQ00=")],
        &[("content-md5", MD5), ("x-amz-checksum-crc32", "NhCmhg==")],
        &[(
            "x-amz-content-sha256",
            "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824",
        )],
    ] {
        assert_eq!(put(&gateway, headers, b"hello").await.status, 200, "{headers:?}");
    }
}

#[tokio::test]
async fn wrong_digests_store_nothing() {
    let gateway = Gateway::with_bucket().await;
    let zeros = "0".repeat(64);
    for (headers, code) in [
        (&[("content-md5", "1B2M2Y8AsgTpgAmY7PhCfg==")][..], "BadDigest"),
        (&[("x-amz-checksum-crc32", "AAAAAA==")], "BadDigest"),
        (&[("x-amz-checksum-sha1", "2jmj7l5rSw0yVb/vlWAYkK/YBwk=")], "BadDigest"),
        (&[("content-md5", "x")], "InvalidDigest"),
        (&[("x-amz-checksum-crc32", "x")], "InvalidRequest"),
        (&[("x-amz-content-sha256", &zeros)], "XAmzContentSHA256Mismatch"),
    ] {
        assert_eq!(put(&gateway, headers, b"hello").await.error(), (400, code), "{headers:?}");
        assert!(is_absent(&gateway).await);
    }
}

#[tokio::test]
async fn trailers_are_compared() {
    let gateway = Gateway::with_bucket().await;
    let headers = [
        STREAMING,
        ("x-amz-trailer", "x-amz-checksum-crc32"),
        ("x-amz-decoded-content-length", "5"),
    ];
    let body = |crc| format!("5\r\nhello\r\n0\r\nx-amz-checksum-crc32:{crc}\r\n\r\n");
    let wrong = put(&gateway, &headers, body("AAAAAA==").as_bytes()).await;
    assert_eq!(wrong.error(), (400, "BadDigest"));
    let none = put(&gateway, &headers, b"5\r\nhello\r\n0\r\n\r\n").await;
    assert_eq!(none.error(), (400, "MalformedTrailerError"));
    let short = put(&gateway, &headers, b"4\r\nhell\r\n0\r\nx-amz-checksum-crc32:x\r\n\r\n").await;
    assert_eq!(short.error(), (400, "IncompleteBody"));
    assert!(is_absent(&gateway).await);
    let right = put(&gateway, &headers, body("NhCmhg==").as_bytes()).await;
    assert_eq!((right.status.as_u16(), right.header("x-amz-checksum-crc32")), (200, "NhCmhg=="));
    assert_eq!(gateway.send(MAIN, "GET", "/b12/k", &[], b"").await.text(), "hello");
}

#[tokio::test]
async fn frames_are_for_objects_and_parts() {
    let gateway = Gateway::with_bucket().await;
    let headers = [STREAMING, ("x-amz-decoded-content-length", "0")];
    let tagging = gateway.send(MAIN, "PUT", "/b12?tagging", &headers, b"0\r\n\r\n").await;
    assert_eq!(tagging.error(), (400, "InvalidRequest"));
}

#[tokio::test]
async fn hopeless_uploads_fail_before_their_body_is_read() {
    let gateway = Gateway::with_bucket().await;
    let limit = 5 * 1024 * 1024 * 1024;
    let large = put_unread(&gateway, Some(limit + 1), &[]).await;
    assert_eq!(large.error(), (400, "EntityTooLarge"));
    assert_eq!(large.element("ProposedSize"), (limit + 1).to_string());
    assert_eq!(large.element("MaxSizeAllowed"), limit.to_string());
    let unknown = put_unread(&gateway, None, &[]).await;
    assert_eq!(unknown.error(), (411, "MissingContentLength"));
    assert_eq!(put(&gateway, &[], b"hello").await.status, 200);
    let taken = put_unread(&gateway, Some(5), &[("if-none-match", "*")]).await;
    assert_eq!(taken.error(), (412, "PreconditionFailed"));
    assert_eq!(taken.element("Condition"), "If-None-Match");
    let other = put_unread(&gateway, Some(5), &[("if-match", "\"x\"")]).await;
    assert_eq!(other.error(), (412, "PreconditionFailed"));
    for (name, status) in [
        ("x-amz-server-side-encryption", 400),
        ("x-amz-write-offset-bytes", 501),
        ("x-amz-object-lock-mode", 400),
        ("x-amz-grant-read", 400),
    ] {
        assert_eq!(put_unread(&gateway, Some(5), &[(name, "0")]).await.status, status, "{name}");
    }
    let acl = put_unread(&gateway, Some(5), &[("x-amz-acl", "public-read")]).await;
    assert_eq!(acl.error(), (400, "AccessControlListNotSupported"));
}

#[tokio::test]
async fn a_fault_in_an_operation_is_an_internal_error_and_the_service_lives_on() {
    let gateway = Gateway::with_bucket().await;
    let faulty = put_unread(&gateway, Some(5), &[]).await;
    assert_eq!(faulty.error(), (500, "InternalError"));
    assert!(!faulty.text().contains("the body was read"));
    assert_eq!(put(&gateway, &[], b"hello").await.status, 200);
}

#[tokio::test]
async fn conditional_writes() {
    let gateway = Gateway::with_bucket().await;
    let missing = put(&gateway, &[("if-match", "\"x\"")], b"hello").await;
    assert_eq!(missing.error(), (404, "NoSuchKey"));
    assert_eq!(put(&gateway, &[("if-none-match", "*")], b"hello").await.status, 200);
    let again = put(&gateway, &[("if-none-match", "*")], b"hello").await;
    assert_eq!(again.error(), (412, "PreconditionFailed"));
    let tag = [("if-match", "\"5d41402abc4b2a76b9719d911017c592\"")];
    assert_eq!(put(&gateway, &tag, b"other").await.status, 200);
    assert_eq!(put(&gateway, &tag, b"third").await.error(), (412, "PreconditionFailed"));
    let tags = put(&gateway, &[("if-none-match", "\"x\"")], b"hello").await;
    assert_eq!(tags.error(), (501, "NotImplemented"));
}
