//! A request body that only a verified request can open.

use crate::body::Payload;

/// A request's body, closed.
#[derive(Debug)]
pub struct Sealed {
    body: Payload,
    length: Option<u64>,
    streaming: bool,
    checksum_trailers: Vec<String>,
}

impl Sealed {
    /// The content's length: `x-amz-decoded-content-length` for aws-chunked bodies, else
    /// `Content-Length`. `None` for a plain body of unknown length (411 for uploads).
    pub fn content_length(&self) -> Option<u64> {
        self.length
    }

    /// Whether it is aws-chunked: allowed on PutObject and UploadPart only (400 `InvalidRequest`).
    pub fn is_streaming(&self) -> bool {
        self.streaming
    }

    /// The names in `x-amz-trailer`, lower-case.
    pub fn trailers(&self) -> &[String] {
        &self.checksum_trailers
    }

    /// The content. It ends in an `Err` where signature, framing or signed hash do not hold.
    pub fn open(self) -> Payload {
        self.body
    }

    pub(super) fn plain(body: Payload) -> Self {
        let length = body.length();
        Self { body, length, streaming: false, checksum_trailers: Vec::new() }
    }
}
