//! From an incoming body to bytes that a record can name.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};

use super::blob::{BlobFooter, BlobId, write_payload};
use super::commit::Content;
use super::core::{Core, PendingBlob};
use super::read::blocking;
use crate::body::{BodyError, Digests, Payload};
use crate::store::{Result, StoreError};

/// Takes a body to its end: small ones into memory, larger ones into a file that is durable but
/// for its name. `footer` is what the file says about itself. A body that ends in an error leaves
/// nothing.
pub(crate) async fn receive(
    core: &Arc<Core>,
    mut body: Payload,
    footer: impl FnOnce(&Digests) -> BlobFooter,
) -> Result<(Content, Digests)> {
    core.admit(body.length())?;
    let limit = usize::try_from(core.options.pack_limit).unwrap_or(usize::MAX);
    let mut head = Vec::new();
    let mut have = 0_usize;
    let small = body.length().is_none_or(|length| length <= core.options.pack_limit);
    while small && have <= limit {
        match body.next().await.transpose()? {
            Some(chunk) => {
                have = have.saturating_add(chunk.len());
                head.push(chunk);
            }
            None => return Ok((Content::packed(joined(head, have)), digests(&body)?)),
        }
    }
    let length = body.length();
    let id = BlobId::random();
    let writer = blocking(core, move |core| {
        core.measure(length.unwrap_or_default())?;
        Ok(core.blobs.create(id, length)?)
    });
    let writer = writer.await.inspect_err(|error| distrust(core, error))?;
    let written = write_payload(writer, head, &mut body).await;
    let writer = written.inspect_err(|error| distrust(core, error))?;
    let digests = digests(&body)?;
    let footer = footer(&digests);
    let finished = blocking(core, move |core| {
        let published = writer.finish(&footer)?;
        Ok(PendingBlob::new(core, published))
    });
    let blob = finished.await.inspect_err(|error| distrust(core, error))?;
    Ok((Content::Blob(blob), digests))
}

/// A failed write or sync of any file: the disk is not to be trusted with more.
pub(super) fn distrust(core: &Core, error: &StoreError) {
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

fn digests(body: &Payload) -> Result<Digests> {
    body.digests().cloned().ok_or_else(|| StoreError::Io {
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
