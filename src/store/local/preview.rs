//! The content of uploads that are not objects yet.

use std::sync::Arc;

use async_trait::async_trait;

use super::LocalStore;
use super::blob::read_source;
use super::parts::of_part;
use super::read::{ObjectExtents, blocking};
use super::sealing::open_seal;
use super::uploads::{PlannedAssembly, planned_assembly};
use crate::body::Payload;
use crate::object::{ByteRange, Completion, CustomerKey, UploadId};
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
        key: Option<&CustomerKey>,
    ) -> Result<Option<Payload>> {
        let (upload, completion, given) = (upload.clone(), completion.clone(), key.cloned());
        let found = blocking(&self.core, move |core| {
            // Entered first, so that nothing that is found goes before it is read.
            let guard = core.garbage.enter();
            let Some(planned) = planned_assembly(core, &upload, &completion)? else {
                return Ok(None);
            };
            let PlannedAssembly { size, assembly, seal } = planned;
            let key = open_seal(core, &upload.object, seal.as_ref(), given.as_ref());
            let (key, whole) = (key.map_err(of_part)?, ByteRange::whole(size));
            Ok(Some((whole, ObjectExtents::of(core, &assembly, key, whole, guard))))
        });
        match found.await? {
            None => Ok(None),
            Some((whole, extents)) => Ok(Some(read_source(Arc::new(extents), whole).await?)),
        }
    }
}
