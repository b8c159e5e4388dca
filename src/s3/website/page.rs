//! Errors as a website shows them (S3 User Guide, "Configuring a custom error document").

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Response};

use crate::body::Payload;
use crate::s3::error::{Code, S3Error, Subject};

const CODE: HeaderName = HeaderName::from_static("x-amz-error-code");
const MESSAGE: HeaderName = HeaderName::from_static("x-amz-error-message");
const KEY: HeaderName = HeaderName::from_static("x-amz-error-detail-key");

/// The response for an error. `second` is the one that came of looking for the website's own page
/// of errors.
pub(in crate::s3) fn error_page(
    error: &S3Error,
    second: Option<&S3Error>,
    subject: &Subject<'_>,
) -> Response<Payload> {
    let page = page(error, second, subject);
    let length = HeaderValue::from(page.len());
    let body = match *subject.method {
        Method::HEAD => Payload::empty(),
        _ => Payload::from_bytes(page),
    };
    let mut response = Response::new(body);
    *response.status_mut() = error.code().status();
    let headers = response.headers_mut();
    headers.extend(error.headers().cloned().map(|(name, value)| (Some(name), value)));
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    headers.insert(CONTENT_LENGTH, length);
    describe(headers, error, subject);
    response
}

/// Says in headers which error a page is about.
pub(super) fn describe(headers: &mut HeaderMap, error: &S3Error, subject: &Subject<'_>) {
    headers.insert(CODE, HeaderValue::from_static(error.code().as_str()));
    if let Ok(message) = HeaderValue::from_str(error.text()) {
        headers.insert(MESSAGE, message);
    }
    let key = subject.key.filter(|_| error.code() == Code::NoSuchKey);
    if let Some(Ok(key)) = key.map(HeaderValue::from_str) {
        headers.insert(KEY, key);
    }
}

fn page(error: &S3Error, second: Option<&S3Error>, subject: &Subject<'_>) -> Bytes {
    let status = error.code().status();
    let title = format!("{} {}", status.as_str(), status.canonical_reason().unwrap_or_default());
    let said = list(error, detail(error, subject), Some(subject));
    let second = second.map(|second| {
        let said = list(second, None, None);
        format!(
            "<h3>An Error Occurred While Attempting to Retrieve a Custom Error Document</h3>\n{said}"
        )
    });
    format!(
        "<html>\n<head><title>{title}</title></head>\n<body>\n<h1>{title}</h1>\n{said}{}<hr/>\n\
         </body>\n</html>\n",
        second.unwrap_or_default()
    )
    .into()
}

fn list(error: &S3Error, detail: Option<(&str, &str)>, subject: Option<&Subject<'_>>) -> String {
    let (code, message) = (error.code().as_str(), escaped(error.text()));
    let detail = detail.map(|(name, value)| format!("<li>{name}: {}</li>\n", escaped(value)));
    let ids = subject.map(|subject| {
        let (id, host) = (subject.id, subject.id.host_id());
        format!("<li>RequestId: {id}</li>\n<li>HostId: {host}</li>\n")
    });
    let (detail, ids) = (detail.unwrap_or_default(), ids.unwrap_or_default());
    format!("<ul>\n<li>Code: {code}</li>\n<li>Message: {message}</li>\n{detail}{ids}</ul>\n")
}

/// What the error is about.
fn detail<'a>(error: &S3Error, subject: &'a Subject<'_>) -> Option<(&'static str, &'a str)> {
    match error.code() {
        Code::NoSuchKey => subject.key.map(|key| ("Key", key)),
        Code::NoSuchBucket | Code::NoSuchWebsiteConfiguration => {
            subject.bucket.map(|bucket| ("BucketName", bucket))
        }
        Code::MethodNotAllowed => Some(("Method", subject.method.as_str())),
        _ => None,
    }
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            control if control.is_control() => out.push('\u{fffd}'),
            character => out.push(character),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::object::RequestId;

    fn subject<'a>(method: &'a Method, key: &'a str) -> Subject<'a> {
        Subject {
            method,
            resource: "/",
            bucket: Some("b12"),
            key: Some(key),
            region: "us-east-1",
            id: RequestId(7),
        }
    }

    #[tokio::test]
    async fn what_clients_write_is_no_markup() {
        let key = "<script>'\"&\n</script>";
        let missing = S3Error::new(Code::NoSuchKey);
        let response = error_page(&missing, None, &subject(&Method::GET, key));
        assert_eq!(response.status(), 404);
        assert_eq!(response.headers()["content-type"], "text/html; charset=utf-8");
        assert_eq!(response.headers()["x-amz-error-code"], "NoSuchKey");
        assert!(!response.headers().contains_key("x-amz-error-detail-key"));
        let body = response.into_body().collect(1 << 20).await.unwrap();
        let text = std::str::from_utf8(&body).unwrap();
        let line = "<li>Key: &lt;script&gt;&#39;&quot;&amp;\u{fffd}&lt;/script&gt;</li>";
        assert!(text.contains(line), "{text}");
        assert!(text.contains("<h1>404 Not Found</h1>"));
    }

    #[tokio::test]
    async fn the_answer_to_head_has_no_body_and_says_how_long_it_would_be() {
        let denied = S3Error::new(Code::AccessDenied);
        let missing = S3Error::new(Code::NoSuchKey);
        let (get, head) = (Method::GET, Method::HEAD);
        let shown = error_page(&denied, Some(&missing), &subject(&get, "k"));
        let hidden = error_page(&denied, Some(&missing), &subject(&head, "k"));
        assert_eq!(shown.headers(), hidden.headers());
        let body = shown.into_body().collect(1 << 20).await.unwrap();
        assert_eq!(hidden.headers()["content-length"], body.len().to_string().as_str());
        assert!(std::str::from_utf8(&body).unwrap().contains("Custom Error Document"));
        assert!(hidden.into_body().collect(1 << 20).await.unwrap().is_empty());
    }
}
