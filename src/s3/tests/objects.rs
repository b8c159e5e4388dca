use super::{Answer, Gateway, MAIN};

/// MD5 of `hello`.
const ETAG: &str = "\"5d41402abc4b2a76b9719d911017c592\"";
const MODIFIED: &str = "Wed, 21 Oct 2015 07:28:01 GMT";

async fn with_object() -> Gateway {
    let gateway = Gateway::with_bucket().await;
    assert_eq!(put(&gateway, "/b12/k", &[], b"hello").await.status, 200);
    gateway
}

async fn put(gateway: &Gateway, target: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
    gateway.send(MAIN, "PUT", target, headers, body).await
}

async fn get(gateway: &Gateway, target: &str, headers: &[(&str, &str)]) -> Answer {
    let get = gateway.send(MAIN, "GET", target, headers, b"").await;
    let head = gateway.send(MAIN, "HEAD", target, headers, b"").await;
    // HEAD is GET without its body, in status and headers alike.
    assert_eq!(head.status, get.status);
    assert!(head.body.is_empty());
    if get.status.is_success() {
        assert_eq!(head.headers, get.headers);
        assert_eq!(get.header("content-length"), get.body.len().to_string());
    }
    get
}

#[tokio::test]
async fn what_was_put_comes_back() {
    let gateway = Gateway::with_bucket().await;
    let stored = put(&gateway, "/b12/k", &[], b"hello").await;
    assert_eq!((stored.status.as_u16(), stored.header("etag")), (200, ETAG));
    assert!(stored.body.is_empty());
    assert!(stored.headers.get("x-amz-version-id").is_none());
    let got = get(&gateway, "/b12/k", &[]).await;
    assert_eq!((got.status.as_u16(), got.text()), (200, "hello"));
    for (name, value) in [
        ("etag", ETAG),
        ("last-modified", MODIFIED),
        ("accept-ranges", "bytes"),
        ("content-type", "binary/octet-stream"),
        ("x-amz-storage-class", ""),
        ("x-amz-tagging-count", ""),
        ("x-amz-checksum-crc64nvme", ""),
        ("content-range", ""),
    ] {
        assert_eq!(got.header(name), value, "{name}");
    }
}

#[tokio::test]
async fn headers_metadata_tags_and_class_come_back() {
    let gateway = Gateway::with_bucket().await;
    let headers = [
        ("content-type", "text/plain"),
        ("content-encoding", "aws-chunked,gzip"),
        ("content-language", "de"),
        ("content-disposition", "attachment; filename=\"a\""),
        ("cache-control", "no-store"),
        ("expires", "whenever"),
        ("x-amz-website-redirect-location", "/x"),
        ("x-amz-storage-class", "STANDARD_IA"),
        ("x-amz-tagging", "a=1&b=2"),
        ("x-amz-meta-one", "two  three"),
    ];
    assert_eq!(put(&gateway, "/b12/k", &headers, b"x").await.status, 200);
    let got = get(&gateway, "/b12/k", &[]).await;
    for (name, value) in headers {
        let value = if name == "content-encoding" { "gzip" } else { value };
        let value = if name == "x-amz-tagging" { "" } else { value };
        assert_eq!(got.header(name), value, "{name}");
    }
    assert_eq!(got.header("x-amz-tagging-count"), "2");
    assert_eq!(put(&gateway, "/b12/k", &[], b"x").await.status, 200);
    assert_eq!(get(&gateway, "/b12/k", &[]).await.header("x-amz-meta-one"), "");
}

#[tokio::test]
async fn awkward_keys_are_kept_byte_for_byte() {
    let gateway = Gateway::with_bucket().await;
    for key in
        ["..%2Fx", "a/./b", "/", "//", "%20", "a%25b%26%3C%3E%22", "%F0%9F%98%80", "a+b", "dir/"]
    {
        let target = format!("/b12/{key}");
        assert_eq!(put(&gateway, &target, &[], key.as_bytes()).await.status, 200, "{key}");
        assert_eq!(get(&gateway, &target, &[]).await.text(), key);
    }
    assert_eq!(get(&gateway, "/b12/dir", &[]).await.error(), (404, "NoSuchKey"));
    assert_eq!(get(&gateway, "/b12/../x", &[]).await.text(), "..%2Fx");
}

