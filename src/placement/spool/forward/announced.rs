//! Finding out what became of a write upstream that was announced and never heard of.

use super::Outcome;
use super::attempt::{Attempt, Result};
use crate::object::Encrypted;
use crate::placement::location::{Location, Remote};
use crate::placement::route::Upstream;

impl Attempt<'_> {
    /// Where the upstream has the announced content, the record says so from now on; otherwise
    /// what it said before holds.
    pub(super) async fn find_out(
        &mut self,
        upstream: &Upstream,
        record: Location,
    ) -> Result<Outcome> {
        let found = self.found(upstream).await?;
        let unsure = record.todo.map(|todo| todo.unsure).unwrap_or_default();
        let Some(object) = found.filter(|object| unsure.contains(&object.etag)) else {
            return self.settle_found(record.remote).await;
        };
        let before = record.remote.filter(|remote| remote.upstream_etag == object.etag);
        let (bucket, prefix) = (upstream.target)(&self.at.bucket);
        let remote = before.unwrap_or_else(|| Remote {
            bucket,
            key: format!("{prefix}{}", self.at.key),
            etag: object.etag.clone(),
            upstream_etag: object.etag,
            size: object.size,
            last_modified: object.last_modified,
            asked: Encrypted::was_asked(object.encryption),
        });
        self.settle_found(Some(remote)).await
    }
}
