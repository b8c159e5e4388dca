use super::{Gateway, MAIN, NOBODY};

#[tokio::test]
async fn a_presigned_url_needs_no_key_until_it_expires() {
    let gateway = Gateway::with_bucket().await;
    let put = gateway.presign(MAIN, "PUT", "/b12/a%20b");
    assert_eq!(gateway.send(NOBODY, "PUT", &put, &[], b"hello").await.status, 200);
    let get = gateway.presign(MAIN, "GET", "/b12/a%20b?response-content-type=text%2Fhtml");
    let got = gateway.send(NOBODY, "GET", &get, &[], b"").await;
    assert_eq!((got.text(), got.header("content-type")), ("hello", "text/html"));
    assert_eq!(got.audit.access_key.as_deref(), Some(MAIN));
    assert_eq!(gateway.send(NOBODY, "HEAD", &get, &[], b"").await.status, 403);
    gateway.advance(61_000);
    let late = gateway.send(NOBODY, "GET", &get, &[], b"").await;
    assert_eq!(late.error(), (403, "AccessDenied"));
    assert_eq!(late.element("X-Amz-Expires"), "60");
    assert_eq!(late.element("Expires"), "2015-10-21T07:29:00.000Z");
    assert_eq!(late.element("ServerTime"), "2015-10-21T07:29:01.250Z");
}

#[tokio::test]
async fn inputs_in_the_query_count_and_checksums_do_not() {
    let gateway = Gateway::with_bucket().await;
    let target = "/b12/k?x-amz-meta-a=b%20c&x-amz-storage-class=STANDARD_IA\
                  &x-amz-checksum-crc32=AAAAAA%3D%3D&x-amz-sdk-checksum-algorithm=CRC32";
    let put = gateway.presign(MAIN, "PUT", target);
    assert_eq!(gateway.send(NOBODY, "PUT", &put, &[], b"hello").await.status, 200);
    let head = gateway.send(MAIN, "HEAD", "/b12/k", &[], b"").await;
    assert_eq!(head.header("x-amz-meta-a"), "b c");
    assert_eq!(head.header("x-amz-storage-class"), "STANDARD_IA");
    let acl = gateway.presign(MAIN, "PUT", "/b12/k?x-amz-acl=public-read");
    let refused = gateway.send(NOBODY, "PUT", &acl, &[], b"hello").await;
    assert_eq!(refused.error(), (400, "AccessControlListNotSupported"));
}

#[tokio::test]
async fn a_header_that_was_not_signed_is_refused() {
    let gateway = Gateway::with_bucket().await;
    let put = gateway.presign(MAIN, "PUT", "/b12/k");
    let added = [("x-amz-meta-a", "b")];
    let refused = gateway.send(NOBODY, "PUT", &put, &added, b"hello").await;
    assert_eq!(refused.error(), (403, "AccessDenied"));
    assert_eq!(refused.element("HeadersNotSigned"), "x-amz-meta-a");
}
