//! Multipart uploads: at home, or the upstream's own.
//!
//! An upload stays where it was begun, whatever the mode is by now: one that home knows is home's,
//! every other is the upstream's, where the mode has one that can be asked.

mod listing;

use std::collections::HashSet;
use std::time::Duration;

use super::locked::Locked;
use super::plan::{self, Finish, Known, Layer};
use super::route::{Route, Upstream};
use super::{Placement, answered};
use crate::body::Payload;
use crate::object::{
    Completion, CustomerKey, ETag, Encryption, PartNumber, PartSummary, PartsPage, PartsQuery,
    UploadId, WriteCondition,
};
use crate::store::{NewUpload, ObjectPath, Result, StoreError, Stored, UploadChoice, UploadPath};

/// How long a completion waits for the object to be forwarded, where it has to be upstream.
const FORWARDING: Duration = Duration::from_secs(20);

/// How many parts are looked up at once.
const PARTS: usize = 1000;

impl Placement {
    /// Starts an upload.
    pub(super) async fn begin_upload(
        &self,
        at: &ObjectPath,
        mut new: NewUpload,
    ) -> Result<UploadId> {
        let route = self.routes.of(&at.bucket);
        check_forwardable(route, at, new.encryption.as_ref())?;
        new.acl = self.placed_acl(route, &at.bucket, new.acl).await?;
        match (&route.upstream, plan::begins_upload(route.mode)) {
            (None, _) | (Some(_), Layer::Home) => self.home.create_upload(at, new).await,
            (Some(upstream), Layer::Upstream) => {
                self.home.head_bucket(&at.bucket).await?;
                answered(upstream, upstream.store.create_upload(at, new).await)
            }
        }
    }

    /// Whose an upload is, `None` being home, and what it was created with.
    pub(super) async fn find_upload(
        &self,
        upload: &UploadPath,
    ) -> Result<(Option<&Upstream>, UploadChoice)> {
        let here = self.home.upload_choice(upload).await;
        match (here, self.foreign(&upload.object)) {
            (Err(StoreError::NoSuchUpload), Some(upstream)) => {
                let there = upstream.store.upload_choice(upload).await;
                Ok((Some(upstream), answered(upstream, there)?))
            }
            (here, _) => Ok((None, here?)),
        }
    }

    /// Stores a part.
    pub(super) async fn take_part(
        &self,
        upload: &UploadPath,
        number: PartNumber,
        body: Payload,
        key: Option<&CustomerKey>,
    ) -> Result<PartSummary> {
        match self.owner(upload).await? {
            None => {
                let route = self.routes.of(&upload.object.bucket);
                if route.upstream.is_some() && plan::spools(route.mode) {
                    // Parts take no place in the spool before they are an object, but none is
                    // taken that could not become one.
                    let size = body.length().unwrap_or_default();
                    drop(self.spool.admit_upload(&upload.object, size)?);
                }
                self.refused_at_home(route, self.home.put_part(upload, number, body, key).await)
            }
            Some(upstream) => {
                answered(upstream, upstream.store.put_part(upload, number, body, key).await)
            }
        }
    }

    /// A page of an upload's parts.
    pub(super) async fn parts_of_upload(
        &self,
        upload: &UploadPath,
        query: &PartsQuery,
    ) -> Result<PartsPage> {
        match self.owner(upload).await? {
            None => self.home.list_parts(upload, query).await,
            Some(upstream) => {
                let page = answered(upstream, upstream.store.list_parts(upload, query).await)?;
                let owner = self.home.head_bucket(&upload.object.bucket).await?.owner;
                Ok(PartsPage { owner, ..page })
            }
        }
    }

    /// Drops an upload.
    pub(super) async fn drop_upload(&self, upload: &UploadPath) -> Result<()> {
        match self.owner(upload).await? {
            None => self.home.abort_upload(upload).await,
            Some(upstream) => answered(upstream, upstream.store.abort_upload(upload).await),
        }
    }