#[tokio::test]
async fn ranges_are_cut_ignored_or_refused() {
    let gateway = with_object().await;
    for (range, body, shown) in [
        ("bytes=0-1", "he", "bytes 0-1/5"),
        ("bytes=1-", "ello", "bytes 1-4/5"),
        ("bytes=-2", "lo", "bytes 3-4/5"),
        ("bytes=3-99", "lo", "bytes 3-4/5"),
        ("bytes=-99", "hello", "bytes 0-4/5"),
        ("bytes=0-4", "hello", "bytes 0-4/5"),
    ] {
        let got = get(&gateway, "/b12/k", &[("range", range)]).await;
        assert_eq!((got.status.as_u16(), got.text()), (206, body), "{range}");
        assert_eq!(got.header("content-range"), shown);
    }
    for range in ["bytes=0-1,3-4", "bytes=3-1", "lines=0-1", "bytes=x"] {
        let got = get(&gateway, "/b12/k", &[("range", range)]).await;
        assert_eq!((got.status.as_u16(), got.text()), (200, "hello"), "{range}");
        assert_eq!(got.header("content-range"), "");
    }
    put(&gateway, "/b12/empty", &[], b"").await;
    for (target, range) in [("k", "bytes=5-"), ("k", "bytes=-0"), ("empty", "bytes=0-")] {
        let got = get(&gateway, &format!("/b12/{target}"), &[("range", range)]).await;
        assert_eq!(got.error(), (416, "InvalidRange"), "{range}");
        assert_eq!(got.element("RangeRequested"), range);
        let size = got.element("ActualObjectSize");
        assert_eq!(got.header("content-range"), format!("bytes */{size}"));
    }
}

#[tokio::test]
async fn a_range_for_another_state_is_ignored() {
    let gateway = with_object().await;
    for (if_range, status) in [
        (ETAG, 206),
        (MODIFIED, 206),
        ("\"other\"", 200),
        ("W/\"5d41402abc4b2a76b9719d911017c592\"", 200),
        ("Wed, 21 Oct 2015 07:28:00 GMT", 200),
    ] {
        let headers = [("range", "bytes=1-2"), ("if-range", if_range)];
        assert_eq!(get(&gateway, "/b12/k", &headers).await.status, status, "{if_range}");
    }
    let beyond = [("range", "bytes=9-"), ("if-range", "\"other\"")];
    assert_eq!(get(&gateway, "/b12/k", &beyond).await.text(), "hello");
    let beyond = [("range", "bytes=9-"), ("if-range", ETAG)];
    assert_eq!(get(&gateway, "/b12/k", &beyond).await.error(), (416, "InvalidRange"));
}

#[tokio::test]
async fn an_object_of_one_put_is_its_first_part() {
    let gateway = with_object().await;
    let first = get(&gateway, "/b12/k?partNumber=1", &[]).await;
    assert_eq!((first.text(), first.header("x-amz-mp-parts-count")), ("hello", ""));
    let second = get(&gateway, "/b12/k?partNumber=2", &[]).await;
    assert_eq!(second.error(), (416, "InvalidPartNumber"));
    assert_eq!(second.element("PartNumberRequested"), "2");
    let zero = gateway.send(MAIN, "GET", "/b12/k?partNumber=0", &[], b"").await;
    assert_eq!(zero.error(), (400, "InvalidArgument"));
    assert_eq!(zero.element("ArgumentName"), "partNumber");
}

#[tokio::test]
async fn conditions_of_reads_follow_the_table() {
    let gateway = with_object().await;
    let earlier = "Wed, 21 Oct 2015 07:28:00 GMT";
    for (headers, status) in [
        (&[("if-match", ETAG)][..], 200),
        (&[("if-match", "5d41402abc4b2a76b9719d911017c592")], 200),
        (&[("if-match", "*")], 200),
        (&[("if-match", "\"x\"")], 412),
        (&[("if-none-match", ETAG)], 304),
        (&[("if-none-match", "\"x\"")], 200),
        (&[("if-modified-since", MODIFIED)], 304),
        (&[("if-modified-since", earlier)], 200),
        (&[("if-unmodified-since", earlier)], 412),
        (&[("if-match", ETAG), ("if-unmodified-since", earlier)], 200),
        (&[("if-none-match", "\"x\""), ("if-modified-since", MODIFIED)], 200),
        (&[("if-match", ETAG), ("if-none-match", ETAG)], 304),
    ] {
        let got = get(&gateway, "/b12/k", headers).await;
        assert_eq!(got.status, status, "{headers:?}");
        if status == 304 {
            assert_eq!((got.header("etag"), got.header("last-modified")), (ETAG, MODIFIED));
            assert!(got.body.is_empty());
        }
    }
    let failed = get(&gateway, "/b12/k", &[("if-unmodified-since", earlier)]).await;
    assert_eq!(failed.element("Condition"), "If-Unmodified-Since");
}

