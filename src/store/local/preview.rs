//! The content of uploads that are not objects yet.

use std::sync::Arc;

use async_trait::async_trait;

use super::LocalStore;
use super::blob::read_source;
use super::read::{ObjectExtents, blocking};
use super::uploads::planned_assembly;
use crate::body::Payload;
use crate::object::{ByteRange, Completion, UploadId};
use crate::store::{Multipart as _, NewUpload, ObjectPath, Preview, Result, UploadPath};

#[async_trait]
impl Preview for LocalStore {
    /// Every upload's parts are here.
    async fn create_readable_upload(&self, at: &ObjectPath, new: NewUpload) -> Result<UploadId> {
        self.create_upload(at, new).await
    }

    async fn preview(
        &self,
        upload: &UploadPath,
        completion: &Completion,
    ) -> Result<Option<Payload>> {
        let (upload, completion) = (upload.clone(), completion.clone());
        let found = blocking(&self.core, move |core| {
            // Entered first, so that nothing that is found goes before it is read.
            let guard = core.garbage.enter();
            let assembly = planned_assembly(core, &upload, &completion)?;
            Ok(assembly.map(|(size, assembly)| (size, ObjectExtents::of(core, &assembly, guard))))
        });
        match found.await? {
            None => Ok(None),
            Some((size, extents)) => {
                Ok(Some(read_source(Arc::new(extents), ByteRange::whole(size)).await?))
            }
        }
    }
}
