//! The Security Token Service, on the port of S3 (AWS STS API Reference, version 2011-06-15): a form
//! posted to `/`, or the same in the query of a GET.
//!
//! Who asks and what comes of it is decided in `auth`; here is the protocol. Answers are credentials:
//! nothing keeps them, and no log line has any of them.

mod action;
mod error;
mod parameters;
mod reply;

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures_util::FutureExt as _;
use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_HEADERS, ACCESS_CONTROL_REQUEST_METHOD,
    CACHE_CONTROL, CONTENT_TYPE, HeaderValue, ORIGIN,
};
use http::request::Parts;
use http::{HeaderMap, Method, Response, StatusCode};

use super::audit::Audit;
use crate::auth::{Authenticator, Identity};
use crate::body::Payload;
use crate::object::RequestId;

use action::Action;
use error::Fault;
use parameters::Parameters;

/// The largest body: the longest token and policy, encoded, and room to spare.
const LONGEST_BODY: usize = 64 << 10;
const FORM: &str = "application/x-www-form-urlencoded";
const XML: HeaderValue = HeaderValue::from_static("text/xml");

/// What is known of a call, for the log.
#[derive(Default)]
struct Told {
    action: Option<Action>,
    caller: Option<Arc<Identity>>,
    /// Who somebody has become.
    session: Option<Arc<Identity>>,
}

/// Whether a request to the service itself is meant for this one, and not for S3.
pub(super) fn is_call(parts: &Parts) -> bool {
    let text = |name| parts.headers.get(name).and_then(|value| value.to_str().ok());
    let query = parts.uri.query().unwrap_or_default();
    let has_action = query.split('&').any(|pair| pair.starts_with("Action="));
    match parts.method {
        Method::POST => has_action || text(CONTENT_TYPE).is_some_and(is_form),
        Method::GET => has_action,
        // A browser asks before it posts.
        Method::OPTIONS => text(ACCESS_CONTROL_REQUEST_METHOD) == Some("POST"),
        _ => false,
    }
}

/// Answers a call. The response's extensions hold an [`Audit`].
pub(super) async fn answer(
    auth: &Authenticator,
    parts: &Parts,
    body: Payload,
) -> Response<Payload> {
    if parts.method == Method::OPTIONS {
        return preflight(parts);
    }
    let id = parts.extensions.get().copied().unwrap_or(RequestId(0));
    let mut told = Told::default();
    let answered = AssertUnwindSafe(answered(auth, parts, body, id, &mut told)).catch_unwind();
    let answered = answered.await.unwrap_or_else(|_| Err(Fault::internal("a call panicked")));
    let (status, document, fault) = match answered {
        Ok(document) => (StatusCode::OK, document, None),
        Err(fault) => {
            fault.log(told.action.map(Action::name));
            (fault.status, reply::error(&fault, id), Some(fault))
        }
    };
    let mut response = Response::new(Payload::from_bytes(document));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, XML);
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if parts.headers.contains_key(ORIGIN) {
        allow_pages(headers);
    }
    response.extensions_mut().insert(told.audit(fault));
    response
}

async fn answered(
    auth: &Authenticator,
    parts: &Parts,
    body: Payload,
    id: RequestId,
    told: &mut Told,
) -> Result<bytes::Bytes, Fault> {
    let body = body.collect(LONGEST_BODY).await.map_err(|error| Fault::of_body(&error))?;
    let query = parts.uri.query().unwrap_or_default();
    let parameters = Parameters::parse(query, &body)?;
    let action = Action::of(&parameters)?;
    told.action = Some(action);
    if action.is_signed() {
        let caller = auth.verify_sts(parts, &body)?;
        told.caller.clone_from(&caller);
        let caller = caller.ok_or_else(Fault::unsigned)?;
        return action::of_key(action, auth, &caller, &parameters, told)
            .map(|outcome| reply::success(action, &outcome, id));
    }
    let issued = action::with_web_identity(auth, &parameters).await?;
    told.session = Some(Arc::clone(&issued.identity));
    Ok(reply::success(action, &action::Outcome::Issued(issued), id))
}

impl Told {
    fn audit(self, fault: Option<Fault>) -> Audit {
        let (error_code, cause) =
            fault.map_or((None, None), |fault| (Some(fault.code), fault.cause));
        let asked = self.caller.as_deref().map(Audit::of).unwrap_or_default();
        // Who has become somebody is told as whom; by which key stands beside that.
        let became = self.session.as_deref().map(Audit::of).unwrap_or_default();
        Audit {
            access_key: asked.access_key.or(became.access_key),
            role: became.role.or(asked.role),
            session: became.session.or(asked.session),
            operation: self.action.map(Action::name),
            error_code,
            cause,
            ..Audit::default()
        }
    }
}

fn is_form(content_type: &str) -> bool {
    let name = content_type.split(';').next().unwrap_or_default();
    name.trim().eq_ignore_ascii_case(FORM)
}

/// Every page may call: what a call needs, a token or a signature, no browser sends by itself.
fn allow_pages(headers: &mut HeaderMap) {
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
}

fn preflight(parts: &Parts) -> Response<Payload> {
    let mut response = Response::new(Payload::empty());
    let headers = response.headers_mut();
    allow_pages(headers);
    headers.insert(ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("GET, POST"));
    headers.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("3000"));
    if let Some(asked) = parts.headers.get(ACCESS_CONTROL_REQUEST_HEADERS) {
        headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, asked.clone());
    }
    let audit = Audit { operation: Some("Preflight"), ..Audit::default() };
    response.extensions_mut().insert(audit);
    response
}
