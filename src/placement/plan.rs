//! The mode table: what a call does on a key, by the bucket's mode and what is known of the key.
//!
//! Pure. This is the only file that decides by a [`Mode`]; everything else carries out what it
//! says. Reads, by what the key's record says:
//!
//! | record | `local` | `upstream` | `fallback` | `overlay` | `mirror` |
//! | --- | --- | --- | --- | --- | --- |
//! | none | home | home, upstream | home, upstream | | |
//! | `Local`, nothing upstream | home | home, upstream | home, upstream | | |
//! | `Local`, stale upstream | home, upstream | home, upstream | home, upstream | | |
//! | `Remote` | upstream | upstream | upstream | | |
//! | `Gone` | nobody | nobody | nobody | | |
//!
//! Writes and deletes; "waits" is a key of which the upstream has still to be told something:
//!
//! | record | `local` | `upstream` | `fallback` | `overlay` | `mirror` |
//! | --- | --- | --- | --- | --- | --- |
//! | none | at home | upstream | upstream, else spooled | | |
//! | one, not waiting | at home, the record follows | upstream | upstream, else spooled | | |
//! | one, waiting | at home, the record follows | upstream, after the sender | spooled | | |
//!
//! A local copy under a `Remote` or `Gone` record is what a crash left over, and is nobody's: it is
//! neither read nor listed. The columns of `overlay` and `mirror` are kept for those modes.

use super::location::{Location, Remote, Task, Todo, Truth};
use super::route::Mode;
use crate::object::{ETag, Replication, Timestamp};

/// What the record says of a key, as far as the table goes by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Known {
    /// There is no record.
    Nothing,
    /// The object is at home, or was never finished there.
    Local {
        /// Whether the upstream is to be told something.
        waits: bool,
        /// Whether the upstream is known to have had something.
        remote: bool,
    },
    /// The object is upstream.
    Remote {
        /// Whether the upstream is to be told something.
        waits: bool,
    },
    /// The key is deleted.
    Gone {
        /// Whether the upstream is to be told so.
        waits: bool,
    },
}

/// A layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Layer {
    /// The local disk.
    Home,
    /// The upstream bucket.
    Upstream,
}

/// How a write is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Write {
    /// At home, which decides everything.
    Home,
    /// At home; the record then says that what the upstream has is stale.
    HomeAndRecord,
    /// Upstream, or not at all; what is left over at home then goes.
    Upstream,
    /// Upstream, and where that fails, at home to be forwarded.
    Both,
    /// At home, to be forwarded.
    Spool,
}

/// How a delete is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Delete {
    /// At home, which decides everything.
    Home,
    /// Nothing is there any more.
    Nothing,
    /// By the record, of which the upstream is told later.
    Journal,
    /// Upstream, or not at all; what is left over at home then goes.
    Upstream,
    /// Upstream, and where that fails, by the record.
    UpstreamElseJournal,
}

/// How an upload whose parts are at home becomes an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Finish {
    /// As every write at home.
    Home,
    /// At home, and the record follows.
    HomeAndRecord,
    /// At home, to be forwarded.
    Spool,
    /// At home, to be forwarded before anyone hears of it.
    SpoolAndWait,
}

/// Of what a listing is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum View {
    /// What is at home, and the records of what is upstream.
    Records,
    /// What is at home, and what the upstream lists.
    Layers,
}

impl Known {
    /// What a record says.
    pub(super) fn of(record: Option<&Location>) -> Self {
        let Some(location) = record else { return Self::Nothing };
        let waits = location.todo.is_some();
        match location.truth {
            Truth::Local => Self::Local { waits, remote: location.remote.is_some() },
            Truth::Remote => Self::Remote { waits },
            Truth::Gone => Self::Gone { waits },
        }
    }

    /// Whether the upstream is to be told something.
    pub(super) fn waits(self) -> bool {
        match self {
            Self::Nothing => false,
            Self::Local { waits, .. } | Self::Remote { waits } | Self::Gone { waits } => waits,
        }
    }
}

/// Who is asked for the key's object, one after the other: it is the first one's that has it.
pub(super) fn reads(mode: Mode, known: Known) -> &'static [Layer] {
    match (mode, known) {
        (Mode::Local, Known::Nothing | Known::Local { remote: false, .. }) => &[Layer::Home],
        (Mode::Local, Known::Local { remote: true, .. })
        | (Mode::Upstream | Mode::Fallback, Known::Nothing | Known::Local { .. }) => {
            &[Layer::Home, Layer::Upstream]
        }
        (Mode::Local | Mode::Upstream | Mode::Fallback, Known::Remote { .. }) => &[Layer::Upstream],
        (Mode::Local | Mode::Upstream | Mode::Fallback, Known::Gone { .. }) => &[],
    }
}

