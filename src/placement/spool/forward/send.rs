//! Sending a local object.

use super::attempt::{Attempt, Held, Result};
use super::verdict::{PutVerdict, on_put};
use super::{Outcome, Trouble};
use crate::body::{Expected, Payload, digesting};
use crate::object::{ChecksumKind, ETag, ETagMatch, Encrypted, ReadConditions, WriteCondition};
use crate::placement::location::Remote;
use crate::placement::route::Upstream;
use crate::store::{GetRequest, NewObject, Selection, StoreError};

impl Attempt<'_> {
    pub(super) async fn put(&mut self, upstream: &Upstream, held: &Held) -> Result<Outcome> {
        let found = self.found(upstream).await?;
        let etag = match on_put(self.record()?, &held.object, found.as_ref()) {
            PutVerdict::Arrived => held.object.etag.clone(),
            PutVerdict::Conflict(words) => return Err(Trouble::Conflict(words)),
            PutVerdict::Send(condition) => {
                self.announce(held).await?;
                self.send(upstream, held, condition).await?
            }
        };
        let remote = self.remote(upstream, held, etag);
        self.settle_put(held, remote).await
    }

    /// Sends the object, and says which tag the upstream gave it. Where the upstream knows no
    /// conditions, having looked is all that can be done.
    async fn send(
        &mut self,
        upstream: &Upstream,
        held: &Held,
        condition: WriteCondition,
    ) -> Result<ETag> {
        match self.send_on(upstream, held, Some(condition)).await {
            Err(Trouble::Upstream(StoreError::Unsupported { .. })) => {
                self.send_on(upstream, held, None).await
            }
            sent => sent,
        }
    }

    async fn send_on(
        &mut self,
        upstream: &Upstream,
        held: &Held,
        condition: Option<WriteCondition>,
    ) -> Result<ETag> {
        if held.object.parts_count.is_some() {
            return self.send_parts(upstream, held, condition).await;
        }
        let checksum = held.object.checksum.as_ref();
        let checksum = checksum.filter(|sum| sum.kind == ChecksumKind::FullObject);
        let expected = Expected {
            md5: held.object.etag.md5(),
            checksum: checksum.map(|sum| sum.value.clone()),
            ..Expected::default()
        };
        let body = digesting(self.open(held, Selection::Whole).await?, expected);
        let new = NewObject {
            metadata: held.object.metadata.clone(),
            tags: held.tags.clone(),
            condition,
            original: None,
            encryption: Encrypted::passed_on(held.object.encryption),
            acl: held.acl.clone(),
        };
        let stored = upstream.store.put_object(self.at, new, body).await;
        stored.map(|stored| stored.object.etag).map_err(Trouble::Upstream)
    }

    /// Opens the local object, if it is still that one.
    pub(super) async fn open(&self, held: &Held, selection: Selection) -> Result<Payload> {
        let if_match = Some(ETagMatch::Tags(vec![held.object.etag.clone()]));
        let conditions = ReadConditions { if_match, ..ReadConditions::default() };
        let request = GetRequest { selection, conditions, ..GetRequest::default() };
        match self.spool.home.get_object(self.at, &request).await {
            Ok(got) if got.head.object == held.object => Ok(got.body),
            Ok(_) | Err(StoreError::NoSuchKey | StoreError::PreconditionFailed(_)) => {
                Err(Trouble::Changed)
            }
            Err(error) => Err(Trouble::Home(error)),
        }
    }

    fn remote(&self, upstream: &Upstream, held: &Held, upstream_etag: ETag) -> Remote {
        let (bucket, prefix) = (upstream.target)(&self.at.bucket);
        Remote {
            bucket,
            key: format!("{prefix}{}", self.at.key),
            etag: held.object.etag.clone(),
            upstream_etag,
            size: held.object.size,
            last_modified: held.object.last_modified,
            asked: Encrypted::was_asked(held.object.encryption),
        }
    }
}