    /// Makes an object of an upload.
    pub(super) async fn finish_upload(
        &self,
        upload: &UploadPath,
        completion: &Completion,
        condition: Option<WriteCondition>,
    ) -> Result<Stored> {
        let at = &upload.object;
        let route = self.routes.of(&at.bucket);
        let Some(upstream) = &route.upstream else {
            return self.home.complete_upload(upload, completion, condition).await;
        };
        let finishing =
            Finishing { placement: self, route, upstream, upload, completion, condition };
        if self.owner(upload).await?.is_none() {
            return finishing.at_home().await;
        }
        // Home remembers what it completed, and knows it no longer as under way.
        match self.home.complete_upload(upload, completion, None).await {
            Err(StoreError::NoSuchUpload) => finishing.upstream().await,
            again => finishing.again(again?).await,
        }
    }

    /// The upstream whose upload it is; `None` for home.
    pub(super) async fn owner(&self, upload: &UploadPath) -> Result<Option<&Upstream>> {
        let Some(upstream) = self.foreign(&upload.object) else { return Ok(None) };
        match self.home.upload_choice(upload).await {
            Ok(_) => Ok(None),
            Err(StoreError::NoSuchUpload) => Ok(Some(upstream)),
            Err(error) => Err(error),
        }
    }

    fn foreign(&self, at: &ObjectPath) -> Option<&Upstream> {
        let route = self.routes.of(&at.bucket);
        route.upstream.as_ref().filter(|_| plan::knows_foreign_uploads(route.mode))
    }
}

/// Refuses what could not be forwarded: a key that the upstream cannot have, and encryption with a
/// customer's key, which is never kept, and without it the object can be sent nowhere.
pub(super) fn check_forwardable(
    route: &Route,
    at: &ObjectPath,
    encryption: Option<&Encryption>,
) -> Result<()> {
    check_going(
        route.upstream.as_ref().filter(|_| plan::keeps_for_later(route.mode)),
        at,
        encryption,
    )
}

/// The same of an upload that is kept here until it is complete, wherever it goes then.
pub(super) fn check_keepable(
    route: &Route,
    at: &ObjectPath,
    encryption: Option<&Encryption>,
) -> Result<()> {
    check_going(route.upstream.as_ref().filter(|_| plan::spools(route.mode)), at, encryption)
}

fn check_going(
    upstream: Option<&Upstream>,
    at: &ObjectPath,
    encryption: Option<&Encryption>,
) -> Result<()> {
    let Some(upstream) = upstream else { return Ok(()) };
    upstream.check_key(at)?;
    if encryption.is_some_and(|asked| asked.customer_key().is_some()) {
        let what = "encryption with a customer's key of objects that are forwarded later";
        return Err(StoreError::Unsupported { what: what.to_owned() });
    }
    Ok(())
}

/// A completion.
struct Finishing<'a> {
    placement: &'a Placement,
    route: &'a Route,
    upstream: &'a Upstream,
    upload: &'a UploadPath,
    completion: &'a Completion,
    condition: Option<WriteCondition>,
}

