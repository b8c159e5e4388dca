//! A bucket through its mode: two layers, seen as one store.
//!
//! Requests only ever see a [`Placement`], never a layer. The mode table is `plan`, as pure code,
//! and no other file mentions a mode; `read`, `write`, `list` and `uploads` carry its plans out,
//! `merge` joins two listings, and `spool` forwards what was taken in while the upstream was away.
//! What is known of each key is its [`location::Location`], kept in the local layer's ledger.
//!
//! Knows nothing of HTTP, nor what is behind a layer: an upstream is a [`crate::store::Store`] whose
//! [`crate::store::StoreError::Unavailable`] means that it failed, and every other error that it answered.

pub mod breaker;
pub mod guard;
pub mod location;
pub mod locks;
pub mod route;
pub mod spool;
pub mod tee;

pub use location::Location;
pub use route::{Mode, Route, Routes, Upstream};
