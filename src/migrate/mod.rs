//! Migrations: moving many objects between the disk and the upstream, with proof and a way back.
//!
//! A migration first makes a plan, which lies on the disk, and then sees to its lines one after
//! the other, many at once. What may be touched is noted before, and what became of it after, so
//! that an end of the process costs nothing but the objects that were under way: the plan is not
//! made again, and parts that arrived are not sent again. `placement::transfer` moves each object
//! and holds against clients; this room knows which objects, how fast, and what became of them.
//!
//! Memory does not grow with the number of objects, but for a bit or two each. Knows nothing of
//! HTTP, nor of how clients' requests are answered.

mod attempt;
mod back;
mod claims;
mod engine;
mod files;
mod history;
mod job;
mod journal;
mod lanes;
mod left_uploads;
mod lines;
mod manifest;
mod marks;
mod orders;
mod pace;
mod plan;
mod planner;
mod prune;
mod report;
mod run;
mod spec;
mod state;
mod totals;
mod view;

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;
use tokio::sync::futures::Notified;

pub use claims::Claim;
pub use engine::Engine;
pub use files::{Folder, Shelf};
pub use history::Happened;
pub use journal::{Counts, Fault};
pub use orders::{Amendment, Changes, Refusal, RefusalKind};
pub use plan::{Amount, Example, Sum};
pub use report::{Format, OUTCOMES, Report};
pub use spec::{Filter, Limits, List, MOST_AT_ONCE, Spec};
pub use state::{Ask, State};
pub use totals::{Total, Totals};
pub use view::{Conflicts, PlanView, Progress, Skipped, View};

pub(crate) use history::key_field;
pub(crate) use lines::{Lines, encode};
pub(crate) use manifest::csv_field;
pub(crate) use prune::{OVER, PLANS, beyond};

use self::claims::Claims;
use self::job::Job;
use crate::object::{Clock, KeyTemplates};
use crate::placement::transfer::{Direction, Transfers};

/// What migrations work with.
pub struct Context {
    /// What moves one object.
    pub transfers: Transfers,
    /// Where their files are.
    pub shelf: Arc<dyn Shelf>,
    /// How keys say whom they belong to.
    pub templates: KeyTemplates,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// How many bytes the disk has room for, where that is known.
    pub room: Arc<dyn Fn() -> Option<u64> + Send + Sync>,
    /// How many requests of clients are being answered.
    pub busy: Arc<dyn Fn() -> usize + Send + Sync>,
    /// What is counted since the process started.
    pub totals: Totals,
}

/// All migrations.
pub struct Migrations {
    context: Arc<Context>,
    jobs: Mutex<BTreeMap<String, Arc<Job>>>,
    /// Held while a new one is held against the others.
    ordering: tokio::sync::Mutex<()>,
    claims: Arc<Claims>,
    ordered: Notify,
}

impl Migrations {
    /// Those that are noted on the disk. Whatever was under way goes on as soon as there is an
    /// [`Engine`].
    pub async fn open(context: Context) -> io::Result<Arc<Self>> {
        let mut jobs = BTreeMap::new();
        let names = context.shelf.list().await?;
        let journals = names.iter().filter_map(|name| name.strip_suffix(".journal"));
        let mut known: Vec<&str> = Vec::new();
        for id in journals {
            match Job::load(&context, id).await {
                Ok(Some(job)) => {
                    known.push(id);
                    jobs.insert(id.to_owned(), job);
                }
                Ok(None) => {}
                Err(error) => {
                    known.push(id);
                    tracing::error!(migration = id, %error, "its journal is of no use");
                }
            }
        }
        // What an order left that was never whole.
        for name in &names {
            let id = name.split_once('.').map_or(name.as_str(), |(id, _)| id);
            if !known.contains(&id) {
                context.shelf.remove(name).await?;
            }
        }
        Ok(Arc::new(Self {
            context: Arc::new(context),
            jobs: Mutex::new(jobs),
            ordering: tokio::sync::Mutex::new(()),
            claims: Arc::default(),
            ordered: Notify::new(),
        }))
    }

    /// What runs them.
    pub fn engine(self: &Arc<Self>) -> Engine {
        Engine::new(Arc::clone(self))
    }

    /// The latest migrations, the newest first.
    pub fn latest(&self, limit: usize) -> Vec<View> {
        self.jobs().values().rev().take(limit).map(|job| View::of(job)).collect()
    }

    /// How many migrations and plans are in each state.
    pub fn states(&self) -> BTreeMap<State, u64> {
        let mut states: BTreeMap<State, u64> = State::ALL.into_iter().map(|it| (it, 0)).collect();
        for job in self.jobs().values() {
            *states.entry(job.look(|board| board.state)).or_default() += 1;
        }
        states
    }

    /// How many objects are being moved.
    pub fn in_flight(&self) -> usize {
        self.jobs().values().map(|job| job.in_flight()).sum()
    }

    /// What migrations did since the process started.
    pub fn totals(&self) -> [Total; 4] {
        self.context.totals.all()
    }

    /// A migration.
    pub fn view(&self, id: &str) -> Option<View> {
        self.job(id).map(|job| View::of(&job))
    }

    /// What tells of every change of a migration.
    pub fn changes(&self, id: &str) -> Option<Changes> {
        self.job(id).map(Changes::of)
    }

    /// What became of every object; `only` those that came to one of [`OUTCOMES`].
    pub fn report(&self, id: &str, format: Format, only: Option<String>) -> Option<Report> {
        self.job(id).map(|job| Report::of(&self.context.shelf, &job.id, format, only))
    }

    fn job(&self, id: &str) -> Option<Arc<Job>> {
        self.jobs().get(id).cloned()
    }

    fn jobs(&self) -> MutexGuard<'_, BTreeMap<String, Arc<Job>>> {
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn context(&self) -> &Arc<Context> {
        &self.context
    }

    fn active(&self) -> Vec<Arc<Job>> {
        self.jobs().values().filter(|job| job.is_active()).cloned().collect()
    }

    /// Those to a layer that nothing more will be done for, unless they are rolled back.
    fn over(&self, direction: Direction) -> Vec<Arc<Job>> {
        let jobs = self.jobs();
        let over = jobs.values().filter(|job| !job.is_active() && job.direction() == direction);
        over.filter(|job| job.look(|board| board.state.is_over())).cloned().collect()
    }

    fn ordering(&self) -> &tokio::sync::Mutex<()> {
        &self.ordering
    }

    fn claims(&self) -> &Arc<Claims> {
        &self.claims
    }

    fn ordered(&self) -> Notified<'_> {
        self.ordered.notified()
    }
}

impl fmt::Debug for Migrations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Migrations").field("known", &self.jobs().len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