impl Finishing<'_> {
    async fn at_home(&self) -> Result<Stored> {
        let (placement, at) = (self.placement, &self.upload.object);
        let home = &placement.home;
        let writing = placement.passing.write(at);
        let record = placement.locations.of(at).await?;
        if plan::finish(self.route.mode, Known::of(record.as_ref())) == Finish::Home {
            let condition = self.condition.clone();
            return home.complete_upload(self.upload, self.completion, condition).await;
        }
        drop(writing);
        let mut locked = placement.locked(self.route, self.upstream, at, false).await?;
        match home.upload_choice(self.upload).await {
            Ok(_) => {}
            Err(StoreError::NoSuchUpload) => {
                drop(locked);
                return self.again(self.complete_at_home().await?).await;
            }
            Err(error) => return Err(error),
        }
        locked.decide(self.condition.as_ref()).await?;
        match plan::finish(self.route.mode, locked.known()) {
            Finish::Home => self.complete_at_home().await,
            Finish::HomeAndRecord => {
                let stored = self.complete_at_home().await?;
                locked.supersede(stored.object.size).await?;
                Ok(stored)
            }
            Finish::Spool => self.spool(locked).await,
            Finish::SpoolAndWait => {
                let stored = self.spool(locked).await?;
                self.forwarded(stored).await
            }
        }
    }

    /// What home says to a completion of which the condition has been judged, or that is repeated.
    async fn complete_at_home(&self) -> Result<Stored> {
        self.placement.home.complete_upload(self.upload, self.completion, None).await
    }

    /// The tag that the object will have, where the parts' tags say so.
    fn tag(&self) -> Option<ETag> {
        let parts = self.completion.parts.iter().map(|part| part.etag.md5());
        parts.collect::<Option<Vec<_>>>().map(ETag::multipart)
    }

    /// How many bytes the listed parts have at home.
    async fn size(&self) -> Result<u64> {
        let listed: HashSet<_> = self.completion.parts.iter().map(|part| part.number).collect();
        let (mut size, mut query) = (0, PartsQuery { after: 0, limit: PARTS });
        loop {
            let page = self.placement.home.list_parts(self.upload, &query).await?;
            let used = page.parts.iter().filter(|part| listed.contains(&part.number));
            size += used.map(|part| part.size).sum::<u64>();
            match page.next {
                Some(next) => query.after = next,
                None => return Ok(size),
            }
        }
    }

    async fn spool(&self, mut locked: Locked<'_>) -> Result<Stored> {
        // Begun in local mode, it may have a key that can be sent nowhere.
        self.upstream.check_key(&self.upload.object)?;
        let size = self.size().await?;
        let _ticket = self.placement.spool.admit_upload(&self.upload.object, size)?;
        locked.spool(false, self.complete_at_home()).await
    }

    /// The answer to a completion that home was asked for before.
    async fn again(&self, mut stored: Stored) -> Result<Stored> {
        let record = self.placement.locations.of(&self.upload.object).await?;
        let todo = record.as_ref().and_then(|record| record.todo.as_ref());
        match plan::finish(self.route.mode, Known::of(record.as_ref())) {
            Finish::Home | Finish::HomeAndRecord => Ok(stored),
            Finish::Spool => {
                stored.object.replication = plan::replication(self.route.mode, Layer::Home, todo);
                Ok(stored)
            }
            Finish::SpoolAndWait => self.forwarded(stored).await,
        }
    }

    /// Waits until nothing of the key waits any more. Nobody hears of the object before, though it
    /// is durable and seen by everyone: asked again, the completion gives the same answer as soon
    /// as the upstream has the object.
    async fn forwarded(&self, mut stored: Stored) -> Result<Stored> {
        let at = &self.upload.object;
        for wait in [Duration::ZERO, FORWARDING] {
            if !wait.is_zero() {
                self.placement.spool.flush_key(at, wait).await;
            }
            let record = self.placement.locations.of(at).await?;
            if !Known::of(record.as_ref()).waits() {
                stored.object.replication = None;
                return Ok(stored);
            }
        }
        let what = format!("the completed object has not reached upstream {}", self.upstream.name);
        Err(StoreError::Unavailable { what })
    }

    async fn upstream(&self) -> Result<Stored> {
        let (upstream, at) = (self.upstream, &self.upload.object);
        let mut locked = self.placement.locked(self.route, upstream, at, true).await?;
        let known = answered(upstream, upstream.store.upload_choice(self.upload).await);
        let condition = self.condition.as_ref().filter(|_| known.is_ok());
        let condition = locked.left_to_upstream(condition)?;
        let complete = upstream.store.complete_upload(self.upload, self.completion, condition);
        match known {
            Ok(_) => {
                let announced = locked.announce(self.tag().as_ref()).await?;
                let answer = answered(upstream, complete.await);
                locked.heard(announced, answer).await
            }
            // Completed before: the key may have another object by now.
            Err(StoreError::NoSuchUpload) => answered(upstream, complete.await),
            Err(error) => Err(error),
        }
    }
}
