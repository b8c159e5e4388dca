//! S3's errors: code, status, message and what is said beside them (S3 API Reference, "Error
//! responses"). A client never reads a path, a source error or a secret out of them.

mod code;
mod convert;
mod response;

use std::borrow::Cow;

use http::header::{ALLOW, CONTENT_RANGE, HeaderName, HeaderValue, RETRY_AFTER};

pub(super) use code::Code;
pub(super) use response::{Subject, error_reply, write_error};

/// An error as the client will see it, and the cause for the operator.
#[derive(Debug)]
pub(super) struct S3Error {
    code: Code,
    message: Cow<'static, str>,
    extras: Vec<(&'static str, String)>,
    headers: Vec<(HeaderName, HeaderValue)>,
    cause: Option<String>,
    /// Whether somebody else has told the operator of the cause.
    known: bool,
}

impl S3Error {
    /// An error with the code's own message.
    pub(super) fn new(code: Code) -> Self {
        let message = Cow::Borrowed(code.message());
        Self { code, message, extras: Vec::new(), headers: Vec::new(), cause: None, known: false }
    }

    /// Says it in other words.
    #[must_use]
    pub(super) fn message(mut self, message: impl Into<Cow<'static, str>>) -> Self {
        self.message = message.into();
        self
    }

    /// Adds an element to the document.
    #[must_use]
    pub(super) fn with(mut self, element: &'static str, text: impl Into<String>) -> Self {
        self.extras.push((element, text.into()));
        self
    }

    /// Adds a header to the response; a value that no header can hold is left out.
    #[must_use]
    pub(super) fn header(mut self, name: HeaderName, value: &str) -> Self {
        self.headers.extend(HeaderValue::from_str(value).ok().map(|value| (name, value)));
        self
    }

    /// What happened, for the log alone.
    #[must_use]
    pub(super) fn cause(mut self, cause: impl Into<String>) -> Self {
        self.cause = Some(cause.into());
        self
    }

    /// What happened, where it meets every request and is logged once elsewhere.
    #[must_use]
    pub(super) fn known_cause(mut self, cause: impl Into<String>) -> Self {
        self.known = true;
        self.cause(cause)
    }

    /// 400 `InvalidArgument` about a header or parameter.
    pub(super) fn invalid_argument(
        name: &'static str,
        value: impl Into<String>,
        message: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self::new(Code::InvalidArgument)
            .message(message)
            .with("ArgumentName", name)
            .with("ArgumentValue", value)
    }

    /// 400 `InvalidRequest`.
    pub(super) fn invalid_request(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Code::InvalidRequest).message(message)
    }

    /// 501 `NotImplemented`: `what` is a header, a parameter or an operation.
    pub(super) fn not_implemented(what: &str) -> Self {
        Self::new(Code::NotImplemented)
            .message(format!("{what} implies functionality that is not implemented"))
    }

    /// 405 `MethodNotAllowed`, with what is allowed instead.
    pub(super) fn method_not_allowed(method: &http::Method, allow: &str) -> Self {
        Self::new(Code::MethodNotAllowed).with("Method", method.as_str()).header(ALLOW, allow)
    }

    /// 416 `InvalidRange` on an object of `size` bytes.
    pub(super) fn invalid_range(size: u64) -> Self {
        Self::new(Code::InvalidRange)
            .with("ActualObjectSize", size.to_string())
            .header(CONTENT_RANGE, &format!("bytes */{size}"))
    }

    /// 400 `EntityTooLarge`, with what was wanted and what may be.
    pub(super) fn entity_too_large(proposed: Option<u64>, limit: u64) -> Self {
        let error = Self::new(Code::EntityTooLarge);
        let error = match proposed {
            Some(proposed) => error.with("ProposedSize", proposed.to_string()),
            None => error,
        };
        error.with("MaxSizeAllowed", limit.to_string())
    }

    /// 500 `InternalError`; `cause` goes to the log.
    pub(super) fn internal(cause: impl Into<String>) -> Self {
        Self::new(Code::InternalError).cause(cause)
    }

    /// 503 `SlowDown`: the client waits and tries again.
    pub(super) fn slow_down() -> Self {
        Self::new(Code::SlowDown).header(RETRY_AFTER, "1")
    }

    /// 503 `SlowDown` with a whole number of seconds, at least one.
    pub(super) fn slow_down_for(wait: std::time::Duration) -> Self {
        let seconds = wait.as_secs().max(1).to_string();
        Self::new(Code::SlowDown).header(RETRY_AFTER, &seconds)
    }

    /// Its code.
    pub(super) fn code(&self) -> Code {
        self.code
    }

    /// Its message, as per-key errors of `DeleteObjects` repeat it.
    pub(super) fn text(&self) -> &str {
        &self.message
    }

    /// Why access or a session was refused, for the access log alone.
    pub(super) fn why_denied(&self) -> Option<&str> {
        self.cause
            .as_deref()
            .filter(|_| matches!(self.code, Code::AccessDenied | Code::InvalidToken))
    }

    /// Its headers.
    pub(super) fn headers(&self) -> impl Iterator<Item = &(HeaderName, HeaderValue)> {
        self.headers.iter()
    }

    /// Writes the cause, if there is one, to the log: once, where the error becomes an answer.
    pub(super) fn log(&self, operation: Option<&'static str>) {
        let code = self.code.as_str();
        match &self.cause {
            Some(cause) if self.known => tracing::debug!(code, operation, "{cause}"),
            Some(cause) => tracing::error!(code, operation, "{cause}"),
            None => {}
        }
    }
}
