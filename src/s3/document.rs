//! A body that is an XML document: read whole, within bounds, and compared with its digests.

use bytes::Bytes;

use super::error::{Code, S3Error};
use super::header::Integrity;
use super::xml::MalformedXml;
use crate::auth::Sealed;
use crate::body::{BodyError, digesting};

/// The most bytes of any document: 10,000 parts with checksums, or 1,000 keys of 1,024 bytes.
pub(super) const MAX_DOCUMENT: usize = 4 * 1024 * 1024;

/// Whether the client must say what its document comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Digest {
    /// It may.
    Optional,
    /// `Content-MD5` or an additional checksum must be there.
    Required,
}

/// Reads the document.
pub(super) async fn read(
    body: Sealed,
    integrity: Integrity,
    digest: Digest,
) -> Result<Bytes, S3Error> {
    if digest == Digest::Required && integrity.is_empty() {
        return Err(S3Error::invalid_request(
            "Missing required header for this request: Content-MD5 OR x-amz-checksum-*",
        ));
    }
    let too_large = || {
        S3Error::new(Code::MaxMessageLengthExceeded)
            .with("MaxMessageLengthBytes", MAX_DOCUMENT.to_string())
    };
    if body.content_length().is_some_and(|length| length > MAX_DOCUMENT as u64) {
        return Err(too_large());
    }
    let payload = digesting(body.open(), integrity.expected(None));
    payload.collect(MAX_DOCUMENT).await.map_err(|error| match error {
        BodyError::TooLarge { .. } => too_large(),
        other => other.into(),
    })
}

impl From<MalformedXml> for S3Error {
    fn from(error: MalformedXml) -> Self {
        // The client reads S3's sentence first, then what is wrong.
        let message = Self::new(Code::MalformedXML).text().to_owned();
        Self::new(Code::MalformedXML).message(format!("{message} ({error})"))
    }
}
