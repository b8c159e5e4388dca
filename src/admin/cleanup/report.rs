//! What became of everything that a clean-up found, read out of its journal as it is asked for: a
//! line each, as JSON or CSV.

use std::collections::BTreeMap;
use std::collections::VecDeque;
use std::io;

use serde::Serialize;

use super::journal::{Entry, Orphan, Outcome, What};
use crate::admin::stream::Pieces;
use crate::migrate::{Format, Lines, csv_field};
use crate::object::Timestamp;

/// How much of a report is given at once.
const PIECE: usize = 64 * 1024;

/// The names of the fields, in order.
const FIELDS: [&str; 10] = [
    "what",
    "bucket",
    "key",
    "size",
    "etag",
    "last_modified",
    "upload_id",
    "outcome",
    "reason",
    "at",
];

/// A report being read.
#[allow(clippy::struct_excessive_bools, reason = "each says one thing, named by its field")]
pub(super) struct Report {
    entries: Lines,
    /// Whether nothing more comes.
    over: bool,
    dry_run: bool,
    format: Format,
    begun: bool,
    /// What was noted before it was to go, and of which no outcome was read yet.
    open: BTreeMap<u64, Orphan>,
    /// Rows that were made of one entry.
    ready: VecDeque<Row>,
    complete: bool,
}

/// A line of a report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Row {
    pub(super) what: &'static str,
    pub(super) bucket: String,
    pub(super) key: String,
    pub(super) size: u64,
    pub(super) etag: String,
    pub(super) last_modified: Option<String>,
    pub(super) upload_id: Option<String>,
    pub(super) outcome: &'static str,
    pub(super) reason: String,
    pub(super) at: Option<String>,
}

impl What {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::File => "file",
            Self::Upload => "upload",
            Self::Copy => "copy",
            Self::Object => "object",
        }
    }
}

impl Report {
    /// Of a journal, to which nothing more is added where the clean-up is `over`.
    pub(super) fn of(entries: Lines, over: bool) -> Self {
        Self {
            entries,
            over,
            dry_run: false,
            format: Format::Ndjson,
            begun: false,
            open: BTreeMap::new(),
            ready: VecDeque::new(),
            complete: false,
        }
    }

    pub(super) fn in_format(self, format: Format) -> Self {
        Self { format, ..self }
    }

    /// The first keys of objects that are gone, or of a dry run that would go.
    pub(super) async fn keys(&mut self, limit: usize) -> io::Result<Vec<String>> {
        let mut keys = Vec::new();
        while keys.len() < limit {
            let Some(row) = self.row().await? else { break };
            if row.what == What::Object.name() && matches!(row.outcome, "deleted" | "found") {
                keys.push(row.key);
            }
        }
        Ok(keys)
    }

    /// The next row.
    pub(super) async fn row(&mut self) -> io::Result<Option<Row>> {
        loop {
            if let Some(row) = self.ready.pop_front() {
                return Ok(Some(row));
            }
            if self.complete {
                return Ok(None);
            }
            if let Some(entry) = self.entries.next::<Entry>().await? {
                self.take(entry);
            } else {
                self.complete = true;
                self.close();
            }
        }
    }

    fn take(&mut self, entry: Entry) {
        match entry {
            Entry::Begun { order, .. } => self.dry_run = order.dry_run,
            Entry::Going { orphan, .. } if self.dry_run => {
                let why = orphan.why.clone();
                self.ready.push_back(Row::of(orphan, "found", why, None));
            }
            Entry::Going { number, orphan } => {
                self.open.insert(number, orphan);
            }
            Entry::Came { number, outcome, at } => {
                let Some(orphan) = self.open.remove(&number) else { return };
                let (word, reason) = match outcome {
                    Outcome::Deleted => ("deleted", orphan.why.clone()),
                    Outcome::Kept(why) => ("kept", why),
                    Outcome::Failed(why) => ("failed", why),
                    Outcome::Left => ("left", "the clean-up was over before".to_owned()),
                };
                self.ready.push_back(Row::of(orphan, word, reason, Some(at)));
            }
            Entry::Counted(_) | Entry::Ended { .. } => {}
        }
    }

    /// Of the rest no outcome was noted.
    fn close(&mut self) {
        let (word, reason) = if self.over {
            ("unknown", "the clean-up ended before what came of it was noted")
        } else {
            ("pending", "it is about to go")
        };
        for (_, orphan) in std::mem::take(&mut self.open) {
            self.ready.push_back(Row::of(orphan, word, reason.to_owned(), None));
        }
    }
}

impl Pieces for Report {
    async fn piece(&mut self) -> io::Result<Option<Vec<u8>>> {
        let mut piece = Vec::new();
        if !std::mem::replace(&mut self.begun, true) && self.format == Format::Csv {
            piece.extend_from_slice(FIELDS.join(",").as_bytes());
            piece.extend_from_slice(b"\r\n");
        }
        while piece.len() < PIECE {
            let Some(row) = self.row().await? else { break };
            match self.format {
                Format::Ndjson => {
                    serde_json::to_writer(&mut piece, &row)?;
                    piece.push(b'\n');
                }
                Format::Csv => piece.extend_from_slice(row.csv().as_bytes()),
            }
        }
        Ok(Some(piece).filter(|piece| !piece.is_empty()))
    }
}

impl Row {
    fn of(orphan: Orphan, outcome: &'static str, reason: String, at: Option<Timestamp>) -> Self {
        Self {
            what: orphan.what.name(),
            bucket: orphan.bucket,
            key: orphan.key,
            size: orphan.size,
            etag: orphan.etag,
            last_modified: orphan.at.map(Timestamp::iso8601),
            upload_id: orphan.upload,
            outcome,
            reason,
            at: at.map(Timestamp::iso8601),
        }
    }

    fn csv(&self) -> String {
        let size = self.size.to_string();
        let fields = [
            self.what,
            &self.bucket,
            &self.key,
            &size,
            &self.etag,
            self.last_modified.as_deref().unwrap_or_default(),
            self.upload_id.as_deref().unwrap_or_default(),
            self.outcome,
            &self.reason,
            self.at.as_deref().unwrap_or_default(),
        ];
        fields.map(csv_field).join(",") + "\r\n"
    }
}
