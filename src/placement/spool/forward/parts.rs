//! Sending an object that was completed from parts: in the same parts, so that its entity tag
//! is the same.

use super::Trouble;
use super::attempt::{Attempt, Held, Result};
use crate::body::{Expected, checking};
use crate::object::{
    Algorithm, ChecksumChoice, CompletedPart, Completion, ETag, Encrypted, ObjectPart, Owner,
    PartNumber, UploadId, WriteCondition,
};
use crate::placement::route::Upstream;
use crate::store::{NewUpload, Selection, StoreError, UploadPath};

/// How many parts are looked up at once.
const PAGE: usize = 1000;

impl Attempt<'_> {
    /// Sends the object in its parts, and says which tag the upstream gave it.
    pub(super) async fn send_parts(
        &mut self,
        upstream: &Upstream,
        held: &Held,
        condition: Option<WriteCondition>,
    ) -> Result<ETag> {
        let parts = self.parts().await?;
        let new = NewUpload {
            metadata: held.object.metadata.clone(),
            tags: held.tags.clone(),
            checksum: ChecksumChoice::like(held.object.checksum.as_ref()),
            encryption: Encrypted::passed_on(held.object.encryption),
            acl: held.acl.clone(),
            initiator: Owner { id: "stowgate".to_owned(), display_name: "stowgate".to_owned() },
        };
        let id = upstream.store.create_upload(self.at, new).await.map_err(Trouble::Upstream)?;
        let upload = UploadPath { object: self.at.clone(), id };
        let open = Some(upload.id.as_str().to_owned());
        let sent = match self.amend(|todo| todo.upload = open).await {
            Ok(()) => self.fill(upstream, held, &upload, &parts, condition).await,
            Err(trouble) => Err(trouble),
        };
        if sent.is_err() {
            // It may be complete, or out of reach: the next attempt tries it again.
            if let Err(error) = upstream.store.abort_upload(&upload).await {
                let (bucket, key) = (&self.at.bucket, &self.at.key);
                tracing::debug!(%bucket, %key, %error, "an upload was not aborted");
            }
        }
        sent
    }

    /// Aborts what an attempt that was cut off has left open.
    pub(super) async fn end_upload(&mut self, upstream: &Upstream) -> Result<()> {
        let todo = self.record()?.todo.as_ref();
        let Some(id) = todo.and_then(|todo| todo.upload.as_deref()) else { return Ok(()) };
        let upload = UploadPath { object: self.at.clone(), id: UploadId::new(id) };
        if let Err(error @ StoreError::Unavailable { .. }) =
            upstream.store.abort_upload(&upload).await
        {
            // It may only be this that is not allowed there: nothing waits for it.
            let (bucket, key) = (&self.at.bucket, &self.at.key);
            tracing::info!(%bucket, %key, %error, "an upload that was cut off stays for now");
            return Ok(());
        }
        self.amend(|todo| todo.upload = None).await
    }

    async fn fill(
        &self,
        upstream: &Upstream,
        held: &Held,
        upload: &UploadPath,
        parts: &[ObjectPart],
        condition: Option<WriteCondition>,
    ) -> Result<ETag> {
        let whole = held.object.checksum.as_ref();
        let algorithm = ChecksumChoice::like(whole).algorithm;
        let mut completed = Vec::with_capacity(parts.len());
        for part in parts {
            completed.push(self.send_part(upstream, held, upload, part, algorithm).await?);
        }
        let completion = Completion {
            parts: completed,
            checksum: whole.map(|sum| sum.value.clone()),
            checksum_kind: whole.map(|sum| sum.kind),
            object_size: Some(held.object.size),
            original: None,
            key: None,
        };
        let stored = upstream.store.complete_upload(upload, &completion, condition).await;
        stored.map(|stored| stored.object.etag).map_err(Trouble::Upstream)
    }

    async fn send_part(
        &self,
        upstream: &Upstream,
        held: &Held,
        upload: &UploadPath,
        part: &ObjectPart,
        algorithm: Algorithm,
    ) -> Result<CompletedPart> {
        let number = u16::try_from(part.number).ok().and_then(PartNumber::new);
        let number = number.ok_or(Trouble::Changed)?;
        let expected = Expected {
            checksum: part.checksum.clone(),
            compute: Some(algorithm),
            ..Expected::default()
        };
        let body = checking(self.open(held, Selection::Part(number)).await?, expected);
        let sent = upstream.store.put_part(upload, number, body, None).await;
        let sent = sent.map_err(Trouble::Upstream)?;
        Ok(CompletedPart { number, etag: sent.etag, checksum: sent.checksum })
    }

    async fn parts(&self) -> Result<Vec<ObjectPart>> {
        let mut parts: Vec<ObjectPart> = Vec::new();
        let mut after = 0;
        loop {
            let page = self.spool.home.object_parts(self.at, None, after, PAGE).await?;
            parts.extend(page.parts);
            match page.next {
                Some(next) => after = next,
                None => return Ok(parts),
            }
        }
    }
}
