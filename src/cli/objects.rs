//! `stowgate objects`: where one object is, and what became of it.

use std::fmt::Write as _;

use serde_json::Value;

use super::gateway::{self, GatewayArgs};
use super::output::{OutputArgs, bytes, flag, list, moment, number, plain, text, wrapped};
use super::query::Target;
use super::{Failure, output};
use crate::object::percent::{Slash, encode};

#[derive(Debug, clap::Args)]
pub(super) struct ObjectsArgs {
    /// Its bucket
    bucket: String,
    /// Its key
    key: String,
    #[command(flatten)]
    gateway: GatewayArgs,
    #[command(flatten)]
    output: OutputArgs,
}

pub(super) fn run(args: &ObjectsArgs) -> Result<(), Failure> {
    gateway::with(&args.gateway, async |gateway| {
        let (bucket, key) = (encode(&args.bucket, Slash::Encode), encode(&args.key, Slash::Keep));
        let target = Target::new(&format!("objects/{bucket}/{key}"));
        let answer = gateway.get(target.as_str()).await?;
        let style = args.output.style();
        if list(&answer.json, "history").is_empty() {
            style.show(&answer.done()?, words, |answer| vec![answer.clone()]);
            return Ok(());
        }
        // What is known of an object that is gone is told before that it is.
        let there = answer.status.is_success();
        let words = if there { words } else { history };
        style.show(&answer.json, words, |answer| vec![answer.clone()]);
        answer.done().map(drop)
    })
}

/// What became of it, the newest first.
fn history(object: &Value) -> String {
    let mut out = "history\n".to_owned();
    for event in list(object, "history") {
        let (what, detail) = (text(event, "event").replace('_', " "), text(event, "detail"));
        let what = if detail.is_empty() { what } else { format!("{what}: {}", plain(detail)) };
        let when = moment(text(event, "at"));
        out.push_str(&wrapped(&format!("  {when}  {what}"), 23));
        let by = match text(event, "source") {
            "cleanup" => "clean-up",
            "migration" => "migration",
            _ => continue,
        };
        let _ = writeln!(out, "{:23}by the {by} {}", "", text(event, "id"));
    }
    if !flag(object, "history_complete") {
        out.push_str("there is more: the journals are longer than what is read of them\n");
    }
    out
}

fn words(object: &Value) -> String {
    let place = match text(object, "storage_backend") {
        "s3" => format!("upstream, as {}/{}", text(object, "s3_bucket"), text(object, "s3_key")),
        _ => "on this disk".to_owned(),
    };
    let size = number(object, "size");
    let mut out = format!(
        "{}/{}\n  {}\n  {} ({size} bytes), ETag {}\n  last modified {}\n",
        text(object, "bucket"),
        plain(text(object, "key")),
        plain(&place),
        bytes(size),
        text(object, "etag"),
        text(object, "last_modified"),
    );
    for (field, title) in [("company", "company"), ("type", "type")] {
        if let Some(value) = object.get(field).and_then(Value::as_str) {
            let _ = writeln!(out, "  {title} {}", plain(value));
        }
    }
    if let Some(waiting) = object.get("waiting").filter(|waiting| waiting.is_object()) {
        let attempts = output::count(number(waiting, "attempts"), "attempt");
        let (task, since) = (text(waiting, "task"), text(waiting, "since"));
        let _ = writeln!(out, "  waits since {since} for its {task} upstream, {attempts}");
        if let Some(why) = waiting.get("given_up").and_then(Value::as_str) {
            let _ = writeln!(out, "  given up: {}", plain(why));
        }
    }
    if !list(object, "history").is_empty() {
        let _ = write!(out, "{}", history(object));
    }
    out
}
