//! Framed bodies as clients write them, under every split, and damaged in every way.

use proptest::prelude::*;

use super::*;
use crate::body::testing::{block_on, cut, drain};
use crate::body::{Expected, digesting};
use crate::object::Algorithm;

const CRC32C: &str = "x-amz-checksum-crc32c";

/// A chain of hashes that depends on everything that came before, as a real one does.
struct TestSigner(String);

impl TestSigner {
    fn boxed() -> Box<dyn ChunkSigner> {
        Box::new(Self("seed".to_owned()))
    }

    fn step(&mut self, kind: &str, hash: [u8; 32]) -> String {
        let text = format!("{kind}{}{}", self.0, hex::encode(hash));
        self.0 = hex::encode(Sha256::digest(text));
        self.0.clone()
    }
}

impl ChunkSigner for TestSigner {
    fn chunk(&mut self, data_sha256: [u8; 32]) -> String {
        self.step("chunk", data_sha256)
    }

    fn trailer(&mut self, trailer_sha256: [u8; 32]) -> String {
        self.step("trailer", trailer_sha256)
    }
}

/// Frames `content` in chunks of `size` as SDKs do. `trailer` is the line without its end.
fn frame(content: &[u8], size: usize, framing: &Framing, trailer: Option<&str>) -> Bytes {
    let mut signer = (*framing != Framing::UnsignedTrailer).then(|| TestSigner("seed".to_owned()));
    let mut out = Vec::new();
    let header = |out: &mut Vec<u8>, data: &[u8], signer: &mut Option<TestSigner>| {
        out.extend_from_slice(format!("{:x}", data.len()).as_bytes());
        if let Some(signer) = signer {
            let signature = signer.chunk(Sha256::digest(data).into());
            out.extend_from_slice(format!(";chunk-signature={signature}").as_bytes());
        }
        out.extend_from_slice(b"\r\n");
    };
    for data in content.chunks(size) {
        header(&mut out, data, &mut signer);
        out.extend_from_slice(data);
        out.extend_from_slice(b"\r\n");
    }
    header(&mut out, b"", &mut signer);
    if let Some(trailer) = trailer {
        out.extend_from_slice(format!("{trailer}\r\n").as_bytes());
    }
    if *framing == Framing::SignedTrailer {
        let lines = trailer.map(|trailer| format!("{trailer}\n")).unwrap_or_default();
        let signature = signer.unwrap().trailer(Sha256::digest(lines).into());
        out.extend_from_slice(format!("{TRAILER_SIGNATURE}:{signature}\r\n").as_bytes());
    }
    out.extend_from_slice(b"\r\n");
    Bytes::from(out)
}

fn trailer_line(content: &[u8]) -> String {
    format!("{CRC32C}:{}", Algorithm::Crc32c.digest(content).to_base64())
}

fn open(framed: Payload, framing: &Framing, length: usize) -> Payload {
    let signer = (*framing != Framing::UnsignedTrailer).then(TestSigner::boxed);
    let trailers = if *framing == Framing::Signed { vec![] } else { vec![CRC32C.to_owned()] };
    ChunkDecoder::decode(framed, framing.clone(), length as u64, trailers, signer)
}

fn decode(framed: &Bytes, cuts: &[usize], framing: &Framing, length: usize) -> Decoded {
    let (content, body) = block_on(drain(open(cut(framed, cuts), framing, length)))?;
    Ok((content, body.trailer(CRC32C).map(str::to_owned)))
}

type Decoded = Result<(Vec<u8>, Option<String>), BodyError>;

const FRAMINGS: [Framing; 3] = [Framing::Signed, Framing::SignedTrailer, Framing::UnsignedTrailer];

fn framed_with(content: &[u8], size: usize, framing: &Framing) -> Bytes {
    let line = trailer_line(content);
    frame(content, size, framing, Some(line.as_str()).filter(|_| *framing != Framing::Signed))
}

#[test]
fn every_split_into_two_and_into_single_bytes_decodes_alike() {
    let content = b"The quick brown fox";
    for framing in FRAMINGS {
        let framed = framed_with(content, 8, &framing);
        let whole = decode(&framed, &[], &framing, content.len()).unwrap();
        assert_eq!(whole.0, content);
        assert_eq!(whole.1.is_some(), framing != Framing::Signed);
        for at in 0..=framed.len() {
            assert_eq!(decode(&framed, &[at], &framing, content.len()).unwrap(), whole, "{at}");
        }
        let everywhere: Vec<usize> = (0..=framed.len()).collect();
        assert_eq!(decode(&framed, &everywhere, &framing, content.len()).unwrap(), whole);
    }
}

