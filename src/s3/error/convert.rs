//! What the layers below answer, in S3's words. Each error is converted here and nowhere else.

use super::{Code, S3Error};
use crate::auth::AuthError;
use crate::body::{BodyError, Refusal, RefusalKind};
use crate::object::{CompletionError, ConditionHeader, KeyFault, MIN_PART_SIZE, Timestamp};
use crate::store::StoreError;

const MAX_SKEW_MILLISECONDS: &str = "900000";

impl From<StoreError> for S3Error {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::NoSuchBucket => Self::new(Code::NoSuchBucket),
            StoreError::BucketExists { .. } => Self::new(Code::BucketAlreadyExists),
            StoreError::BucketNotEmpty => Self::new(Code::BucketNotEmpty),
            StoreError::NoSuchKey => Self::new(Code::NoSuchKey),
            StoreError::NoSuchVersion => Self::new(Code::NoSuchVersion),
            StoreError::NoSuchUpload => Self::new(Code::NoSuchUpload),
            // Reads answer 304 themselves; elsewhere the condition has failed.
            StoreError::NotModified { .. } => Self::new(Code::PreconditionFailed),
            StoreError::PreconditionFailed(header) => precondition_failed(header),
            StoreError::Conflict => Self::new(Code::ConditionalRequestConflict),
            StoreError::InvalidRange { size } => Self::invalid_range(size),
            StoreError::InvalidPartNumber { count } => {
                Self::new(Code::InvalidPartNumber).with("ActualPartCount", count.to_string())
            }
            StoreError::SourceRange { size } => Self::invalid_range(size)
                .message(format!("Range specified is not valid for source object of size: {size}")),
            StoreError::SourceTooLarge { limit, .. } => Self::invalid_request(format!(
                "The specified copy source is larger than the maximum allowable size for a copy \
                 source: {limit}"
            )),
            StoreError::Completion(error) => error.into(),
            StoreError::Body(error) => error.into(),
            StoreError::StorageFull => {
                Self::new(Code::InsufficientStorage).cause(error.to_string())
            }
            StoreError::ReadOnly { .. } => {
                Self::new(Code::ServiceUnavailable).cause(error.to_string())
            }
            StoreError::Closing => Self::new(Code::ServiceUnavailable),
            StoreError::Rebuilding => Self::slow_down(),
            StoreError::Unavailable { what } => {
                Self::new(Code::ServiceUnavailable).known_cause(what)
            }
            StoreError::Busy { what, retry_after } => Self::slow_down_for(retry_after).cause(what),
            StoreError::Unsupported { what } => Self::not_implemented(&what),
            StoreError::Refused { code, message } => match Code::named(&code) {
                Some(code) => Self::new(code).message(message),
                None => Self::invalid_request(format!("{code}: {message}")),
            },
            StoreError::CustomerKey(fault) | StoreError::SourceKey(fault) => fault.into(),
            StoreError::KeyUnavailable { what } => Self::new(Code::ServiceUnavailable).cause(what),
            StoreError::Damaged { .. } | StoreError::Io { .. } => Self::internal(error.to_string()),
        }
    }
}

impl From<KeyFault> for S3Error {
    fn from(fault: KeyFault) -> Self {
        Self::invalid_request(match fault {
            KeyFault::Missing => {
                "The object was stored using a form of Server Side Encryption. The correct \
                 parameters must be provided to retrieve the object."
            }
            KeyFault::Unneeded => "The encryption parameters are not applicable to this object.",
            KeyFault::Wrong => return Self::new(Code::AccessDenied),
            KeyFault::PartMissing => {
                "The multipart upload initiate requested encryption. Subsequent part requests must \
                 include the appropriate encryption parameters."
            }
            KeyFault::PartUnneeded => {
                "The multipart upload initiate did not request encryption. Please resend the \
                 request without sending encryption parameters."
            }
            KeyFault::PartWrong => {
                "The provided encryption parameters did not match the ones used originally."
            }
        })
    }
}

impl From<CompletionError> for S3Error {
    fn from(error: CompletionError) -> Self {
        match error {
            CompletionError::Empty => Self::new(Code::MalformedXML),
            CompletionError::Order => Self::new(Code::InvalidPartOrder),
            CompletionError::Part { number, etag } => Self::new(Code::InvalidPart)
                .with("PartNumber", number.to_string())
                .with("ETag", etag.as_str()),
            CompletionError::TooSmall { number, size, etag } => Self::new(Code::EntityTooSmall)
                .with("ProposedSize", size.to_string())
                .with("MinSizeAllowed", MIN_PART_SIZE.to_string())
                .with("PartNumber", number.to_string())
                .with("ETag", etag.as_str()),
            CompletionError::Checksum => Self::new(Code::BadDigest).message(error.to_string()),
            CompletionError::MissingChecksum(_)
            | CompletionError::Kind
            | CompletionError::Size { .. } => Self::invalid_request(error.to_string()),
        }
    }
}

