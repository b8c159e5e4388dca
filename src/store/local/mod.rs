//! Objects on the local disk: an append-only log is the truth, the index is disposable.

mod blob;
mod format;
mod index;
mod vfs;
