//! Giving an order up that was carried out in part: the object stays where it was.

use super::compare::if_match;
use super::{Direction, Order, Result, Steps, Transfers, recorded, upstream_trouble};
use crate::object::WriteCondition;
use crate::placement::location::Location;
use crate::placement::route::{Mode, Upstream};
use crate::store::{DeleteRequest, ObjectPath, StoreError, UploadPath};

impl Transfers {
    /// Ends what an order left under way. What may have arrived upstream in vain is removed
    /// there, at once or by the spool. In the modes that keep objects upstream, what was being
    /// sent is left to the spool to send.
    pub async fn abandon(&self, order: &Order, steps: &dyn Steps) -> Result<()> {
        let (route, at) = (self.route(&order.at.bucket), &order.at);
        let Some(upstream) = &route.upstream else { return Ok(()) };
        if let Some(begun) = steps.begun() {
            let upload = UploadPath { object: at.clone(), id: begun.id };
            let aborted = match order.direction {
                Direction::ToS3 => upstream.store.abort_upload(&upload).await,
                Direction::ToLocal => self.home.abort_upload(&upload).await,
            };
            if let Err(error) = aborted {
                tracing::debug!(bucket = %at.bucket, key = %at.key, %error, "not aborted");
            }
            steps.end();
        }
        if order.direction == Direction::ToLocal {
            return Ok(());
        }
        let _sending = self.spool.sending().lock(at).await;
        match self.record(at).await?.filter(recorded::is_announced) {
            None => Ok(()),
            Some(record) if route.mode == Mode::Local => {
                let known = match self.removed(at, upstream, &record).await {
                    Ok(()) => recorded::before(record.clone()),
                    // The spool finds out, and removes it.
                    Err(error) => {
                        tracing::debug!(bucket = %at.bucket, key = %at.key, %error, "later");
                        Some(recorded::withdrawn(record.clone()))
                    }
                };
                self.replace(at, &record, known).await
            }
            Some(record) => self.replace(at, &record, Some(record.clone())).await,
        }
    }

    /// Replaces a record, where it is still that one, and tells the spool.
    pub(super) async fn replace(
        &self,
        at: &ObjectPath,
        record: &Location,
        by: Option<Location>,
    ) -> Result<()> {
        let key = self.locations.lock(at).await;
        if self.record(at).await?.as_ref() != Some(record) {
            return Ok(());
        }
        let size = self.at_home(at).await?.map_or(0, |object| object.size);
        if by.as_ref() != Some(record) {
            self.locations.set(&key, by.clone()).await?;
        }
        match &by {
            Some(by) => self.spool.noted(at, by, size),
            None => self.spool.settled(at),
        }
        Ok(())
    }

    /// Removes from the upstream what may have arrived there without being noted.
    async fn removed(
        &self,
        at: &ObjectPath,
        upstream: &Upstream,
        record: &Location,
    ) -> Result<(), StoreError> {
        let found = match self.there(at, upstream).await {
            Ok(found) => found,
            Err(trouble) => return Err(StoreError::Unavailable { what: trouble.to_string() }),
        };
        let Some(found) = found else { return Ok(()) };
        let recorded = record.remote.as_ref();
        let recorded = recorded.is_some_and(|remote| remote.upstream_etag == found.etag);
        let unsure = record.todo.as_ref().is_some_and(|todo| todo.unsure.contains(&found.etag));
        if recorded || !unsure {
            return Ok(());
        }
        self.remove_there(at, upstream, if_match(&found.etag))
            .await
            .map_err(|trouble| StoreError::Unavailable { what: trouble.to_string() })
    }

    /// Removes an upstream object on a condition; where the service knows none, having looked is
    /// all that can be done.
    pub(super) async fn remove_there(
        &self,
        at: &ObjectPath,
        upstream: &Upstream,
        condition: WriteCondition,
    ) -> Result<()> {
        let request = DeleteRequest { version: None, condition: Some(condition) };
        let removed = match upstream.store.delete_object(at, &request).await {
            Err(StoreError::Unsupported { .. }) => {
                upstream.store.delete_object(at, &DeleteRequest::default()).await
            }
            removed => removed,
        };
        match removed {
            Ok(_) | Err(StoreError::NoSuchKey | StoreError::PreconditionFailed(_)) => Ok(()),
            Err(error) => Err(upstream_trouble(error)),
        }
    }
}
