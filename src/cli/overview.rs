//! `stowgate info`: what the gateway is, where its buckets are, and how it does.

use std::fmt::Write as _;

use serde_json::Value;

use super::gateway::{self, GatewayArgs};
use super::output::{OutputArgs, bytes, count, list, number, plain, text, wrapped};
use super::{Failure, query::Target};

#[derive(Debug, clap::Args)]
pub(super) struct InfoArgs {
    #[command(flatten)]
    gateway: GatewayArgs,
    #[command(flatten)]
    output: OutputArgs,
}

pub(super) fn run(args: &InfoArgs) -> Result<(), Failure> {
    gateway::with(&args.gateway, async |gateway| {
        let answer = gateway.get(Target::new("info").as_str()).await?.done()?;
        args.output.style().show(&answer, words, |answer| vec![answer.clone()]);
        Ok(())
    })
}

fn words(info: &Value) -> String {
    let mut out = format!(
        "stowgate {}, {}, up for {}\n",
        text(info, "version"),
        text(info, "state"),
        indicatif::HumanDuration(std::time::Duration::from_secs(number(info, "uptime_seconds"))),
    );
    for (name, title) in [("local", "on this disk"), ("s3", "upstream")] {
        if let Some(held) = info.get("by_backend").and_then(|held| held.get(name)) {
            let (objects, size) = (number(held, "objects"), number(held, "bytes"));
            let _ = writeln!(out, "{title}: {} in {}", bytes(size), count(objects, "object"));
        }
    }
    if let Some(disk) = info.get("disk") {
        let (free, total) = (number(disk, "free_bytes"), number(disk, "total_bytes"));
        let _ = writeln!(out, "disk: {} of {} free", bytes(free), bytes(total));
        if let Some(fault) = disk.get("error").and_then(Value::as_str) {
            let _ = writeln!(out, "disk: {fault}");
        }
    }
    if let Some(keys) = info.get("encryption").filter(|keys| !list(keys, "in_use").is_empty()) {
        let in_use = list(keys, "in_use").iter().filter_map(Value::as_str);
        let in_use = in_use.collect::<Vec<_>>().join(", ");
        let _ = writeln!(out, "master keys: {} active, {in_use} in use", text(keys, "active"));
    }
    if let Some(spool) = info.get("spool").filter(|spool| spool.is_object()) {
        let (waiting, size) = (number(spool, "waiting"), number(spool, "bytes"));
        let dead = number(spool, "dead_letters");
        let waiting = count(waiting, "key");
        let _ = writeln!(out, "spool: {waiting} waiting ({}), {dead} given up", bytes(size));
    }
    let _ = write!(out, "{}{}", buckets(info), upstreams(info));
    out
}

fn buckets(info: &Value) -> String {
    let mut out = String::new();
    for bucket in list(info, "buckets") {
        let _ = writeln!(out, "\nbucket {}, mode {}", text(bucket, "name"), text(bucket, "mode"));
        out.push_str(&wrapped(&format!("  {}", plain(text(bucket, "state"))), 2));
    }
    out
}

fn upstreams(info: &Value) -> String {
    let mut out = String::new();
    for upstream in list(info, "upstreams") {
        let [name, endpoint, region, breaker] =
            ["name", "endpoint", "region", "breaker"].map(|field| text(upstream, field));
        let endpoint = if endpoint.is_empty() { "AWS" } else { endpoint };
        let does = match breaker {
            "closed" => "answers",
            "open" => "fails",
            _ => "is tried whether it is back",
        };
        let _ = writeln!(out, "\nupstream {name} {does}\n  at {endpoint}, region {region}");
        let error = upstream.get("last_error").map_or("", |error| text(error, "message"));
        if !error.is_empty() {
            out.push_str(&wrapped(&format!("  last error: {}", plain(error)), 4));
        }
    }
    out
}
