//! Running a migration: plan, objects, a last look, and what is asked meanwhile.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;

use super::Context;
use super::attempt::{LineSteps, Work, attempt, give_up};
use super::job::Job;
use super::journal::{End, Entry, Fault};
use super::lines::Lines;
use super::plan::Planned;
use super::planner::{NoPlan, Planner, fault, guard, planned};
use super::state::{Ask, State};
use crate::placement::transfer::{Order, Outcome, Skip, Standing};
use crate::store::StoreError;

/// How many lines are announced as being touched at once.
const AHEAD: u64 = 64;
/// How many objects are seen to at once for each that may be under way: the others wait for the
/// disk.
const BESIDE: usize = 3;
/// How often it is looked whether clients leave more room.
const LOOK: Duration = Duration::from_millis(50);
/// Why a migration waits for home.
pub(super) const REBUILDING: &str = "the index of the local store is being rebuilt";
/// The pause before a plan is tried again.
const PAUSE: Duration = Duration::from_secs(2);

/// Who came to an end.
type Ended = (Work, Option<End>);

/// A migration that is worked on.
pub(super) struct Run {
    pub(super) context: Arc<Context>,
    pub(super) job: Arc<Job>,
    pub(super) tasks: JoinSet<Ended>,
}

/// Works on a migration until there is nothing to do.
pub(super) async fn run(context: Arc<Context>, job: Arc<Job>) {
    let mut run = Run { context, job, tasks: JoinSet::new() };
    if let Err(error) = run.until_over().await {
        let (id, message) = (run.job.id.clone(), format!("the files of the migration: {error}"));
        tracing::error!(migration = %id, %error, "a migration cannot go on");
        run.job.change(|board| {
            board.state = State::Failed;
            board.asked = Ask::Pause;
            board.stuck = true;
            board.error = Some(fault("InternalError", message));
        });
    }
}

impl Run {
    async fn until_over(&mut self) -> io::Result<()> {
        self.home_ready().await;
        loop {
            match self.job.asked() {
                Ask::Run => {
                    if self.forward().await? {
                        return Ok(());
                    }
                }
                Ask::Pause => {
                    self.enter(State::Paused).await?;
                    self.finish_tasks().await?;
                    self.job.asked_otherwise(Ask::Pause).await;
                }
                Ask::Cancel => {
                    self.stop_tasks().await?;
                    self.settle_touched().await?;
                    self.enter(State::Cancelled).await?;
                    return Ok(());
                }
                Ask::RollBack => {
                    if self.roll_back().await? {
                        return Ok(());
                    }
                }
            }
        }
    }

    /// Waits until home knows all that it holds, as after a crash: what it cannot say yet is no
    /// object's fault.
    async fn home_ready(&self) {
        while let Err(StoreError::Rebuilding) = self.context.transfers.buckets().await {
            self.job.change(|board| board.waiting = Some(REBUILDING.to_owned()));
            tokio::time::sleep(LOOK).await;
        }
        self.job.change(|board| board.waiting = None);
    }

    pub(super) async fn enter(&self, state: State) -> io::Result<()> {
        self.job.enter(state, self.context.clock.now(), None).await
    }

    async fn fail(&self, fault: Fault) -> io::Result<()> {
        self.job.enter(State::Failed, self.context.clock.now(), Some(fault)).await
    }

    /// Moves what is to be moved; whether it is over.
    async fn forward(&mut self) -> io::Result<bool> {
        if self.job.look(|board| board.sum.is_none()) && !self.plan().await? {
            return Ok(self.job.look(|board| board.state.is_over()));
        }
        self.enter(State::Running).await?;
        if !self.move_all().await? {
            return Ok(false);
        }
        self.enter(State::Verifying).await?;
        if !self.verify().await? {
            return Ok(false);
        }
        self.enter(State::Done).await?;
        Ok(true)
    }

