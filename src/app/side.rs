//! `/storage/…`: everything that is not S3.
//!
//! - `GET /storage/health/live`: 200 while the process answers.
//! - `GET /storage/health/ready`: 200 once the store is open and knows all it holds, else 503.
//!
//! Both answer anyone, without detail. Every other path is 501.

use http::header::{ALLOW, CONTENT_TYPE, HOST};
use http::{HeaderValue, Method, Request, Response, StatusCode};

use crate::body::Payload;

/// Answers a request to the side API; `None` for a request to S3. Under a virtual host
/// `/storage/…` is an object's key.
pub(super) fn answer<B>(
    request: &Request<B>,
    base_domains: &[String],
    ready: impl FnOnce() -> bool,
) -> Option<Response<Payload>> {
    let path = request.uri().path().strip_prefix("/storage/").filter(|rest| !rest.is_empty())?;
    if is_virtual_host(request, base_domains) {
        return None;
    }
    let is_read = matches!(*request.method(), Method::GET | Method::HEAD);
    let response = match path {
        "health/live" | "health/ready" if !is_read => {
            let message = "health is only read";
            let mut response = error(StatusCode::METHOD_NOT_ALLOWED, "MethodNotAllowed", message);
            response.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
            response
        }
        "health/live" => json(StatusCode::OK, &serde_json::json!({ "status": "live" })),
        "health/ready" if ready() => {
            json(StatusCode::OK, &serde_json::json!({ "status": "ready" }))
        }
        "health/ready" => {
            json(StatusCode::SERVICE_UNAVAILABLE, &serde_json::json!({ "status": "starting" }))
        }
        _ => {
            let message = "this version does not serve this part of the side API";
            error(StatusCode::NOT_IMPLEMENTED, "NotImplemented", message)
        }
    };
    Some(response)
}

fn error(status: StatusCode, code: &str, message: &str) -> Response<Payload> {
    json(status, &serde_json::json!({ "error": { "code": code, "message": message } }))
}

fn json(status: StatusCode, value: &serde_json::Value) -> Response<Payload> {
    let mut response = Response::new(Payload::from_bytes(value.to_string()));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// Whether the host is a bucket's: a name below a base domain that is not a base domain itself.
fn is_virtual_host<B>(request: &Request<B>, base_domains: &[String]) -> bool {
    let header = request.headers().get(HOST).and_then(|host| host.to_str().ok());
    let host = header.or_else(|| request.uri().authority().map(http::uri::Authority::as_str));
    let host = host.unwrap_or_default().trim().to_ascii_lowercase();
    let name = host.split(':').next().unwrap_or_default().trim_end_matches('.');
    let below = |domain: &String| {
        name.strip_suffix(domain.as_str()).is_some_and(|rest| rest.len() > 1 && rest.ends_with('.'))
    };
    !base_domains.iter().any(|domain| domain == name) && base_domains.iter().any(below)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(method: &str, host: &str, path: &str, ready: bool) -> Option<u16> {
        let domains = ["s3.localhost".to_owned(), "localhost".to_owned()];
        let request = Request::builder().method(method).uri(path).header(HOST, host);
        let request = request.body(()).expect("a good request");
        answer(&request, &domains, || ready).map(|response| response.status().as_u16())
    }

    #[test]
    fn the_side_api_is_on_the_service_host_only() {
        let live = "/storage/health/live";
        for host in ["localhost:9000", "s3.localhost", "127.0.0.1:9000", "[::1]:9000", "gate.lan"] {
            assert_eq!(ask("GET", host, live, false), Some(200), "{host}");
        }
        for host in ["bucket.localhost", "b.s3.localhost:9000", "B.S3.Localhost."] {
            assert_eq!(ask("GET", host, live, false), None, "{host}");
        }
    }

    #[test]
    fn readiness_follows_the_store_and_the_rest_is_not_served() {
        let cases = [
            ("GET", "/storage/health/ready", true, Some(200)),
            ("HEAD", "/storage/health/ready", false, Some(503)),
            ("PUT", "/storage/health/live", true, Some(405)),
            ("GET", "/storage/info", true, Some(501)),
            ("GET", "/storage", true, None),
            ("PUT", "/storage/", true, None),
            ("GET", "/storage-room/health/live", true, None),
        ];
        for (method, path, ready, status) in cases {
            assert_eq!(ask(method, "localhost", path, ready), status, "{method} {path}");
        }
    }
}
