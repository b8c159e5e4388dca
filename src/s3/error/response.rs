//! An error as a response.

use http::header::{CONTENT_TYPE, HeaderName};
use http::{Method, Response};

use super::{Code, S3Error};
use crate::body::Payload;
use crate::object::RequestId;
use crate::s3::xml::{Writer, error_document};

/// The header that names the bucket's region, which clients look for on errors too.
const BUCKET_REGION: HeaderName = HeaderName::from_static("x-amz-bucket-region");

/// What a request was about, as its error repeats it.
#[derive(Debug, Clone, Copy)]
pub(in crate::s3) struct Subject<'a> {
    /// The method: an answer to HEAD has no body.
    pub(in crate::s3) method: &'a Method,
    /// The path as it came.
    pub(in crate::s3) resource: &'a str,
    /// The bucket, where the request names one.
    pub(in crate::s3) bucket: Option<&'a str>,
    /// The key, where the request names one.
    pub(in crate::s3) key: Option<&'a str>,
    /// The gateway's region.
    pub(in crate::s3) region: &'a str,
    /// The request's id.
    pub(in crate::s3) id: RequestId,
}

/// The response for an error.
pub(in crate::s3) fn error_reply(error: &S3Error, subject: &Subject<'_>) -> Response<Payload> {
    let body = match *subject.method {
        Method::HEAD => Payload::empty(),
        _ => Payload::from_bytes(error_document(|writer| write_error(writer, error, subject))),
    };
    let mut response = Response::new(body);
    *response.status_mut() = error.code().status();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, http::HeaderValue::from_static("application/xml"));
    for (name, value) in &error.headers {
        headers.insert(name.clone(), value.clone());
    }
    if (subject.bucket.is_some() || error.code() == Code::AuthorizationHeaderMalformed)
        && let Ok(region) = http::HeaderValue::from_str(subject.region)
    {
        headers.insert(BUCKET_REGION, region);
    }
    response
}

/// The content of the root `Error`, which answers that have begun already need as well.
pub(in crate::s3) fn write_error(writer: &mut Writer, error: &S3Error, subject: &Subject<'_>) {
    writer.text("Code", error.code().as_str());
    writer.text("Message", error.text());
    for (element, text) in &error.extras {
        writer.text(element, text);
    }
    let optional = |writer: &mut Writer, element, text| {
        // A copy's source is not what the request's own path names: it is said already.
        if !error.extras.iter().any(|(said, _)| *said == element) {
            writer.optional(element, text);
        }
    };
    match error.code() {
        Code::NoSuchBucket
        | Code::NoSuchBucketPolicy
        | Code::BucketAlreadyExists
        | Code::BucketAlreadyOwnedByYou
        | Code::BucketNotEmpty => optional(writer, "BucketName", subject.bucket),
        Code::NoSuchKey => optional(writer, "Key", subject.key),
        _ => {}
    }
    writer.text("Resource", subject.resource);
    writer.text("RequestId", &subject.id.to_string());
    writer.text("HostId", &subject.id.host_id());
}
