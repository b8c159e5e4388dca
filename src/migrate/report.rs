//! What became of every object, read out of a journal as it is asked for: a line each, as JSON or
//! CSV. A report is a list of keys that the next migration can be given.

use std::sync::Arc;

use serde::Serialize;

use super::files::Shelf;
use super::journal::{End, Entry, Journal};
use super::lines::Lines;
use super::manifest::csv_field;
use crate::placement::transfer::{Moved, Source};

/// The form of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// A JSON object a line.
    Ndjson,
    /// Comma-separated values (RFC 4180) behind a line of names.
    Csv,
}

/// A report being read.
pub struct Report {
    entries: Lines,
    format: Format,
    /// Only objects that came to this.
    only: Option<String>,
    begun: bool,
}

/// A line of a report.
#[derive(Debug, Serialize)]
struct Row<'a> {
    /// `migrate` or `rollback`.
    phase: &'a str,
    bucket: &'a str,
    key: &'a str,
    size: u64,
    outcome: &'a str,
    reason: &'a str,
    etag: &'a str,
    upstream_etag: &'a str,
    source: &'a str,
}

/// What objects can come to.
pub const OUTCOMES: [&str; 4] = ["moved", "skipped", "conflict", "failed"];

/// How much of a report is given at once.
const PIECE: usize = 64 * 1024;

impl Report {
    pub(super) fn of(
        shelf: &Arc<dyn Shelf>,
        id: &str,
        format: Format,
        only: Option<String>,
    ) -> Self {
        Self { entries: Journal::of(shelf, id).entries(0), format, only, begun: false }
    }

    /// The next piece; `None` at the end.
    pub async fn next(&mut self) -> std::io::Result<Option<Vec<u8>>> {
        let mut piece = Vec::new();
        if !std::mem::replace(&mut self.begun, true) && self.format == Format::Csv {
            let names = "phase,bucket,key,size,outcome,reason,etag,upstream_etag,source\r\n";
            piece.extend_from_slice(names.as_bytes());
        }
        while piece.len() < PIECE {
            let Some(entry) = self.entries.next::<Entry>().await? else { break };
            if let Some(line) = self.line(&entry) {
                piece.extend_from_slice(line.as_bytes());
            }
        }
        Ok(Some(piece).filter(|piece| !piece.is_empty()))
    }

    fn line(&self, entry: &Entry) -> Option<String> {
        let (phase, bucket, key, size, end) = match entry {
            Entry::Ended { bucket, key, size, end, .. } => ("migrate", bucket, key, size, end),
            Entry::Undone { bucket, key, size, end, .. } => ("rollback", bucket, key, size, end),
            _ => return None,
        };
        let (outcome, reason, moved) = told(end);
        if self.only.as_ref().is_some_and(|only| only != outcome) {
            return None;
        }
        let row = Row {
            phase,
            bucket,
            key,
            size: *size,
            outcome,
            reason: &reason,
            etag: moved.map_or("", |moved| moved.object.etag.as_str()),
            upstream_etag: moved.map_or("", |moved| moved.upstream_etag.as_str()),
            source: moved.map_or("", |moved| match moved.source {
                Source::Removed => "removed",
                Source::Kept => "kept",
                Source::Waits => "waits",
            }),
        };
        Some(match self.format {
            Format::Ndjson => serde_json::to_string(&row).ok()? + "\n",
            Format::Csv => row.csv(),
        })
    }
}

fn told(end: &End) -> (&'static str, String, Option<&Moved>) {
    match end {
        End::Moved(moved) => ("moved", String::new(), Some(moved)),
        End::Skipped(skip) => ("skipped", skip.to_string(), None),
        End::Busy => ("skipped", "clients kept writing it".to_owned(), None),
        End::Cancelled => ("skipped", "the migration was ended before".to_owned(), None),
        End::Conflict(why) => ("conflict", why.clone(), None),
        End::Failed(why) => ("failed", why.clone(), None),
    }
}

impl Row<'_> {
    fn csv(&self) -> String {
        let size = self.size.to_string();
        let fields = [
            self.phase,
            self.bucket,
            self.key,
            &size,
            self.outcome,
            self.reason,
            self.etag,
            self.upstream_etag,
            self.source,
        ];
        fields.map(csv_field).join(",") + "\r\n"
    }
}
