//! Known digests, what is held back, and each way in which content can differ from its promise.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use proptest::prelude::*;

use super::*;
use crate::body::testing::{Pieces, block_on, cut, drain};

const CONTENT: &[u8] = b"123456789";

fn md5(content: &[u8]) -> [u8; 16] {
    Md5::digest(content).into()
}

fn value(algorithm: Algorithm, hexadecimal: &str) -> ChecksumValue {
    ChecksumValue { algorithm, digest: hex::decode(hexadecimal).unwrap() }
}

/// The check values of the CRC catalogue and of FIPS 180, over "123456789".
fn known() -> [ChecksumValue; 5] {
    [
        value(Algorithm::Crc32, "cbf43926"),
        value(Algorithm::Crc32c, "e3069283"),
        value(Algorithm::Crc64Nvme, "ae8b14860a799888"),
        value(Algorithm::Sha1, "f7c3bc1d808e04732adf679965ccc34ca7ae3441"),
        value(
            Algorithm::Sha256,
            "15e2b0d3c33891ebb0f1ef609ec419420c20e320ce94c65fbc8c3312448eb225",
        ),
    ]
}

fn pieces() -> Vec<Result<Bytes, BodyError>> {
    CONTENT.chunks(4).map(|piece| Ok(Bytes::from_static(piece))).collect()
}

#[test]
fn hashers_give_the_known_digests_in_any_number_of_steps() {
    for expected in known() {
        let mut hasher = Hasher::new(expected.algorithm);
        for piece in CONTENT.chunks(2) {
            hasher.update(piece);
        }
        assert_eq!(hasher.finish(), expected);
    }
}

#[test]
fn digests_of_nothing() {
    let digests = |algorithm| STANDARD.encode(Hasher::new(algorithm).finish().digest);
    assert_eq!(digests(Algorithm::Crc32), "AAAAAA==");
    assert_eq!(digests(Algorithm::Crc64Nvme), "AAAAAAAAAAA=");
    assert_eq!(digests(Algorithm::Sha1), "2jmj7l5rSw0yVb/vlWAYkK/YBwk=");
}

#[tokio::test]
async fn everything_right_passes_and_is_known_at_the_end() {
    for checksum in known() {
        let expected = Expected {
            md5: Some(md5(CONTENT)),
            checksum: Some(checksum.clone()),
            ..Expected::default()
        };
        let body = digesting(Payload::new(Some(9), Pieces::new(pieces())), expected);
        assert_eq!(body.length(), Some(9));
        assert_eq!(body.digests(), None);
        let (content, body) = drain(body).await.unwrap();
        assert_eq!(content, CONTENT);
        let digests = Digests { size: 9, md5: Some(md5(CONTENT)), checksum: Some(checksum) };
        assert_eq!(body.digests(), Some(&digests));
    }
}

#[tokio::test]
async fn an_empty_body_has_digests_too() {
    let expected = Expected { compute: Some(Algorithm::Crc32), ..Expected::default() };
    let (content, body) = drain(digesting(Payload::empty(), expected)).await.unwrap();
    assert!(content.is_empty());
    let digests = body.digests().unwrap();
    assert_eq!((digests.size, digests.md5), (0, Some(md5(b""))));
    assert_eq!(digests.checksum, Some(value(Algorithm::Crc32, "00000000")));
}

#[tokio::test]
async fn what_is_only_checked_has_an_md5_where_one_is_expected() {
    for checksum in known() {
        for expects in [None, Some(md5(CONTENT))] {
            let expected =
                Expected { md5: expects, checksum: Some(checksum.clone()), ..Expected::default() };
            let (content, body) =
                drain(checking(Payload::from_bytes(CONTENT), expected)).await.unwrap();
            assert_eq!(content, CONTENT);
            let digests = Digests { size: 9, md5: expects, checksum: Some(checksum.clone()) };
            assert_eq!(body.digests(), Some(&digests));
        }
        let expected = Expected { checksum: Some(checksum.clone()), ..Expected::default() };
        let refused = drain(checking(Payload::from_bytes(&b"123456780"[..]), expected)).await;
        let refused = refused.err();
        assert!(matches!(refused, Some(BodyError::Checksum(_))), "{refused:?}");
    }
}

#[tokio::test]
async fn the_clients_checksum_goes_before_the_gateways() {
    let [crc32, crc32c, ..] = known();
    let expected = Expected {
        checksum: Some(crc32c.clone()),
        compute: Some(Algorithm::Crc32),
        ..Expected::default()
    };
    let (_, body) = drain(digesting(Payload::from_bytes(CONTENT), expected)).await.unwrap();
    assert_eq!(body.digests().unwrap().checksum, Some(crc32c));
    let expected = Expected { compute: Some(Algorithm::Crc32), ..Expected::default() };
    let (_, body) = drain(digesting(Payload::from_bytes(CONTENT), expected)).await.unwrap();
    assert_eq!(body.digests().unwrap().checksum, Some(crc32));
}

