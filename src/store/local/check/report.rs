//! What a check found.

use std::fmt;

use serde::Serialize;

use super::super::format::StoreId;

/// How many problems are told in full; the rest is counted.
const TOLD: usize = 1000;

/// What a check found.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    /// The store's id.
    pub store_id: String,
    /// Whether the index was thrown away and made anew first.
    pub index_rebuilt: bool,
    /// Segments of the log.
    pub segments: u64,
    /// Records in them.
    pub records: u64,
    /// The last record's sequence number.
    pub last_lsn: u64,
    /// Buckets.
    pub buckets: u64,
    /// Objects.
    pub objects: u64,
    /// Their bytes.
    pub object_bytes: u64,
    /// Uploads under way.
    pub uploads: u64,
    /// Their parts.
    pub parts: u64,
    /// Ledger records: what is kept of keys beside their objects.
    pub ledger_records: u64,
    /// Blobs that are part of objects or uploads.
    pub blobs: u64,
    /// Blobs of replaced and deleted objects that wait to be removed.
    pub dead_blobs: u64,
    /// Blobs that nothing names: uploads that were never acknowledged. No problem.
    pub orphan_blobs: u64,
    /// What is wrong, at most the first thousand of it.
    pub problems: Vec<Problem>,
    /// How much is wrong.
    pub problem_count: u64,
}

/// Something wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// Where: `store`, `log`, `index`, `blob` or `counter`.
    pub place: &'static str,
    /// What.
    pub what: String,
}

impl Report {
    pub(super) fn new(store: StoreId) -> Self {
        Self { store_id: hex::encode(store.0), ..Self::default() }
    }

    pub(super) fn problem(&mut self, place: &'static str, what: impl Into<String>) {
        self.problem_count += 1;
        if self.problems.len() < TOLD {
            self.problems.push(Problem { place, what: what.into() });
        }
    }

    /// Whether nothing is wrong.
    pub fn is_clean(&self) -> bool {
        self.problem_count == 0
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "store {}", self.store_id)?;
        if self.index_rebuilt {
            writeln!(f, "the index was made anew")?;
        }
        writeln!(f, "log: {} records in {} segments", self.records, self.segments)?;
        writeln!(
            f,
            "{} objects with {} bytes in {} buckets, {} uploads with {} parts, {} ledger records",
            self.objects,
            self.object_bytes,
            self.buckets,
            self.uploads,
            self.parts,
            self.ledger_records
        )?;
        writeln!(
            f,
            "blobs: {} in use, {} waiting to be removed, {} never acknowledged",
            self.blobs, self.dead_blobs, self.orphan_blobs
        )?;
        for problem in &self.problems {
            writeln!(f, "{}: {}", problem.place, problem.what)?;
        }
        let told = self.problems.len() as u64;
        if self.problem_count > told {
            writeln!(f, "and {} problems more", self.problem_count - told)?;
        }
        match self.problem_count {
            0 => write!(f, "nothing is wrong"),
            1 => write!(f, "1 problem"),
            many => write!(f, "{many} problems"),
        }
    }
}
