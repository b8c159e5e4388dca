//! What a bucket holds by a listing, for buckets whose objects nobody counts here: made in the
//! background when it is asked for, kept with its date.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use serde_json::{Value, json};

use super::job::{Job, JobState};
use super::view::Views;
use crate::object::{BucketName, KeyTemplate, ListEntry, ListQuery, Month, Timestamp};
use crate::store::Store;
use crate::store::local::{BucketUsage, UsageRow};

/// For how long a listing is good enough.
const GOOD_FOR: i64 = 3_600_000;
const PAGE: usize = 1000;

/// The latest listings.
#[derive(Debug, Default)]
pub struct Surveys(Mutex<HashMap<BucketName, Found>>);

/// What the latest listing of a bucket found.
#[derive(Debug, Clone, Default)]
pub(super) struct Found {
    /// When it began; `None` where there is none yet.
    pub(super) as_of: Option<Timestamp>,
    /// Whether a newer one is being made.
    pub(super) listing: bool,
    /// What there was.
    pub(super) rows: Vec<UsageRow>,
}

impl Surveys {
    fn with<T>(&self, bucket: &BucketName, change: impl FnOnce(&mut Found) -> T) -> T {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        change(all.entry(bucket.clone()).or_default())
    }
}

/// What the latest listing of a bucket found. Has a new one made where that is old.
pub(super) fn latest(views: &Views, bucket: &BucketName) -> Found {
    let now = views.clock.now();
    let (wanted, found) = views.surveys.with(bucket, |found| {
        let old = found.as_of.is_none_or(|as_of| now.0.saturating_sub(as_of.0) > GOOD_FOR);
        let wanted = old && !found.listing;
        found.listing |= wanted;
        (wanted, found.clone())
    });
    if wanted {
        begin(views, bucket);
    }
    found
}

fn begin(views: &Views, bucket: &BucketName) {
    let survey = Survey {
        store: Arc::clone(&views.store),
        surveys: Arc::clone(&views.surveys),
        bucket: bucket.clone(),
        template: views.counting.template(bucket).cloned(),
        since: views.clock.now(),
        query: ListQuery { limit: PAGE, ..ListQuery::default() },
        classes: BTreeMap::new(),
        objects: 0,
    };
    views.jobs.add(Box::new(survey));
}

struct Survey {
    store: Arc<dyn Store>,
    surveys: Arc<Surveys>,
    bucket: BucketName,
    template: Option<KeyTemplate>,
    since: Timestamp,
    query: ListQuery,
    classes: BTreeMap<(Option<String>, Option<String>, Month), BucketUsage>,
    objects: u64,
}

impl Survey {
    fn count(&mut self, entry: &ListEntry) {
        let ListEntry::Object { key, size, last_modified, .. } = entry else { return };
        let labels = self.template.as_ref().and_then(|template| template.labels(key.as_str()));
        let labels = labels.unwrap_or_default();
        let label = |label: Option<&str>| label.map(str::to_owned);
        let class = (label(labels.company), label(labels.kind), Month::of(*last_modified));
        let usage = self.classes.entry(class).or_default();
        usage.objects = usage.objects.saturating_add(1);
        usage.bytes = usage.bytes.saturating_add(*size);
        self.objects += 1;
    }

    fn finish(&mut self) {
        let rows = std::mem::take(&mut self.classes).into_iter().map(|(class, usage)| {
            let (company, kind, month) = class;
            UsageRow { company, kind, away: true, month, usage }
        });
        let rows = rows.collect();
        let found = Found { as_of: Some(self.since), listing: false, rows };
        self.surveys.with(&self.bucket, |latest| *latest = found);
    }
}

impl Drop for Survey {
    /// One that does not come to its end leaves what was known before.
    fn drop(&mut self) {
        self.surveys.with(&self.bucket, |found| found.listing = false);
    }
}

#[async_trait]
impl Job for Survey {
    async fn step(&mut self) -> Result<bool, String> {
        let page = self.store.list_objects(&self.bucket, &self.query).await;
        let page = page.map_err(|error| error.to_string())?;
        page.entries.iter().for_each(|entry| self.count(entry));
        self.query.after = page.next;
        if self.query.after.is_some() {
            return Ok(true);
        }
        self.finish();
        Ok(false)
    }

    fn shown(&self) -> Value {
        json!({ "bucket": self.bucket.as_str(), "objects": self.objects })
    }

    async fn ended(&mut self, _: JobState, _: Option<&str>, _: Timestamp) {}
}
