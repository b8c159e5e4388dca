//! What a record says of how its object's bytes are encrypted.
//!
//! Stands behind the counts of every record of format 3; records of the formats before are of
//! bytes that lie there as they came. The same stands in the footers of blobs of format 2.
//!
//! An object or upload has a random object key of 32 bytes, which is kept wrapped ([`Seal`]); each
//! of its bodies has a random id, and is encrypted with a key made of the object key and that id.
//! So another master key rewrites descriptions and no bodies.

use serde::{Deserialize, Serialize};

/// Which key an object key is wrapped with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Holder {
    /// The store's master key of that id.
    Master {
        /// The id.
        id: String,
        /// Whether the client asked for it, rather than the bucket's default.
        asked: bool,
    },
    /// A customer's, who has to bring it.
    Customer,
}

/// A wrapped object key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Seal {
    /// With which key it is wrapped.
    pub(crate) holder: Holder,
    /// Makes the wrapping key another one each time.
    pub(crate) salt: [u8; 16],
    /// The object key, encrypted.
    pub(crate) wrapped: [u8; 32],
    /// Its authentication.
    pub(crate) tag: [u8; 16],
}

/// The id of an encrypted body.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct BodyId(pub(crate) [u8; 16]);

/// How an object or part is encrypted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Sealing {
    /// The object key. Of a part it is the upload's, and not said again.
    pub(crate) seal: Option<Seal>,
    /// Its own body; an object without bytes or of several parts has none.
    pub(crate) body: Option<BodyId>,
}

impl Seal {
    /// The id of the master key that it needs; a customer's needs none.
    pub(crate) fn master(&self) -> Option<&str> {
        match &self.holder {
            Holder::Master { id, .. } => Some(id),
            Holder::Customer => None,
        }
    }
}

impl Sealing {
    /// Of an object or upload that has no body of its own.
    pub(crate) fn of(seal: Seal) -> Self {
        Self { seal: Some(seal), body: None }
    }
}
