//! Reading an object again, to compare what is in one layer with what is in the other.

use super::{Result, Steps, Transfers, Trouble, upstream_trouble};
use crate::body::{Expected, digesting};
use crate::object::{ETag, ObjectInfo, RangeSpec};
use crate::placement::read::only_tag;
use crate::placement::route::Upstream;
use crate::store::{GetRequest, ObjectPath, Selection, Store, StoreError};

/// The MD5s of the pieces of an object.
type Pieces = Vec<[u8; 16]>;

impl Transfers {
    /// Whether what the upstream has is, byte for byte, what is at home. Where tags tell the
    /// content, only the upstream is read.
    pub(super) async fn same_bytes(
        &self,
        at: &ObjectPath,
        upstream: &Upstream,
        (here, there): (&ObjectInfo, &ObjectInfo),
        steps: &dyn Steps,
    ) -> Result<bool> {
        let sizes = self.piece_sizes(at, here).await?;
        let found = pieces(&*upstream.store, at, there, &sizes, Some(steps)).await;
        let found = found.map_err(upstream_trouble)?;
        if is_told(&here.etag, &found) {
            return Ok(true);
        }
        let expected = pieces(&*self.home, at, here, &sizes, None).await;
        Ok(expected.map_err(read_failed)? == found)
    }

    /// Whether the local object can be read to its end, and has this content.
    pub(super) async fn reads_as(
        &self,
        at: &ObjectPath,
        here: &ObjectInfo,
        expected: &[[u8; 16]],
    ) -> Result<bool> {
        let sizes =
            if expected.len() == 1 { vec![here.size] } else { self.piece_sizes(at, here).await? };
        let found = pieces(&*self.home, at, here, &sizes, None).await;
        Ok(found.map_err(read_failed)? == expected)
    }

    /// The sizes of a local object's parts, or its own.
    async fn piece_sizes(&self, at: &ObjectPath, here: &ObjectInfo) -> Result<Vec<u64>> {
        if here.parts_count.is_none() {
            return Ok(vec![here.size]);
        }
        let parts = self.parts_at_home(at).await?;
        Ok(parts.iter().map(|part| part.size).collect())
    }
}

/// Whether a tag says that this is the content.
pub(super) fn is_told(etag: &ETag, pieces: &[[u8; 16]]) -> bool {
    let single = matches!((etag.md5(), pieces), (Some(md5), [piece]) if md5 == *piece);
    single || ETag::multipart(pieces.iter().copied()) == *etag
}

async fn pieces(
    store: &dyn Store,
    at: &ObjectPath,
    object: &ObjectInfo,
    sizes: &[u64],
    steps: Option<&dyn Steps>,
) -> Result<Pieces, StoreError> {
    let mut found = Vec::with_capacity(sizes.len());
    let mut first = 0;
    for size in sizes {
        let selection = match (sizes, *size) {
            ([_], _) | (_, 0) => Selection::Whole,
            (_, size) => Selection::Range(RangeSpec::Closed { first, last: first + size - 1 }),
        };
        first += size;
        let conditions = only_tag(&object.etag);
        let request = GetRequest { selection, conditions, ..GetRequest::default() };
        if let Some(steps) = steps {
            steps.turn().await;
        }
        let body = digesting(store.get_object(at, &request).await?.body, Expected::default());
        let mut body = match steps {
            Some(steps) => steps.paced(body),
            None => body,
        };
        while let Some(chunk) = body.next().await {
            chunk?;
        }
        found.extend(body.digests().and_then(|digests| digests.md5));
    }
    Ok(found)
}

/// A local object that went while it was read changed.
fn read_failed(error: StoreError) -> Trouble {
    match error {
        StoreError::NoSuchKey | StoreError::PreconditionFailed(_) => Trouble::Changed,
        other => Trouble::Home(other),
    }
}
