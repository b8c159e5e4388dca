//! The functions that every store passes.
