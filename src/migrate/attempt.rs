//! One object: tried until it is moved, left, or given up.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use tokio::time::Instant;

use super::Context;
use super::job::Job;
use super::journal::{End, Entry};
use super::run::REBUILDING;
use super::state::Ask;
use crate::body::Payload;
use crate::object::{ETag, UploadId};
use crate::placement::transfer::{Begun, Lane, Order, Outcome, SentPart, Steps, Trouble};
use crate::store::StoreError;

/// How often an object is tried that is refused or not verified.
const TRIES: u32 = 3;
/// How often one that clients write meanwhile.
const CHANGES: u32 = 6;
/// How often one that the upstream fails, though not with others.
const FAILURES: u32 = 6;
/// How long an upstream that fails altogether is waited for.
const PATIENCE: Duration = Duration::from_mins(15);
/// The first pause, and the longest.
const PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// An object that is to be seen to.
#[derive(Debug, Clone)]
pub(super) struct Work {
    pub(super) line: u64,
    pub(super) order: Order,
    pub(super) size: u64,
    /// During which it goes on.
    pub(super) during: Ask,
}

/// The steps of one object.
pub(super) struct LineSteps {
    context: Arc<Context>,
    job: Arc<Job>,
    line: u64,
    /// During which it goes on.
    during: Ask,
    begun: Mutex<Option<Begun>>,
}

/// How an object was tried so far.
#[derive(Default)]
struct Tried {
    refused: u32,
    changed: u32,
    failed: u32,
    /// Since when the upstream fails, and how many objects had gone well by then.
    away: Option<(Instant, u64)>,
}

impl LineSteps {
    pub(super) fn new(context: &Arc<Context>, job: &Arc<Job>, line: u64, during: Ask) -> Self {
        let begun = Mutex::new(job.seen().uploads.remove(&line));
        let (context, job) = (Arc::clone(context), Arc::clone(job));
        Self { context, job, line, during, begun }
    }

    fn at_hand(&self) -> std::sync::MutexGuard<'_, Option<Begun>> {
        self.begun.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn note(&self, entry: &Entry) -> Result<(), StoreError> {
        self.job.journal.note(entry, true).await.map_err(|source| {
            let doing = "write the journal of a migration".to_owned();
            StoreError::Io { doing, source }
        })
    }
}

/// What was begun is kept for whoever takes the line up again.
impl Drop for LineSteps {
    fn drop(&mut self) {
        if let Some(begun) = self.at_hand().take() {
            self.job.seen().uploads.insert(self.line, begun);
        }
    }
}

#[async_trait]
impl Steps for LineSteps {
    async fn lane(&self) -> Option<Lane> {
        let most = || self.job.lanes(&self.context);
        tokio::select! {
            biased;
            () = self.job.asked_otherwise(self.during) => None,
            lane = self.job.lanes.take(most) => Some(Box::new(lane)),
        }
    }

    async fn turn(&self) {
        self.job.pace.turn().await;
    }

    fn paced(&self, body: Payload) -> Payload {
        let sent = Arc::clone(&self.job.sent);
        self.job.pace.body(body, move |bytes| {
            sent.fetch_add(bytes, Ordering::Relaxed);
        })
    }

    fn begun(&self) -> Option<Begun> {
        self.at_hand().clone()
    }

    async fn begin(&self, id: &UploadId, of: &ETag) -> Result<(), StoreError> {
        let (line, text) = (self.line, id.as_str().to_owned());
        self.note(&Entry::Upload { line, id: text, of: of.clone() }).await?;
        *self.at_hand() = Some(Begun { id: id.clone(), of: of.clone(), parts: Vec::new() });
        Ok(())
    }

    async fn part(&self, part: &SentPart) -> Result<(), StoreError> {
        self.note(&Entry::Part { line: self.line, part: part.clone() }).await?;
        if let Some(begun) = &mut *self.at_hand() {
            begun.parts.push(part.clone());
        }
        Ok(())
    }

    fn end(&self) {
        *self.at_hand() = None;
    }
}

/// Sees to an object; `None` where something else was asked meanwhile, and it is not over.
pub(super) async fn attempt(context: &Arc<Context>, job: &Arc<Job>, work: &Work) -> Option<End> {
    let steps = LineSteps::new(context, job, work.line, work.during);
    let mut order = work.order.clone();
    let mut tried = Tried::default();
    loop {
        let end = match context.transfers.carry_out(&order, &steps).await {
            Ok(Outcome::Moved(moved)) => {
                job.good.fetch_add(1, Ordering::Relaxed);
                job.change(|board| board.waiting = None);
                if steps.begun().is_some() {
                    // Somebody else brought it to its end.
                    give_up(context, &order, &steps).await;
                }
                return Some(End::Moved(moved));
            }
            Ok(Outcome::Skipped(skip)) => Some(End::Skipped(skip)),
            Ok(Outcome::Conflict(why)) => Some(End::Conflict(why)),
            Err(Trouble::Stopped | Trouble::Home(StoreError::Closing)) => return None,
            Err(trouble) => tried.over(job, trouble),
        };
        if let Some(end) = end {
            if order.again {
                give_up(context, &order, &steps).await;
            }
            return Some(end);
        }
        order.again = true;
        let pause = tried.pause(job.good.load(Ordering::Relaxed));
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = job.asked_otherwise(work.during) => return None,
        }
    }
}

/// Ends what was begun of an object that stays where it is.
pub(super) async fn give_up(context: &Context, order: &Order, steps: &LineSteps) {
    if let Err(trouble) = context.transfers.abandon(order, steps).await {
        let (bucket, key) = (&order.at.bucket, &order.at.key);
        tracing::warn!(%bucket, %key, %trouble, "a move was not given up cleanly");
    }
}

impl Tried {
    /// What a trouble comes to; `None` where it is tried again.
    fn over(&mut self, job: &Job, trouble: Trouble) -> Option<End> {
        match trouble {
            Trouble::Changed => {
                self.changed += 1;
                (self.changed >= CHANGES).then_some(End::Busy)
            }
            Trouble::Away(what) => self.away(job, &what),
            Trouble::Home(StoreError::Rebuilding) => {
                job.change(|board| board.waiting = Some(REBUILDING.to_owned()));
                None
            }
            trouble => {
                self.refused += 1;
                (self.refused >= TRIES).then(|| End::Failed(trouble.to_string()))
            }
        }
    }

    /// While the upstream fails with everything, that is nobody's fault.
    fn away(&mut self, job: &Job, what: &str) -> Option<End> {
        let good = job.good.load(Ordering::Relaxed);
        let (since, before) = *self.away.get_or_insert((Instant::now(), good));
        if good > before {
            self.failed += 1;
            self.away = Some((Instant::now(), good));
        }
        let over = self.failed >= FAILURES || since.elapsed() > PATIENCE;
        if over {
            return Some(End::Failed(format!("the upstream failed: {what}")));
        }
        job.change(|board| board.waiting = Some(format!("the upstream fails: {what}")));
        None
    }

    /// How long to wait: a different part of the longest time for each.
    fn pause(&self, salt: u64) -> Duration {
        let times = self.refused + self.changed + self.failed;
        let waits = self.away.map_or(0, |(since, _)| u32::from(since.elapsed() > PAUSE * 4) * 4);
        let longest = PAUSE.saturating_mul(1 << (times + waits).min(5)).min(LONGEST_PAUSE);
        longest.mul_f64(0.5 + f64::from(u8::try_from(salt % 64).unwrap_or(0)) / 128.0)
    }
}
