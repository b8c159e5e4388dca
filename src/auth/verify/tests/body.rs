//! What the head says about the body, and the body held to it.

use std::fmt::Write as _;

use super::*;

fn put(headers: &[(&str, &str)]) -> Parts {
    sign(with_standard(request("PUT", "/bucket/key", headers)))
}

fn open(head: &Parts, body: Payload) -> Result<Sealed, AuthError> {
    authenticator_at(NOW, settings()).verify(head, None, body).map(|verified| verified.body)
}

#[test]
fn the_hash_header_is_required_in_a_known_form() {
    let mut head = put(&[]);
    head.headers.remove("x-amz-content-sha256");
    assert!(matches!(error(&head), AuthError::InvalidRequest(_)));
    for value in ["", "unsigned-payload", "STREAMING-SOMETHING", &"0".repeat(63), &"g".repeat(64)] {
        let error = error(&put(&[("x-amz-content-sha256", value)]));
        let AuthError::InvalidArgument { name: "x-amz-content-sha256", .. } = error else {
            panic!("{value}: {error}");
        };
    }
    for value in [
        "STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD",
        "STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD-TRAILER",
    ] {
        let head = put(&[("x-amz-content-sha256", value)]);
        assert!(matches!(error(&head), AuthError::NotImplemented(_)), "{value}");
    }
}

#[tokio::test]
async fn a_literal_hash_is_enforced_in_either_case() {
    let hash = hex::encode(Sha256::digest("content"));
    for hash in [hash.clone(), hash.to_uppercase()] {
        let head = put(&[("x-amz-content-sha256", &hash)]);
        let sealed = open(&head, Payload::from_bytes("content")).unwrap();
        assert!(!sealed.is_streaming());
        assert_eq!(sealed.open().collect(100).await.unwrap(), "content");
        let sealed = open(&head, Payload::from_bytes("other")).unwrap();
        let result = sealed.open().collect(100).await;
        assert!(matches!(result, Err(BodyError::Sha256 { .. })));
    }
}

#[tokio::test]
async fn unsigned_payloads_pass() {
    let sealed = open(&put(&[]), Payload::from_bytes("content")).unwrap();
    assert_eq!(sealed.content_length(), Some(7));
    assert_eq!(sealed.open().collect(100).await.unwrap(), "content");
}

const SIGNED: &str = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD";
const SIGNED_TRAILER: &str = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER";
const UNSIGNED_TRAILER: &str = "STREAMING-UNSIGNED-PAYLOAD-TRAILER";

#[tokio::test]
async fn every_streaming_mode_decodes() {
    for mode in [SIGNED, SIGNED_TRAILER, UNSIGNED_TRAILER] {
        let mut headers =
            vec![("x-amz-content-sha256", mode), ("x-amz-decoded-content-length", "7")];
        if mode != SIGNED {
            headers.push(("x-amz-trailer", "X-Amz-Checksum-CRC32"));
        }
        let head = put(&headers);
        let mut chain = chunk_chain(&head);
        let mut framed = String::new();
        for data in ["content", ""] {
            let extension = match mode {
                UNSIGNED_TRAILER => String::new(),
                _ => format!(";chunk-signature={}", chain.chunk(Sha256::digest(data).into())),
            };
            write!(framed, "{:x}{extension}\r\n{data}", data.len()).unwrap();
            framed += if data.is_empty() { "" } else { "\r\n" };
        }
        let line = "x-amz-checksum-crc32:AAAAAA==";
        if mode != SIGNED {
            write!(framed, "{line}\r\n").unwrap();
        }
        if mode == SIGNED_TRAILER {
            let signature = chain.trailer(Sha256::digest(format!("{line}\n")).into());
            write!(framed, "x-amz-trailer-signature:{signature}\r\n").unwrap();
        }
        framed += "\r\n";

        let sealed = open(&head, Payload::from_bytes(framed)).unwrap();
        assert!(sealed.is_streaming());
        assert_eq!(sealed.content_length(), Some(7));
        let expected: &[&str] = if mode == SIGNED { &[] } else { &["x-amz-checksum-crc32"] };
        assert_eq!(sealed.trailers(), expected);
        let (content, body) = drain(sealed.open()).await.unwrap();
        assert_eq!(content, b"content");
        let value = body.trailer("x-amz-checksum-crc32");
        assert_eq!(value, Some("AAAAAA==").filter(|_| mode != SIGNED), "{mode}");
    }
}

#[test]
fn streaming_bodies_need_their_decoded_length() {
    for length in
        [None, Some(""), Some("-1"), Some("+1"), Some("1.0"), Some("99999999999999999999")]
    {
        let mut headers = vec![("x-amz-content-sha256", SIGNED)];
        headers.extend(length.map(|length| ("x-amz-decoded-content-length", length)));
        assert_eq!(error(&put(&headers)), AuthError::MissingContentLength, "{length:?}");
    }
}

#[test]
fn only_known_checksums_may_be_announced() {
    let announce = |names| {
        put(&[
            ("x-amz-content-sha256", UNSIGNED_TRAILER),
            ("x-amz-decoded-content-length", "1"),
            ("x-amz-trailer", names),
        ])
    };
    for names in ["x-amz-checksum-md4", "etag", "x-amz-checksum-crc32,other"] {
        assert!(matches!(error(&announce(names)), AuthError::InvalidRequest(_)), "{names}");
    }
    let sealed = open(
        &announce("x-amz-checksum-SHA1, x-amz-checksum-crc32,x-amz-trailer-signature"),
        Payload::empty(),
    );
    assert_eq!(sealed.unwrap().trailers(), ["x-amz-checksum-sha1", "x-amz-checksum-crc32"]);
}

#[tokio::test]
async fn nobody_may_send_unsigned_chunks_but_not_signed_ones() {
    let anonymous = |mode| {
        request(
            "PUT",
            "/b/k",
            &[
                ("x-amz-content-sha256", mode),
                ("x-amz-decoded-content-length", "3"),
                ("x-amz-trailer", "x-amz-checksum-crc32"),
            ],
        )
    };
    for mode in [SIGNED, SIGNED_TRAILER] {
        assert!(matches!(error(&anonymous(mode)), AuthError::InvalidRequest(_)));
    }
    let framed = Bytes::from("3\r\nabc\r\n0\r\nx-amz-checksum-crc32:NSRBwg==\r\n\r\n");
    let head = anonymous(UNSIGNED_TRAILER);
    let verified =
        authenticator_at(NOW, settings()).verify(&head, None, Payload::from_bytes(framed)).unwrap();
    assert_eq!((&verified.caller, verified.scheme), (&Caller::Anonymous, Scheme::None));
    let (content, body) = drain(verified.body.open()).await.unwrap();
    assert_eq!(content, b"abc");
    assert_eq!(body.trailer("x-amz-checksum-crc32"), Some("NSRBwg=="));
}

#[tokio::test]
async fn nobodys_literal_hash_is_enforced_too() {
    let head = request("PUT", "/b/k", &[("x-amz-content-sha256", &"0".repeat(64))]);
    let sealed = open(&head, Payload::from_bytes("content")).unwrap();
    assert!(matches!(sealed.open().collect(9).await, Err(BodyError::Sha256 { .. })));
    let head = request("GET", "/b/k", &[]);
    let verified = verify(&head).unwrap();
    assert_eq!((verified.caller, verified.scheme), (Caller::Anonymous, Scheme::None));
}