#[tokio::test]
async fn a_header_and_a_trailer_of_different_algorithms_are_both_held() {
    let [crc32, crc32c, ..] = known();
    let body = |trailer: &str| {
        let pieces = Pieces::new(pieces()).with_trailer("x-amz-checksum-crc32", trailer);
        let expected = Expected {
            checksum: Some(crc32c.clone()),
            trailer: Some(Algorithm::Crc32),
            ..Expected::default()
        };
        digesting(Payload::new(None, pieces), expected)
    };
    let (_, right) = drain(body(&STANDARD.encode(&crc32.digest))).await.unwrap();
    assert_eq!(right.digests().unwrap().checksum, Some(crc32c.clone()));
    let wrong = drain(body("AAAAAA==")).await.unwrap_err();
    assert!(matches!(wrong, BodyError::Checksum(Algorithm::Crc32)));
}

/// What came out before the error, and the error.
async fn failure(mut body: Payload) -> (Vec<u8>, BodyError) {
    let mut content = Vec::new();
    loop {
        match body.next().await {
            Some(Ok(chunk)) => content.extend_from_slice(&chunk),
            Some(Err(error)) => {
                assert_eq!(body.digests(), None, "digests of a refused body");
                return (content, error);
            }
            None => panic!("the body was accepted"),
        }
    }
}

#[tokio::test]
async fn what_differs_is_named_and_the_last_chunk_held_back() {
    let wrong_sha1 = ChecksumValue { algorithm: Algorithm::Sha1, digest: vec![0; 20] };
    let expectations = [
        Expected { md5: Some([0; 16]), ..Expected::default() },
        Expected { checksum: Some(wrong_sha1), ..Expected::default() },
        Expected { trailer: Some(Algorithm::Crc32), ..Expected::default() },
        Expected { trailer: Some(Algorithm::Crc32c), ..Expected::default() },
        Expected { trailer: Some(Algorithm::Crc64Nvme), ..Expected::default() },
        Expected { trailer: Some(Algorithm::Sha256), ..Expected::default() },
    ];
    let mut errors = Vec::new();
    for expected in expectations {
        let source = Pieces::new(pieces())
            .with_trailer("x-amz-checksum-crc32c", "AAAAAA==")
            .with_trailer("x-amz-checksum-crc64nvme", "AAAAAA==")
            .with_trailer("x-amz-checksum-sha256", "not base64");
        let (content, error) = failure(digesting(Payload::new(None, source), expected)).await;
        assert_eq!(content, b"12345678");
        errors.push(error);
    }
    assert!(matches!(
        errors.as_slice(),
        [
            BodyError::Md5,
            BodyError::Checksum(Algorithm::Sha1),
            BodyError::Trailer,
            BodyError::Checksum(Algorithm::Crc32c),
            BodyError::ChecksumMalformed,
            BodyError::ChecksumMalformed,
        ]
    ));
}

#[tokio::test]
async fn another_length_than_promised_is_incomplete() {
    for promised in [0, 8, 10] {
        let inner = Payload::new(Some(promised), Pieces::new(pieces()));
        let (content, error) = failure(digesting(inner, Expected::default())).await;
        assert!(matches!(error, BodyError::Incomplete), "{promised}: {error}");
        assert!(content.len() < 9);
    }
}

#[tokio::test]
async fn an_error_of_the_body_itself_passes_through() {
    let pieces = [Ok(Bytes::from_static(b"12")), Err(BodyError::Stalled)];
    let inner = Payload::new(Some(2), Pieces::new(pieces));
    let (content, error) = failure(digesting(inner, Expected::default())).await;
    assert!(content.is_empty());
    assert!(matches!(error, BodyError::Stalled));
}

#[test]
fn what_is_expected_is_known_from_the_start() {
    let expected = Expected { trailer: Some(Algorithm::Sha1), ..Expected::default() };
    let body = digesting(Payload::new(None, Pieces::new(pieces())), expected.clone());
    assert_eq!(body.expected(), Some(&expected));
    let wrapped = Payload::new(None, body);
    assert_eq!(wrapped.expected(), Some(&expected));
    assert_eq!(Payload::empty().expected(), None);
}

proptest! {
    #[test]
    fn digests_do_not_depend_on_the_pieces(
        content in prop::collection::vec(any::<u8>(), 0..300),
        cuts in prop::collection::vec(any::<usize>(), 0..9),
    ) {
        let content = Bytes::from(content);
        for algorithm in Algorithm::ALL {
            let checksum = Some(algorithm.digest(&content));
            let expected = Expected { checksum: checksum.clone(), ..Expected::default() };
            let body = digesting(cut(&content, &cuts), expected);
            let (passed, body) = block_on(drain(body)).unwrap();
            prop_assert_eq!(&passed, &content);
            let size = content.len() as u64;
            let digests = Digests { size, md5: Some(md5(&content)), checksum };
            prop_assert_eq!(body.digests(), Some(&digests));
        }
    }
}