impl From<BodyError> for S3Error {
    fn from(error: BodyError) -> Self {
        match error {
            BodyError::Incomplete => Self::new(Code::IncompleteBody),
            BodyError::Framing(_) => Self::new(Code::IncompleteBody).message(error.to_string()),
            BodyError::Stalled => Self::new(Code::RequestTimeout),
            BodyError::ChunkSignature => Self::new(Code::SignatureDoesNotMatch),
            BodyError::Trailer => Self::new(Code::MalformedTrailerError),
            BodyError::Sha256 { expected, actual } => Self::new(Code::XAmzContentSHA256Mismatch)
                .with("ClientComputedContentSHA256", expected)
                .with("S3ComputedContentSHA256", actual),
            BodyError::Md5 => Self::new(Code::BadDigest)
                .message("The Content-MD5 you specified did not match what we received."),
            BodyError::Checksum(algorithm) => Self::new(Code::BadDigest).message(format!(
                "The {} you specified did not match the calculated checksum.",
                algorithm.wire_name()
            )),
            BodyError::ChecksumMalformed => {
                Self::invalid_request("Value for the checksum trailer is invalid.")
            }
            BodyError::TooLarge { limit } => Self::entity_too_large(None, limit),
            BodyError::TooSmall { size, least } => Self::new(Code::EntityTooSmall)
                .with("ProposedSize", size.to_string())
                .with("MinSizeAllowed", least.to_string()),
            BodyError::Form(why) => Self::new(Code::MalformedPOSTRequest).message(format!(
                "The body of your POST request is not well-formed multipart/form-data: {why}."
            )),
            BodyError::Refused(refusal) => refusal.into(),
            BodyError::Store(cause) => Self::internal(cause),
        }
    }
}

impl From<Refusal> for S3Error {
    fn from(refusal: Refusal) -> Self {
        let error = match refusal.kind {
            RefusalKind::Argument => Self::new(Code::InvalidArgument),
            RefusalKind::TooLarge { size, limit } => Self::entity_too_large(size, limit),
            RefusalKind::TooSmall { size, least } => Self::new(Code::EntityTooSmall)
                .with("ProposedSize", size.to_string())
                .with("MinSizeAllowed", least.to_string()),
            RefusalKind::Content => Self::new(Code::AccessDenied),
            RefusalKind::Unseen => Self::new(Code::ServiceUnavailable),
        };
        error.message(refusal.message)
    }
}

impl From<AuthError> for S3Error {
    fn from(error: AuthError) -> Self {
        match error {
            AuthError::HeaderMalformed { message, region } => {
                let error = Self::new(Code::AuthorizationHeaderMalformed).message(message);
                region.into_iter().fold(error, |error, region| error.with("Region", region))
            }
            AuthError::QueryParameters(message) => {
                Self::new(Code::AuthorizationQueryParametersError).message(message)
            }
            AuthError::InvalidArgument { message, name, value } => {
                Self::invalid_argument(name, value, message)
            }
            AuthError::InvalidRequest(message) => Self::invalid_request(message),
            AuthError::InvalidPolicyDocument(message) => {
                Self::new(Code::InvalidPolicyDocument).message(message)
            }
            AuthError::InvalidToken => Self::new(Code::InvalidToken),
            AuthError::EndedSession(why) => Self::new(Code::InvalidToken).known_cause(why),
            AuthError::ExpiredToken => Self::new(Code::ExpiredToken),
            AuthError::AccessDenied(message) => Self::new(Code::AccessDenied).message(message),
            AuthError::HeadersNotSigned(names) => Self::new(Code::AccessDenied)
                .message("There were headers present in the request which were not signed")
                .with("HeadersNotSigned", names),
            AuthError::Expired { seconds, expires, server_time } => {
                expired(seconds, expires, server_time)
            }
            AuthError::Skewed { request_time, server_time } => {
                Self::new(Code::RequestTimeTooSkewed)
                    .with("RequestTime", request_time)
                    .with("ServerTime", server_time.iso8601())
                    .with("MaxAllowedSkewMilliseconds", MAX_SKEW_MILLISECONDS)
            }
            AuthError::UnknownKey(key) => {
                Self::new(Code::InvalidAccessKeyId).with("AWSAccessKeyId", key)
            }
            AuthError::Mismatch { access_key, provided, string_to_sign, canonical_request } => {
                let error = Self::new(Code::SignatureDoesNotMatch)
                    .with("AWSAccessKeyId", access_key)
                    .with("StringToSignBytes", hex_bytes(&string_to_sign))
                    .with("StringToSign", string_to_sign)
                    .with("SignatureProvided", provided);
                canonical_request.into_iter().fold(error, |error, request| {
                    error
                        .with("CanonicalRequestBytes", hex_bytes(&request))
                        .with("CanonicalRequest", request)
                })
            }
            AuthError::MissingContentLength => Self::new(Code::MissingContentLength),
            AuthError::NotImplemented(message) => Self::new(Code::NotImplemented).message(message),
        }
    }
}

