//! From the local disk to the upstream: what there is to do.

use super::held::Held;
use super::up::Up;
use super::{
    Direction, Identity, Moved, Order, Outcome, Result, Skip, Source, Transfers, recorded,
};
use crate::placement::location::{Location, Remote, Truth};
use crate::placement::plan::{self, Known, Layer};
use crate::store::StoreError;

/// An object on its way upstream, as the record says.
pub(super) struct Announced {
    pub(super) held: Held,
    /// The record of before.
    pub(super) before: Option<Location>,
    pub(super) record: Location,
}

/// What there is to do.
pub(super) enum Look {
    /// Nothing.
    Over(Outcome),
    /// It was sent and noted; the local copy may have to go yet.
    Settled(Location, Moved),
    /// The upstream has it as well, as the record knows.
    Back(Location, Box<Held>),
    /// All of it.
    Send(Option<Location>, Box<Held>),
    /// All of it, which the record says already.
    Announced(Box<Announced>),
}

impl Transfers {
    /// The object that an order means, if it is where it was to go already: looks at home alone,
    /// and does nothing.
    pub async fn arrived(&self, order: &Order) -> Result<Option<Moved>, StoreError> {
        let (record, mode) = (self.record(&order.at).await?, self.route(&order.at.bucket).mode);
        let remote = record.as_ref().and_then(|record| record.remote.clone());
        if order.direction == Direction::ToS3 {
            let there = record.as_ref().is_some_and(|record| record.truth == Truth::Remote);
            let remote =
                remote.filter(|remote| there && order.may_have_brought(&identity(remote), mode));
            return Ok(remote.map(|remote| moved(&remote, Source::Removed)));
        }
        let Some(home) = self.at_home(&order.at).await? else { return Ok(None) };
        let holder = plan::holder(mode, Known::of(record.as_ref()), true);
        let found = Identity::of(&home);
        let upstream_etag = remote.map_or_else(|| home.etag.clone(), |it| it.upstream_etag);
        let here = holder == Some(Layer::Home) && order.may_have_brought(&found, mode);
        Ok(here.then_some(Moved { object: found, upstream_etag, source: Source::Removed }))
    }
}

impl Up<'_> {
    /// Reads record and object as they belong together.
    pub(super) async fn look(&self) -> Result<Look> {
        let (transfers, at) = (self.transfers, &self.order.at);
        let key = transfers.locations.lock(at).await;
        let (record, held) = transfers.record_and_held(at).await?;
        match self.judged(record, held) {
            Look::Send(before, held) if !self.looks_first(before.as_ref(), &held) => {
                let record = self.note_announced(&key, before.as_ref(), &held).await?;
                Ok(Look::Announced(Box::new(Announced { held: *held, before, record })))
            }
            look => Ok(look),
        }
    }

    fn judged(&self, record: Option<Location>, held: Option<Held>) -> Look {
        let Some(held) = held else { return self.without_object(record) };
        let Some(record) = record else { return self.sendable(None, held) };
        match record.truth {
            Truth::Gone => Look::Over(Outcome::Skipped(Skip::Gone)),
            Truth::Remote => self.without_object(Some(record)),
            Truth::Local if record.todo.is_none() && record.remote.is_some() => {
                self.back_or_send(record, held)
            }
            Truth::Local if record.todo.is_none() => self.sendable(Some(record), held),
            Truth::Local if recorded::is_leaving(&record) && self.order.again => {
                self.back_or_send(record, held)
            }
            Truth::Local if recorded::is_announced(&record) && self.order.again => {
                self.sendable(Some(record), held)
            }
            Truth::Local => Look::Over(Outcome::Skipped(Skip::WaitsInSpool)),
        }
    }

    fn sendable(&self, record: Option<Location>, held: Held) -> Look {
        let expected = self.order.expected.as_ref().filter(|_| self.order.exact);
        if expected.is_some_and(|meant| !Identity::of(&held.object).is(meant)) {
            return Look::Over(Outcome::Skipped(Skip::Changed));
        }
        Look::Send(record, Box::new(held))
    }

    fn back_or_send(&self, record: Location, held: Held) -> Look {
        let remote = record.remote.as_ref().filter(|remote| remote.etag == held.object.etag);
        match (remote, recorded::is_leaving(&record)) {
            (Some(_), _) => match self.sendable(Some(record.clone()), held) {
                Look::Send(_, held) => Look::Back(record, held),
                other => other,
            },
            (None, false) => self.sendable(Some(record), held),
            (None, true) => Look::Over(Outcome::Skipped(Skip::WaitsInSpool)),
        }
    }

    /// The key's object is not at home, or the record says that it isn't.
    fn without_object(&self, record: Option<Location>) -> Look {
        let skip = match record {
            Some(record) if record.todo.is_some() => Skip::WaitsInSpool,
            Some(record) if record.truth == Truth::Remote => match record.remote.clone() {
                Some(remote) if self.order.again && self.may_have_sent(&remote) => {
                    let moved = moved(&remote, Source::Removed);
                    return Look::Settled(record, moved);
                }
                _ => Skip::AlreadyThere,
            },
            Some(record) if record.truth == Truth::Local && record.remote.is_some() => {
                Skip::AlreadyThere
            }
            Some(_) | None => Skip::Gone,
        };
        Look::Over(Outcome::Skipped(skip))
    }

    fn may_have_sent(&self, remote: &Remote) -> bool {
        self.order.may_have_brought(&identity(remote), self.mode)
    }
}

/// What clients know an upstream object by.
pub(super) fn identity(remote: &Remote) -> Identity {
    Identity {
        etag: remote.etag.clone(),
        size: remote.size,
        last_modified: Some(remote.last_modified),
    }
}

pub(super) fn moved(remote: &Remote, source: Source) -> Moved {
    Moved { object: identity(remote), upstream_etag: remote.upstream_etag.clone(), source }
}
