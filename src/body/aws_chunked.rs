//! The framing `aws-chunked` (S3 API Reference, "Signature calculations: transferring payload
//! in multiple chunks"), decoded under every split of the input.
//!
//! Knows the framing and how its parts are hashed, but no key: a [`ChunkSigner`] does. Nothing is
//! collected but the line or trailer under way, so a chunk may be as large as the object.

use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::{BodyError, Digests, Payload, Source};

/// The longest chunk header: a size, a signature and room for unknown extensions.
const MAX_HEADER_LINE: usize = 1024;
/// The longest trailer section, line ends included.
const MAX_TRAILERS: usize = 8 * 1024;
const TRAILER_SIGNATURE: &str = "x-amz-trailer-signature";

/// Which of the framings a body has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Framing {
    /// `STREAMING-AWS4-HMAC-SHA256-PAYLOAD`.
    Signed,
    /// `STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER`.
    SignedTrailer,
    /// `STREAMING-UNSIGNED-PAYLOAD-TRAILER`.
    UnsignedTrailer,
}

/// Computes the chain of chunk signatures. Implemented by `auth`, which knows the key.
pub trait ChunkSigner: Send + Sync {
    /// The signature of the next chunk, in lower-case hexadecimal, from the SHA-256 of its data;
    /// it becomes the previous signature of the one after.
    fn chunk(&mut self, data_sha256: [u8; 32]) -> String;

    /// The signature of the trailer, from the SHA-256 of its canonical lines.
    fn trailer(&mut self, trailer_sha256: [u8; 32]) -> String;
}

/// Decodes a framed payload: gives the data, verifies each chunk's signature before the last
/// piece of the chunk is given out, and has the trailers after the end.
pub struct ChunkDecoder {
    framed: Payload,
    framing: Framing,
    signer: Option<Box<dyn ChunkSigner>>,
    /// The names announced.
    announced: Vec<String>,
    /// How many bytes of content are still to come.
    missing: u64,
    stage: Stage,
    /// What came and has not been read.
    input: Bytes,
    /// The line under way, where it came in pieces.
    line: Vec<u8>,
    /// SHA-256 of the chunk's data so far; used where there is a signer.
    hash: Sha256,
    /// The signature in the chunk's header.
    signature: String,
    trailers: Trailers,
}

enum Stage {
    Header,
    Data { left: u64 },
    DataEnd { seen: usize },
    Trailers,
    Ended,
}

/// What follows the zero-length chunk.
#[derive(Default)]
struct Trailers {
    values: Vec<(String, String)>,
    signature: Option<String>,
    /// Bytes of the section so far.
    size: usize,
}

impl ChunkDecoder {
    /// The decoded payload. `decoded_length` is `x-amz-decoded-content-length`; another number of
    /// bytes is [`super::BodyError::Incomplete`]. `trailers` are the names in `x-amz-trailer`,
    /// lower-case. Without a `signer` no signature is looked at.
    pub fn decode(
        framed: Payload,
        framing: Framing,
        decoded_length: u64,
        trailers: Vec<String>,
        signer: Option<Box<dyn ChunkSigner>>,
    ) -> Payload {
        let decoder = Self {
            framed,
            framing,
            signer,
            announced: trailers,
            missing: decoded_length,
            stage: Stage::Header,
            input: Bytes::new(),
            line: Vec::new(),
            hash: Sha256::new(),
            signature: String::new(),
            trailers: Trailers::default(),
        };
        Payload::new(Some(decoded_length), decoder)
    }

    /// Reads what can be read of `input`: a piece of content, or `None` when more must come.
    fn advance(&mut self) -> Result<Option<Bytes>, BodyError> {
        while self.input.has_remaining() {
            match self.stage {
                Stage::Header => {
                    if let Some(line) = self.take_line(MAX_HEADER_LINE)? {
                        self.begin_chunk(&line)?;
                    }
                }
                Stage::Data { left } => return self.take_data(left).map(Some),
                Stage::DataEnd { seen } => self.take_data_end(seen)?,
                Stage::Trailers => {
                    let room = MAX_TRAILERS.saturating_sub(self.trailers.size);
                    if let Some(line) = self.take_line(room)? {
                        self.trailers.size += line.len();
                        self.add_trailer(&line)?;
                    }
                }
                Stage::Ended => return Ok(None),
            }
        }
        Ok(None)
    }

    /// A whole line with its line feed, or `None` while it has not all come.
    fn take_line(&mut self, limit: usize) -> Result<Option<Bytes>, BodyError> {
        let end = self.input.iter().position(|byte| *byte == b'\n');
        let length = end.map_or(self.input.len(), |end| end + 1);
        if self.line.len() + length > limit {
            return Err(BodyError::Framing("a line is too long"));
        }
        let piece = self.input.split_to(length);
        if end.is_some() && self.line.is_empty() {
            return Ok(Some(piece));
        }
        self.line.extend_from_slice(&piece);
        Ok(end.map(|_| Bytes::from(std::mem::take(&mut self.line))))
    }

