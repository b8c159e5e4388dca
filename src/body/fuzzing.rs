//! Bodies of fuzz targets: they take any bytes and must neither panic nor break a promise.

use std::task::{Context, Poll, Waker};

use bytes::Bytes;

use futures_util::FutureExt as _;

use super::{BodyError, ChunkDecoder, ChunkSigner, Digests, FormData, Framing, Payload, Source};

const TRAILER: &str = "x-amz-checksum-crc32";

/// Decodes `data` as an aws-chunked body: the first byte chooses framing and the size of the
/// pieces in which it comes, the second how long the content should be. Returns the content where
/// the framing was sound.
pub fn chunk_framing(data: &[u8]) -> Option<Vec<u8>> {
    let [choice, length, framed @ ..] = data else { return None };
    let (framing, is_chain) = match choice % 3 {
        0 => (Framing::Signed, true),
        1 => (Framing::SignedTrailer, true),
        _ => (Framing::UnsignedTrailer, false),
    };
    let trailers = match framing {
        Framing::Signed => Vec::new(),
        _ => vec![TRAILER.to_owned()],
    };
    let signer = is_chain.then(|| Box::new(ConstantSigner) as Box<dyn ChunkSigner>);
    let piece = usize::from(choice / 3).max(1);
    let pieces = Pieces { left: Bytes::copy_from_slice(framed), piece };
    let length = u64::from(*length);
    let body = Payload::new(None, pieces);
    let mut body = ChunkDecoder::decode(body, framing, length, trailers, signer);
    let mut cx = Context::from_waker(Waker::noop());
    let mut content = Vec::new();
    loop {
        match body.poll_chunk(&mut cx) {
            Poll::Ready(Some(Ok(chunk))) => content.extend_from_slice(&chunk),
            Poll::Ready(Some(Err(_))) | Poll::Pending => return None,
            Poll::Ready(None) => break,
        }
    }
    assert_eq!(content.len() as u64, length, "the content is not as long as announced");
    Some(content)
}

/// Reads `data` as a form with the boundary `B`: the first byte is the size of the pieces in which
/// it comes. Returns how many parts it has where it is sound.
pub fn form_data(data: &[u8]) -> Option<usize> {
    const MOST: usize = 4096;
    let [piece, form @ ..] = data else { return None };
    let pieces = Pieces { left: Bytes::copy_from_slice(form), piece: usize::from(*piece).max(1) };
    let body = Payload::new(None, pieces);
    let mut form = FormData::new("multipart/form-data; boundary=B", body, MOST).ok()?;
    let mut parts = 0;
    let mut total = 0;
    while let Some(_head) = form.next_part().now_or_never()?.ok()? {
        total += form.value().now_or_never()?.ok()?.len();
        parts += 1;
    }
    assert!(total <= MOST, "more was kept than may come");
    Some(parts)
}

/// Signs everything in the same way, so that signed framings are reachable for a fuzzer.
struct ConstantSigner;

impl ChunkSigner for ConstantSigner {
    fn chunk(&mut self, _: [u8; 32]) -> String {
        "0".repeat(64)
    }

    fn trailer(&mut self, _: [u8; 32]) -> String {
        "1".repeat(64)
    }
}

struct Pieces {
    left: Bytes,
    piece: usize,
}

impl Source for Pieces {
    fn poll_chunk(&mut self, _: &mut Context<'_>) -> Poll<Option<Result<Bytes, BodyError>>> {
        let piece = self.left.split_to(self.piece.min(self.left.len()));
        Poll::Ready((!piece.is_empty()).then_some(Ok(piece)))
    }

    fn digests(&self) -> Option<&Digests> {
        None
    }

    fn trailer(&self, _: &str) -> Option<&str> {
        None
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn sound_framings_are_reached() {
        let zeros = "0".repeat(64);
        let signed =
            format!("3;chunk-signature={zeros}\r\nabc\r\n0;chunk-signature={zeros}\r\n\r\n");
        let framed = [&[0, 3], signed.as_bytes()].concat();
        assert_eq!(chunk_framing(&framed).as_deref(), Some(&b"abc"[..]));
        let unsigned = b"\x05\x033\r\nabc\r\n0\r\nx-amz-checksum-crc32:AAAAAA==\r\n\r\n";
        assert_eq!(chunk_framing(unsigned).as_deref(), Some(&b"abc"[..]));
    }

    #[test]
    fn sound_forms_are_reached() {
        let form = b"\x03--B\r\ncontent-disposition: form-data; name=a\r\n\r\nabc\r\n--B--";
        assert_eq!(form_data(form), Some(1));
    }

    proptest! {
        #[test]
        fn any_bytes_are_survived(data in prop::collection::vec(any::<u8>(), 0..600)) {
            chunk_framing(&data);
            form_data(&data);
        }

        #[test]
        fn pieces_of_framing_are_survived(
            choice: u8,
            length: u8,
            parts in prop::collection::vec(prop::sample::select(vec![
                "0", "1", "3", "a", "ffffffffffffffff", "10000000000000000", "-1", "+1", ";", "=",
                ";chunk-signature=", "\r\n", "\n", "\r", "abc", "x-amz-checksum-crc32", ":",
                "x-amz-trailer-signature", "AAAAAA==", "\u{0}", " ",
                "0000000000000000000000000000000000000000000000000000000000000000",
                "1111111111111111111111111111111111111111111111111111111111111111",
            ]), 0..30),
        ) {
            let data = [&[choice, length], parts.concat().as_bytes()].concat();
            chunk_framing(&data);
        }
    }
}
