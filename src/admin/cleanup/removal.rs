//! A clean-up at work: orphans are found page by page, noted, and removed one by one.

use std::collections::VecDeque;
use std::sync::Arc;

use async_trait::async_trait;
use serde_json::Value;

use super::journal::{Entry, Found, Journal, Order, Orphan, Outcome};
use super::shown;
use super::sources::{Objects, Source};
use crate::admin::job::{Job, JobState};
use crate::admin::usage::backend;
use crate::migrate::Claim;
use crate::object::{Clock, Timestamp};

/// A clean-up.
pub(super) struct Cleanup {
    order: Order,
    journal: Journal,
    clock: Arc<dyn Clock>,
    /// What is still to be looked through, whatever the manifest says; the first one is at hand.
    orphans: VecDeque<Box<dyn Source>>,
    /// What the manifest decides about.
    objects: Option<Objects>,
    stage: Stage,
    /// What was noted and is to be removed.
    page: VecDeque<(u64, Orphan)>,
    /// Whether the first of them is being removed.
    removing: bool,
    /// The number of the next orphan.
    next: u64,
    found: Found,
    /// Keeps migrations off, until it is over.
    claim: Option<Claim>,
}

/// What is being done.
enum Stage {
    Orphans,
    Counting(Objects),
    Deleting(Objects),
    Over,
}

impl Cleanup {
    pub(super) fn new(
        order: Order,
        journal: Journal,
        clock: Arc<dyn Clock>,
        orphans: Vec<Box<dyn Source>>,
        objects: Option<Objects>,
        claim: Option<Claim>,
    ) -> Self {
        Self {
            order,
            journal,
            clock,
            orphans: orphans.into(),
            objects,
            stage: Stage::Orphans,
            page: VecDeque::new(),
            removing: false,
            next: 0,
            found: Found::default(),
            claim,
        }
    }

    /// Finds the next page, and notes what it holds.
    async fn look(&mut self) -> Result<(), String> {
        let (source, young): (&mut dyn Source, _) = match &mut self.stage {
            Stage::Orphans => {
                let Some(source) = self.orphans.front_mut() else {
                    self.stage = self.after_orphans();
                    return Ok(());
                };
                (&mut **source, false)
            }
            Stage::Counting(objects) | Stage::Deleting(objects) => (objects, true),
            Stage::Over => return Ok(()),
        };
        let page = source.page().await?;
        if young {
            self.found.young = source.young();
        }
        let Some(orphans) = page else { return self.source_over().await };
        let deleting = matches!(self.stage, Stage::Deleting(_));
        if !deleting {
            for orphan in &orphans {
                self.found.find(orphan);
            }
        }
        // What is only counted now is noted when it is about to go.
        if orphans.is_empty() || !self.order.dry_run && matches!(self.stage, Stage::Counting(_)) {
            return Ok(());
        }
        let numbered = (self.next..).zip(orphans);
        let entries: Vec<Entry> =
            numbered.map(|(number, orphan)| Entry::Going { number, orphan }).collect();
        self.next += entries.len() as u64;
        self.note(&entries, !self.order.dry_run).await?;
        if !self.order.dry_run {
            self.page = entries.into_iter().filter_map(going).collect();
        }
        Ok(())
    }

    fn after_orphans(&self) -> Stage {
        self.objects.clone().map_or(Stage::Over, Stage::Counting)
    }

    /// The source at hand has nothing more.
    async fn source_over(&mut self) -> Result<(), String> {
        match &self.stage {
            Stage::Orphans => {
                self.orphans.pop_front();
            }
            Stage::Counting(_) => {
                self.stage = self.after_counting().await?;
            }
            Stage::Deleting(_) | Stage::Over => self.stage = Stage::Over,
        }
        Ok(())
    }

    async fn after_counting(&self) -> Result<Stage, String> {
        let (found, most) = (self.found.objects, self.order.most);
        if self.order.dry_run || found == 0 {
            return Ok(Stage::Over);
        }
        if found > most {
            return Err(format!(
                "{found} objects would be deleted, max_deletes allows {most}: nothing is deleted"
            ));
        }
        self.note(&[Entry::Counted(self.found.clone())], false).await?;
        Ok(self.objects.clone().map_or(Stage::Over, Stage::Deleting))
    }

    /// Removes the first one of the page.
    async fn remove(&mut self) -> Result<(), String> {
        let Some((_, orphan)) = self.page.front() else { return Ok(()) };
        let source: &dyn Source = match &self.stage {
            Stage::Orphans => match self.orphans.front() {
                Some(source) => &**source,
                None => return Ok(()),
            },
            Stage::Counting(objects) | Stage::Deleting(objects) => objects,
            Stage::Over => return Ok(()),
        };
        self.removing = true;
        let removed = source.remove(orphan).await;
        self.removing = false;
        let outcome = match &removed {
            Ok(outcome) => outcome.clone(),
            Err(error) => Outcome::Failed(error.clone()),
        };
        let Some((number, orphan)) = self.page.pop_front() else { return Ok(()) };
        self.found.count(&orphan, &outcome);
        tell(&orphan, &outcome, self.order.away);
        let at = self.clock.now();
        self.note(&[Entry::Came { number, outcome, at }], false).await?;
        removed.map(|_| ())
    }

    async fn note(&self, entries: &[Entry], durable: bool) -> Result<(), String> {
        let noted = self.journal.note(entries, durable).await;
        noted.map_err(|error| format!("the journal of the clean-up: {error}"))
    }
}

#[async_trait]
impl Job for Cleanup {
    async fn step(&mut self) -> Result<bool, String> {
        if self.page.is_empty() {
            self.look().await?;
        } else {
            self.remove().await?;
        }
        Ok(!(matches!(self.stage, Stage::Over) && self.page.is_empty()))
    }

    fn shown(&self) -> Value {
        let stage = match self.stage {
            Stage::Orphans => "orphans",
            Stage::Counting(_) => "counting",
            Stage::Deleting(_) => "deleting",
            Stage::Over => "over",
        };
        shown(&self.order, &self.found, stage)
    }

    async fn ended(&mut self, state: JobState, error: Option<&str>, at: Timestamp) {
        // Nobody knows of the one whose removal was cut off.
        let left = self.page.drain(..).skip(usize::from(self.removing));
        let left = left.map(|(number, _)| Entry::Came { number, outcome: Outcome::Left, at });
        let mut entries: Vec<Entry> = left.collect();
        let (error, found) = (error.map(str::to_owned), self.found.clone());
        entries.push(Entry::Ended { state, error, at, found });
        if let Err(error) = self.journal.note(&entries, true).await {
            tracing::error!(%error, "the end of a clean-up cannot be noted");
        }
        self.claim = None;
    }
}

fn going(entry: Entry) -> Option<(u64, Orphan)> {
    match entry {
        Entry::Going { number, orphan } => Some((number, orphan)),
        _ => None,
    }
}

fn tell(orphan: &Orphan, outcome: &Outcome, away: bool) {
    let (bucket, key, size) = (&orphan.bucket, &orphan.key, orphan.size);
    let storage_backend = backend(away);
    match outcome {
        Outcome::Deleted => tracing::info!(
            target: "stowgate::cleanup",
            bucket,
            key,
            size,
            storage_backend,
            what = orphan.what.name(),
            "deleted what nothing refers to"
        ),
        Outcome::Failed(error) => tracing::warn!(
            target: "stowgate::cleanup",
            bucket,
            key,
            storage_backend,
            error,
            what = orphan.what.name(),
            "what nothing refers to could not be deleted"
        ),
        Outcome::Kept(_) | Outcome::Left => {}
    }
}
