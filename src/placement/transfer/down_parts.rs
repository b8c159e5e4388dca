//! Taking in an object that was completed from parts: in the same parts, so that its entity tag is
//! the same by itself. Where nobody tells the parts, the object is taken in as a whole, and keeps
//! its tag as home is told.

use super::down::{Down, Wanted, gone_or_trouble};
use super::read_back::is_told;
use super::watched::watched;
use super::{Outcome, Result, Trouble};
use crate::body::{BodyError, Expected, digesting};
use crate::object::{
    ChecksumChoice, CompletedPart, Completion, MIN_PART_SIZE, ObjectPart, Owner, PartNumber,
    PartSummary, PartsQuery, RangeSpec,
};
use crate::placement::read::only_tag;
use crate::store::{GetRequest, NewUpload, Selection, StoreError, UploadPath};

/// How many parts are looked up at once.
const PAGE: usize = 1000;

impl Down<'_> {
    /// The parts that an object can be taken in by: such as come to the whole of it, and as home
    /// can complete it from.
    pub(super) async fn parts_there(&self, wanted: &Wanted) -> Result<Option<Vec<ObjectPart>>> {
        let Some(count) = wanted.there.parts_count else { return Ok(None) };
        let mut parts: Vec<ObjectPart> = Vec::new();
        let mut after = 0;
        loop {
            self.steps.turn().await;
            let page = self.upstream.store.object_parts(&self.order.at, None, after, PAGE).await;
            match page {
                Ok(page) => {
                    parts.extend(page.parts);
                    match page.next {
                        Some(next) => after = next,
                        None => break,
                    }
                }
                Err(error @ StoreError::Unavailable { .. }) => return Err(gone_or_trouble(error)),
                Err(_) => return Ok(None),
            }
        }
        let whole = parts.iter().map(|part| part.size).sum::<u64>() == wanted.there.size;
        let all = u32::try_from(parts.len()).ok() == Some(count);
        let but_last = parts.split_last().map_or(&[] as &[_], |(_, rest)| rest);
        let large = but_last.iter().all(|part| part.size >= MIN_PART_SIZE);
        Ok((whole && all && large && !parts.is_empty()).then_some(parts))
    }

    pub(super) async fn take_parts(
        &self,
        mut wanted: Wanted,
        parts: Vec<ObjectPart>,
    ) -> Result<Outcome> {
        let (home, at) = (&self.transfers.home, &self.order.at);
        let (upload, present) = self.upload(&mut wanted).await?;
        let mut completed: Vec<CompletedPart> = Vec::with_capacity(parts.len());
        let mut offset = 0;
        for part in &parts {
            let number = u16::try_from(part.number).ok().and_then(PartNumber::new);
            let number =
                number.ok_or_else(|| Trouble::Unverified("it has too many parts".into()))?;
            let there = present.iter().find(|it| it.number == number && it.size == part.size);
            let taken = match there {
                Some(there) => there.clone(),
                None => self.take_part(&wanted, &upload, (number, part), offset).await?,
            };
            offset += part.size;
            let PartSummary { number, etag, checksum, .. } = taken;
            completed.push(CompletedPart { number, etag, checksum });
        }
        let md5s: Vec<[u8; 16]> = completed.iter().filter_map(|part| part.etag.md5()).collect();
        let told = [&wanted.there.etag, &wanted.original.etag].map(|etag| is_told(etag, &md5s));
        if !told.contains(&true) && wanted.there.checksum.is_none() {
            let _ = home.abort_upload(&upload).await;
            self.steps.end();
            let words = "the MD5s of its parts do not make its ETag, and it has no checksum";
            return Err(Trouble::Unverified(words.to_owned()));
        }
        let whole = wanted.there.checksum.clone();
        let completion = Completion {
            parts: completed,
            checksum: whole.as_ref().map(|sum| sum.value.clone()),
            checksum_kind: whole.as_ref().map(|sum| sum.kind),
            object_size: Some(wanted.there.size),
            original: Some(wanted.original.clone()),
            key: None,
        };
        tracing::trace!(key = %at.key, parts = completion.parts.len(), "taken in");
        self.commit(wanted, &md5s, async |_| home.complete_upload(&upload, &completion, None).await)
            .await
    }

    /// The upload of an earlier try with the parts that it has, or a new one. What is stored with
    /// the object is read from the answer that has all of it.
    async fn upload(&self, wanted: &mut Wanted) -> Result<(UploadPath, Vec<PartSummary>)> {
        let (home, at) = (&self.transfers.home, &self.order.at);
        let got = self.open(&wanted.there).await?;
        let tags = self.tags(&got).await?;
        let acl = self.acl().await?;
        wanted.there.metadata = got.head.object.metadata.clone();
        wanted.there.checksum = got.head.object.checksum.clone().or(wanted.there.checksum.take());
        drop(got);
        if let Some(begun) = self.steps.begun() {
            let upload = UploadPath { object: at.clone(), id: begun.id };
            if begun.of != wanted.there.etag {
                let _ = home.abort_upload(&upload).await;
                self.steps.end();
            } else if let Some(parts) = self.present(&upload).await? {
                return Ok((upload, parts));
            }
        }
        let new = NewUpload {
            metadata: wanted.there.metadata.clone(),
            tags,
            checksum: ChecksumChoice::like(wanted.there.checksum.as_ref()),
            encryption: wanted.encryption(),
            acl,
            initiator: Owner { id: "stowgate".to_owned(), display_name: "stowgate".to_owned() },
        };
        let id = home.create_upload(at, new).await?;
        self.steps.begin(&id, &wanted.there.etag).await?;
        Ok((UploadPath { object: at.clone(), id }, Vec::new()))
    }

    async fn present(&self, upload: &UploadPath) -> Result<Option<Vec<PartSummary>>> {
        let mut parts = Vec::new();
        let mut query = PartsQuery { after: 0, limit: PAGE };
        loop {
            let page = match self.transfers.home.list_parts(upload, &query).await {
                Err(StoreError::NoSuchUpload) => return Ok(None),
                page => page?,
            };
            parts.extend(page.parts);
            match page.next {
                Some(next) => query.after = next,
                None => return Ok(Some(parts)),
            }
        }
    }

    async fn take_part(
        &self,
        wanted: &Wanted,
        upload: &UploadPath,
        (number, part): (PartNumber, &ObjectPart),
        offset: u64,
    ) -> Result<PartSummary> {
        let selection = match part.size {
            0 => Selection::Whole,
            size => Selection::Range(RangeSpec::Closed { first: offset, last: offset + size - 1 }),
        };
        let conditions = only_tag(&wanted.there.etag);
        let request = GetRequest { selection, conditions, ..GetRequest::default() };
        self.steps.turn().await;
        let got = self.upstream.store.get_object(&self.order.at, &request).await;
        let got = got.map_err(gone_or_trouble)?;
        let expected = Expected {
            checksum: part.checksum.clone(),
            compute: Some(ChecksumChoice::like(wanted.there.checksum.as_ref()).algorithm),
            ..Expected::default()
        };
        let (body, _) = watched(digesting(got.body, expected), None);
        let body = self.steps.paced(body);
        let stored = self.transfers.home.put_part(upload, number, body, None).await;
        let stored = stored.map_err(|error| match error {
            StoreError::Body(BodyError::Store(what)) => Trouble::Away(what),
            StoreError::Body(error) => Trouble::Unverified(error.to_string()),
            other => Trouble::Home(other),
        })?;
        if stored.size != part.size {
            return Err(Trouble::Unverified(format!("part {number:?} arrived short")));
        }
        Ok(stored)
    }
}
