//! Answers that go on: events while a migration runs, and reports of any length.

use std::io;
use std::pin::Pin;
use std::sync::{Mutex, PoisonError};
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderValue, Response};

use super::migrations::shown;
use super::query::Parameters;
use super::reply::Fault;
use crate::body::{BodyError, Digests, Payload, Source};
use crate::migrate::{Changes, Format, Report};

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

/// What is read piece by piece.
pub(super) trait Pieces: Send + 'static {
    /// The next piece; `None` at the end.
    fn piece(&mut self) -> impl Future<Output = io::Result<Option<Vec<u8>>>> + Send;
}

impl Pieces for Report {
    async fn piece(&mut self) -> io::Result<Option<Vec<u8>>> {
        self.next().await
    }
}

/// The form of a report that a call asks for.
pub(super) fn format(given: &Parameters) -> Result<Format, Fault> {
    let format = given.parsed("format", "csv or ndjson", |text| match text {
        "csv" => Some(Format::Csv),
        "ndjson" => Some(Format::Ndjson),
        _ => None,
    })?;
    Ok(format.unwrap_or(Format::Ndjson))
}

/// The lines of a report.
pub(super) fn report(report: impl Pieces, format: Format) -> Response<Payload> {
    let content_type = match format {
        Format::Csv => "text/csv; charset=utf-8",
        Format::Ndjson => "application/x-ndjson",
    };
    told(report, piece, content_type)
}

fn piece<P: Pieces>(mut report: P) -> Telling<P> {
    Box::pin(async move {
        let piece = match report.piece().await {
            Ok(piece) => piece.map(|piece| Ok(Bytes::from(piece))),
            Err(error) => {
                tracing::error!(%error, "a report cannot be read");
                Some(Err(BodyError::Store("the report cannot be read".to_owned())))
            }
        };
        (report, piece)
    })
}
