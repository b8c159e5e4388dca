//! The short final phase of a write: a key that nobody else changes.

use super::location::{Location, Remote};
use super::locks::KeyGuard;
use super::plan::{self, Known, Layer};
use super::read::translated;
use super::route::{Route, Upstream};
use super::{Placement, answered, carried};
use crate::object::{ETag, Encrypted, ObjectInfo, Timestamp, WriteCondition, WriteVerdict};
use crate::store::{DeleteRequest, GetRequest, ObjectPath, Result, StoreError, Stored};

/// A locked key, and what there is of it. Only its holder changes record and object.
pub(super) struct Locked<'a> {
    placement: &'a Placement,
    pub(super) route: &'a Route,
    pub(super) upstream: &'a Upstream,
    at: &'a ObjectPath,
    /// The key's record.
    pub(super) record: Option<Location>,
    /// The object at home, be it the key's or a left-over.
    pub(super) at_home: Option<ObjectInfo>,
    /// Whether the ledger has a record of which the spool wasn't told.
    untold: bool,
    held: KeyGuard,
    /// Keeps the forwarder from sending the key, where that is needed.
    _sending: Option<KeyGuard>,
}

/// A write that was announced.
pub(super) struct Announced {
    /// The record that there was before, to be restored if the write is turned down.
    before: Option<Location>,
}

impl Placement {
    /// Locks a key, for a change that is carried to its end. Where the upstream is written although the key waits to be forwarded, the
    /// forwarder is waited for and kept out; `alone` says that it is to be in any mode.
    pub(super) async fn locked<'a>(
        &'a self,
        route: &'a Route,
        upstream: &'a Upstream,
        at: &'a ObjectPath,
        alone: bool,
    ) -> Result<Locked<'a>> {
        let mut sending = None;
        loop {
            let held = self.locations.lock(at).await;
            let record = self.locations.of(at).await?;
            let known = Known::of(record.as_ref());
            let alone = (alone && known.waits()) || plan::keeps_sender_out(route.mode, known);
            if alone && sending.is_none() {
                // The sending lock is taken before the key's.
                drop(held);
                sending = Some(self.spool.sending().lock(at).await);
                continue;
            }
            let at_home = match self.home.head_object(at, &GetRequest::default()).await {
                Ok(found) => Some(found.object),
                Err(StoreError::NoSuchKey) => None,
                Err(error) => return Err(error),
            };
            carried::begun().await;
            return Ok(Locked {
                placement: self,
                route,
                upstream,
                at,
                record,
                at_home,
                untold: false,
                held,
                _sending: sending,
            });
        }
    }
}

