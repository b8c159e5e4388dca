//! Why a request is not believed.

use crate::object::Timestamp;

/// A refusal. Each variant is one S3 error; `s3::error` holds the table of codes and statuses.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AuthError {
    /// 400 `AuthorizationHeaderMalformed`; with the right region where that was the fault.
    #[error("{message}")]
    HeaderMalformed {
        /// What is wrong.
        message: String,
        /// The region that the client should sign for.
        region: Option<String>,
    },
    /// 400 `AuthorizationQueryParametersError`.
    #[error("{0}")]
    QueryParameters(String),
    /// 400 `InvalidArgument`.
    #[error("{message}")]
    InvalidArgument {
        /// What is wrong.
        message: String,
        /// `ArgumentName`.
        name: &'static str,
        /// `ArgumentValue`.
        value: String,
    },
    /// 400 `InvalidRequest`.
    #[error("{0}")]
    InvalidRequest(String),
    /// 400 `InvalidPolicyDocument`: a form's policy cannot be read.
    #[error("{0}")]
    InvalidPolicyDocument(String),
    /// 400 `InvalidToken`.
    #[error("the session token is not valid for this key")]
    InvalidToken,
    /// 400 `InvalidToken`: the session was begun here, and what it needs is gone. What that is, is
    /// for the operator.
    #[error("{0}")]
    EndedSession(String),
    /// 400 `ExpiredToken`.
    #[error("the session has expired")]
    ExpiredToken,
    /// 403 `AccessDenied`.
    #[error("{0}")]
    AccessDenied(String),
    /// 403 `AccessDenied` with the element `HeadersNotSigned`.
    #[error("headers are present that were not signed: {0}")]
    HeadersNotSigned(String),
    /// 403 `AccessDenied` with `Expires` and `ServerTime`: the presigned URL has expired.
    #[error("Request has expired")]
    Expired {
        /// `X-Amz-Expires`: seconds, for SigV4.
        seconds: Option<u64>,
        /// When it expired.
        expires: Timestamp,
        /// What time it is here.
        server_time: Timestamp,
    },
    /// 403 `RequestTimeTooSkewed`.
    #[error("the difference between the request time and the current time is too large")]
    Skewed {
        /// The time as the client sent it.
        request_time: String,
        /// What time it is here.
        server_time: Timestamp,
    },
    /// 403 `InvalidAccessKeyId`.
    #[error("the access key id '{0}' does not exist here")]
    UnknownKey(String),
    /// 403 `SignatureDoesNotMatch`, with everything that helps to find out why.
    #[error("the signature does not match")]
    Mismatch {
        /// `AWSAccessKeyId`.
        access_key: String,
        /// `SignatureProvided`.
        provided: String,
        /// `StringToSign`.
        string_to_sign: String,
        /// `CanonicalRequest`, with session tokens and SSE-C keys hidden; SigV4 only.
        canonical_request: Option<String>,
    },
    /// 411 `MissingContentLength`.
    #[error("x-amz-decoded-content-length is missing")]
    MissingContentLength,
    /// 501 `NotImplemented`.
    #[error("{0}")]
    NotImplemented(String),
}
