//! Bodies kept for a while: small ones in memory, others in a file without a name.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;

use super::LocalStore;
use super::blob::{
    BlobId, ExtentError, ExtentReader, Extents, Unpublished, read_source, write_payload,
};
use super::read::blocking;
use super::receive::{distrust, joined};
use crate::body::Payload;
use crate::object::ByteRange;
use crate::store::holding::held;
use crate::store::{Holding, Result};

#[async_trait]
impl Holding for LocalStore {
    async fn hold(&self, mut body: Payload) -> Result<Payload> {
        let core = &self.core;
        core.admit(body.length())?;
        let limit = usize::try_from(core.options.pack_limit).unwrap_or(usize::MAX);
        let (mut head, mut have) = (Vec::new(), 0_usize);
        while have <= limit {
            let Some(chunk) = body.next().await.transpose()? else {
                return Ok(held(Payload::from_bytes(joined(head, have)), body));
            };
            have = have.saturating_add(chunk.len());
            head.push(chunk);
        }
        let length = body.length();
        let writer = blocking(core, move |core| {
            core.measure(length.unwrap_or_default())?;
            Ok(core.blobs.create(BlobId::random(), length)?)
        });
        let writer = writer.await.inspect_err(|error| distrust(core, error))?;
        let written = write_payload(writer, head, &mut body).await;
        let file = written.inspect_err(|error| distrust(core, error))?.keep_unpublished();
        let whole = ByteRange::whole(file.size());
        let extent: Arc<dyn ExtentReader> = Arc::new(HeldFile(file));
        let extents: Arc<dyn Extents> = Arc::new(vec![extent]);
        Ok(held(read_source(extents, whole).await?, body))
    }
}

/// A body in a file that was never published.
struct HeldFile(Unpublished);

impl ExtentReader for HeldFile {
    fn len(&self) -> u64 {
        self.0.size()
    }

    fn read(&self, offset: u64, len: usize) -> std::result::Result<Bytes, ExtentError> {
        self.0.read(offset, len).map(Bytes::from)
    }
}
