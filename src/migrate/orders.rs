//! What can be asked of migrations: a plan, a run, and everything while one goes.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use super::Migrations;
use super::job::{Board, Job};
use super::journal::{Entry, Fault};
use super::planner::{NoPlan, Planner, guard, manifest_name};
use super::spec::{Limits, List, Spec};
use super::state::{Ask, State};
use super::view::View;
use crate::body::Payload;
use crate::object::BucketName;
use crate::placement::transfer::Direction;

/// Why something was not done. Nothing was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// Of which kind the reason is.
    pub kind: RefusalKind,
    /// What it is.
    pub fault: Fault,
}

/// Of which kind a reason is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefusalKind {
    /// What was asked makes no sense.
    Invalid,
    /// There is nothing of that name.
    Unknown,
    /// It does not fit the state that things are in.
    Conflict,
    /// The disk has no room.
    NoRoom,
    /// A layer cannot be reached now.
    Unavailable,
    /// The files of migrations cannot be used.
    Internal,
}

/// What an order to run a plan may say otherwise than the plan.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Amendment {
    /// Whether the layer that objects come from keeps its copies.
    pub keep_source: Option<bool>,
    /// Whether every object is read back.
    pub read_back: Option<bool>,
    /// The most objects that may be removed from where they are.
    pub max_deletions: Option<u64>,
    /// How fast.
    pub limits: Option<Limits>,
}

/// Tells of every change of a migration.
pub struct Changes {
    job: Arc<Job>,
    watch: watch::Receiver<Board>,
    begun: bool,
}

/// How long an order waits for a refusal that a plan brings.
const SHORTLY: Duration = Duration::from_secs(2);
/// How long for the first object.
const LONG: Duration = Duration::from_mins(1);
/// How often a change is told of at most.
const OFTEN: Duration = Duration::from_millis(500);

impl Migrations {
    /// Makes a plan, and runs nothing.
    pub async fn plan(&self, spec: Spec, manifest: Option<Payload>) -> Result<View, Refusal> {
        self.check(&spec).await?;
        let (id, spec) = (new_id(), Spec { exact: true, ..spec });
        self.take_manifest(&id, manifest).await?;
        let made = Planner::new(self.context(), &spec, &id, true, &|_| true).make().await;
        let sum = match made {
            Ok(sum) => sum,
            Err(why) => {
                self.forget(&id).await;
                return Err(why.into());
            }
        };
        let job = Job::create(self.context(), id, spec, false).await?;
        job.journal.note(&Entry::Planned(Box::new(sum.clone())), true).await?;
        job.change(|board| board.sum = Some(sum));
        self.jobs().insert(job.id.clone(), Arc::clone(&job));
        self.prune().await;
        Ok(View::of(&job))
    }

    /// Orders a migration. It begins at once; what a plan that is soon made says against it is
    /// the answer.
    pub async fn start(&self, spec: Spec, manifest: Option<Payload>) -> Result<View, Refusal> {
        self.check(&spec).await?;
        let job = {
            let _ordering = self.ordering.lock().await;
            self.check_alone(&spec.filter, None)?;
            let id = new_id();
            self.take_manifest(&id, manifest).await?;
            let job = Job::create(self.context(), id, spec, true).await?;
            self.jobs().insert(job.id.clone(), Arc::clone(&job));
            job
        };
        self.ordered.notify_waiters();
        let mut watch = job.watch();
        let soon = |board: &Board| board.sum.is_some() || board.state.is_over();
        let first = |board: &Board| soon(board) || board.found > 0 || board.waiting.is_some();
        if tokio::time::timeout(SHORTLY, watch.wait_for(soon)).await.is_err() {
            let _ = tokio::time::timeout(LONG, watch.wait_for(first)).await;
        }
        let failed = job.look(|board| match (&board.sum, board.state, &board.error) {
            (None, State::Failed, Some(fault)) => Some(fault.clone()),
            _ => None,
        });
        match failed {
            None => Ok(View::of(&job)),
            Some(fault) => {
                self.jobs().remove(&job.id);
                self.forget(&job.id).await;
                Err(Refusal::of(fault))
            }
        }
    }

