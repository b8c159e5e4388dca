//! The chain of chunk signatures (S3 API Reference, "Signature calculations: transferring payload
//! in multiple chunks", with and without trailers).

use super::signing_key::SigningKey;
use crate::body::ChunkSigner;

/// SHA-256 of nothing, which stands in every chunk's string to sign.
pub(super) const EMPTY_SHA256: &str =
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

/// Signs the chunks of one body, each with the signature before it.
pub(super) struct ChunkChain {
    key: SigningKey,
    /// Time and scope, as they stand in the second and third line.
    context: String,
    previous: String,
}

impl ChunkChain {
    /// A chain that starts with the signature of the request's head. `time` is in the form of
    /// `x-amz-date`.
    pub(super) fn new(key: SigningKey, time: &str, scope: &str, seed: String) -> Self {
        Self { key, context: format!("{time}\n{scope}"), previous: seed }
    }
}

impl ChunkSigner for ChunkChain {
    fn chunk(&mut self, data_sha256: [u8; 32]) -> String {
        let (context, previous) = (&self.context, &self.previous);
        let data = hex::encode(data_sha256);
        let text =
            format!("AWS4-HMAC-SHA256-PAYLOAD\n{context}\n{previous}\n{EMPTY_SHA256}\n{data}");
        self.previous = self.key.sign(text.as_bytes());
        self.previous.clone()
    }

    fn trailer(&mut self, trailer_sha256: [u8; 32]) -> String {
        let (context, previous) = (&self.context, &self.previous);
        let trailer = hex::encode(trailer_sha256);
        let text = format!("AWS4-HMAC-SHA256-TRAILER\n{context}\n{previous}\n{trailer}");
        self.key.sign(text.as_bytes())
    }
}
