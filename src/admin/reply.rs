//! Answers of the side API: JSON, and faults as `{"error": {"code", "message"}}`.

use std::borrow::Cow;

use http::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, WWW_AUTHENTICATE};
use http::{HeaderValue, Response, StatusCode};
use serde::Serialize;
use serde_json::{Map, Value};

use crate::body::Payload;

/// Why a call was not done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) status: StatusCode,
    code: Cow<'static, str>,
    pub(super) message: String,
}

impl Fault {
    pub(super) fn new(
        status: StatusCode,
        code: impl Into<Cow<'static, str>>,
        message: impl Into<String>,
    ) -> Self {
        Self { status, code: code.into(), message: message.into() }
    }

    /// 400 for a parameter that is unknown or has no good value.
    pub(super) fn parameter(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "InvalidArgument", message)
    }

    /// 405, with what would be served.
    pub(super) fn method(allowed: &'static str) -> MethodFault {
        MethodFault(allowed)
    }

    pub(super) fn answer(&self) -> Response<Payload> {
        self.answer_with(Map::new())
    }

    /// The answer, with more fields beside the error.
    pub(super) fn answer_with(&self, mut fields: Map<String, Value>) -> Response<Payload> {
        let error = serde_json::json!({ "code": self.code, "message": self.message });
        fields.insert("error".to_owned(), error);
        let mut response = json(self.status, &fields);
        if self.status == StatusCode::UNAUTHORIZED {
            let challenge = HeaderValue::from_static("Bearer realm=\"stowgate\"");
            response.headers_mut().insert(WWW_AUTHENTICATE, challenge);
        }
        response
    }
}

/// A method that a resource does not have.
pub(super) struct MethodFault(&'static str);

impl MethodFault {
    pub(super) fn answer(&self) -> Response<Payload> {
        let message = format!("this resource has {} only", self.0);
        let fault = Fault::new(StatusCode::METHOD_NOT_ALLOWED, "MethodNotAllowed", message);
        let mut response = fault.answer();
        response.headers_mut().insert(ALLOW, HeaderValue::from_static(self.0));
        response
    }
}

/// An answer that nobody keeps: the next one may be another.
pub(super) fn json(status: StatusCode, value: &impl Serialize) -> Response<Payload> {
    let (status, text) = match serde_json::to_string_pretty(value) {
        Ok(text) => (status, text + "\n"),
        Err(error) => {
            tracing::error!(%error, "an answer of the side API cannot be written as JSON");
            let text = r#"{"error":{"code":"InternalError","message":"see the log"}}"#;
            (StatusCode::INTERNAL_SERVER_ERROR, text.to_owned())
        }
    };
    let mut response = Response::new(Payload::from_bytes(text));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// The answer where nothing is served.
pub(super) fn unserved(path: &str) -> Fault {
    if path.starts_with("/storage/migrations/") {
        let message = "a migration has events, report, pause, resume, cancel, rollback and limits";
        return Fault::new(StatusCode::NOT_FOUND, "NoSuchResource", message);
    }
    let message = "there is no such resource; /storage/openapi.json describes those that there are";
    Fault::new(StatusCode::NOT_FOUND, "NoSuchResource", message)
}
