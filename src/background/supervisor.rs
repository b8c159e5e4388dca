//! Runs workers until they are drained.

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures_util::FutureExt as _;
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::{Next, Worker};

/// How long a worker that panicked is left alone.
const AFTER_PANIC: Duration = Duration::from_mins(1);

/// Owns the tasks of all workers. Dropping it cuts them off.
#[derive(Debug)]
pub struct Supervisor {
    stop: watch::Sender<bool>,
    tasks: JoinSet<()>,
}

impl Default for Supervisor {
    fn default() -> Self {
        Self { stop: watch::Sender::new(false), tasks: JoinSet::new() }
    }
}

impl Supervisor {
    /// Starts calling `worker`. Needs a tokio runtime.
    pub fn start(&mut self, worker: impl Worker + 'static) {
        self.tasks.spawn(run(worker, self.stop.subscribe()));
    }

    /// Lets every worker finish the step that it is in, for `limit` at most.
    pub async fn drain(mut self, limit: Duration) {
        self.stop.send_replace(true);
        let finished = async { while self.tasks.join_next().await.is_some() {} };
        if tokio::time::timeout(limit, finished).await.is_err() {
            tracing::warn!(workers = self.tasks.len(), "cutting off workers that are still busy");
        }
        self.tasks.shutdown().await;
    }
}

async fn run(mut worker: impl Worker, mut stop: watch::Receiver<bool>) {
    while !*stop.borrow() {
        let pause = match AssertUnwindSafe(worker.step()).catch_unwind().await {
            Ok(Next::Now) => Duration::ZERO,
            Ok(Next::After(pause)) => pause,
            Ok(Next::Done) => return,
            Err(_) => {
                tracing::error!(worker = worker.name(), "a background worker panicked");
                AFTER_PANIC
            }
        };
        if pause.is_zero() {
            // A worker with much to do leaves room for others.
            tokio::task::yield_now().await;
        } else {
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                _ = stop.wait_for(|stop| *stop) => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use async_trait::async_trait;
    use tokio::sync::Notify;

    use super::*;

    struct Script {
        steps: Vec<Result<Next, ()>>,
        done: Arc<AtomicUsize>,
    }

    #[async_trait]
    impl Worker for Script {
        fn name(&self) -> &'static str {
            "script"
        }

        async fn step(&mut self) -> Next {
            self.done.fetch_add(1, Ordering::SeqCst);
            self.steps.pop().unwrap_or(Ok(Next::Done)).expect("the script says to panic")
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_worker_is_called_again_as_it_says_even_after_a_panic() {
        let done = Arc::new(AtomicUsize::new(0));
        let steps = vec![Err(()), Ok(Next::After(Duration::from_secs(9))), Ok(Next::Now)];
        let start = tokio::time::Instant::now();
        let stop = watch::Sender::new(false);
        run(Script { steps, done: Arc::clone(&done) }, stop.subscribe()).await;
        assert_eq!(done.load(Ordering::SeqCst), 4);
        assert_eq!(start.elapsed().as_secs(), 9 + AFTER_PANIC.as_secs());
    }

    struct Slow(Arc<Notify>, Arc<AtomicUsize>);

    #[async_trait]
    impl Worker for Slow {
        fn name(&self) -> &'static str {
            "slow"
        }

        async fn step(&mut self) -> Next {
            self.0.notify_one();
            tokio::time::sleep(Duration::from_secs(5)).await;
            self.1.fetch_add(1, Ordering::SeqCst);
            Next::After(Duration::from_hours(1))
        }
    }

    #[tokio::test(start_paused = true)]
    async fn draining_waits_for_the_step_under_way_and_no_longer() {
        for (limit, finished) in [(30, 1), (2, 0)] {
            let (begun, done) = (Arc::new(Notify::new()), Arc::new(AtomicUsize::new(0)));
            let mut supervisor = Supervisor::default();
            supervisor.start(Slow(Arc::clone(&begun), Arc::clone(&done)));
            begun.notified().await;
            supervisor.drain(Duration::from_secs(limit)).await;
            assert_eq!(done.load(Ordering::SeqCst), finished);
        }
    }
}
