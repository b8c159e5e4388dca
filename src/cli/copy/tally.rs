//! What copying came to so far: told as it goes, and summed up at the end.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::watch;

use super::super::interrupt::Interrupt;
use super::super::output::{bytes, count, plain};
use super::super::progress::{Progress, Reached};
use super::super::{Failure, say};
use super::{Outcome, Style};

/// How many failures the summary names.
const NAMED: usize = 1000;
/// How long what is under way may take to end after an interruption.
const ENDING: Duration = Duration::from_secs(10);
/// How often is told how far it is.
const LOOK: Duration = Duration::from_millis(200);

/// The sums.
pub(super) struct Tally {
    what: &'static str,
    style: Style,
    verbose: bool,
    progress: Progress,
    copied: AtomicU64,
    copied_bytes: AtomicU64,
    same: AtomicU64,
    left: AtomicU64,
    failed: AtomicU64,
    /// Bytes that have gone, those of files under way included.
    pub(super) sent: Arc<AtomicU64>,
    /// Files and bytes there are, once they have been counted.
    total: Mutex<Option<(u64, u64)>>,
    failures: Mutex<Vec<Value>>,
    stop: watch::Sender<bool>,
}

impl Tally {
    /// Begins at nothing; `what` is done.
    pub(super) fn new(what: &'static str, style: Style, verbose: bool) -> Self {
        Self {
            what,
            style,
            verbose,
            progress: Progress::new(style, what),
            copied: AtomicU64::default(),
            copied_bytes: AtomicU64::default(),
            same: AtomicU64::default(),
            left: AtomicU64::default(),
            failed: AtomicU64::default(),
            sent: Arc::default(),
            total: Mutex::default(),
            failures: Mutex::default(),
            stop: watch::Sender::new(false),
        }
    }

    /// How many files there are, and of how many bytes.
    fn expect(&self, files: u64, bytes: u64) {
        *self.total.lock().unwrap_or_else(PoisonError::into_inner) = Some((files, bytes));
    }

    /// Counts what a file of `size` bytes came to, and tells of it where that is wanted.
    pub(super) fn add(&self, path: &str, size: u64, outcome: Outcome) {
        let (counter, event, reason) = match outcome {
            Outcome::Copied(bytes) => {
                self.copied_bytes.fetch_add(bytes, Ordering::Relaxed);
                (&self.copied, "copied", None)
            }
            Outcome::Same => {
                self.sent.fetch_add(size, Ordering::Relaxed);
                (&self.same, "skipped", Some("it is there already".to_owned()))
            }
            Outcome::Left(reason) => (&self.left, "left_out", Some(reason.to_owned())),
            Outcome::Failed(reason) => (&self.failed, "failed", Some(reason)),
        };
        counter.fetch_add(1, Ordering::Relaxed);
        let line = json!({ "event": event, "path": path, "reason": reason });
        if self.verbose || matches!(event, "left_out" | "failed") {
            match self.style {
                Style::Sentences => {
                    let reason = reason.map(|reason| format!(": {}", plain(&reason)));
                    let event = event.replace('_', " ");
                    let reason = reason.unwrap_or_default();
                    self.progress.note(&format!("{event} {}{reason}", plain(path)));
                }
                Style::Lines => say(&line),
                Style::Whole => {}
            }
        }
        if event == "failed" {
            let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
            if failures.len() < NAMED {
                failures.push(line);
            }
        }
        self.tell();
    }

    fn tell(&self) {
        let get = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let total = *self.total.lock().unwrap_or_else(PoisonError::into_inner);
        let seen = get(&self.copied) + get(&self.same) + get(&self.failed);
        let reached = Reached {
            objects: (seen, total.map(|(files, _)| files)),
            bytes: (get(&self.sent), total.map(|(_, bytes)| bytes)),
            errors: get(&self.failed),
        };
        self.progress.tell(&reached, || {
            let mut line = self.sums();
            if let Some(fields) = line.as_object_mut() {
                fields.insert("event".to_owned(), "progress".into());
                fields.insert("sent_bytes".to_owned(), get(&self.sent).into());
                fields.insert("total".to_owned(), total.map(|(files, _)| files).into());
                fields.insert("total_bytes".to_owned(), total.map(|(_, bytes)| bytes).into());
            }
            line
        });
    }

    /// Waits for `copying`, while `counting` finds out how much there is and somebody looks on. Says
    /// whether it was interrupted, which ends it.
    pub(super) async fn while_counting(
        &self,
        counting: impl Future<Output = Option<(u64, u64)>>,
        copying: impl Future<Output = ()>,
        mut interrupt: Interrupt,
    ) -> bool {
        let looking_on = async {
            if let Some((files, bytes)) = counting.await {
                self.expect(files, bytes);
            }
            loop {
                self.tell();
                tokio::time::sleep(LOOK).await;
            }
        };
        tokio::pin!(copying);
        tokio::select! {
            () = &mut copying => return false,
            () = looking_on => return false,
            () = interrupt.came() => {}
        }
        self.stop.send_replace(true);
        // What is under way ends, or is given up so that nothing is left of it.
        let _ = tokio::time::timeout(ENDING, copying).await;
        true
    }

    /// Done once it is interrupted.
    pub(super) fn stopped(&self) -> impl Future<Output = ()> + use<> {
        let mut stop = self.stop.subscribe();
        async move {
            if stop.wait_for(|stop| *stop).await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    }

    fn sums(&self) -> Value {
        let get = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        json!({
            "copied": get(&self.copied),
            "copied_bytes": get(&self.copied_bytes),
            "skipped": get(&self.same),
            "left_out": get(&self.left),
            "failed": get(&self.failed),
        })
    }

    /// Tells what it came to. Anything that failed is a failure, and so is an interruption.
    pub(super) fn finish(&self, interrupted: bool) -> Result<(), Failure> {
        self.progress.finish();
        let mut sums = self.sums();
        if let Some(fields) = sums.as_object_mut() {
            fields.insert("event".to_owned(), "finished".into());
            fields.insert("interrupted".to_owned(), interrupted.into());
            if self.style == Style::Whole {
                let failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
                fields.insert("failures".to_owned(), failures.clone().into());
            }
        }
        let get = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let failed = get(&self.failed);
        match self.style {
            Style::Sentences => say(format_args!(
                "{}: {} copied ({}), {} there already, {} left out, {failed} failed",
                self.what,
                count(get(&self.copied), "file"),
                bytes(get(&self.copied_bytes)),
                get(&self.same),
                get(&self.left),
            )),
            Style::Lines | Style::Whole => say(sums),
        }
        match (interrupted, failed) {
            (true, _) => Err(Failure::Failed("interrupted; run it again to go on".to_owned())),
            (false, 0) => Ok(()),
            (false, failed) => Err(Failure::Failed(format!("{} failed", count(failed, "file")))),
        }
    }
}