#[test]
fn every_split_into_three_of_a_short_body_decodes_alike() {
    let content = b"0123456789";
    let framing = Framing::UnsignedTrailer;
    let framed = framed_with(content, 6, &framing);
    for first in 0..=framed.len() {
        for second in first..=framed.len() {
            let decoded = decode(&framed, &[first, second], &framing, content.len()).unwrap();
            assert_eq!(decoded.0, content);
        }
    }
}

#[test]
fn empty_bodies_are_the_zero_chunk_alone() {
    for framing in FRAMINGS {
        let framed = framed_with(b"", 8, &framing);
        assert_eq!(decode(&framed, &[], &framing, 0).unwrap().0, b"");
    }
}

#[test]
fn every_truncation_fails_or_lacks_nothing() {
    let content = b"The quick brown fox";
    for framing in FRAMINGS {
        let framed = framed_with(content, 8, &framing);
        let whole = decode(&framed, &[], &framing, content.len()).unwrap();
        let mut accepted = 0;
        for end in 0..framed.len() {
            match decode(&framed.slice(..end), &[], &framing, content.len()) {
                Ok(decoded) => {
                    assert_eq!(decoded, whole, "{framing:?} {end}");
                    accepted += 1;
                }
                Err(error) => assert!(
                    matches!(error, BodyError::Incomplete | BodyError::Trailer),
                    "{framing:?} {end} {error}"
                ),
            }
        }
        // Only the blank line at the very end can be missed.
        assert!(accepted <= 2, "{framing:?} {accepted}");
    }
}

#[test]
fn a_wrong_byte_in_a_signed_body_never_passes_for_another_body() {
    let content = b"The quick brown fox";
    for framing in [Framing::Signed, Framing::SignedTrailer] {
        let framed = framed_with(content, 8, &framing);
        let whole = decode(&framed, &[], &framing, content.len()).unwrap();
        for at in 0..framed.len() {
            for byte in [b'\r', b'\n', b'0', b'f', b'F', b';', b'x', b' ', 0, framed[at] ^ 1] {
                let mut damaged = framed.to_vec();
                damaged[at] = byte;
                if let Ok(decoded) = decode(&damaged.into(), &[], &framing, content.len()) {
                    assert_eq!(decoded, whole, "{framing:?}: byte {at} became {byte}");
                }
            }
        }
    }
}

#[test]
fn a_wrong_byte_in_an_unsigned_body_is_found_by_its_trailer() {
    let content = b"The quick brown fox";
    let framing = Framing::UnsignedTrailer;
    let framed = framed_with(content, 8, &framing);
    for at in 0..framed.len() {
        for byte in [b'\r', b'\n', b'0', b'A', b';', b'=', framed[at] ^ 1] {
            let mut damaged = framed.to_vec();
            damaged[at] = byte;
            let body = open(cut(&damaged.into(), &[]), &framing, content.len());
            let expected = Expected { trailer: Some(Algorithm::Crc32c), ..Expected::default() };
            if let Ok((passed, _)) = block_on(drain(digesting(body, expected))) {
                assert_eq!(passed, content, "byte {at} became {byte}");
            }
        }
    }
}

#[tokio::test]
async fn a_chunk_with_a_wrong_signature_keeps_its_last_piece() {
    let framed = frame(b"0123456789", 10, &Framing::Signed, None);
    let mut damaged = framed.to_vec();
    let data = framed.windows(10).position(|piece| piece == b"0123456789").unwrap();
    damaged[data] = b'x';
    let mut body = open(cut(&damaged.into(), &[data + 4]), &Framing::Signed, 10);
    assert_eq!(body.next().await.unwrap().unwrap(), "x123");
    assert!(matches!(body.next().await, Some(Err(BodyError::ChunkSignature))));
    assert!(body.next().await.is_none());
}

#[test]
fn chunks_in_another_order_are_refused() {
    let framed = frame(b"aaaabbbb", 4, &Framing::Signed, None);
    let chunk = "4;chunk-signature=".len() + 64 + 2 + 4 + 2;
    let swapped = [&framed[chunk..2 * chunk], &framed[..chunk], &framed[2 * chunk..]].concat();
    let error = decode(&swapped.into(), &[], &Framing::Signed, 8).unwrap_err();
    assert!(matches!(error, BodyError::ChunkSignature));
}

