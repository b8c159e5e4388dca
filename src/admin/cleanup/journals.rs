//! The journals of all clean-ups, in a directory of the data directory: those of earlier processes
//! are told of, too, until there are too many or they are too old.
//!
//! One that the end of a process cut off is told of as interrupted. It is not taken up again:
//! what nothing refers to is found by the next one.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use super::journal::{Entry, Found, Journal, Order, Orphan, name};
use super::{KIND, is_dry_run, shown};
use crate::admin::job::{JobState, Jobs, Told};
use crate::background::{Next, Worker};
use crate::migrate::{Lines, OVER, PLANS, Shelf, beyond};
use crate::object::{Clock, Timestamp};

/// How often it is looked for what has become too old.
const OFTEN: Duration = Duration::from_hours(1);

/// The journals.
pub struct Cleanups {
    shelf: Arc<dyn Shelf>,
    clock: Arc<dyn Clock>,
}

/// Forgets clean-ups that have become too old.
pub struct CleanupKeeper {
    cleanups: Arc<Cleanups>,
    jobs: Arc<Jobs>,
}

/// What a journal says.
#[derive(Default)]
struct Noted {
    begun: Option<(Order, Timestamp)>,
    ended: Option<(JobState, Option<String>, Timestamp)>,
    found: Found,
    /// What may have been removed without a note of what came of it.
    open: BTreeMap<u64, Orphan>,
}

impl Cleanups {
    /// The journals in `shelf`.
    pub fn new(shelf: Arc<dyn Shelf>, clock: Arc<dyn Clock>) -> Arc<Self> {
        Arc::new(Self { shelf, clock })
    }

    /// Lets `jobs` tell of those that there are journals of. A journal that is of no use stays as
    /// it is.
    pub async fn recall(&self, jobs: &Jobs) {
        let mut names = self.shelf.list().await.unwrap_or_else(|error| {
            tracing::error!(%error, "the journals of clean-ups cannot be listed");
            Vec::new()
        });
        names.sort();
        for id in names.iter().filter_map(|name| name.strip_suffix(".journal")) {
            match self.told(id).await {
                Ok(Some(told)) => jobs.tell(told),
                Ok(None) => self.forget(id).await,
                Err(error) => {
                    tracing::error!(cleanup = id, %error, "its journal is of no use");
                }
            }
        }
        self.prune(jobs).await;
    }

    /// What forgets those that have become too old.
    pub fn keeper(self: &Arc<Self>, jobs: &Arc<Jobs>) -> CleanupKeeper {
        CleanupKeeper { cleanups: Arc::clone(self), jobs: Arc::clone(jobs) }
    }

    /// A new one, which is noted durably.
    pub(super) async fn begin(
        &self,
        id: &str,
        order: &Order,
        at: Timestamp,
    ) -> io::Result<(Journal, Timestamp)> {
        let journal = Journal::of(&self.shelf, id);
        journal.note(&[Entry::Begun { order: order.clone(), at }], true).await?;
        Ok((journal, at))
    }

    /// What a journal has, entry by entry.
    pub(in crate::admin) fn entries(&self, id: &str) -> Lines {
        Journal::of(&self.shelf, id).entries()
    }

    /// Forgets those that are over and beyond the bounds, of which `jobs` tells no longer.
    pub(super) async fn prune(&self, jobs: &Jobs) {
        let now = self.clock.now();
        let (mut looks, mut over) = (Vec::new(), Vec::new());
        // The oldest first.
        for told in jobs.all(KIND).into_iter().rev().filter(Told::is_over) {
            let age = now.0.saturating_sub(told.until.unwrap_or(told.since).0);
            if is_dry_run(&told) { &mut looks } else { &mut over }.push((told.id, age));
        }
        for id in beyond(&looks, PLANS).chain(beyond(&over, OVER)) {
            tracing::info!(cleanup = id, "a clean-up that is over is forgotten");
            jobs.forget(id);
            self.forget(id).await;
        }
    }

    /// Removes a journal.
    pub(super) async fn forget(&self, id: &str) {
        if let Err(error) = self.shelf.remove(&name(id)).await {
            tracing::warn!(cleanup = id, %error, "the journal of a clean-up stays");
        }
    }

    /// What is told of a clean-up of an earlier process; `None` where nothing of it was noted.
    async fn told(&self, id: &str) -> io::Result<Option<Told>> {
        let mut noted = Noted::default();
        let mut entries = self.entries(id);
        while let Some(entry) = entries.next::<Entry>().await? {
            noted.take(entry);
        }
        let Some((order, since)) = noted.begun else { return Ok(None) };
        let told = Told::noted(id.to_owned(), KIND, since, shown(&order, &noted.found, "over"));
        let Some((state, error, at)) = noted.ended else {
            let error = "the process ended before the clean-up did; run it again to go on";
            return Ok(Some(Told { error: Some(error.to_owned()), ..told }));
        };
        Ok(Some(Told { state, error, until: Some(at), ..told }))
    }
}

impl Noted {
    fn take(&mut self, entry: Entry) {
        match entry {
            Entry::Begun { order, at } => self.begun = Some((order, at)),
            Entry::Going { number, orphan } => {
                if self.begun.as_ref().is_some_and(|(order, _)| order.dry_run) {
                    return self.found.find(&orphan);
                }
                // What the manifest lacks was counted before.
                if orphan.what != super::journal::What::Object {
                    self.found.find(&orphan);
                }
                self.open.insert(number, orphan);
            }
            Entry::Came { number, outcome, .. } => {
                if let Some(orphan) = self.open.remove(&number) {
                    self.found.count(&orphan, &outcome);
                }
            }
            Entry::Counted(found) => self.found = found,
            Entry::Ended { state, error, at, found } => {
                self.ended = Some((state, error, at));
                self.found = found;
            }
        }
    }
}

#[async_trait]
impl Worker for CleanupKeeper {
    fn name(&self) -> &'static str {
        "clean-ups' journals"
    }

    async fn step(&mut self) -> Next {
        self.cleanups.prune(&self.jobs).await;
        Next::After(OFTEN)
    }
}

impl fmt::Debug for Cleanups {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cleanups").finish_non_exhaustive()
    }
}
