//! Writes of one body: at home, upstream, or both at once.
//!
//! While a client's body streams, nothing is locked and nothing can be published: of each side the
//! end is held back. When the body has passed its checks the key is locked, looked at again, and
//! one side is let go.

pub(super) mod sides;

use self::sides::{Event, Sides};
use super::Placement;
use super::location::Location;
use super::locked::{Locked, check};
use super::plan::{self, Known, Layer, Write};
use super::read::translated;
use super::route::{Route, Upstream};
use super::spool::Ticket;
use super::uploads::check_forwardable;
use crate::body::Payload;
use crate::object::WriteCondition;
use crate::store::{GetRequest, NewObject, ObjectPath, Result, StoreError, Stored};

impl Placement {
    /// Stores an object.
    pub(super) async fn put(
        &self,
        at: &ObjectPath,
        new: NewObject,
        body: Payload,
    ) -> Result<Stored> {
        let route = self.routes.of(&at.bucket);
        let Some(upstream) = &route.upstream else {
            return self.home.put_object(at, new, body).await;
        };
        check_forwardable(route, at, new.encryption.as_ref())?;
        let acl = self.placed_acl(route, &at.bucket, new.acl).await?;
        let new = NewObject { acl, ..new };
        let writing = self.passing.write(at);
        let record = self.locations.of(at).await?;
        let write = plan::write(route.mode, Known::of(record.as_ref()));
        if write == Write::Home {
            return self.home.put_object(at, new, body).await;
        }
        drop(writing);
        let body = self.passable(write, body).await?;
        let (condition, size) = (new.condition.clone(), body.length());
        let here = NewObject { condition: None, ..new };
        // The upstream judges what it alone can judge. Everything else is judged under the lock.
        let judged = match &condition {
            Some(condition) => self.judged_upstream(route, at, record.as_ref(), condition).await?,
            None => None,
        };
        let asked = judged.is_some();
        let there = NewObject { condition: judged, ..here.clone() };
        let sides = match write {
            Write::Home | Write::HomeAndRecord | Write::Spool => {
                Sides::at_home(self.home(), at, here, body)
            }
            Write::Upstream => Sides::upstream(upstream, at, there, body),
            Write::Both => Sides::both((self.home(), here), (upstream, there), at, body),
        };
        let putting = Putting { placement: self, route, upstream, at, condition, asked, size };
        putting.run(sides).await
    }

    /// The body as it can be sent on. An upstream has to be told how long a body is before it
    /// comes, and does not wait for its end: what cannot be passed on so is taken in first.
    async fn passable(&self, write: Write, body: Payload) -> Result<Payload> {
        match write {
            Write::Upstream | Write::Both | Write::Spool
                if body.length().is_none() || body.hesitates() =>
            {
                self.home.hold(body).await
            }
            Write::Upstream | Write::Both | Write::Spool | Write::Home | Write::HomeAndRecord => {
                Ok(body)
            }
        }
    }

    /// Whether a write's condition would hold now.
    pub(super) async fn check(&self, at: &ObjectPath, condition: &WriteCondition) -> Result<()> {
        let route = self.routes.of(&at.bucket);
        let Some(upstream) = &route.upstream else {
            return self.home.check_condition(at, condition).await;
        };
        let record = self.locations.of(at).await?;
        if plan::write(route.mode, Known::of(record.as_ref())) == Write::Home {
            return self.home.check_condition(at, condition).await;
        }
        match self.judged_upstream(route, at, record.as_ref(), condition).await? {
            Some(condition) => {
                super::answered(upstream, upstream.store.check_condition(at, &condition).await)
            }
            None => match self.head(at, &GetRequest::default()).await {
                Ok(head) => check(condition, Some(&head.object)),
                Err(StoreError::NoSuchKey) => check(condition, None),
                Err(error) => Err(error),
            },
        }
    }

    /// Home's answer about a body that is to stay there, or to be forwarded.
    pub(super) fn refused_at_home<T>(&self, route: &Route, answer: Result<T>) -> Result<T> {
        let spools = route.upstream.is_some() && plan::spools(route.mode);
        answer.map_err(|error| if spools { self.spool.refusal(error) } else { error })
    }

    /// The condition as the upstream is to judge it, where the key's object is the upstream's.
    async fn judged_upstream(
        &self,
        route: &Route,
        at: &ObjectPath,
        record: Option<&Location>,
        condition: &WriteCondition,
    ) -> Result<Option<WriteCondition>> {
        let at_home = match self.home.head_object(at, &GetRequest::default()).await {
            Ok(_) => true,
            Err(StoreError::NoSuchKey) => false,
            Err(error) => return Err(error),
        };
        if plan::holder(route.mode, Known::of(record), at_home) != Some(Layer::Upstream) {
            return Ok(None);
        }
        let remote = record.and_then(|record| record.remote.as_ref());
        let shown = remote.filter(|remote| plan::shows_record(route.mode, remote));
        Ok(Some(translated(condition, shown)))
    }
}

