//! A body that is judged while it passes. Its last chunk is held back until everyone has said yes.

use std::pin::Pin;
use std::sync::{Mutex, PoisonError};
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use tokio::sync::mpsc;

use super::Appetite;
use super::inspection::Inspection;
use super::scan::{Asked, Scanning};
use crate::body::{BodyError, Digests, Expected, Payload, Source};

/// How many chunks may wait for whoever reads them.
const AHEAD: usize = 1;

/// The body with its judgement in its way.
pub(super) fn guarded(body: Payload, inspection: Inspection, antivirus: Option<Asked>) -> Payload {
    let (length, expected) = (body.length(), body.expected().cloned());
    let (queue, chunks) = mpsc::channel(AHEAD);
    let patient = antivirus.is_some();
    let work = judge(body, inspection, antivirus, queue).boxed();
    let state = State::Judging(Mutex::new(work));
    Payload::new(length, Guarded { state, chunks, expected, patient })
}

/// Judges a body that nobody is waiting for.
pub(super) async fn examine(
    mut body: Payload,
    mut inspection: Inspection,
    antivirus: Option<Asked>,
    appetite: Appetite,
) -> Result<(), BodyError> {
    if let Some(length) = body.length() {
        inspection.expect(length)?;
    }
    if appetite == Appetite::Size && body.length().is_some() {
        return Ok(());
    }
    let mut scanning = begin(antivirus).await?;
    while let Some(chunk) = body.next().await {
        let chunk = chunk?;
        inspection.read(&chunk)?;
        if let Some(scanning) = &mut scanning {
            scanning.read(chunk).await?;
        }
        if appetite <= Appetite::Head && inspection.has_head() && body.length().is_some() {
            return Ok(());
        }
    }
    inspection.finish()?;
    if let Some(scanning) = scanning {
        scanning.finish().await?;
    }
    Ok(())
}

async fn begin(antivirus: Option<Asked>) -> Result<Option<Scanning>, BodyError> {
    match antivirus {
        Some(asked) => Ok(Some(Scanning::begin(asked).await?)),
        None => Ok(None),
    }
}

/// Passes a body on but for its last chunk, which follows once all have said yes. Gives the body
/// back as it is then.
async fn judge(
    mut body: Payload,
    mut inspection: Inspection,
    antivirus: Option<Asked>,
    queue: mpsc::Sender<Bytes>,
) -> Result<Payload, BodyError> {
    if let Some(length) = body.length() {
        inspection.expect(length)?;
    }
    let mut scanning = begin(antivirus).await?;
    let mut held: Option<Bytes> = None;
    while let Some(chunk) = body.next().await {
        let chunk = chunk?;
        inspection.read(&chunk)?;
        if let Some(scanning) = &mut scanning {
            scanning.read(chunk.clone()).await?;
        }
        if let Some(previous) = held.replace(chunk) {
            queue.send(previous).await.map_err(|_| BodyError::Incomplete)?;
        }
    }
    inspection.finish()?;
    if let Some(scanning) = scanning {
        scanning.finish().await?;
    }
    if let Some(last) = held {
        queue.send(last).await.map_err(|_| BodyError::Incomplete)?;
    }
    Ok(body)
}

struct Guarded {
    state: State,
    chunks: mpsc::Receiver<Bytes>,
    expected: Option<Expected>,
    patient: bool,
}

enum State {
    /// A mutex that nobody ever locks: it makes shareable what is only used exclusively.
    Judging(Mutex<BoxFuture<'static, Result<Payload, BodyError>>>),
    /// Everyone said yes; what is queued is to be given out.
    Passed(Payload),
    Over,
}

impl Source for Guarded {
    fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, BodyError>>> {
        if let State::Judging(work) = &mut self.state {
            let work = work.get_mut().unwrap_or_else(PoisonError::into_inner);
            if let Poll::Ready(judged) = Pin::new(work).poll(cx) {
                match judged {
                    Ok(body) => self.state = State::Passed(body),
                    Err(error) => {
                        self.state = State::Over;
                        return Poll::Ready(Some(Err(error)));
                    }
                }
            }
        }
        // A chunk that was taken makes room for the next: whoever takes it polls again.
        Poll::Ready(ready!(self.chunks.poll_recv(cx)).map(Ok))
    }

    fn digests(&self) -> Option<&Digests> {
        self.body().and_then(Payload::digests)
    }

    fn trailer(&self, name: &str) -> Option<&str> {
        self.body().and_then(|body| body.trailer(name))
    }

    fn expected(&self) -> Option<&Expected> {
        self.expected.as_ref()
    }

    fn hesitates(&self) -> bool {
        self.patient
    }
}

impl Guarded {
    fn body(&self) -> Option<&Payload> {
        match &self.state {
            State::Passed(body) => Some(body),
            State::Judging(_) | State::Over => None,
        }
    }
}
