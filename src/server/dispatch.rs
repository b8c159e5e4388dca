//! One request: refused where it must be, else handed to the handler, and its answer completed.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures_util::FutureExt as _;
use http::header::{CONNECTION, CONTENT_LENGTH, EXPECT, SERVER};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode, Version};
use http_body::Body as _;
use hyper::body::Incoming;

use super::access_log::{AccessDetail, Record};
use super::activity::Activity;
use super::forwarded::Proxies;
use super::incoming::{self, Settled};
use super::outgoing::Outgoing;
use super::request_ids::RequestIds;
use super::{Handler, Peer, Refusal, Refused, Settings};
use crate::body::Payload;
use crate::object::RequestId;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-amz-request-id");
const HOST_ID: HeaderName = HeaderName::from_static("x-amz-id-2");

/// What all requests share.
pub(super) struct Dispatch {
    pub(super) handler: Arc<dyn Handler>,
    pub(super) settings: Settings,
    pub(super) ids: RequestIds,
    pub(super) proxies: Proxies,
}

impl Dispatch {
    /// Answers `request`.
    ///
    /// hyper sends no `100 Continue` for an empty body, and botocore cannot read the second answer
    /// on a connection whose first came without one (it takes the status line for a header and
    /// waits for the connection to close): such a connection is closed.
    ///
    /// Dropping the future cancels the handler; the access log line is
    /// written all the same.
    pub(super) async fn answer(
        &self,
        request: Request<Incoming>,
        peer: Peer,
        activity: Arc<Activity>,
    ) -> Response<Outgoing> {
        let id = self.ids.next();
        let busy = activity.begin();
        let remote = self.proxies.remote(peer, request.headers());
        let handler = Arc::clone(&self.handler);
        let mut record = Record::new(&request, id, (peer, remote.clone()), handler);
        let (method, version) = (request.method().clone(), request.version());
        let waits = expects_continue(request.headers());
        let untold = waits && request.body().is_end_stream();

        let (mut parts, incoming) = request.into_parts();
        let announced = parts.headers.contains_key(CONTENT_LENGTH);
        let (payload, rest) =
            incoming::open(incoming, announced, self.settings.body_timeout, record.received());
        parts.extensions.insert(id);
        parts.extensions.insert(peer);
        parts.extensions.insert(remote);
        let mut response = self.respond(Request::from_parts(parts, payload), id).await;

        // HTTP/2 has streams of its own for every request: an unread one is simply reset.
        let multiplexed = version >= Version::HTTP_2;
        let settled = if multiplexed { rest.drop_unread() } else { rest.settle(waits).await };
        if !multiplexed && settled != Settled::Whole {
            activity.leave_unread();
            response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        }
        if untold && !multiplexed {
            response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        }
        if settled == Settled::Broken {
            record.broken();
        }
        complete_headers(response.headers_mut(), id);
        record.answered(response.status(), response.extensions_mut().remove::<AccessDetail>());
        let has_body = carries_body(&method, response.status());
        response.map(|payload| Outgoing::new(payload, record, busy, has_body))
    }

    async fn respond(&self, request: Request<Payload>, id: RequestId) -> Response<Payload> {
        let (method, uri) = (request.method().clone(), request.uri().clone());
        let refused = |reason| Refused { reason, id, method, uri };
        let (size, limit) = (header_size(request.headers()), self.settings.max_header_size);
        if size > limit {
            return self.handler.refuse(&refused(Refusal::HeadersTooLarge { size, limit }));
        }
        let answer = AssertUnwindSafe(async { self.handler.handle(request).await });
        answer.catch_unwind().await.unwrap_or_else(|_| {
            tracing::error!(request_id = %id, "the handler panicked");
            self.handler.refuse(&refused(Refusal::Panicked))
        })
    }
}

/// The bytes of all header names and values.
fn header_size(headers: &HeaderMap) -> u64 {
    headers.iter().map(|(name, value)| (name.as_str().len() + value.len()) as u64).sum()
}

fn expects_continue(headers: &HeaderMap) -> bool {
    headers.get(EXPECT).is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"100-continue"))
}

fn carries_body(method: &Method, status: StatusCode) -> bool {
    *method != Method::HEAD
        && status != StatusCode::NO_CONTENT
        && status != StatusCode::NOT_MODIFIED
}

/// Adds what every answer carries; the date is hyper's.
fn complete_headers(headers: &mut HeaderMap, id: RequestId) {
    for (name, value) in [(REQUEST_ID, id.to_string()), (HOST_ID, id.host_id())] {
        if let Ok(value) = HeaderValue::from_str(&value) {
            headers.insert(name, value);
        }
    }
    headers.insert(SERVER, HeaderValue::from_static("Stowgate"));
}
