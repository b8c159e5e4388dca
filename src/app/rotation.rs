//! Brings objects under the active master key, so that an older one can be taken away.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use crate::background::{Next, Worker};
use crate::store::StoreError;
use crate::store::local::{LocalStore, Rewrapped, Rewrapping};

/// How often it is looked whether a key is in use that is not the active one.
const LOOK: Duration = Duration::from_secs(5);
/// When what failed is tried again.
const AGAIN: Duration = Duration::from_mins(10);
/// After how many looks what could not be written anew is tried again without a change of keys.
const LOOKS: u32 = 120;
/// Between two portions, so that clients come first.
const PAUSE: Duration = Duration::from_millis(5);

/// Rewrites descriptions of objects that are encrypted under an older key.
pub(super) struct KeyRotation {
    store: Arc<LocalStore>,
    work: Rewrapping,
    begun: bool,
    /// How often it was looked since something was left that needs an older key.
    looks: Option<u32>,
}

impl KeyRotation {
    /// For the objects of this store.
    pub(super) fn new(store: Arc<LocalStore>) -> Self {
        Self { store, work: Rewrapping::default(), begun: false, looks: None }
    }

    /// Whether anything may be encrypted under another key than the active one.
    fn is_wanted(&self) -> bool {
        let keys = self.store.master_keys();
        keys.active.is_some_and(|active| keys.in_use.iter().any(|key| *key != active))
    }

    /// Whether what was left the last time may be brought under the active key by now.
    async fn may_go_on(&mut self) -> bool {
        let Some(looks) = &mut self.looks else { return true };
        *looks += 1;
        let by_time = *looks >= LOOKS;
        let may = self.store.may_rewrap(&mut self.work, by_time).await.unwrap_or_default();
        if may {
            self.looks = None;
        } else if by_time {
            self.looks = Some(0);
        }
        may
    }
}

#[async_trait]
impl Worker for KeyRotation {
    fn name(&self) -> &'static str {
        "key rotation"
    }

    async fn step(&mut self) -> Next {
        if !self.is_wanted() || !self.may_go_on().await {
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
            Ok(Rewrapped::Done { retired, needed, stuck }) => {
                self.begun = false;
                if !retired.is_empty() {
                    tracing::info!(?retired, "these master keys are needed no more");
                }
                if let Some((objects, example)) = stuck {
                    tracing::warn!(objects, example, "not brought under the active master key");
                }
                if !needed.is_empty() {
                    tracing::info!(
                        ?needed,
                        "uploads under way or unreadable objects need these master keys"
                    );
                    self.looks = Some(0);
                }
                Next::After(LOOK)
            }
            Err(error) => {
                tracing::warn!(%error, "objects are not brought under the active master key");
                Next::After(AGAIN)
            }
        }
    }
}