#[tokio::test]
async fn responses_say_what_the_request_wants_them_to() {
    let gateway = with_object().await;
    let target = "/b12/k?response-content-type=text%2Fhtml&response-cache-control=no-cache\
                  &response-content-disposition=inline&response-content-language=fr\
                  &response-content-encoding=br&response-expires=never";
    let got = get(&gateway, target, &[]).await;
    for (name, value) in [
        ("content-type", "text/html"),
        ("cache-control", "no-cache"),
        ("content-disposition", "inline"),
        ("content-language", "fr"),
        ("content-encoding", "br"),
        ("expires", "never"),
    ] {
        assert_eq!(got.header(name), value);
    }
}

#[tokio::test]
async fn checksums_are_shown_when_asked_for_and_never_on_ranges() {
    let gateway = Gateway::with_bucket().await;
    // The CRC-32 of `hello`, 3610a686.
    let crc = [("x-amz-checksum-crc32", "NhCmhg==")];
    let stored = put(&gateway, "/b12/k", &crc, b"hello").await;
    assert_eq!(stored.header("x-amz-checksum-crc32"), "NhCmhg==");
    assert_eq!(stored.header("x-amz-checksum-type"), "FULL_OBJECT");
    let mode = ("x-amz-checksum-mode", "ENABLED");
    let shown = |answer: &Answer| answer.header("x-amz-checksum-crc32").to_owned();
    assert_eq!(shown(&get(&gateway, "/b12/k", &[]).await), "");
    assert_eq!(shown(&get(&gateway, "/b12/k", &[mode]).await), "NhCmhg==");
    assert_eq!(shown(&get(&gateway, "/b12/k?partNumber=1", &[mode]).await), "NhCmhg==");
    for range in ["bytes=0-1", "bytes=0-"] {
        assert_eq!(shown(&get(&gateway, "/b12/k", &[mode, ("range", range)]).await), "");
    }
    // Without one from the client the service computes its own: the CRC-64/NVME of `hello`.
    let stored = put(&gateway, "/b12/k", &[], b"hello").await;
    let own = stored.header("x-amz-checksum-crc64nvme").to_owned();
    assert_eq!(own.len(), 12);
    let got = get(&gateway, "/b12/k", &[mode]).await;
    assert_eq!(got.header("x-amz-checksum-crc64nvme"), own);
}

#[tokio::test]
async fn deleting_is_idempotent_and_conditional() {
    let gateway = with_object().await;
    let delete =
        async |headers: &[(&str, &str)]| gateway.send(MAIN, "DELETE", "/b12/k", headers, b"").await;
    assert_eq!(delete(&[("if-match", "\"x\"")]).await.error(), (412, "PreconditionFailed"));
    let size = delete(&[("x-amz-if-match-size", "5")]).await;
    assert_eq!(size.error(), (501, "NotImplemented"));
    for tags in ["*", "\"x\""] {
        let none = delete(&[("if-none-match", tags)]).await;
        assert_eq!(none.error(), (501, "NotImplemented"), "{tags}");
    }
    assert_eq!(delete(&[("if-match", ETAG)]).await.status, 204);
    let again = delete(&[]).await;
    assert_eq!((again.status.as_u16(), again.body.len()), (204, 0));
    assert_eq!(get(&gateway, "/b12/k", &[]).await.error(), (404, "NoSuchKey"));
    let version = gateway.send(MAIN, "DELETE", "/b12/k?versionId=x", &[], b"").await;
    assert_eq!(version.error(), (400, "InvalidArgument"));
}

#[tokio::test]
async fn the_null_version_is_the_object() {
    let gateway = with_object().await;
    assert_eq!(get(&gateway, "/b12/k?versionId=null", &[]).await.text(), "hello");
    let other = format!("/b12/k?versionId={:032x}", 7);
    assert_eq!(get(&gateway, &other, &[]).await.error(), (404, "NoSuchVersion"));
    let deleted = gateway.send(MAIN, "DELETE", "/b12/k?versionId=null", &[], b"").await;
    assert_eq!(deleted.status, 204);
    assert_eq!(get(&gateway, "/b12/k", &[]).await.error(), (404, "NoSuchKey"));
}

#[tokio::test]
async fn a_customers_key_fits_no_object() {
    let gateway = with_object().await;
    let key = [("x-amz-server-side-encryption-customer-algorithm", "AES256")];
    assert_eq!(get(&gateway, "/b12/k", &key).await.error(), (400, "InvalidRequest"));
}