/// Whose the key's object is, once it is known whether there is one at home; `None` where there is
/// no object.
pub(super) fn holder(mode: Mode, known: Known, at_home: bool) -> Option<Layer> {
    let asked = reads(mode, known).iter();
    asked.copied().find(|layer| *layer == Layer::Upstream || at_home)
}

/// How a key is written.
pub(super) fn write(mode: Mode, known: Known) -> Write {
    match (mode, known) {
        (Mode::Local, Known::Nothing) => Write::Home,
        (Mode::Local, Known::Local { .. } | Known::Remote { .. } | Known::Gone { .. }) => {
            Write::HomeAndRecord
        }
        (
            Mode::Upstream,
            Known::Nothing | Known::Local { .. } | Known::Remote { .. } | Known::Gone { .. },
        ) => Write::Upstream,
        (
            Mode::Fallback,
            Known::Nothing
            | Known::Local { waits: false, .. }
            | Known::Remote { waits: false }
            | Known::Gone { waits: false },
        ) => Write::Both,
        (
            Mode::Fallback,
            Known::Local { waits: true, .. }
            | Known::Remote { waits: true }
            | Known::Gone { waits: true },
        ) => Write::Spool,
    }
}

/// How a key is deleted.
pub(super) fn delete(mode: Mode, known: Known) -> Delete {
    match (mode, known) {
        (Mode::Local, Known::Nothing) => Delete::Home,
        (Mode::Local, Known::Local { .. } | Known::Remote { .. })
        | (Mode::Fallback, Known::Local { waits: true, .. } | Known::Remote { waits: true }) => {
            Delete::Journal
        }
        (Mode::Local, Known::Gone { .. }) | (Mode::Fallback, Known::Gone { waits: true }) => {
            Delete::Nothing
        }
        (
            Mode::Upstream,
            Known::Nothing | Known::Local { .. } | Known::Remote { .. } | Known::Gone { .. },
        ) => Delete::Upstream,
        (
            Mode::Fallback,
            Known::Nothing
            | Known::Local { waits: false, .. }
            | Known::Remote { waits: false }
            | Known::Gone { waits: false },
        ) => Delete::UpstreamElseJournal,
    }
}

/// Whether the forwarder has to be kept out while the upstream is written.
pub(super) fn keeps_sender_out(mode: Mode, known: Known) -> bool {
    match mode {
        // Nothing goes upstream but through the forwarder, or what it sends is not waiting.
        Mode::Local | Mode::Fallback => false,
        Mode::Upstream => known.waits(),
    }
}

/// How an upload at home is completed.
pub(super) fn finish(mode: Mode, known: Known) -> Finish {
    match (mode, known) {
        (Mode::Local, Known::Nothing) => Finish::Home,
        (Mode::Local, Known::Local { .. } | Known::Remote { .. } | Known::Gone { .. }) => {
            Finish::HomeAndRecord
        }
        (
            Mode::Upstream,
            Known::Nothing | Known::Local { .. } | Known::Remote { .. } | Known::Gone { .. },
        ) => Finish::SpoolAndWait,
        (
            Mode::Fallback,
            Known::Nothing | Known::Local { .. } | Known::Remote { .. } | Known::Gone { .. },
        ) => Finish::Spool,
    }
}

/// Whether what home takes in is on its way upstream.
pub(super) fn spools(mode: Mode) -> bool {
    match mode {
        Mode::Local => false,
        Mode::Upstream | Mode::Fallback => true,
    }
}

/// Whether a write is kept here while the upstream is away.
pub(super) fn keeps_for_later(mode: Mode) -> bool {
    mode == Mode::Fallback
}

/// Where a new upload is begun.
pub(super) fn begins_upload(mode: Mode) -> Layer {
    match mode {
        Mode::Local | Mode::Fallback => Layer::Home,
        Mode::Upstream => Layer::Upstream,
    }
}

/// Whether an upload that isn't known at home may be one of the upstream's.
pub(super) fn knows_foreign_uploads(mode: Mode) -> bool {
    match mode {
        Mode::Local => false,
        Mode::Upstream | Mode::Fallback => true,
    }
}

