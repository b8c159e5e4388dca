//! A request body that only a verified request can open.

use std::fmt;

use crate::body::{ChunkDecoder, ChunkSigner, Framing, Payload, matching_sha256};

/// A request's body, closed.
pub struct Sealed {
    body: Payload,
    seal: Seal,
    checksum_trailers: Vec<String>,
}

/// What the content is held to.
enum Seal {
    Plain,
    Sha256([u8; 32]),
    Chunked { framing: Framing, length: u64, signer: Option<Box<dyn ChunkSigner>> },
}

impl Sealed {
    /// The content's length: `x-amz-decoded-content-length` for aws-chunked bodies, else
    /// `Content-Length`. `None` for a plain body of unknown length (411 for uploads).
    pub fn content_length(&self) -> Option<u64> {
        match &self.seal {
            Seal::Chunked { length, .. } => Some(*length),
            Seal::Plain | Seal::Sha256(_) => self.body.length(),
        }
    }

    /// Whether it is aws-chunked: allowed on PutObject and UploadPart only (400 `InvalidRequest`).
    pub fn is_streaming(&self) -> bool {
        matches!(self.seal, Seal::Chunked { .. })
    }

    /// The names in `x-amz-trailer`, lower-case.
    pub fn trailers(&self) -> &[String] {
        &self.checksum_trailers
    }

    /// The content. It ends in an `Err` where signature, framing or signed hash do not hold.
    pub fn open(self) -> Payload {
        match self.seal {
            Seal::Plain => self.body,
            Seal::Sha256(expected) => matching_sha256(self.body, expected),
            Seal::Chunked { framing, length, signer } => {
                ChunkDecoder::decode(self.body, framing, length, self.checksum_trailers, signer)
            }
        }
    }

    pub(super) fn plain(body: Payload) -> Self {
        Self { body, seal: Seal::Plain, checksum_trailers: Vec::new() }
    }

    pub(super) fn hashed(body: Payload, sha256: [u8; 32]) -> Self {
        Self { seal: Seal::Sha256(sha256), ..Self::plain(body) }
    }

    pub(super) fn chunked(
        body: Payload,
        framing: Framing,
        length: u64,
        signer: Option<Box<dyn ChunkSigner>>,
    ) -> Self {
        Self { seal: Seal::Chunked { framing, length, signer }, ..Self::plain(body) }
    }

    pub(super) fn with_trailers(self, checksum_trailers: Vec<String>) -> Self {
        Self { checksum_trailers, ..self }
    }
}

impl fmt::Debug for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sealed")
            .field("content_length", &self.content_length())
            .field("streaming", &self.is_streaming())
            .field("trailers", &self.checksum_trailers)
            .finish_non_exhaustive()
    }
}
