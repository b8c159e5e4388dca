//! Taking a migration back: what it moved is put where it was, as far as nothing newer has
//! replaced it.

use std::io;

use super::attempt::Work;
use super::journal::{End, Entry};
use super::run::Run;
use super::state::{Ask, State};
use crate::object::{BucketName, ObjectKey};
use crate::placement::transfer::{Direction, Moved, Order};
use crate::store::ObjectPath;

impl Run {
    /// Puts everything back; whether it is over, rather than to be paused.
    pub(super) async fn roll_back(&mut self) -> io::Result<bool> {
        self.stop_tasks().await?;
        self.enter(State::RollingBack).await?;
        self.settle_touched().await?;
        let direction = self.job.spec().direction;
        let mut entries = self.job.journal.entries(0);
        // What is noted from now on is no part of what is to be taken back.
        let end = self.journal_end().await?;
        while entries.offset() < end {
            if self.job.asked() != Ask::RollBack {
                return Ok(false);
            }
            if !self.has_room() {
                self.join_one().await?;
                continue;
            }
            let Some(entry) = entries.next::<Entry>().await? else { break };
            let Entry::Ended { line, bucket, key, size, end: End::Moved(moved), .. } = entry else {
                continue;
            };
            if self.job.seen().undone.has(line) {
                continue;
            }
            if let Some(order) = back(&bucket, &key, direction, &moved) {
                self.spawn(Work { line, order, size, during: Ask::RollBack });
            }
        }
        self.finish_tasks().await?;
        if self.job.asked() != Ask::RollBack {
            return Ok(false);
        }
        self.enter(State::RolledBack).await?;
        Ok(true)
    }

    async fn journal_end(&self) -> io::Result<u64> {
        let mut entries = self.job.journal.entries(0);
        while entries.next::<Entry>().await?.is_some() {}
        Ok(entries.offset())
    }
}

/// The order that was carried out, by what came of it.
pub(super) fn meant(bucket: &str, key: &str, direction: Direction, moved: &Moved) -> Option<Order> {
    Some(Order {
        at: ObjectPath {
            bucket: BucketName::parse(bucket).ok()?,
            key: ObjectKey::parse(key).ok()?,
        },
        direction,
        expected: Some(moved.object.clone()),
        exact: true,
        only_upstream: None,
        again: true,
        keep_source: false,
        read_back: false,
    })
}

/// The order that takes another one back: exactly what it moved, and nothing newer.
fn back(bucket: &str, key: &str, direction: Direction, moved: &Moved) -> Option<Order> {
    let order = meant(bucket, key, direction, moved)?;
    Some(match direction {
        Direction::ToS3 => Order {
            direction: Direction::ToLocal,
            only_upstream: Some(moved.upstream_etag.clone()),
            ..order
        },
        Direction::ToLocal => Order { direction: Direction::ToS3, ..order },
    })
}
