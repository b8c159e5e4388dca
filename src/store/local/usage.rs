//! What the store counts as it goes: objects and bytes of each bucket, and of each company, type,
//! backend and month in it.

use tokio::sync::oneshot;

use super::LocalStore;
use super::format::checkpoint::Usage;
use super::keeper::Task;
use super::read::blocking;
use super::recount::Found;
use super::split::{Class, Split, State};
use super::sweep;
use crate::object::{BucketName, KeyTemplate, Month, Timestamp};
use crate::store::{Result, StoreError};

/// How much a bucket holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct BucketUsage {
    /// How many objects.
    pub objects: u64,
    /// The bytes of their content.
    pub bytes: u64,
}

/// Objects of one company, type, backend and month.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UsageRow {
    /// The company, where the bucket's template finds one in the keys.
    pub company: Option<String>,
    /// The type, likewise.
    pub kind: Option<String>,
    /// Whether they are upstream, by the ledger records, rather than here.
    pub away: bool,
    /// The month in which they were last modified.
    pub month: Month,
    /// How many, and their bytes.
    pub usage: BucketUsage,
}

/// A bucket's objects by class. Every object is counted once, where readers find it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SplitUsage {
    /// The template by which the rows are counted.
    pub template: Option<KeyTemplate>,
    /// What there is.
    pub rows: Vec<UsageRow>,
    /// How far the rows can be believed.
    pub accuracy: Accuracy,
    /// How many keys a recount under way has counted.
    pub recounted: Option<u64>,
}

/// How far counters can be believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Accuracy {
    /// They are what a recount would give.
    Exact,
    /// They are what a recount would have given at that time.
    AsOf(Timestamp),
    /// Not at all.
    Unknown,
}

/// What a recount found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Recounted {
    /// How many keys with an object or a ledger record were counted.
    pub keys: u64,
    /// The bucket's objects here, as they were counted along.
    pub counted: BucketUsage,
    /// The same as there are.
    pub found: BucketUsage,
    /// Whether there were counters by class that claimed to be exact.
    pub compared: bool,
    /// Those of them that were wrong, with what was found; at most a hundred.
    pub wrong: Vec<(UsageRow, BucketUsage)>,
}

impl LocalStore {
    /// The files that no record names, set aside when the store was opened after a crash: names in
    /// order, and bytes.
    pub async fn set_aside(&self) -> Result<Vec<(String, u64)>> {
        blocking(&self.core, |core| sweep::quarantined(core)).await
    }

    /// Removes one of them; `false` where there is none of that name.
    pub async fn remove_set_aside(&self, name: &str) -> Result<bool> {
        let name = name.to_owned();
        blocking(&self.core, move |core| sweep::remove_quarantined(core, &name)).await
    }

    /// What the counters say of a bucket, without looking at its objects.
    pub fn usage(&self, bucket: &BucketName) -> Result<BucketUsage> {
        // While the log is read, the counters are not there yet.
        self.core.whole_catalog()?;
        Ok(self.core.usage(self.core.bucket(bucket)?.id).into())
    }

    /// How many bytes more objects may have altogether, where there is a quota.
    pub fn quota_left(&self) -> Option<u64> {
        self.core.quota_left()
    }

    /// The same by class.
    pub fn split_usage(&self, bucket: &BucketName) -> Result<SplitUsage> {
        self.core.whole_catalog()?;
        let id = self.core.bucket(bucket)?.id;
        let split = self.core.progress().tally.split(id).cloned();
        let Some(split) = split else { return Ok(SplitUsage::unknown()) };
        let mut told = SplitUsage::of(&split);
        if told.accuracy == Accuracy::Exact && told.template != self.core.template(bucket.as_str())
        {
            // By another template than is asked for: the recount is about to begin.
            told.accuracy = Accuracy::AsOf(self.core.clock.now());
            told.recounted = told.recounted.or(Some(0));
        }
        Ok(told)
    }

    /// Counts keys by these templates from now on. Buckets that are counted by others are counted
    /// anew, in the background.
    #[cfg(test)]
    pub(crate) fn count_by(&self, templates: crate::object::KeyTemplates) {
        self.core.set_templates(templates);
        self.keeper.tell(Task::Compare);
    }

    /// Counts a bucket anew, while it is written to, and repairs what was wrong.
    pub async fn recount(&self, bucket: &BucketName) -> Result<Recounted> {
        self.core.writable()?;
        let id = self.core.bucket(bucket)?.id;
        let (reply, found) = oneshot::channel();
        self.keeper.tell(Task::Recount(id, reply));
        match found.await {
            Ok(found) => Ok(found.into()),
            // Stopped, or the bucket is no more.
            Err(_) => Err(self.core.refusal().err().unwrap_or(StoreError::NoSuchBucket)),
        }
    }
}

impl SplitUsage {
    fn unknown() -> Self {
        let rows = Vec::new();
        Self { template: None, rows, accuracy: Accuracy::Unknown, recounted: None }
    }

    fn of(split: &Split) -> Self {
        Self {
            template: split.template.clone(),
            rows: split.rows.iter().map(|(class, usage)| UsageRow::of(class, usage)).collect(),
            accuracy: match split.state {
                State::Exact => Accuracy::Exact,
                State::Frozen(Some(since)) => Accuracy::AsOf(since),
                State::Frozen(None) => Accuracy::Unknown,
            },
            recounted: split.fresh.as_ref().map(|fresh| fresh.keys),
        }
    }
}

impl UsageRow {
    fn of(class: Class, usage: Usage) -> Self {
        let Class { pair, away, month } = class;
        // Those beyond the limit are of no company and no type here.
        let (company, kind) = pair.split_once('/').filter(|(_, kind)| *kind != "/").unzip();
        let label = |text: Option<&str>| text.filter(|text| !text.is_empty()).map(str::to_owned);
        let (company, kind) = (label(company), label(kind));
        Self { company, kind, away, month, usage: usage.into() }
    }
}

impl From<Usage> for BucketUsage {
    fn from(usage: Usage) -> Self {
        Self { objects: usage.objects, bytes: usage.bytes }
    }
}

impl From<Found> for Recounted {
    fn from(found: Found) -> Self {
        let wrong = found.wrong.into_iter();
        Self {
            keys: found.keys,
            counted: found.here.0.into(),
            found: found.here.1.into(),
            compared: found.compared,
            wrong: wrong.map(|(class, was, is)| (UsageRow::of(class, was), is.into())).collect(),
        }
    }
}
