//! Encryption of what lies on the disk.
//!
//! Bodies are encrypted in segments that can be read alone ([`segments`]), with keys that are kept
//! wrapped by a master key or by the customer's own ([`wrap`]). What is on the disk never depends
//! on which of the two it is, so that checksums and sizes of stored bytes are checked without any
//! key.
//!
//! What this protects from: whoever reads files, copies or backups without the master key, and
//! whoever changes encrypted bodies: a changed bit, a cut or a swapped body is an error. It does
//! not protect names, sizes, metadata, entity tags and checksums: records carry no more than sums
//! against accidents, so that who can write to the directory can make another record that passes,
//! which puts one object's old state back, removes it, or gives it another description. Nor does
//! it protect from whoever reads the process's memory.

mod extent;
mod segments;
mod wrap;

pub(crate) use extent::SealedExtent;
pub(crate) use segments::{BodyKey, Sealer, sealed_len};
pub(crate) use wrap::{ObjectKey, Wrapper, check_value, random_key};

/// The key does not fit what it should open: another key, or changed bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the key does not fit")]
pub(crate) struct Unfit;
