//! What came of the calls of an upstream, by operation.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::object::Latency;

/// What came of the calls of one operation.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CallFigures {
    /// How many were answered, whatever the answer.
    pub answered: u64,
    /// How many failed: no answer, or one that says that the service does not work.
    pub failed: u64,
    /// How many were not made, because the upstream is left alone.
    pub refused: u64,
    /// How long those took that were made.
    pub latency: Latency,
}

/// The figures of all operations.
#[derive(Debug, Default)]
pub(super) struct Calls(Mutex<BTreeMap<&'static str, CallFigures>>);

impl Calls {
    pub(super) fn refused(&self, doing: &'static str) {
        self.with(doing, |figures| figures.refused += 1);
    }

    pub(super) fn ended(&self, doing: &'static str, answered: bool, took: Duration) {
        self.with(doing, |figures| {
            if answered {
                figures.answered += 1;
            } else {
                figures.failed += 1;
            }
            figures.latency.observe(took);
        });
    }

    pub(super) fn figures(&self) -> BTreeMap<&'static str, CallFigures> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn with(&self, doing: &'static str, change: impl FnOnce(&mut CallFigures)) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        change(all.entry(doing).or_default());
    }
}
