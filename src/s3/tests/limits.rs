use super::{Gateway, MAIN, NOBODY};
use crate::body::Payload;

#[tokio::test]
async fn a_long_key_is_refused_before_anything_else() {
    let gateway = Gateway::new();
    let long = "%C3%BC".repeat(513);
    for target in [format!("/missing/{long}"), format!("/missing/{long}?uploads&acl")] {
        for (who, method) in [(NOBODY, "GET"), (MAIN, "PUT"), ("AKUNKNOWN", "DELETE")] {
            let answer = gateway.send(who, method, &target, &[], b"").await;
            assert_eq!(answer.error(), (400, "KeyTooLongError"), "{who}");
            assert_eq!(
                (answer.element("Size"), answer.element("MaxSizeAllowed")),
                ("1026", "1024")
            );
        }
    }
}

#[tokio::test]
async fn metadata_has_a_bound_wherever_it_is_given() {
    let gateway = Gateway::with_bucket().await;
    gateway.send(MAIN, "PUT", "/b12/source", &[], b"x").await;
    // 2 bytes of name and 2046 of value fit, one more of either does not.
    let (fits, over) = ("v".repeat(2046), "v".repeat(2047));
    for (method, target, source) in [
        ("PUT", "/b12/k", None),
        ("PUT", "/b12/k", Some("b12/source")),
        ("POST", "/b12/k?uploads", None),
    ] {
        let send = async |value: &str| {
            let mut headers = vec![("x-amz-meta-ab", value)];
            let replace = ("x-amz-metadata-directive", "REPLACE");
            headers.extend(
                source.map(|source| [("x-amz-copy-source", source), replace]).iter().flatten(),
            );
            gateway.send(MAIN, method, target, &headers, b"").await
        };
        assert_eq!(send(&fits).await.status, 200, "{method} {target} {source:?}");
        let refused = send(&over).await;
        assert_eq!(refused.error(), (400, "MetadataTooLarge"), "{method} {target} {source:?}");
        assert_eq!((refused.element("Size"), refused.element("MaxSizeAllowed")), ("2049", "2048"));
    }
}

#[tokio::test]
async fn a_document_has_a_bound_and_its_root_is_the_one_expected() {
    let gateway = Gateway::with_bucket().await;
    let md5 = [("content-md5", "1B2M2Y8AsgTpgAmY7PhCfg==")];
    for (method, target) in [
        ("POST", "/b12?delete"),
        ("PUT", "/b12?tagging"),
        ("PUT", "/b12/k?tagging"),
        ("POST", "/b12/k?uploadId=u"),
        ("PUT", "/b13"),
    ] {
        let huge = vec![b' '; 4 * 1024 * 1024 + 1];
        let huge = Payload::from_bytes(huge);
        let refused = gateway.send_payload(MAIN, method, target, &md5, huge).await;
        assert_eq!(refused.error(), (400, "MaxMessageLengthExceeded"), "{method} {target}");
        let wrong = b"<!DOCTYPE x [<!ENTITY e 'x'>]><Other>&e;</Other>";
        let crc = crate::object::Algorithm::Crc32.digest(wrong).to_base64();
        let crc = [("x-amz-checksum-crc32", crc.as_str())];
        let refused = gateway.send(MAIN, method, target, &crc, wrong).await;
        assert_eq!(refused.error(), (400, "MalformedXML"), "{method} {target}");
    }
}

#[tokio::test]
async fn a_head_says_in_headers_what_its_error_has_no_body_for() {
    let gateway = Gateway::with_bucket().await;
    gateway.send(MAIN, "PUT", "/b12/k", &[], b"hello").await;
    for (target, headers, status, header, value) in [
        ("/b12/k", &[("range", "bytes=9-")][..], 416, "content-range", "bytes */5"),
        ("/b12/k?acl", &[], 405, "allow", "GET, PUT"),
        ("/b12/none", &[], 404, "x-amz-bucket-region", "us-east-1"),
        ("/b13", &[], 404, "x-amz-bucket-region", "us-east-1"),
        ("/b12/k", &[("if-match", "x")], 412, "etag", ""),
        (
            "/b12/k",
            &[("if-none-match", "*")],
            304,
            "last-modified",
            "Wed, 21 Oct 2015 07:28:01 GMT",
        ),
    ] {
        let head = gateway.send(MAIN, "HEAD", target, headers, b"").await;
        assert_eq!((head.status.as_u16(), head.body.len()), (status, 0), "{target}");
        assert_eq!(head.header(header), value, "{target}");
    }
}