/// 412, naming the header that the failed condition came from.
fn precondition_failed(header: ConditionHeader) -> S3Error {
    S3Error::new(Code::PreconditionFailed).with("Condition", header.name())
}

fn expired(seconds: Option<u64>, expires: Timestamp, server_time: Timestamp) -> S3Error {
    let error = S3Error::new(Code::AccessDenied).message("Request has expired");
    let error = match seconds {
        Some(seconds) => error.with("X-Amz-Expires", seconds.to_string()),
        None => error,
    };
    error.with("Expires", expires.iso8601()).with("ServerTime", server_time.iso8601())
}

/// The bytes as S3 shows them beside the text: two digits each, with spaces between.
fn hex_bytes(text: &str) -> String {
    text.bytes().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::object::{Algorithm, ETag, Owner};

    fn io() -> std::io::Error {
        std::io::Error::other("secret source")
    }

    #[test]
    fn every_answer_of_a_store_has_its_code() {
        let owner = Owner { id: "o".to_owned(), display_name: String::new() };
        let part = CompletionError::Part { number: 1, etag: ETag::parse("e") };
        for (error, status, code) in [
            (StoreError::NoSuchBucket, 404, Code::NoSuchBucket),
            (StoreError::BucketExists { owner }, 409, Code::BucketAlreadyExists),
            (StoreError::BucketNotEmpty, 409, Code::BucketNotEmpty),
            (StoreError::NoSuchKey, 404, Code::NoSuchKey),
            (StoreError::NoSuchVersion, 404, Code::NoSuchVersion),
            (StoreError::NoSuchUpload, 404, Code::NoSuchUpload),
            (StoreError::Conflict, 409, Code::ConditionalRequestConflict),
            (StoreError::InvalidRange { size: 1 }, 416, Code::InvalidRange),
            (StoreError::InvalidPartNumber { count: 1 }, 416, Code::InvalidPartNumber),
            (StoreError::SourceRange { size: 1 }, 416, Code::InvalidRange),
            (StoreError::SourceTooLarge { size: 2, limit: 1 }, 400, Code::InvalidRequest),
            (part.into(), 400, Code::InvalidPart),
            (CompletionError::Empty.into(), 400, Code::MalformedXML),
            (CompletionError::Order.into(), 400, Code::InvalidPartOrder),
            (CompletionError::Checksum.into(), 400, Code::BadDigest),
            (CompletionError::Kind.into(), 400, Code::InvalidRequest),
            (BodyError::Incomplete.into(), 400, Code::IncompleteBody),
            (BodyError::Stalled.into(), 400, Code::RequestTimeout),
            (BodyError::Checksum(Algorithm::Crc32).into(), 400, Code::BadDigest),
            (BodyError::Trailer.into(), 400, Code::MalformedTrailerError),
            (BodyError::ChunkSignature.into(), 403, Code::SignatureDoesNotMatch),
            (BodyError::TooLarge { limit: 1 }.into(), 400, Code::EntityTooLarge),
            (BodyError::TooSmall { size: 1, least: 2 }.into(), 400, Code::EntityTooSmall),
            (BodyError::Form("why").into(), 400, Code::MalformedPOSTRequest),
            (StoreError::StorageFull, 507, Code::InsufficientStorage),
            (StoreError::Rebuilding, 503, Code::SlowDown),
            (StoreError::Closing, 503, Code::ServiceUnavailable),
        ] {
            let converted = S3Error::from(error);
            assert_eq!((converted.code(), converted.code().status().as_u16()), (code, status));
        }
    }

    #[test]
    fn what_happened_inside_is_for_the_log_alone() {
        let what = || "secret path".to_owned();
        for (error, code) in [
            (StoreError::Io { doing: what(), source: io() }, Code::InternalError),
            (StoreError::Damaged { what: what() }, Code::InternalError),
            (StoreError::ReadOnly { reason: what() }, Code::ServiceUnavailable),
            (BodyError::Store(what()).into(), Code::InternalError),
        ] {
            let converted = S3Error::from(error);
            assert_eq!(converted.code(), code);
            assert!(!converted.text().contains("secret"));
            assert!(converted.extras.is_empty());
            assert!(converted.cause.is_some_and(|cause| cause.contains("secret path")));
        }
    }

    #[test]
    fn a_store_that_does_not_know_yet_asks_for_patience() {
        let error = S3Error::from(StoreError::Rebuilding);
        assert!(error.headers.iter().any(|(name, _)| name == http::header::RETRY_AFTER));
    }
}
