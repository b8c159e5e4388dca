//! Objects on the local disk: an append-only log is the truth, the index is disposable.
//!
//! A write: the body is taken in (`receive`), the committer decides and logs (`commit`), the
//! index follows (`apply`), the caller is answered. A read: the index names a record or a file
//! (`read`). After a stop: `recover`. What lies on the disk: `format`.
//!
//! Knows nothing of HTTP, of requests, nor of who may do what.

mod acls;
mod apply;
mod blob;
mod buckets;
mod catalog;
mod check;
mod commit;
mod compact;
mod core;
mod effects;
mod features;
mod format;
mod garbage;
mod holding;
mod index;
mod keeper;
mod keyring;
mod ledger;
mod listing;
mod log;
mod objects;
mod options;
mod parts;
mod preview;
mod read;
mod receive;
mod recount;
mod recover;
mod redescribe;
mod reserve;
mod rewrap;
mod room;
mod seal;
mod sealing;
mod settings;
mod split;
mod store;
mod sweep;
mod tags;
mod tally;
#[cfg(test)]
mod tests;
mod uploads;
mod usage;
mod vfs;

pub use self::core::Phase;
pub use check::{CheckOptions, Problem, Report, check};
pub use compact::{Compacted, Compaction, CompactionFigures, LogUsage};
pub use keyring::KeyringError;
pub use options::LocalOptions;
pub use rewrap::{KeysInUse, Rewrapped, Rewrapping};
pub use store::{LocalStore, OpenError};
pub use usage::{Accuracy, BucketUsage, Recounted, SplitUsage, UsageRow};