#[test]
fn another_length_than_announced_is_incomplete() {
    for framing in FRAMINGS {
        let framed = framed_with(b"0123456789", 4, &framing);
        for length in [0, 9, 11, usize::MAX] {
            let error = decode(&framed, &[], &framing, length).unwrap_err();
            assert!(matches!(error, BodyError::Incomplete), "{framing:?} {length}");
        }
    }
}

fn unsigned(framed: &str, length: usize) -> Decoded {
    decode(&Bytes::copy_from_slice(framed.as_bytes()), &[], &Framing::UnsignedTrailer, length)
}

#[test]
fn the_line_ends_that_clients_write_are_understood() {
    let value = Some("AAAAAA==".to_owned());
    for end in [
        "x-amz-checksum-crc32c:AAAAAA==\r\n\r\n",
        "x-amz-checksum-crc32c:AAAAAA==\n\r\n\r\n",
        "x-amz-checksum-crc32c:AAAAAA==\n\r\n",
        "X-Amz-Checksum-Crc32c: AAAAAA== \r\n\r\n",
        "\r\nx-amz-checksum-crc32c:AAAAAA==\r\n\r\n",
        "x-amz-checksum-crc32c:AAAAAA==\r\n\r\n\r\n",
    ] {
        let decoded = unsigned(&format!("3\r\nabc\r\n0\r\n{end}"), 3).unwrap();
        assert_eq!(decoded, (b"abc".to_vec(), value.clone()), "{end:?}");
    }
    // minio-go puts a blank line before the signature.
    let line = format!("{CRC32C}:AAAAAA==");
    let framed = frame(b"abc", 3, &Framing::SignedTrailer, Some(&line));
    let framed = String::from_utf8(framed.to_vec()).unwrap();
    let framed = framed.replace(&format!("{line}\r\n"), &format!("{line}\n\r\n"));
    let decoded = decode(&Bytes::from(framed), &[], &Framing::SignedTrailer, 3).unwrap();
    assert_eq!(decoded, (b"abc".to_vec(), value));
}

#[test]
fn chunk_headers_are_read_strictly() {
    for header in [
        "",
        "g",
        "-3",
        "+3",
        "0x3",
        " 3",
        "3 ",
        "10000000000000003",
        "fffffffffffffffff",
        "3\u{e9}",
    ] {
        let framed = format!("{header}\r\nabc\r\n0\r\n{CRC32C}:AAAAAA==\r\n\r\n");
        let error = unsigned(&framed, 3).unwrap_err();
        assert!(matches!(error, BodyError::Framing(_)), "{header}: {error}");
    }
    for header in ["3", "003", "3;", "3;name", "3;name=value;other=\"x\""] {
        let framed = format!("{header}\r\nabc\r\n0\r\n{CRC32C}:AAAAAA==\r\n\r\n");
        assert_eq!(unsigned(&framed, 3).unwrap().0, b"abc", "{header}");
    }
    for framed in ["3\nabc\r\n", "3\r\nabc\n", "3\r\nabcd\r\n", "3\r\nabc\r\r\n"] {
        let framed = format!("{framed}0\r\n{CRC32C}:AAAAAA==\r\n\r\n");
        assert!(matches!(unsigned(&framed, 3), Err(BodyError::Framing(_))), "{framed:?}");
    }
}

#[test]
fn lines_without_end_are_cut_off() {
    let endless = Bytes::from(vec![b'0'; MAX_HEADER_LINE + 1]);
    let framing = Framing::UnsignedTrailer;
    for cuts in [&[][..], &[1, 2, MAX_HEADER_LINE]] {
        let error = decode(&endless, cuts, &framing, 0).unwrap_err();
        assert!(matches!(error, BodyError::Framing(_)));
    }
    for filler in ["\r\n", "x"] {
        let framed = format!("0\r\n{}", filler.repeat(MAX_TRAILERS + 1));
        assert!(matches!(unsigned(&framed, 0), Err(BodyError::Framing(_))));
    }
}

