//! The real file system and the simulated one against the same expectations.
