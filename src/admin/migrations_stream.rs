//! Answers of migrations that go on: events while they run, and reports of any length.

use std::pin::Pin;
use std::sync::{Mutex, PoisonError};
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderValue, Response};

use super::migrations::shown;
use crate::body::{BodyError, Digests, Payload, Source};
use crate::migrate::{Changes, Report};

/// What is told next, and by whom.
type Told<S> = (S, Option<Result<Bytes, BodyError>>);
type Telling<S> = Pin<Box<dyn Future<Output = Told<S>> + Send>>;

/// A body that is told piece by piece.
struct Teller<S> {
    tell: fn(S) -> Telling<S>,
    telling: Mutex<Option<Telling<S>>>,
}

impl<S: Send + 'static> Source for Teller<S> {
    fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, BodyError>>> {
        let telling = self.telling.get_mut().unwrap_or_else(PoisonError::into_inner);
        let Some(current) = telling else { return Poll::Ready(None) };
        let (teller, told) = ready!(current.as_mut().poll(cx));
        *telling = matches!(told, Some(Ok(_))).then(|| (self.tell)(teller));
        Poll::Ready(told)
    }

    fn digests(&self) -> Option<&Digests> {
        None
    }

    fn trailer(&self, _: &str) -> Option<&str> {
        None
    }
}

fn told<S: Send + 'static>(
    teller: S,
    tell: fn(S) -> Telling<S>,
    content_type: &'static str,
) -> Response<Payload> {
    let telling = Mutex::new(Some(tell(teller)));
    let mut response = Response::new(Payload::new(None, Teller { tell, telling }));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// Server-sent events: `progress` with the migration at every change, until it is over.
pub(super) fn events(changes: Changes) -> Response<Payload> {
    told(changes, event, "text/event-stream")
}

fn event(mut changes: Changes) -> Telling<Changes> {
    Box::pin(async move {
        let view = changes.next().await;
        let event = view.map(|view| {
            let text = shown(&view).to_string();
            Ok(Bytes::from(format!("event: progress\ndata: {text}\n\n")))
        });
        (changes, event)
    })
}

/// The lines of a report.
pub(super) fn report(report: Report, content_type: &'static str) -> Response<Payload> {
    told(report, piece, content_type)
}

fn piece(mut report: Report) -> Telling<Report> {
    Box::pin(async move {
        let piece = match report.next().await {
            Ok(piece) => piece.map(|piece| Ok(Bytes::from(piece))),
            Err(error) => {
                tracing::error!(%error, "a report cannot be read");
                Some(Err(BodyError::Store("the report cannot be read".to_owned())))
            }
        };
        (report, piece)
    })
}
