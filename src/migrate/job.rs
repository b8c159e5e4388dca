//! A migration as everyone who has to do with it shares it.

use std::collections::BTreeMap;
use std::io;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use super::Context;
use super::journal::{Counts, Entry, Fault, Journal, Told};
use super::lanes::Lanes;
use super::marks::Marks;
use super::pace::Pace;
use super::plan::Sum;
use super::spec::{Limits, Spec};
use super::state::{Ask, State};
use crate::object::Timestamp;
use crate::placement::transfer::{Begun, Direction};

/// A migration.
pub(super) struct Job {
    pub(super) id: String,
    pub(super) journal: Journal,
    pub(super) pace: Pace,
    pub(super) lanes: Lanes,
    board: watch::Sender<Board>,
    marks: Mutex<Seen>,
    /// Bytes that went since the process started.
    pub(super) sent: Arc<AtomicU64>,
    /// Objects that the upstream took or gave well since the process started.
    pub(super) good: AtomicU64,
}

/// What is to be seen of a migration.
#[derive(Debug, Clone)]
pub(super) struct Board {
    pub(super) spec: Spec,
    pub(super) state: State,
    pub(super) asked: Ask,
    /// Whether what it moved is to be taken back: it goes nowhere else any more.
    pub(super) back_asked: bool,
    /// Whether its files could not be used, so that nothing is tried until something is asked.
    pub(super) stuck: bool,
    pub(super) error: Option<Fault>,
    pub(super) created: Timestamp,
    pub(super) started: Option<Timestamp>,
    pub(super) changed: Timestamp,
    pub(super) sum: Option<Sum>,
    /// What was found so far, while the plan is being made.
    pub(super) found: u64,
    pub(super) counts: Counts,
    pub(super) back: Counts,
    /// Why it stands still, where it does.
    pub(super) waiting: Option<String>,
    /// Whether it is to be run, rather than only planned.
    pub(super) ordered: bool,
}

/// Which lines have been seen to.
#[derive(Debug, Default)]
pub(super) struct Seen {
    pub(super) touching: u64,
    pub(super) ended: Marks,
    pub(super) undone: Marks,
    pub(super) uploads: BTreeMap<u64, Begun>,
}

impl Job {
    /// A new one, which is noted. `ordered` says that it is to be run.
    pub(super) async fn create(
        context: &Context,
        id: String,
        spec: Spec,
        ordered: bool,
    ) -> io::Result<Arc<Self>> {
        let now = context.clock.now();
        let journal = Journal::of(&context.shelf, &id);
        let created = Entry::Created { spec: Box::new(spec.clone()), at: now, ordered };
        journal.note(&created, true).await?;
        let told = Told { created: Some((spec, now)), ordered, ..Told::default() };
        Ok(Arc::new(Self::of(id, journal, told, now)))
    }

    /// One that was noted by an earlier process; `None` where there is nothing of it.
    pub(super) async fn load(context: &Context, id: &str) -> io::Result<Option<Arc<Self>>> {
        let journal = Journal::of(&context.shelf, id);
        let told = journal.told().await?;
        // A plan that was never whole was never shown.
        if told.created.is_none() || !told.ordered && told.sum.is_none() {
            return Ok(None);
        }
        Ok(Some(Arc::new(Self::of(id.to_owned(), journal, told, context.clock.now()))))
    }

    fn of(id: String, journal: Journal, told: Told, now: Timestamp) -> Self {
        let Told { created, sum, limits, asked, state, started, .. } = told;
        let (mut spec, created) = created.unwrap_or_else(|| (Spec::empty(), now));
        spec.limits = limits.unwrap_or(spec.limits);
        let (state, changed, error) = state.unwrap_or((State::Planned, created, None));
        let asked = asked.unwrap_or(Ask::Run);
        let contrary = state.serves().is_some_and(|served| served != asked);
        let state = asked.leads_to().filter(|_| contrary).unwrap_or(state);
        let pace = Pace::new(spec.limits.bytes_per_second, spec.limits.requests_per_second);
        let board = Board {
            spec,
            state,
            asked,
            back_asked: told.back_asked,
            stuck: false,
            error,
            created,
            started,
            changed,
            found: sum.as_ref().map_or(0, |sum| sum.movable.objects),
            sum,
            counts: told.counts,
            back: told.back,
            waiting: None,
            ordered: told.ordered,
        };
        let seen = Seen {
            touching: told.touching,
            ended: told.ended,
            undone: told.undone,
            uploads: told.uploads,
        };
        Self {
            id,
            journal,
            pace,
            lanes: Lanes::default(),
            board: watch::Sender::new(board),
            marks: Mutex::new(seen),
            sent: Arc::default(),
            good: AtomicU64::new(0),
        }
    }

