//! What came back instead of a result: the SDK's many error types as one.

use std::error::Error;

use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;

use crate::object::{ByteRange, Caching, ConditionHeader, ETag, Timestamp};

/// As much of an error document as is looked at.
const DOCUMENT: usize = 16 * 1024;

/// Why a call has no result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Fault {
    /// The upstream answered with an error.
    Answered(Box<Answer>),
    /// It answered something that is not S3's.
    Garbled {
        /// The status of the answer.
        status: u16,
        /// The parser's words.
        what: String,
    },
    /// It was not asked: the SDK cannot word the request.
    Unsendable {
        /// The SDK's words.
        what: String,
    },
    /// It did not answer.
    Silent {
        /// What the layers below say, the outermost first.
        chain: String,
    },
    /// It did not go on in time.
    Late {
        /// What it did not do.
        what: String,
    },
}

/// An error answer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Answer {
    /// The HTTP status.
    pub(super) status: u16,
    /// S3's code; answers to HEAD have none.
    pub(super) code: Option<String>,
    /// Its message.
    pub(super) message: Option<String>,
    /// `x-amz-bucket-region`.
    pub(super) region: Option<String>,
    etag: Option<String>,
    last_modified: Option<String>,
    /// What a 304 says to caches.
    pub(super) caching: Caching,
    content_range: Option<String>,
    document: String,
}

impl Fault {
    /// The answer, where there is one.
    pub(super) fn answer(&self) -> Option<&Answer> {
        match self {
            Self::Answered(answer) => Some(answer),
            _ => None,
        }
    }

    /// Whether the upstream answered with this status.
    pub(super) fn is(&self, status: u16) -> bool {
        self.answer().is_some_and(|answer| answer.status == status)
    }

    /// Whether the upstream answered with any code.
    pub(super) fn has_reason(&self) -> bool {
        self.answer().is_some_and(|answer| answer.code.is_some())
    }

    /// Whether the upstream answered with this code.
    pub(super) fn has_code(&self, code: &str) -> bool {
        self.answer().is_some_and(|answer| answer.code.as_deref() == Some(code))
    }
}

impl<E> From<SdkError<E, HttpResponse>> for Fault
where
    E: ProvideErrorMetadata + Error + Send + Sync + 'static,
{
    fn from(error: SdkError<E, HttpResponse>) -> Self {
        match &error {
            SdkError::ServiceError(service) => {
                let (raw, meta) = (service.raw(), service.err());
                Self::Answered(Box::new(Answer::new(raw, meta.code(), meta.message())))
            }
            SdkError::ResponseError(response) => {
                let status = response.raw().status().as_u16();
                Self::Garbled { status, what: chain(&error) }
            }
            SdkError::TimeoutError(_) => Self::Silent { chain: "timed out".to_owned() },
            // Keys of white space alone are none to the SDK.
            SdkError::ConstructionFailure(_) if chain(&error).contains("was missing") => {
                Self::Unsendable { what: chain(&error) }
            }
            _ => Self::Silent { chain: chain(&error) },
        }
    }
}

impl Answer {
    fn new(raw: &HttpResponse, code: Option<&str>, message: Option<&str>) -> Self {
        let header = |name| raw.headers().get(name).map(str::to_owned);
        let document = raw.body().bytes().unwrap_or_default();
        let document = document.get(..DOCUMENT.min(document.len())).unwrap_or_default();
        Self {
            status: raw.status().as_u16(),
            // Where there is no document, the SDK makes up a code from the status.
            code: code.filter(|_| !document.is_empty()).map(str::to_owned),
            message: message.map(str::to_owned),
            region: header("x-amz-bucket-region"),
            etag: header("etag"),
            last_modified: header("last-modified"),
            caching: Caching { cache_control: header("cache-control"), expires: header("expires") },
            content_range: header("content-range"),
            document: String::from_utf8_lossy(document).into_owned(),
        }
    }

    /// The text of an element of the error document.
    pub(super) fn element(&self, name: &str) -> Option<&str> {
        let (_, rest) = self.document.split_once(&format!("<{name}>"))?;
        rest.split_once(&format!("</{name}>")).map(|(text, _)| text)
    }

    /// The size that a 416 tells.
    pub(super) fn object_size(&self) -> Option<u64> {
        let header = self.content_range.as_deref().and_then(|range| range.strip_prefix("bytes */"));
        header.or_else(|| self.element("ActualObjectSize"))?.parse().ok()
    }

    /// The validators of a 304.
    pub(super) fn validators(&self) -> Option<(ETag, Timestamp)> {
        let modified = Timestamp::parse_http_date(self.last_modified.as_deref()?)?;
        Some((ETag::parse(self.etag.as_deref()?), modified))
    }

    /// The header that a 412 says it failed on.
    pub(super) fn condition(&self) -> Option<ConditionHeader> {
        let named = self.element("Condition")?.to_ascii_lowercase();
        [
            ("if-none-match", ConditionHeader::IfNoneMatch),
            ("if-match", ConditionHeader::IfMatch),
            ("if-modified-since", ConditionHeader::IfModifiedSince),
            ("if-unmodified-since", ConditionHeader::IfUnmodifiedSince),
        ]
        .into_iter()
        .find_map(|(name, header)| named.ends_with(name).then_some(header))
    }
}

/// The bytes and the whole size that a `Content-Range` tells.
pub(super) fn content_range(header: &str) -> Option<(ByteRange, u64)> {
    let (range, total) = header.strip_prefix("bytes ")?.split_once('/')?;
    let (first, last) = range.split_once('-')?;
    let (first, last): (u64, u64) = (first.parse().ok()?, last.parse().ok()?);
    let length = last.checked_sub(first)?.checked_add(1)?;
    Some((ByteRange { offset: first, length }, total.parse().ok()?))
}

/// An error with everything behind it.
pub(super) fn chain(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let words = cause.to_string();
        if !text.contains(&words) {
            text.push_str(": ");
            text.push_str(&words);
        }
        next = cause.source();
    }
    text
}

#[cfg(test)]
impl Answer {
    /// An answer as the upstream might give it.
    pub(super) fn told(status: u16, code: Option<&str>, document: &str) -> Self {
        Self {
            status,
            code: code.map(str::to_owned),
            document: document.to_owned(),
            ..Self::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_ranges() {
        let range = |offset, length, total| Some((ByteRange { offset, length }, total));
        assert_eq!(content_range("bytes 0-0/1"), range(0, 1, 1));
        assert_eq!(content_range("bytes 5-9/100"), range(5, 5, 100));
        for wrong in ["bytes */5", "bytes 5-4/10", "5-9/10", "bytes 0-1/*", ""] {
            assert_eq!(content_range(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn error_documents_are_searched() {
        let document = "<Error><Code>X</Code><ActualObjectSize>7</ActualObjectSize>\
                        <Condition>x-amz-copy-source-If-None-Match</Condition></Error>";
        let answer = Answer::told(416, Some("X"), document);
        assert_eq!(answer.object_size(), Some(7));
        assert_eq!(answer.condition(), Some(ConditionHeader::IfNoneMatch));
        assert_eq!(answer.element("Region"), None);
        assert_eq!(answer.validators(), None);
    }
}
