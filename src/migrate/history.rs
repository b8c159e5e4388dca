//! What migrations did to one object, by what their journals say.

use std::io;

use super::Migrations;
use super::job::Job;
use super::journal::{End, Entry};
use crate::object::Timestamp;
use crate::placement::transfer::Direction;
use crate::store::ObjectPath;

/// Something that a migration did to an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Happened {
    /// When.
    pub at: Timestamp,
    /// Which migration.
    pub migration: String,
    /// Where it goes.
    pub direction: Direction,
    /// Whether that was on its way back.
    pub back: bool,
    /// The entity tag of what was moved; or why nothing was.
    pub end: Result<String, String>,
}

impl Migrations {
    /// What happened to an object, in no order, reading up to `budget` bytes of journals, those of
    /// the newest migrations first; and whether that is all.
    pub async fn history(
        &self,
        at: &ObjectPath,
        mut budget: u64,
    ) -> io::Result<(Vec<Happened>, bool)> {
        let jobs: Vec<_> = self.jobs().values().rev().cloned().collect();
        let named = key_field(at)?;
        let mut found = Vec::new();
        for job in jobs {
            if !may_have_touched(&job, at) {
                continue;
            }
            let mut entries = job.journal.entries(0);
            let end = budget;
            while let Some(entry) = entries.find(end, |line| line.contains(&named)).await? {
                found.extend(happened(&job, at, entry));
            }
            budget = budget.saturating_sub(entries.offset());
            if budget == 0 {
                return Ok((found, false));
            }
        }
        Ok((found, true))
    }
}

fn may_have_touched(job: &Job, at: &ObjectPath) -> bool {
    let (bucket, key) = (at.bucket.as_str(), at.key.as_str());
    job.look(|board| {
        let filter = &board.spec.filter;
        board.ordered
            && filter.bucket.as_deref().is_none_or(|it| it == bucket)
            && key.starts_with(&filter.prefix)
    })
}

/// How a line of a journal names a key.
pub(crate) fn key_field(at: &ObjectPath) -> io::Result<String> {
    Ok(format!("\"key\":{}", serde_json::to_string(at.key.as_str())?))
}

fn happened(job: &Job, of: &ObjectPath, entry: Entry) -> Option<Happened> {
    let (bucket, key, end, at, back) = match entry {
        Entry::Ended { bucket, key, end, at, .. } => (bucket, key, end, at, false),
        Entry::Undone { bucket, key, end, at, .. } => (bucket, key, end, at, true),
        _ => return None,
    };
    if bucket != of.bucket.as_str() || key != of.key.as_str() {
        return None;
    }
    let end = match end {
        End::Moved(moved) => Ok(moved.object.etag.as_str().to_owned()),
        End::Conflict(why) | End::Failed(why) => Err(why),
        // Nothing happened to it.
        End::Skipped(_) | End::Busy | End::Cancelled => return None,
    };
    Some(Happened {
        // Lines did not always have a time.
        at: at.unwrap_or_else(|| job.look(|board| board.changed)),
        migration: job.id.clone(),
        direction: job.direction(),
        back,
        end,
    })
}
