//! One body read by two: sent upstream and kept locally at once, in bounded memory.
//!
//! Knows nothing of stores. Nobody can have the whole before the holder says so: the last piece of
//! the upstream side and the end of the local side are held back until the client's body has
//! arrived and passed its checks, and the side's gate is opened.

use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::{BoxFuture, FutureExt as _, join};
use tokio::sync::{mpsc, oneshot, watch};

use crate::body::{BodyError, Digests, Expected, Payload, Source};

/// How many pieces one side may be ahead of the other.
const AHEAD: usize = 2;

/// A body in two.
#[derive(Debug)]
pub struct Split {
    /// The side that may fail: dropped, or without taking anything for too long, it is left
    /// behind, and the other goes on alone. Of an empty body nothing can be held back but the
    /// end: a store has to read that before it stores, as of every body.
    pub upstream: Payload,
    /// The side that sets the pace. Dropped, it is left behind as well.
    pub local: Payload,
    /// What is held back.
    pub gates: Gates,
    /// Moves the pieces while it is polled, and is done when both gates have been decided or
    /// both sides are gone. Dropped before, it ends both sides with an `Err`.
    pub driver: Driver,
}

/// What the holder decides, and what it can wait for. Dropped, it lets nothing through.
#[derive(Debug)]
pub struct Gates {
    /// Before the last piece of the upstream side.
    pub upstream: Gate,
    /// Before the end of the local side.
    pub local: Gate,
    stage: watch::Receiver<Stage>,
    left_behind: watch::Receiver<bool>,
}

/// A decision that is made once. Dropped undecided, it refuses.
pub struct Gate(Option<oneshot::Sender<Result<(), BodyError>>>);

