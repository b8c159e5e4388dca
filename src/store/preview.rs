//! Uploads whose content is looked at before it becomes an object.

use async_trait::async_trait;

use super::{NewUpload, ObjectPath, Result, UploadPath};
use crate::body::Payload;
use crate::object::{Completion, CustomerKey, UploadId};

/// Reading what an upload would become.
#[async_trait]
pub trait Preview: Send + Sync {
    /// Starts an upload as `create_upload` does, whose parts stay where they can be read until it is
    /// completed. `Unsupported` where they cannot be read.
    async fn create_readable_upload(&self, at: &ObjectPath, new: NewUpload) -> Result<UploadId>;

    /// The content that the completion would make an object of; `None` where it was made before. What
    /// refuses the completion refuses this. `Unsupported` where the parts cannot be read. `key` is the
    /// customer's, where the upload was created with it.
    async fn preview(
        &self,
        upload: &UploadPath,
        completion: &Completion,
        key: Option<&CustomerKey>,
    ) -> Result<Option<Payload>>;
}
