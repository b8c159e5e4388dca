//! Listings of objects: the bucket as one sorted set, whatever lies where.
//!
//! A page costs a few pages of each side, read from where the last line was, and never a call for
//! each key. What moves while a page is made is seen: home is read before the upstream, and the
//! records after both; where no upstream is asked, the records are read before home.

mod records;

use std::sync::Arc;

use super::locate::Keys;
use super::location::{Location, Truth};
use super::merge::{self, Line as _, Pair, Shown, Step, Window};
use super::plan::{self, View};
use super::route::{Mode, Upstream};
use super::{Placement, answered};
use crate::object::{
    BucketName, ListEntry, ListPage, ListQuery, ObjectInfo, ObjectKey, VersionEntry, VersionId,
    VersionMarker, VersionsPage, VersionsQuery,
};
use crate::store::{GetRequest, ObjectPath, Result, StoreError};

/// The longest page that is asked of a layer.
const LONGEST: usize = 1000;
/// How many keys under a common prefix are looked at first, to find one that is there.
const GLANCE: usize = 8;

impl Placement {
    /// A page of a bucket's current objects.
    pub(super) async fn list(&self, bucket: &BucketName, query: &ListQuery) -> Result<ListPage> {
        let route = self.routes.of(bucket);
        let Some(upstream) = &route.upstream else {
            return self.home.list_objects(bucket, query).await;
        };
        let _paging = self.passing.page();
        match plan::view(route.mode) {
            View::Records if !self.home.has_entries(bucket).await? => {
                self.home.list_objects(bucket, query).await
            }
            _ if query.limit == 0 => {
                self.home.head_bucket(bucket).await?;
                Ok(ListPage::default())
            }
            View::Records => self.list_records(bucket, query).await,
            View::Layers => {
                let gone = self.locations.gone(bucket).await?;
                let layers = Layers {
                    placement: self,
                    mode: route.mode,
                    upstream,
                    bucket,
                    query,
                    gone,
                    gone_since: Vec::new(),
                    last: query.after.clone(),
                    spare: query.limit.clamp(GLANCE, LONGEST),
                    home: Window::unread(),
                    there: Window::unread(),
                };
                layers.page().await
            }
        }
    }

    /// The same as versions: no bucket with an upstream keeps any but the current ones.
    pub(super) async fn versions(
        &self,
        bucket: &BucketName,
        query: &VersionsQuery,
    ) -> Result<VersionsPage> {
        if self.routes.of(bucket).upstream.is_none() {
            return self.home.list_versions(bucket, query).await;
        }
        let VersionsQuery { prefix, delimiter, after, limit } = query.clone();
        let after = after.map(|marker| marker.key);
        let page = self.list(bucket, &ListQuery { prefix, delimiter, after, limit }).await?;
        let next = page.entries.last().filter(|_| page.next.is_some()).map(|last| VersionMarker {
            key: last.text().to_owned(),
            version: matches!(last, ListEntry::Object { .. }).then_some(VersionId::Null),
        });
        let line = |entry| match entry {
            ListEntry::CommonPrefix(prefix) => VersionEntry::CommonPrefix(prefix),
            ListEntry::Object { .. } => {
                VersionEntry::Object { version: VersionId::Null, latest: true, entry }
            }
        };
        Ok(VersionsPage { entries: page.entries.into_iter().map(line).collect(), next })
    }

