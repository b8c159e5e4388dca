//! Which objects of a bucket could be moved, page by page in the order of their keys.
//!
//! Looks at listings and records; what it says of a key may be another thing a moment later, and
//! the transfer looks again. Costs a page of each side for a page of keys, never a call for each.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Direction, Identity, Result, Transfers, Trouble, up_look::identity, upstream_trouble};
use crate::object::{BucketName, ETag, ListEntry, ListQuery, ObjectKey, Timestamp};
use crate::placement::location::{Location, Truth};
use crate::placement::plan::{self, Known, Layer, View};
use crate::placement::route::{Route, Upstream};
use crate::store::{LedgerQuery, ObjectPath, StoreError};

/// How many keys are looked at together.
const PAGE: usize = 1000;

/// An object that could be moved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// Its key.
    pub key: ObjectKey,
    /// The object as clients know it.
    pub object: Identity,
    /// Whether it can be moved.
    pub standing: Standing,
}

/// Whether an object can be moved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "standing", content = "reason")]
pub enum Standing {
    /// It can.
    Movable,
    /// The spool has to forward or delete it first.
    WaitsInSpool,
    /// The target has another object of that key, of which no record tells.
    Conflict(String),
}

/// The candidates of a bucket.
pub struct Candidates<'a> {
    transfers: &'a Transfers,
    route: &'a Route,
    upstream: &'a Upstream,
    bucket: BucketName,
    prefix: String,
    direction: Direction,
    compare: bool,
    after: Option<String>,
    complete: bool,
}

/// A line of a listing, as far as it counts here.
struct Line {
    key: ObjectKey,
    size: u64,
    etag: ETag,
    last_modified: Timestamp,
}

impl Transfers {
    /// The objects of a bucket whose keys begin with `prefix` and that could be moved. `compare`
    /// looks for conflicts in the target as well. `None` where the bucket has no upstream.
    pub fn candidates(
        &self,
        bucket: &BucketName,
        prefix: &str,
        direction: Direction,
        compare: bool,
    ) -> Option<Candidates<'_>> {
        let route = self.route(bucket);
        Some(Candidates {
            transfers: self,
            route,
            upstream: route.upstream.as_ref()?,
            bucket: bucket.clone(),
            prefix: prefix.to_owned(),
            direction,
            compare,
            after: None,
            complete: false,
        })
    }

    /// One key as a candidate; `None` where there is nothing to move.
    pub async fn candidate(
        &self,
        at: &ObjectPath,
        direction: Direction,
    ) -> Result<Option<Candidate>> {
        let route = self.route(&at.bucket);
        let Some(upstream) = &route.upstream else { return Ok(None) };
        let record = self.record(at).await?;
        let home = self.at_home(at).await?;
        let known = Known::of(record.as_ref());
        let held = plan::holder(route.mode, known, home.is_some());
        let object = match (direction, held, home) {
            (Direction::ToS3, Some(Layer::Home), Some(home)) => Identity::of(&home),
            (Direction::ToLocal, Some(Layer::Upstream), _) => {
                let remote = record.as_ref().and_then(|record| record.remote.as_ref());
                match (remote, self.there(at, upstream).await?) {
                    (Some(remote), Some(_)) => identity(remote),
                    (None, Some(there)) => Identity::of(&there),
                    (_, None) => return Ok(None),
                }
            }
            _ => return Ok(None),
        };
        let standing = if known.waits() { Standing::WaitsInSpool } else { Standing::Movable };
        Ok(Some(Candidate { key: at.key.clone(), object, standing }))
    }
}

