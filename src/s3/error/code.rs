//! The table of error codes.

use http::StatusCode;

macro_rules! codes {
    ($($name:ident $status:literal $message:literal)*) => {
        /// An S3 error code; the variants are the very words on the wire.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub(in crate::s3) enum Code {
            $(#[doc = $message] $name,)*
        }

        impl Code {
            /// Every code.
            pub(super) const ALL: &[Self] = &[$(Self::$name,)*];

            /// The code of that name.
            pub(super) fn named(name: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|code| code.as_str() == name)
            }

            /// The code on the wire.
            pub(in crate::s3) fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => stringify!($name),)*
                }
            }

            /// The message where nothing more particular is said.
            pub(super) fn message(self) -> &'static str {
                match self {
                    $(Self::$name => $message,)*
                }
            }

            fn status_number(self) -> u16 {
                match self {
                    $(Self::$name => $status,)*
                }
            }
        }
    };
}

codes! {
    AccessControlListNotSupported 400 "The bucket does not allow ACLs."
    AccessDenied 403 "Access Denied"
    AccessForbidden 403 "CORSResponse: CORS is not enabled for this bucket."
    AuthorizationHeaderMalformed 400 "The authorization header is malformed."
    AuthorizationQueryParametersError 400 "The authorization query parameters are malformed."
    BadDigest 400 "The Content-MD5 or checksum value that you specified did not match what we received."
    BadRequest 400 "The request is malformed."
    BucketAlreadyExists 409 "The requested bucket name is not available. The bucket namespace is shared by all users of the system. Please select a different name and try again."
    BucketAlreadyOwnedByYou 409 "Your previous request to create the named bucket succeeded and you already own it."
    BucketNotEmpty 409 "The bucket you tried to delete is not empty."
    ConditionalRequestConflict 409 "The conditional request cannot succeed due to a conflicting operation against this resource."
    EntityTooLarge 400 "Your proposed upload exceeds the maximum allowed size."
    EntityTooSmall 400 "Your proposed upload is smaller than the minimum allowed size."
    ExpiredToken 400 "The provided token has expired."
    IncompleteBody 400 "You did not provide the number of bytes specified by the Content-Length HTTP header."
    InsufficientStorage 507 "There is not enough space left to store the object."
    InternalError 500 "We encountered an internal error. Please try again."
    InvalidAccessKeyId 403 "The access key ID you provided does not exist in our records."
    InvalidArgument 400 "Invalid Argument"
    InvalidBucketAclWithObjectOwnership 400 "Bucket cannot have ACLs set with ObjectOwnership's BucketOwnerEnforced setting."
    InvalidBucketName 400 "The specified bucket is not valid."
    InvalidDigest 400 "The Content-MD5 you specified was invalid."
    InvalidEncryptionAlgorithmError 400 "The encryption request that you specified is not valid. The valid value is AES256."
    InvalidLocationConstraint 400 "The specified location constraint is not valid."
    InvalidPart 400 "One or more of the specified parts could not be found. The part may not have been uploaded, or the specified entity tag may not match the part's entity tag."
    InvalidPartNumber 416 "The requested partnumber is not satisfiable."
    InvalidPartOrder 400 "The list of parts was not in ascending order. Parts must be ordered by part number."
    InvalidPolicyDocument 400 "The content of the form does not meet the conditions specified in the policy document."
    InvalidRange 416 "The requested range is not satisfiable."
    InvalidRedirectLocation 400 "The website redirect location must have a prefix of 'http://' or 'https://' or '/'."
    InvalidRequest 400 "The request is not valid."
    InvalidStorageClass 400 "The storage class you specified is not valid."
    InvalidTag 400 "The tag provided was not a valid tag."
    InvalidToken 400 "The provided token is malformed or otherwise invalid."
    InvalidURI 400 "Couldn't parse the specified URI."
    KeyTooLongError 400 "Your key is too long."
    MalformedACLError 400 "The XML you provided was not well-formed or did not validate against our published schema."
    MalformedPolicy 400 "Policies must be valid JSON and the first byte must be '{'"
    MalformedPOSTRequest 400 "The body of your POST request is not well-formed multipart/form-data."
    MalformedTrailerError 400 "The request contained trailing data that was not well-formed or did not conform to our published schema."
    MalformedXML 400 "The XML you provided was not well-formed or did not validate against our published schema."
    MaxMessageLengthExceeded 400 "Your request was too big."
    MaxPostPreDataLengthExceeded 400 "Your POST request fields preceding the upload file were too large."
    MetadataTooLarge 400 "Your metadata headers exceed the maximum allowed metadata size."
    MethodNotAllowed 405 "The specified method is not allowed against this resource."
    MissingContentLength 411 "You must provide the Content-Length HTTP header."
    MissingSecurityHeader 400 "Your request was missing a required header."
    NoSuchBucket 404 "The specified bucket does not exist."
    NoSuchBucketPolicy 404 "The bucket policy does not exist."
    NoSuchCORSConfiguration 404 "The CORS configuration does not exist."
    NoSuchKey 404 "The specified key does not exist."
    NoSuchLifecycleConfiguration 404 "The lifecycle configuration does not exist."
    NoSuchPublicAccessBlockConfiguration 404 "The public access block configuration was not found."
    NoSuchTagSet 404 "The TagSet does not exist."
    NoSuchUpload 404 "The specified multipart upload does not exist. The upload ID might be invalid, or the multipart upload might have been aborted or completed."
    NoSuchVersion 404 "The specified version does not exist."
    NoSuchWebsiteConfiguration 404 "The specified bucket does not have a website configuration."
    NotImplemented 501 "A header or operation you provided implies functionality that is not implemented."
    ObjectLockConfigurationNotFoundError 404 "Object Lock configuration does not exist for this bucket."
    OwnershipControlsNotFoundError 404 "The bucket ownership controls were not found."
    PreconditionFailed 412 "At least one of the preconditions you specified did not hold."
    ReplicationConfigurationNotFoundError 404 "The replication configuration was not found."
    RequestHeaderSectionTooLarge 400 "Your request header and query parameters used to make the request exceed the maximum allowed size."
    RequestTimeTooSkewed 403 "The difference between the request time and the current time is too large."
    RequestTimeout 400 "Your socket connection to the server was not read from or written to within the timeout period."
    ServerSideEncryptionConfigurationNotFoundError 404 "The server-side encryption configuration was not found."
    ServiceUnavailable 503 "Service is unable to handle the request."
    SignatureDoesNotMatch 403 "The request signature we calculated does not match the signature you provided. Check your key and signing method."
    SlowDown 503 "Please reduce your request rate."
    UnexpectedContent 400 "This request does not support content."
    UnresolvableGrantByEmailAddress 400 "The email address you provided does not match any account on record."
    XAmzContentSHA256Mismatch 400 "The provided 'x-amz-content-sha256' header does not match what was computed."
}

impl Code {
    /// The HTTP status.
    pub(in crate::s3) fn status(self) -> StatusCode {
        StatusCode::from_u16(self.status_number()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_an_error_status_and_a_message() {
        for code in Code::ALL {
            let status = code.status();
            assert!(status.is_client_error() || status.is_server_error(), "{code:?}");
            assert_eq!(status.as_u16(), code.status_number());
            assert!(!code.message().is_empty());
        }
    }
}