/// Whether the upstream's uploads are listed.
pub(super) fn lists_foreign_uploads(mode: Mode) -> bool {
    match mode {
        Mode::Local | Mode::Fallback => false,
        Mode::Upstream => true,
    }
}

/// Of what a listing is made. `Layers` cannot be made without the upstream.
pub(super) fn view(mode: Mode) -> View {
    match mode {
        Mode::Local => View::Records,
        Mode::Upstream | Mode::Fallback => View::Layers,
    }
}

/// Whether a bucket comes and goes upstream together with the one at home. Buckets that the
/// configuration names are not the gateway's to make.
pub(super) fn shares_buckets(mode: Mode, configured: bool) -> bool {
    match mode {
        Mode::Local => false,
        Mode::Upstream | Mode::Fallback => !configured,
    }
}

/// How far an object is on its way.
pub(super) fn replication(mode: Mode, held: Layer, todo: Option<&Todo>) -> Option<Replication> {
    match (mode, held) {
        (Mode::Local, Layer::Home | Layer::Upstream) | (Mode::Upstream, Layer::Upstream) => None,
        (Mode::Fallback, Layer::Upstream) => Some(Replication::Completed),
        (Mode::Upstream | Mode::Fallback, Layer::Home) => {
            let todo = todo.filter(|todo| todo.task == Task::Put)?;
            Some(match todo.failed {
                None => Replication::Pending,
                Some(_) => Replication::Failed,
            })
        }
    }
}

/// Whether answers show tag and time of the record instead of the upstream's. In `upstream` mode
/// several gateways give the same answers, so that only a tag that clients know counts.
pub(super) fn shows_record(mode: Mode, remote: &Remote) -> bool {
    match mode {
        Mode::Local | Mode::Fallback => true,
        Mode::Upstream => remote.etag != remote.upstream_etag,
    }
}

/// Whether the record of a write that is spooled is made before the object, so that none of it is
/// ever forgotten. Every record that there is already masks the new object or covers it as well.
pub(super) fn records_first(known: Known) -> bool {
    match known {
        Known::Nothing => true,
        Known::Local { .. } | Known::Remote { .. } | Known::Gone { .. } => false,
    }
}

/// The record of an object that was put at home and waits.
pub(super) fn spooled(before: Option<&Location>, now: Timestamp) -> Location {
    following(before, Truth::Local, Task::Put, now)
}

/// The record of a deleted key of which the upstream is to be told.
pub(super) fn deleted(before: Option<&Location>, now: Timestamp) -> Location {
    following(before, Truth::Gone, Task::Delete, now)
}

/// The record of an object that was put at home to stay there: what the upstream has is to go. An
/// object that never was on its way there goes on waiting for another mode.
pub(super) fn superseded(before: &Location, now: Timestamp) -> Option<Location> {
    let task = match (&before.todo, &before.remote) {
        (None, None) => return None,
        (Some(Todo { task: Task::Put, unsure, .. }), None) if unsure.is_empty() => Task::Put,
        (Some(_) | None, Some(_)) | (Some(_), None) => Task::Delete,
    };
    Some(following(Some(before), Truth::Local, task, now))
}

/// The record of a key that is about to be written upstream: nothing of it has changed yet, but the
/// upstream may have this content from now on. Where the write is never heard of again, the
/// forwarder finds out. Where there was nothing, whatever the upstream has is the key's.
pub(super) fn announced(
    before: Option<&Location>,
    at_home: bool,
    tag: Option<&ETag>,
    now: Timestamp,
) -> Location {
    let truth = if at_home { Truth::Local } else { Truth::Remote };
    let fresh = || following(None, truth, Task::Put, now);
    let mut record = before.cloned().unwrap_or_else(fresh);
    let todo = record.todo.get_or_insert_with(|| Todo::new(Task::Put, now));
    if let Some(tag) = tag {
        todo.note_unsure(tag);
    }
    record
}

/// The record of an object that is upstream.
pub(super) fn settled(remote: Remote, now: Timestamp) -> Location {
    Location {
        truth: Truth::Remote,
        todo: None,
        remote: Some(remote),
        updated_at: now,
        kept: false,
    }
}

fn following(before: Option<&Location>, truth: Truth, task: Task, now: Timestamp) -> Location {
    let todo = Todo::after(before.and_then(|before| before.todo.as_ref()), task, now);
    let remote = before.and_then(|before| before.remote.clone());
    Location { truth, todo: Some(todo), remote, updated_at: now, kept: false }
}

#[cfg(test)]
#[path = "plan_tests.rs"]
mod tests;
