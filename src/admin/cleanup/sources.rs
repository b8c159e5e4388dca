//! Where orphans are found, each kind page by page, and how one of them is removed.

mod copies;
mod files;
mod objects;
mod uploads;

use std::collections::VecDeque;

use async_trait::async_trait;

pub(super) use copies::Copies;
pub(super) use files::Files;
pub(super) use objects::{Objects, Position};
pub(super) use uploads::{Here, There, Uploads};

use super::journal::{Orphan, Outcome};
use crate::object::{BucketName, ObjectKey};
use crate::store::{ObjectPath, StoreError};

/// How many keys are looked at in one step.
const PAGE: usize = 100;

/// Orphans of one kind.
#[async_trait]
pub(super) trait Source: Send + Sync {
    /// The next ones; `None` at the end.
    async fn page(&mut self) -> Result<Option<Vec<Orphan>>, String>;

    /// How many were passed over since they are too young.
    fn young(&self) -> u64;

    /// Removes one. An error says that no other will go either.
    async fn remove(&self, orphan: &Orphan) -> Result<Outcome, String>;
}

/// Buckets one after the other, and how far the first one has been looked through.
struct Cursor<A> {
    buckets: VecDeque<BucketName>,
    after: Option<A>,
}

impl<A> Cursor<A> {
    fn over(buckets: Vec<BucketName>) -> Self {
        Self { buckets: buckets.into(), after: None }
    }

    /// A page of the first bucket ended here.
    fn advance(&mut self, next: Option<A>) {
        if next.is_none() {
            self.buckets.pop_front();
        }
        self.after = next;
    }
}

/// The object that an orphan is of.
fn object(orphan: &Orphan) -> Option<ObjectPath> {
    Some(ObjectPath {
        bucket: BucketName::parse(&orphan.bucket).ok()?,
        key: ObjectKey::parse(&orphan.key).ok()?,
    })
}

/// What an error comes to: of one orphan, or of all that would follow.
fn failed(error: &StoreError) -> Result<Outcome, String> {
    match error {
        StoreError::Unavailable { .. }
        | StoreError::ReadOnly { .. }
        | StoreError::Rebuilding
        | StoreError::Closing => Err(error.to_string()),
        error => Ok(Outcome::Failed(error.to_string())),
    }
}
