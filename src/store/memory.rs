//! The reference model: everything in memory, nothing fast, as plain as can be.

/// A store in memory.
#[derive(Debug, Default)]
pub struct MemoryStore;
