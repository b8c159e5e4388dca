//! From the upstream to the local disk: the short phase in which the object becomes one of home's,
//! and the end of the upstream copy.

use super::compare::{if_match, same_acl, same_metadata};
use super::down::{Down, Wanted, contradict, moved_home};
use super::{Outcome, Result, Source, Trouble, recorded};
use crate::object::{ObjectInfo, Timestamp, WriteCondition};
use crate::placement::location::{Location, Remote};
use crate::placement::locks::KeyGuard;
use crate::store::{DeleteRequest, StoreError, Stored};

impl Down<'_> {
    /// Lets the object in, where nothing has changed, and notes that it is at home. `pieces` are
    /// the MD5s of what arrived.
    pub(super) async fn commit(
        &self,
        wanted: Wanted,
        pieces: &[[u8; 16]],
        store: impl AsyncFnOnce(&KeyGuard) -> std::result::Result<Stored, StoreError>,
    ) -> Result<Outcome> {
        let (transfers, at) = (self.transfers, &self.order.at);
        self.steps.turn().await;
        let key = transfers.locations.lock(at).await;
        self.unchanged(&wanted).await?;
        let home = store(&key).await.map_err(Trouble::Home)?.object;
        if let Err(trouble) = check(&wanted, &home) {
            transfers.home.delete_object(at, &DeleteRequest::default()).await?;
            return Err(trouble);
        }
        let remote = recorded::remote(at, self.upstream, &home, &wanted.there);
        let record = self.noted(&key, remote).await?;
        drop(key);
        self.steps.end();
        if self.order.read_back && !transfers.reads_as(at, &home, pieces).await? {
            return Err(self.turned_back(record, wanted).await?);
        }
        self.leave_upstream(record).await
    }

    /// Whether record, home and upstream are what they were.
    async fn unchanged(&self, wanted: &Wanted) -> Result<()> {
        let (transfers, at) = (self.transfers, &self.order.at);
        let (record, object) = transfers.record_and_object(at).await?;
        if record != wanted.record || object != wanted.left_over || self.moving.is_touched() {
            return Err(Trouble::Changed);
        }
        // Under the lock: of a deleted key there may be no record.
        let there = transfers.there(at, self.upstream).await?;
        match there {
            Some(there)
                if there.etag == wanted.there.etag
                    && there.last_modified == wanted.there.last_modified =>
            {
                Ok(())
            }
            _ => Err(Trouble::Changed),
        }
    }

    /// The copy at home that was kept is the object again.
    pub(super) async fn take_kept(&self, wanted: Wanted) -> Result<Outcome> {
        let (transfers, at) = (self.transfers, &self.order.at);
        self.steps.turn().await;
        let Some(kept) = transfers.held(at).await? else { return self.take(wanted).await };
        let there = transfers.acl_there(at, self.upstream).await?;
        if kept.tags != transfers.tags_there(at, self.upstream).await?
            || !same_acl(kept.acl.as_ref(), there.as_ref())
        {
            return self.take(wanted).await;
        }
        let key = transfers.locations.lock(at).await;
        self.unchanged(&wanted).await?;
        let Some(home) = wanted.left_over else { return Err(Trouble::Changed) };
        let remote = recorded::remote(at, self.upstream, &home, &wanted.there);
        let record = self.noted(&key, remote).await?;
        drop(key);
        self.leave_upstream(record).await
    }

    /// Notes that the object is at home, where the record is still that one.
    pub(super) async fn note(
        &self,
        before: Option<&Location>,
        home: &ObjectInfo,
        remote: Remote,
    ) -> Result<Location> {
        let (transfers, at) = (self.transfers, &self.order.at);
        let key = transfers.locations.lock(at).await;
        let (record, object) = transfers.record_and_object(at).await?;
        if record.as_ref() == before && object.as_ref() == Some(home) {
            self.noted(&key, remote).await
        } else {
            Err(Trouble::Changed)
        }
    }

    async fn noted(&self, key: &KeyGuard, remote: Remote) -> Result<Location> {
        let record = recorded::at_home(remote, self.order.keep_source, self.now());
        Ok(self.transfers.locations.replace(key, record).await?)
    }

    fn now(&self) -> Timestamp {
        self.transfers.clock.now()
    }

    /// What was stored cannot be read: the upstream's copy is the object again.
    async fn turned_back(&self, record: Location, wanted: Wanted) -> Result<Trouble> {
        let (transfers, at) = (self.transfers, &self.order.at);
        let key = transfers.locations.lock(at).await;
        if transfers.record(at).await?.as_ref() == Some(&record)
            && let Some(remote) = record.remote.clone()
        {
            let back = recorded::upstream(remote, false, self.now());
            transfers.locations.set(&key, Some(back)).await?;
            transfers.home.delete_object(at, &DeleteRequest::default()).await?;
            if wanted.record.is_none() {
                transfers.locations.set(&key, None).await?;
            }
        }
        Ok(Trouble::Unverified("what is read back is not what arrived".to_owned()))
    }

    /// Removes the upstream copy, unless it is to stay. Nobody reads it any more; pages that were
    /// begun before may list it yet.
    pub(super) async fn leave_upstream(&self, record: Location) -> Result<Outcome> {
        let (transfers, at) = (self.transfers, &self.order.at);
        let Some(remote) = record.remote.clone() else { return Err(Trouble::Changed) };
        let done = |source| Ok(Outcome::Moved(Box::new(moved_home(&remote, source))));
        if !recorded::is_leaving(&record) {
            return done(Source::Kept);
        }
        transfers.passing.paged().await;
        let _sending = transfers.spool.sending().lock(at).await;
        if transfers.record(at).await?.as_ref() != Some(&record) {
            // A client's write takes it from here, and with it the spool.
            return done(Source::Waits);
        }
        self.steps.turn().await;
        let there = if_match(&remote.upstream_etag);
        if let Err(trouble) = self.leaves(there).await {
            tracing::info!(bucket = %at.bucket, key = %at.key, %trouble, "left to the spool");
            let size = remote.size;
            let _key = transfers.locations.lock(at).await;
            if let Some(record) = transfers.record(at).await? {
                transfers.spool.noted(at, &record, size);
            }
            return done(Source::Waits);
        }
        let key = transfers.locations.lock(at).await;
        if transfers.record(at).await?.as_ref() == Some(&record) {
            transfers.locations.set(&key, None).await?;
            transfers.spool.settled(at);
        }
        done(Source::Removed)
    }

    async fn leaves(&self, condition: WriteCondition) -> Result<()> {
        self.transfers.remove_there(&self.order.at, self.upstream, condition).await
    }
}

/// What home stored is what was taken in.
fn check(wanted: &Wanted, home: &ObjectInfo) -> Result<()> {
    let there = &wanted.there;
    let wrong = |what: &str| Err(Trouble::Unverified(what.to_owned()));
    if home.size != there.size {
        return wrong("it has another size at home");
    }
    if home.etag != wanted.original.etag {
        return wrong("it has another ETag at home");
    }
    if contradict(home.checksum.as_ref(), there.checksum.as_ref()) {
        return wrong("it has another checksum at home");
    }
    same_metadata(there, home).map_err(Trouble::Unverified)
}