impl Candidates<'_> {
    /// The next candidates; `None` at the end. A page may be empty.
    pub async fn next(&mut self) -> Result<Option<Vec<Candidate>>> {
        if self.complete {
            return Ok(None);
        }
        let found = match (self.direction, plan::view(self.route.mode)) {
            (Direction::ToS3, _) => self.at_home().await?,
            (Direction::ToLocal, View::Records) => self.recorded().await?,
            (Direction::ToLocal, View::Layers) => self.upstream().await?,
        };
        Ok(Some(found))
    }

    async fn at_home(&mut self) -> Result<Vec<Candidate>> {
        let query = self.query(self.after.clone());
        let page = self.transfers.home.list_objects(&self.bucket, &query).await;
        let page = absent_is_empty(page)?;
        let lines = lines(page.entries);
        let last = page.next;
        let records = self.records(&lines).await?;
        let mut there = if self.compare && !lines.is_empty() {
            self.upstream_until(last.as_deref()).await?
        } else {
            BTreeMap::new()
        };
        self.went_to(last);
        let candidate = |(line, record): (Line, Option<Location>)| {
            let truth = record.as_ref().map_or(Truth::Local, |record| record.truth);
            let target = there.remove(&line.key);
            let standing = match &record {
                _ if truth != Truth::Local => return None,
                Some(record) if record.todo.is_some() => Standing::WaitsInSpool,
                record => standing(record.as_ref(), &line, target),
            };
            Some(Candidate { object: line.identity(), key: line.key, standing })
        };
        Ok(lines.into_iter().zip(records).filter_map(candidate).collect())
    }

    async fn recorded(&mut self) -> Result<Vec<Candidate>> {
        let after = self.after.as_ref().map(|after| after.as_bytes().to_vec());
        let query = LedgerQuery { prefix: self.prefix.clone(), after, limit: PAGE };
        let page = self.transfers.locations.page(&self.bucket, query).await;
        let (records, more) = match page {
            Err(StoreError::NoSuchBucket) => (Vec::new(), false),
            page => page?,
        };
        let last = records.last().map(|(key, _)| key.as_str().to_owned());
        self.went_to(last.filter(|_| more));
        let candidate = |(key, record): (ObjectKey, Location)| {
            let remote = record.remote.as_ref().filter(|_| record.truth == Truth::Remote)?;
            let waits = record.todo.is_some();
            let standing = if waits { Standing::WaitsInSpool } else { Standing::Movable };
            Some(Candidate { key, object: identity(remote), standing })
        };
        Ok(records.into_iter().filter_map(candidate).collect())
    }

    async fn upstream(&mut self) -> Result<Vec<Candidate>> {
        let query = self.query(self.after.clone());
        let page = self.upstream.store.list_objects(&self.bucket, &query).await;
        let page = page.map_err(upstream_trouble)?;
        let lines = lines(page.entries);
        let last = page.next;
        let home = self.home_until(last.as_deref()).await?;
        let records = self.records(&lines).await?;
        self.went_to(last);
        let mode = self.route.mode;
        let candidate = |(line, record): (Line, Option<Location>)| {
            let known = Known::of(record.as_ref());
            let held = plan::holder(mode, known, home.contains_key(&line.key));
            let remote = record.as_ref().and_then(|record| record.remote.as_ref());
            let shown = remote.filter(|remote| {
                remote.upstream_etag == line.etag && plan::shows_record(mode, remote)
            });
            let standing = if known.waits() { Standing::WaitsInSpool } else { Standing::Movable };
            let object = shown.map_or_else(|| line.identity(), identity);
            (held == Some(Layer::Upstream)).then_some(Candidate { key: line.key, object, standing })
        };
        Ok(lines.into_iter().zip(records).filter_map(candidate).collect())
    }

    fn query(&self, after: Option<String>) -> ListQuery {
        ListQuery { prefix: self.prefix.clone(), after, limit: PAGE, ..ListQuery::default() }
    }

    fn went_to(&mut self, last: Option<String>) {
        self.complete = last.is_none();
        self.after = last;
    }

    async fn records(&self, lines: &[Line]) -> Result<Vec<Option<Location>>> {
        let keys: Vec<&ObjectKey> = lines.iter().map(|line| &line.key).collect();
        Ok(self.transfers.locations.of_keys(&self.bucket, &keys).await?)
    }

    /// What the upstream lists behind where this page began, up to its last key.
    async fn upstream_until(&self, last: Option<&str>) -> Result<BTreeMap<ObjectKey, Line>> {
        let mut query = self.query(self.after.clone());
        let mut found = BTreeMap::new();
        loop {
            let page = self.upstream.store.list_objects(&self.bucket, &query).await;
            let page = page.map_err(upstream_trouble)?;
            if !take_until(&mut found, page.entries, last) || page.next.is_none() {
                return Ok(found);
            }
            query.after = page.next;
        }
    }

    async fn home_until(&self, last: Option<&str>) -> Result<BTreeMap<ObjectKey, Line>> {
        let mut query = self.query(self.after.clone());
        let mut found = BTreeMap::new();
        loop {
            let page = self.transfers.home.list_objects(&self.bucket, &query).await;
            let page = absent_is_empty(page)?;
            if !take_until(&mut found, page.entries, last) || page.next.is_none() {
                return Ok(found);
            }
            query.after = page.next;
        }
    }
}

impl Line {
    fn identity(&self) -> Identity {
        Identity {
            etag: self.etag.clone(),
            size: self.size,
            last_modified: Some(self.last_modified),
        }
    }
}

/// Whether an object at home can go where the target has this.
fn standing(record: Option<&Location>, line: &Line, target: Option<Line>) -> Standing {
    let Some(target) = target else { return Standing::Movable };
    let remote = record.and_then(|record| record.remote.as_ref());
    let known = remote.is_some_and(|remote| remote.upstream_etag == target.etag);
    let same = target.etag == line.etag && target.size == line.size;
    if known || same {
        return Standing::Movable;
    }
    Standing::Conflict(format!(
        "the upstream has another object of that key, with ETag {}, {} bytes, of {}",
        target.etag.quoted(),
        target.size,
        target.last_modified.iso8601()
    ))
}

fn absent_is_empty(
    page: Result<crate::object::ListPage, StoreError>,
) -> Result<crate::object::ListPage, Trouble> {
    match page {
        Err(StoreError::NoSuchBucket) => Ok(crate::object::ListPage::default()),
        page => Ok(page?),
    }
}

fn lines(entries: Vec<ListEntry>) -> Vec<Line> {
    let line = |entry| match entry {
        ListEntry::Object { key, size, etag, last_modified, .. } => {
            Some(Line { key, size, etag, last_modified })
        }
        ListEntry::CommonPrefix(_) => None,
    };
    entries.into_iter().filter_map(line).collect()
}

/// Takes lines up to `last`; whether there may be more of use.
fn take_until(
    found: &mut BTreeMap<ObjectKey, Line>,
    entries: Vec<ListEntry>,
    last: Option<&str>,
) -> bool {
    for line in lines(entries) {
        if last.is_some_and(|last| line.key.as_str() > last) {
            return false;
        }
        found.insert(line.key.clone(), line);
    }
    true
}
