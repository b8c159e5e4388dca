//! CHECKPOINT.a and CHECKPOINT.b: how far the index is durable, and what is counted along the
//! log.
//!
//! ```text
//! magic "SGCHKPT1" (8), length of the rest (4), CRC of the rest (4), rest (postcard), which may
//! be followed within its length by the settings (postcard)
//! ```
//! They are written alternately; the valid one with the higher sequence counts.

use serde::{Deserialize, Serialize};

use super::cursor::Cursor;
use super::entry::BucketEntry;
use super::place::{BucketId, RecordRef};
use super::{Flaw, StoreId, crc32c, to_postcard};

const MAGIC: [u8; 8] = *b"SGCHKPT1";

/// A place in the log.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Position {
    /// The segment.
    pub(crate) segment: u64,
    /// Where in it the next record starts.
    pub(crate) offset: u64,
}

/// A segment, as the checkpoint knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SegmentRow {
    /// Its id.
    pub(crate) id: u64,
    /// The sequence number of its first record.
    pub(crate) first_lsn: u64,
    /// Bytes of records that something refers to.
    pub(crate) live: u64,
}

/// A setting of a bucket.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SettingRow {
    /// The bucket.
    pub(crate) bucket: BucketId,
    /// The setting's name.
    pub(crate) name: String,
    /// The record that holds it.
    pub(crate) head: RecordRef,
}

/// What is counted: the key of a counter. Later kinds of counters get a class of their own.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(crate) struct UsageKey {
    /// The bucket.
    pub(crate) bucket: BucketId,
    /// What of it; empty is all of its objects.
    pub(crate) class: String,
}

/// A counter.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Usage {
    /// Objects.
    pub(crate) objects: u64,
    /// Their bytes.
    pub(crate) bytes: u64,
}

/// A record that was acknowledged and cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Damage {
    /// Its sequence number, or the highest that it can be.
    pub(crate) lsn: u64,
    /// Whom it was about, if that can be read; otherwise it can have been about anything.
    pub(crate) subject: Option<u64>,
    /// Where it was and what is wrong, for the operator.
    pub(crate) what: String,
}

/// The content of a checkpoint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Checkpoint {
    /// The store.
    pub(crate) store: StoreId,
    /// Counts up from one checkpoint to the next.
    pub(crate) sequence: u64,
    /// The start of the machine at which it was written.
    pub(crate) boot_id: String,
    /// The index holds every record up to this one, durably.
    pub(crate) applied: u64,
    /// Where the record after that one starts.
    pub(crate) position: Position,
    /// The segments.
    pub(crate) segments: Vec<SegmentRow>,
    /// The counters.
    pub(crate) usage: Vec<(UsageKey, Usage)>,
    /// The buckets, by name: known before the index is.
    pub(crate) buckets: Vec<(String, BucketEntry)>,
    /// What the log has lost; not forgotten until it is repaired.
    pub(crate) damage: Vec<Damage>,
    /// The buckets' settings, known before the index is; `None` in a checkpoint of before they
    /// were noted.
    #[serde(skip)]
    pub(crate) settings: Option<Vec<SettingRow>>,
}

impl Checkpoint {
    /// The file's bytes.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut rest = to_postcard(self, Vec::new());
        if let Some(settings) = &self.settings {
            rest = to_postcard(settings, rest);
        }
        let mut out = Vec::with_capacity(16 + rest.len());
        out.extend_from_slice(&MAGIC);
        out.extend_from_slice(&u32::try_from(rest.len()).unwrap_or(u32::MAX).to_le_bytes());
        out.extend_from_slice(&crc32c(&rest).to_le_bytes());
        out.extend_from_slice(&rest);
        out
    }

    /// Reads a file.
    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, Flaw> {
        let mut from = Cursor::new(bytes);
        if from.array()? != MAGIC {
            return Err(Flaw("the file is no checkpoint"));
        }
        let (len, crc) = (from.u32()? as usize, from.u32()?);
        let rest = from.take(len)?;
        if crc32c(rest) != crc {
            return Err(Flaw("the checkpoint fails its checksum"));
        }
        let unreadable = |_| Flaw("the checkpoint cannot be read");
        let (checkpoint, rest) = postcard::take_from_bytes::<Self>(rest).map_err(unreadable)?;
        let settings = (!rest.is_empty()).then(|| postcard::from_bytes(rest));
        Ok(Self { settings: settings.transpose().map_err(unreadable)?, ..checkpoint })
    }
}
