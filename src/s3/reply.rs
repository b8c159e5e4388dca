//! What an operation answers.

use http::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderName, HeaderValue};
use http::{HeaderMap, Response, StatusCode};

use super::xml::{self, Writer};
use crate::body::Payload;

/// A response under construction.
#[derive(Debug)]
pub(super) struct Reply {
    status: StatusCode,
    headers: HeaderMap,
    body: Payload,
}

impl Reply {
    /// A response without headers and body.
    pub(super) fn new(status: StatusCode) -> Self {
        Self { status, headers: HeaderMap::new(), body: Payload::empty() }
    }

    /// 200 without a body.
    pub(super) fn ok() -> Self {
        Self::new(StatusCode::OK)
    }

    /// 204.
    pub(super) fn no_content() -> Self {
        Self::new(StatusCode::NO_CONTENT)
    }

    /// 200 with a document of that root.
    pub(super) fn xml(root: &str, content: impl FnOnce(&mut Writer)) -> Self {
        Self::ok()
            .header(CONTENT_TYPE, "application/xml")
            .body(Payload::from_bytes(xml::document(root, content)))
    }

    /// Adds a header. A value that no header can hold is left out: none comes from anything but
    /// what was a header before.
    #[must_use]
    pub(super) fn header(mut self, name: HeaderName, value: impl AsRef<[u8]>) -> Self {
        if let Ok(value) = HeaderValue::from_bytes(value.as_ref()) {
            self.headers.append(name, value);
        }
        self
    }

    /// Adds one of Amazon's headers, or our own, by its lower-case name.
    #[must_use]
    pub(super) fn amz(self, name: &'static str, value: impl AsRef<[u8]>) -> Self {
        self.header(HeaderName::from_static(name), value)
    }

    /// Adds a header where there is a value.
    #[must_use]
    pub(super) fn optional(self, name: HeaderName, value: Option<impl AsRef<[u8]>>) -> Self {
        match value {
            Some(value) => self.header(name, value),
            None => self,
        }
    }

    /// States the length of a body that is not sent, for answers to HEAD.
    #[must_use]
    pub(super) fn length(self, length: u64) -> Self {
        self.header(CONTENT_LENGTH, length.to_string())
    }

    /// Its headers.
    pub(super) fn headers_mut(&mut self) -> &mut HeaderMap {
        &mut self.headers
    }

    /// The same with another status.
    #[must_use]
    pub(super) fn with_status(mut self, status: StatusCode) -> Self {
        self.status = status;
        self
    }

    /// Sets the body.
    #[must_use]
    pub(super) fn body(mut self, body: Payload) -> Self {
        self.body = body;
        self
    }

    /// The response.
    pub(super) fn into_response(self) -> Response<Payload> {
        let mut response = Response::new(self.body);
        *response.status_mut() = self.status;
        *response.headers_mut() = self.headers;
        response
    }
}
