//! Objects on the local disk: an append-only log is the truth, the index is disposable.

#[allow(dead_code, unused_imports, reason = "until the store above is built on it")]
mod blob;
#[allow(dead_code, unused_imports, reason = "until the store above is built on it")]
mod index;
#[allow(dead_code, unused_imports, reason = "until the store above is built on it")]
mod vfs;
