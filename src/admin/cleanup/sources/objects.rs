//! Objects that an application no longer refers to: those of a bucket that a manifest lacks.
//! Upstream only what is recorded counts, never what others put there.

use std::sync::Arc;

use async_trait::async_trait;

use super::{PAGE, Source, failed, object};
use crate::admin::cleanup::journal::{Orphan, Outcome, What};
use crate::admin::manifest::Manifest;
use crate::object::{
    BucketName, ETag, ETagMatch, ListEntry, ListQuery, ObjectKey, Timestamp, WriteCondition,
};
use crate::placement::Location;
use crate::placement::location::Truth;
use crate::store::{DeleteRequest, Home, LedgerQuery, ObjectPath, Store, StoreError};

/// Which objects are meant.
#[derive(Clone)]
pub(in crate::admin::cleanup) struct Objects {
    pub(in crate::admin::cleanup) home: Arc<dyn Home>,
    pub(in crate::admin::cleanup) store: Arc<dyn Store>,
    pub(in crate::admin::cleanup) bucket: BucketName,
    pub(in crate::admin::cleanup) manifest: Arc<Manifest>,
    /// Whether those that are recorded upstream, rather than those here.
    pub(in crate::admin::cleanup) away: bool,
    /// Only what was last modified before this.
    pub(in crate::admin::cleanup) before: Timestamp,
    pub(in crate::admin::cleanup) position: Position,
}

/// How far they have been looked through.
#[derive(Debug, Clone, Default)]
pub(in crate::admin::cleanup) struct Position {
    after: Option<String>,
    over: bool,
    young: u64,
}

/// An object of the backend.
struct Candidate {
    key: ObjectKey,
    etag: ETag,
    size: u64,
    modified: Timestamp,
}

type Page = Result<(Vec<Candidate>, Option<String>), StoreError>;

#[async_trait]
impl Source for Objects {
    async fn page(&mut self) -> Result<Option<Vec<Orphan>>, String> {
        if self.position.over {
            return Ok(None);
        }
        let after = self.position.after.take();
        let page = if self.away { self.recorded(after).await } else { self.at_home(after).await };
        let (mut candidates, next) = match page {
            Err(StoreError::NoSuchBucket) => (Vec::new(), None),
            page => page.map_err(|error| error.to_string())?,
        };
        candidates.retain(|candidate| !self.manifest.contains(&candidate.key));
        let all = candidates.len();
        candidates.retain(|candidate| candidate.modified < self.before);
        self.position.young += (all - candidates.len()) as u64;
        self.position.over = next.is_none();
        self.position.after = next;
        Ok(Some(candidates.iter().map(|candidate| self.orphan(candidate)).collect()))
    }

    fn young(&self) -> u64 {
        self.position.young
    }

    async fn remove(&self, orphan: &Orphan) -> Result<Outcome, String> {
        let Some(at) = object(orphan) else {
            return Ok(Outcome::Failed("it has no good name".to_owned()));
        };
        let tags = vec![ETag::parse(&orphan.etag)];
        let condition = Some(WriteCondition::Matches(ETagMatch::Tags(tags)));
        match self.store.delete_object(&at, &DeleteRequest { version: None, condition }).await {
            Ok(_) => Ok(Outcome::Deleted),
            Err(
                StoreError::PreconditionFailed(_) | StoreError::NoSuchKey | StoreError::Conflict,
            ) => Ok(Outcome::Kept("a client was there first".to_owned())),
            Err(error) => failed(&error),
        }
    }
}

impl Objects {
    fn orphan(&self, candidate: &Candidate) -> Orphan {
        Orphan {
            what: What::Object,
            bucket: self.bucket.as_str().to_owned(),
            key: candidate.key.as_str().to_owned(),
            size: candidate.size,
            etag: candidate.etag.as_str().to_owned(),
            at: Some(candidate.modified),
            upload: None,
            why: "the manifest lacks it".to_owned(),
        }
    }

    /// Objects that are here, and that no record says to be elsewhere.
    async fn at_home(&self, after: Option<String>) -> Page {
        let query = ListQuery { after, limit: PAGE, ..ListQuery::default() };
        let page = self.home.list_objects(&self.bucket, &query).await?;
        let mut candidates = Vec::new();
        for entry in page.entries {
            let ListEntry::Object { key, etag, size, last_modified: modified, .. } = entry else {
                continue;
            };
            let at = ObjectPath { bucket: self.bucket.clone(), key };
            let record = self.home.entry(&at).await?;
            let record = record.as_deref().map(Location::decode).transpose()?;
            if record.is_none_or(|record| record.truth == Truth::Local) {
                candidates.push(Candidate { key: at.key, etag, size, modified });
            }
        }
        Ok((candidates, page.next))
    }

    /// Objects that are recorded upstream.
    async fn recorded(&self, after: Option<String>) -> Page {
        let after = after.map(String::into_bytes);
        let query = LedgerQuery { after, limit: PAGE, ..LedgerQuery::default() };
        let page = self.home.entries(&self.bucket, &query).await?;
        let last = page.entries.last().map(|(key, _)| key.as_str().to_owned());
        let mut candidates = Vec::new();
        for (key, record) in page.entries {
            let record = Location::decode(&record)?;
            if let (Truth::Remote, Some(remote)) = (record.truth, record.remote) {
                let (etag, size, modified) = (remote.etag, remote.size, remote.last_modified);
                candidates.push(Candidate { key, etag, size, modified });
            }
        }
        Ok((candidates, last.filter(|_| page.more)))
    }
}