/// The work of splitting.
pub struct Driver(BoxFuture<'static, ()>);

#[derive(Debug, Clone)]
enum Stage {
    Arriving,
    Verified,
    Failed(BodyError),
    /// Nobody reads it any more: what the readers say is what counts.
    Deserted,
}

/// What a gate was told.
type Decision = oneshot::Receiver<Result<(), BodyError>>;

/// How a side ended: with the client's body after its end, or with an error.
type Ending = Result<Arc<Payload>, BodyError>;

/// Splits a body. The upstream side is left behind where it takes nothing for `stall` although
/// there is something for it.
pub fn split(body: Payload, stall: Duration) -> Split {
    let length = body.length();
    let (stage, stages) = watch::channel(Stage::Arriving);
    let (behind, left_behind) = watch::channel(false);
    let (upstream_gate, upstream_decision) = Gate::new();
    let (local_gate, local_decision) = Gate::new();
    let (upstream_outlet, upstream) = side(Some(Patience { stall, behind }), body.expected());
    let (local_outlet, local) = side(None, body.expected());
    let tee = Tee {
        body,
        upstream: upstream_outlet,
        local: local_outlet,
        stage,
        decisions: (upstream_decision, local_decision),
    };
    Split {
        upstream: Payload::new(length, upstream),
        local: Payload::new(length, local),
        gates: Gates { upstream: upstream_gate, local: local_gate, stage: stages, left_behind },
        driver: Driver(tee.run().boxed()),
    }
}

impl Gates {
    /// Waits until the body has wholly arrived and passed its checks, or has failed; for ever where
    /// both sides have gone before, because nothing is known of it then.
    pub async fn verified(&mut self) -> Result<(), BodyError> {
        let stage = self.stage.wait_for(|stage| !matches!(stage, Stage::Arriving)).await;
        let stage = stage.map(|stage| stage.clone());
        match stage {
            Ok(Stage::Verified) => Ok(()),
            Ok(Stage::Failed(error)) => Err(error),
            Ok(Stage::Deserted) => std::future::pending().await,
            Ok(Stage::Arriving) | Err(_) => Err(BodyError::Incomplete),
        }
    }

    /// Waits until the upstream side has been left behind because it stalled; for ever where it
    /// never is.
    pub async fn left_behind(&mut self) {
        if self.left_behind.wait_for(|left| *left).await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    /// Whether the upstream side has been left behind because it stalled.
    pub fn is_left_behind(&self) -> bool {
        *self.left_behind.borrow()
    }
}

impl Gate {
    fn new() -> (Self, Decision) {
        let (gate, decision) = oneshot::channel();
        (Self(Some(gate)), decision)
    }

    /// Lets the rest through. A second decision changes nothing.
    pub fn release(&mut self) {
        self.decide(Ok(()));
    }

    /// Ends the side with this, so that whoever reads it stores nothing.
    pub fn refuse(&mut self, error: BodyError) {
        self.decide(Err(error));
    }

    fn decide(&mut self, decision: Result<(), BodyError>) {
        if let Some(gate) = self.0.take() {
            // Nobody waits for it where the side is gone.
            let _ = gate.send(decision);
        }
    }
}

impl Future for Driver {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        self.0.poll_unpin(cx)
    }
}

/// The writing ends.
struct Tee {
    body: Payload,
    upstream: Outlet,
    local: Outlet,
    stage: watch::Sender<Stage>,
    decisions: (Decision, Decision),
}

impl Tee {
    async fn run(mut self) {
        let last = match self.pass_on().await {
            Ok(Passed::All { last }) => last,
            Ok(Passed::ToNobody) => {
                self.stage.send_replace(Stage::Deserted);
                return;
            }
            Err(error) => {
                self.upstream.end(Err(error.clone()));
                self.local.end(Err(error.clone()));
                self.stage.send_replace(Stage::Failed(error));
                return;
            }
        };
        let whole = Arc::new(self.body);
        self.stage.send_replace(Stage::Verified);
        join(
            self.upstream.finish(last, Arc::clone(&whole), self.decisions.0),
            self.local.finish(None, whole, self.decisions.1),
        )
        .await;
    }

    /// Passes on everything but the upstream's last piece, which comes back.
    async fn pass_on(&mut self) -> Result<Passed, BodyError> {
        let mut held: Option<Bytes> = None;
        while let Some(chunk) = self.body.next().await {
            let chunk = chunk?;
            self.local.send(chunk.clone()).await;
            if let Some(previous) = held.replace(chunk) {
                self.upstream.send(previous).await;
            }
            if self.local.queue.is_none() && self.upstream.queue.is_none() {
                return Ok(Passed::ToNobody);
            }
        }
        Ok(Passed::All { last: held })
    }
}

/// How the passing on of a body ended.
enum Passed {
    /// With its end; the upstream's last piece is still held back.
    All { last: Option<Bytes> },
    /// Early, because both sides are gone.
    ToNobody,
}

/// One side's writing end.
struct Outlet {
    /// `None` where the side is gone.
    queue: Option<mpsc::Sender<Bytes>>,
    ending: Arc<OnceLock<Ending>>,
    patience: Option<Patience>,
}

/// How long a side may take nothing, and whom to tell.
struct Patience {
    stall: Duration,
    behind: watch::Sender<bool>,
}

fn side(patience: Option<Patience>, expected: Option<&Expected>) -> (Outlet, Side) {
    let (queue, pieces) = mpsc::channel(AHEAD);
    let ending = Arc::new(OnceLock::new());
    let outlet = Outlet { queue: Some(queue), ending: Arc::clone(&ending), patience };
    (outlet, Side { pieces, ending, over: false, expected: expected.cloned() })
}

impl Outlet {
    async fn send(&mut self, chunk: Bytes) {
        let Some(queue) = &self.queue else { return };
        let sending = queue.send(chunk);
        let sent = if let Some(Patience { stall, behind }) = &self.patience {
            let sent = tokio::time::timeout(*stall, sending).await;
            if sent.is_err() {
                behind.send_replace(true);
            }
            matches!(sent, Ok(Ok(())))
        } else {
            sending.await.is_ok()
        };
        if !sent {
            self.end(Err(BodyError::Store("the upstream fell behind".to_owned())));
        }
    }

    /// What is in the queue still comes before the end.
    fn end(&mut self, ending: Ending) {
        if self.queue.is_some() {
            // There is one end: whoever sets it takes the queue away.
            let _ = self.ending.set(ending);
            self.queue = None;
        }
    }

    async fn finish(mut self, last: Option<Bytes>, whole: Arc<Payload>, decision: Decision) {
        let Some(queue) = &self.queue else { return };
        let decision = tokio::select! {
            decision = decision => decision.unwrap_or(Err(BodyError::Incomplete)),
            () = queue.closed() => return,
        };
        match decision {
            Ok(()) => {
                if let Some(last) = last {
                    self.send(last).await;
                }
                self.end(Ok(whole));
            }
            Err(error) => self.end(Err(error)),
        }
    }
}

/// One side's reading end.
struct Side {
    pieces: mpsc::Receiver<Bytes>,
    ending: Arc<OnceLock<Ending>>,
    over: bool,
    expected: Option<Expected>,
}

impl Side {
    fn whole(&self) -> Option<&Payload> {
        let ending = self.ending.get().filter(|_| self.over)?;
        ending.as_ref().ok().map(|whole| &**whole)
    }
}

impl Source for Side {
    fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, BodyError>>> {
        if let Some(chunk) = ready!(self.pieces.poll_recv(cx)) {
            return Poll::Ready(Some(Ok(chunk)));
        }
        self.over = true;
        Poll::Ready(match self.ending.get() {
            Some(Ok(_)) => None,
            Some(Err(error)) => Some(Err(error.clone())),
            None => Some(Err(BodyError::Incomplete)),
        })
    }

    fn digests(&self) -> Option<&Digests> {
        self.whole().and_then(Payload::digests)
    }

    fn trailer(&self, name: &str) -> Option<&str> {
        self.whole().and_then(|whole| whole.trailer(name))
    }

    fn expected(&self) -> Option<&Expected> {
        self.expected.as_ref()
    }
}

impl fmt::Debug for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gate").field("decided", &self.0.is_none()).finish()
    }
}

impl fmt::Debug for Driver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Driver").finish_non_exhaustive()
    }
}

#[cfg(test)]
#[path = "tee_tests.rs"]
mod tests;
