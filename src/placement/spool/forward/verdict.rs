//! Whether what the upstream shows of a key may be replaced: pure.
//!
//! What a record knows of the upstream is the tag that it was last known to have there, and the
//! tags of contents that were on their way there. Anything else was written by somebody else.

use crate::object::{ETag, ETagMatch, ObjectInfo, Timestamp, WriteCondition};
use crate::placement::location::{Location, Truth};

/// What to do about a local object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum PutVerdict {
    /// The upstream has it: the answer to sending it was lost.
    Arrived,
    /// Send it, on this condition.
    Send(WriteCondition),
    /// Leave the upstream alone.
    Conflict(String),
}

/// What to do about a delete.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum DeleteVerdict {
    /// There is nothing of ours.
    Nothing,
    /// Remove it, on this condition.
    Remove(WriteCondition),
    /// Leave the upstream alone.
    Conflict(String),
}

/// Judges a put by what the upstream shows.
pub(super) fn on_put(
    record: &Location,
    object: &ObjectInfo,
    found: Option<&ObjectInfo>,
) -> PutVerdict {
    let Some(found) = found else { return PutVerdict::Send(WriteCondition::Absent) };
    let same = found.etag == object.etag && found.size == object.size;
    if same && !is_recorded(record, found) && is_wholly_same(object, found) {
        return PutVerdict::Arrived;
    }
    if same || may_be_replaced(record, found) {
        return PutVerdict::Send(if_match(&found.etag));
    }
    PutVerdict::Conflict(conflict(record, found))
}

/// Judges a delete by what the upstream shows.
pub(super) fn on_delete(record: &Location, found: Option<&ObjectInfo>) -> DeleteVerdict {
    let Some(found) = found else { return DeleteVerdict::Nothing };
    if may_be_replaced(record, found) {
        return DeleteVerdict::Remove(if_match(&found.etag));
    }
    match record.truth {
        // The copy that became stale is gone, and its successor is not ours.
        Truth::Local => DeleteVerdict::Nothing,
        Truth::Remote | Truth::Gone => DeleteVerdict::Conflict(conflict(record, found)),
    }
}

fn is_recorded(record: &Location, found: &ObjectInfo) -> bool {
    record.remote.as_ref().is_some_and(|remote| remote.upstream_etag == found.etag)
}

/// Where nothing is recorded, what was there when the key began to wait is what the client
/// replaced.
fn may_be_replaced(record: &Location, found: &ObjectInfo) -> bool {
    let unsure = record.todo.as_ref().is_some_and(|todo| todo.unsure.contains(&found.etag));
    let older = record.remote.is_none() && found.last_modified <= since(record).ceil_second();
    is_recorded(record, found) || unsure || older
}

fn since(record: &Location) -> Timestamp {
    record.todo.as_ref().map_or(record.updated_at, |todo| todo.since)
}

/// Whether sending the object would change nothing. Tags are not shown by a head, only counted.
fn is_wholly_same(object: &ObjectInfo, found: &ObjectInfo) -> bool {
    object.metadata == found.metadata && object.tag_count == 0 && found.tag_count == 0
}

fn if_match(etag: &ETag) -> WriteCondition {
    WriteCondition::Matches(ETagMatch::Tags(vec![etag.clone()]))
}

fn conflict(record: &Location, found: &ObjectInfo) -> String {
    let expected = match &record.remote {
        Some(remote) => format!("ETag {} was recorded", remote.upstream_etag.quoted()),
        None => format!("the key waits since {}", since(record).iso8601()),
    };
    format!(
        "written behind the gateway's back: upstream has ETag {} of {}, but {expected}; it was left \
         as it is: move it away there, then retry",
        found.etag.quoted(),
        found.last_modified.iso8601(),
    )
}

#[cfg(test)]
#[path = "verdict_tests.rs"]
mod tests;
