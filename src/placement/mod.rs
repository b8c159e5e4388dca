//! A bucket through its mode: two layers, seen as one store.
//!
//! Requests only ever see a [`Placement`], never a layer. The mode table is `plan`, as pure code,
//! and no other file decides by a mode; `read`, `write`, `list` and `uploads` carry its plans out,
//! `merge` joins two listings, and `spool` forwards what was taken in while the upstream was away.
//! What is known of each key is its [`location::Location`], kept in the local layer's ledger and
//! read and replaced by `locate` alone.
//!
//! Knows nothing of HTTP, nor what is behind a layer: an upstream is a [`crate::store::Store`] whose
//! [`crate::store::StoreError::Unavailable`] means that it failed, and every other error that it answered.

mod acls;
pub mod breaker;
mod buckets;
mod carried;
mod copy;
mod delete;
pub mod guard;
mod list;
pub mod locate;
pub mod location;
mod locked;
pub mod locks;
mod merge;
mod passing;
mod plan;
mod read;
pub mod route;
pub mod spool;
mod stores;
mod tags;
pub mod tee;
pub mod transfer;
mod uploads;
mod write;

use std::fmt;
use std::sync::Arc;

pub use locate::Locations;
pub use location::Location;
pub use route::{Mode, Route, Routes, Upstream};

use crate::object::{BucketName, Clock};
use crate::store::{Home, Result, Store, StoreError};
use passing::Passing;
use spool::Spool;

/// All buckets, each through its mode. Clones are the same.
#[derive(Clone)]
pub struct Placement {
    home: Arc<dyn Home>,
    routes: Arc<Routes>,
    locations: Arc<Locations>,
    spool: Arc<Spool>,
    clock: Arc<dyn Clock>,
    passing: Arc<Passing>,
}

impl Placement {
    /// The buckets that `home` has, placed by `routes`. `spool` is the one of the same `home` and
    /// `routes`.
    pub fn new(
        home: Arc<dyn Home>,
        routes: Arc<Routes>,
        spool: Arc<Spool>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let locations = Arc::clone(spool.locations());
        let passing = Arc::default();
        Self { home, routes, locations, spool, clock, passing }
    }

    /// Whether a bucket has an upstream.
    fn is_routed(&self, bucket: &BucketName) -> bool {
        self.routes.of(bucket).upstream.is_some()
    }

    /// The local layer.
    fn home(&self) -> &dyn Store {
        &*self.home
    }
}

impl fmt::Debug for Placement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Placement").field("spool", &self.spool).finish_non_exhaustive()
    }
}

/// What an upstream answered. A bucket that exists here and is missing there is its failure.
fn answered<T>(upstream: &Upstream, answer: Result<T>) -> Result<T> {
    answer.map_err(|error| match error {
        StoreError::NoSuchBucket => StoreError::Unavailable {
            what: format!("upstream {} does not have the bucket", upstream.name),
        },
        other => other,
    })
}

#[cfg(test)]
pub(crate) mod tests;
