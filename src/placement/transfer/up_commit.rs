//! From the local disk to the upstream: the short phase in which the record changes, and the end
//! of the local copy.

use std::time::Duration;

use super::compare::{Verdict, verdict};
use super::held::Held;
use super::up::Up;
use super::up_look::moved;
use super::{Moved, Outcome, Result, Skip, Source, Trouble, recorded};
use crate::object::ObjectInfo;
use crate::placement::location::{Location, Remote};
use crate::store::DeleteRequest;

/// How long a client is waited for that writes the key as if nothing were known of it.
const PATIENCE: Duration = Duration::from_secs(5);
/// How often.
const WAITS: usize = 3;

impl Up<'_> {
    /// The upstream has the object: the record says so from now on, where nothing has changed.
    pub(super) async fn settle(
        &self,
        announced: Location,
        held: &Held,
        there: ObjectInfo,
    ) -> Result<Outcome> {
        let remote = recorded::remote(&self.order.at, self.upstream, &held.object, &there);
        let record = self.commit(&announced, held, remote.clone()).await?;
        self.steps.end();
        let outcome = moved(&remote, Source::Removed);
        self.leave_home(record, outcome).await
    }

    async fn commit(&self, announced: &Location, held: &Held, remote: Remote) -> Result<Location> {
        let (transfers, at) = (self.transfers, &self.order.at);
        for _ in 0..WAITS {
            // Who began before the record told that the object may be upstream has not seen it.
            let written = transfers.passing.written(at);
            if tokio::time::timeout(PATIENCE, written).await.is_err() {
                return Err(Trouble::Changed);
            }
            let key = transfers.locations.lock(at).await;
            if transfers.passing.is_written(at) {
                continue;
            }
            let (record, object) = transfers.record_and_held(at).await?;
            if record.as_ref() != Some(announced) || object.as_ref() != Some(held) {
                return Err(Trouble::Changed);
            }
            let (kept, now) = (self.order.keep_source, transfers.clock.now());
            let record = recorded::upstream(remote, kept, now);
            let record = transfers.locations.replace(&key, record).await?;
            transfers.spool.settled(at);
            return Ok(record);
        }
        Err(Trouble::Changed)
    }

    /// Removes the local copy, unless it is to stay. Nobody reads it any more; pages that were
    /// begun before may list it yet.
    pub(super) async fn leave_home(&self, record: Location, moved: Moved) -> Result<Outcome> {
        let (transfers, at) = (self.transfers, &self.order.at);
        if record.kept {
            let moved = Moved { source: Source::Kept, ..moved };
            return Ok(Outcome::Moved(Box::new(moved)));
        }
        transfers.passing.paged().await;
        let _key = transfers.locations.lock(at).await;
        let (now, object) = transfers.record_and_object(at).await?;
        if now.as_ref() == Some(&record) && object.is_some() {
            let removed = transfers.home.delete_object(at, &DeleteRequest::default()).await;
            if let Err(error) = removed {
                let (bucket, key) = (&at.bucket, &at.key);
                tracing::warn!(%bucket, %key, %error, "a moved object stays on the disk for now");
                let moved = Moved { source: Source::Waits, ..moved };
                return Ok(Outcome::Moved(Box::new(moved)));
            }
        }
        Ok(Outcome::Moved(Box::new(moved)))
    }

    /// The upstream still has what the object at home was copied from: nothing has to be sent.
    pub(super) async fn take_back(&self, record: Location, held: Box<Held>) -> Result<Outcome> {
        let (transfers, at) = (self.transfers, &self.order.at);
        let lane = self.lane().await?;
        self.steps.turn().await;
        let found = transfers.there(at, self.upstream).await?;
        let recorded_there = found.as_ref().zip(record.remote.as_ref());
        let Some((there, remote)) =
            recorded_there.filter(|(there, remote)| there.etag == remote.upstream_etag)
        else {
            drop(lane);
            return self.back_is_gone(record, *held, found).await;
        };
        let mut seen = there.clone();
        seen.etag = remote.etag.clone();
        let labels = transfers.labels_there(at, self.upstream, &held).await?;
        drop(lane);
        if verdict(None, &held, Some(&seen), &labels) != Verdict::Arrived {
            return self.back_is_gone(record, *held, found).await;
        }
        let remote = remote.clone();
        let settled = self.commit(&record, &held, remote.clone()).await?;
        self.leave_home(settled, moved(&remote, Source::Removed)).await
    }

    /// The upstream has another object, or none.
    async fn back_is_gone(
        &self,
        record: Location,
        held: Held,
        found: Option<ObjectInfo>,
    ) -> Result<Outcome> {
        if found.is_none() && recorded::is_leaving(&record) {
            let (transfers, at) = (self.transfers, &self.order.at);
            let key = transfers.locations.lock(at).await;
            if transfers.record(at).await?.as_ref() != Some(&record) {
                return Err(Trouble::Changed);
            }
            transfers.locations.set(&key, None).await?;
            transfers.spool.settled(at);
            drop(key);
            return Box::pin(self.send(None, held)).await;
        }
        if recorded::is_leaving(&record) {
            return Ok(Outcome::Skipped(Skip::WaitsInSpool));
        }
        Box::pin(self.send(Some(record), held)).await
    }
}
