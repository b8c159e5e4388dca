//! What clean-ups did to one object, by what their journals say.

use std::collections::BTreeMap;
use std::io;

use serde_json::Value;

use super::journal::{Entry, Orphan, Outcome};
use super::{Cleanups, KIND, is_dry_run};
use crate::admin::history::Event;
use crate::admin::job::{Jobs, Told};
use crate::migrate::key_field;
use crate::object::Timestamp;
use crate::store::ObjectPath;

/// What happened to an object, in no order, reading up to `budget` bytes of journals, the newest
/// first; and whether that is all.
pub(in crate::admin) async fn history(
    cleanups: &Cleanups,
    jobs: &Jobs,
    at: &ObjectPath,
    mut budget: u64,
) -> io::Result<(Vec<Event>, bool)> {
    let named = key_field(at)?;
    let mut events = Vec::new();
    for told in jobs.all(KIND).iter().filter(|told| may_have_touched(told, at)) {
        let mut entries = cleanups.entries(&told.id);
        let mut open: BTreeMap<u64, Orphan> = BTreeMap::new();
        let end = budget;
        loop {
            let ends: Vec<String> = open.keys().map(|it| format!("\"number\":{it},")).collect();
            let wanted = |line: &str| {
                line.contains(&named) || ends.iter().any(|end| line.contains(end.as_str()))
            };
            match entries.find::<Entry>(end, wanted).await? {
                None => break,
                Some(Entry::Going { number, orphan }) if is_of(&orphan, at) => {
                    open.insert(number, orphan);
                }
                Some(Entry::Came { number, outcome, at }) => {
                    if let Some(orphan) = open.remove(&number) {
                        events.extend(event(told, orphan, Some((outcome, at))));
                    }
                }
                Some(_) => {}
            }
        }
        if told.is_over() {
            events.extend(open.into_values().filter_map(|orphan| event(told, orphan, None)));
        }
        budget = budget.saturating_sub(entries.offset());
        if budget == 0 {
            return Ok((events, false));
        }
    }
    Ok((events, true))
}

fn may_have_touched(told: &Told, at: &ObjectPath) -> bool {
    let bucket = told.shown.get("bucket").and_then(Value::as_str);
    !is_dry_run(told) && bucket.is_none_or(|bucket| bucket == at.bucket.as_str())
}

fn is_of(orphan: &Orphan, at: &ObjectPath) -> bool {
    orphan.bucket == at.bucket.as_str() && orphan.key == at.key.as_str()
}

/// `None` where nothing happened to it.
fn event(told: &Told, orphan: Orphan, came: Option<(Outcome, Timestamp)>) -> Option<Event> {
    let what = orphan.what.name();
    let (event, why, at) = match came {
        Some((Outcome::Deleted, at)) => ("cleaned_up", orphan.why, at),
        Some((Outcome::Failed(why), at)) => ("not_cleaned_up", why, at),
        Some((Outcome::Kept(_) | Outcome::Left, _)) => return None,
        None => {
            let why = "the clean-up ended before what came of it was noted".to_owned();
            ("may_be_cleaned_up", why, told.until.unwrap_or(told.since))
        }
    };
    let (id, detail) = (Some(told.id.clone()), format!("{what}: {why}"));
    Some(Event { at, event, source: "cleanup", id, detail })
}
