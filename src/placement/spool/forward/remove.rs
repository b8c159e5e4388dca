//! Telling the upstream of a delete.

use super::attempt::{Attempt, Result};
use super::verdict::{DeleteVerdict, on_delete};
use super::{Outcome, Trouble};
use crate::object::WriteCondition;
use crate::placement::location::Location;
use crate::placement::route::Upstream;
use crate::store::{DeleteRequest, StoreError};

impl Attempt<'_> {
    pub(super) async fn delete(
        &mut self,
        upstream: &Upstream,
        record: Location,
    ) -> Result<Outcome> {
        let found = self.found(upstream).await?;
        match on_delete(&record, found.as_ref()) {
            DeleteVerdict::Nothing => {}
            DeleteVerdict::Conflict(words) => return Err(Trouble::Conflict(words)),
            DeleteVerdict::Remove(condition) => self.remove(upstream, condition).await?,
        }
        self.settle_delete().await
    }

    async fn remove(&self, upstream: &Upstream, condition: WriteCondition) -> Result<()> {
        match self.remove_on(upstream, Some(condition)).await {
            Err(StoreError::Unsupported { .. }) => self.remove_on(upstream, None).await,
            removed => removed,
        }
        .map_err(Trouble::Upstream)
    }

    async fn remove_on(
        &self,
        upstream: &Upstream,
        condition: Option<WriteCondition>,
    ) -> crate::store::Result<()> {
        let request = DeleteRequest { version: None, condition };
        match upstream.store.delete_object(self.at, &request).await {
            Ok(_) | Err(StoreError::NoSuchKey) => Ok(()),
            Err(error) => Err(error),
        }
    }
}
