//! The layers that a body is sent to, driven together.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::{BoxFuture, FutureExt as _};

use crate::body::{BodyError, Digests, Expected, Payload, Source};
use crate::object::ETag;
use crate::placement::answered;
use crate::placement::route::Upstream;
use crate::placement::tee::{Driver, Gates, Split, split};
use crate::store::{NewObject, ObjectPath, Result, Store, StoreError, Stored};

/// How long the upstream may take nothing of a body before it is left behind.
const STALL: Duration = Duration::from_secs(10);
/// The same where there is no one to go on without it: its own budgets count.
const PATIENCE: Duration = Duration::from_hours(24);

/// A body on its way to one layer or two.
pub(in crate::placement) struct Sides<'a> {
    tag: Arc<OnceLock<ETag>>,
    home: Side<'a>,
    upstream: Side<'a>,
    gates: Gates,
    driver: Option<Driver>,
}

/// What comes of it while the body arrives.
pub(in crate::placement) enum Event {
    /// The body has arrived and passed its checks.
    Arrived,
    /// The body failed.
    Broken(BodyError),
    /// Home could not take it: [`Sides::home_error`] says why.
    HomeFailed,
    /// The upstream failed.
    UpstreamFailed(StoreError),
    /// The upstream answered that it does not want it.
    UpstreamRefused(StoreError),
}

enum Side<'a> {
    /// It isn't sent there, or not any more.
    Absent,
    Running(BoxFuture<'a, Result<Stored>>),
    Done(Box<Result<Stored>>),
    /// It failed, and that was told.
    Failed(Option<StoreError>),
}

impl<'a> Sides<'a> {
    /// To home alone.
    pub(in crate::placement) fn at_home(
        home: &'a dyn Store,
        at: &'a ObjectPath,
        new: NewObject,
        body: Payload,
    ) -> Self {
        let (body, tag) = noting(body);
        let Split { local, gates, driver, .. } = split(body, PATIENCE);
        let home = Side::Running(home.put_object(at, new, local));
        Self { tag, home, upstream: Side::Absent, gates, driver: Some(driver) }
    }

    /// To the upstream alone.
    pub(in crate::placement) fn upstream(
        to: &'a Upstream,
        at: &'a ObjectPath,
        new: NewObject,
        body: Payload,
    ) -> Self {
        let (body, tag) = noting(body);
        let Split { upstream, gates, driver, .. } = split(body, PATIENCE);
        let upstream = sending(to, at, new, upstream);
        Self { tag, home: Side::Absent, upstream, gates, driver: Some(driver) }
    }

