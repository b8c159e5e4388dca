//! What a clean-up notes: what was asked for, what it is about to remove, before it does, and what
//! came of that.

use std::io;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::admin::job::JobState;
use crate::migrate::{Lines, Shelf, encode};
use crate::object::Timestamp;

/// What was asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Order {
    /// Whether it is the upstream that is cleaned up.
    pub(super) away: bool,
    /// Whether nothing is removed.
    pub(super) dry_run: bool,
    pub(super) bucket: Option<String>,
    /// Whether a manifest came along.
    pub(super) manifest: bool,
    /// The most objects that may be deleted.
    pub(super) most: u64,
    /// Only an object that was last modified before this goes ...
    pub(super) before: Timestamp,
    /// ... and only an upload that was begun before this.
    pub(super) uploads_before: Timestamp,
}

/// Something that nothing refers to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Orphan {
    pub(super) what: What,
    /// Empty of a file.
    pub(super) bucket: String,
    /// Its name, of a file.
    pub(super) key: String,
    pub(super) size: u64,
    /// Empty where there is none.
    pub(super) etag: String,
    /// When it was last modified, or begun.
    pub(super) at: Option<Timestamp>,
    /// Of an upload, its id.
    pub(super) upload: Option<String>,
    /// Why it is one, where that differs.
    pub(super) why: String,
}

/// What an orphan is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum What {
    /// A file of the store that no record names.
    File,
    /// A multipart upload that nobody will finish.
    Upload,
    /// A local copy that is nobody's: its object is upstream.
    Copy,
    /// An object that the application no longer refers to.
    Object,
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Outcome {
    Deleted,
    /// It stays, for this reason.
    Kept(String),
    /// It could not be removed.
    Failed(String),
    /// The clean-up was over before.
    Left,
}

/// What was found and done so far.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Found {
    pub(super) objects: u64,
    pub(super) bytes: u64,
    pub(super) deleted: u64,
    pub(super) deleted_bytes: u64,
    /// Objects that were written meanwhile.
    pub(super) kept: u64,
    /// Objects that are too young.
    pub(super) young: u64,
    /// Whatever could not be removed.
    pub(super) failed: u64,
    pub(super) files: u64,
    pub(super) file_bytes: u64,
    pub(super) uploads: u64,
    pub(super) copies: u64,
    pub(super) copy_bytes: u64,
    /// Files, uploads and copies that are gone.
    pub(super) orphans_removed: u64,
}

/// A line of a journal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Entry {
    /// The first one.
    Begun { order: Order, at: Timestamp },
    /// The orphan of this number was found, and unless it is a dry run, it may be removed from now
    /// on.
    Going { number: u64, orphan: Orphan },
    /// What came of it.
    Came { number: u64, outcome: Outcome, at: Timestamp },
    /// What was found before the first object is deleted.
    Counted(Found),
    /// It is over.
    Ended { state: JobState, error: Option<String>, at: Timestamp, found: Found },
}

/// A journal that is being written.
pub(super) struct Journal {
    shelf: Arc<dyn Shelf>,
    name: String,
}

/// The file of a clean-up's journal.
pub(super) fn name(id: &str) -> String {
    format!("{id}.journal")
}

impl Journal {
    pub(super) fn of(shelf: &Arc<dyn Shelf>, id: &str) -> Self {
        Self { shelf: Arc::clone(shelf), name: name(id) }
    }

    /// Notes all of these at once. On return they survive an end of the process, and where they
    /// are to be `durable`, of the machine, with all that was noted before.
    pub(super) async fn note(&self, entries: &[Entry], durable: bool) -> io::Result<()> {
        let mut lines = Vec::new();
        for entry in entries {
            lines.extend(encode(entry)?);
        }
        self.shelf.append(&self.name, lines, durable).await
    }

    pub(super) fn entries(&self) -> Lines {
        Lines::of(&self.shelf, &self.name, 0)
    }
}

impl Found {
    /// Counts an orphan that was found.
    pub(super) fn find(&mut self, orphan: &Orphan) {
        let (count, bytes) = match orphan.what {
            What::File => (&mut self.files, Some(&mut self.file_bytes)),
            What::Upload => (&mut self.uploads, None),
            What::Copy => (&mut self.copies, Some(&mut self.copy_bytes)),
            What::Object => (&mut self.objects, Some(&mut self.bytes)),
        };
        *count += 1;
        if let Some(bytes) = bytes {
            *bytes = bytes.saturating_add(orphan.size);
        }
    }

    /// Counts what came of one.
    pub(super) fn count(&mut self, orphan: &Orphan, outcome: &Outcome) {
        match (outcome, orphan.what) {
            (Outcome::Deleted, What::Object) => {
                self.deleted += 1;
                self.deleted_bytes = self.deleted_bytes.saturating_add(orphan.size);
            }
            (Outcome::Deleted, _) => self.orphans_removed += 1,
            (Outcome::Kept(_), What::Object) => self.kept += 1,
            (Outcome::Failed(_), _) => self.failed += 1,
            (Outcome::Kept(_) | Outcome::Left, _) => {}
        }
    }
}
