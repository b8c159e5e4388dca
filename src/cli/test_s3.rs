//! `stowgate test-s3`: tries every permission at every upstream.

use std::fmt::Write as _;

use serde_json::Value;

use super::gateway::{self, GatewayArgs};
use super::output::{OutputArgs, Table, flag, lines, list, plain, text, wrapped};
use super::{Failure, query::Target};

#[derive(Debug, clap::Args)]
pub(super) struct TestS3Args {
    #[command(flatten)]
    gateway: GatewayArgs,
    #[command(flatten)]
    output: OutputArgs,
}

pub(super) fn run(args: &TestS3Args) -> Result<(), Failure> {
    gateway::with(&args.gateway, async |gateway| {
        let answer = gateway.get(Target::new("test-s3").as_str()).await?;
        if answer.json.get("upstreams").is_none() {
            return Err(answer.refusal());
        }
        args.output.style().show(&answer.json, words, |answer| lines(answer, "upstreams"));
        if flag(&answer.json, "ok") {
            return Ok(());
        }
        let said = text(&answer.json, "message");
        let said = if said.is_empty() { "an upstream does not do all it should" } else { said };
        Err(Failure::Failed(said.to_owned()))
    })
}

fn words(answer: &Value) -> String {
    let mut out = String::new();
    for upstream in list(answer, "upstreams") {
        let (name, endpoint) = (text(upstream, "name"), text(upstream, "endpoint"));
        // A text in memory takes all that is written, here and below.
        let _ = writeln!(out, "{name} at {endpoint}, region {}", text(upstream, "region"));
        for bucket in list(upstream, "buckets") {
            let place = [text(bucket, "s3_bucket"), text(bucket, "s3_prefix")].join("/");
            let faults = list(upstream, "faults");
            let mut table = Table::new(&["", "MS", place.trim_end_matches('/')]);
            for (kind, field) in [("permissions", "permission"), ("features", "feature")] {
                for tried in list(bucket, kind) {
                    table.row(row(tried, field, faults));
                }
            }
            let _ = write!(out, "{table}");
        }
        for fault in list(upstream, "faults").iter().filter_map(Value::as_str) {
            out.push_str(&wrapped(&format!("! {}", plain(fault)), 2));
        }
    }
    out
}

/// What fails says why unless one of the faults, which stand below, does.
fn row(tried: &Value, field: &str, faults: &[Value]) -> [String; 3] {
    let verdict = if flag(tried, "ok") { "ok" } else { "FAILS" };
    let latency = tried.get("latency_ms").and_then(Value::as_f64).unwrap_or_default();
    let (name, said) = (text(tried, field), text(tried, "verdict"));
    let below = faults.iter().filter_map(Value::as_str).any(|fault| fault.contains(said));
    let said = if below { name.to_owned() } else { format!("{name}: {}", plain(said)) };
    [verdict.to_owned(), format!("{latency:.1}"), said]
}
