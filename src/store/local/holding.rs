//! Bodies kept for a while: small ones in memory, others in a file without a name, encrypted with a key
//! that is in memory alone: nothing that becomes an object encrypted lies on the disk as it came.

use std::sync::Arc;

use async_trait::async_trait;

use super::LocalStore;
use super::blob::{BlobId, ExtentReader, Extents, Sink, StoredExtent, read_source, write_payload};
use super::read::blocking;
use super::receive::{distrust, joined};
use super::seal::{BodyKey, ObjectKey, SealedExtent, Sealer, sealed_len};
use super::sealing::{NewBody, new_body, no_random};
use crate::body::Payload;
use crate::object::ByteRange;
use crate::store::holding::held;
use crate::store::{Holding, Result, StoreError};

#[async_trait]
impl Holding for LocalStore {
    async fn hold(&self, mut body: Payload) -> Result<Payload> {
        let core = &self.core;
        core.admit(body.length()).await?;
        let limit = usize::try_from(core.options.pack_limit).unwrap_or(usize::MAX);
        let (mut head, mut have) = (Vec::new(), 0_usize);
        while have <= limit {
            let Some(chunk) = body.next().await.transpose()? else {
                return Ok(held(Payload::from_bytes(joined(head, have)), body));
            };
            have = have.saturating_add(chunk.len());
            head.push(chunk);
        }
        let secret = ObjectKey::random().map_err(no_random)?;
        let NewBody { key, id } = new_body(&secret)?;
        let length = body.length().map(sealed_len);
        let writer = blocking(core, move |core| {
            core.make_room(length.unwrap_or_default())?;
            let blob = core.blobs.create(BlobId::random(), length)?;
            Ok(Sink::new(blob, Some(Sealer::new(key))))
        });
        let writer = writer.await.inspect_err(|error| distrust(core, error))?;
        let written = write_payload(writer, head, &mut body).await;
        let writer = written.inspect_err(|error| distrust(core, error))?;
        let file = blocking(core, move |_| Ok(writer.end()?.keep_unpublished()));
        let file = file.await.inspect_err(|error| distrust(core, error))?;
        let key = BodyKey::new(&secret, id).map_err(no_random)?;
        let content = read_back(file, key, body.digests().map(|digests| digests.size)).await?;
        Ok(held(content, body))
    }
}

/// The body of `size` bytes that is encrypted in a file.
async fn read_back(
    file: impl StoredExtent + 'static,
    key: BodyKey,
    size: Option<u64>,
) -> Result<Payload> {
    let size = size.ok_or_else(|| StoreError::Io {
        doing: "keep a body".to_owned(),
        source: std::io::Error::other("nobody has counted its bytes"),
    })?;
    let extent: Arc<dyn ExtentReader> = Arc::new(SealedExtent::new(Arc::new(file), key, size)?);
    let extents: Arc<dyn Extents> = Arc::new(vec![extent]);
    read_source(extents, ByteRange::whole(size)).await
}
