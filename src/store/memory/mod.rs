//! The reference model: everything in memory, nothing fast, as plain as can be.
//!
//! One lock holds everything, and every method is one look under it, so that what a method does is
//! what the contract says in few words. Other stores are compared with this one.

mod acls;
mod buckets;
mod holding;
mod ledger;
mod multipart;
mod objects;
mod preview;
mod read;
mod state;
mod tags;

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::{Bytes, BytesMut};
use md5::{Digest as _, Md5};
use uuid::Uuid;

use super::{Result, StoreError};
use crate::body::{BodyError, Digests, Payload};
use crate::object::{
    BucketName, Clock, ETag, Encrypted, Encryption, EncryptionDefaults, Timestamp, WriteCondition,
    WriteVerdict,
};
use state::State;

/// A store in memory.
pub struct MemoryStore {
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
    defaults: EncryptionDefaults,
}

impl MemoryStore {
    /// Turns every bit of an object's content over: damage, and its repair.
    #[cfg(test)]
    pub(crate) fn flip(&self, at: &super::ObjectPath) {
        let mut state = self.state();
        let bin = state.buckets.get_mut(&at.bucket).unwrap();
        let object = bin.objects.get_mut(at.key.as_str().as_bytes()).unwrap();
        object.content = object.content.iter().map(|byte| !byte).collect::<Vec<_>>().into();
    }

    /// An empty store.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, state: Mutex::default(), defaults: EncryptionDefaults::default() }
    }

    /// The same where buckets have these defaults. Nothing is encrypted here, but all is told as
    /// if it were.
    #[must_use]
    pub fn encrypting(self, defaults: EncryptionDefaults) -> Self {
        Self { defaults, ..self }
    }

    /// How something new is told to be encrypted.
    fn encrypted(&self, bucket: &BucketName, asked: Option<&Encryption>) -> Option<Encrypted> {
        let by_default = || self.defaults.of(bucket).then_some(Encrypted::Managed { asked: false });
        asked.map_or_else(by_default, |asked| Some(asked.told()))
    }

    /// Nothing under the lock panics half-way through a change, so a poisoned one is as good.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The time stamp of what is stored now.
    fn stamp(&self) -> Timestamp {
        self.clock.now().ceil_second()
    }
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryStore").finish_non_exhaustive()
    }
}

/// Reads a body to its end. One without digests has not gone through `body::digesting`.
async fn received(mut body: Payload) -> Result<(Bytes, Digests)> {
    let mut content = BytesMut::new();
    while let Some(chunk) = body.next().await {
        content.extend_from_slice(&chunk?);
    }
    let digests = body.digests().cloned().ok_or(BodyError::Incomplete)?;
    Ok((content.freeze(), digests))
}

/// The entity tag of a content, of which the MD5 may be known. With a customer's key it tells
/// nothing of the content.
fn tag_of(encryption: Option<&Encryption>, content: &Bytes, digests: &Digests) -> ETag {
    ETag::from_md5(match encryption {
        Some(Encryption::Customer(_)) => Uuid::new_v4().into_bytes(),
        Some(Encryption::Managed) | None => {
            digests.md5.unwrap_or_else(|| Md5::digest(content).into())
        }
    })
}

/// Decides a write's condition against tag and Last-Modified of the key's current object.
fn decide(condition: Option<&WriteCondition>, current: Option<(&ETag, Timestamp)>) -> Result<()> {
    match condition.map_or(WriteVerdict::Proceed, |condition| condition.check(current)) {
        WriteVerdict::Proceed => Ok(()),
        WriteVerdict::Missing => Err(StoreError::NoSuchKey),
        WriteVerdict::Failed(header) => Err(StoreError::PreconditionFailed(header)),
    }
}

#[cfg(test)]
mod tests;
