//! What lies on the disk: pure encoding and decoding, no I/O.
//!
//! Numbers are little-endian unless something else is said. CRCs are CRC-32C (Castagnoli).
//! "postcard" is the wire format of the crate of that name, version 1; the structs that it writes
//! are in this directory, and their fields are never reordered or removed: a change gets a new
//! format number, and the old number stays readable.
//!
//! ```text
//! root/
//!   FORMAT            JSON: what kind of store this is (store_file)
//!   LOCK              held by flock while a process has the store open
//!   CLEAN             JSON: only after a clean stop (store_file)
//!   CHECKPOINT.a, .b  written alternately (checkpoint)
//!   log/<16 hex>.slog segments of the log (segment, record, hint): the truth
//!   blobs/<3 hex>/…   larger bodies, one file each
//!   index/            disposable (entry)
//!   quarantine/       what no record knows; never removed by the store
//!   KEYS              JSON: the ids of the master keys in use (store_file)
//!   master.key        the store's own master key, where no other is configured
//!   reserve           ballast, given up to let deletes run on a full disk
//! ```
//!
//! # Feature sets
//!
//! FORMAT names the features that the store uses in three sets. A program that does not know a
//! feature of `incompat` refuses the store, of `read_only_compat` opens it for reading only, of
//! `compat` does not care. Version 1 has the feature `log-1` in `incompat`, `sealed-1` from the
//! first encrypted object on, `acl-1` from the first object on that has an ACL of its own, and
//! `compacted-1` from the first compaction on.
//!
//! # Segment
//!
//! ```text
//! 0      header, 4096 bytes
//! 4096   records, each at a multiple of 8, no gaps
//! …      zeros while the segment is being written (it is allocated ahead)
//! ```
//! A sealed segment goes on, instead of the zeros, with hint frames, a table of their offsets,
//! and a footer of 64 bytes at its very end.
//!
//! Segment header: magic `SGSEGMT1` (8), format 1 (4), kind (4; 0 is the log), store id (16),
//! segment id (8), first LSN (8), created in ms (8), zeros, CRC of everything before it (the last
//! 4 of the 4096).
//!
//! # Record
//!
//! ```text
//! 0   4  magic "SREC"
//! 4   1  format of the meta
//! 5   1  kind
//! 6   2  flags, zero
//! 8   8  LSN
//! 16  8  durable LSN: everything up to it was synced when this record was written
//! 24  8  subject: CRC-64/NVME over bucket id and key; tells whom a damaged record was about. Of
//!        kind 15 over the bucket id with every bit turned over, and the key
//! 32  4  length of the meta
//! 36  4  length of the data
//! 40  4  zero
//! 44  4  CRC over store id, segment id, and bytes 0..44
//! 48     meta (postcard), its CRC (4)
//!        data, and a CRC (4) for each 64 KiB of it
//!        zeros up to a multiple of 8
//!        trailer: length of the whole record (4), CRC over store id, segment id and the other
//!        fields of the trailer (4), LSN (8), subject (8)
//! ```
//! LSNs count up by one from record to record, across segments. The trailer lets a scan find its
//! way backwards, and names the subject where the header is damaged.
//!
//! Kinds: 1 put object, 2 delete object, 3 delete marker (reserved), 4 create bucket, 5 delete
//! bucket, 6 bucket setting, 7 create upload, 8 upload part, 9 complete upload, 10 abort upload,
//! 11 change of an object's metadata, 12 a part's bytes moved, 13 outbox (reserved), 14 journal
//! (reserved), 15 a key's ledger record, 16 a bucket kept, 17 an upload kept, 18 an object's list of
//! parts moved, 19 older segments removed, 20 a completion remembered. `meta` has the struct of each.
//!
//! # Removed segments
//!
//! Segments are removed only from the front, so that no record that took something back goes before
//! the one that it took back. What lives in them was written anew before; a record of kind 19 names
//! the segment that the log begins with from then on. The files go after both checkpoints were
//! written without them, the oldest first.
//!
//! Formats of the meta: 1 is the struct of the kind, 2 the same and behind it what `counts` has, 3
//! also behind that what `seal` has, 4 instead of that an option of it and an ACL as `object::acl`
//! has it.

pub(crate) mod assembly;
pub(crate) mod checkpoint;
pub(crate) mod counts;
pub(crate) mod cursor;
pub(crate) mod entry;
pub(crate) mod hint;
pub(crate) mod meta;
pub(crate) mod place;
pub(crate) mod record;
pub(crate) mod relocation;
pub(crate) mod seal;
pub(crate) mod segment;
pub(crate) mod store_file;
pub(crate) mod tag;
#[cfg(test)]
mod tests;

use crc_fast::{CrcAlgorithm, Digest};

/// The id of a store, random, made once: part of every checksum of the log, so that a segment of
/// another store is never taken for one's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) struct StoreId(pub(crate) [u8; 16]);

/// Where a record belongs: part of its checksums.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Identity {
    /// The store.
    pub(crate) store: StoreId,
    /// The segment.
    pub(crate) segment: u64,
}

/// The bytes are not what they should be; the text says which check failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Flaw(pub(crate) &'static str);

/// CRC-32C of some bytes.
pub(crate) fn crc32c(bytes: &[u8]) -> u32 {
    narrow(crc_fast::checksum(CrcAlgorithm::Crc32Iscsi, bytes))
}

impl Identity {
    /// CRC-32C of the identity followed by `bytes`.
    pub(crate) fn crc32c(&self, bytes: &[u8]) -> u32 {
        let mut digest = Digest::new(CrcAlgorithm::Crc32Iscsi);
        digest.update(&self.store.0);
        digest.update(&self.segment.to_le_bytes());
        digest.update(bytes);
        narrow(digest.finalize())
    }
}

/// The number by which a record's checks name its bucket and key even if its meta is lost.
pub(crate) fn subject(bucket: u64, key: &str) -> u64 {
    let mut digest = Digest::new(CrcAlgorithm::Crc64Nvme);
    digest.update(&bucket.to_le_bytes());
    digest.update(key.as_bytes());
    digest.finalize()
}

/// The same for a key's ledger record, which is lost or kept apart from the key's object. No
/// bucket has the id that is taken here.
pub(crate) fn ledger_subject(bucket: u64, key: &str) -> u64 {
    subject(!bucket, key)
}

/// postcard of `value`. The types of this directory cannot fail to serialise: they hold no maps
/// of unknown length and no foreign implementations.
fn to_postcard<T: serde::Serialize>(value: &T, into: Vec<u8>) -> Vec<u8> {
    let spare = into.len();
    match postcard::to_extend(value, into) {
        Ok(bytes) => bytes,
        Err(_) => vec![0; spare],
    }
}

/// The value at the front of some bytes, and the bytes behind it.
fn take<'a, T: serde::Deserialize<'a>>(bytes: &'a [u8]) -> Result<(T, &'a [u8]), Flaw> {
    postcard::take_from_bytes(bytes).map_err(|_| Flaw("the encoded value cannot be read"))
}

/// The value that some bytes are, with nothing behind it.
fn read<'a, T: serde::Deserialize<'a>>(bytes: &'a [u8]) -> Result<T, Flaw> {
    match take(bytes)? {
        (value, []) => Ok(value),
        _ => Err(Flaw("there are bytes behind the encoded value")),
    }
}

/// A 32-bit CRC comes in the low half.
#[allow(clippy::cast_possible_truncation, reason = "32-bit CRCs are returned widened")]
fn narrow(crc: u64) -> u32 {
    crc as u32
}
