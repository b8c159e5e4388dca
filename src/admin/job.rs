//! Jobs of the side API: begun by a call, worked on beside requests, a step of each in turn, told of
//! by another call.
//!
//! Knows nothing of what they do. What they were is forgotten when the process ends, but for what
//! somebody noted and tells again.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use http::header::{HeaderValue, LOCATION};
use http::{Response, StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::sync::Notify;

use super::reply::{self, Fault};
use super::view::Views;
use crate::background::{Next, Worker};
use crate::body::Payload;
use crate::object::{Clock, Timestamp};

/// How long nothing may happen before it is looked for jobs again.
const IDLE: Duration = Duration::from_millis(100);
/// How many finished jobs are remembered that nobody noted.
const REMEMBERED: usize = 20;

/// Work that goes on for a while.
#[async_trait]
pub(super) trait Job: Send {
    /// Goes on a little; says whether there is more to do. May be dropped at any time.
    async fn step(&mut self) -> Result<bool, String>;

    /// How far it is, and what it found.
    fn shown(&self) -> Value;

    /// It is over, in a way that is told of only afterwards. Not dropped, but with the process.
    async fn ended(&mut self, state: JobState, error: Option<&str>, at: Timestamp);
}

/// How a job does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum JobState {
    /// It goes on.
    Running,
    /// It did what it was to do.
    Done,
    /// It could not.
    Failed,
    /// It was ended before its time.
    Cancelled,
    /// The process ended before it did.
    Interrupted,
}

/// All jobs.
pub struct Jobs {
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
    cancels: Notify,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<(String, Box<dyn Job>)>,
    /// The newest last.
    told: VecDeque<Told>,
}

impl State {
    fn check_none(&self, kind: &str) -> Result<(), Fault> {
        let mut others = self.told.iter();
        let Some(other) = others.find(|other| other.kind == kind && !other.is_over()) else {
            return Ok(());
        };
        let message = format!("the job {} does that already", other.id);
        Err(Fault::new(StatusCode::CONFLICT, "JobUnderWay", message))
    }
}

/// What is told of a job.
#[derive(Debug, Clone)]
pub(super) struct Told {
    pub(super) id: String,
    pub(super) kind: &'static str,
    pub(super) state: JobState,
    pub(super) since: Timestamp,
    pub(super) until: Option<Timestamp>,
    pub(super) error: Option<String>,
    pub(super) shown: Value,
    /// Whether somebody noted it, who will say when it is forgotten.
    pub(super) noted: bool,
    /// Whether it is to end before its time.
    pub(super) cancelled: bool,
}

/// Works on the jobs.
pub struct JobWorker {
    jobs: Arc<Jobs>,
}

/// Ids order as the jobs were begun.
pub(super) fn new_id() -> String {
    uuid::Uuid::now_v7().simple().to_string()
}

/// 202 for a job that has begun, with where it is told of.
pub(super) fn begun(told: &Told) -> Response<Payload> {
    let mut response = reply::json(StatusCode::ACCEPTED, &told.json());
    let location = format!("/storage/{}/{}", told.kind, told.id);
    if let Ok(location) = HeaderValue::from_str(&location) {
        response.headers_mut().insert(LOCATION, location);
    }
    response
}

/// `GET /storage/{kind}`: all of them, the newest first.
pub(super) fn all(views: &Views, kind: &str) -> Response<Payload> {
    let jobs: Vec<Value> = views.jobs.all(kind).iter().map(Told::json).collect();
    reply::json(StatusCode::OK, &json!({ "jobs": jobs }))
}

/// `GET /storage/{kind}/{id}`.
pub(super) fn one(views: &Views, kind: &str, id: &str) -> Result<Response<Payload>, Fault> {
    Ok(reply::json(StatusCode::OK, &views.jobs.find(kind, id)?.json()))
}

/// `POST /storage/{kind}/{id}/cancel`.
pub(super) fn cancel(views: &Views, kind: &str, id: &str) -> Result<Response<Payload>, Fault> {
    Ok(reply::json(StatusCode::ACCEPTED, &views.jobs.cancel(kind, id)?.json()))
}

impl JobState {
    /// As answers have it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
            Self::Interrupted => "interrupted",
        }
    }
}

impl Told {
    /// Of a job that begins now.
    fn new(id: String, kind: &'static str, since: Timestamp, shown: Value) -> Self {
        let state = JobState::Running;
        let (until, error, noted, cancelled) = (None, None, false, false);
        Self { id, kind, state, since, until, error, shown, noted, cancelled }
    }

    /// Of a job of an earlier process, which somebody noted.
    pub(super) fn noted(id: String, kind: &'static str, since: Timestamp, shown: Value) -> Self {
        Self { noted: true, state: JobState::Interrupted, ..Self::new(id, kind, since, shown) }
    }

    pub(super) fn is_over(&self) -> bool {
        self.state != JobState::Running
    }

    /// As JSON, with the job's own words beside those of every job.
    pub(super) fn json(&self) -> Value {
        let mut value = json!({
            "id": self.id,
            "kind": self.kind,
            "state": self.state.name(),
            "started_at": self.since.iso8601(),
            "finished_at": self.until.map(Timestamp::iso8601),
            "error": self.error,
        });
        if let (Value::Object(value), Value::Object(shown)) = (&mut value, &self.shown) {
            value.extend(shown.clone());
        }
        value
    }
}

