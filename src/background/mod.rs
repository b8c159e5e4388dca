//! Work that goes on beside requests: workers, and how they are drained.
