//! Of which parts an object consists: the data of the records that make one of an upload.

use serde::{Deserialize, Serialize};

use super::place::{Body, Dead, RecordRef};
use super::seal::BodyId;
use super::{Flaw, read, take, to_postcard};
use crate::object::ChecksumValue;

/// A part in a manifest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ManifestPart {
    /// Its size in bytes.
    pub(crate) size: u64,
    /// Its checksum.
    pub(crate) checksum: Option<ChecksumValue>,
    /// Its bytes; never a manifest.
    pub(crate) body: Body,
    /// The id of its bytes, where they are encrypted; stands behind the assembly.
    #[serde(skip)]
    pub(crate) sealed: Option<BodyId>,
}

/// The data of [`CompleteUpload`](super::meta::CompleteUpload) and of
/// [`MoveManifest`](super::relocation::MoveManifest).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Assembly {
    /// The parts in the object's order; their numbers are 1, 2, 3 ….
    pub(crate) parts: Vec<ManifestPart>,
    /// Everything of the upload that is not part of the object.
    pub(crate) dead: Dead,
}

impl Assembly {
    /// The data's bytes. Where the parts are encrypted, their ids stand behind the rest.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let bytes = to_postcard(self, Vec::new());
        let ids: Vec<Option<BodyId>> = self.parts.iter().map(|part| part.sealed).collect();
        if ids.iter().all(Option::is_none) { bytes } else { to_postcard(&ids, bytes) }
    }

    /// Reads the data of such a record.
    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, Flaw> {
        let (mut assembly, rest): (Self, _) = take(bytes)?;
        if rest.is_empty() {
            return Ok(assembly);
        }
        let ids: Vec<Option<BodyId>> = read(rest)?;
        if ids.len() != assembly.parts.len() {
            return Err(Flaw("the list of parts is not that of their ids"));
        }
        for (part, id) in assembly.parts.iter_mut().zip(ids) {
            part.sealed = id;
        }
        Ok(assembly)
    }

    /// What dies when the object does: its parts' bytes. `this` is the manifest's record.
    pub(crate) fn parts_dead(&self) -> Dead {
        let mut dead = Dead::default();
        for part in &self.parts {
            match part.body {
                Body::Packed(record) => dead.records.push(record),
                Body::Blob(blob) => dead.blobs.push(blob),
                Body::Empty | Body::Manifest(_) => {}
            }
        }
        dead
    }

    /// The records whose data is part of the object.
    pub(crate) fn packed(&self) -> impl Iterator<Item = RecordRef> {
        self.parts.iter().filter_map(|part| match part.body {
            Body::Packed(record) => Some(record),
            _ => None,
        })
    }
}
