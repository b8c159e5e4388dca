//! What may be due in a bucket, a page at a time: objects that are here, objects that are recorded
//! upstream, and unfinished uploads. What others put upstream is theirs.

use super::Parts;
use crate::object::{
    BucketName, ETag, Lifecycle, ListEntry, ListQuery, ObjectKey, Timestamp, UploadEntry, UploadId,
    UploadsQuery,
};
use crate::placement::location::Truth;
use crate::placement::{Location, Mode};
use crate::store::{LedgerQuery, ObjectPath, Result};

/// How much is looked at in one step.
const PAGE: usize = 250;

/// Something that is due, unless its tags say otherwise.
#[derive(Debug)]
pub(super) struct Candidate {
    pub(super) key: ObjectKey,
    pub(super) what: What,
}

/// What it is, as it was when it was judged.
#[derive(Debug)]
pub(super) enum What {
    Object { size: u64, etag: ETag, stored: Timestamp },
    Upload { id: UploadId, initiated: Timestamp },
}

/// How far a bucket has been gone through.
#[derive(Debug, Default)]
pub(super) struct Cursor {
    stage: Stage,
    /// Of which kind the last page was.
    paged: Stage,
    after: Option<String>,
    after_upload: Option<(String, Option<UploadId>)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Stage {
    #[default]
    Here,
    Recorded,
    Uploads,
    Over,
}

impl Cursor {
    /// What is due in the next page; `None` after the last.
    pub(super) async fn page(
        &mut self,
        parts: &Parts,
        bucket: &BucketName,
        rules: &Lifecycle,
    ) -> Result<Option<Vec<Candidate>>> {
        let route = parts.routes.of(bucket);
        self.paged = self.stage;
        let mut page = match self.stage {
            Stage::Here if !rules.expires_objects() => self.over(),
            Stage::Here => self.here(parts, bucket).await?,
            // What is recorded says nothing where the upstream itself is asked.
            Stage::Recorded
                if !rules.expires_objects()
                    || route.upstream.is_none()
                    || route.mode == Mode::Upstream =>
            {
                self.over()
            }
            Stage::Recorded => self.recorded(parts, bucket).await?,
            Stage::Uploads if !rules.aborts_uploads() => self.over(),
            Stage::Uploads => self.uploads(parts, bucket).await?,
            Stage::Over => return Ok(None),
        };
        let now = parts.clock.now();
        page.retain(|candidate| candidate.may_be_due(rules, now));
        Ok(Some(page))
    }

    /// Leaves out what remains of the kind of the last page.
    pub(super) fn leave(&mut self) {
        if self.stage == self.paged {
            self.skip();
        }
    }

    fn skip(&mut self) {
        (self.after, self.after_upload) = (None, None);
        self.stage = match self.stage {
            Stage::Here => Stage::Recorded,
            Stage::Recorded => Stage::Uploads,
            Stage::Uploads | Stage::Over => Stage::Over,
        };
    }

    fn over(&mut self) -> Vec<Candidate> {
        self.skip();
        Vec::new()
    }

    /// Where to go on, or with the next kind.
    fn follow(&mut self, next: Option<String>) {
        match next {
            Some(next) => self.after = Some(next),
            None => self.skip(),
        }
    }

    /// Objects that are here, and that no record says to be elsewhere.
    async fn here(&mut self, parts: &Parts, bucket: &BucketName) -> Result<Vec<Candidate>> {
        let query = ListQuery { after: self.after.clone(), limit: PAGE, ..ListQuery::default() };
        let page = parts.home.list_objects(bucket, &query).await?;
        let recorded = parts.home.has_entries(bucket).await?;
        let mut found = Vec::new();
        for entry in page.entries {
            let ListEntry::Object { key, etag, size, last_modified: stored, .. } = entry else {
                continue;
            };
            let at = ObjectPath { bucket: bucket.clone(), key };
            let record = if recorded { parts.home.entry(&at).await? } else { None };
            let record = record.as_deref().map(Location::decode).transpose()?;
            if record.is_none_or(|record| record.truth == Truth::Local) {
                found.push(Candidate { key: at.key, what: What::Object { size, etag, stored } });
            }
        }
        self.follow(page.next);
        Ok(found)
    }

    /// Objects that are recorded upstream.
    async fn recorded(&mut self, parts: &Parts, bucket: &BucketName) -> Result<Vec<Candidate>> {
        let after = self.after.clone().map(String::into_bytes);
        let query = LedgerQuery { after, limit: PAGE, ..LedgerQuery::default() };
        let page = parts.home.entries(bucket, &query).await?;
        let last = page.entries.last().map(|(key, _)| key.as_str().to_owned());
        let mut found = Vec::new();
        for (key, record) in page.entries {
            let record = Location::decode(&record)?;
            if let (Truth::Remote, Some(remote)) = (record.truth, record.remote) {
                let (size, etag, stored) = (remote.size, remote.etag, remote.last_modified);
                found.push(Candidate { key, what: What::Object { size, etag, stored } });
            }
        }
        self.follow(last.filter(|_| page.more));
        Ok(found)
    }

    /// Unfinished uploads that are here; the upstream's own are its matter.
    async fn uploads(&mut self, parts: &Parts, bucket: &BucketName) -> Result<Vec<Candidate>> {
        let after = self.after_upload.take();
        let query = UploadsQuery { after, limit: PAGE, ..UploadsQuery::default() };
        let page = parts.home.list_uploads(bucket, &query).await?;
        let found = page.entries.into_iter().filter_map(|entry| match entry {
            UploadEntry::Upload(upload) => {
                let (id, initiated) = (upload.id, upload.initiated);
                Some(Candidate { key: upload.key, what: What::Upload { id, initiated } })
            }
            UploadEntry::CommonPrefix(_) => None,
        });
        let found = found.collect();
        match page.next {
            Some(next) => self.after_upload = Some(next),
            None => self.skip(),
        }
        Ok(found)
    }
}

impl Candidate {
    fn may_be_due(&self, rules: &Lifecycle, now: Timestamp) -> bool {
        let key = self.key.as_str();
        match &self.what {
            What::Upload { initiated, .. } => {
                rules.abortion(key, *initiated).is_some_and(|due| due.at <= now)
            }
            What::Object { size, stored, .. } => {
                let due = rules.expiry(key, *size, *stored, None);
                due.is_some_and(|due| due.at <= now) || rules.awaits_tags(key, *size, *stored, now)
            }
        }
    }
}
