//! The content of uploads that are not objects yet.

use async_trait::async_trait;
use bytes::BytesMut;

use super::{MemoryStore, Result};
use crate::body::Payload;
use crate::object::{Completion, CustomerKey, UploadId, plan_completion};
use crate::store::{Multipart as _, NewUpload, ObjectPath, Preview, UploadPath};

#[async_trait]
impl Preview for MemoryStore {
    async fn create_readable_upload(&self, at: &ObjectPath, new: NewUpload) -> Result<UploadId> {
        self.create_upload(at, new).await
    }

    async fn preview(
        &self,
        upload: &UploadPath,
        completion: &Completion,
        key: Option<&CustomerKey>,
    ) -> Result<Option<Payload>> {
        let now = self.clock.now();
        let state = self.state();
        let bin = state.bin(&upload.object.bucket)?;
        let Ok(open) = state.upload(upload) else {
            return bin.repeated(upload, completion, now).map(|_| None);
        };
        let summaries: Vec<_> = open.parts.values().map(|(part, _)| part.clone()).collect();
        let whole = plan_completion(open.upload.checksum, &summaries, completion)?;
        open.check_key(key)?;
        let mut content = BytesMut::new();
        let contents = whole.parts.iter().filter_map(|part| open.parts.get(&part.number));
        contents.for_each(|(_, bytes)| content.extend_from_slice(bytes));
        Ok(Some(Payload::from_bytes(content.freeze())))
    }
}