    /// The line of a key that moved while the listing was made.
    async fn line_of(&self, bucket: &BucketName, key: &ObjectKey) -> Result<Option<ListEntry>> {
        let at = ObjectPath { bucket: bucket.clone(), key: key.clone() };
        match self.head(&at, &GetRequest::default()).await {
            Ok(head) => Ok(Some(object_line(head.object))),
            Err(StoreError::NoSuchKey) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Whether anything under a common prefix that home lists is there.
    async fn survives_at_home(
        &self,
        bucket: &BucketName,
        prefix: &str,
        was_gone: &(impl Fn(&ObjectKey) -> bool + Sync),
    ) -> Result<bool> {
        let mut below =
            ListQuery { prefix: prefix.to_owned(), limit: GLANCE, ..Default::default() };
        loop {
            let page = self.home.list_objects(bucket, &below).await?;
            let keys: Vec<&ObjectKey> = page.entries.iter().filter_map(key_of).collect();
            let records = self.locations.of_keys(bucket, &keys).await?;
            let there = |(key, record): (&&ObjectKey, &Option<Location>)| {
                let elsewhere = record.as_ref().is_some_and(|record| record.truth == Truth::Remote);
                !elsewhere && !merge::is_gone(was_gone(key), record.as_ref())
            };
            if keys.iter().zip(&records).any(there) {
                return Ok(true);
            }
            below.limit = LONGEST;
            match page.next {
                Some(next) => below.after = Some(next),
                None => return Ok(false),
            }
        }
    }
}

/// A page being made of what both layers list.
struct Layers<'a> {
    placement: &'a Placement,
    mode: Mode,
    upstream: &'a Upstream,
    bucket: &'a BucketName,
    query: &'a ListQuery,
    /// The keys that were deleted when the page was begun ...
    gone: Arc<Keys>,
    /// ... and those that were when the upstream was asked, where they are others.
    gone_since: Vec<Arc<Keys>>,
    /// The text of the last line that was taken off the windows.
    last: Option<String>,
    /// How many lines the next page of the upstream may have in addition.
    spare: usize,
    home: Window<ListEntry>,
    there: Window<ListEntry>,
}

impl Layers<'_> {
    async fn page(mut self) -> Result<ListPage> {
        let limit = self.query.limit;
        let mut entries = Vec::new();
        // One more than the page has says whether there is a next one.
        while entries.len() <= limit && !(entries.len() == limit && self.is_sure_of_more()) {
            let batch = self.batch(limit + 1 - entries.len()).await?;
            if batch.is_empty() {
                return Ok(cut(entries, limit, false));
            }
            entries.extend(self.resolve(batch).await?);
        }
        Ok(cut(entries, limit, true))
    }

    /// Whether the upstream has lines behind the last one, of which none can turn out to be gone.
    fn is_sure_of_more(&self) -> bool {
        self.there.promises_more() && self.gone_behind(1) == 0
    }

    /// How many keys behind the last line are gone, counted up to `most`.
    fn gone_behind(&self, most: usize) -> usize {
        let last = self.last.as_deref();
        let behind = |keys| merge::within(keys, &self.query.prefix, last).take(most).count();
        self.all_gone().map(behind).max().unwrap_or_default()
    }

    fn all_gone(&self) -> impl Iterator<Item = &Keys> {
        [&self.gone].into_iter().chain(&self.gone_since).map(|keys| &**keys)
    }

    /// Whether a key was deleted at any time since the page was begun.
    fn was_gone(&self, key: &ObjectKey) -> bool {
        self.all_gone().any(|keys| keys.contains(key))
    }

    async fn batch(&mut self, most: usize) -> Result<Vec<Pair<ListEntry, ListEntry>>> {
        let mut batch = Vec::new();
        while batch.len() < most {
            match merge::step(&mut self.home, &mut self.there) {
                Step::Pair(pair) => {
                    self.last = Some(pair.text().to_owned());
                    batch.push(pair);
                }
                // The page is full, and what follows need not be read to know that something does.
                Step::Second if batch.len() + 1 == most && self.is_sure_of_more() => break,
                Step::First => self.home = self.read_home(most).await?,
                Step::Second => self.there = self.read_upstream(most).await?,
                Step::End => break,
            }
        }
        Ok(batch)
    }

    async fn read_home(&self, most: usize) -> Result<Window<ListEntry>> {
        let query = self.following(most);
        let page = self.placement.home.list_objects(self.bucket, &query).await?;
        Ok(Window::new(page.entries, page.next.is_some()))
    }

    async fn read_upstream(&mut self, most: usize) -> Result<Window<ListEntry>> {
        // The line that only tells that there are more need not be read. Lines that turn out to
        // be gone are made up for, by more with every page.
        let query = self.following(most.saturating_sub(1) + self.gone_behind(self.spare));
        self.spare = (self.spare * 2).min(LONGEST);
        // What is removed upstream from here on is known to have been deleted before.
        let gone = self.placement.locations.gone(self.bucket).await?;
        if !self.all_gone().any(|keys| std::ptr::eq(keys, &raw const *gone)) {
            self.gone_since.push(gone);
        }
        let page = self.upstream.store.list_objects(self.bucket, &query).await;
        let page = answered(self.upstream, page)?;
        Ok(Window::new(page.entries, page.next.is_some()))
    }

    fn following(&self, limit: usize) -> ListQuery {
        let after = self.last.clone();
        ListQuery { after, limit: limit.clamp(1, LONGEST), ..self.query.clone() }
    }

