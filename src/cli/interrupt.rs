//! Ctrl-C, heeded from a certain point on.

use tokio::signal::unix::{Signal, SignalKind, signal};

use super::Failure;

/// Interruptions since it was made.
pub(super) struct Interrupt(Signal);

impl Interrupt {
    /// From now on an interruption no longer ends the process.
    pub(super) fn heed() -> Result<Self, Failure> {
        let signal = signal(SignalKind::interrupt());
        signal.map(Self).map_err(|error| Failure::Failed(format!("cannot watch signals: {error}")))
    }

    /// Done at the next one.
    pub(super) async fn came(&mut self) {
        if self.0.recv().await.is_none() {
            std::future::pending::<()>().await;
        }
    }
}
