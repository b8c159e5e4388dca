//! What can go wrong while stored bytes are read.

use super::super::vfs::VfsError;
use crate::body::BodyError;
use crate::store::StoreError;

/// Stored bytes could not be read as they were written.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ExtentError {
    /// There is no such file.
    #[error("{what} is missing")]
    Missing {
        /// Which file.
        what: String,
    },
    /// The bytes fail their checksum, or the file is not what it should be.
    #[error("{what}")]
    Damaged {
        /// Which file, where in it, and what is wrong.
        what: String,
    },
    /// The file system failed.
    #[error(transparent)]
    Io(#[from] VfsError),
}

impl From<ExtentError> for StoreError {
    fn from(error: ExtentError) -> Self {
        match error {
            ExtentError::Missing { .. } | ExtentError::Damaged { .. } => {
                Self::Damaged { what: error.to_string() }
            }
            ExtentError::Io(error) => error.into(),
        }
    }
}

impl From<ExtentError> for BodyError {
    fn from(error: ExtentError) -> Self {
        Self::Store(error.to_string())
    }
}