    /// Makes the plan, and looks whether it may be run; false where not.
    async fn plan(&mut self) -> io::Result<bool> {
        self.enter(State::Planned).await?;
        let (job, spec) = (Arc::clone(&self.job), self.job.spec());
        let found = |count: u64| {
            job.change(|board| {
                board.found = count;
                board.waiting = None;
            });
            job.asked() == Ask::Run
        };
        let made = Planner::new(&self.context, &spec, &job.id, false, &found).make().await;
        let sum = match made {
            Ok(sum) => sum,
            Err(NoPlan::Stopped) => return Ok(false),
            Err(NoPlan::Fault(fault)) => {
                self.fail(fault).await?;
                return Ok(false);
            }
            Err(NoPlan::Away(what)) => {
                self.job.change(|board| board.waiting = Some(what));
                tokio::select! {
                    () = tokio::time::sleep(PAUSE) => {}
                    () = self.job.asked_otherwise(Ask::Run) => {}
                }
                return Ok(false);
            }
        };
        if let Err(fault) = guard(&self.context, &spec, &sum) {
            self.fail(fault).await?;
            return Ok(false);
        }
        self.job.journal.note(&Entry::Planned(Box::new(sum.clone())), true).await?;
        self.job.change(|board| board.sum = Some(sum));
        self.enter(State::Ready).await?;
        Ok(true)
    }

    /// Sees to every line of the plan; whether it came to the end.
    async fn move_all(&mut self) -> io::Result<bool> {
        let before = self.job.seen().touching;
        let mut lines = planned(&self.context, &self.job.id);
        let mut number = 0;
        loop {
            if self.job.asked() != Ask::Run {
                return Ok(false);
            }
            if !self.has_room() {
                self.join_one().await?;
                continue;
            }
            let Some(planned) = lines.next::<Planned>().await? else { break };
            let line = number;
            number += 1;
            if self.job.seen().ended.has(line) {
                continue;
            }
            if let Some(end) = left_out(&planned) {
                self.ended(line, &planned, end).await?;
                continue;
            }
            self.touch(line).await?;
            if let Some(order) = self.order(&planned, line < before) {
                self.spawn(Work { line, order, size: planned.object.size, during: Ask::Run });
            }
        }
        self.finish_tasks().await?;
        let asked_on = self.job.asked() == Ask::Run;
        Ok(asked_on)
    }

    fn order(&self, planned: &Planned, again: bool) -> Option<Order> {
        let spec = self.job.spec();
        Some(Order {
            at: planned.at()?,
            direction: spec.direction,
            expected: Some(planned.object.clone()),
            exact: spec.exact,
            only_upstream: None,
            again,
            keep_source: spec.keep_source,
            read_back: spec.read_back,
        })
    }

    /// Notes, before it happens, that the object of a line may be touched.
    async fn touch(&self, line: u64) -> io::Result<()> {
        if line < self.job.seen().touching {
            return Ok(());
        }
        let below = line + AHEAD;
        self.job.journal.note(&Entry::Touching(below), true).await?;
        self.job.seen().touching = below;
        Ok(())
    }

    /// Whether another object may be seen to at once.
    pub(super) fn has_room(&self) -> bool {
        self.tasks.len() < self.job.lanes(&self.context) * BESIDE
    }

    pub(super) fn spawn(&mut self, work: Work) {
        let (context, job) = (Arc::clone(&self.context), Arc::clone(&self.job));
        self.tasks.spawn(async move {
            let end = attempt(&context, &job, &work).await;
            (work, end)
        });
    }

    /// Waits until an object has been seen to, or there may be more room, or something is asked.
    pub(super) async fn join_one(&mut self) -> io::Result<()> {
        let asked = self.job.asked();
        let joined = tokio::select! {
            joined = self.tasks.join_next() => joined,
            () = tokio::time::sleep(LOOK) => None,
            () = self.job.asked_otherwise(asked) => None,
        };
        match joined {
            Some(Ok((work, Some(end)))) => self.note(&work, end).await,
            Some(Err(error)) if error.is_panic() => Err(io::Error::other(error)),
            _ => Ok(()),
        }
    }

    /// Waits until every object under way has been seen to.
    pub(super) async fn finish_tasks(&mut self) -> io::Result<()> {
        while let Some(joined) = self.tasks.join_next().await {
            match joined {
                Ok((work, Some(end))) => self.note(&work, end).await?,
                Err(error) if error.is_panic() => return Err(io::Error::other(error)),
                Ok((_, None)) | Err(_) => {}
            }
        }
        Ok(())
    }