    async fn resolve(&self, batch: Vec<Pair<ListEntry, ListEntry>>) -> Result<Vec<ListEntry>> {
        let locations = &self.placement.locations;
        let (records, marked) = {
            let keys: Vec<&ObjectKey> = batch.iter().filter_map(pair_key).collect();
            let here = batch.iter().filter(|pair| matches!(pair, Pair::First(_)));
            let rolled: Vec<&str> =
                here.filter(|pair| pair_key(pair).is_none()).map(Pair::text).collect();
            let records = locations.of_keys(self.bucket, &keys).await?;
            (records, locations.any_below(self.bucket, &rolled).await?)
        };
        let (mut records, mut marked) = (records.into_iter(), marked.into_iter());
        let mut entries = Vec::with_capacity(batch.len());
        for pair in batch {
            let Some(key) = pair_key(&pair).cloned() else {
                let marked = matches!(pair, Pair::First(_)) && marked.next().unwrap_or(true);
                if self.survives(&pair, marked).await? {
                    entries.push(ListEntry::CommonPrefix(pair.text().to_owned()));
                }
                continue;
            };
            match self.shown(&key, pair, records.next().flatten().as_ref()) {
                Shown::Entry(entry) => entries.push(entry),
                Shown::Nothing => {}
                Shown::Ask => entries.extend(self.placement.line_of(self.bucket, &key).await?),
            }
        }
        Ok(entries)
    }

    fn shown(
        &self,
        key: &ObjectKey,
        pair: Pair<ListEntry, ListEntry>,
        record: Option<&Location>,
    ) -> Shown {
        if record.is_none_or(|record| record.truth != Truth::Gone) && self.was_gone(key) {
            return Shown::Ask;
        }
        merge::layered(pair, record, |line, remote| {
            let known = plan::shows_record(self.mode, remote);
            if known { merge::with_record(line, remote) } else { line }
        })
    }

    /// Whether anything under a common prefix is there. `marked` says that home alone has it, and
    /// that there are records of what is under it.
    async fn survives(&self, pair: &Pair<ListEntry, ListEntry>, marked: bool) -> Result<bool> {
        let prefix = pair.text();
        let gone = self.all_gone().any(|keys| merge::within(keys, prefix, None).next().is_some());
        if !gone && !marked {
            return Ok(true);
        }
        let was_gone = |key: &ObjectKey| self.was_gone(key);
        let here = || self.placement.survives_at_home(self.bucket, prefix, &was_gone);
        match pair {
            Pair::First(_) => here().await,
            Pair::Second(_) => self.survives_upstream(prefix).await,
            Pair::Both(..) => Ok(here().await? || self.survives_upstream(prefix).await?),
        }
    }

    async fn survives_upstream(&self, prefix: &str) -> Result<bool> {
        let mut below =
            ListQuery { prefix: prefix.to_owned(), limit: GLANCE, ..Default::default() };
        loop {
            let page = self.upstream.store.list_objects(self.bucket, &below).await;
            let page = answered(self.upstream, page)?;
            let keys: Vec<&ObjectKey> = page.entries.iter().filter_map(key_of).collect();
            if keys.iter().any(|key| !self.was_gone(key)) {
                return Ok(true);
            }
            let records = self.placement.locations.of_keys(self.bucket, &keys).await?;
            let there = |(key, record): (&&ObjectKey, &Option<Location>)| {
                !merge::is_gone(self.was_gone(key), record.as_ref())
            };
            if keys.iter().zip(&records).any(there) {
                return Ok(true);
            }
            below.limit = LONGEST;
            match page.next {
                Some(next) => below.after = Some(next),
                None => return Ok(false),
            }
        }
    }
}

/// The page, where `more` says that it is known that entries follow.
fn cut(mut entries: Vec<ListEntry>, limit: usize, more: bool) -> ListPage {
    entries.truncate(limit);
    let next = entries.last().filter(|_| more).map(|last| last.text().to_owned());
    ListPage { entries, next }
}

fn object_line(object: ObjectInfo) -> ListEntry {
    ListEntry::Object {
        key: object.key,
        size: object.size,
        etag: object.etag,
        last_modified: object.last_modified,
        checksum: object.checksum.map(|sum| (sum.value.algorithm, sum.kind)),
        storage_class: object.metadata.storage_class,
    }
}

fn key_of(entry: &ListEntry) -> Option<&ObjectKey> {
    match entry {
        ListEntry::Object { key, .. } => Some(key),
        ListEntry::CommonPrefix(_) => None,
    }
}

fn pair_key(pair: &Pair<ListEntry, ListEntry>) -> Option<&ObjectKey> {
    match pair {
        Pair::First(line) | Pair::Second(line) | Pair::Both(line, _) => key_of(line),
    }
}
