//! Local copies that are nobody's: their objects are recorded upstream, and whoever put them there
//! could not remove what it had sent. Neither read nor listed, they only take room.

use std::sync::Arc;

use async_trait::async_trait;

use super::{Cursor, PAGE, Source, failed, object};
use crate::admin::cleanup::journal::{Orphan, Outcome, What};
use crate::object::BucketName;
use crate::placement::location::{Location, Truth};
use crate::placement::spool::Spool;
use crate::store::{GetRequest, Home, LedgerQuery, ObjectPath, StoreError};

/// The copies of these buckets.
pub(in crate::admin::cleanup) struct Copies {
    home: Arc<dyn Home>,
    spool: Arc<Spool>,
    cursor: Cursor<Vec<u8>>,
}

impl Copies {
    pub(in crate::admin::cleanup) fn of(
        home: &Arc<dyn Home>,
        spool: &Arc<Spool>,
        buckets: Vec<BucketName>,
    ) -> Self {
        let (home, spool) = (Arc::clone(home), Arc::clone(spool));
        Self { home, spool, cursor: Cursor::over(buckets) }
    }

    async fn copy(&self, at: &ObjectPath, record: &[u8]) -> Result<Option<Orphan>, StoreError> {
        let record = Location::decode(record)?;
        if record.truth != Truth::Remote || record.todo.is_some() || record.kept {
            return Ok(None);
        }
        let copy = match self.home.head_object(at, &GetRequest::default()).await {
            Ok(head) => head.object,
            Err(StoreError::NoSuchKey | StoreError::NoSuchBucket) => return Ok(None),
            Err(error) => return Err(error),
        };
        Ok(Some(Orphan {
            what: What::Copy,
            bucket: at.bucket.as_str().to_owned(),
            key: at.key.as_str().to_owned(),
            size: copy.size,
            etag: copy.etag.as_str().to_owned(),
            at: Some(copy.last_modified),
            upload: None,
            why: "its object is upstream".to_owned(),
        }))
    }
}

#[async_trait]
impl Source for Copies {
    async fn page(&mut self) -> Result<Option<Vec<Orphan>>, String> {
        let Some(bucket) = self.cursor.buckets.front().cloned() else { return Ok(None) };
        let after = self.cursor.after.take();
        let query = LedgerQuery { after, limit: PAGE, ..LedgerQuery::default() };
        let page = match self.home.entries(&bucket, &query).await {
            Ok(page) => page,
            Err(StoreError::NoSuchBucket) => {
                self.cursor.advance(None);
                return Ok(Some(Vec::new()));
            }
            Err(error) => return Err(error.to_string()),
        };
        let last = page.entries.last().map(|(key, _)| key.as_str().as_bytes().to_vec());
        let mut found = Vec::new();
        for (key, record) in page.entries {
            let at = ObjectPath { bucket: bucket.clone(), key };
            match self.copy(&at, &record).await {
                Ok(copy) => found.extend(copy),
                Err(error) => return Err(error.to_string()),
            }
        }
        self.cursor.advance(last.filter(|_| page.more));
        Ok(Some(found))
    }

    fn young(&self) -> u64 {
        0
    }

    async fn remove(&self, orphan: &Orphan) -> Result<Outcome, String> {
        let Some(at) = object(orphan) else {
            return Ok(Outcome::Failed("it has no good name".to_owned()));
        };
        match self.spool.sweep(&at).await {
            Ok(true) => Ok(Outcome::Deleted),
            Ok(false) => Ok(Outcome::Kept("a client was there first".to_owned())),
            Err(error) => failed(&error),
        }
    }
}