impl Locked<'_> {
    /// What the record says.
    pub(super) fn known(&self) -> Known {
        Known::of(self.record.as_ref())
    }

    /// Whose the key's object is.
    pub(super) fn holder(&self) -> Option<Layer> {
        plan::holder(self.route.mode, self.known(), self.at_home.is_some())
    }

    /// The upstream object that the record tells of.
    pub(super) fn remote(&self) -> Option<&Remote> {
        self.record.as_ref().and_then(|record| record.remote.as_ref())
    }

    /// Replaces the record, and tells the spool, for which the object at home has `size` bytes.
    pub(super) async fn set(&mut self, record: Option<Location>, size: u64) -> Result<()> {
        if record.is_some() || self.record.is_some() {
            self.placement.locations.set(&self.held, record.clone()).await?;
        }
        match &record {
            Some(record) => self.placement.spool.noted(self.at, record, size),
            None => self.placement.spool.settled(self.at),
        }
        self.record = record;
        self.untold = false;
        Ok(())
    }

    /// Tells the spool of the size that the object at home has now.
    pub(super) fn note(&mut self, size: u64) {
        self.untold = false;
        if let Some(record) = &self.record {
            self.placement.spool.noted(self.at, record, size);
        }
    }

    /// Why what was to be forwarded could not be taken in.
    pub(super) fn refused(&self, error: StoreError) -> StoreError {
        self.placement.spool.refusal(error)
    }

    fn size_at_home(&self) -> u64 {
        self.at_home.as_ref().map_or(0, |home| home.size)
    }

    /// The present.
    pub(super) fn now(&self) -> Timestamp {
        self.placement.clock.now()
    }

    /// Removes the object at home, if there is one.
    pub(super) async fn clear_home(&mut self) -> Result<()> {
        if self.at_home.is_some() {
            self.placement.home.delete_object(self.at, &DeleteRequest::default()).await?;
            self.at_home = None;
        }
        Ok(())
    }

    /// Removes the object at home, which by the record is nobody's any more. One that stays is
    /// neither read nor listed, and goes with the next change or start.
    pub(super) async fn drop_left_over(&mut self) {
        if let Err(error) = self.clear_home().await {
            let ObjectPath { bucket, key } = self.at;
            tracing::warn!(%bucket, %key, %error, "an object that is no more stays on the disk");
        }
    }

    /// Notes, before the upstream is written, that it may have this content: a write that is never
    /// heard of again is not forgotten, whatever the mode is by then. Gives back what to restore
    /// where the upstream turns the write down.
    pub(super) async fn announce(&mut self, tag: Option<&ETag>) -> Result<Announced> {
        let before = self.record.clone();
        let at_home = self.at_home.is_some();
        let record = plan::announced(before.as_ref(), at_home, tag, self.now());
        // The spool need not know before the key is unlocked.
        self.placement.locations.set(&self.held, Some(record.clone())).await?;
        self.record = Some(record);
        self.untold = true;
        Ok(Announced { before })
    }

    /// The upstream answered the write that was announced. With its refusal all is as before; where
    /// nothing is known of it, the announcement stays, for the forwarder to find out.
    pub(super) async fn heard(
        &mut self,
        announced: Announced,
        answer: Result<Stored>,
    ) -> Result<Stored> {
        match answer {
            Ok(stored) => self.settle(stored).await,
            Err(error @ StoreError::Unavailable { .. }) => Err(error),
            Err(error) => {
                self.set(announced.before, self.size_at_home()).await?;
                Err(error)
            }
        }
    }

    /// The upstream has this object now: notes where, and removes what is left over at home.
    async fn settle(&mut self, mut stored: Stored) -> Result<Stored> {
        let (bucket, prefix) = (self.upstream.target)(&self.at.bucket);
        let object = &stored.object;
        let remote = Remote {
            bucket,
            key: format!("{prefix}{}", self.at.key),
            etag: object.etag.clone(),
            upstream_etag: object.etag.clone(),
            size: object.size,
            last_modified: object.last_modified,
            asked: Encrypted::was_asked(object.encryption),
        };
        self.set(Some(plan::settled(remote, self.now())), 0).await?;
        self.drop_left_over().await;
        stored.object.replication = plan::replication(self.route.mode, Layer::Upstream, None);
        Ok(stored)
    }

    /// The object at home is the key's for good now: what the upstream has is stale.
    pub(super) async fn supersede(&mut self, size: u64) -> Result<()> {
        let before = self.record.as_ref();
        let record = before.and_then(|before| plan::superseded(before, self.now()));
        self.set(record, size).await
    }

    /// Decides the condition of a write that is made upstream, unless it is for the upstream to
    /// decide: then it is given back, as the upstream is to judge it.
    pub(super) fn left_to_upstream(
        &self,
        condition: Option<&WriteCondition>,
    ) -> Result<Option<WriteCondition>> {
        let Some(condition) = condition else { return Ok(None) };
        let current = match self.holder() {
            Some(Layer::Upstream) => return Ok(Some(self.translated(condition))),
            Some(Layer::Home) => self.at_home.as_ref(),
            None => None,
        };
        check(condition, current).map(|()| None)
    }

    /// Decides the condition of a write that is made at home, in order with all others. Where the
    /// object is the upstream's, only that can tell.
    pub(super) async fn decide(&self, condition: Option<&WriteCondition>) -> Result<()> {
        let Some(condition) = condition else { return Ok(()) };
        match self.holder() {
            Some(Layer::Home) => check(condition, self.at_home.as_ref()),
            None => check(condition, None),
            Some(Layer::Upstream) => {
                let condition = self.translated(condition);
                let checked = self.upstream.store.check_condition(self.at, &condition).await;
                answered(self.upstream, checked)
            }
        }
    }

    /// The same of a delete: where there is nothing, there is nothing to protect.
    pub(super) async fn decide_delete(&self, condition: Option<&WriteCondition>) -> Result<()> {
        match self.decide(condition).await {
            Err(StoreError::NoSuchKey) => Ok(()),
            decided => decided,
        }
    }

    /// A condition as the upstream is to judge it.
    pub(super) fn translated(&self, condition: &WriteCondition) -> WriteCondition {
        let remote = self.remote();
        let shown = remote.filter(|remote| plan::shows_record(self.route.mode, remote));
        translated(condition, shown)
    }
}

impl Drop for Locked<'_> {
    /// What was announced and never heard of is for the forwarder to find out.
    fn drop(&mut self) {
        if self.untold {
            self.note(self.size_at_home());
        }
    }
}

/// Decides a condition against the key's object.
pub(super) fn check(condition: &WriteCondition, current: Option<&ObjectInfo>) -> Result<()> {
    match condition.check(current.map(|object| (&object.etag, object.last_modified))) {
        WriteVerdict::Proceed => Ok(()),
        WriteVerdict::Missing => Err(StoreError::NoSuchKey),
        WriteVerdict::Failed(header) => Err(StoreError::PreconditionFailed(header)),
    }
}
