//! Objects on the local disk: an append-only log is the truth, the index is disposable.

mod apply;
mod blob;
mod catalog;
mod commit;
mod core;
mod effects;
mod format;
mod garbage;
mod index;
mod keeper;
mod log;
mod options;
mod recover;
mod reserve;
mod tally;
mod vfs;
