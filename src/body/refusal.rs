//! Why a body is not wanted, although nothing is wrong with how it came.

/// A refusal, in words for the client.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Refusal {
    /// What is refused about it.
    pub kind: RefusalKind,
    /// By which rule, and why.
    pub message: String,
}

/// What is refused about a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefusalKind {
    /// What its sender says of it, or that it is something else: `InvalidArgument`.
    Argument,
    /// Its size: `EntityTooLarge`.
    TooLarge {
        /// How many bytes it has, where that is known.
        size: Option<u64>,
        /// The most that are allowed.
        limit: u64,
    },
    /// Its size: `EntityTooSmall`.
    TooSmall {
        /// How many bytes it has.
        size: u64,
        /// The fewest that are allowed.
        least: u64,
    },
    /// Its content: `AccessDenied`.
    Content,
    /// Nobody could look at its content: `ServiceUnavailable`.
    Unseen,
}
