//! Finding, after a start, what waits: the ledgers of all buckets that have an upstream.

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use super::Spool;
use crate::background::{Next, Worker};
use crate::object::{BucketName, BucketsQuery, ObjectKey};
use crate::placement::location::{Location, Truth};
use crate::store::{DeleteRequest, LedgerPage, LedgerQuery, ObjectPath, Result, StoreError};

/// How many records are looked at in one step.
const PAGE: usize = 200;
/// When it is tried again after an error: the index may be on its way.
const PAUSE: Duration = Duration::from_secs(1);

/// Looks through the backlog once, page by page. What is noted meanwhile is in the queue already.
pub struct Resume {
    spool: Arc<Spool>,
    /// `None` before they have been listed.
    buckets: Option<VecDeque<BucketName>>,
    after: Option<Vec<u8>>,
    complained: bool,
}

impl Resume {
    pub(super) fn new(spool: Arc<Spool>) -> Self {
        Self { spool, buckets: None, after: None, complained: false }
    }

    /// Does a page; whether there is more.
    async fn advance(&mut self) -> Result<bool> {
        let Some(buckets) = &mut self.buckets else {
            self.buckets = Some(self.spool.routed_buckets().await?);
            return Ok(true);
        };
        let Some(bucket) = buckets.front().cloned() else { return Ok(false) };
        let query =
            LedgerQuery { after: self.after.clone(), limit: PAGE, ..LedgerQuery::default() };
        let page = match self.spool.home.entries(&bucket, &query).await {
            Err(StoreError::NoSuchBucket) => LedgerPage::default(),
            page => page?,
        };
        let last = page.entries.last().map(|(key, _)| key.as_str().as_bytes().to_vec());
        for (key, bytes) in page.entries {
            self.spool.found(&bucket, key, &bytes).await?;
        }
        self.after = last.filter(|_| page.more);
        if self.after.is_none() {
            buckets.pop_front();
        }
        Ok(true)
    }
}

impl Spool {
    /// The buckets that have an upstream.
    pub(in crate::placement) async fn routed_buckets(&self) -> Result<VecDeque<BucketName>> {
        let mut found = VecDeque::new();
        let mut query = BucketsQuery { limit: PAGE, ..BucketsQuery::default() };
        loop {
            let page = self.home.list_buckets(&query).await?;
            let names = page.buckets.into_iter().map(|bucket| bucket.name);
            found.extend(names.filter(|name| self.routes.of(name).upstream.is_some()));
            if page.next.is_none() {
                return Ok(found);
            }
            query.after = page.next;
        }
    }

    /// A record was found.
    async fn found(&self, bucket: &BucketName, key: ObjectKey, bytes: &[u8]) -> Result<()> {
        let at = ObjectPath { bucket: bucket.clone(), key };
        let record = match Location::decode(bytes) {
            Ok(record) => record,
            Err(error) => {
                tracing::error!(bucket = %at.bucket, key = %at.key, %error, "skipping a record");
                return Ok(());
            }
        };
        match (&record.todo, record.truth) {
            (Some(_), _) => self.found_waiting(&at).await,
            (None, Truth::Remote) if !record.kept => self.sweep(&at).await.map(drop),
            (None, _) => Ok(()),
        }
    }

    /// The record may have changed since its page was read.
    async fn found_waiting(&self, at: &ObjectPath) -> Result<()> {
        let _key = self.lock(at).await;
        if self.queue().knows(at) {
            return Ok(());
        }
        if let Some(record) = self.record(at).await? {
            self.noted(at, &record, self.local_size(at).await?);
        }
        Ok(())
    }

    /// Removes the local copy of an object that went upstream, where whoever sent it could not,
    /// as after a crash. Whether there was one.
    pub async fn sweep(&self, at: &ObjectPath) -> Result<bool> {
        if self.local_object(at).await?.is_none() {
            return Ok(false);
        }
        let _key = self.lock(at).await;
        let left_over = |record: Location| {
            record.truth == Truth::Remote && record.todo.is_none() && !record.kept
        };
        if self.record(at).await?.is_some_and(left_over) {
            self.home.delete_object(at, &DeleteRequest::default()).await?;
            return Ok(true);
        }
        Ok(false)
    }
}

#[async_trait]
impl Worker for Resume {
    fn name(&self) -> &'static str {
        "spool resume"
    }

    async fn step(&mut self) -> Next {
        match self.advance().await {
            Ok(true) => Next::Now,
            Ok(false) => {
                self.spool.queue().complete = true;
                self.spool.moved.notify_waiters();
                let depth = self.spool.snapshot().total;
                if depth.waiting + depth.dead > 0 {
                    let (waiting, dead, bytes) = (depth.waiting, depth.dead, depth.bytes);
                    tracing::info!(waiting, dead, bytes, "objects wait to be forwarded");
                }
                Next::Done
            }
            Err(error) => {
                if !std::mem::replace(&mut self.complained, true) {
                    tracing::warn!(%error, "what waits to be forwarded is not known yet");
                }
                Next::After(PAUSE)
            }
        }
    }
}

impl fmt::Debug for Resume {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Resume").field("buckets", &self.buckets).finish_non_exhaustive()
    }
}
