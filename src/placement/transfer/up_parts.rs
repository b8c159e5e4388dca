//! Sending an object that was completed from parts: in the same parts, so that its entity tag is
//! the same. Parts that arrived in an earlier try are not sent again.

use super::held::Held;
use super::up::{Sent, Up};
use super::watched::watched;
use super::{Begun, SentPart, Transfers, Trouble};
use crate::body::{Expected, checking, digesting};
use crate::object::{
    Algorithm, ChecksumChoice, CompletedPart, Completion, ETag, Encrypted, ObjectPart, Owner,
    PartNumber, PartSummary, PartsQuery, WriteCondition,
};
use crate::store::{NewUpload, ObjectPath, Selection, StoreError, UploadPath};

type Result<T, E = StoreError> = std::result::Result<T, E>;

/// How many parts are looked up at once.
const PAGE: usize = 1000;

impl Transfers {
    /// The parts of a local object.
    pub(super) async fn parts_at_home(&self, at: &ObjectPath) -> Result<Vec<ObjectPart>> {
        let mut parts: Vec<ObjectPart> = Vec::new();
        let mut after = 0;
        loop {
            let page = self.home.object_parts(at, None, after, PAGE).await?;
            parts.extend(page.parts);
            match page.next {
                Some(next) => after = next,
                None => return Ok(parts),
            }
        }
    }
}

