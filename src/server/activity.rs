//! What a connection is doing, and for how long it may.

use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use futures_util::task::AtomicWaker;
use tokio::sync::Notify;
use tokio::sync::futures::OwnedNotified;
use tokio::time::{Instant, Sleep};

use super::Settings;

/// A connection idle for this long may be closed to make room for another.
const SPARE_AFTER: Duration = Duration::from_secs(1);
/// How long a connection without a request under way that was told to go may still stay.
const LEAVE_WITHIN: Duration = Duration::from_secs(5);

/// The state of one connection, shared by its stream, its requests and its task.
#[derive(Debug)]
pub(super) struct Activity {
    phase: Mutex<Phase>,
    /// Whether several requests share the connection: then bytes between them are no request's
    /// first ones.
    multiplexed: bool,
    unread: AtomicBool,
    task: AtomicWaker,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// The client has connected, then, and said nothing yet.
    New(Instant),
    /// A request's head is arriving, since then.
    Head(Instant),
    /// So many requests are under way.
    Busy(usize),
    /// Nothing, since then.
    Idle(Instant),
}

/// One request under way; it ends when this is dropped.
#[derive(Debug)]
pub(super) struct Busy(Arc<Activity>);

impl Activity {
    /// A new connection. A client that connects is to send a request soon, and while it says
    /// nothing it may have to make room.
    pub(super) fn new(multiplexed: bool) -> Arc<Self> {
        let now = Instant::now();
        let phase = if multiplexed { Phase::Idle(now) } else { Phase::New(now) };
        Arc::new(Self {
            phase: Mutex::new(phase),
            multiplexed,
            unread: AtomicBool::new(false),
            task: AtomicWaker::new(),
        })
    }

    /// Bytes arrived.
    pub(super) fn bytes_arrived(&self) {
        let mut phase = self.phase();
        *phase = match *phase {
            Phase::New(since) => Phase::Head(since),
            Phase::Idle(_) if !self.multiplexed => Phase::Head(Instant::now()),
            other => other,
        };
    }

    /// A request's head is complete.
    pub(super) fn begin(self: &Arc<Self>) -> Busy {
        let mut phase = self.phase();
        *phase = match *phase {
            Phase::Busy(requests) => Phase::Busy(requests + 1),
            Phase::New(_) | Phase::Head(_) | Phase::Idle(_) => Phase::Busy(1),
        };
        drop(phase);
        Busy(Arc::clone(self))
    }

    /// Notes that the client is sending what nobody will read.
    pub(super) fn leave_unread(&self) {
        self.unread.store(true, Ordering::Relaxed);
    }

    /// Whether the client is sending what nobody will read: the rest of a body, or of a head that
    /// was refused before its end.
    pub(super) fn left_unread(&self) -> bool {
        self.unread.load(Ordering::Relaxed) || matches!(*self.phase(), Phase::Head(_))
    }

    /// The task to wake when the phase changes from outside of it.
    pub(super) fn register(&self, waker: &Waker) {
        self.task.register(waker);
    }

    fn phase(&self) -> MutexGuard<'_, Phase> {
        self.phase.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        let mut phase = self.0.phase();
        *phase = match *phase {
            Phase::Busy(requests) if requests > 1 => Phase::Busy(requests - 1),
            Phase::Busy(_) | Phase::New(_) | Phase::Head(_) | Phase::Idle(_) => {
                Phase::Idle(Instant::now())
            }
        };
        drop(phase);
        // With HTTP/2 this runs outside of the connection's task, which then has no reason of
        // its own to look at the clock.
        self.0.task.wake();
    }
}

/// Why a connection is to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Expired {
    /// It was idle too long, or its place is needed.
    Idle,
    /// A head took too long.
    Head,
}

/// Watches one connection's times.
pub(super) struct Watchdog {
    activity: Arc<Activity>,
    header_timeout: Duration,
    idle_timeout: Duration,
    timer: Pin<Box<Sleep>>,
    crowd: Arc<Notify>,
    spared: Option<Pin<Box<OwnedNotified>>>,
    leaving: Option<Instant>,
}

impl Watchdog {
    /// Watches `activity`. `crowd` is notified once for every connection that is in the way.
    pub(super) fn new(activity: Arc<Activity>, settings: &Settings, crowd: Arc<Notify>) -> Self {
        Self {
            activity,
            header_timeout: settings.header_timeout,
            idle_timeout: settings.idle_timeout,
            timer: Box::pin(tokio::time::sleep(Duration::ZERO)),
            crowd,
            spared: None,
            leaving: None,
        }
    }

    /// The connection was told to go.
    pub(super) fn leave(&mut self) {
        self.leaving = Some(Instant::now());
        self.spared = None;
    }

    /// Ready once the connection has been in its phase for too long.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Expired> {
        let phase = *self.activity.phase();
        match phase {
            Phase::Busy(_) => {
                self.spared = None;
                Poll::Pending
            }
            Phase::Head(since) => {
                self.spared = None;
                let end = since + self.header_timeout;
                let end = self.leaving.map_or(end, |told| end.min(told + LEAVE_WITHIN));
                self.wait_until(end, cx).map(|()| Expired::Head)
            }
            Phase::New(since) => {
                self.poll_idle(since, self.header_timeout, cx).map(|()| Expired::Idle)
            }
            Phase::Idle(since) => {
                self.poll_idle(since, self.idle_timeout, cx).map(|()| Expired::Idle)
            }
        }
    }

    fn poll_idle(&mut self, since: Instant, limit: Duration, cx: &mut Context<'_>) -> Poll<()> {
        if let Some(told) = self.leaving {
            return self.wait_until(told.max(since) + LEAVE_WITHIN, cx);
        }
        if self.spared.is_none() {
            let spare = since + SPARE_AFTER.min(limit);
            std::task::ready!(self.wait_until(spare, cx));
        }
        let crowd = &self.crowd;
        let spared =
            self.spared.get_or_insert_with(|| Box::pin(Arc::clone(crowd).notified_owned()));
        if spared.as_mut().poll(cx).is_ready() {
            self.spared = None;
            return Poll::Ready(());
        }
        self.wait_until(since + limit, cx)
    }

    fn wait_until(&mut self, deadline: Instant, cx: &mut Context<'_>) -> Poll<()> {
        if self.timer.deadline() != deadline {
            self.timer.as_mut().reset(deadline);
        }
        self.timer.as_mut().poll(cx)
    }
}