/// A write under way.
struct Putting<'a> {
    placement: &'a Placement,
    route: &'a Route,
    upstream: &'a Upstream,
    at: &'a ObjectPath,
    condition: Option<WriteCondition>,
    /// Whether the upstream was asked to judge the condition.
    asked: bool,
    size: Option<u64>,
}

impl Putting<'_> {
    async fn run(self, mut sides: Sides<'_>) -> Result<Stored> {
        let ticket = self.arrive(&mut sides).await?;
        let mut locked = self.placement.locked(self.route, self.upstream, self.at, false).await?;
        match plan::write(self.route.mode, locked.known()) {
            Write::Home => {
                locked.decide(self.condition.as_ref()).await?;
                sides.release_home().await
            }
            Write::HomeAndRecord => {
                locked.decide(self.condition.as_ref()).await?;
                let stored = sides.release_home().await?;
                locked.supersede(stored.object.size).await?;
                Ok(stored)
            }
            Write::Spool => self.spool(locked, sides, ticket, false).await,
            Write::Upstream => {
                self.judge(&locked).await?;
                let announced = locked.announce(sides.tag()).await?;
                let answer = sides.release_upstream().await;
                locked.heard(announced, answer).await
            }
            Write::Both if sides.upstream_failed() => {
                self.spool(locked, sides, ticket, false).await
            }
            Write::Both => {
                self.judge(&locked).await?;
                let announced = locked.announce(sides.tag()).await?;
                match sides.release_upstream().await {
                    // Whether the upstream stored it is not known.
                    Err(StoreError::Unavailable { .. }) if !self.asked => {
                        self.spool(locked, sides, ticket, true).await
                    }
                    answer => locked.heard(announced, answer).await,
                }
            }
        }
    }

    /// Waits until the body has arrived and passed its checks. Where the upstream fails before,
    /// room in the spool is asked for at once, and a condition that it was to judge is not judged.
    async fn arrive(&self, sides: &mut Sides<'_>) -> Result<Option<Ticket>> {
        let mut ticket = None;
        loop {
            match sides.event().await {
                Event::Arrived => return Ok(ticket),
                Event::Broken(error) => return Err(StoreError::Body(error)),
                Event::HomeFailed if sides.upstream_failed() => {
                    return self.placement.refused_at_home(self.route, sides.home_error());
                }
                Event::HomeFailed => {}
                Event::UpstreamFailed(error) if self.asked || sides.home_failed() => {
                    return Err(error);
                }
                Event::UpstreamFailed(_) => {
                    ticket = Some(self.placement.spool.admit(self.at, self.size)?);
                }
                Event::UpstreamRefused(error) => return Err(error),
            }
        }
    }

    /// Decides the condition of a write that goes upstream, unless the upstream does that itself.
    async fn judge(&self, locked: &Locked<'_>) -> Result<()> {
        match (locked.holder(), self.asked) {
            (Some(Layer::Upstream), true) => Ok(()),
            // It may have been forwarded since.
            (_, false) => locked.decide(self.condition.as_ref()).await,
            // The upstream would judge what is not the key's object any more.
            (Some(Layer::Home) | None, true) => Err(StoreError::Conflict),
        }
    }

    /// Stores at home what is to be forwarded. `unsure` says that the upstream may have it.
    async fn spool(
        &self,
        mut locked: Locked<'_>,
        mut sides: Sides<'_>,
        ticket: Option<Ticket>,
        unsure: bool,
    ) -> Result<Stored> {
        sides.drop_upstream();
        locked.decide(self.condition.as_ref()).await?;
        let _ticket = match ticket {
            Some(ticket) => ticket,
            None => self.placement.spool.admit(self.at, self.size)?,
        };
        locked.spool(unsure, sides.release_home()).await
    }
}

impl Locked<'_> {
    /// Makes the object that `storing` stores at home one that is to be forwarded.
    ///
    /// Where there is no record, it is made first, so that a crash never leaves an object of which
    /// it is not known that it waits; where there is one, it covers the object until the record
    /// follows, and an older local copy that it masks never comes to light.
    pub(super) async fn spool(
        &mut self,
        unsure: bool,
        storing: impl Future<Output = Result<Stored>>,
    ) -> Result<Stored> {
        let mut record = plan::spooled(self.record.as_ref(), self.now());
        let first = plan::records_first(self.known());
        if first {
            let size = self.at_home.as_ref().map_or(0, |home| home.size);
            self.set(Some(record.clone()), size).await?;
        }
        let mut stored = match storing.await {
            Ok(stored) => stored,
            Err(error) => {
                if first {
                    self.set(None, 0).await?;
                }
                return Err(self.refused(error));
            }
        };
        if unsure && let Some(todo) = &mut record.todo {
            todo.note_unsure(&stored.object.etag);
        }
        let todo = record.todo.clone();
        if !first || unsure {
            self.set(Some(record), stored.object.size).await?;
        } else {
            self.note(stored.object.size);
        }
        stored.object.replication = plan::replication(self.route.mode, Layer::Home, todo.as_ref());
        Ok(stored)
    }
}