    /// Runs a plan as it is, under its own id.
    pub async fn run_plan(
        &self,
        id: &str,
        direction: Direction,
        amendment: Amendment,
    ) -> Result<View, Refusal> {
        let job = self.known(id)?;
        let _ordering = self.ordering.lock().await;
        let (mut spec, ordered, sum) =
            job.look(|board| (board.spec.clone(), board.ordered, board.sum.clone()));
        if spec.direction != direction {
            let message = format!("the plan {id} goes the other way");
            return Err(Refusal::new(RefusalKind::Invalid, "InvalidArgument", message));
        }
        if ordered {
            let state = job.look(|board| board.state);
            let message = format!("the plan {id} was run already: it is {state}");
            return Err(Refusal::new(RefusalKind::Conflict, "PlanAlreadyRun", message));
        }
        spec.keep_source = amendment.keep_source.unwrap_or(spec.keep_source);
        spec.read_back = amendment.read_back.unwrap_or(spec.read_back);
        spec.max_deletions = amendment.max_deletions.or(spec.max_deletions);
        spec.limits = amendment.limits.unwrap_or(spec.limits);
        self.check(&spec).await?;
        self.check_alone(&spec.filter, Some(id))?;
        guard(self.context(), &spec, &sum.unwrap_or_default()).map_err(Refusal::of)?;
        job.journal.note(&Entry::Ordered { spec: Box::new(spec.clone()) }, true).await?;
        job.pace.set(spec.limits.bytes_per_second, spec.limits.requests_per_second);
        job.change(|board| {
            board.spec = spec;
            board.ordered = true;
            board.state = State::Ready;
        });
        self.ordered.notify_waiters();
        Ok(View::of(&job))
    }

    /// Asks something of a migration.
    pub async fn ask(&self, id: &str, ask: Ask) -> Result<View, Refusal> {
        let job = self.known(id)?;
        let _ordering = self.ordering.lock().await;
        let (state, ordered, back) = job.look(|it| (it.state, it.ordered, it.back_asked));
        if !state.allows(ask) || !ordered || (back && ask == Ask::Cancel) {
            let what = if back && state == State::Paused { "paused on its way back" } else { "" };
            let state = if what.is_empty() { state.to_string() } else { what.to_owned() };
            let message = format!("the migration {id} is {state}, and cannot be {ask} now");
            return Err(Refusal::new(RefusalKind::Conflict, "InvalidState", message));
        }
        // What was being taken back is taken back further.
        let ask = if back && ask == Ask::Run { Ask::RollBack } else { ask };
        if ask == Ask::RollBack && state.is_over() {
            self.check_alone(&job.spec().filter, Some(id))?;
        }
        job.ask(ask).await?;
        // Answers tell what was asked for; the engine follows.
        job.change(|board| board.state = ask.leads_to().unwrap_or(board.state));
        self.ordered.notify_waiters();
        if ask == Ask::Cancel {
            let mut watch = job.watch();
            let over = watch.wait_for(|board| board.state.is_over());
            let _ = tokio::time::timeout(SHORTLY, over).await;
        }
        Ok(View::of(&job))
    }

    /// Lets a migration go at another pace from now on.
    pub async fn limit(&self, id: &str, limits: Limits) -> Result<View, Refusal> {
        let job = self.known(id)?;
        job.limit(limits).await?;
        Ok(View::of(&job))
    }

    fn known(&self, id: &str) -> Result<Arc<Job>, Refusal> {
        self.job(id).ok_or_else(|| {
            let message = format!("there is no migration {id:?}; GET /storage/migrations has all");
            Refusal::new(RefusalKind::Unknown, "NoSuchMigration", message)
        })
    }

