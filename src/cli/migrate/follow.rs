//! Following a migration to its end, through restarts of the gateway.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::Instant;

use super::super::gateway::Gateway;
use super::super::interrupt::Interrupt;
use super::super::output::{Style, count, number, plain, text};
use super::super::progress::{Progress, Reached};
use super::super::query::Target;
use super::super::{Failure, say};
use super::{id, words};
use crate::object::percent::{Slash, encode};

/// How often it is asked for.
const PAUSE: Duration = Duration::from_millis(250);
/// How long the gateway may be away.
const ABSENCE: Duration = Duration::from_mins(1);

/// Shows how far it is until it ends, then what came of it. Failed objects are a failure, and those
/// in conflict one of its own. Being interrupted ends the showing alone.
pub(super) async fn to_its_end(
    gateway: &Gateway,
    migration: Value,
    style: Style,
) -> Result<(), Failure> {
    let own = id(&migration).to_owned();
    let mut interrupt = Interrupt::heed()?;
    let ended = tokio::select! {
        ended = watch(gateway, migration, style) => ended?,
        () = interrupt.came() => {
            let how = if gateway.is_own() {
                "goes on when a gateway serves this store, or with"
            } else {
                "goes on. See how far it is, or end it:"
            };
            let cancel = format!("\n  stowgate migrate cancel {own}");
            let cancel = if gateway.is_own() { "" } else { &cancel };
            let line = format!(
                "the migration {own} {how}\n  stowgate migrate follow {own}{cancel}"
            );
            say_aside(style, &line);
            return Ok(());
        }
    };
    style.show(&ended, words::whole, |ended| vec![json!({ "event": "ended", "migration": ended })]);
    verdict(&ended)
}

async fn watch(gateway: &Gateway, mut migration: Value, style: Style) -> Result<Value, Failure> {
    let target = Target::new(&format!("migrations/{}", encode(id(&migration), Slash::Encode)));
    if is_over(&migration) {
        return Ok(migration);
    }
    let progress = Progress::new(style, &label(&migration));
    let (mut seen, mut waits) = (Instant::now(), String::new());
    while !is_over(&migration) {
        progress.name(&label(&migration));
        let why = text(&migration, "waiting");
        if !why.is_empty() && why != waits {
            progress.note(&format!("waits: {}", plain(why)));
            why.clone_into(&mut waits);
        }
        progress
            .tell(&reached(&migration), || json!({ "event": "progress", "migration": migration }));
        tokio::time::sleep(PAUSE).await;
        match gateway.get(target.as_str()).await {
            Ok(answer) if answer.status.as_u16() == 503 && seen.elapsed() < ABSENCE => {}
            Ok(answer) => {
                migration = answer.done()?;
                seen = Instant::now();
            }
            // It is started again, perhaps.
            Err(Failure::Unreachable(_) | Failure::NoGateway(_)) if seen.elapsed() < ABSENCE => {}
            Err(failure) => return Err(failure),
        }
    }
    progress.name(&label(&migration));
    progress.tell(&reached(&migration), || json!({ "event": "progress", "migration": migration }));
    progress.finish();
    Ok(migration)
}

fn is_over(migration: &Value) -> bool {
    matches!(text(migration, "state"), "done" | "failed" | "cancelled" | "rolled_back")
}

fn label(migration: &Value) -> String {
    let state = text(migration, "state").replace('_', " ");
    let shown = match migration.get("waiting").and_then(Value::as_str) {
        Some(_) => "waiting".to_owned(),
        None => state,
    };
    format!("{shown:<9}")
}

/// How far it is; once it is taken back, how far that is.
fn reached(migration: &Value) -> Reached {
    let empty = Value::Null;
    let progress = migration.get("progress").unwrap_or(&empty);
    let planned = migration.get("planned").map(|planned| number(planned, "bytes"));
    let back = migration.get("rollback").filter(|back| back.is_object());
    let counts = back.unwrap_or(progress);
    let seen = ["moved", "skipped", "conflicts", "failed"].map(|field| number(counts, field));
    let objects = match back {
        Some(_) => number(progress, "moved"),
        None => number(progress, "objects"),
    };
    let total = match back {
        Some(_) => Some(number(progress, "moved_bytes")),
        None => planned,
    };
    let moved = number(counts, "moved_bytes");
    let sent = if back.is_some() { 0 } else { number(progress, "sent_bytes") };
    let bytes = match total {
        Some(total) if is_over(migration) => total,
        Some(total) => moved.max(sent.min(total)),
        None => moved,
    };
    let known = migration.get("planned").is_some() && objects > 0;
    Reached {
        objects: (seen.iter().sum(), known.then_some(objects)),
        bytes: (bytes, total),
        errors: number(counts, "failed"),
    }
}

fn verdict(migration: &Value) -> Result<(), Failure> {
    let own = id(migration);
    if text(migration, "state") == "failed" {
        let why = migration.get("error").map_or("", |error| text(error, "message"));
        return Err(Failure::Failed(format!("the migration {own} failed: {why}")));
    }
    let counts = migration.get("rollback").filter(|it| it.is_object());
    let counts = counts.or_else(|| migration.get("progress"));
    let of = |outcome| counts.map_or(0, |counts| number(counts, outcome));
    match (of("failed"), of("conflicts")) {
        (0, 0) => Ok(()),
        (0, conflicts) => Err(Failure::Conflicts(format!(
            "{} left where the target has another one; see `stowgate migrate report {own} \
             --outcome conflict`",
            count(conflicts, "object")
        ))),
        (failed, _) => Err(Failure::Failed(format!(
            "{} failed; see `stowgate migrate report {own} --outcome failed`, and try them again \
             with --failed-of {own}",
            count(failed, "object")
        ))),
    }
}

fn say_aside(style: Style, line: &str) {
    match style {
        Style::Sentences => say(line),
        Style::Lines | Style::Whole => say(json!({ "event": "interrupted", "message": line })),
    }
}
