//! What runs migrations beside everything else.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::Migrations;
use super::run::run;
use crate::background::{Next, Worker};

/// The longest that a step waits.
const IDLE: Duration = Duration::from_millis(500);
/// How often it is looked for what has become too old.
const OFTEN: Duration = Duration::from_hours(1);

/// Runs every migration that has to be worked on, all at once. Dropped, it cuts them off; they go
/// on with the next start.
pub struct Engine {
    migrations: Arc<Migrations>,
    running: BTreeSet<String>,
    tasks: JoinSet<String>,
    /// When it was last looked for what is to be forgotten.
    pruned: Option<Instant>,
}

impl Engine {
    pub(super) fn new(migrations: Arc<Migrations>) -> Self {
        Self { migrations, running: BTreeSet::new(), tasks: JoinSet::new(), pruned: None }
    }

    fn start_new(&mut self) {
        for job in self.migrations.active() {
            if self.running.insert(job.id.clone()) {
                let context = Arc::clone(self.migrations.context());
                self.tasks.spawn(async move {
                    let id = job.id.clone();
                    run(context, job).await;
                    id
                });
            }
        }
    }
}

#[async_trait]
impl Worker for Engine {
    fn name(&self) -> &'static str {
        "migrations"
    }

    async fn step(&mut self) -> Next {
        if self.pruned.is_none_or(|at| at.elapsed() > OFTEN) {
            self.migrations.prune().await;
            self.pruned = Some(Instant::now());
        }
        let migrations = Arc::clone(&self.migrations);
        let mut ordered = std::pin::pin!(migrations.ordered());
        ordered.as_mut().enable();
        self.start_new();
        let ended = tokio::select! {
            ended = self.tasks.join_next(), if !self.tasks.is_empty() => ended,
            () = ordered => None,
            () = tokio::time::sleep(IDLE) => None,
        };
        match ended {
            Some(Ok(id)) => {
                self.running.remove(&id);
                self.migrations.prune().await;
            }
            Some(Err(error)) if error.is_panic() => {
                tracing::error!(%error, "a migration panicked; it goes on with the next start");
            }
            _ => {}
        }
        Next::Now
    }
}

impl fmt::Debug for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Engine").field("running", &self.running).finish_non_exhaustive()
    }
}