#[test]
fn trailers_must_be_the_announced_ones() {
    let end = "3\r\nabc\r\n0\r\n";
    for trailers in [
        "",
        "x-amz-checksum-crc32:AAAAAA==\r\n",
        "x-amz-checksum-crc32c:AAAAAA==\r\nx-amz-checksum-crc32:AAAAAA==\r\n",
        "x-amz-checksum-crc32c:AAAAAA==\r\nx-amz-checksum-crc32c:AAAAAA==\r\n",
        "x-amz-checksum-crc32c:AAAAAA==\r\nx-amz-trailer-signature:00\r\n",
    ] {
        let error = unsigned(&format!("{end}{trailers}\r\n"), 3).unwrap_err();
        assert!(matches!(error, BodyError::Trailer), "{trailers}: {error}");
    }
    for garbage in ["garbage\r\n", "3\r\nabc\r\n0\r\n", "\u{e9}\r\n"] {
        let framed = format!("{end}x-amz-checksum-crc32c:AAAAAA==\r\n\r\n{garbage}");
        let error = unsigned(&framed, 3).unwrap_err();
        assert!(matches!(error, BodyError::Framing(_)), "{garbage}: {error}");
    }
}

#[test]
fn signed_framings_need_their_signatures() {
    let unsigned = Bytes::from_static(b"3\r\nabc\r\n0\r\n\r\n");
    let error = decode(&unsigned, &[], &Framing::Signed, 3).unwrap_err();
    assert!(matches!(error, BodyError::Framing(_)));

    let line = trailer_line(b"abc");
    let framed = frame(b"abc", 3, &Framing::SignedTrailer, Some(&line));
    let text = String::from_utf8(framed.to_vec()).unwrap();
    let (before, signature) = text.split_once(TRAILER_SIGNATURE).unwrap();
    let without = Bytes::from(format!("{before}\r\n"));
    let error = decode(&without, &[], &Framing::SignedTrailer, 3).unwrap_err();
    assert!(matches!(error, BodyError::Trailer));
    let twice = Bytes::from(format!("{text}{TRAILER_SIGNATURE}{signature}"));
    let error = decode(&twice, &[], &Framing::SignedTrailer, 3).unwrap_err();
    assert!(matches!(error, BodyError::Trailer));

    // A trailer that was changed on the way no longer fits its signature.
    let other = Bytes::from(text.replace(&line, &trailer_line(b"abd")));
    let error = decode(&other, &[], &Framing::SignedTrailer, 3).unwrap_err();
    assert!(matches!(error, BodyError::ChunkSignature));

    let trailer = frame(b"abc", 3, &Framing::Signed, Some(&line));
    let error = decode(&trailer, &[], &Framing::Signed, 3).unwrap_err();
    assert!(matches!(error, BodyError::Framing(_)));
}

#[test]
fn errors_of_the_connection_pass_through() {
    let framed = frame(b"abc", 3, &Framing::Signed, None);
    let pieces = [Ok(framed.slice(..90)), Err(BodyError::Stalled)];
    let body = Payload::new(None, crate::body::testing::Pieces::new(pieces));
    let result = block_on(drain(open(body, &Framing::Signed, 3)));
    assert!(matches!(result, Err(BodyError::Stalled)));
}

proptest! {
    #[test]
    fn any_content_in_any_chunks_and_pieces_is_decoded(
        content in prop::collection::vec(any::<u8>(), 0..2000),
        size in 1_usize..700,
        cuts in prop::collection::vec(any::<usize>(), 0..40),
        framing in prop::sample::select(FRAMINGS.to_vec()),
    ) {
        let framed = framed_with(&content, size, &framing);
        let (decoded, trailer) = decode(&framed, &cuts, &framing, content.len()).unwrap();
        prop_assert_eq!(&decoded, &content);
        let expected = Algorithm::Crc32c.digest(&content).to_base64();
        prop_assert_eq!(trailer, Some(expected).filter(|_| framing != Framing::Signed));
    }

    #[test]
    fn a_damaged_signed_body_never_passes_for_another(
        content in prop::collection::vec(any::<u8>(), 1..400),
        size in 1_usize..200,
        at: usize,
        flip in 1_u8..,
        framing in prop::sample::select(vec![Framing::Signed, Framing::SignedTrailer]),
    ) {
        let framed = framed_with(&content, size, &framing);
        let mut damaged = framed.to_vec();
        let at = at % damaged.len();
        damaged[at] ^= flip;
        if let Ok((decoded, trailer)) = decode(&damaged.into(), &[], &framing, content.len()) {
            prop_assert_eq!(&decoded, &content);
            let expected = Algorithm::Crc32c.digest(&content).to_base64();
            prop_assert_eq!(trailer, Some(expected).filter(|_| framing != Framing::Signed));
        }
    }
}