impl Up<'_> {
    /// Sends the object in its parts, and says which tag the upstream gave it.
    pub(super) async fn send_parts(
        &self,
        held: &Held,
        condition: Option<WriteCondition>,
    ) -> Result<ETag, Sent> {
        let parts = self.transfers.parts_at_home(&self.order.at).await;
        let parts = parts.map_err(|error| Sent::Failed(Trouble::Home(error)))?;
        let (upload, mut sent) = self.upload(held).await.map_err(|error| self.sent(error))?;
        let done = self.fill(held, &upload, &parts, &mut sent).await;
        let done = match done {
            Ok(()) => self.complete(held, &upload, &sent, condition).await,
            Err(error) => Err(error),
        };
        match done.map_err(|error| self.sent(error)) {
            // What has arrived is of use when it is tried again.
            Err(Sent::Failed(trouble @ Trouble::Away(_))) => Err(Sent::Failed(trouble)),
            Err(other) => {
                self.give_up(&upload).await;
                Err(other)
            }
            Ok(etag) => Ok(etag),
        }
    }

    /// The upload of an earlier try with what arrived of it, or a new one.
    async fn upload(&self, held: &Held) -> Result<(UploadPath, Vec<SentPart>)> {
        let at = &self.order.at;
        if let Some(begun) = self.steps.begun() {
            let upload = UploadPath { object: at.clone(), id: begun.id.clone() };
            if begun.of != held.object.etag {
                self.give_up(&upload).await;
            } else if let Some(parts) = self.arrived(held, &upload, begun).await? {
                return Ok((upload, parts));
            }
        }
        let new = NewUpload {
            metadata: held.object.metadata.clone(),
            tags: held.tags.clone(),
            checksum: ChecksumChoice::like(held.object.checksum.as_ref()),
            encryption: Encrypted::passed_on(held.object.encryption),
            acl: held.acl.clone(),
            initiator: Owner { id: "stowgate".to_owned(), display_name: "stowgate".to_owned() },
        };
        self.steps.turn().await;
        let id = self.upstream.store.create_upload(at, new).await?;
        self.steps.begin(&id, &held.object.etag).await?;
        Ok((UploadPath { object: at.clone(), id }, Vec::new()))
    }

    /// What arrived of an upload in an earlier try; `None` where the upload is no more.
    async fn arrived(
        &self,
        held: &Held,
        upload: &UploadPath,
        begun: Begun,
    ) -> Result<Option<Vec<SentPart>>> {
        let mut arrived = Vec::new();
        let mut query = PartsQuery { after: 0, limit: PAGE };
        loop {
            self.steps.turn().await;
            let page = match self.upstream.store.list_parts(upload, &query).await {
                Err(StoreError::NoSuchUpload) => return Ok(None),
                page => page?,
            };
            for part in page.parts {
                let noted = begun.parts.iter().find(|sent| sent.number == part.number.get());
                match noted.filter(|sent| sent.etag == part.etag) {
                    Some(sent) => arrived.push(sent.clone()),
                    None => arrived.extend(self.recognized(held, &part).await?),
                }
            }
            match page.next {
                Some(next) => query.after = next,
                None => return Ok(Some(arrived)),
            }
        }
    }

    /// A part that arrived without having been noted, if it is the local one.
    async fn recognized(&self, held: &Held, part: &PartSummary) -> Result<Option<SentPart>> {
        let compute = part.checksum.as_ref().map(|sum| sum.algorithm);
        let expected = Expected { compute, ..Expected::default() };
        let mut body = match self.open(held, Selection::Part(part.number)).await {
            Err(StoreError::InvalidPartNumber { .. }) => return Ok(None),
            body => digesting(body?, expected),
        };
        while let Some(chunk) = body.next().await {
            chunk?;
        }
        let same = body.digests().filter(|digests| {
            let sums = part.checksum.is_none() || digests.checksum == part.checksum;
            part.etag.md5() == digests.md5 && digests.size == part.size && sums
        });
        Ok(same.map(|_| SentPart {
            number: part.number.get(),
            etag: part.etag.clone(),
            checksum: part.checksum.clone(),
        }))
    }

    async fn fill(
        &self,
        held: &Held,
        upload: &UploadPath,
        parts: &[ObjectPart],
        sent: &mut Vec<SentPart>,
    ) -> Result<()> {
        let algorithm = ChecksumChoice::like(held.object.checksum.as_ref()).algorithm;
        for part in parts {
            let number = u16::try_from(part.number).ok().and_then(PartNumber::new);
            let Some(number) = number else {
                return Err(StoreError::InvalidPartNumber { count: part.number });
            };
            if sent.iter().all(|sent| sent.number != number.get()) {
                let part = self.send_part(held, upload, (number, part), algorithm).await?;
                self.steps.part(&part).await?;
                sent.push(part);
            }
        }
        sent.sort_by_key(|part| part.number);
        Ok(())
    }

    async fn send_part(
        &self,
        held: &Held,
        upload: &UploadPath,
        (number, part): (PartNumber, &ObjectPart),
        algorithm: Algorithm,
    ) -> Result<SentPart> {
        let expected = Expected {
            checksum: part.checksum.clone(),
            compute: Some(algorithm),
            ..Expected::default()
        };
        self.steps.turn().await;
        let body = checking(self.open(held, Selection::Part(number)).await?, expected);
        let (body, _) = watched(body, Some(self.wanted()));
        let body = self.steps.paced(body);
        let stored = self.upstream.store.put_part(upload, number, body, None).await?;
        let (number, etag, checksum) = (number.get(), stored.etag, stored.checksum);
        Ok(SentPart { number, etag, checksum })
    }

    async fn complete(
        &self,
        held: &Held,
        upload: &UploadPath,
        sent: &[SentPart],
        condition: Option<WriteCondition>,
    ) -> Result<ETag> {
        let whole = held.object.checksum.as_ref();
        let part = |sent: &SentPart| {
            let (etag, checksum) = (sent.etag.clone(), sent.checksum.clone());
            Some(CompletedPart { number: sent.number()?, etag, checksum })
        };
        let completion = Completion {
            parts: sent.iter().filter_map(part).collect(),
            checksum: whole.map(|sum| sum.value.clone()),
            checksum_kind: whole.map(|sum| sum.kind),
            object_size: Some(held.object.size),
            original: None,
            key: None,
        };
        self.steps.turn().await;
        let stored = self.upstream.store.complete_upload(upload, &completion, condition).await?;
        Ok(stored.object.etag)
    }

    async fn give_up(&self, upload: &UploadPath) {
        if let Err(error) = self.upstream.store.abort_upload(upload).await {
            let (bucket, key) = (&upload.object.bucket, &upload.object.key);
            tracing::debug!(%bucket, %key, %error, "an upload was not aborted");
        }
        self.steps.end();
    }
}
