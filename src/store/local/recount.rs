//! Counting a bucket anew, all at once while nobody writes, or in portions while everybody does.

use std::collections::{BTreeMap, VecDeque};
use std::ops::ControlFlow;

use tokio::sync::oneshot;

use super::catalog::Catalog;
use super::core::Core;
use super::format::checkpoint::Usage;
use super::format::counts::{Amount, Claimed, Counted};
use super::format::meta::At;
use super::format::place::BucketId;
use super::split::{Class, Fresh, Rows, Shift, Split, State};
use crate::object::KeyTemplate;
use crate::store::Result;

/// How many keys are counted while the index stands still: for less than a millisecond.
const PORTION: usize = 256;
/// How many differences are told.
const TOLD: usize = 100;

/// What a recount of a bucket found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Found {
    /// How many keys were counted.
    pub(crate) keys: u64,
    /// The objects here: as counted along, and as there are. Repaired where they differ.
    pub(crate) here: (Usage, Usage),
    /// The classes whose counters were not what there is: as they were, and as they are now. Empty
    /// where the counters were known not to be exact.
    pub(crate) wrong: Vec<(Class, Usage, Usage)>,
    /// Whether there were counters that claimed to be exact.
    pub(crate) compared: bool,
}

/// Where what a recount found goes; dropped where it does not come to an end.
pub(crate) type Reply = oneshot::Sender<Found>;

/// The recounts that are to be made, one after the other.
#[derive(Default)]
pub(crate) struct Recounts(VecDeque<(BucketId, Vec<Reply>)>);

impl Recounts {
    /// Whether there is nothing to do.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// A bucket is to be counted anew, by the template that is set for it.
    pub(crate) fn add(&mut self, core: &Core, bucket: BucketId, reply: Option<Reply>) {
        if !begin(core, bucket) {
            return;
        }
        match self.0.iter_mut().find(|(other, _)| *other == bucket) {
            Some((_, replies)) => replies.extend(reply),
            None => self.0.push_back((bucket, reply.into_iter().collect())),
        }
    }

    /// Adds the buckets whose counters are not exact, or by another template than is set.
    pub(crate) fn compare(&mut self, core: &Core) {
        for (name, bucket) in core.buckets() {
            let wanted = core.template(&name);
            let fits = core.progress().tally.split(bucket.id).is_some_and(|split| {
                let under_way = split.fresh.as_ref().map(|fresh| &fresh.template);
                match under_way {
                    Some(template) => *template == wanted,
                    None => split.state == State::Exact && split.template == wanted,
                }
            });
            if !fits {
                tracing::info!(bucket = name, "the objects of the bucket are counted anew");
                self.add(core, bucket.id, None);
            }
        }
    }

    /// Goes on a little.
    pub(crate) fn go_on(&mut self, core: &Core) {
        let Some((bucket, _)) = self.0.front() else { return };
        let found = match step(core, *bucket) {
            Ok(Step::More) => return,
            Ok(Step::Gone) => None,
            Ok(Step::Done(found)) => Some(found),
            Err(error) => {
                tracing::warn!(%error, "a bucket is not counted anew");
                None
            }
        };
        let Some((_, replies)) = self.0.pop_front() else { return };
        let Some(found) = found else { return };
        if found.here.0 != found.here.1 || !found.wrong.is_empty() {
            tracing::error!(?found, "counters were wrong and are repaired");
        }
        for reply in replies {
            // Who does not wait any more needs no answer.
            let _ = reply.send(found.clone());
        }
    }
}

/// A key with what is known of it.
type Line = (String, Option<Amount>, Option<Claimed>);

/// Counts a bucket while nothing is written.
pub(crate) fn count_bucket(
    catalog: &Catalog,
    bucket: BucketId,
    template: Option<KeyTemplate>,
) -> Result<Split> {
    let mut fresh = Fresh { template, ..Fresh::default() };
    while fresh.advance(catalog, bucket)? {}
    let mut split = Split::empty(None);
    split.fresh = Some(fresh);
    split.finish();
    Ok(split)
}

impl Fresh {
    /// Counts a portion more; says whether there is more behind it.
    fn advance(&mut self, catalog: &Catalog, bucket: BucketId) -> Result<bool> {
        let (lines, more) = portion(catalog, bucket, self.cursor.as_deref())?;
        self.keys += lines.len() as u64;
        for (key, object, claimed) in &lines {
            let shift = Shift { before: None, after: Counted::of(*object, *claimed) };
            self.rows.shift(self.template.as_ref(), key, shift);
            self.here.shift(object.map(|object| object.size), None);
        }
        if let Some((last, ..)) = lines.into_iter().next_back() {
            self.cursor = Some(last);
        }
        Ok(more)
    }
}

