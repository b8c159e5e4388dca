//! What migrations did since the process started, for whoever measures.

use std::sync::{Mutex, PoisonError};

use super::journal::{Counts, End};
use crate::placement::transfer::Direction;

/// What all migrations did since the process started.
#[derive(Debug, Default)]
pub struct Totals(Mutex<Sums>);

/// What moving objects one way came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Total {
    /// Which way the migration goes; taking it back goes the other way.
    pub direction: Direction,
    /// Whether it was taking it back.
    pub back: bool,
    /// What came of the objects.
    pub counts: Counts,
}

#[derive(Debug, Clone, Copy, Default)]
struct Sums {
    to_s3: Counts,
    to_local: Counts,
    back_from_s3: Counts,
    back_from_local: Counts,
}

impl Totals {
    /// An object came to an end in a migration of that direction, or in taking one back.
    pub(super) fn count(&self, direction: Direction, back: bool, size: u64, end: &End) {
        let mut sums = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let counts = match (direction, back) {
            (Direction::ToS3, false) => &mut sums.to_s3,
            (Direction::ToLocal, false) => &mut sums.to_local,
            (Direction::ToS3, true) => &mut sums.back_from_s3,
            (Direction::ToLocal, true) => &mut sums.back_from_local,
        };
        counts.count(size, end);
    }

    /// All of them.
    pub fn all(&self) -> [Total; 4] {
        let sums = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let total = |direction, back, counts| Total { direction, back, counts };
        [
            total(Direction::ToS3, false, sums.to_s3),
            total(Direction::ToLocal, false, sums.to_local),
            total(Direction::ToS3, true, sums.back_from_s3),
            total(Direction::ToLocal, true, sums.back_from_local),
        ]
    }
}
