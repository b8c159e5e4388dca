//! Brings objects under the active master key, so that an older one can be taken away.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use crate::background::{Next, Worker};
use crate::store::StoreError;
use crate::store::local::{LocalStore, Rewrapped, Rewrapping};

/// How often it is looked whether a key is in use that is not the active one.
const LOOK: Duration = Duration::from_secs(5);
/// When what still needed an older key is looked at again.
const AGAIN: Duration = Duration::from_mins(10);
/// Between two portions, so that clients come first.
const PAUSE: Duration = Duration::from_millis(5);

/// Rewrites descriptions of objects that are encrypted under an older key.
pub(super) struct KeyRotation {
    store: Arc<LocalStore>,
    work: Rewrapping,
    begun: bool,
}

impl KeyRotation {
    /// For the objects of this store.
    pub(super) fn new(store: Arc<LocalStore>) -> Self {
        Self { store, work: Rewrapping::default(), begun: false }
    }

    /// Whether anything may be encrypted under another key than the active one.
    fn is_wanted(&self) -> bool {
        let keys = self.store.master_keys();
        keys.active.is_some_and(|active| keys.in_use.iter().any(|key| *key != active))
    }
}

#[async_trait]
impl Worker for KeyRotation {
    fn name(&self) -> &'static str {
        "key rotation"
    }

    async fn step(&mut self) -> Next {
        if !self.is_wanted() {
            return Next::After(LOOK);
        }
        if !self.begun {
            let keys = self.store.master_keys();
            let (active, in_use) = (keys.active.unwrap_or_default(), keys.in_use);
            tracing::info!(active, ?in_use, "bringing objects under the active master key");
            self.begun = true;
        }
        match self.store.rewrap(&mut self.work).await {
            Ok(Rewrapped::More) => Next::After(PAUSE),
            Ok(Rewrapped::Wait) | Err(StoreError::Rebuilding) => Next::After(LOOK),
            Ok(Rewrapped::Done { retired, needed }) => {
                self.begun = false;
                if !retired.is_empty() {
                    tracing::info!(?retired, "these master keys are needed no more");
                }
                if needed.is_empty() {
                    return Next::After(LOOK);
                }
                tracing::info!(?needed, "uploads under way or unreadable objects need these keys");
                Next::After(AGAIN)
            }
            Err(error) => {
                tracing::warn!(%error, "objects are not brought under the active master key");
                Next::After(AGAIN)
            }
        }
    }
}
