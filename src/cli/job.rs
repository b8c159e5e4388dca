//! Following a job of the side API, such as a verification, until it ends; an interruption ends the
//! job.

use std::time::Duration;

use serde_json::{Value, json};

use super::Failure;
use super::gateway::Gateway;
use super::interrupt::Interrupt;
use super::output::{Style, text};
use super::progress::{Progress, Reached};

/// How often a job is asked how far it is, at first and at last.
const SOON: Duration = Duration::from_millis(50);
const LATER: Duration = Duration::from_secs(1);

/// Waits until the job at `target` has ended, and answers it as it then is.
pub(super) async fn follow(
    gateway: &Gateway,
    target: &str,
    mut job: Value,
    style: Style,
    reached: impl Fn(&Value) -> Reached,
) -> Result<Value, Failure> {
    let progress = Progress::new(style, text(&job, "kind"));
    let mut pause = SOON;
    let (mut interrupt, mut interrupted) = (Interrupt::heed()?, false);
    while text(&job, "state") == "running" {
        progress.tell(&reached(&job), || json!({ "event": "progress", "job": brief(&job) }));
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = interrupt.came(), if !interrupted => {
                interrupted = true;
                // One that has just ended refuses, and is seen to have ended below.
                gateway.post(&format!("{target}/cancel")).await?;
            }
        }
        pause = (pause * 2).min(LATER);
        job = gateway.get(target).await?.done()?;
    }
    progress.finish();
    Ok(job)
}

/// Whether it did all it was to do.
pub(super) fn ended(job: &Value) -> Result<(), Failure> {
    let name = match text(job, "kind") {
        "cleanup" => "clean-up",
        "compact" => "compaction",
        "verify" => "verification",
        kind => kind,
    };
    let why = text(job, "error");
    match text(job, "state") {
        "done" => Ok(()),
        "cancelled" => Err(Failure::Failed(format!("the {name} was ended before its time"))),
        "interrupted" => Err(Failure::Failed(format!("the {name} was interrupted: {why}"))),
        _ => Err(Failure::Failed(format!("the {name} failed: {why}"))),
    }
}

/// Without what can be long.
fn brief(job: &Value) -> Value {
    let mut job = job.clone();
    if let Some(fields) = job.as_object_mut() {
        fields.retain(|_, value| !value.is_array());
    }
    job
}