    async fn check(&self, spec: &Spec) -> Result<(), Refusal> {
        let invalid =
            |message: String| Err(Refusal::new(RefusalKind::Invalid, "InvalidArgument", message));
        let transfers = &self.context().transfers;
        if let Some(List::FailedOf(other)) = &spec.filter.list {
            self.known(other)?;
        }
        match &spec.filter.bucket {
            Some(name) => match BucketName::parse(name) {
                Err(why) => invalid(format!("bucket: {why}")),
                Ok(bucket) if !transfers.is_routed(&bucket) => {
                    let message = format!("the bucket {name} has no upstream in the configuration");
                    Err(Refusal::new(RefusalKind::Conflict, "NoUpstream", message))
                }
                Ok(_) => Ok(()),
            },
            None => match transfers.buckets().await {
                Ok(buckets) if buckets.is_empty() => {
                    let message = "no bucket has an upstream in the configuration";
                    Err(Refusal::new(RefusalKind::Conflict, "NoUpstream", message))
                }
                Ok(_) => Ok(()),
                Err(error) => {
                    let message = format!("the local store cannot list its buckets now: {error}");
                    Err(Refusal::new(RefusalKind::Unavailable, "ServiceUnavailable", message))
                }
            },
        }
    }

    async fn take_manifest(&self, id: &str, manifest: Option<Payload>) -> Result<(), Refusal> {
        let Some(mut manifest) = manifest else { return Ok(()) };
        let (kept, file) = (&self.context().shelf, manifest_name(id));
        while let Some(chunk) = manifest.next().await {
            let chunk = match chunk {
                Ok(chunk) => chunk,
                Err(error) => {
                    let _ = kept.remove(&file).await;
                    let message = format!("the manifest did not arrive whole: {error}");
                    return Err(Refusal::new(RefusalKind::Invalid, "InvalidManifest", message));
                }
            };
            kept.append(&file, chunk.to_vec(), false).await?;
        }
        kept.append(&file, Vec::new(), true).await?;
        Ok(())
    }
}

impl Changes {
    pub(super) fn of(job: Arc<Job>) -> Self {
        let watch = job.watch();
        Self { job, watch, begun: false }
    }

    /// The migration as it is, at once, and then whenever it has changed, until it is over.
    pub async fn next(&mut self) -> Option<View> {
        if !std::mem::replace(&mut self.begun, true) {
            self.watch.mark_unchanged();
            return Some(View::of(&self.job));
        }
        if !self.job.is_active() && !self.watch.has_changed().unwrap_or(false) {
            return None;
        }
        tokio::time::sleep(OFTEN).await;
        // What goes of one large object is no change of its own.
        let _ = tokio::time::timeout(SHORTLY, self.watch.changed()).await;
        self.watch.mark_unchanged();
        Some(View::of(&self.job))
    }
}

impl Refusal {
    pub(super) fn new(kind: RefusalKind, code: &str, message: impl Into<String>) -> Self {
        let fault = Fault { code: code.to_owned(), message: message.into() };
        Self { kind, fault }
    }

    fn of(fault: Fault) -> Self {
        let kind = match fault.code.as_str() {
            "EmptySource" | "TooManyDeletions" => RefusalKind::Conflict,
            "InsufficientStorage" => RefusalKind::NoRoom,
            "InvalidManifest" => RefusalKind::Invalid,
            "InternalError" => RefusalKind::Internal,
            _ => RefusalKind::Unavailable,
        };
        Self { kind, fault }
    }
}

impl From<NoPlan> for Refusal {
    fn from(why: NoPlan) -> Self {
        match why {
            NoPlan::Fault(fault) => Self::of(fault),
            NoPlan::Away(what) => Self::new(RefusalKind::Unavailable, "ServiceUnavailable", what),
            NoPlan::Stopped => Self::new(RefusalKind::Conflict, "Stopped", "it was stopped"),
        }
    }
}

impl From<io::Error> for Refusal {
    fn from(error: io::Error) -> Self {
        tracing::error!(%error, "the files of migrations cannot be used");
        let message = "the files of migrations cannot be used; the log says why";
        Self::new(RefusalKind::Internal, "InternalError", message)
    }
}

/// Ids order as the migrations were ordered.
fn new_id() -> String {
    uuid::Uuid::now_v7().simple().to_string()
}
