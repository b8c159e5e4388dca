//! What happened in a migration, entry by entry: written while it goes, read after a restart.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::files::Shelf;
use super::lines::{Lines, encode};
use super::marks::Marks;
use super::plan::Sum;
use super::spec::{Limits, Spec};
use super::state::{Ask, State};
use crate::object::{ETag, Timestamp, UploadId};
use crate::placement::transfer::{Begun, Moved, SentPart, Skip};

/// An entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Entry {
    /// The first one; it is to be run at once, or only planned.
    Created { spec: Box<Spec>, at: Timestamp, ordered: bool },
    /// The order to run, of a plan that was made for itself.
    Ordered { spec: Box<Spec> },
    /// Its plan is whole, and comes to this.
    Planned(Box<Sum>),
    /// It was asked for this.
    Asked(Ask),
    /// It is in this state from now on.
    State { state: State, at: Timestamp, error: Option<Fault> },
    /// It may go so fast from now on.
    Limits(Limits),
    /// The objects of all lines below this may have been touched.
    Touching(u64),
    /// An upload was begun for the object of a line.
    Upload { line: u64, id: String, of: ETag },
    /// A part of it arrived.
    Part { line: u64, part: SentPart },
    /// The object of a line has been seen to.
    Ended {
        line: u64,
        bucket: String,
        key: String,
        size: u64,
        end: End,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        at: Option<Timestamp>,
    },
    /// What happened to it was taken back, or not.
    Undone {
        line: u64,
        bucket: String,
        key: String,
        size: u64,
        end: End,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        at: Option<Timestamp>,
    },
}

/// What became of an object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum End {
    Moved(Box<Moved>),
    Skipped(Skip),
    /// Clients kept writing it.
    Busy,
    /// The migration was ended before.
    Cancelled,
    Conflict(String),
    Failed(String),
}

/// Why a migration could not come to its end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fault {
    /// A word for programs.
    pub code: String,
    /// A sentence for people.
    pub message: String,
}

/// How many objects came to what.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Moved.
    pub moved: u64,
    /// The bytes of those.
    pub moved_bytes: u64,
    /// Left where they are, for a reason.
    pub skipped: u64,
    /// Left where they are, since the target has another object.
    pub conflicts: u64,
    /// Not moved, for a fault.
    pub failed: u64,
}

/// A journal.
#[derive(Clone)]
pub(super) struct Journal {
    shelf: Arc<dyn Shelf>,
    name: String,
}

/// What a journal says.
#[derive(Debug, Default)]
pub(super) struct Told {
    pub(super) created: Option<(Spec, Timestamp)>,
    pub(super) sum: Option<Sum>,
    pub(super) limits: Option<Limits>,
    pub(super) asked: Option<Ask>,
    /// Whether it was ever asked to take back what it moved: it goes nowhere else any more.
    pub(super) back_asked: bool,
    pub(super) state: Option<(State, Timestamp, Option<Fault>)>,
    pub(super) started: Option<Timestamp>,
    pub(super) touching: u64,
    pub(super) ended: Marks,
    pub(super) undone: Marks,
    pub(super) counts: Counts,
    pub(super) back: Counts,
    pub(super) uploads: BTreeMap<u64, Begun>,
    /// Whether the order to run was given.
    pub(super) ordered: bool,
}

impl Counts {
    pub(super) fn count(&mut self, size: u64, end: &End) {
        match end {
            End::Moved(_) => {
                self.moved += 1;
                self.moved_bytes += size;
            }
            End::Skipped(_) | End::Busy | End::Cancelled => self.skipped += 1,
            End::Conflict(_) => self.conflicts += 1,
            End::Failed(_) => self.failed += 1,
        }
    }

    /// How many objects have been seen to.
    pub fn seen(&self) -> u64 {
        self.moved + self.skipped + self.conflicts + self.failed
    }
}

impl Journal {
    pub(super) fn of(shelf: &Arc<dyn Shelf>, id: &str) -> Self {
        Self { shelf: Arc::clone(shelf), name: format!("{id}.journal") }
    }

    /// Notes something; on return it survives an end of the process, and where it is to be
    /// `durable`, of the machine, with all that was noted before.
    pub(super) async fn note(&self, entry: &Entry, durable: bool) -> io::Result<()> {
        self.shelf.append(&self.name, encode(entry)?, durable).await
    }

    /// The entries from `offset` on.
    pub(super) fn entries(&self, offset: u64) -> Lines {
        Lines::of(&self.shelf, &self.name, offset)
    }

    /// Reads it all. A last entry that was cut off is removed.
    pub(super) async fn told(&self) -> io::Result<Told> {
        let mut told = Told::default();
        let mut entries = self.entries(0);
        while let Some(entry) = entries.next::<Entry>().await? {
            told.take(entry);
        }
        self.shelf.cut(&self.name, entries.offset()).await?;
        Ok(told)
    }
}

impl Told {
    fn take(&mut self, entry: Entry) {
        match entry {
            Entry::Created { spec, at, ordered } => {
                self.created = Some((*spec, at));
                self.ordered = ordered;
            }
            Entry::Ordered { spec } => {
                self.ordered = true;
                if let Some((known, _)) = &mut self.created {
                    *known = *spec;
                }
            }
            Entry::Planned(sum) => self.sum = Some(*sum),
            Entry::Asked(ask) => {
                self.asked = Some(ask);
                self.back_asked |= ask == Ask::RollBack;
            }
            Entry::State { state, at, error } => {
                if state == State::Running && self.started.is_none() {
                    self.started = Some(at);
                }
                self.state = Some((state, at, error));
            }
            Entry::Limits(limits) => self.limits = Some(limits),
            Entry::Touching(below) => self.touching = self.touching.max(below),
            Entry::Upload { line, id, of } => {
                let begun = Begun { id: UploadId::new(id), of, parts: Vec::new() };
                self.uploads.insert(line, begun);
            }
            Entry::Part { line, part } => {
                if let Some(begun) = self.uploads.get_mut(&line) {
                    begun.parts.push(part);
                }
            }
            Entry::Ended { line, size, end, .. } => {
                self.uploads.remove(&line);
                if self.ended.set(line) {
                    self.counts.count(size, &end);
                }
            }
            Entry::Undone { line, size, end, .. } => {
                self.uploads.remove(&line);
                if self.undone.set(line) {
                    self.back.count(size, &end);
                }
            }
        }
    }
}
