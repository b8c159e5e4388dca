//! Listings that ask no upstream: what it has is told by the records.

use std::sync::Arc;

use super::{GLANCE, LONGEST, cut, key_of, object_line};
use crate::object::{BucketName, ListEntry, ListPage, ListQuery, ObjectKey};
use crate::placement::Placement;
use crate::placement::locate::{Keys, just_behind};
use crate::placement::location::{Location, Remote, Truth};
use crate::placement::merge::{self, Line as _, Pair, RecordLine, Shown, Step, Window};
use crate::store::{GetRequest, LedgerQuery, ObjectPath, Result, StoreError};

impl Placement {
    /// A page of what is at home and what the records say to be upstream.
    pub(super) async fn list_records(
        &self,
        bucket: &BucketName,
        query: &ListQuery,
    ) -> Result<ListPage> {
        let gone = self.locations.gone(bucket).await?;
        let records = Records { placement: self, bucket, query, gone, last: query.after.clone() };
        records.page().await
    }
}

/// A page being made.
struct Records<'a> {
    placement: &'a Placement,
    bucket: &'a BucketName,
    query: &'a ListQuery,
    gone: Arc<Keys>,
    /// The text of the last line that was taken off the windows.
    last: Option<String>,
}

impl Records<'_> {
    async fn page(mut self) -> Result<ListPage> {
        let limit = self.query.limit;
        let (mut told, mut home) = (Window::unread(), Window::unread());
        let mut entries = Vec::new();
        // One more than the page has says whether there is a next one.
        while entries.len() <= limit {
            match merge::step(&mut told, &mut home) {
                Step::Pair(pair) => {
                    self.last = Some(pair.text().to_owned());
                    entries.extend(self.shown(pair).await?);
                }
                Step::First => told = self.read_records(limit + 1 - entries.len()).await?,
                Step::Second => home = self.read_home(limit + 1 - entries.len()).await?,
                Step::End => return Ok(cut(entries, limit, false)),
            }
        }
        Ok(cut(entries, limit, true))
    }

    async fn shown(&self, pair: Pair<RecordLine, ListEntry>) -> Result<Option<ListEntry>> {
        let (placement, bucket) = (self.placement, self.bucket);
        let Some(key) = key_in(&pair).cloned() else {
            let below = || merge::within(&self.gone, pair.text(), None).next().is_some();
            let was_gone = |key: &ObjectKey| self.gone.contains(key);
            let gone = matches!(pair, Pair::Second(_))
                && below()
                && !placement.survives_at_home(bucket, pair.text(), &was_gone).await?;
            return Ok((!gone).then(|| ListEntry::CommonPrefix(pair.text().to_owned())));
        };
        if self.gone.contains(&key) {
            return self.line_now(key).await;
        }
        match merge::recorded(pair) {
            Shown::Entry(entry) => Ok(Some(entry)),
            Shown::Nothing => Ok(None),
            Shown::Ask => self.line_now(key).await,
        }
    }

    /// The line of a key that moved while the listing was made, or of which a write was never
    /// finished. The upstream isn't asked for it.
    async fn line_now(&self, key: ObjectKey) -> Result<Option<ListEntry>> {
        let Placement { locations, home, .. } = self.placement;
        let at = ObjectPath { bucket: self.bucket.clone(), key };
        loop {
            let record = locations.of(&at).await?;
            if record.as_ref().is_some_and(|record| record.truth == Truth::Gone) {
                return Ok(None);
            }
            let remote = record.as_ref().and_then(upstream_object);
            let is_there = record.as_ref().is_some_and(|record| record.truth == Truth::Remote);
            if !is_there {
                match home.head_object(&at, &GetRequest::default()).await {
                    Ok(head) => return Ok(Some(object_line(head.object))),
                    Err(StoreError::NoSuchKey) => {}
                    Err(error) => return Err(error),
                }
            }
            // What is not at home may have gone from there since the record was read.
            if locations.of(&at).await? == record {
                return Ok(remote.map(|remote| merge::remote_line(at.key, remote)));
            }
        }
    }

    async fn read_home(&self, most: usize) -> Result<Window<ListEntry>> {
        let (after, limit) = (self.last.clone(), most.min(LONGEST));
        let query = ListQuery { after, limit, ..self.query.clone() };
        let page = self.placement.home.list_objects(self.bucket, &query).await?;
        Ok(Window::new(page.entries, page.next.is_some()))
    }

    async fn read_records(&self, most: usize) -> Result<Window<RecordLine>> {
        let mut after = self.start();
        let mut lines = Vec::new();
        let rolls = self.query.delimiter.is_some();
        let mut limit = if rolls { GLANCE } else { most.min(LONGEST) };
        while lines.len() < most {
            let prefix = self.query.prefix.clone();
            let query = LedgerQuery { prefix, after: after.take(), limit };
            let (records, mut more) = self.placement.locations.page(self.bucket, query).await?;
            limit = (limit * 2).min(LONGEST);
            for (key, record) in records {
                after = Some(key.as_str().as_bytes().to_vec());
                let Some(remote) = upstream_object(&record) else { continue };
                if let Some(common) = self.common_prefix(key.as_str()) {
                    // Everything under it is this one line.
                    after = Some(just_behind(common));
                    lines.push(RecordLine::CommonPrefix(common.to_owned()));
                    (more, limit) = (true, GLANCE);
                    break;
                }
                lines.push(RecordLine::Record(key, Box::new(record), remote));
            }
            if !more {
                return Ok(Window::new(lines, false));
            }
        }
        Ok(Window::new(lines, true))
    }

    /// Where the records of the lines behind the last one begin.
    fn start(&self) -> Option<Vec<u8>> {
        let last = self.last.as_deref()?;
        // A common prefix that isn't greater hides all that is under it.
        let hidden = self.common_prefix(last).map(just_behind);
        Some(hidden.unwrap_or_else(|| last.as_bytes().to_vec()))
    }

    fn common_prefix<'k>(&self, key: &'k str) -> Option<&'k str> {
        merge::common_prefix(key, &self.query.prefix, self.query.delimiter.as_deref())
    }
}

fn key_in(pair: &Pair<RecordLine, ListEntry>) -> Option<&ObjectKey> {
    match pair {
        Pair::Second(line) => key_of(line),
        Pair::First(RecordLine::Record(key, ..)) | Pair::Both(RecordLine::Record(key, ..), _) => {
            Some(key)
        }
        Pair::First(RecordLine::CommonPrefix(_)) | Pair::Both(RecordLine::CommonPrefix(_), _) => {
            None
        }
    }
}

/// What a record says to be upstream, or to be there unless it is at home.
fn upstream_object(record: &Location) -> Option<Remote> {
    match record.truth {
        Truth::Local | Truth::Remote => record.remote.clone(),
        Truth::Gone => None,
    }
}
