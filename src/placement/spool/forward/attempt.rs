//! One try at forwarding a key: looking at it, and settling it.

use super::{Outcome, Spool, Trouble};
use crate::object::{
    Acl, Encrypted, ListEntry, ListQuery, ObjectInfo, ObjectMetadata, TagSet, Timestamp, VersionId,
};
use crate::placement::location::{Location, Remote, Task, Todo, Truth};
use crate::placement::locks::KeyGuard;
use crate::placement::route::Upstream;
use crate::store::{DeleteRequest, GetRequest, ObjectPath, StoreError};

pub(super) type Result<T> = std::result::Result<T, Trouble>;

/// A try. The sending lock is held as long as it lasts.
pub(super) struct Attempt<'a> {
    pub(super) spool: &'a Spool,
    pub(super) at: &'a ObjectPath,
    /// The record as it was last seen or made.
    record: Option<Location>,
}

/// What there is to do.
enum Work<'a> {
    Nothing,
    Put(&'a Upstream, Box<Held>),
    /// A write upstream was announced and never heard of.
    FindOut(&'a Upstream, Location),
    Delete(&'a Upstream, Location),
}

/// The local object that is to be sent.
#[derive(Debug, PartialEq)]
pub(super) struct Held {
    pub(super) object: ObjectInfo,
    pub(super) tags: TagSet,
    pub(super) acl: Option<Acl>,
}

impl<'a> Attempt<'a> {
    pub(super) fn new(spool: &'a Spool, at: &'a ObjectPath) -> Self {
        Self { spool, at, record: None }
    }

    pub(super) async fn run(mut self) -> Outcome {
        let _sending = self.spool.sending.lock(self.at).await;
        let result = match self.look().await {
            Ok(work) => self.carry_out(work).await,
            Err(trouble) => Err(trouble),
        };
        match result {
            Ok(outcome) => outcome,
            Err(trouble) => self.judge(trouble).await,
        }
    }

    async fn carry_out(&mut self, work: Work<'a>) -> Result<Outcome> {
        match work {
            Work::Nothing => Ok(Outcome::Settled),
            Work::Put(upstream, held) => {
                self.end_upload(upstream).await?;
                self.put(upstream, &held).await
            }
            Work::FindOut(upstream, record) => {
                self.end_upload(upstream).await?;
                self.find_out(upstream, record).await
            }
            Work::Delete(upstream, record) => {
                self.end_upload(upstream).await?;
                self.delete(upstream, record).await
            }
        }
    }

    /// Reads record and object as they belong together.
    async fn look(&mut self) -> Result<Work<'a>> {
        let key = self.spool.lock(self.at).await;
        let Some(record) = self.spool.record(self.at).await? else { return Ok(self.nothing()) };
        let route = self.spool.routes.of(&self.at.bucket);
        let upstream =
            record.todo.as_ref().and_then(|todo| route.forwards(record.truth, todo.task));
        let Some((todo, upstream)) = record.todo.as_ref().zip(upstream) else {
            return Ok(self.nothing());
        };
        if todo.failed.is_some() {
            self.spool.noted(self.at, &record, self.spool.local_size(self.at).await?);
            return Ok(Work::Nothing);
        }
        self.record = Some(record.clone());
        match record.truth {
            Truth::Gone => Ok(Work::Delete(upstream, record)),
            Truth::Remote => Ok(Work::FindOut(upstream, record)),
            Truth::Local => match (self.held().await?, todo.task) {
                (None, _) => self.restore(&key, record).await,
                (Some(held), Task::Put) => Ok(Work::Put(upstream, Box::new(held))),
                (Some(_), Task::Delete) => Ok(Work::Delete(upstream, record)),
            },
        }
    }

    fn nothing(&self) -> Work<'a> {
        self.spool.settled(self.at);
        Work::Nothing
    }

    /// The write that the record announces was never finished: what was before holds.
    async fn restore(&self, key: &KeyGuard, record: Location) -> Result<Work<'a>> {
        let before = record.remote.is_some().then_some(Location {
            truth: Truth::Remote,
            todo: None,
            ..record
        });
        self.spool.set_record(key, before).await?;
        Ok(self.nothing())
    }

    /// The key's local object.
    async fn held(&self) -> Result<Option<Held>> {
        let Some(object) = self.spool.local_object(self.at).await? else { return Ok(None) };
        let tags = match object.tag_count {
            0 => TagSet::default(),
            _ => self.spool.home.object_tags(self.at, None).await?,
        };
        let acl = self.spool.home.object_acl(self.at, None).await?;
        Ok(Some(Held { object, tags, acl }))
    }

    /// Notes, before the object is sent, that the upstream may have it from now on.
    pub(super) async fn announce(&mut self, held: &Held) -> Result<()> {
        self.amend(|todo| todo.note_unsure(&held.object.etag)).await
    }

    /// Changes what the record says of the task, unless it has become another.
    pub(super) async fn amend(&mut self, change: impl FnOnce(&mut Todo)) -> Result<()> {
        let key = self.spool.lock(self.at).await;
        let before = self.unchanged().await?.ok_or(Trouble::Changed)?;
        let mut record = before.clone();
        record.todo.as_mut().map(change);
        if record != before {
            self.spool.set_record(&key, Some(record)).await?;
            self.record = self.spool.record(self.at).await?;
        }
        Ok(())
    }

    /// The upstream has the object.
    pub(super) async fn settle_put(&self, held: &Held, remote: Remote) -> Result<Outcome> {
        let key = self.spool.lock(self.at).await;
        let unchanged = self.unchanged().await?;
        if unchanged.is_none() || self.held().await?.as_ref() != Some(held) {
            return self.catch_up(&key, Some(remote)).await;
        }
        let updated_at = self.now();
        let record = Location {
            truth: Truth::Remote,
            todo: None,
            remote: Some(remote),
            updated_at,
            kept: false,
        };
        self.spool.set_record(&key, Some(record)).await?;
        self.remove_local().await;
        self.spool.settled(self.at);
        Ok(Outcome::Settled)
    }

    /// It is known what became of the announced write.
    pub(super) async fn settle_found(&self, remote: Option<Remote>) -> Result<Outcome> {
        let key = self.spool.lock(self.at).await;
        let Some(record) = self.unchanged().await? else { return Ok(Outcome::Again) };
        let truth = record.truth;
        let record = remote.map(|remote| Location { todo: None, remote: Some(remote), ..record });
        self.spool.set_record(&key, record).await?;
        if truth == Truth::Remote && self.spool.local_object(self.at).await?.is_some() {
            self.remove_local().await;
        }
        self.spool.settled(self.at);
        Ok(Outcome::Settled)
    }

    /// The upstream has nothing of the key any more, or nothing that is the gateway's.
    pub(super) async fn settle_delete(&self) -> Result<Outcome> {
        let key = self.spool.lock(self.at).await;
        let Some(record) = self.unchanged().await? else { return self.catch_up(&key, None).await };
        if record.truth == Truth::Gone {
            self.spool.home.delete_object(self.at, &DeleteRequest::default()).await?;
        }
        self.spool.set_record(&key, None).await?;
        self.spool.settled(self.at);
        Ok(Outcome::Settled)
    }

    /// Something newer waits: it starts from what the upstream is known to have now.
    async fn catch_up(&self, key: &KeyGuard, remote: Option<Remote>) -> Result<Outcome> {
        if let Some(mut record) = self.spool.record(self.at).await?
            && let Some(todo) = &mut record.todo
        {
            todo.unsure.clear();
            record.remote = remote;
            self.spool.set_record(key, Some(record)).await?;
        }
        Ok(Outcome::Again)
    }

    /// What is left behind here is found at the next start.
    async fn remove_local(&self) {
        let removed = self.spool.home.delete_object(self.at, &DeleteRequest::default()).await;
        if let Err(error) = removed {
            let (bucket, key) = (&self.at.bucket, &self.at.key);
            tracing::warn!(%bucket, %key, %error, "a forwarded object stays on the disk for now");
        }
    }

    /// The record, if it is as it was.
    async fn unchanged(&self) -> Result<Option<Location>> {
        let record = self.spool.record(self.at).await?;
        Ok(record.filter(|record| self.record.as_ref() == Some(record)))
    }

    pub(super) fn now(&self) -> Timestamp {
        self.spool.clock.now()
    }

    /// The record that the try works on.
    pub(super) fn record(&self) -> Result<&Location> {
        self.record.as_ref().ok_or(Trouble::Changed)
    }

    /// The object as the upstream shows it.
    pub(super) async fn found(&self, upstream: &Upstream) -> Result<Option<ObjectInfo>> {
        match upstream.store.head_object(self.at, &GetRequest::default()).await {
            Ok(head) => Ok(Some(head.object)),
            Err(StoreError::NoSuchKey) => Ok(None),
            Err(StoreError::CustomerKey(_)) => self.listed(upstream).await,
            Err(error) => Err(Trouble::Upstream(error)),
        }
    }

    /// The same as a listing shows it: what is encrypted with a customer's key, which nobody here
    /// has, is shown there alone.
    async fn listed(&self, upstream: &Upstream) -> Result<Option<ObjectInfo>> {
        let prefix = self.at.key.as_str().to_owned();
        let query = ListQuery { prefix, limit: 1, ..ListQuery::default() };
        let page = upstream.store.list_objects(&self.at.bucket, &query).await;
        match page.map_err(Trouble::Upstream)?.entries.into_iter().next() {
            Some(ListEntry::Object { key, size, etag, last_modified, .. })
                if key == self.at.key =>
            {
                Ok(Some(ObjectInfo {
                    key,
                    version: VersionId::Null,
                    size,
                    etag,
                    last_modified,
                    metadata: ObjectMetadata::default(),
                    checksum: None,
                    tag_count: 0,
                    parts_count: None,
                    replication: None,
                    encryption: Some(Encrypted::Customer),
                }))
            }
            _ => Ok(None),
        }
    }

    async fn judge(&self, trouble: Trouble) -> Outcome {
        let judged = match trouble {
            Trouble::Changed => Ok(Outcome::Again),
            Trouble::Conflict(words) => self.refused(&words, 1).await,
            Trouble::Upstream(error) if is_failure(&error) => Ok(Outcome::Unreachable),
            Trouble::Upstream(error) | Trouble::Home(error @ StoreError::Damaged { .. }) => {
                self.refused(&error.to_string(), self.spool.options.attempts).await
            }
            // It was stored under another mode; nobody here can read it.
            Trouble::Home(error @ StoreError::CustomerKey(_)) => {
                self.refused(&error.to_string(), 1).await
            }
            Trouble::Home(error) => Err(Trouble::Home(error)),
        };
        judged.unwrap_or_else(|trouble| {
            tracing::warn!(bucket = %self.at.bucket, key = %self.at.key, ?trouble, "not forwarded");
            Outcome::Stuck
        })
    }

    /// Counts a refusal; after `limit` of them the key is a dead letter.
    async fn refused(&self, words: &str, limit: u32) -> Result<Outcome> {
        let key = self.spool.lock(self.at).await;
        let Some(mut record) = self.unchanged().await? else { return Ok(Outcome::Again) };
        let Some(todo) = &mut record.todo else { return Ok(Outcome::Again) };
        todo.attempts = todo.attempts.saturating_add(1);
        let attempts = todo.attempts;
        let dead = attempts >= limit;
        todo.failed = dead.then(|| words.to_owned());
        self.spool.set_record(&key, Some(record.clone())).await?;
        let (bucket, key) = (&self.at.bucket, &self.at.key);
        if dead {
            tracing::warn!(%bucket, %key, attempts, reason = words, "given up forwarding");
            self.spool.noted(self.at, &record, self.spool.local_size(self.at).await?);
        } else {
            tracing::info!(%bucket, %key, attempts, reason = words, "forwarding was refused");
        }
        Ok(Outcome::Refused(attempts))
    }
}

/// Errors of the local layer unless said otherwise.
impl From<StoreError> for Trouble {
    fn from(error: StoreError) -> Self {
        Self::Home(error)
    }
}

/// Whether the upstream failed, rather than answered.
fn is_failure(error: &StoreError) -> bool {
    matches!(
        error,
        StoreError::Unavailable { .. }
            | StoreError::NoSuchBucket
            | StoreError::Busy { .. }
            | StoreError::Rebuilding
            | StoreError::Closing
    )
}
