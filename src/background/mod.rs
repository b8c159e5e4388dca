//! Work that goes on beside requests: workers, and how they are drained.
//!
//! Knows nothing of what the workers do.

mod supervisor;

use std::time::Duration;

use async_trait::async_trait;

pub use supervisor::Supervisor;

/// Something that has work to do from time to time.
#[async_trait]
pub trait Worker: Send {
    /// Its name, for the log.
    fn name(&self) -> &'static str;

    /// Does one unit of work, short enough to wait for at shutdown, and says when to be called
    /// again. A failure is the worker's own to log; it says when to try again. The future may be
    /// dropped where draining takes too long.
    async fn step(&mut self) -> Next;
}

/// When a worker is to be called again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// At once: there is more to do.
    Now,
    /// After this long.
    After(Duration),
    /// Never.
    Done,
}