    /// `size[;name=value]…`, the size in hexadecimal (RFC 9112, section 7.1).
    fn begin_chunk(&mut self, line: &[u8]) -> Result<(), BodyError> {
        let line = line.strip_suffix(b"\r\n").and_then(|line| std::str::from_utf8(line).ok());
        let line = line.ok_or(BodyError::Framing("a chunk header is not a line of text"))?;
        let (size, extensions) = line.split_once(';').unwrap_or((line, ""));
        let size = chunk_size(size).ok_or(BodyError::Framing("a chunk size is not a number"))?;
        if self.signer.is_some() {
            let signature =
                extensions.split(';').find_map(|it| it.strip_prefix("chunk-signature="));
            let signature = signature.ok_or(BodyError::Framing("a chunk has no signature"))?;
            signature.clone_into(&mut self.signature);
        }
        self.missing = self.missing.checked_sub(size).ok_or(BodyError::Incomplete)?;
        if size == 0 {
            self.check_chunk()?;
            self.stage = Stage::Trailers;
        } else {
            self.stage = Stage::Data { left: size };
        }
        Ok(())
    }

    fn take_data(&mut self, left: u64) -> Result<Bytes, BodyError> {
        let length = usize::try_from(left).unwrap_or(usize::MAX).min(self.input.len());
        let piece = self.input.split_to(length);
        if self.signer.is_some() {
            self.hash.update(&piece);
        }
        let left = left - piece.len() as u64;
        if left == 0 {
            self.check_chunk()?;
            self.stage = Stage::DataEnd { seen: 0 };
        } else {
            self.stage = Stage::Data { left };
        }
        Ok(piece)
    }

    fn take_data_end(&mut self, seen: usize) -> Result<(), BodyError> {
        let expected = if seen == 0 { b'\r' } else { b'\n' };
        if self.input.get_u8() != expected {
            return Err(BodyError::Framing("a chunk is longer than its header says"));
        }
        self.stage = if seen == 0 { Stage::DataEnd { seen: 1 } } else { Stage::Header };
        Ok(())
    }

    fn check_chunk(&mut self) -> Result<(), BodyError> {
        let Some(signer) = &mut self.signer else { return Ok(()) };
        check(&signer.chunk(self.hash.finalize_reset().into()), &self.signature)
    }

    /// A line of the trailer section. Blank ones are passed over wherever they stand: clients
    /// differ in how many they write and where.
    fn add_trailer(&mut self, line: &[u8]) -> Result<(), BodyError> {
        let line = line.trim_ascii();
        if line.is_empty() {
            return Ok(());
        }
        let line = std::str::from_utf8(line).ok().and_then(|line| line.split_once(':'));
        let (name, value) = line.ok_or(BodyError::Framing("something else follows the end"))?;
        let (name, value) = (name.trim().to_ascii_lowercase(), value.trim());
        if self.framing == Framing::Signed {
            return Err(BodyError::Framing("trailers follow where none may"));
        }
        if self.framing == Framing::SignedTrailer && name == TRAILER_SIGNATURE {
            let again = self.trailers.signature.replace(value.to_owned());
            return again.map_or(Ok(()), |_| Err(BodyError::Trailer));
        }
        if !self.announced.contains(&name) || self.trailers.get(&name).is_some() {
            return Err(BodyError::Trailer);
        }
        self.trailers.values.push((name, value.to_owned()));
        Ok(())
    }

    /// The input has ended: is that the end of the framing, and is all there?
    fn finish(&mut self) -> Result<(), BodyError> {
        if !matches!(self.stage, Stage::Trailers) || !self.line.is_empty() || self.missing > 0 {
            return Err(BodyError::Incomplete);
        }
        if self.announced.iter().any(|name| self.trailers.get(name).is_none()) {
            return Err(BodyError::Trailer);
        }
        if let (Framing::SignedTrailer, Some(signer)) = (&self.framing, &mut self.signer) {
            let signature = self.trailers.signature.as_ref().ok_or(BodyError::Trailer)?;
            check(&signer.trailer(self.trailers.sha256()), signature)?;
        }
        Ok(())
    }

    fn poll_content(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Bytes>, BodyError>> {
        loop {
            if let Some(piece) = self.advance()? {
                return Poll::Ready(Ok(Some(piece)));
            }
            match ready!(self.framed.poll_chunk(cx)).transpose()? {
                Some(input) => self.input = input,
                None => return Poll::Ready(self.finish().map(|()| None)),
            }
        }
    }
}

impl Source for ChunkDecoder {
    fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, BodyError>>> {
        if matches!(self.stage, Stage::Ended) {
            return Poll::Ready(None);
        }
        let next = ready!(self.poll_content(cx)).transpose();
        if !matches!(next, Some(Ok(_))) {
            self.stage = Stage::Ended;
        }
        Poll::Ready(next)
    }

    fn digests(&self) -> Option<&Digests> {
        None
    }

    fn trailer(&self, name: &str) -> Option<&str> {
        matches!(self.stage, Stage::Ended).then(|| self.trailers.get(name)).flatten()
    }
}

impl Trailers {
    fn get(&self, name: &str) -> Option<&str> {
        self.values.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// Over `name:value` and one line feed for each, in the order of their arrival.
    fn sha256(&self) -> [u8; 32] {
        let mut hash = Sha256::new();
        for (name, value) in &self.values {
            hash.update(name);
            hash.update(b":");
            hash.update(value);
            hash.update(b"\n");
        }
        hash.finalize().into()
    }
}

fn chunk_size(text: &str) -> Option<u64> {
    // `from_str_radix` would take a sign.
    let digits = text.bytes().all(|byte| byte.is_ascii_hexdigit());
    u64::from_str_radix(text, 16).ok().filter(|_| digits)
}

fn check(computed: &str, given: &str) -> Result<(), BodyError> {
    if bool::from(computed.as_bytes().ct_eq(given.as_bytes())) {
        Ok(())
    } else {
        Err(BodyError::ChunkSignature)
    }
}

#[cfg(test)]
mod tests;
