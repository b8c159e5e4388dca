//! From an incoming body to bytes that a record can name.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};

use super::blob::{BlobFooter, BlobId, Sink, unsealed, write_payload};
use super::commit::Content;
use super::core::{Core, PendingBlob};
use super::read::blocking;
use super::seal::{BodyKey, Sealer, sealed_len};
use crate::body::{BodyError, Digests, Payload};
use crate::object::ChecksumValue;
use crate::store::{Result, StoreError};

/// What was computed over a body that was taken in.
#[derive(Debug)]
pub(crate) struct Received {
    /// How many bytes it has.
    pub(crate) size: u64,
    /// Their MD5.
    pub(crate) md5: [u8; 16],
    /// Their checksum, where one was asked for.
    pub(crate) checksum: Option<ChecksumValue>,
}

/// Takes a body to its end: small ones into memory, larger ones into a file that is durable but
/// for its name. `footer` is what the file says about itself. A body that ends in an error leaves
/// nothing. With a key it is encrypted, wherever it goes; its digests are those of what came.
pub(crate) async fn receive(
    core: &Arc<Core>,
    mut body: Payload,
    key: Option<BodyKey>,
    footer: impl FnOnce(&Received) -> BlobFooter,
) -> Result<(Content, Received)> {
    core.admit(body.length()).await?;
    let limit = usize::try_from(core.options.pack_limit).unwrap_or(usize::MAX);
    let mut head = Vec::new();
    let mut have = 0_usize;
    let small = body.length().is_none_or(|length| length <= core.options.pack_limit);
    while small && have <= limit {
        let Some(chunk) = body.next().await.transpose()? else {
            core.within_quota(have as u64)?;
            let whole = joined(head, have);
            let stored = match key {
                None => whole,
                Some(key) => sealed(key, &whole)?,
            };
            return Ok((Content::packed(stored), digests(&body)?));
        };
        have = have.saturating_add(chunk.len());
        head.push(chunk);
    }
    let length = body.length();
    let id = BlobId::random();
    let writer = blocking(core, move |core| {
        let length = if key.is_some() { length.map(sealed_len) } else { length };
        core.make_room(length.unwrap_or_default())?;
        Ok(Sink::new(core.blobs.create(id, length)?, key.map(Sealer::new)))
    });
    let writer = writer.await.inspect_err(|error| distrust(core, error))?;
    let written = write_payload(writer, head, &mut body).await;
    let writer = written.inspect_err(|error| distrust(core, error))?;
    let digests = digests(&body)?;
    core.within_quota(digests.size)?;
    let footer = footer(&digests);
    let finished = blocking(core, move |core| {
        let published = writer.end()?.finish(&footer)?;
        Ok(PendingBlob::new(core, published))
    });
    let blob = finished.await.inspect_err(|error| distrust(core, error))?;
    Ok((Content::Blob(blob), digests))
}

/// A whole body, encrypted.
fn sealed(key: BodyKey, body: &[u8]) -> Result<Bytes> {
    let mut sealer = Sealer::new(key);
    let mut out = Vec::with_capacity(sealed_len(body.len() as u64).try_into().unwrap_or_default());
    let done = sealer.push(body, &mut out).and_then(|()| sealer.finish(&mut out));
    done.map_err(unsealed)?;
    Ok(Bytes::from(out))
}

/// A failed write or sync of any file: the disk is not to be trusted with more.
pub(crate) fn distrust(core: &Core, error: &StoreError) {
    if let StoreError::Io { .. } = error {
        core.make_read_only(error.to_string());
    }
}

/// The chunks in one piece of `len` bytes.
pub(super) fn joined(mut chunks: Vec<Bytes>, len: usize) -> Bytes {
    match (chunks.pop(), chunks.is_empty()) {
        (None, _) => Bytes::new(),
        (Some(only), true) => only,
        (Some(last), false) => {
            let mut whole = BytesMut::with_capacity(len);
            for chunk in &chunks {
                whole.extend_from_slice(chunk);
            }
            whole.extend_from_slice(&last);
            whole.freeze()
        }
    }
}

fn digests(body: &Payload) -> Result<Received> {
    let received = body.digests().and_then(|digests| {
        let Digests { size, md5, checksum } = digests.clone();
        Some(Received { size, md5: md5?, checksum })
    });
    received.ok_or_else(|| StoreError::Io {
        doing: "take a body's digests".to_owned(),
        source: std::io::Error::other("nothing computed them"),
    })
}

/// The same failure, where the body came out of this store: it is the store's fault then.
pub(crate) fn own_fault(error: StoreError) -> StoreError {
    match error {
        StoreError::Body(BodyError::Store(what)) => StoreError::Damaged { what },
        other => other,
    }
}
