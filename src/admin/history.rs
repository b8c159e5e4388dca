//! What became of one object, the newest first: by the journals of migrations and clean-ups, and by
//! what its record tells. Nothing is noted for this alone, so what no journal has is not told.

use std::io;

use http::StatusCode;
use serde::Serialize;

use super::cleanup;
use super::reply::Fault;
use super::view::Views;
use crate::migrate::Happened;
use crate::object::Timestamp;
use crate::placement::Location;
use crate::placement::location::{Task, Truth};
use crate::placement::transfer::Direction;
use crate::store::ObjectPath;

/// The most events that are told.
const MOST: usize = 100;
/// How many bytes of the journals of migrations are read, and of those of clean-ups.
const BUDGET: u64 = 64 << 20;
/// An object that was recorded upstream by so many milliseconds later than it was written was
/// here in between.
const LATER: i64 = 2000;

/// What became of an object.
#[derive(Debug, Clone, Default, Serialize)]
pub(super) struct History {
    /// The newest first.
    pub(super) history: Vec<Event>,
    /// Whether that is all there was to read.
    pub(super) history_complete: bool,
}

/// Something that happened to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Event {
    #[serde(serialize_with = "iso8601")]
    pub(super) at: Timestamp,
    pub(super) event: &'static str,
    /// What tells of it: `migration`, `cleanup`, `record` or `object`.
    pub(super) source: &'static str,
    /// Of the migration or clean-up.
    pub(super) id: Option<String>,
    pub(super) detail: String,
}

impl Event {
    fn recorded(at: Timestamp, event: &'static str, detail: impl Into<String>) -> Self {
        Self { at, event, source: "record", id: None, detail: detail.into() }
    }
}

impl Event {
    /// Objects have the next whole second as their time: what became of one before that second
    /// came after it was written all the same.
    fn order(&self) -> i64 {
        self.at.0 - if self.source == "object" { 999 } else { 0 }
    }
}

/// The history of an object with this record, last written at `written` where it is there.
pub(super) async fn of(
    views: &Views,
    at: &ObjectPath,
    record: Option<&Location>,
    written: Option<Timestamp>,
) -> Result<History, Fault> {
    let (moves, all_moves) = match &views.migrations {
        Some(migrations) => migrations.history(at, BUDGET).await.map_err(|error| unread(&error))?,
        None => (Vec::new(), true),
    };
    let cleanups = cleanup::history(&views.cleanups, &views.jobs, at, BUDGET);
    let (mut events, all_cleanups) = cleanups.await.map_err(|error| unread(&error))?;
    let complete = all_moves && all_cleanups;
    events.extend(record.into_iter().flat_map(|record| told(record, &moves, complete)));
    events.extend(moves.into_iter().map(moved));
    events.extend(written.map(|at| Event {
        at,
        event: "written",
        source: "object",
        id: None,
        detail: String::new(),
    }));
    events.sort_by_key(|event| std::cmp::Reverse(event.order()));
    let mut latest = Timestamp(i64::MAX);
    for event in &mut events {
        event.at = event.at.min(latest);
        latest = event.at;
    }
    let history_complete = complete && events.len() <= MOST;
    events.truncate(MOST);
    Ok(History { history: events, history_complete })
}

/// What a record tells. `complete` says whether `moves` are all that migrations did.
fn told(record: &Location, moves: &[Happened], complete: bool) -> Vec<Event> {
    let mut events = Vec::new();
    if let Some(todo) = &record.todo {
        let detail = match (todo.task, record.truth) {
            (Task::Put, _) => "it waits to be put upstream",
            (Task::Delete, Truth::Gone) => "it was deleted; that waits to be done upstream",
            (Task::Delete, _) => "what the upstream has of it waits to be removed there",
        };
        events.push(Event::recorded(todo.since, "spooled", detail));
        if let Some(why) = &todo.failed {
            events.push(Event::recorded(record.updated_at, "dead_letter", why.as_str()));
        }
    }
    let remote = record.remote.as_ref().filter(|_| record.truth == Truth::Remote);
    if let (Some(remote), None) = (remote, &record.todo) {
        let by_migration = moves.iter().any(|it| {
            let there = it.direction == Direction::ToS3;
            there != it.back && it.end.as_deref() == Ok(remote.etag.as_str())
        });
        let later = record.updated_at.0.saturating_sub(remote.last_modified.0) >= LATER;
        let event = if later && complete { "forwarded" } else { "stored_upstream" };
        if !by_migration {
            let place = format!("as {}/{}", remote.bucket, remote.key);
            // It did not arrive before it was written, whatever the clocks say.
            let at = record.updated_at.max(remote.last_modified);
            events.push(Event::recorded(at, event, place));
        }
    }
    events
}

fn moved(it: Happened) -> Event {
    let there = (it.direction == Direction::ToS3) != it.back;
    let (event, detail) = match (&it.end, it.back) {
        (Ok(_), false) if there => ("moved_to_s3", String::new()),
        (Ok(_), false) => ("moved_to_local", String::new()),
        (Ok(_), true) => ("rolled_back", if there { "to s3" } else { "to local" }.to_owned()),
        (Err(why), false) => ("not_moved", why.clone()),
        (Err(why), true) => ("not_rolled_back", why.clone()),
    };
    Event { at: it.at, event, source: "migration", id: Some(it.migration), detail }
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde hands it in so")]
fn iso8601<S: serde::Serializer>(at: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&at.iso8601())
}

fn unread(error: &io::Error) -> Fault {
    tracing::error!(%error, "the journals cannot be read for an object's history");
    let message = "a journal cannot be read; the log says which";
    Fault::new(StatusCode::INTERNAL_SERVER_ERROR, "InternalError", message)
}