    /// Whether it has to be worked on.
    pub(super) fn is_active(&self) -> bool {
        let board = self.board.borrow();
        let settled = !board.back_asked || board.state == State::RolledBack;
        board.ordered && !board.stuck && !(board.state.is_over() && settled)
    }

    pub(super) fn watch(&self) -> watch::Receiver<Board> {
        self.board.subscribe()
    }

    pub(super) fn look<T>(&self, look: impl FnOnce(&Board) -> T) -> T {
        look(&self.board.borrow())
    }

    pub(super) fn change(&self, change: impl FnOnce(&mut Board)) {
        self.board.send_modify(change);
    }

    pub(super) fn spec(&self) -> Spec {
        self.look(|board| board.spec.clone())
    }

    pub(super) fn direction(&self) -> Direction {
        self.look(|board| board.spec.direction)
    }

    pub(super) fn asked(&self) -> Ask {
        self.look(|board| board.asked)
    }

    pub(super) fn seen(&self) -> MutexGuard<'_, Seen> {
        self.marks.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Done when something else than `ask` is asked.
    pub(super) async fn asked_otherwise(&self, ask: Ask) {
        let mut watch = self.watch();
        let _ = watch.wait_for(|board| board.asked != ask).await;
    }

    /// Goes over into a state. Where something else has been asked meanwhile, the state is already
    /// that which was asked for, and stays.
    pub(super) async fn enter(
        &self,
        state: State,
        at: Timestamp,
        error: Option<Fault>,
    ) -> io::Result<()> {
        if self.look(|board| board.state == state && board.error == error) {
            return Ok(());
        }
        self.journal.note(&Entry::State { state, at, error: error.clone() }, true).await?;
        self.change(|board| {
            if state.serves().is_some_and(|ask| ask != board.asked) {
                return;
            }
            (board.state, board.changed, board.error) = (state, at, error);
            board.waiting = None;
            if state == State::Running {
                board.started.get_or_insert(at);
            }
        });
        Ok(())
    }

    /// Takes in what is asked of it.
    pub(super) async fn ask(&self, ask: Ask) -> io::Result<()> {
        self.journal.note(&Entry::Asked(ask), true).await?;
        self.change(|board| {
            board.asked = ask;
            board.back_asked |= ask == Ask::RollBack;
            board.stuck = false;
        });
        Ok(())
    }

    pub(super) async fn limit(&self, limits: Limits) -> io::Result<()> {
        self.journal.note(&Entry::Limits(limits), true).await?;
        self.pace.set(limits.bytes_per_second, limits.requests_per_second);
        self.change(|board| board.spec.limits = limits);
        Ok(())
    }

    /// How many objects may be under way at once: clients come first.
    pub(super) fn lanes(&self, context: &Context) -> usize {
        let most = self.look(|board| board.spec.limits.concurrency);
        most.saturating_sub((context.busy)()).max(1)
    }

    /// How many objects are being moved now.
    pub(super) fn in_flight(&self) -> usize {
        self.lanes.taken()
    }
}

impl Spec {
    /// Of a journal that says nothing; nobody ever runs it.
    fn empty() -> Self {
        Self {
            direction: Direction::ToS3,
            filter: super::spec::Filter::default(),
            keep_source: true,
            read_back: false,
            max_deletions: Some(0),
            exact: true,
            limits: Limits::default(),
        }
    }
}
