//! The records that a moved object has on its way: pure.
//!
//! | step | record |
//! | --- | --- |
//! | it may be arriving upstream | `Local`, `Put`, with its tag among the unsure ones |
//! | it is upstream | `Remote` |
//! | it is at home, and is to leave the upstream | `Local`, `Delete` |
//! | it is at home, and the upstream's copy stays | `Local`, with what the upstream has |
//! | it is at home alone | none |

use crate::object::{Encrypted, ObjectInfo, Timestamp};
use crate::placement::location::{Location, Remote, Task, Todo, Truth};
use crate::placement::route::Upstream;
use crate::store::ObjectPath;

/// Upstream, with a copy at home that stays or not.
pub(super) fn upstream(remote: Remote, kept: bool, now: Timestamp) -> Location {
    Location { truth: Truth::Remote, todo: None, remote: Some(remote), updated_at: now, kept }
}

/// At home; what the upstream has is stale, and stays or not.
pub(super) fn at_home(remote: Remote, kept: bool, now: Timestamp) -> Location {
    let todo = (!kept).then(|| Todo::new(Task::Delete, now));
    Location { truth: Truth::Local, todo, remote: Some(remote), updated_at: now, kept: false }
}

/// What a record was before it told that the object may be arriving upstream.
pub(super) fn before(record: Location) -> Option<Location> {
    record.remote.is_some().then_some(Location { todo: None, ..record })
}

/// At home for good, where nobody knows whether it arrived upstream: what is there of it goes.
pub(super) fn withdrawn(record: Location) -> Location {
    let todo = record.todo.map(|todo| Todo { task: Task::Delete, attempts: 0, ..todo });
    Location { todo, ..record }
}

/// Whether a record tells of a put that is tried still.
pub(super) fn is_announced(record: &Location) -> bool {
    let put = |todo: &Todo| todo.task == Task::Put && todo.failed.is_none();
    record.truth == Truth::Local && record.todo.as_ref().is_some_and(put)
}

/// Whether a record tells that the upstream's copy is to go since the object is at home.
pub(super) fn is_leaving(record: &Location) -> bool {
    let delete = |todo: &Todo| todo.task == Task::Delete;
    record.truth == Truth::Local && record.todo.as_ref().is_some_and(delete)
}

/// What the upstream has: an object that clients know as `shown`.
pub(super) fn remote(
    at: &ObjectPath,
    upstream: &Upstream,
    shown: &ObjectInfo,
    there: &ObjectInfo,
) -> Remote {
    let (bucket, prefix) = (upstream.target)(&at.bucket);
    Remote {
        bucket,
        key: format!("{prefix}{}", at.key),
        etag: shown.etag.clone(),
        upstream_etag: there.etag.clone(),
        size: shown.size,
        last_modified: shown.last_modified,
        asked: Encrypted::was_asked(shown.encryption),
    }
}
