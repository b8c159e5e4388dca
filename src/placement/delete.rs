//! Deletes: upstream, at home, or by the record, of which the upstream is told later.

use super::locked::Locked;
use super::plan::{self, Delete, Known, Layer};
use super::{Placement, answered};
use crate::object::VersionId;
use crate::store::{DeleteRequest, Deleted, GetRequest, ObjectPath, Result, StoreError};

impl Placement {
    /// Removes an object.
    pub(super) async fn remove(&self, at: &ObjectPath, request: &DeleteRequest) -> Result<Deleted> {
        let route = self.routes.of(&at.bucket);
        let Some(upstream) = &route.upstream else {
            return self.home.delete_object(at, request).await;
        };
        let writing = self.passing.write(at);
        let record = self.locations.of(at).await?;
        let at_home_alone = plan::delete(route.mode, Known::of(record.as_ref())) == Delete::Home;
        if at_home_alone {
            return self.home.delete_object(at, request).await;
        }
        if record.is_none()
            && let Err(refused) = upstream.check_key(at)
        {
            // It may be here from a time in local mode.
            return match self.home.head_object(at, &GetRequest::default()).await {
                Err(StoreError::NoSuchKey) => Err(refused),
                _ => self.home.delete_object(at, request).await,
            };
        }
        drop(writing);
        let mut locked = self.locked(route, upstream, at, false).await?;
        if let Some(VersionId::Id(_)) = request.version {
            return locked.delete_version(at, request).await;
        }
        let condition = request.condition.as_ref();
        match plan::delete(route.mode, locked.known()) {
            Delete::Home => self.home.delete_object(at, request).await,
            Delete::Nothing => Ok(Deleted::default()),
            Delete::Journal => {
                locked.decide_delete(condition).await?;
                locked.journal_delete().await
            }
            Delete::Upstream => locked.delete_upstream(at, request).await,
            Delete::UpstreamElseJournal => {
                let judged_there = condition.is_some() && locked.holder() == Some(Layer::Upstream);
                match locked.delete_upstream(at, request).await {
                    Err(StoreError::Unavailable { .. }) if !judged_there => {
                        upstream.check_key(at)?;
                        let _ticket = self.spool.admit(at, None)?;
                        locked.journal_delete().await
                    }
                    done => done,
                }
            }
        }
    }
}

impl Locked<'_> {
    /// Deletes the upstream object, then what is left over at home, then the record.
    async fn delete_upstream(
        &mut self,
        at: &ObjectPath,
        request: &DeleteRequest,
    ) -> Result<Deleted> {
        let mut request = request.clone();
        if self.holder() == Some(Layer::Upstream) {
            request.condition = request.condition.as_ref().map(|given| self.translated(given));
        } else {
            self.decide_delete(request.condition.as_ref()).await?;
            request.condition = None;
        }
        let deleted = self.upstream.store.delete_object(at, &request).await;
        let deleted = answered(self.upstream, deleted)?;
        self.clear_home().await?;
        self.set(None, 0).await?;
        Ok(deleted)
    }

    /// Deletes by the record. Once it is there, the key is deleted; the local object then goes.
    async fn journal_delete(&mut self) -> Result<Deleted> {
        self.set(Some(plan::deleted(self.record.as_ref(), self.now())), 0).await?;
        self.drop_left_over().await;
        Ok(Deleted::default())
    }

    /// Nothing at home has a version with a number; the upstream may have.
    async fn delete_version(&self, at: &ObjectPath, request: &DeleteRequest) -> Result<Deleted> {
        if self.holder() == Some(Layer::Upstream) {
            let condition = request.condition.as_ref().map(|given| self.translated(given));
            let request = DeleteRequest { condition, ..request.clone() };
            return answered(self.upstream, self.upstream.store.delete_object(at, &request).await);
        }
        self.decide_delete(request.condition.as_ref()).await?;
        Ok(Deleted::default())
    }
}
