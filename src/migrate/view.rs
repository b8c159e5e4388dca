//! A migration as callers see it.

use serde::Serialize;

use super::job::{Board, Job};
use super::journal::{Counts, Fault};
use super::plan::{Amount, Example, Sum};
use super::spec::{Filter, Limits};
use super::state::State;
use crate::object::Timestamp;
use crate::placement::transfer::Direction;

/// A migration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct View {
    /// Its id.
    pub id: String,
    /// Its state.
    pub state: State,
    /// Where to.
    pub direction: Direction,
    /// Which objects.
    pub filter: Filter,
    /// Whether the layer that objects come from keeps its copies.
    pub keep_source: bool,
    /// How fast it may go.
    pub limits: Limits,
    /// When it was ordered.
    pub created_at: String,
    /// When the first object was seen to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub started_at: Option<String>,
    /// When it came into its state.
    pub updated_at: String,
    /// What the plan comes to, once it is made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub plan: Option<PlanView>,
    /// How far it is.
    pub progress: Progress,
    /// How far taking it back is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rollback: Option<Counts>,
    /// Why it stands still, where it does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub waiting: Option<String>,
    /// Why it could not come to its end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<Fault>,
}

/// What a plan comes to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PlanView {
    /// Its id, by which it is run.
    pub id: String,
    /// How many objects are to be moved.
    pub objects: u64,
    /// Their bytes.
    pub bytes: u64,
    /// The same by company; what belongs to none under the empty text.
    pub by_company: std::collections::BTreeMap<String, Amount>,
    /// The same by type.
    pub by_type: std::collections::BTreeMap<String, Amount>,
    /// What would be skipped, by reason.
    pub skipped: Skipped,
    /// Where the target has another object.
    pub conflicts: Conflicts,
}

/// What a plan leaves where it is, by reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Skipped {
    /// It waits in the spool.
    pub waits_in_spool: Amount,
    /// The parameters leave it out.
    pub filtered: Amount,
    /// A list names it, and it is not there to be moved.
    pub not_there: u64,
}

/// Where the target has another object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Conflicts {
    /// How many objects.
    pub objects: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Some of them.
    pub examples: Vec<Example>,
}

/// How far a migration is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Progress {
    /// How many objects are to be moved, as far as known.
    pub objects: u64,
    /// What came of those that have been seen to.
    #[serde(flatten)]
    pub counts: Counts,
    /// How many are being moved now.
    pub in_flight: usize,
    /// Bytes that went since the process started, in vain ones included.
    pub sent_bytes: u64,
}

impl View {
    pub(super) fn of(job: &Job) -> Self {
        let sent_bytes = job.sent.load(std::sync::atomic::Ordering::Relaxed);
        let in_flight = job.in_flight();
        job.look(|board| Self::seen(&job.id, board, in_flight, sent_bytes))
    }

    fn seen(id: &str, board: &Board, in_flight: usize, sent_bytes: u64) -> Self {
        let back = board.back_asked;
        Self {
            id: id.to_owned(),
            state: board.state,
            direction: board.spec.direction,
            filter: board.spec.filter.clone(),
            keep_source: board.spec.keep_source,
            limits: board.spec.limits,
            created_at: time(board.created),
            started_at: board.started.map(time),
            updated_at: time(board.changed),
            plan: board.sum.as_ref().map(|sum| PlanView::of(id, sum)),
            progress: Progress {
                objects: board.sum.as_ref().map_or(board.found, |sum| sum.movable.objects),
                counts: board.counts,
                in_flight,
                sent_bytes,
            },
            rollback: back.then_some(board.back),
            waiting: board.waiting.clone(),
            error: board.error.clone(),
        }
    }
}

impl PlanView {
    pub(super) fn of(id: &str, sum: &Sum) -> Self {
        Self {
            id: id.to_owned(),
            objects: sum.movable.objects,
            bytes: sum.movable.bytes,
            by_company: sum.by_company.clone(),
            by_type: sum.by_type.clone(),
            skipped: Skipped {
                waits_in_spool: sum.waiting,
                filtered: sum.left_out,
                not_there: sum.absent,
            },
            conflicts: Conflicts {
                objects: sum.conflicts.objects,
                bytes: sum.conflicts.bytes,
                examples: sum.examples.clone(),
            },
        }
    }
}

fn time(at: Timestamp) -> String {
    at.iso8601()
}