    /// To both at once.
    pub(in crate::placement) fn both(
        (home, here): (&'a dyn Store, NewObject),
        (to, there): (&'a Upstream, NewObject),
        at: &'a ObjectPath,
        body: Payload,
    ) -> Self {
        let (body, tag) = noting(body);
        let Split { upstream, local, gates, driver } = split(body, STALL);
        let home = Side::Running(home.put_object(at, here, local));
        let upstream = sending(to, at, there, upstream);
        Self { tag, home, upstream, gates, driver: Some(driver) }
    }

    /// Waits for what comes next while the body arrives.
    pub(in crate::placement) async fn event(&mut self) -> Event {
        let verified = {
            let Self { home, upstream, gates, driver, .. } = self;
            let mut verified = pin!(gates.verified());
            poll_fn(|cx| {
                poll_driver(driver, cx);
                upstream.poll(cx);
                home.poll(cx);
                match verified.as_mut().poll(cx) {
                    Poll::Ready(verdict) => Poll::Ready(Some(verdict)),
                    Poll::Pending if upstream.is_done() || home.is_done() => Poll::Ready(None),
                    Poll::Pending => Poll::Pending,
                }
            })
            .await
        };
        // The body's own fault explains whatever else failed, but for a side left behind.
        match verified {
            Some(Err(error)) if !self.gates.is_left_behind() => return Event::Broken(error),
            _ => {}
        }
        if self.upstream.is_done() {
            return match self.upstream.fail() {
                Some(error) if is_failure(&error) => Event::UpstreamFailed(left_behind(error)),
                Some(error) => Event::UpstreamRefused(error),
                None => Event::UpstreamRefused(StoreError::Conflict),
            };
        }
        if self.home.is_done() {
            let error = self.home.fail();
            self.home = Side::Failed(error);
            return Event::HomeFailed;
        }
        match verified {
            Some(Err(error)) => Event::Broken(error),
            _ => Event::Arrived,
        }
    }

    /// The tag of what has arrived, as it is where it is stored by one PUT.
    pub(in crate::placement) fn tag(&self) -> Option<&ETag> {
        self.tag.get()
    }

    /// Whether the upstream failed while the body arrived, or was never asked.
    pub(in crate::placement) fn upstream_failed(&self) -> bool {
        matches!(self.upstream, Side::Absent | Side::Failed(_))
    }

    /// Whether home failed while the body arrived, or was never asked.
    pub(in crate::placement) fn home_failed(&self) -> bool {
        matches!(self.home, Side::Absent | Side::Failed(_))
    }

    /// Why home failed.
    pub(in crate::placement) fn home_error<T>(&mut self) -> Result<T> {
        match &mut self.home {
            Side::Failed(error) => Err(error.take().unwrap_or(StoreError::Conflict)),
            Side::Absent | Side::Running(_) | Side::Done(_) => Err(StoreError::Conflict),
        }
    }

    /// Gives the upstream side up.
    pub(in crate::placement) fn drop_upstream(&mut self) {
        self.upstream = Side::Absent;
    }

    /// Lets the end of the body through to home, and waits for the object.
    pub(in crate::placement) async fn release_home(&mut self) -> Result<Stored> {
        self.gates.local.release();
        let Self { home, driver, .. } = self;
        if let Side::Running(_) = home {
            poll_fn(|cx| {
                poll_driver(driver, cx);
                home.poll(cx);
                if home.is_done() { Poll::Ready(()) } else { Poll::Pending }
            })
            .await;
        }
        match std::mem::replace(home, Side::Absent) {
            Side::Done(result) => *result,
            Side::Failed(Some(error)) => Err(error),
            Side::Absent | Side::Running(_) | Side::Failed(None) => Err(StoreError::Conflict),
        }
    }

    /// Lets the last piece of the body through to the upstream, and waits for its answer.
    pub(in crate::placement) async fn release_upstream(&mut self) -> Result<Stored> {
        self.gates.upstream.release();
        let Self { home, upstream, driver, .. } = self;
        if let Side::Running(_) = upstream {
            poll_fn(|cx| {
                poll_driver(driver, cx);
                home.poll(cx);
                upstream.poll(cx);
                if upstream.is_done() { Poll::Ready(()) } else { Poll::Pending }
            })
            .await;
        }
        match std::mem::replace(upstream, Side::Absent) {
            Side::Done(result) => {
                result.map_err(|error| if is_failure(&error) { left_behind(error) } else { error })
            }
            Side::Absent | Side::Running(_) | Side::Failed(_) => Err(StoreError::Conflict),
        }
    }
}

impl Side<'_> {
    fn poll(&mut self, cx: &mut Context<'_>) {
        if let Self::Running(storing) = self
            && let Poll::Ready(result) = storing.as_mut().poll(cx)
        {
            *self = Self::Done(Box::new(result));
        }
    }

    fn is_done(&self) -> bool {
        matches!(self, Self::Done(_))
    }

    /// Makes a side that is done a failed one, and says why it failed. One that stored something
    /// before its end was let through broke its contract.
    fn fail(&mut self) -> Option<StoreError> {
        match std::mem::replace(self, Self::Failed(None)) {
            Self::Done(result) => result.err(),
            Self::Absent | Self::Running(_) | Self::Failed(_) => None,
        }
    }
}

fn sending<'a>(to: &'a Upstream, at: &'a ObjectPath, new: NewObject, body: Payload) -> Side<'a> {
    Side::Running(async move { answered(to, to.store.put_object(at, new, body).await) }.boxed())
}

/// The same body, and where its tag will be found after its end.
fn noting(body: Payload) -> (Payload, Arc<OnceLock<ETag>>) {
    let tag = Arc::new(OnceLock::new());
    let length = body.length();
    (Payload::new(length, Noting { body, tag: Arc::clone(&tag) }), tag)
}

struct Noting {
    body: Payload,
    tag: Arc<OnceLock<ETag>>,
}

impl Source for Noting {
    fn poll_chunk(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<std::result::Result<Bytes, BodyError>>> {
        let polled = self.body.poll_chunk(cx);
        if let (Poll::Ready(None), Some(digests)) = (&polled, self.body.digests())
            && let Some(md5) = digests.md5
        {
            self.tag.get_or_init(|| ETag::from_md5(md5));
        }
        polled
    }

    fn expected(&self) -> Option<&Expected> {
        self.body.expected()
    }

    fn digests(&self) -> Option<&Digests> {
        self.body.digests()
    }

    fn trailer(&self, name: &str) -> Option<&str> {
        self.body.trailer(name)
    }
}

fn poll_driver(driver: &mut Option<Driver>, cx: &mut Context<'_>) {
    if driver.as_mut().is_some_and(|driver| driver.poll_unpin(cx).is_ready()) {
        *driver = None;
    }
}

/// Whether the upstream failed rather than answered. Its body was right, so that an error of the
/// body means that the upstream was left behind.
fn is_failure(error: &StoreError) -> bool {
    matches!(error, StoreError::Unavailable { .. } | StoreError::Body(_))
}

fn left_behind(error: StoreError) -> StoreError {
    match error {
        StoreError::Body(error) => StoreError::Unavailable { what: error.to_string() },
        other => other,
    }
}
