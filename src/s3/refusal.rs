//! Answers to requests that never reach an operation, in S3's words.

use http::{Method, Response};

use super::audit::Audit;
use super::error::{Code, S3Error, Subject, error_reply};
use crate::body::Payload;
use crate::object::RequestId;

/// Why a request reaches no operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// 400 `RequestHeaderSectionTooLarge`.
    HeadersTooLarge {
        /// The most bytes allowed.
        limit: u64,
    },
    /// 503 `ServiceUnavailable`: the store is being opened.
    Opening,
    /// 500 `InternalError`.
    Internal,
}

/// The answer to such a request, with its [`Audit`].
pub fn refuse(
    refusal: Refusal,
    method: &Method,
    path: &str,
    region: &str,
    id: RequestId,
) -> Response<Payload> {
    let error = match refusal {
        Refusal::HeadersTooLarge { limit } => S3Error::new(Code::RequestHeaderSectionTooLarge)
            .with("MaxSizeAllowed", limit.to_string()),
        Refusal::Opening => S3Error::new(Code::ServiceUnavailable)
            .message("The store is being opened. Please try again.")
            .header(http::header::RETRY_AFTER, "1"),
        Refusal::Internal => S3Error::new(Code::InternalError),
    };
    let subject = Subject { method, resource: path, bucket: None, key: None, region, id };
    let mut response = error_reply(&error, &subject);
    let error_code = Some(error.code().as_str());
    response.extensions_mut().insert(Audit { error_code, ..Audit::default() });
    response
}
