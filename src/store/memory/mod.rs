//! The reference model: everything in memory, nothing fast, as plain as can be.
//!
//! One lock holds everything, and every method is one look under it, so that what a method does is
//! what the contract says in few words. Other stores are compared with this one.

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

use super::{Result, StoreError};
use crate::body::{BodyError, Digests, Payload};
use crate::object::{Clock, ETag, Timestamp, WriteCondition, WriteVerdict};
use state::State;

/// A store in memory.
pub struct MemoryStore {
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
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
        Self { clock, state: Mutex::default() }
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

/// Decides a write's condition against the tag of the key's current object.
fn decide(condition: Option<&WriteCondition>, current: Option<&ETag>) -> Result<()> {
    match condition.map_or(WriteVerdict::Proceed, |condition| condition.check(current)) {
        WriteVerdict::Proceed => Ok(()),
        WriteVerdict::Missing => Err(StoreError::NoSuchKey),
        WriteVerdict::Failed(header) => Err(StoreError::PreconditionFailed(header)),
    }
}

#[cfg(test)]
mod tests;