impl Jobs {
    /// No jobs yet.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, state: Mutex::default(), cancels: Notify::new() }
    }

    /// What works on them. There is to be one.
    pub fn worker(self: &Arc<Self>) -> JobWorker {
        JobWorker { jobs: Arc::clone(self) }
    }

    /// Begins a job; a fault where one of that kind goes on already.
    pub(super) fn begin(&self, kind: &'static str, job: Box<dyn Job>) -> Result<Told, Fault> {
        self.begin_told(Told::new(new_id(), kind, self.clock.now(), job.shown()), job)
    }

    /// The same, of a job that was noted under an id and with a time.
    pub(super) fn begin_noted(
        &self,
        kind: &'static str,
        id: String,
        since: Timestamp,
        job: Box<dyn Job>,
    ) -> Result<Told, Fault> {
        let told = Told::new(id, kind, since, job.shown());
        self.begin_told(Told { noted: true, ..told }, job)
    }

    /// A fault where a job of that kind goes on.
    pub(super) fn check_none(&self, kind: &str) -> Result<(), Fault> {
        self.state().check_none(kind)
    }

    fn begin_told(&self, told: Told, job: Box<dyn Job>) -> Result<Told, Fault> {
        let mut state = self.state();
        state.check_none(told.kind)?;
        state.waiting.push_back((told.id.clone(), job));
        state.told.push_back(told.clone());
        let passing = |told: &Told| told.is_over() && !told.noted;
        while state.told.iter().filter(|told| !told.noted).count() > REMEMBERED {
            let Some(over) = state.told.iter().position(passing) else { break };
            state.told.remove(over);
        }
        Ok(told)
    }

    /// Begins a job of which nothing is told.
    pub(super) fn add(&self, job: Box<dyn Job>) {
        self.state().waiting.push_back((String::new(), job));
    }

    /// Tells of a job of an earlier process, too.
    pub(super) fn tell(&self, told: Told) {
        self.state().told.push_back(told);
    }

    /// Tells of a job no longer.
    pub(super) fn forget(&self, id: &str) {
        self.state().told.retain(|told| told.id != id);
    }

    /// What is told of a job of that kind.
    pub(super) fn find(&self, kind: &str, id: &str) -> Result<Told, Fault> {
        let state = self.state();
        let found = state.told.iter().find(|told| told.kind == kind && told.id == id).cloned();
        found.ok_or_else(|| {
            let message = "there is no job of that id";
            Fault::new(StatusCode::NOT_FOUND, "NoSuchJob", message)
        })
    }

    /// Ends a job of that kind before its time, as soon as that can be. What it did stays done.
    pub(super) fn cancel(&self, kind: &str, id: &str) -> Result<Told, Fault> {
        let told = self.find(kind, id)?;
        if told.is_over() {
            let message = format!("the job {id} is over: it is {}", told.state.name());
            return Err(Fault::new(StatusCode::CONFLICT, "InvalidState", message));
        }
        self.note(id, |told| told.cancelled = true);
        self.cancels.notify_waiters();
        Ok(told)
    }

    /// Done when a job is to end.
    async fn cancelled(&self, id: &str) {
        loop {
            let mut cancels = std::pin::pin!(self.cancels.notified());
            cancels.as_mut().enable();
            if self.state().told.iter().any(|told| told.id == id && told.cancelled) {
                return;
            }
            cancels.await;
        }
    }

    /// What is told of all jobs of that kind, the newest first.
    pub(super) fn all(&self, kind: &str) -> Vec<Told> {
        self.state().told.iter().rev().filter(|told| told.kind == kind).cloned().collect()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note(&self, id: &str, change: impl FnOnce(&mut Told)) {
        if let Some(told) = self.state().told.iter_mut().find(|told| told.id == id) {
            change(told);
        }
    }
}

#[async_trait]
impl Worker for JobWorker {
    fn name(&self) -> &'static str {
        "jobs of the side API"
    }

    async fn step(&mut self) -> Next {
        let first = self.jobs.state().waiting.pop_front();
        let Some((id, mut job)) = first else { return Next::After(IDLE) };
        let stepped = tokio::select! {
            biased;
            () = self.jobs.cancelled(&id) => None,
            stepped = job.step() => Some(stepped),
        };
        let (state, error) = match stepped {
            Some(Ok(true)) => (JobState::Running, None),
            Some(Ok(false)) => (JobState::Done, None),
            Some(Err(error)) => (JobState::Failed, Some(error)),
            None => (JobState::Cancelled, None),
        };
        if let Some(error) = &error {
            tracing::warn!(error, "a job of the side API failed");
        }
        let mut until = None;
        if state != JobState::Running {
            let now = self.jobs.clock.now();
            until = Some(now);
            job.ended(state, error.as_deref(), now).await;
        }
        let shown = job.shown();
        self.jobs.note(&id, |told| {
            (told.state, told.until, told.error, told.shown) = (state, until, error, shown);
        });
        if state == JobState::Running {
            self.jobs.state().waiting.push_back((id, job));
        }
        Next::Now
    }
}

#[cfg(test)]
#[path = "job_tests.rs"]
mod tests;
