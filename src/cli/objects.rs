//! `stowgate objects`: where one object is, and what became of it.

use std::fmt::Write as _;

use serde_json::Value;

use super::gateway::{self, GatewayArgs};
use super::output::{OutputArgs, bytes, number, plain, text};
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
        let answer = gateway.get(target.as_str()).await?.done()?;
        args.output.style().show(&answer, words, |answer| vec![answer.clone()]);
        Ok(())
    })
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
    out
}