    /// Cuts off what is under way.
    pub(super) async fn stop_tasks(&mut self) -> io::Result<()> {
        self.tasks.abort_all();
        self.finish_tasks().await
    }

    async fn note(&self, work: &Work, end: End) -> io::Result<()> {
        let (line, size) = (work.line, work.size);
        let (bucket, key) =
            (work.order.at.bucket.as_str().to_owned(), work.order.at.key.as_str().to_owned());
        let at = Some(self.context.clock.now());
        let back = work.during == Ask::RollBack;
        self.context.totals.count(self.job.direction(), back, size, &end);
        if back {
            self.job.seen().undone.set(line);
            self.job.change(|board| board.back.count(size, &end));
            let undone = Entry::Undone { line, bucket, key, size, end, at };
            return self.job.journal.note(&undone, false).await;
        }
        self.job.seen().ended.set(line);
        self.job.change(|board| board.counts.count(size, &end));
        self.job.journal.note(&Entry::Ended { line, bucket, key, size, end, at }, false).await
    }

    async fn ended(&self, line: u64, planned: &Planned, end: End) -> io::Result<()> {
        let (bucket, key, size) =
            (planned.bucket.clone(), planned.key.clone(), planned.object.size);
        self.context.totals.count(self.job.direction(), false, size, &end);
        self.job.seen().ended.set(line);
        self.job.change(|board| board.counts.count(size, &end));
        let at = Some(self.context.clock.now());
        self.job.journal.note(&Entry::Ended { line, bucket, key, size, end, at }, false).await
    }

    /// Brings what may have been touched, and is not over, to an end: where it had arrived, it was
    /// moved, and else it stays where it is.
    pub(super) async fn settle_touched(&mut self) -> io::Result<()> {
        let touching = self.job.seen().touching;
        let mut lines: Lines = planned(&self.context, &self.job.id);
        for line in 0..touching {
            let Some(planned) = lines.next::<Planned>().await? else { break };
            if self.job.seen().ended.has(line) {
                continue;
            }
            let Some(order) = self.order(&planned, true) else { continue };
            let steps = LineSteps::new(&self.context, &self.job, line, self.job.asked());
            let arrived = self.context.transfers.arrived(&order).await;
            let end = if let Ok(Some(moved)) = arrived {
                match self.context.transfers.carry_out(&order, &steps).await {
                    Ok(Outcome::Moved(moved)) => End::Moved(moved),
                    // It is there, and what is left of it here goes at the next start.
                    _ => End::Moved(Box::new(moved)),
                }
            } else {
                give_up(&self.context, &order, &steps).await;
                End::Cancelled
            };
            drop(steps);
            self.ended(line, &planned, end).await?;
        }
        Ok(())
    }

    /// Looks at what was moved once more, as far as home knows; what clients did since is theirs.
    async fn verify(&mut self) -> io::Result<bool> {
        let direction = self.job.spec().direction;
        let mut entries = self.job.journal.entries(0);
        let mut changed: u64 = 0;
        while let Some(entry) = entries.next::<Entry>().await? {
            if self.job.asked() != Ask::Run {
                return Ok(false);
            }
            let Entry::Ended { bucket, key, end: End::Moved(moved), .. } = entry else { continue };
            let Some(order) = super::back::meant(&bucket, &key, direction, &moved) else {
                continue;
            };
            match self.context.transfers.arrived(&order).await {
                Ok(Some(_)) => {}
                Ok(None) => changed += 1,
                Err(error) => tracing::warn!(%bucket, %key, %error, "not looked at again"),
            }
        }
        if changed > 0 {
            tracing::info!(migration = %self.job.id, changed, "clients changed what was moved");
        }
        Ok(true)
    }
}

/// What the plan says is not moved.
fn left_out(planned: &Planned) -> Option<End> {
    match &planned.standing {
        Standing::Movable => None,
        Standing::WaitsInSpool => Some(End::Skipped(Skip::WaitsInSpool)),
        Standing::Conflict(why) => Some(End::Conflict(why.clone())),
    }
}
