//! What can go wrong with an index.

use super::super::vfs::VfsError;

/// An index did not do it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum IndexError {
    /// It failed and must be rebuilt; the text is for the operator.
    #[error("the index is lost: {0}")]
    Lost(String),
    /// The value is longer than an index keeps; the field is its length.
    #[error("a value of {0} bytes is too long for the index")]
    ValueTooLong(usize),
    /// The file system failed around the index.
    #[error(transparent)]
    Vfs(#[from] VfsError),
}