/// The next keys with an object or a ledger record, in order, and whether there are more.
fn portion(catalog: &Catalog, bucket: BucketId, after: Option<&str>) -> Result<(Vec<Line>, bool)> {
    let mut objects: Vec<(String, Amount)> = Vec::new();
    let start = At { bucket, key: after.unwrap_or_default().to_owned() };
    catalog.objects_after(Some(&start), |at, object| {
        if at.bucket != bucket || objects.len() == PORTION {
            return ControlFlow::Break(());
        }
        objects.push((at.key, object.amount()));
        ControlFlow::Continue(())
    })?;
    let mut entries: Vec<(String, Option<Claimed>)> = Vec::new();
    catalog.entries_after(Some(&start), |at, entry| {
        if at.bucket != bucket || entries.len() == PORTION {
            return ControlFlow::Break(());
        }
        entries.push((at.key, entry.claimed));
        ControlFlow::Continue(())
    })?;
    // Behind the last of a full half, the other half may lack what lies between.
    let ends = [
        (objects.len() == PORTION).then(|| objects.last().map(|(key, _)| key.clone())),
        (entries.len() == PORTION).then(|| entries.last().map(|(key, _)| key.clone())),
    ];
    let end = ends.into_iter().flatten().flatten().min();
    let within = |key: &str| end.as_deref().is_none_or(|end| key <= end);
    let mut lines = Vec::with_capacity(objects.len() + entries.len());
    let mut objects = objects.into_iter().filter(|(key, _)| within(key)).peekable();
    for (key, claimed) in entries.into_iter().filter(|(key, _)| within(key)) {
        while let Some((before, amount)) = objects.next_if(|(other, _)| *other < key) {
            lines.push((before, Some(amount), None));
        }
        let object = objects.next_if(|(other, _)| *other == key).map(|(_, amount)| amount);
        lines.push((key, object, claimed));
    }
    lines.extend(objects.map(|(key, amount)| (key, Some(amount), None)));
    Ok((lines, end.is_some()))
}

/// Begins to count a bucket anew, unless that is under way already; `false` where it is no more.
fn begin(core: &Core, bucket: BucketId) -> bool {
    // A bucket in the making has its counters only after that.
    let _still = core.stand_still();
    let buckets = core.buckets();
    let Some((name, _)) = buckets.iter().find(|(_, entry)| entry.id == bucket) else {
        return false;
    };
    let template = core.template(name);
    let now = core.clock.now();
    let mut progress = core.progress();
    if progress.tally.split(bucket).is_none() {
        let unknown = Split { state: State::Frozen(None), ..Split::empty(None) };
        progress.tally.set_split(bucket, unknown);
    }
    if let Some(split) = progress.tally.split_mut(bucket)
        && split.fresh.as_ref().is_none_or(|fresh| fresh.template != template)
    {
        split.begin(template, now);
    }
    true
}

/// What a portion of a recount came to.
enum Step {
    /// There is more to count.
    More,
    /// The bucket is no more.
    Gone,
    /// All is counted.
    Done(Found),
}

/// Counts a portion more of a bucket that [`begin`] was called for.
fn step(core: &Core, bucket: BucketId) -> Result<Step> {
    let catalog = core.catalog()?;
    let _still = core.stand_still();
    let taken = core.progress().tally.split_mut(bucket).and_then(|split| split.fresh.take());
    let Some(mut fresh) = taken else { return Ok(Step::Gone) };
    let more = fresh.advance(&catalog, bucket)?;
    let mut progress = core.progress();
    let before = progress.tally.bucket(bucket);
    let Some(split) = progress.tally.split_mut(bucket) else { return Ok(Step::Gone) };
    split.fresh = Some(fresh);
    if more {
        return Ok(Step::More);
    }
    let Some((state, rows, fresh)) = split.finish() else { return Ok(Step::Gone) };
    let compared = state == State::Exact;
    let wrong = if compared { differences(&rows, &split.rows) } else { Vec::new() };
    progress.tally.set_bucket(bucket, fresh.here);
    // Saved with the next checkpoint, though no record says so.
    progress.records += 1;
    Ok(Step::Done(Found { keys: fresh.keys, here: (before, fresh.here), wrong, compared }))
}

fn differences(old: &Rows, new: &Rows) -> Vec<(Class, Usage, Usage)> {
    let mut both: BTreeMap<Class, (Usage, Usage)> =
        old.iter().map(|(class, usage)| (class, (usage, Usage::default()))).collect();
    for (class, usage) in new.iter() {
        both.entry(class).or_default().1 = usage;
    }
    let wrong = both.into_iter().filter(|(_, (old, new))| old != new);
    wrong.take(TOLD).map(|(class, (old, new))| (class, old, new)).collect()
}
