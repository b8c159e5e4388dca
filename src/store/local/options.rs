//! The settings of a local store.

use std::time::Duration;

use crate::store::ClaimReader;

/// How a local store behaves. The defaults are fit for production.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LocalOptions {
    /// Bodies up to this many bytes are packed into the log, at most 1 MiB; larger ones get a
    /// file each.
    pub pack_limit: u64,
    /// How large a segment of the log gets before the next one begins, in bytes; at most 1 GiB.
    pub segment_size: u64,
    /// How much the index keeps in memory, in bytes; the real use is up to 1.6 times as much.
    pub cache_bytes: u64,
    /// How often the index is made durable, where there was anything to do.
    pub checkpoint_interval: Duration,
    /// After how many records it is made durable in any case.
    pub checkpoint_records: u64,
    /// After how many bytes of log it is made durable in any case.
    pub checkpoint_bytes: u64,
    /// With less free space than this, new bodies are refused; but never more than a twentieth
    /// of the file system is kept free.
    pub free_space_watermark: u64,
    /// How many bytes objects may have altogether; new bodies beyond that are refused. One that
    /// replaces another needs room beside it, and parts count when they become an object.
    pub quota: Option<u64>,
    /// How long the files of replaced and deleted objects stay, where there is ample room: a tenth
    /// of the file system is free, and no write needs it.
    pub garbage_grace: Duration,
    /// How long a completed upload is remembered, so that completing it again succeeds.
    pub completion_memory: Duration,
    /// How much room is kept for deletes on a full disk, in bytes.
    pub reserve: u64,
    /// Whether file systems are accepted whose locks and syncs are not to be trusted.
    pub allow_network: bool,
    /// What ledger records say of where objects are, for the counters.
    pub claims: ClaimReader,
}

/// The largest pack limit.
const MAX_PACK_LIMIT: u64 = 1 << 20;
/// The largest size of a segment: offsets in hints have 32 bits, and a batch may go over it.
const MAX_SEGMENT_SIZE: u64 = 1 << 30;

impl Default for LocalOptions {
    fn default() -> Self {
        Self {
            pack_limit: 128 << 10,
            segment_size: 256 << 20,
            cache_bytes: 64 << 20,
            checkpoint_interval: Duration::from_secs(5),
            checkpoint_records: 50_000,
            checkpoint_bytes: 64 << 20,
            free_space_watermark: 1 << 30,
            quota: None,
            garbage_grace: Duration::from_mins(10),
            completion_memory: Duration::from_hours(1),
            reserve: 64 << 20,
            allow_network: false,
            claims: ClaimReader::default(),
        }
    }
}

impl LocalOptions {
    /// The same within the limits of the formats.
    pub(crate) fn limited(mut self) -> Self {
        self.pack_limit = self.pack_limit.min(MAX_PACK_LIMIT);
        self.segment_size = self.segment_size.clamp(64 << 10, MAX_SEGMENT_SIZE);
        self
    }

    /// The grace in milliseconds.
    pub(crate) fn grace_ms(&self) -> i64 {
        i64::try_from(self.garbage_grace.as_millis()).unwrap_or(i64::MAX)
    }
}
