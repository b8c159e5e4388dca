//! Jobs of the side API: begun by a call, worked on beside requests, a step of each in turn, told of
//! by another call.
//!
//! Knows nothing of what they do. What they were is forgotten when the process ends.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use http::StatusCode;
use serde_json::{Value, json};
use tokio::sync::Notify;

use super::reply::Fault;
use crate::background::{Next, Worker};
use crate::object::{Clock, Timestamp};

/// How long nothing may happen before it is looked for jobs again.
const IDLE: Duration = Duration::from_millis(100);
/// How many finished jobs are remembered.
const REMEMBERED: usize = 20;

/// Work that goes on for a while.
#[async_trait]
pub(super) trait Job: Send {
    /// Goes on a little; says whether there is more to do. May be dropped at any time.
    async fn step(&mut self) -> Result<bool, String>;

    /// How far it is, and what it found.
    fn shown(&self) -> Value;
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

/// What is told of a job.
#[derive(Debug, Clone)]
pub(super) struct Told {
    id: String,
    kind: &'static str,
    state: &'static str,
    since: Timestamp,
    until: Option<Timestamp>,
    error: Option<String>,
    shown: Value,
    /// Whether it is to end before its time.
    cancelled: bool,
}

/// Works on the jobs.
pub struct JobWorker {
    jobs: Arc<Jobs>,
}

impl Told {
    pub(super) fn id(&self) -> &str {
        &self.id
    }

    fn is_over(&self) -> bool {
        self.until.is_some()
    }

    /// As JSON, with the job's own words beside those of every job.
    pub(super) fn json(&self) -> Value {
        let mut value = json!({
            "id": self.id,
            "kind": self.kind,
            "state": self.state,
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
        let mut state = self.state();
        if let Some(other) = state.told.iter().find(|told| told.kind == kind && !told.is_over()) {
            let message = format!("the job {} does that already", other.id);
            return Err(Fault::new(StatusCode::CONFLICT, "JobUnderWay", message));
        }
        let told = Told {
            id: uuid::Uuid::now_v7().simple().to_string(),
            kind,
            state: "running",
            since: self.clock.now(),
            until: None,
            error: None,
            shown: job.shown(),
            cancelled: false,
        };
        state.waiting.push_back((told.id.clone(), job));
        state.told.push_back(told.clone());
        while state.told.len() > REMEMBERED {
            let Some(over) = state.told.iter().position(Told::is_over) else { break };
            state.told.remove(over);
        }
        Ok(told)
    }

    /// Begins a job of which nothing is told.
    pub(super) fn add(&self, job: Box<dyn Job>) {
        self.state().waiting.push_back((String::new(), job));
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
            let message = format!("the job {id} is over: it is {}", told.state);
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
        let shown = job.shown();
        let now = self.jobs.clock.now();
        if let Some(Err(error)) = &stepped {
            tracing::warn!(error, "a job of the side API failed");
        }
        self.jobs.note(&id, |told| {
            told.shown = shown;
            match &stepped {
                Some(Ok(true)) => {}
                Some(Ok(false)) => (told.state, told.until) = ("done", Some(now)),
                Some(Err(error)) => {
                    (told.state, told.until) = ("failed", Some(now));
                    told.error = Some(error.clone());
                }
                None => (told.state, told.until) = ("cancelled", Some(now)),
            }
        });
        if let Some(Ok(true)) = stepped {
            self.jobs.state().waiting.push_back((id, job));
        }
        Next::Now
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::object::ManualClock;

    struct Counting(u64, Option<u64>);

    #[async_trait]
    impl Job for Counting {
        async fn step(&mut self) -> Result<bool, String> {
            self.0 += 1;
            if Some(self.0) == self.1 { Err("it broke".to_owned()) } else { Ok(self.0 < 3) }
        }

        fn shown(&self) -> Value {
            json!({ "counted": self.0 })
        }
    }

    #[tokio::test]
    async fn jobs_are_done_step_by_step_and_told_of() {
        let jobs = Arc::new(Jobs::new(Arc::new(ManualClock::new(Timestamp(0)))));
        let mut worker = jobs.worker();
        assert_eq!(worker.step().await, Next::After(IDLE));
        let one = jobs.begin("one", Box::new(Counting(0, None))).expect("begun");
        let two = jobs.begin("two", Box::new(Counting(0, Some(2)))).expect("begun");
        let fault = jobs.begin("one", Box::new(Counting(0, None))).expect_err("it goes on");
        assert_eq!(fault.status, StatusCode::CONFLICT);
        assert!(fault.message.contains(one.id()), "{}", fault.message);
        assert_eq!(worker.step().await, Next::Now);
        let told = jobs.find("one", one.id()).expect("known").json();
        assert_eq!((&told["state"], &told["counted"]), (&json!("running"), &json!(1)));
        while worker.step().await == Next::Now {}
        let told = jobs.find("one", one.id()).expect("known").json();
        assert_eq!((&told["state"], &told["counted"]), (&json!("done"), &json!(3)));
        let told = jobs.find("two", two.id()).expect("known").json();
        assert_eq!((&told["state"], &told["error"]), (&json!("failed"), &json!("it broke")));
        assert_eq!(jobs.find("one", two.id()).expect_err("another kind").status.as_u16(), 404);
        for _ in 0..30 {
            jobs.begin("one", Box::new(Counting(2, None))).expect("begun");
            while worker.step().await == Next::Now {}
        }
        assert!(jobs.all("one").len() <= REMEMBERED);
        assert!(jobs.find("one", one.id()).is_err(), "forgotten");
    }

    struct Endless(u64);

    #[async_trait]
    impl Job for Endless {
        async fn step(&mut self) -> Result<bool, String> {
            if self.0 > 0 {
                std::future::pending::<()>().await;
            }
            self.0 += 1;
            Ok(true)
        }

        fn shown(&self) -> Value {
            json!({ "counted": self.0 })
        }
    }

    #[tokio::test]
    async fn a_job_is_ended_between_its_steps_and_within_one() {
        let jobs = Arc::new(Jobs::new(Arc::new(ManualClock::new(Timestamp(0)))));
        let mut worker = jobs.worker();
        for steps in [0, 1] {
            let told = jobs.begin("one", Box::new(Endless(0))).expect("begun");
            for _ in 0..steps {
                assert_eq!(worker.step().await, Next::Now);
            }
            assert_eq!(jobs.cancel("two", told.id()).expect_err("another kind").status, 404);
            let (ended, asked) = tokio::join!(worker.step(), async {
                tokio::task::yield_now().await;
                jobs.cancel("one", told.id())
            });
            assert_eq!((ended, asked.is_ok()), (Next::Now, true));
            while worker.step().await == Next::Now {}
            let shown = jobs.find("one", told.id()).expect("known").json();
            assert_eq!((&shown["state"], &shown["counted"]), (&json!("cancelled"), &json!(1)));
            assert_eq!(jobs.cancel("one", told.id()).expect_err("over").status, 409);
        }
    }
}
