//! `GET /storage/openapi.json`: what the side API serves, as OpenAPI 3.1. The document is
//! `openapi.json` beside this file; whoever adds a call adds it there.

use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderValue, Response};

use crate::body::Payload;

/// The document.
const DOCUMENT: &str = include_str!("openapi.json");

/// The document as an answer.
pub(super) fn answer() -> Response<Payload> {
    let mut response = Response::new(Payload::from_bytes(DOCUMENT));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::admin::Resource;

    #[test]
    fn the_document_names_what_is_served() {
        let document: Value = serde_json::from_str(DOCUMENT).expect("JSON");
        assert_eq!(document["info"]["version"], env!("CARGO_PKG_VERSION"));
        let paths = document["paths"].as_object().expect("paths");
        for (path, methods) in paths {
            let filled = path.replace("{id}", "7").replace("{bucket}", "b").replace("{key}", "k");
            let rest = filled.strip_prefix("/storage/").expect(path);
            let (resource, _) = Resource::named(rest).expect(path);
            let allowed = resource.refuses(&http::Method::TRACE).expect("no TRACE");
            for method in methods.as_object().expect("methods").keys() {
                assert!(allowed.contains(&method.to_ascii_uppercase()), "{method} {path}");
            }
            let described = methods.as_object().expect("methods").len();
            let served = allowed.split(", ").filter(|method| *method != "HEAD").count();
            assert_eq!(described, served, "{path}");
        }
        let resources = Resource::ALL.len();
        assert_eq!(paths.len(), resources, "every resource is described once");
    }
}
